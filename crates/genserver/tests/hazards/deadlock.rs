//! Processes that call one another in a cycle: one of them gets an error, and none hangs.
#![expect(clippy::unwrap_used, reason = "a failed `unwrap` is a failed test, also in what the tests share")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use genserver::{CallError, Caller, Cx, Deadline, GenServer, Init, Never, Next, Outcome, Pid, Reason, ServerRef};

/// More steps than any cycle here has: a call that goes round has met itself by then.
const STEPS: u8 = 20;

/// Calls others from its handler, and reports the results.
struct Node {
    next: Vec<ServerRef<Node>>,
    kept: Vec<Caller<()>>,
    /// Calls the next ones in terminate, too.
    says_goodbye: bool,
    errors: Arc<Mutex<Vec<CallError>>>,
}

enum Ask {
    /// Answer at once.
    Ping(Caller<()>),
    /// Ask all next nodes to do the same, this many steps further, and answer when they have.
    Around(How, u8, Caller<()>),
    /// Keep the caller, and answer when told.
    Keep(Caller<()>),
    /// The same, from a task that the handler spawns.
    Spawned(Caller<()>),
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    Calls,
    CallsAllowed,
    Requests,
    Awaited,
    Collected,
    /// Ask for an answer that is kept.
    Keeps,
    /// Ask only for a sign of life, with a short timeout.
    Pings,
    /// Make the next node do that.
    ThenPings,
    /// Let the others run first.
    Slowly,
    /// Give the next node work in which it asks its own next nodes, and ask it while that still waits.
    CastsFirst,
}

enum Tell {
    Next(Vec<ServerRef<Node>>),
    AnswerKept,
    SayGoodbye,
    AskAll,
}

impl Node {
    async fn ask(next: &ServerRef<Node>, how: How, steps: u8) -> Result<(), CallError> {
        let request = |caller| Ask::Around(how, steps, caller);
        match how {
            How::Calls => next.call(request).await,
            How::Keeps => next.call(Ask::Keep).await,
            How::Pings => next.call(Ask::Ping).timeout(Duration::from_secs(1)).await,
            How::ThenPings => {
                next.call(|caller| Ask::Around(How::Pings, steps, caller)).timeout(Duration::from_secs(1)).await
            }
            How::Slowly => {
                tokio::task::yield_now().await;
                next.call(request).await
            }
            How::CastsFirst => {
                assert!(next.cast(Tell::AskAll).is_ok());
                next.call(Ask::Ping).timeout(Duration::from_secs(1)).await
            }
            How::CallsAllowed => next.call(request).allow_cycle().timeout(Duration::from_secs(1)).await,
            How::Requests => next.send_request(request).receive(Deadline::NEVER).await,
            How::Awaited => next.send_request(request).await,
            How::Collected => {
                let mut requests = genserver::Requests::from_iter([((), next.send_request(request))]);
                requests.wait(Duration::from_secs(1)).await.map_or(Ok(()), |((), answer)| answer)
            }
        }
    }

    async fn ask_all(&self, how: How, steps: u8) {
        for answer in join_all(self.next.iter().map(|next| Self::ask(next, how, steps))).await {
            if let Err(error) = answer {
                self.errors.lock().unwrap().push(error);
            }
        }
    }
}

impl GenServer for Node {
    type Args = Arc<Mutex<Vec<CallError>>>;
    type Call = Ask;
    type Cast = Tell;
    type Info = Never;

    async fn init(args: Self::Args, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Node { next: Vec::new(), kept: Vec::new(), says_goodbye: false, errors: args })
    }

    #[expect(clippy::disallowed_methods, reason = "a task of the handler's own is what the case is about")]
    async fn handle_call(&mut self, call: Ask, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Ask::Ping(caller) | Ask::Around(_, 0, caller) => Next::reply(caller, ()),
            Ask::Around(how, steps, caller) => {
                self.ask_all(how, steps - 1).await;
                Next::reply(caller, ())
            }
            Ask::Keep(caller) => {
                self.kept.push(caller);
                Next::wait()
            }
            Ask::Spawned(caller) => {
                for next in self.next.clone() {
                    tokio::spawn(async move { next.call(Ask::Ping).await });
                }
                Next::reply(caller, ())
            }
        }
    }

    async fn handle_cast(&mut self, cast: Tell, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match cast {
            Tell::Next(next) => self.next = next,
            Tell::SayGoodbye => self.says_goodbye = true,
            Tell::AskAll => self.ask_all(How::Pings, 0).await,
            Tell::AnswerKept => self.kept.drain(..).for_each(|caller| caller.reply(())),
        }
        Next::wait()
    }

    async fn terminate(&mut self, _reason: &Reason, _cx: &mut Cx<Self>) {
        if self.says_goodbye {
            self.ask_all(How::Calls, 0).await;
        }
    }
}

type Errors = Arc<Mutex<Vec<CallError>>>;

/// Servers that call as the lists say: each server calls those at the indices in its list.
async fn servers<const N: usize>(next: [&[usize]; N]) -> ([ServerRef<Node>; N], Errors) {
    let errors = Errors::default();
    let mut servers = Vec::new();
    for _ in 0..N {
        servers.push(genserver::start::<Node>(Arc::clone(&errors)).await.unwrap());
    }
    for (server, next) in servers.iter().zip(next) {
        server.cast(Tell::Next(next.iter().map(|place| servers[*place].clone()).collect())).unwrap();
        server.call(Ask::Ping).await.unwrap();
    }
    (servers.try_into().unwrap(), errors)
}

/// The cycle that an error names.
fn cycle(error: &CallError) -> Vec<Pid> {
    match error {
        CallError::Cycle { cycle, .. } => cycle.iter().map(|subject| subject.pid).collect(),
        other => panic!("{other} is not a cycle"),
    }
}

/// Calls around the first server, and expects errors that name the cycle of the servers at these indices.
async fn check<const N: usize>(next: [&[usize]; N], how: How, expected: &[usize]) {
    let (servers, errors) = servers(next).await;
    servers[0].call(|caller| Ask::Around(how, STEPS, caller)).no_timeout().await.unwrap();
    let errors = errors.lock().unwrap();
    assert!(!errors.is_empty(), "nobody was told");
    let expected: Vec<Pid> = expected.iter().map(|place| servers[*place].pid()).collect();
    for named in errors.iter().map(cycle) {
        assert!((0..N).any(|turn| rotated(&expected, turn) == named), "{named:?} is not {expected:?}");
    }
}

fn rotated(cycle: &[Pid], turn: usize) -> Vec<Pid> {
    cycle.iter().cycle().skip(turn % cycle.len()).take(cycle.len()).copied().collect()
}

#[tokio::test(start_paused = true)]
async fn two_that_call_each_other_are_told() {
    check([&[1], &[0]], How::Calls, &[0, 1]).await;
}

#[tokio::test(start_paused = true)]
async fn the_cycle_is_found_when_the_calls_go_through_the_tasks() {
    check([&[1], &[0]], How::Slowly, &[0, 1]).await;
    check([&[1], &[2], &[0]], How::Slowly, &[0, 1, 2]).await;
}

#[tokio::test(start_paused = true)]
async fn three_that_call_in_a_cycle_get_errors() {
    check([&[1], &[2], &[0]], How::Calls, &[0, 1, 2]).await;
}

#[tokio::test(start_paused = true)]
async fn a_cycle_deeper_than_inline_calls_nest_is_found() {
    check([&[1], &[2], &[3], &[4], &[5], &[6], &[0]], How::Calls, &[0, 1, 2, 3, 4, 5, 6]).await;
}

#[tokio::test(start_paused = true)]
async fn a_cycle_behind_the_first_call_is_found() {
    check([&[1], &[2], &[1]], How::Calls, &[1, 2]).await;
}

#[tokio::test(start_paused = true)]
async fn a_cycle_through_one_of_two_joined_calls_is_found() {
    check([&[1, 2], &[], &[0]], How::Calls, &[0, 2]).await;
    check([&[1, 2], &[0], &[]], How::Slowly, &[0, 1]).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_received_can_close_a_cycle() {
    check([&[1], &[0]], How::Requests, &[0, 1]).await;
}

#[tokio::test(start_paused = true)]
async fn receiving_a_request_to_oneself_is_a_cycle_of_one() {
    check([&[0]], How::Requests, &[0]).await;
}

/// The first is ending, and its terminate calls the second, whose handler calls the first.
#[tokio::test(start_paused = true)]
async fn a_call_to_a_server_that_is_ending_can_close_a_cycle() {
    let (servers, errors) = servers([&[1], &[0]]).await;
    servers[0].cast(Tell::SayGoodbye).unwrap();
    let asking = servers[1].send_request(|caller| Ask::Around(How::Slowly, STEPS, caller));
    let stopping = servers[0].stop();
    let (asked, stopped) = futures::join!(asking, stopping);
    asked.unwrap();
    stopped.unwrap();
    let errors = errors.lock().unwrap();
    assert!(errors.iter().any(|error| matches!(error, CallError::Cycle { .. })), "{errors:?}");
    assert!(!errors.iter().any(|error| matches!(error, CallError::Timeout { .. })), "{errors:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_may_close_a_cycle_on_demand_and_then_times_out() {
    let (servers, errors) = servers([&[1], &[0]]).await;
    servers[0].call(|caller| Ask::Around(How::CallsAllowed, STEPS, caller)).no_timeout().await.unwrap();
    assert!(matches!(errors.lock().unwrap()[0], CallError::Timeout { .. }), "{errors:?}");
}

#[tokio::test(start_paused = true)]
async fn requests_that_may_be_answered_beside_others_are_not_looked_at() {
    let (servers, errors) = servers([&[1], &[0]]).await;
    for how in [How::Collected, How::Awaited] {
        let asked = servers[0].call(|caller| Ask::Around(how, STEPS, caller)).timeout(Duration::from_secs(9)).await;
        assert_eq!(asked.is_err(), how == How::Awaited);
    }
    assert!(errors.lock().unwrap().is_empty(), "{errors:?}");
}

#[tokio::test(start_paused = true)]
async fn a_kept_caller_adds_no_edge() {
    // The first waits for a caller that the second has kept; the second asks the third, and the third the first.
    let (servers, errors) = servers([&[1], &[2], &[0]]).await;
    let [first, second, _] = &servers;
    let (waiting, asked) = futures::join!(first.call(|caller| Ask::Around(How::Keeps, STEPS, caller)), async {
        second.call(|caller| Ask::Around(How::ThenPings, STEPS, caller)).await.unwrap();
        second.cast(Tell::AnswerKept)
    });
    waiting.unwrap();
    asked.unwrap();
    let errors = errors.lock().unwrap();
    assert!(errors.iter().all(|error| matches!(error, CallError::Timeout { .. })), "{errors:?}");
    assert_eq!(errors.len(), 2);
}

/// The second has the call of the first, and what it does then, before it begins with either. Its first turns differ: some are
/// timed, and then it looks around after each message.
#[tokio::test(start_paused = true)]
async fn a_kept_caller_adds_no_edge_to_the_callback_that_comes_next() {
    for turns in 0..4 {
        let ([first, second, third], errors) = servers([&[1], &[2], &[]]).await;
        for _ in 0..turns {
            second.call(Ask::Ping).await.unwrap();
        }
        let keeps = |caller| Ask::Around(How::Keeps, STEPS, caller);
        let (busy, waiting, ()) = futures::join!(second.call(keeps), first.call(keeps), async {
            second.cast(Tell::Next(vec![first.clone()])).unwrap();
            second.cast(Tell::AskAll).unwrap();
            third.cast(Tell::AnswerKept).unwrap();
            second.cast(Tell::AnswerKept).unwrap();
        });
        busy.unwrap();
        waiting.unwrap();
        let errors = errors.lock().unwrap();
        assert!(matches!(errors[..], [CallError::Timeout { .. }]), "{errors:?} after {turns} turns");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_from_a_task_of_the_handler_is_nobodys() {
    let (servers, errors) = servers([&[1], &[0]]).await;
    servers[0].call(Ask::Spawned).await.unwrap();
    servers[1].call(Ask::Spawned).await.unwrap();
    for server in &servers {
        server.call(Ask::Ping).await.unwrap();
    }
    assert!(errors.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_text_of_the_error_names_the_cycle() {
    let errors = Errors::default();
    let node = genserver::Node::new();
    let first = genserver::start::<Node>(Arc::clone(&errors)).on(&node).name("first").await.unwrap();
    let second = genserver::start::<Node>(Arc::clone(&errors)).on(&node).name("second").await.unwrap();
    first.cast(Tell::Next(vec![second.clone()])).unwrap();
    second.cast(Tell::Next(vec![first.clone()])).unwrap();
    second.call(Ask::Ping).await.unwrap();
    first.call(|caller| Ask::Around(How::Calls, STEPS, caller)).await.unwrap();
    let text = errors.lock().unwrap()[0].to_string();
    assert!(text.contains("first <1> → process second <2> → process first <1>"), "{text}");
}

/// Many servers on two threads, each calling another: none may hang, whatever the order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_cycle_hangs_when_many_close_at_once() {
    const SERVERS: usize = 6;
    for round in 0..200 {
        let (servers, errors) = servers::<SERVERS>([&[1], &[2], &[3], &[4], &[5], &[0]]).await;
        let how = if round % 2 == 0 { How::Calls } else { How::Slowly };
        let around = servers.iter().map(|server| {
            let server = server.clone();
            async move { server.call(move |caller| Ask::Around(how, STEPS, caller)).no_timeout().await }
        });
        let hung = tokio::time::timeout(Duration::from_mins(1), join_all(around.map(spawned))).await;
        for answer in hung.expect("somebody hangs") {
            answer.unwrap();
        }
        let errors = errors.lock().unwrap();
        assert!(errors.iter().all(|error| matches!(error, CallError::Cycle { .. })), "{errors:?}");
    }
}

#[expect(clippy::disallowed_methods, reason = "the callers have to be on both threads")]
async fn spawned<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    tokio::spawn(future).await.unwrap()
}

/// Starts a child that calls it in its init; the child does the same, as deep as it is told.
struct Nest {
    answer: Option<CallError>,
}

enum NestCall {
    /// Start children, this many deep, the last of which makes its call in its init, and report the result.
    Breed(u8, Caller<Option<CallError>>),
    Answer(Caller<Option<CallError>>),
}

/// How many generations are still to come, and which server the youngest calls.
type Brood = Option<(u8, ServerRef<Nest>)>;

impl GenServer for Nest {
    type Args = Brood;
    type Call = NestCall;
    type Cast = Never;
    type Info = Never;

    async fn init(brood: Brood, cx: &mut Cx<Self>) -> Init<Self> {
        let answer = match brood {
            None => None,
            Some((0, target)) => target.call(NestCall::Answer).no_timeout().await.err(),
            Some((more, target)) => {
                let child = cx.start_link::<Nest>(Some((more - 1, target))).await.unwrap();
                child.call(NestCall::Answer).await.unwrap()
            }
        };
        Init::Run(Nest { answer })
    }

    async fn handle_call(&mut self, call: NestCall, cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            NestCall::Breed(generations, caller) => {
                let child = cx.start_link::<Nest>(Some((generations, cx.this()))).await?;
                Next::reply(caller, child.call(NestCall::Answer).await?)
            }
            NestCall::Answer(caller) => Next::reply(caller, self.answer.clone()),
        }
    }
}

#[tokio::test]
async fn a_call_in_init_to_the_process_that_waits_for_it_is_a_cycle() {
    for generations in 0..3_u8 {
        let nest = genserver::start::<Nest>(None).await.unwrap();
        let answer = nest.call(|caller| NestCall::Breed(generations, caller)).await.unwrap();
        let Some(CallError::Cycle { server, cycle }) = answer else { panic!("{answer:?}") };
        assert_eq!(server.pid, nest.pid());
        assert_eq!(cycle.len(), usize::from(generations) + 2, "the nest and those below it: {cycle:?}");
        assert_eq!(cycle[1].pid, nest.pid());
    }
}

/// The caller of a scheduled server works its queue off, and an earlier message there may make calls too.
#[tokio::test(start_paused = true)]
async fn a_cycle_that_an_earlier_queued_message_closes_is_found() {
    let (servers, errors) = servers([&[1], &[0]]).await;
    for server in &servers {
        // Afterwards its task has run, and sleeps.
        server.cast(Tell::AnswerKept).unwrap();
        tokio::task::yield_now().await;
        assert!(server.info().has_task);
    }
    servers[0].call(|caller| Ask::Around(How::CastsFirst, STEPS, caller)).no_timeout().await.unwrap();
    servers[1].call(Ask::Ping).no_timeout().await.unwrap();
    let errors = errors.lock().unwrap();
    assert!(matches!(errors[..], [CallError::Cycle { .. }]), "{errors:?}");
}
