//! One message for many servers: which answer, which do not, and what it costs.
#![expect(clippy::unwrap_used, reason = "a failed `unwrap` is a failed test, also in what the tests share")]

use std::future::Future;
use std::time::{Duration, Instant};

use genserver::{
    Answers, CallError, Caller, CastError, Cx, GenServer, Init, Named, Never, Next, Node, Outcome, Pid, Probe, Reason,
    ServerRef, call_all, cast_all, sys,
};

/// Counts what it is told, and answers after a pause.
struct Member {
    count: u32,
    pause: Duration,
}

enum Ask {
    Count(Caller<u32>),
    Stop(Caller<u32>),
    /// Asks all of these, which may include itself.
    Poll(Vec<ServerRef<Member>>, Caller<Answers<u32>>),
}

#[derive(Clone, Copy)]
enum Tell {
    Add(u32),
    Stop,
}

impl GenServer for Member {
    type Args = Duration;
    type Call = Ask;
    type Cast = Tell;
    type Info = Never;

    async fn init(args: Duration, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Member { count: 0, pause: args })
    }

    #[expect(clippy::disallowed_methods, reason = "a handler that takes its time")]
    async fn handle_call(&mut self, call: Ask, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Ask::Count(caller) => {
                if !self.pause.is_zero() {
                    tokio::time::sleep(self.pause).await;
                }
                Next::reply(caller, self.count)
            }
            Ask::Stop(_caller) => Next::stop(Reason::Shutdown),
            Ask::Poll(members, caller) => Next::reply(caller, call_all(&members, Ask::Count, millis(10)).await),
        }
    }

    async fn handle_cast(&mut self, cast: Tell, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match cast {
            Tell::Add(more) => self.count += more,
            Tell::Stop => return Next::stop(Reason::Normal),
        }
        Next::wait()
    }
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[expect(clippy::disallowed_methods, reason = "a test's time is the runtime's own")]
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

async fn members(pauses: &[u64]) -> Vec<ServerRef<Member>> {
    let start = |pause: &u64| {
        let starting = genserver::start::<Member>(millis(*pause));
        async { starting.await.unwrap() }
    };
    futures::future::join_all(pauses.iter().map(start)).await
}

fn pids(members: &[ServerRef<Member>]) -> Vec<Pid> {
    members.iter().map(ServerRef::pid).collect()
}

#[tokio::test(start_paused = true)]
async fn gs_141_a_fan_out_cast_reaches_every_server() {
    let members = members(&[0; 5]).await;
    let mut next = 0;
    let refused = cast_all(&members, |_| {
        next += 1;
        Tell::Add(next)
    });
    assert!(refused.is_empty());
    let counted = call_all(&members, Ask::Count, Duration::from_secs(1)).await;
    assert_eq!(counted.all(), Ok(vec![1, 2, 3, 4, 5]));

    assert!(cast_all(&members, |_| Tell::Stop).is_empty());
    for member in &members {
        assert_eq!(member.ended().await, Reason::Normal);
    }
    let refused = cast_all(&members, |_| Tell::Stop);
    assert!(refused.iter().all(|refused| matches!(refused, CastError::NoProc { message: Tell::Stop, .. })));
    assert_eq!(refused.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn gs_142_a_fan_out_call_gathers_every_reply() {
    let members = members(&[30, 0, 10]).await;
    cast_all(&members, |member| Tell::Add(u32::try_from(member.pid().number()).unwrap()));
    let expected: Vec<(Pid, u32)> =
        pids(&members).into_iter().map(|pid| (pid, u32::try_from(pid.number()).unwrap())).collect();
    let counted = call_all(&members, Ask::Count, Duration::from_secs(1)).await;
    assert_eq!((counted.answered, counted.failed), (expected, vec![]));

    let brief = call_all(&members, Ask::Count, millis(20)).await;
    assert_eq!(brief.answered.iter().map(|(pid, _)| *pid).collect::<Vec<_>>(), pids(&members[1..]));
    assert!(
        matches!(&brief.failed[..], [(pid, CallError::Timeout { after, .. })] if *pid == members[0].pid() && *after == millis(20))
    );

    let stopped = call_all(&members, Ask::Stop, Duration::from_secs(1)).await;
    assert!(stopped.answered.is_empty());
    assert!(stopped.failed.iter().all(|(_, error)| matches!(error, CallError::Exit { reason: Reason::Shutdown, .. })));
    assert_eq!(stopped.failed.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn gs_144_a_fan_out_call_past_its_deadline_leaves_no_late_answer() {
    let members = members(&[1000; 5]).await;
    let mut probe = Probe::<()>::new();
    let begun = now();
    let counted = probe.scope(call_all(&members, Ask::Count, millis(100))).await;
    assert_eq!(now() - begun, millis(100));
    assert!(counted.answered.is_empty());
    assert_eq!(counted.failed.iter().map(|(pid, _)| *pid).collect::<Vec<_>>(), pids(&members));
    probe.expect_none(millis(3000)).await;
}

#[tokio::test(start_paused = true)]
async fn gs_145_a_fan_out_call_lists_who_did_not_answer() {
    let members = members(&[0, 0, 0, u64::from(u32::MAX), 0, 0]).await;
    members[1].kill();
    members[2].stop().await.unwrap();
    sys::suspend(&members[5]).await.unwrap();
    let counted = call_all(&members, Ask::Count, millis(100)).await;
    assert_eq!(counted.answered, [(members[0].pid(), 0), (members[4].pid(), 0)]);
    let failed: Vec<Pid> = counted.failed.iter().map(|(pid, _)| *pid).collect();
    assert_eq!(failed, [1, 2, 3, 5].map(|place: usize| members[place].pid()));
    let gone = |error: &CallError| matches!(error, CallError::NoProc { .. });
    assert_eq!(counted.failed.iter().map(|(_, error)| gone(error)).collect::<Vec<_>>(), [true, true, false, false]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_calls_itself_among_others_fails_alone() {
    let members = members(&[0, 0]).await;
    let all = members.clone();
    let polled = members[0].call(|caller| Ask::Poll(all, caller)).await.unwrap();
    assert_eq!(polled.answered, [(members[1].pid(), 0)]);
    assert!(matches!(polled.failed[..], [(_, CallError::CallingSelf { .. })]), "{polled:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_to_no_servers_has_no_answers() {
    let nobody: [ServerRef<Member>; 0] = [];
    assert_eq!(call_all(nobody, Ask::Count, Duration::ZERO).await, Answers::default());
}

/// How long the quickest of a hundred takes.
#[expect(clippy::disallowed_methods, reason = "the machine's clock is what is asked about")]
async fn quickest<F: Future>(mut asked: impl FnMut() -> F) -> Duration {
    let mut quickest = Duration::MAX;
    for _ in 0..100 {
        let begun = Instant::now();
        asked().await;
        quickest = quickest.min(begun.elapsed());
    }
    quickest
}

/// A process whose mailbox is as full as it can be.
fn crammed() -> Probe<u64> {
    let probe = Probe::new();
    let sender = probe.sender();
    while sender.send(0).is_ok() {}
    probe
}

#[tokio::test]
async fn a_process_counts_what_it_refuses() {
    let full = crammed();
    assert_eq!(full.process_ref().info().refused, 1);
    assert!(full.sender().send(0).is_err());
    assert_eq!(full.process_ref().info().refused, 2);
}

#[tokio::test(start_paused = true)]
async fn gs_147_a_callers_full_mailbox_does_not_slow_a_fan_out_call() {
    let members = members(&[0; 5]).await;
    let (empty, full) = (Probe::<u64>::new(), crammed());
    let ask = || call_all(&members, Ask::Count, Duration::from_secs(5));
    let quick = quickest(|| empty.scope(ask())).await;
    let slow = quickest(|| full.scope(ask())).await;
    assert!(slow < quick * 10, "{slow:?} with a full mailbox, {quick:?} with an empty one");
}

#[tokio::test(start_paused = true)]
async fn a_fan_out_takes_names_and_tells_which_nobody_has() {
    let node = Node::new();
    let named = |name| Named::<Member>::on(&node, name);
    let names = [named("one"), named("nobody"), named("two")];
    let one = node.start::<Member>(millis(0)).name("one").await.unwrap();
    let two = node.start::<Member>(millis(0)).name("two").await.unwrap();

    let refused = cast_all(&names, |name| Tell::Add(u32::try_from(name.name().to_string().len()).unwrap()));
    let [CastError::NoProc { message: Tell::Add(6), server }] = &refused[..] else { panic!("{refused:?}") };
    assert_eq!(server.to_string(), "a process named nobody");

    let counted = call_all(&names, Ask::Count, Duration::from_secs(1)).await;
    assert_eq!(counted.answered, [(one.pid(), 3), (two.pid(), 3)]);
    let [(Pid::NOBODY, CallError::NoProc { server })] = &counted.failed[..] else { panic!("{counted:?}") };
    assert_eq!(server.name, Some("nobody".into()));

    let nobody = call_all([named("nobody")], Ask::Count, Duration::from_secs(1)).await;
    assert_eq!((nobody.answered.len(), nobody.failed.len()), (0, 1));
}
