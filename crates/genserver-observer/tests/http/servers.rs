//! The servers that are observed: one that does as it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::sys::Shown;
use genserver::{CallError, Caller, Cx, GenServer, Init, Never, Next, Outcome, ServerRef};

/// How often its state was shown, for a test that counts.
pub(crate) type Shows = Arc<AtomicUsize>;

#[derive(Default)]
pub(crate) struct Worker {
    shows: Shows,
    next: Option<ServerRef<Worker>>,
}

pub(crate) enum Ask {
    Ping(Caller<()>),
    /// Asks the next one the same.
    Around(Caller<Result<(), CallError>>),
    /// Is never done.
    Forever(Caller<()>),
}

pub(crate) enum Tell {
    Nothing,
    Next(ServerRef<Worker>),
    Crash,
    /// Says that it has begun, and keeps its thread until it is told to go on.
    Block(mpsc::Sender<()>, mpsc::Receiver<()>),
    /// Awaits, and never comes back.
    Await,
}

impl GenServer for Worker {
    type Args = Shows;
    type Call = Ask;
    type Cast = Tell;
    type Info = Never;

    async fn init(shows: Shows, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self { shows, next: None })
    }

    async fn handle_call(&mut self, ask: Ask, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match (ask, &self.next) {
            (Ask::Ping(caller), _) => Next::reply(caller, ()),
            (Ask::Around(caller), Some(next)) => {
                let answer = next.call(Ask::Around).await;
                Next::reply(caller, answer.and_then(|inner| inner))
            }
            (Ask::Around(caller), None) => Next::reply(caller, Ok(())),
            (Ask::Forever(_caller), _) => std::future::pending().await,
        }
    }

    async fn handle_cast(&mut self, tell: Tell, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match tell {
            Tell::Nothing => Next::wait(),
            Tell::Next(next) => {
                self.next = Some(next);
                Next::wait()
            }
            Tell::Crash => panic!("it was told to"),
            Tell::Block(began, go_on) => {
                began.send(()).unwrap();
                // An error says that the test has ended.
                let _ = go_on.recv();
                Next::wait()
            }
            Tell::Await => std::future::pending().await,
        }
    }

    fn format_status(&self, shown: &mut Shown) {
        self.shows.fetch_add(1, Ordering::Relaxed);
        "password: ***".clone_into(&mut shown.state);
        shown.details.push(("next".to_owned(), format!("{:?}", self.next.as_ref().map(ServerRef::pid))));
    }
}

/// A supervisor with one worker, which may end as often as it likes.
pub(crate) fn patient(child: &'static str) -> genserver::supervisor::SupervisorSpec {
    let worker = ChildSpec::server(child, || genserver::start_link::<Worker>(Shows::default()));
    Supervisor::one_for_one().max_restarts(1000).child(worker)
}
