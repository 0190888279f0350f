//! The trait through which the workloads see a library's servers, and what those servers hold.

pub mod actix;
pub mod erlang;
pub mod genserver;
pub mod kameo;
pub mod parking_lot;
pub mod ractor;
pub mod raw;
pub mod xtra;

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A library, as the workloads see it: how its counting server is started, asked, told and stopped.
pub trait Subject: Sized + 'static {
    /// Its name in the tables and on the command line.
    const ID: &'static str;
    /// What senders hold.
    type Server: Clone + Send + Sync + 'static;
    /// What only the starter holds, to wait for the end of the server.
    type Keep: Send + Sync + 'static;

    /// Starts a server that has counted nothing yet.
    fn start() -> impl Future<Output = (Self::Server, Self::Keep)> + Send;

    /// Starts one that runs in a task of its own only: every call to it waits in its mailbox.
    ///
    /// With every library but ours any server does.
    fn start_in_own_task() -> impl Future<Output = (Self::Server, Self::Keep)> + Send {
        Self::start()
    }

    /// Asks for the count.
    fn call(server: &Self::Server, ask: Ask) -> impl Future<Output = u64> + Send;

    /// Sends without waiting for an answer, but for space where the mailbox is bounded.
    fn cast(server: &Self::Server, cast: Cast<Self::Server>) -> impl Future<Output = ()> + Send;

    /// Ends the server and waits until it has ended.
    fn stop(server: Self::Server, keep: Self::Keep) -> impl Future<Output = ()> + Send;

    /// Runs `work` to its end as a task of a fresh runtime.
    fn run<T: Send + 'static>(world: World, work: impl Future<Output = T> + Send + 'static) -> T {
        let runtime = world.runtime();
        let task = runtime.spawn(work);
        runtime.block_on(task).expect("a workload does not panic")
    }

    /// Spawns a client.
    #[expect(clippy::disallowed_methods, reason = "the clients are Tokio tasks for every subject")]
    fn spawn<T: Send + 'static>(client: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        tokio::spawn(client)
    }
}

/// The two runtimes that everything is measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// Tokio's multi-threaded runtime with two workers.
    TwoWorkers,
    /// Tokio's single-threaded runtime.
    OneThread,
}

impl World {
    /// Both.
    pub const ALL: [Self; 2] = [Self::TwoWorkers, Self::OneThread];

    /// Its name in the tables.
    pub fn id(self) -> &'static str {
        match self {
            Self::TwoWorkers => "two workers",
            Self::OneThread => "one thread",
        }
    }

    /// A fresh runtime, with timers and sockets enabled as in any real program.
    pub(crate) fn runtime(self) -> Runtime {
        match self {
            Self::TwoWorkers => workers(2),
            Self::OneThread => Builder::new_current_thread().enable_all().build().expect("the runtime starts"),
        }
    }
}

/// A fresh runtime of so many threads.
pub(crate) fn workers(count: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(count).enable_all().build().expect("the runtime starts")
}

/// How the handler of a call answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// At once.
    Plain,
    /// After it has given way to other tasks once.
    Awaiting,
}

impl Ask {
    /// Awaits in the handler what the call asks for.
    pub(crate) async fn prepare(self) {
        match self {
            Self::Plain => {}
            Self::Awaiting => tokio::task::yield_now().await,
        }
    }
}

/// The messages that nobody answers. `R` is what senders hold of a server.
#[derive(Debug)]
pub enum Cast<R> {
    /// Count this.
    Add(u64),
    /// Count one and pass the token on, so many times more.
    Token(u64),
    /// From now on, this is where tokens go.
    Link(Option<Box<Link<R>>>),
}

/// Where a server passes tokens.
#[derive(Debug)]
pub struct Link<R> {
    /// The next server of the ring.
    pub next: R,
    /// Told when a token has made its last hop.
    pub done: Arc<Notify>,
}

/// What the server of every subject holds: sixteen bytes.
#[derive(Debug)]
pub struct Counter<R> {
    count: u64,
    link: Option<Box<Link<R>>>,
}

impl<R> Default for Counter<R> {
    fn default() -> Self {
        Self { count: 0, link: None }
    }
}

impl<R> Counter<R> {
    /// What a call answers.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Handles a cast, and says what to send on, and where.
    pub fn handle(&mut self, cast: Cast<R>) -> Option<(&R, Cast<R>)> {
        match cast {
            Cast::Add(n) => self.count += n,
            Cast::Link(link) => self.link = link,
            Cast::Token(left) => {
                self.count += 1;
                let link = self.link.as_ref()?;
                if left > 0 {
                    return Some((&link.next, Cast::Token(left - 1)));
                }
                link.done.notify_one();
            }
        }
        None
    }
}
