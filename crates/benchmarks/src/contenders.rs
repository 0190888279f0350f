//! Which subjects there are, behind one trait, whatever language they are written in.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::path::Path;
use std::time::Duration;

use crate::allocations::{self, Allocations, Counting};
use crate::fairness;
use crate::memory;
use crate::subjects::{
    Subject, World,
    actix::Actix,
    erlang::Erlang,
    genserver::Ours,
    kameo::Kameo,
    ractor::Ractor,
    raw::{Raw, RawTimeout},
    xtra::Xtra,
};
use crate::workloads::Shape;

/// The subject that every other is compared with.
pub const BASE: &str = "raw";

/// The subject that all this is about.
pub const OURS: &str = "genserver";

/// A column of the tables.
pub trait Contender: Debug {
    /// Its name in the tables and on the command line.
    fn id(&self) -> &'static str;

    /// How long `ops` operations of that shape take.
    fn time(&mut self, world: World, shape: Shape, ops: u64) -> Duration;

    /// How many bytes so many idle servers add to the process they live in.
    fn idle_bytes(&mut self, servers: usize) -> Option<u64>;

    /// What messages allocate, where that can be seen.
    fn allocations(&mut self, counting: Counting) -> Option<Allocations>;

    /// How late the last hundredth of a ticker's ticks is beside a task that calls in a tight loop.
    fn lateness(&mut self, ticks: u32) -> Option<Duration>;
}

/// Every subject that can be had here, in the order of the columns.
pub fn all(scratch: &Path) -> Vec<Box<dyn Contender>> {
    let mut contenders: Vec<Box<dyn Contender>> = vec![
        Box::new(Native::<Raw<0>>::new()),
        Box::new(Native::<Raw<1>>::new()),
        Box::new(Native::<RawTimeout>::new()),
        Box::new(Native::<Xtra>::new()),
        Box::new(Native::<Ractor>::new()),
        Box::new(Native::<Kameo>::new()),
        Box::new(Native::<Actix>::new()),
        Box::new(Native::<Ours>::new()),
    ];
    if let Some(erlang) = Erlang::find(scratch) {
        contenders.push(Box::new(erlang));
    }
    contenders
}

/// A subject written in Rust.
#[derive(Debug)]
struct Native<S>(PhantomData<S>);

impl<S> Native<S> {
    fn new() -> Self {
        Self(PhantomData)
    }
}

impl<S: Subject + Debug> Contender for Native<S> {
    fn id(&self) -> &'static str {
        S::ID
    }

    fn time(&mut self, world: World, shape: Shape, ops: u64) -> Duration {
        S::run(world, async move {
            // The first operations of a fresh runtime pay for its threads.
            shape.run::<S>(shape.share(ops / 16)).await;
            shape.run::<S>(ops).await
        })
    }

    fn idle_bytes(&mut self, servers: usize) -> Option<u64> {
        S::run(World::OneThread, memory::idle::<S>(servers))
    }

    fn allocations(&mut self, counting: Counting) -> Option<Allocations> {
        Some(S::run(World::OneThread, allocations::steady::<S>(counting)))
    }

    fn lateness(&mut self, ticks: u32) -> Option<Duration> {
        Some(S::run(World::OneThread, fairness::beside_a_caller::<S>(ticks)))
    }
}
