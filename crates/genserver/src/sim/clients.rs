//! The clients of a test: processes whose code borrows from the test, and that have their own place in the order of steps.
//!
//! Their futures lie in the one that [`Sim::clients`] returns, so they end with it. For the order each is a task with a number and
//! a waker of its own:
//!
//! 1. When such a task is chosen, its number is entered in `Turns`, and the test is polled. Only clients that are entered there are
//!    polled by `clients`.
//! 2. The future of `clients` may lie in another that polls it only if it was woken. So it is woken, too; but that does not make the
//!    test ready, or each step of a client would be followed by a step of the test in which nothing happens.
//! 3. The test goes on in a step of its own when the last client has ended.

use std::future::Future;
use std::ops::Range;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use futures::future::{Either, select};

use crate::node::current;
use crate::{Never, Probe, poll_alive};

use super::simulation::Sim;
use super::world::World;

impl Sim<'_> {
    /// Runs so many clients at once, and returns what each of them returns, in the order of their numbers.
    ///
    /// Each client is a process of its own, and each of its steps is a step of the simulation. Unlike a task it may borrow from the
    /// test.
    ///
    /// A client may be linked to others. If an exit ends it, the test fails, as it does when an exit ends the test itself.
    ///
    /// # Panics
    ///
    /// If a client panics, with its message, or if an exit ends one.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, all clients are, where they await something.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::sim;
    ///
    /// sim::check(async |sim| {
    ///     let counter = sim.start_supervised(genserver::start_link::<Counter>(0)).await;
    ///     let added: Vec<u64> = sim
    ///         .clients(3, async |client| {
    ///             let more = client.draw(1..10);
    ///             counter.cast(Add(more)).unwrap();
    ///             // The others may have added more by now.
    ///             assert!(counter.call(Call::Get).await.unwrap() >= more);
    ///             more
    ///         })
    ///         .await;
    ///     assert_eq!(counter.call(Call::Get).await, Ok(added.iter().sum()));
    /// });
    /// ```
    pub async fn clients<T>(&self, count: usize, body: impl AsyncFn(Client) -> T) -> Vec<T> {
        let first_stream = self.world.turns.lock().begin(count as u64);
        let begin = |number| {
            let client = Client { world: Arc::clone(self.world), number, stream: first_stream + number as u64 };
            let task = self.world.add(None);
            Running { task, waker: self.world.waker(task), stage: Stage::Runs(Box::pin(self.client(client, &body))) }
        };
        Running::all(self.world, (0..count).map(begin).collect()).await
    }

    /// Runs a client to its end.
    async fn client<T>(&self, client: Client, body: &impl AsyncFn(Client) -> T) -> T {
        let label = format!("client {}", client.number);
        let process = Probe::<Never>::labelled(self.test.node(), label.as_str().into());
        let ended = process.process_ref().ended();
        // In the scope from its first line on.
        let body = pin!(process.scope(async { body(client).await }));
        match select(ended, body).await {
            Either::Left((reason, _)) => panic!("{label} was ended by an exit: {reason}"),
            Either::Right((value, _)) => value,
        }
    }
}

/// A client of a simulation, as its own code sees it: see [`Sim::clients`].
///
/// What it draws follows from the seed and its number, and does not depend on what other clients draw.
#[derive(Debug)]
pub struct Client {
    world: Arc<World>,
    number: usize,
    stream: u64,
}

impl Client {
    /// Its number, which is less than the number of clients. Zero is the first.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// Draws a number of the range: as [`Sim::draw`].
    ///
    /// # Panics
    ///
    /// If the range is empty.
    #[must_use]
    #[track_caller]
    pub fn draw(&self, range: Range<u64>) -> u64 {
        self.world.draw(self.stream, range)
    }

    /// Draws one of several values: as [`Sim::pick`].
    ///
    /// # Panics
    ///
    /// If there is none.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::sim;
    ///
    /// sim::check(async |sim| {
    ///     let names = ["milk", "eggs"];
    ///     sim.clients(2, async |client| {
    ///         let name = client.pick(&names);
    ///         assert!(names.contains(name));
    ///     })
    ///     .await;
    /// });
    /// ```
    #[must_use]
    #[track_caller]
    pub fn pick<'a, T>(&self, values: &'a [T]) -> &'a T {
        self.world.pick(self.stream, values)
    }
}

/// A client that was begun.
struct Running<F: Future> {
    task: u64,
    /// Wakes it alone.
    waker: Waker,
    stage: Stage<F>,
}

enum Stage<F: Future> {
    Runs(Pin<Box<F>>),
    Ended(F::Output),
}

impl<F: Future> Running<F> {
    /// Runs all to their ends.
    async fn all(world: &World, clients: Vec<Self>) -> Vec<F::Output> {
        let mut group = Group { world, clients };
        std::future::poll_fn(|cx| group.poll(cx)).await;
        let ended = std::mem::take(&mut group.clients).into_iter().map(|client| client.stage);
        ended.filter_map(|stage| if let Stage::Ended(value) = stage { Some(value) } else { None }).collect()
    }

    /// A step of this client.
    fn step(&mut self) {
        let Stage::Runs(future) = &mut self.stage else { return };
        let polled = {
            // It is polled inside the test, which is another process.
            let _left = current::leave();
            future.as_mut().poll(&mut Context::from_waker(&self.waker))
        };
        if let Poll::Ready(value) = polled {
            self.stage = Stage::Ended(value);
        }
    }
}

/// The clients that were begun together.
struct Group<'a, F: Future> {
    world: &'a World,
    clients: Vec<Running<F>>,
}

impl<F: Future> Group<'_, F> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(poll_alive(cx));
        if self.clients.iter().all(|client| matches!(client.stage, Stage::Ended(_))) {
            return Poll::Ready(());
        }
        let mut left = 0;
        for client in &mut self.clients {
            if !matches!(client.stage, Stage::Runs(_)) {
                continue;
            }
            if self.world.turns.lock().take(client.task) {
                client.step();
            }
            if let Stage::Runs(_) = client.stage {
                self.world.set_poller(client.task, cx.waker());
                left += 1;
            } else {
                self.world.end_client(client.task);
            }
        }
        if left == 0 {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl<F: Future> Drop for Group<'_, F> {
    fn drop(&mut self) {
        for client in &self.clients {
            self.world.end_client(client.task);
        }
    }
}

impl World {
    /// Says who polls a client.
    fn set_poller(&self, task: u64, waker: &Waker) {
        let before = self.turns.lock().set_poller(task, waker);
        drop(before);
    }

    /// A client has ended, or was dropped.
    fn end_client(&self, task: u64) {
        let waker = self.turns.lock().remove(task);
        drop(waker);
        self.remove(task);
    }
}
