//! Calls whose callers give up or call themselves, and requests whose answers are taken later.
#![expect(clippy::unwrap_used, reason = "a failed `unwrap` is a failed test, also in what the tests share")]

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures::StreamExt;
use genserver::{
    AsServer, CallError, Caller, Cx, Deadline, GenServer, Init, Name, NameRegistry, Named, Never, Next, NoRequest,
    NoResponse, Node, Outcome, Pid, ProcessRef, Reason, RegisterError, Request, Requests, ServerRef, TimedOut,
};

/// Echoes what it is asked, sooner or later.
#[derive(Default)]
struct Echo {
    kept: Vec<Caller<u32>>,
    next: Option<Named<Echo>>,
}

enum Ask {
    Echo(u32, Caller<u32>),
    Later(u32, u64, Caller<u32>),
    Keep(Caller<u32>),
    Never(Caller<u32>),
    Forget(Caller<u32>),
    Stop(Reason, Caller<u32>),
    /// Calls the process it was given, and reports the error.
    CallNext(Caller<Option<CallError>>),
    CallSelf(Caller<[Option<CallError>; 2]>),
}

enum Tell {
    AnswerKept(u32),
    Next(Named<Echo>),
}

impl GenServer for Echo {
    type Args = ();
    type Call = Ask;
    type Cast = Tell;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Echo::default())
    }

    #[expect(clippy::disallowed_methods, reason = "a handler that takes its time")]
    async fn handle_call(&mut self, call: Ask, cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Ask::Echo(word, caller) => Next::reply(caller, word),
            Ask::Later(word, millis, caller) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                Next::reply(caller, word)
            }
            Ask::Keep(caller) => {
                self.kept.push(caller);
                Next::wait()
            }
            Ask::Never(_caller) => std::future::pending().await,
            Ask::Forget(_caller) => Next::wait(),
            Ask::Stop(reason, _caller) => Next::stop(reason),
            Ask::CallNext(caller) => {
                let next = self.next.clone().expect("it was given a server to call");
                Next::reply(caller, next.call(|caller| Ask::Echo(0, caller)).await.err())
            }
            Ask::CallSelf(caller) => {
                let this = cx.this();
                let brief = this.call(|caller| Ask::Echo(0, caller)).await.err();
                let endless = this.call(|caller| Ask::Echo(0, caller)).no_timeout().await.err();
                Next::reply(caller, [brief, endless])
            }
        }
    }

    async fn handle_cast(&mut self, cast: Tell, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match cast {
            Tell::AnswerKept(word) => self.kept.drain(..).for_each(|caller| caller.reply(word)),
            Tell::Next(next) => self.next = Some(next),
        }
        Next::wait()
    }
}

fn echo(word: u32) -> impl FnOnce(Caller<u32>) -> Ask {
    move |caller| Ask::Echo(word, caller)
}

fn later(word: u32, millis: u64) -> impl FnOnce(Caller<u32>) -> Ask {
    move |caller| Ask::Later(word, millis, caller)
}

async fn server() -> ServerRef<Echo> {
    genserver::start::<Echo>(()).await.unwrap()
}

async fn servers<const N: usize>() -> [ServerRef<Echo>; N] {
    let servers = futures::future::join_all((0..N).map(|_| server())).await;
    servers.try_into().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test's time is the runtime's own")]
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test]
async fn gs_050_a_call_to_oneself_fails_at_once() {
    let server = server().await;
    for error in server.call(Ask::CallSelf).await.unwrap() {
        assert!(matches!(error, Some(CallError::CallingSelf { server: subject }) if subject.pid == server.pid()));
    }
}

/// A registry that has one shelf of names, and may be made to fail.
#[derive(Default)]
struct Shelf {
    names: Mutex<BTreeMap<String, ProcessRef>>,
    fails: bool,
}

impl NameRegistry for Shelf {
    fn register(&self, name: &str, process: &ProcessRef) -> Result<(), RegisterError> {
        self.names.lock().unwrap().insert(name.to_owned(), process.clone());
        Ok(())
    }

    fn unregister(&self, name: &str, pid: Pid) {
        self.names.lock().unwrap().retain(|known, holder| known != name || holder.pid() != pid);
    }

    fn whereis(&self, name: &str) -> Option<ProcessRef> {
        assert!(!self.fails, "the shelf has collapsed");
        self.names.lock().unwrap().get(name).cloned()
    }
}

/// A name of each kind; they are equal only within their own spaces.
fn names(name: &str) -> [Name; 3] {
    [Name::from(name), Name::global(name), Name::via(Arc::new(Shelf::default()), name)]
}

#[tokio::test]
async fn gs_051_a_call_to_oneself_is_seen_through_every_form_of_name() {
    let node = Node::new();
    for name in names("gs_051") {
        let server = node.start::<Echo>(()).name(name.clone()).await.unwrap();
        server.cast(Tell::Next(Named::on(&node, name.clone()))).unwrap();
        let error = server.call(Ask::CallNext).await.unwrap();
        assert!(matches!(&error, Some(CallError::CallingSelf { server }) if server.name == Some(name)), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn gs_052_a_call_that_is_never_answered_times_out() {
    let server = server().await;
    let begun = now();
    let error = server.call(Ask::Never).timeout(millis(1)).await.unwrap_err();
    assert!(
        matches!(&error, CallError::Timeout { server: subject, after } if subject.pid == server.pid() && *after == millis(1))
    );
    assert!(error.to_string().contains(&server.pid().to_string()), "{error}");
    assert!(now() - begun < millis(10));
}

#[tokio::test]
async fn gs_053_a_call_to_a_dead_or_missing_server_finds_no_process() {
    let server = server().await;
    server.stop().await.unwrap();
    assert!(matches!(server.call(echo(1)).await, Err(CallError::NoProc { .. })));
    for name in names("gs_053") {
        let nobody = Named::<Echo>::new(name);
        assert!(matches!(nobody.call(echo(1)).await, Err(CallError::NoProc { .. })));
    }
}

#[tokio::test(start_paused = true)]
async fn gs_067_a_late_reply_disturbs_no_later_call() {
    let server = server().await;
    assert!(matches!(server.call(later(1, 10)).timeout(millis(5)).await, Err(CallError::Timeout { .. })));
    assert!(matches!(server.call(Ask::Keep).timeout(millis(20)).await, Err(CallError::Timeout { .. })));
    server.cast(Tell::AnswerKept(2)).unwrap();
    assert_eq!(server.call(echo(3)).await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn gs_086_a_request_yields_the_reply() {
    let server = server().await;
    assert_eq!(server.send_request(echo(7)).wait(Deadline::NEVER).await, Ok(Ok(7)));
    assert_eq!(server.send_request(echo(8)).receive(Duration::from_secs(1)).await, Ok(8));
    assert_eq!(server.send_request(echo(9)).await, Ok(9));
    assert_eq!(server.call(echo(10)).send_request().await, Ok(10));
}

#[tokio::test]
async fn gs_087_two_requests_to_one_server_get_their_own_replies() {
    let server = server().await;
    let (mut first, second) = (server.send_request(echo(1)), server.send_request(echo(2)));
    assert_eq!(second.await, Ok(2));
    assert_eq!(first.check(), Some(Ok(1)));
}

#[tokio::test]
async fn gs_088_a_request_polled_early_yields_nothing() {
    let server = server().await;
    let mut request = server.send_request(Ask::Keep);
    assert_eq!(server.call(echo(1)).await, Ok(1));
    assert_eq!(request.check(), None);
    server.cast(Tell::AnswerKept(5)).unwrap();
    assert_eq!(request.check(), None);
    server.call(echo(2)).await.unwrap();
    assert_eq!(request.check(), Some(Ok(5)));
    assert!(request.is_over());
    assert_eq!(request.check(), None);
}

#[tokio::test(start_paused = true)]
async fn gs_089_a_request_outlives_a_wait_that_timed_out() {
    let server = server().await;
    let mut request = server.send_request(later(4, 50));
    for deadline in [Deadline::from(Duration::ZERO), millis(10).into(), now().into(), (now() + millis(5)).into()] {
        assert_eq!(request.wait(deadline).await, Err(TimedOut));
    }
    assert_eq!(request.wait(Deadline::NEVER).await, Ok(Ok(4)));
}

#[tokio::test]
async fn gs_090_a_request_yields_the_exit_reason_of_its_server() {
    for reason in [Reason::Normal, Reason::Shutdown, Reason::Killed] {
        let server = server().await;
        let ended = reason.clone();
        let request = server.send_request(move |caller| Ask::Stop(ended, caller));
        let queued = server.send_request(echo(1));
        for answer in [request.await, queued.await] {
            assert!(matches!(&answer, Err(CallError::Exit { reason: told, .. }) if *told == reason), "{answer:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn gs_091_a_request_to_nobody_yields_no_process() {
    let server = server().await;
    server.kill();
    let mut requests = vec![server.send_request(echo(1))];
    requests.extend(names("gs_091").map(|name| Named::<Echo>::new(name).send_request(echo(1))));
    for mut request in requests {
        assert!(matches!(request.wait(Duration::ZERO).await, Ok(Err(CallError::NoProc { .. }))));
    }
}

#[tokio::test]
async fn gs_092_a_failing_registry_fails_the_sending() {
    let shelf = Arc::new(Shelf { fails: true, ..Shelf::default() });
    let named = Named::<Echo>::new(Name::via(shelf, "gs_092"));
    let sent = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| named.send_request(echo(1))));
    assert_eq!(sent.unwrap_err().downcast_ref::<&str>(), Some(&"the shelf has collapsed"));
}

/// Requests to three servers that answer after 400, 1 and 200 milliseconds.
async fn staggered() -> (Requests<u32, u32>, [ServerRef<Echo>; 3]) {
    let servers = servers().await;
    let requests = servers.iter().zip([(1, 400), (2, 1), (3, 200)]);
    let requests = requests.map(|(server, (label, delay))| (label, server.send_request(later(label * 10, delay))));
    (requests.collect(), servers)
}

#[tokio::test(start_paused = true)]
async fn gs_094_a_collection_yields_replies_as_they_come() {
    let (mut requests, _servers) = staggered().await;
    for (left, label) in [(2, 2), (1, 3), (0, 1)] {
        assert_eq!(requests.receive(Deadline::NEVER).await, Ok((label, Ok(label * 10))));
        assert_eq!(requests.len(), left);
    }
    assert_eq!(requests.receive(Deadline::NEVER).await, Err(NoResponse::NoRequest));
    assert_eq!(requests.wait(Deadline::NEVER).await, Err(NoResponse::NoRequest));
}

#[tokio::test(start_paused = true)]
async fn gs_095_receiving_past_the_deadline_gives_up_the_rest() {
    let (mut requests, servers) = staggered().await;
    let deadline = now() + millis(100);
    assert_eq!(requests.receive(deadline).await, Ok((2, Ok(20))));
    assert_eq!(requests.receive(deadline).await, Err(NoResponse::TimedOut));
    assert_eq!(now(), deadline);
    // After the timeout nothing of them is left, now or when the servers have answered.
    assert_eq!(requests.receive(deadline + millis(1000)).await, Err(NoResponse::NoRequest));
    for server in servers {
        server.call(echo(0)).await.unwrap();
    }
    assert_eq!(requests.check(), Err(NoRequest));
}

#[tokio::test(start_paused = true)]
async fn gs_096_waiting_past_the_deadline_keeps_the_rest() {
    let (mut requests, _servers) = staggered().await;
    let deadline = now() + millis(100);
    assert_eq!(requests.wait(deadline).await, Ok((2, Ok(20))));
    assert_eq!(requests.wait(deadline).await, Err(NoResponse::TimedOut));
    assert_eq!(requests.wait(deadline).await, Err(NoResponse::TimedOut));
    assert_eq!(requests.len(), 2);
    assert_eq!(requests.wait(deadline + millis(1000)).await, Ok((3, Ok(30))));
    assert_eq!(requests.wait(deadline + millis(1000)).await, Ok((1, Ok(10))));
}

#[tokio::test(start_paused = true)]
async fn gs_097_a_failed_member_leaves_the_others_alone() {
    let [first, second, third] = servers().await;
    let mut requests = Requests::new();
    requests.add("first", first.send_request(later(1, 50)));
    requests.add("second", second.send_request(|caller| Ask::Stop(Reason::Shutdown, caller)));
    requests.add("third", third.send_request(later(3, 10)));
    let (label, answer) = requests.wait(Deadline::NEVER).await.unwrap();
    assert_eq!(label, "second");
    assert!(matches!(answer, Err(CallError::Exit { reason: Reason::Shutdown, .. })), "{answer:?}");
    assert_eq!(requests.wait(Deadline::NEVER).await, Ok(("third", Ok(3))));
    assert_eq!(requests.wait(Deadline::NEVER).await, Ok(("first", Ok(1))));
}

#[tokio::test]
async fn gs_099_a_polled_collection_yields_its_members_only() {
    let server = server().await;
    let mut requests = Requests::new();
    assert_eq!(requests.check(), Err(NoRequest));
    let other = server.send_request(echo(0));
    requests.add('a', server.send_request(Ask::Keep));
    requests.add('b', server.send_request(echo(2)));
    assert_eq!(requests.check(), Ok(None));
    assert_eq!(other.await, Ok(0));
    server.call(echo(1)).await.unwrap();
    assert_eq!(requests.check(), Ok(Some(('b', Ok(2)))));
    assert_eq!(requests.check(), Ok(None));
    server.cast(Tell::AnswerKept(1)).unwrap();
    server.call(echo(1)).await.unwrap();
    assert_eq!(requests.check(), Ok(Some(('a', Ok(1)))));
    assert_eq!(requests.check(), Err(NoRequest));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_received_too_late_is_given_up() {
    let server = server().await;
    let given_up = server.send_request(later(1, 50)).receive(millis(10)).await;
    assert!(matches!(given_up, Err(CallError::Timeout { after, .. }) if after == millis(10)), "{given_up:?}");
    assert_eq!(server.call(echo(2)).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_with_the_deadline_wins() {
    let server = server().await;
    let mut request = server.send_request(Ask::Keep);
    server.call(echo(0)).await.unwrap();
    let deadline = now() + millis(10);
    let mut wait = pin!(request.wait(deadline));
    assert_eq!(poll_fn(|cx| Poll::Ready(wait.as_mut().poll(cx))).await, Poll::Pending);
    tokio::time::advance(millis(10)).await;
    server.cast(Tell::AnswerKept(6)).unwrap();
    server.call(echo(0)).await.unwrap();
    assert_eq!(wait.await, Ok(Ok(6)));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_dropped_loses_nothing() {
    let server = server().await;
    let mut request = server.send_request(later(3, 5));
    {
        let mut wait = pin!(request.wait(Deadline::NEVER));
        assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(request.await, Ok(3));
}

#[tokio::test]
async fn a_dropped_request_is_carried_out_for_nobody() {
    let server = server().await;
    drop(server.send_request(Ask::Keep));
    server.cast(Tell::AnswerKept(1)).unwrap();
    assert_eq!(server.call(echo(2)).await, Ok(2));
}

#[tokio::test]
async fn a_request_that_the_server_forgets_has_no_reply() {
    let server = server().await;
    assert!(matches!(server.send_request(Ask::Forget).await, Err(CallError::NoReply { .. })));
}

#[tokio::test]
async fn a_request_to_a_full_mailbox_is_answered_at_once() {
    let server = genserver::start::<Echo>(()).mailbox(1).await.unwrap();
    let first = server.send_request(echo(1));
    let mut second = server.send_request(echo(2));
    assert!(matches!(second.check(), Some(Err(CallError::Overloaded { .. }))));
    assert_eq!(first.await, Ok(1));
}

#[tokio::test]
#[should_panic(expected = "has been fetched before")]
async fn an_answer_is_fetched_once() {
    let server = server().await;
    let mut request = server.send_request(echo(1));
    request.wait(Deadline::NEVER).await.unwrap().unwrap();
    let _ = request.wait(Deadline::NEVER).await;
}

#[tokio::test]
async fn a_collection_yields_in_the_order_of_the_answers() {
    let servers = futures::future::join_all((0..500).map(|_| server())).await;
    let requests = servers.iter().map(|server| server.send_request(Ask::Keep)).enumerate();
    let mut requests: Requests<usize, u32> = requests.collect();
    let mut order: Vec<usize> = (0..servers.len()).collect();
    order.sort_by_key(|place| place * 7919 % 500);
    for place in &order {
        servers[*place].cast(Tell::AnswerKept(u32::try_from(*place).unwrap())).unwrap();
        servers[*place].call(echo(0)).await.unwrap();
    }
    let mut came = Vec::new();
    while let Some((place, answer)) = requests.next().await {
        assert_eq!(answer, Ok(u32::try_from(place).unwrap()));
        came.push(place);
    }
    assert_eq!(came, order);
}

/// Each answer wakes the collection's waiter once, and looks at no other member: this would take minutes if it
/// were quadratic.
#[tokio::test(start_paused = true)]
async fn a_collection_holds_thousands() {
    let server = genserver::start::<Echo>(()).mailbox(200_000).await.unwrap();
    let mut requests: Requests<u32, u32> = (0..100_000).map(|word| (word, server.send_request(echo(word)))).collect();
    while !requests.is_empty() {
        let (label, answer) = requests.wait(Duration::from_mins(1)).await.unwrap();
        assert_eq!(answer, Ok(label));
    }
}

const fn assert_send<T: Send>(_: &T) {}

#[tokio::test(start_paused = true)]
async fn requests_and_their_waits_can_be_sent() {
    let server = server().await;
    let mut request: Request<u32> = server.send_request(echo(1));
    assert_send(&request.wait(Deadline::NEVER));
    assert_send(&request.receive(Deadline::NEVER));
    assert_send(&Requests::<u8, u32>::new().wait(millis(1)));
    assert_eq!(format!("{:?}", server.send_request(echo(1))), format!("Request({})", server.pid()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_thread_may_call() {
    let server = server().await;
    let answers = tokio::task::spawn_blocking(move || {
        let plain = std::thread::scope(|scope| {
            scope
                .spawn(|| (server.call_blocking(echo(1)), server.call(Ask::Never).timeout(millis(5)).blocking()))
                .join()
        });
        (plain.unwrap(), server.is_alive())
    });
    let ((answered, late), alive) = answers.await.unwrap();
    assert_eq!(answered, Ok(1));
    assert!(matches!(late, Err(CallError::Timeout { .. })), "{late:?}");
    assert!(alive);
}

#[tokio::test]
async fn a_thread_that_is_lent_for_blocking_may_call() {
    let server = server().await;
    let asking =
        tokio::task::spawn_blocking(move || (server.call_blocking(echo(1)), server.call_blocking(later(2, 1))));
    assert_eq!(asking.await.unwrap(), (Ok(1), Ok(2)));
}

#[tokio::test]
async fn a_thread_that_runs_tasks_may_not_block() {
    let server = server().await;
    let refused = server.call_blocking(echo(1));
    assert!(matches!(&refused, Err(CallError::WouldBlock { .. })), "{refused:?}");
    assert!(refused.unwrap_err().to_string().contains("use `call` and `.await`"));
}

#[tokio::test]
async fn gs_149_a_lookup_finds_a_server_by_every_form_of_name() {
    let node = Node::new();
    for name in names("gs_149") {
        assert_eq!(node.whereis(name.clone()), None);
        let server = node.start::<Echo>(()).name(name.clone()).await.unwrap();
        assert_eq!(node.whereis(name.clone()), Some(server.process_ref()));
        assert_eq!(Named::<Echo>::on(&node, name.clone()).resolve(), Ok(server.clone()));
        server.stop().await.unwrap();
        assert_eq!(node.whereis(name), None);
    }
}
