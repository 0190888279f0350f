//! A server whose task is scheduled may be run by a caller that comes first.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use futures::future::poll_immediate;
use genserver::{CallError, Caller, Cx, GenServer, Init, Never, Next, Node, Outcome, Reason, ServerRef, start, sys};
use tokio::runtime::{Builder, Handle};
use tokio::task::{JoinSet, block_in_place};

use crate::clock::Clock;

/// Does what it is sent.
struct Worker;

type Work = Box<dyn FnOnce() + Send>;

impl GenServer for Worker {
    type Args = ();
    /// Whether it is run by a test, which is not a task, rather than by one.
    type Call = Caller<bool>;
    type Cast = Work;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }

    async fn handle_call(&mut self, caller: Caller<bool>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, tokio::task::try_id().is_none())
    }

    async fn handle_cast(&mut self, work: Work, _cx: &mut Cx<Self>) -> Outcome<Self> {
        work();
        Next::wait()
    }
}

async fn worker() -> ServerRef<Worker> {
    start::<Worker>(()).await.unwrap()
}

fn give(to: &ServerRef<Worker>, work: impl FnOnce() + Send + 'static) {
    assert!(to.cast(Box::new(work)).is_ok());
}

/// Passes a token on and on.
fn pass(to: ServerRef<Worker>, from: ServerRef<Worker>) -> Work {
    Box::new(move || drop(to.cast(pass(from, to.clone()))))
}

/// Returns where earlier messages are handled at a call: by the caller, or in the server's own task.
#[tokio::test(start_paused = true)]
async fn a_server_that_takes_longer_than_a_wake_up_is_left_to_its_own_task_for_a_while() {
    let (clock, node) = Clock::new();
    let server = node.start::<Worker>(()).await.unwrap();
    // Its task has run once, and sleeps.
    give(&server, || {});
    tokio::task::yield_now().await;
    let mut by_caller = Vec::new();
    for _ in 0..70 {
        let clock = Arc::clone(&clock);
        give(&server, move || clock.spend(Duration::from_micros(3)));
        by_caller.push(server.call(|caller| caller).await.unwrap());
    }
    assert!(by_caller[0], "it is the second turn, which is the first that is measured");
    assert_eq!(by_caller[1..33], [false; 32]);
    assert!(by_caller[33], "and then it is tried again");
    assert_eq!(by_caller[34..66], [false; 32]);
}

#[tokio::test(start_paused = true)]
async fn a_short_server_that_is_run_in_place_of_its_task_looks_at_the_clock_in_one_turn_of_64() {
    let (clock, node) = Clock::new();
    let server = node.start::<Worker>(()).await.unwrap();
    give(&server, || {});
    tokio::task::yield_now().await;
    let mut before = 0;
    for turn in 0..7040 {
        if turn == 640 {
            before = clock.looks();
        }
        give(&server, || {});
        server.call(|caller| caller).await.unwrap();
    }
    let looks = clock.looks() - before;
    // Before and after each 64th turn. Now and then the server's task comes first, and makes one turn two.
    // With that feature, one message in 256 is timed, too: when it is queued, and when it is taken out.
    let of_waits = if cfg!(feature = "metrics") { 2 * 12_800 / 256 } else { 0 };
    assert!((200..220 + of_waits).contains(&looks), "{looks} looks");
}

/// That turn tells whether one callback was long, or there were many.
#[tokio::test(start_paused = true)]
async fn a_server_that_was_run_for_long_in_place_of_its_task_is_timed_in_its_next_turn() {
    let (clock, node) = Clock::new();
    let server = node.start::<Worker>(()).await.unwrap();
    give(&server, || {});
    tokio::task::yield_now().await;
    let turn = async |takes| {
        let clock = Arc::clone(&clock);
        give(&server, move || clock.spend(takes));
        server.call(|caller| caller).await.unwrap()
    };
    // Until only each 64th turn is timed.
    for _ in 0..640 {
        turn(Duration::ZERO).await;
    }
    // A caller ran it until one of its turns was timed, and the turn after that is the task's.
    let mut turns = 0;
    while turn(Duration::from_millis(20)).await {
        turns += 1;
        assert!(turns <= 64, "no turn was timed");
    }
    assert!(!server.call(|caller| caller).await.unwrap(), "callers run it although its callbacks are long");
}

#[tokio::test]
async fn a_token_that_never_stops_leaves_the_thread_to_others() {
    let (left, right) = (worker().await, worker().await);
    assert!(left.cast(pass(right.clone(), left.clone())).is_ok());
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    left.call(|caller| caller).await.unwrap();
    left.kill();
    right.kill();
    assert_eq!(left.ended().await, Reason::Killed);
    assert_eq!(right.ended().await, Reason::Killed);
}

/// Counts, and sends itself the same again.
fn again(itself: ServerRef<Worker>, count: Arc<AtomicU32>, left: u32) -> Work {
    Box::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
        if left > 0 {
            let next = again(itself.clone(), count, left - 1);
            give(&itself, next);
        }
    })
}

/// Lets the tasks run that are due now. Tokio's own `yield_now` comes back much later.
async fn behind_the_others() {
    let mut came_before = false;
    let wait = poll_fn(|cx| {
        if std::mem::replace(&mut came_before, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    });
    wait.await;
}

/// With a clock to set, it takes another path.
#[tokio::test(start_paused = true)]
async fn a_server_that_goes_on_sending_to_itself_leaves_the_thread_to_others() {
    for hibernates in [false, true] {
        let (beginning, count) = (Node::new().start::<Worker>(()), Arc::default());
        let server =
            if hibernates { beginning.hibernate_after(Duration::from_mins(1)) } else { beginning }.await.unwrap();
        give(&server, again(server.clone(), Arc::clone(&count), 10_000));
        let mut beside = JoinSet::new();
        beside.spawn(async move {
            for _ in 0..10 {
                behind_the_others().await;
            }
            count.load(Ordering::SeqCst)
        });
        let handled = beside.join_next().await.unwrap().unwrap();
        assert!((10..2_000).contains(&handled), "{handled} messages in ten turns of another task");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_that_gives_its_thread_away_may_wait_for_the_one_it_gave_something() {
    let (giver, next) = (worker().await, worker().await);
    let done = Arc::new(AtomicBool::new(false));
    let (to, doing) = (next.clone(), Arc::clone(&done));
    let (tell, told) = tokio::sync::oneshot::channel();
    give(&giver, move || {
        give(&to, move || doing.store(true, Ordering::SeqCst));
        block_in_place(|| to.call_blocking(|caller| caller)).unwrap();
        tell.send(()).unwrap();
    });
    told.await.unwrap();
    assert!(done.load(Ordering::SeqCst));
}

#[test]
fn a_server_of_another_runtime_runs_there() {
    let runtimes: [_; 2] = std::array::from_fn(|_| Builder::new_multi_thread().worker_threads(1).build().unwrap());
    let nodes = [0, 1].map(|at| {
        let handle = Handle::clone(runtimes[at].handle());
        Node::with_runtime(Arc::new(genserver::runtime::Tokio::new(handle)))
    });
    let [giver, next] = nodes.map(|node| futures::executor::block_on(node.start::<Worker>(())).unwrap());
    let (tell, told) = std::sync::mpsc::channel();
    give(&giver, move || give(&next, move || tell.send(Handle::current().id()).unwrap()));
    assert_eq!(told.recv().unwrap(), runtimes[1].handle().id());
}

/// A server whose task has run before, and sleeps.
async fn worker_with_a_task() -> ServerRef<Worker> {
    let server = worker().await;
    let (done, seen) = tokio::sync::oneshot::channel();
    give(&server, move || done.send(()).unwrap());
    seen.await.unwrap();
    assert!(server.info().has_task);
    server
}

#[tokio::test]
async fn a_caller_that_comes_before_the_task_handles_what_came_before_it() {
    let server = worker_with_a_task().await;
    let handled = Arc::new(AtomicU32::new(0));
    for place in 0..3 {
        let handled = Arc::clone(&handled);
        give(&server, move || assert_eq!(handled.fetch_add(1, Ordering::Relaxed), place));
    }
    assert_eq!(handled.load(Ordering::Relaxed), 0);
    assert_eq!(poll_immediate(server.call(|caller| caller)).await, Some(Ok(true)));
    assert_eq!(handled.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_caller_handles_a_few_and_leaves_the_rest_to_the_task() {
    let server = worker_with_a_task().await;
    let handled = Arc::new(AtomicU32::new(0));
    for _ in 0..100 {
        let handled = Arc::clone(&handled);
        give(&server, move || {
            handled.fetch_add(1, Ordering::Relaxed);
        });
    }
    let mut call = server.call(|caller| caller);
    assert_eq!(poll_immediate(&mut call).await, None);
    let few = handled.load(Ordering::Relaxed);
    assert!((1..20).contains(&few), "{few}");
    assert_eq!(call.await.map(drop), Ok(()));
    assert_eq!(handled.load(Ordering::Relaxed), 100);
}

#[tokio::test]
async fn a_caller_that_has_its_answer_leaves_what_came_later_to_the_task() {
    let server = worker_with_a_task().await;
    let (to, (done, mut seen)) = (server.clone(), tokio::sync::oneshot::channel());
    give(&server, move || give(&to, move || done.send(()).unwrap()));
    assert_eq!(poll_immediate(server.call(|caller| caller)).await, Some(Ok(true)));
    assert!(seen.try_recv().is_err(), "it came while the caller was at work");
    seen.await.unwrap();
}

#[tokio::test]
async fn callers_that_come_before_the_task_do_not_wait_for_it() {
    let server = worker_with_a_task().await;
    give(&server, || ());
    for caller in 0..100 {
        assert_eq!(poll_immediate(server.call(|caller| caller)).await, Some(Ok(true)), "caller {caller}");
    }
}

#[tokio::test]
async fn a_caller_whose_server_is_ended_by_what_came_before_it_hears_the_reason() {
    let server = worker_with_a_task().await;
    give(&server, || panic!("enough"));
    let called = poll_immediate(server.call(|caller| caller)).await;
    assert!(matches!(&called, Some(Err(CallError::Exit { reason: Reason::Panic(_), .. }))), "{called:?}");
}

#[tokio::test]
async fn a_task_that_comes_after_a_caller_finds_nothing_to_do_and_comes_again() {
    let server = worker_with_a_task().await;
    give(&server, || ());
    assert_eq!(poll_immediate(server.call(|caller| caller)).await, Some(Ok(true)));
    for _ in 0..3 {
        tokio::task::yield_now().await;
        let (done, seen) = tokio::sync::oneshot::channel();
        give(&server, move || done.send(()).unwrap());
        seen.await.unwrap();
    }
}

/// A work that writes its number down.
fn noting(number: u32, notes: &Arc<Mutex<Vec<u32>>>) -> Work {
    let notes = Arc::clone(notes);
    Box::new(move || notes.lock().unwrap().push(number))
}

#[tokio::test]
async fn a_caller_stops_at_a_request_to_suspend_that_came_before_it() {
    let server = worker_with_a_task().await;
    let notes = Arc::default();
    assert!(server.cast(noting(1, &notes)).is_ok());
    let mut suspended = sys::suspend(&server);
    assert!(poll_immediate(&mut suspended).await.is_none());
    assert!(server.cast(noting(2, &notes)).is_ok());
    let mut call = server.call(|caller| caller);
    assert_eq!(poll_immediate(&mut call).await, None);
    suspended.await.unwrap();
    assert_eq!(*notes.lock().unwrap(), [1]);
    assert_eq!(server.info().mailbox, 2);
    sys::resume(&server).await.unwrap();
    assert_eq!(call.await.map(drop), Ok(()));
    assert_eq!(*notes.lock().unwrap(), [1, 2]);
}

#[tokio::test]
async fn a_caller_does_not_overtake_a_sender_that_waits_for_space() {
    let server = start::<Worker>(()).mailbox(1).await.unwrap();
    let (done, seen) = tokio::sync::oneshot::channel();
    give(&server, move || done.send(()).unwrap());
    seen.await.unwrap();
    let notes = Arc::default();
    assert!(server.cast(noting(1, &notes)).is_ok());
    let mut waits = server.cast_wait(noting(2, &notes));
    assert!(poll_immediate(&mut waits).await.is_none());
    let mut call = server.call(|caller| caller);
    assert_eq!(poll_immediate(&mut call).await, None);
    assert!(notes.lock().unwrap().is_empty());
    let (taken, called) = futures::join!(waits, call);
    assert!(taken.is_ok());
    assert_eq!(called.map(drop), Ok(()));
    assert_eq!(*notes.lock().unwrap(), [1, 2]);
}

#[tokio::test]
async fn a_caller_runs_no_server_that_was_killed_before_its_task_ran() {
    let server = worker_with_a_task().await;
    let notes = Arc::default();
    assert!(server.cast(noting(1, &notes)).is_ok());
    server.kill();
    let called = poll_immediate(server.call(|caller| caller)).await;
    assert!(matches!(called, Some(Err(CallError::NoProc { .. }))), "{called:?}");
    assert!(notes.lock().unwrap().is_empty());
}
