//! Casts, infos, the idle timeout and continues: messages without an answer, and what goes before the mailbox.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time is the runtime's own")]

use std::sync::mpsc;
use std::time::Duration;

use genserver::sys;
use genserver::{
    AsServer, CallError, Caller, CastError, Cx, GenServer, Init, Named, Never, Next, Node, Outcome, Probe, Reason,
    ServerRef, start,
};
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::puppet::{self, Log, Puppet, Told, act, answer, beginning, note, park, slow, waiting};

const SECOND: Duration = Duration::from_secs(1);

async fn puppet() -> (ServerRef<Puppet>, Log) {
    let log = Log::default();
    (start::<Puppet>(waiting(&log)).await.unwrap(), log)
}

/// Waits until everything that was sent before is handled.
async fn synced(server: &ServerRef<Puppet>) {
    server.call(|caller| answer(caller, ())).await.unwrap();
}

#[tokio::test]
async fn gs_101_a_cast_by_name_is_handled() {
    let log = Log::default();
    let node = Node::new();
    let server = node.start::<Puppet>(waiting(&log)).name("caster").await.unwrap();
    assert!(Named::<Puppet>::on(&node, "caster").cast(note("cast")).is_ok());
    synced(&server).await;
    assert_eq!(log.take(), ["cast"]);
}

#[tokio::test]
async fn gs_103_a_cast_that_stops_gives_terminate_its_reason() {
    let (server, log) = puppet().await;
    server.cast(act(|_, _| Next::stop(Reason::term("stopped")))).unwrap();
    assert_eq!(server.ended().await, Reason::term("stopped"));
    assert_eq!(log.take(), ["terminate stopped"]);
}

/// A registry without entries.
struct Nobody;

impl genserver::NameRegistry for Nobody {
    fn register(&self, _name: &str, _process: &genserver::ProcessRef) -> Result<(), genserver::RegisterError> {
        Err(genserver::RegisterError::Refused("it takes nobody".to_owned()))
    }

    fn unregister(&self, _name: &str, _pid: genserver::Pid) {}

    fn whereis(&self, _name: &str) -> Option<genserver::ProcessRef> {
        None
    }
}

#[tokio::test]
async fn gs_104_a_cast_to_nobody_gives_the_message_back() {
    let via = genserver::Name::via(std::sync::Arc::new(Nobody), "nobody");
    for name in ["nobody has this name".into(), genserver::Name::global("nobody has this name"), via] {
        let refused = Named::<Puppet>::new(name).cast(note("lost"));
        assert!(matches!(refused, Err(CastError::NoProc { .. })));
    }
    let (server, log) = puppet().await;
    server.stop().await.unwrap();
    log.take();
    let Err(CastError::NoProc { message, .. }) = server.cast(note("given back")) else { panic!("it has ended") };
    let (another, its_log) = puppet().await;
    another.cast(message).unwrap();
    synced(&another).await;
    assert_eq!(its_log.take(), ["given back"], "it is the message itself");
}

#[tokio::test]
async fn gs_105_a_cast_to_a_full_mailbox_returns_at_once() {
    let log = Log::default();
    let server = start::<Puppet>(waiting(&log)).mailbox(2).await.unwrap();
    server.cast(note("first")).unwrap();
    server.cast(note("second")).unwrap();
    let refused = server.cast(note("third")).unwrap_err();
    assert!(refused.is_full(), "{refused}");
    server.cast_wait(refused.into_inner()).await.unwrap();
    synced(&server).await;
    assert_eq!(log.take(), ["first", "second", "third"]);
}

#[tokio::test]
async fn gs_106_a_plain_message_is_an_info() {
    let (server, log) = puppet().await;
    server.send(Told::Note("plain")).unwrap();
    synced(&server).await;
    assert_eq!(log.take(), ["plain"]);
}

#[tokio::test(start_paused = true)]
async fn gs_107_an_info_can_arm_the_idle_timeout() {
    let (server, log) = puppet().await;
    server.send(Told::Act(act(|_, _| Next::idle(SECOND)))).unwrap();
    sleep(SECOND / 2).await;
    assert_eq!(log.take(), Vec::<String>::new());
    sleep(SECOND).await;
    assert_eq!(log.take(), ["idle"]);
}

#[tokio::test]
async fn gs_108_an_info_that_stops_gives_terminate_its_reason() {
    let (server, log) = puppet().await;
    server.send(Told::Act(act(|_, _| Next::stop(Reason::term("stopped"))))).unwrap();
    assert_eq!(server.ended().await, Reason::term("stopped"));
    assert_eq!(log.take(), ["terminate stopped"]);
}

#[tokio::test]
async fn gs_110_a_panic_in_handle_info_ends_the_server() {
    let (server, log) = puppet().await;
    server.send(Told::Act(act(|_, _| panic!("no such function")))).unwrap();
    let reason = server.ended().await;
    assert!(matches!(&reason, Reason::Panic(panic) if panic.message() == "no such function"), "{reason}");
    assert_eq!(log.take(), ["terminate panicked: no such function"]);
}

/// Takes no call and no cast, and has no handler for its infos.
struct Deaf(Log);

impl GenServer for Deaf {
    type Args = Log;
    type Call = Caller<()>;
    type Cast = &'static str;
    type Info = &'static str;

    async fn init(log: Log, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Deaf(log))
    }

    async fn handle_call(&mut self, _call: Caller<()>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::stop(Reason::BadCall)
    }

    async fn handle_cast(&mut self, _cast: &'static str, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::stop(Reason::BadCast)
    }

    async fn terminate(&mut self, reason: &Reason, _cx: &mut Cx<Self>) {
        self.0.note(format!("terminate {reason}"));
    }
}

#[tokio::test]
async fn a_server_may_end_with_bad_call_or_bad_cast_by_itself() {
    let log = Log::default();
    let deaf = start::<Deaf>(log.clone()).await.unwrap();
    let called = deaf.call(|caller: Caller<()>| caller).await;
    assert!(matches!(called, Err(CallError::Exit { reason: Reason::BadCall, .. })), "{called:?}");
    assert_eq!(log.take(), [format!("terminate {}", Reason::BadCall)]);

    let deaf = start::<Deaf>(log.clone()).await.unwrap();
    deaf.cast("hello").unwrap();
    assert_eq!(deaf.ended().await, Reason::BadCast);
    assert_eq!(log.take(), [format!("terminate {}", Reason::BadCast)]);

    let deaf = start::<Deaf>(log.clone()).await.unwrap();
    deaf.send("only reported").unwrap();
    assert_eq!(deaf.stop().await, Ok(()), "an info that nobody handles ends nobody");
}

/// Ends with the reason that it is told.
struct Obedient;

impl GenServer for Obedient {
    type Args = ();
    type Call = Never;
    type Cast = Reason;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Obedient)
    }

    async fn handle_cast(&mut self, reason: Reason, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::stop(reason)
    }
}

#[tokio::test]
async fn a_lost_connection_is_a_reason_like_any_other_that_is_not_quiet() {
    let server = start::<Obedient>(()).await.unwrap();
    server.cast(Reason::NoConnection).unwrap();
    let reason = server.ended().await;
    assert_eq!(reason, Reason::NoConnection);
    assert!(!reason.is_normal_set());
    assert_eq!(
        (reason.to_string(), format!("{reason:?}")),
        ("no connection to its machine".into(), "NoConnection".into())
    );
}

#[tokio::test]
async fn gs_113_init_continues_before_its_own_message() {
    let log = Log::default();
    let server = start::<Puppet>(beginning(&log, |puppet, cx| {
        cx.this().send(Told::Note("message")).unwrap();
        Init::RunThen(puppet, Told::Note("continue"))
    }))
    .await
    .unwrap();
    synced(&server).await;
    assert_eq!(log.take(), ["continue", "message"]);
}

#[tokio::test]
async fn gs_114_the_reply_goes_first_then_the_continue_then_the_mailbox() {
    let (server, log) = puppet().await;
    let (tell_reply, replied) = mpsc::channel();
    let called = server.call(|caller| {
        act(|_, cx| {
            cx.this().send(Told::Note("message")).unwrap();
            let then = act(move |puppet, _| {
                puppet.log.note("continue");
                let there = replied.try_recv();
                puppet.log.note(format!("reply is there: {}", there.is_ok()));
                Next::wait()
            });
            Next::reply_then(caller, (), Told::Act(then))
        })
    });
    called.await.unwrap();
    tell_reply.send(()).unwrap();
    synced(&server).await;
    assert_eq!(log.take(), ["continue", "reply is there: true", "message"]);
}

#[tokio::test]
async fn a_queued_call_too_gets_its_reply_first_then_the_continue_then_the_mailbox() {
    let (server, log) = puppet().await;
    server
        .cast(slow(|_, _| {
            Box::pin(async {
                yield_now().await;
                Next::wait()
            })
        }))
        .unwrap();
    let called = server.call(|caller| {
        act(|_, cx| {
            cx.this().send(Told::Note("message")).unwrap();
            Next::reply_then(caller, (), Told::Note("continue"))
        })
    });
    called.await.unwrap();
    synced(&server).await;
    assert_eq!(log.take(), ["continue", "message"]);
}

#[tokio::test]
async fn gs_115_a_continue_can_answer_the_call() {
    let (server, _) = puppet().await;
    let called = server.call(|caller| act(|_, _| Next::then(Told::Act(answer(caller, "from the continue")))));
    assert_eq!(called.await, Ok("from the continue"));
}

#[tokio::test]
async fn gs_116_a_continue_goes_before_the_next_message() {
    let (server, log) = puppet().await;
    server.cast(act(|_, _| Next::then(Told::Note("continue of the cast")))).unwrap();
    server.cast(note("second")).unwrap();
    server.send(Told::Act(act(|_, _| Next::then(Told::Note("continue of the info"))))).unwrap();
    server.cast(note("fourth")).unwrap();
    synced(&server).await;
    assert_eq!(log.take(), ["continue of the cast", "second", "continue of the info", "fourth"]);
}

/// More than a task handles in one turn.
#[tokio::test]
async fn each_continue_goes_before_what_waits_however_much_that_is() {
    let (server, log) = puppet().await;
    for _ in 0..300 {
        let continues = act(|puppet: &mut Puppet, _| {
            puppet.log.note("cast");
            Next::then(Told::Note("continue"))
        });
        server.cast(continues).unwrap();
    }
    synced(&server).await;
    assert_eq!(log.take(), ["cast", "continue"].repeat(300));
}

#[tokio::test(start_paused = true)]
async fn gs_118_a_continue_that_stops_yields_a_normal_down() {
    let (server, log) = puppet().await;
    let mut probe = Probe::<()>::new();
    let down = probe.monitor(&server);
    server.cast(act(|_, _| Next::then(Told::Act(act(|_, _| Next::stop(Reason::Normal)))))).unwrap();
    assert_eq!(probe.expect_down(down).await.reason, Reason::Normal);
    assert_eq!(log.take(), ["terminate normal"]);
}

#[tokio::test]
async fn gs_119_init_continues_before_what_others_sent_meanwhile() {
    let log = Log::default();
    let node = Node::new();
    let named = Named::<Puppet>::on(&node, "early");
    let sender = named.clone();
    node.start::<Puppet>(beginning(&log, move |puppet, _| {
        // Another thread finds the name before init is done.
        let sending = std::thread::scope(|scope| scope.spawn(move || sender.send(Told::Note("message"))).join());
        assert!(sending.unwrap().is_ok());
        Init::RunThen(puppet, Told::Note("continue"))
    }))
    .name("early")
    .await
    .unwrap();
    synced(&named.resolve().unwrap()).await;
    assert_eq!(log.take(), ["continue", "message"]);
}

fn count_down(from: u32) -> Told {
    Told::Act(act(move |puppet, _| {
        puppet.log.note(from.to_string());
        if from == 0 { Next::wait() } else { Next::then(count_down(from - 1)) }
    }))
}

#[tokio::test]
async fn continues_may_follow_one_another_and_all_go_before_the_mailbox() {
    let (server, log) = puppet().await;
    server.cast(act(|_, _| Next::then(count_down(3)))).unwrap();
    server.cast(note("message")).unwrap();
    synced(&server).await;
    assert_eq!(log.take(), ["3", "2", "1", "0", "message"]);
}

fn for_ever() -> Told {
    Told::Act(act(|_, _| Next::then(for_ever())))
}

#[tokio::test]
async fn an_endless_chain_of_continues_starves_only_its_own_server_and_a_kill_ends_it() {
    let (server, log) = puppet().await;
    server.cast(act(|_, _| Next::then(for_ever()))).unwrap();
    server.cast(note("starved")).unwrap();
    for _ in 0..100 {
        yield_now().await;
    }
    assert!(server.is_alive());
    server.kill();
    assert_eq!(server.ended().await, Reason::Killed);
    assert_eq!(log.take(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_queued_already_goes_before_an_idle_timeout_of_nothing() {
    let (server, log) = puppet().await;
    server.cast(act(|_, _| Next::idle(Duration::ZERO))).unwrap();
    server.cast(note("queued")).unwrap();
    sleep(SECOND).await;
    assert_eq!(log.take(), ["queued"], "the timeout is dropped");
    server.cast(act(|_, _| Next::idle(Duration::ZERO))).unwrap();
    sleep(SECOND).await;
    assert_eq!(log.take(), ["idle"]);
}

#[tokio::test(start_paused = true)]
async fn any_message_drops_the_idle_timeout_and_only_the_next_callback_can_arm_it_again() {
    let (server, log) = puppet().await;
    server.cast(act(|_, _| Next::idle(SECOND))).unwrap();
    sleep(SECOND / 2).await;
    server.send(Told::Note("junk")).unwrap();
    sleep(5 * SECOND).await;
    assert_eq!(log.take(), ["junk"]);
    server.cast(act(|_, _| Next::idle(SECOND))).unwrap();
    sleep(SECOND / 2).await;
    server.cast(act(|_, _| Next::idle(SECOND))).unwrap();
    sleep(3 * SECOND / 4).await;
    assert_eq!(log.take(), Vec::<String>::new(), "armed anew, from the full time");
    sleep(SECOND / 2).await;
    assert_eq!(log.take(), ["idle"]);
}

#[tokio::test(start_paused = true)]
async fn a_down_drops_the_idle_timeout_too() {
    let (server, log) = puppet().await;
    let (other, _) = puppet().await;
    let watched = other.clone();
    server
        .cast(act(move |_, cx| {
            cx.monitor(&watched, Told::Down);
            Next::idle(SECOND)
        }))
        .unwrap();
    sleep(SECOND / 2).await;
    other.stop().await.unwrap();
    sleep(5 * SECOND).await;
    assert_eq!(log.take(), ["down normal"]);
}

#[tokio::test(start_paused = true)]
async fn the_idle_callback_can_arm_itself_again_stop_and_continue() {
    let (server, log) = puppet().await;
    server
        .cast(act(|puppet, _| {
            puppet.when_idle = Some(act(|puppet, _| {
                puppet.when_idle =
                    Some(act(|_, _| Next::then(Told::Act(act(|_, _| Next::stop(Reason::term("bored")))))));
                Next::idle(SECOND)
            }));
            Next::idle(SECOND)
        }))
        .unwrap();
    assert_eq!(server.ended().await, Reason::term("bored"));
    assert_eq!(log.take(), ["idle", "idle", "terminate bored"]);
}

#[tokio::test(start_paused = true)]
async fn an_init_can_arm_the_idle_timeout() {
    let log = Log::default();
    let server = start::<Puppet>(beginning(&log, |puppet, _| Init::RunIdle(puppet, SECOND))).await.unwrap();
    sleep(2 * SECOND).await;
    assert_eq!(log.take(), ["idle"]);
    assert!(server.is_alive());
}

/// If a message arrives just when the idle timeout is over, before the server's own task has run, the clock is not disturbed.
#[tokio::test(start_paused = true)]
async fn a_message_that_races_the_idle_timeout_does_not_stop_the_clock() {
    for early in [Duration::ZERO, Duration::from_millis(1)] {
        let (server, log) = puppet().await;
        server.cast(act(|_, _| Next::idle(SECOND))).unwrap();
        yield_now().await;
        let sender = server.clone();
        sleep(SECOND.saturating_sub(early)).await;
        sender.cast(park_a_while()).unwrap();
        sleep(SECOND).await;
        synced(&server).await;
        let heard = log.take();
        assert!(heard == ["awoke"] || heard == ["idle", "awoke"], "{heard:?}");
    }
}

fn park_a_while() -> puppet::Act {
    slow(|puppet, _| {
        Box::pin(async {
            sleep(SECOND / 4).await;
            puppet.log.note("awoke");
            Next::wait()
        })
    })
}

#[tokio::test(start_paused = true)]
async fn an_idle_timeout_longer_than_the_clock_never_fires() {
    let (server, log) = puppet().await;
    server.cast(act(|_, _| Next::idle(Duration::MAX))).unwrap();
    sleep(SECOND).await;
    synced(&server).await;
    assert_eq!(log.take(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_left_open_does_not_keep_the_server_from_others() {
    let (server, _) = puppet().await;
    let kept = server.call(|caller| {
        act(|puppet, _| {
            puppet.kept = Some(caller);
            Next::wait()
        })
    });
    let others = async {
        yield_now().await;
        synced(&server).await;
        server
            .call(|caller| {
                act(|puppet, _| {
                    let kept = puppet.kept.take().unwrap();
                    kept.reply(9);
                    Next::reply(caller, ())
                })
            })
            .await
            .unwrap();
    };
    let (kept, ()) = futures::future::join(kept, others).await;
    assert_eq!(kept, Ok(9));
}

#[tokio::test(start_paused = true)]
async fn a_parked_callback_holds_back_everything_else_in_order() {
    let (server, log) = puppet().await;
    server
        .cast(slow(|puppet, _| {
            Box::pin(async {
                for _ in 0..10 {
                    yield_now().await;
                }
                puppet.log.note("parked");
                Next::wait()
            })
        }))
        .unwrap();
    server.cast(note("second")).unwrap();
    server.send(Told::Note("third")).unwrap();
    synced(&server).await;
    assert_eq!(log.take(), ["parked", "second", "third"]);
    let parked = server.call(park::<()>).timeout(Duration::from_millis(1)).await;
    assert!(matches!(parked, Err(CallError::Timeout { .. })), "{parked:?}");
    server.kill();
}

#[tokio::test(start_paused = true)]
async fn a_suspended_server_has_no_idle_timeout_and_a_resumed_one_the_full_time() {
    let (server, log) = puppet().await;
    server.cast(act(|_, _| Next::idle(SECOND))).unwrap();
    sleep(SECOND / 2).await;
    sys::suspend(&server).await.unwrap();
    sleep(5 * SECOND).await;
    assert_eq!(log.take(), Vec::<String>::new());
    sys::resume(&server).await.unwrap();
    sleep(3 * SECOND / 4).await;
    assert_eq!(log.take(), Vec::<String>::new());
    sleep(SECOND / 2).await;
    assert_eq!(log.take(), ["idle"]);
}
