//! Rooms that no server uses just now: each thread keeps a few.
//!
//! Most callbacks are done when they have been polled once, so a room is in use for an instant. Were it kept by its server, a
//! server that waits would hold the room of a callback that it may never run again.

use std::any::Any;
use std::cell::RefCell;
use std::pin::Pin;

use super::work::{Work, room};
use crate::server::GenServer;
use crate::sync::thread_local;

/// For how many types of server a thread keeps a room. Servers that call one another on one thread are few.
const KEPT: usize = 4;

type Room<S> = Pin<Box<dyn Work<S>>>;

/// The room for one type of server, if it is not in use.
struct Peg<S: GenServer>(Option<Room<S>>);

struct Pegs {
    pegs: [Option<Box<dyn Any>>; KEPT],
    /// Which peg is the next to be given to another type.
    next: usize,
}

thread_local! {
    static PEGS: RefCell<Pegs> = const { RefCell::new(Pegs { pegs: [const { None }; KEPT], next: 0 }) };
}

impl Pegs {
    #[inline]
    fn find<S: GenServer>(&mut self) -> Option<&mut Peg<S>> {
        self.pegs.iter_mut().flatten().find_map(|peg| peg.downcast_mut())
    }

    #[cold]
    fn hang(&mut self, peg: Box<dyn Any>) {
        self.pegs[self.next] = Some(peg);
        self.next = (self.next + 1) % KEPT;
    }
}

/// An empty room for a callback of `S`.
#[inline]
pub(super) fn take<S: GenServer>() -> Room<S> {
    // A thread that is ending has no pegs any more, and makes do without.
    let spare = PEGS.try_with(|pegs| pegs.borrow_mut().find::<S>().and_then(|peg| peg.0.take()));
    spare.ok().flatten().unwrap_or_else(room)
}

/// Keeps a room that is empty again.
#[inline]
pub(super) fn keep<S: GenServer>(spare: Room<S>) {
    // What is taken down from a peg is empty, so nothing of a user's is dropped in here.
    let _ = PEGS.try_with(|pegs| {
        let mut pegs = pegs.borrow_mut();
        match pegs.find::<S>() {
            Some(peg) => peg.0 = Some(spare),
            None => pegs.hang(Box::new(Peg(Some(spare)))),
        }
    });
}
