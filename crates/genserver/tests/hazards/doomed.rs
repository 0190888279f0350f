//! A doomed process: it never returns from the call it is in, and makes no further calls.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use futures::executor::block_on;
use futures::future::{BoxFuture, FutureExt, join_all, select, select_all};
use futures::stream::{FuturesUnordered, StreamExt};
use genserver::task::{Task, TaskError};
use genserver::{
    CallError, Caller, Init, Next, Node, Probe, ProcessRef, Reason, ServerRef, StopError, spawn, start, start_link,
};
use tokio::sync::oneshot;
use tokio::task::yield_now;

use crate::flavours::soon;
use crate::puppet::{self, Act, Curtain, Log, Play, Puppet, Told, act, answer, note, slow, waiting};

on_both_flavours! {
    pl_050_a_caller_linked_with_its_server_ends_in_the_call_that_ends_the_server
    pl_051_a_caller_that_traps_exits_gets_the_error_of_the_call_and_then_the_exit
    pl_052_an_exit_signal_comes_before_the_reply_that_follows_it
    pl_053_a_killed_process_calls_nobody_any_more
    a_killed_process_casts_to_nobody_any_more
    a_call_among_others_that_are_awaited_together_is_cut_too
    the_calls_of_others_go_on_while_a_killed_process_still_runs
    block_on_in_a_doomed_callback_does_not_hang
    a_call_that_dooms_its_caller_is_answered_all_the_same_under_block_on
    a_call_that_fails_as_its_caller_is_doomed_fails_all_the_same_under_an_executor_inside
    pl_055_an_exit_that_came_before_its_own_end_is_what_a_process_ends_with
    a_task_that_is_killed_before_it_ends_has_no_result
    pl_056_a_starter_that_is_doomed_when_init_ends_leaves_the_child_to_the_link
    pl_057_an_exit_cuts_terminate_off_at_its_next_await
}

/// How a call finds its server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Path {
    /// Idle: it runs on the caller's own task.
    Idle,
    /// On its own task, behind something else.
    Busy,
    /// It begins on the caller's task, and awaits.
    AwaitsFirst,
}

const PATHS: [Path; 3] = [Path::Idle, Path::Busy, Path::AwaitsFirst];

fn boom() -> Reason {
    Reason::term("boom")
}

/// Both exits from outside, with the reasons that they lead to.
fn exits() -> [(Reason, Reason); 2] {
    [(boom(), boom()), (Reason::Kill, Reason::Killed)]
}

/// A process with a client of its own that calls another process.
struct Scene {
    path: Path,
    log: Log,
    caller: ServerRef<Puppet>,
    callee: ServerRef<Puppet>,
}

/// What the callee does for the caller.
type Deed = Box<dyn FnOnce(ProcessRef, Caller<()>) -> Act + Send>;

impl Scene {
    async fn set(path: Path) -> Self {
        let log = Log::default();
        let caller = start::<Puppet>(waiting(&log)).await.unwrap();
        let callee = start::<Puppet>(waiting(&log)).inline(path != Path::Busy).await.unwrap();
        Self { path, log, caller, callee }
    }

    /// Has the caller link itself with the callee.
    async fn link(&self, traps: bool) {
        let callee = self.callee.clone();
        let linked = self.caller.call(move |client| {
            act(move |_, cx| {
                if traps {
                    cx.trap_exits(Told::Exit);
                }
                cx.link(&callee)?;
                Next::reply(client, ())
            })
        });
        linked.await.unwrap();
    }

    /// Returns what the caller's client gets while the caller calls the callee.
    async fn call(&self, deed: Deed) -> Result<Result<(), CallError>, CallError> {
        let (callee, path) = (self.callee.clone(), self.path);
        let calls = |client| {
            slow(move |puppet, cx| {
                let me = cx.process_ref();
                Box::pin(async move {
                    if path == Path::Busy {
                        callee.cast(note("was busy")).unwrap();
                    }
                    let called = callee.call(|caller| deed(me, caller)).await;
                    puppet.log.note("the call came back");
                    Next::reply(client, called)
                })
            })
        };
        self.caller.call(calls).await
    }

    /// The notes, without those that only kept the callee busy.
    fn noted(&self) -> Vec<String> {
        self.log.take().into_iter().filter(|line| line != "was busy").collect()
    }

    /// Asserts that the caller never came back from its call, and ended with that reason.
    #[track_caller]
    fn assert_gone(&self, told: Result<Result<(), CallError>, CallError>, reason: &Reason) {
        let told = match told {
            Err(CallError::Exit { reason, .. }) => reason,
            other => panic!("{:?}: the client was to hear of the end, not {other:?}", self.path),
        };
        assert_eq!(told, *reason, "{:?}", self.path);
        let noted = self.noted();
        assert!(!noted.contains(&"the call came back".to_owned()), "{:?}: {noted:?}", self.path);
        assert!(!self.caller.is_alive());
    }
}

/// Stops without an answer.
fn stops(path: Path) -> Deed {
    Box::new(move |_, caller| {
        slow(move |_, _| {
            Box::pin(async move {
                aside(path).await;
                drop(caller);
                Next::stop(boom())
            })
        })
    })
}

/// Sends its caller an exit, and then the answer.
fn exits_and_replies(path: Path, reason: Reason) -> Deed {
    Box::new(move |caller_itself, caller| {
        slow(move |_, _| {
            Box::pin(async move {
                aside(path).await;
                caller_itself.exit(reason);
                Next::reply(caller, ())
            })
        })
    })
}

async fn aside(path: Path) {
    if path == Path::AwaitsFirst {
        yield_now().await;
    }
}

async fn pl_050_a_caller_linked_with_its_server_ends_in_the_call_that_ends_the_server() {
    for path in PATHS {
        let scene = Scene::set(path).await;
        scene.link(false).await;
        let told = scene.call(stops(path)).await;
        scene.assert_gone(told, &boom());
        assert_eq!(scene.caller.ended().await, boom());
    }
}

async fn pl_051_a_caller_that_traps_exits_gets_the_error_of_the_call_and_then_the_exit() {
    for path in PATHS {
        let scene = Scene::set(path).await;
        scene.link(true).await;
        let told = scene.call(stops(path)).await.unwrap();
        assert!(matches!(told, Err(CallError::Exit { reason, .. }) if reason == boom()), "{path:?}");
        // It goes on, and handles the exit in its turn.
        scene.caller.call(|client| answer(client, ())).await.unwrap();
        assert_eq!(scene.noted(), ["terminate boom", "the call came back", "exit boom"], "{path:?}");
    }
}

async fn pl_052_an_exit_signal_comes_before_the_reply_that_follows_it() {
    for path in PATHS {
        for (signal, reason) in exits() {
            let scene = Scene::set(path).await;
            let told = scene.call(exits_and_replies(path, signal)).await;
            scene.assert_gone(told, &reason);
            assert!(scene.callee.is_alive());
        }
    }
}

/// Kills a process from an unrelated thread, and returns when that is done.
fn kill_from_elsewhere(process: ProcessRef) {
    #[expect(clippy::disallowed_methods, reason = "a thread outside every runtime")]
    let killer = std::thread::spawn(move || process.kill());
    killer.join().unwrap();
}

/// What a process does on one of the paths.
type Calls = fn(Path, ServerRef<Puppet>) -> BoxFuture<'static, ()>;

/// Makes a server do something after it was killed, and checks that it is cut off there.
async fn after_a_kill(scene: &Scene, does: impl FnOnce(ServerRef<Puppet>) -> BoxFuture<'static, ()> + Send + 'static) {
    let callee = scene.callee.clone();
    let told = scene.caller.call(|client| {
        slow(move |puppet, cx| {
            let me = cx.process_ref();
            Box::pin(async move {
                kill_from_elsewhere(me);
                does(callee).await;
                puppet.log.note("the call came back");
                Next::reply(client, Ok(()))
            })
        })
    });
    scene.assert_gone(told.await, &Reason::Killed);
    // What was sent is handled before this.
    scene.callee.call(|client| answer(client, ())).await.unwrap();
    assert_eq!(scene.noted(), [""; 0], "{:?}: something was sent after the kill", scene.path);
}

/// A call that is noted.
fn counted(path: Path, caller: Caller<()>) -> Act {
    slow(move |puppet, _| {
        Box::pin(async move {
            puppet.log.note("called");
            aside(path).await;
            Next::reply(caller, ())
        })
    })
}

async fn calls(path: Path, callee: ServerRef<Puppet>) {
    let _ = callee.call(|caller| counted(path, caller)).await;
}

async fn pl_053_a_killed_process_calls_nobody_any_more() {
    for path in PATHS {
        let scene = Scene::set(path).await;
        let many = move |callee: ServerRef<Puppet>| async move {
            for _ in 0..200 {
                calls(path, callee.clone()).await;
            }
        };
        after_a_kill(&scene, move |callee| Box::pin(many(callee))).await;
    }
}

async fn a_killed_process_casts_to_nobody_any_more() {
    for path in PATHS {
        let scene = Scene::set(path).await;
        let casts = |callee: ServerRef<Puppet>| -> BoxFuture<'static, ()> {
            Box::pin(async move { drop(callee.cast_wait(note("told")).await) })
        };
        after_a_kill(&scene, casts).await;
    }
}

async fn a_call_among_others_that_are_awaited_together_is_cut_too() {
    let together: [Calls; 4] = [
        |path, callee| {
            Box::pin(async move {
                let call = pin!(calls(path, callee.clone()));
                drop(select(call, pin!(callee.cast_wait(note("told")))).await);
            })
        },
        |path, callee| Box::pin(select_all((0..2).map(move |_| Box::pin(calls(path, callee.clone())))).map(drop)),
        // So many that each is polled only when it is woken.
        |path, callee| Box::pin(join_all((0..100).map(move |_| calls(path, callee.clone()))).map(drop)),
        |path, callee| {
            Box::pin(async move {
                let mut all: FuturesUnordered<_> = (0..100).map(|_| calls(path, callee.clone())).collect();
                while all.next().await.is_some() {}
            })
        },
    ];
    for path in PATHS {
        for awaits in together {
            let scene = Scene::set(path).await;
            after_a_kill(&scene, move |callee| awaits(path, callee)).await;
        }
    }
}

async fn the_calls_of_others_go_on_while_a_killed_process_still_runs() {
    let scene = Scene::set(Path::Idle).await;
    let (callee, third) = (scene.callee.clone(), start::<Puppet>(waiting(&scene.log)).await.unwrap());
    let calls_at_once = move |caller| {
        slow(move |_, _| {
            Box::pin(async move {
                let called = third.call(|caller| answer(caller, 1)).now_or_never();
                Next::reply(caller, called)
            })
        })
    };
    let told = scene.caller.call(|client| {
        act(move |puppet, cx| {
            cx.process_ref().kill();
            // An executor inside the callback is let through, so others run on its thread.
            let called = block_on(callee.call(calls_at_once)).unwrap();
            puppet.log.note(format!("{called:?}"));
            Next::reply(client, ())
        })
    });
    assert_eq!(told.await, Ok(()));
    assert_eq!(scene.noted(), ["Some(Ok(1))"]);
    assert_eq!(scene.caller.ended().await, Reason::Killed);
}

/// An executor inside a callback cannot be cut off: it gets its answers, and the callback ends at its own next await.
async fn block_on_in_a_doomed_callback_does_not_hang() {
    let scene = Scene::set(Path::Idle).await;
    let callee = scene.callee.clone();
    let told = scene.caller.call(|client| {
        slow(move |puppet, cx| {
            let me = cx.process_ref();
            Box::pin(async move {
                kill_from_elsewhere(me);
                for _ in 0..2 {
                    block_on(callee.call(|caller| counted(Path::Idle, caller))).unwrap();
                }
                puppet.log.note("the executor came back");
                let called = callee.call(|caller| counted(Path::Idle, caller)).await;
                puppet.log.note("the call came back");
                Next::reply(client, called)
            })
        })
    });
    let told = told.await;
    assert_eq!(scene.noted(), ["called", "called", "the executor came back"]);
    scene.assert_gone(told, &Reason::Killed);
}

async fn a_call_that_dooms_its_caller_is_answered_all_the_same_under_block_on() {
    let scene = Scene::set(Path::Idle).await;
    let callee = scene.callee.clone();
    let told = scene.caller.call(|client: Caller<Result<(), CallError>>| {
        slow(move |puppet, cx| {
            let me = cx.process_ref();
            Box::pin(async move {
                let deed = exits_and_replies(Path::Idle, Reason::Kill);
                assert_eq!(block_on(callee.call(|caller| deed(me, caller))), Ok(()));
                let child = block_on(start::<Puppet>(waiting(&puppet.log))).unwrap();
                block_on(child.stop()).unwrap();
                puppet.log.note("the executor came back");
                Next::reply(client, Ok(()))
            })
        })
    });
    // The answer came after the kill, but code that does not await cannot be stopped.
    assert_eq!(told.await, Ok(Ok(())));
    assert_eq!(scene.caller.ended().await, Reason::Killed);
    assert_eq!(scene.noted(), ["terminate normal", "the executor came back"]);
}

/// What an executor does that never gives way, such as `block_on`, but not for ever.
fn insist<T>(future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
    (0..1_000_000).find_map(|_| match future.as_mut().poll(&mut cx) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

async fn a_call_that_fails_as_its_caller_is_doomed_fails_all_the_same_under_an_executor_inside() {
    let scene = Scene::set(Path::Idle).await;
    let callee = scene.callee.clone();
    callee.stop().await.unwrap();
    let told = scene.caller.call(|client| {
        act(move |_, cx| {
            let me = cx.process_ref();
            // The message is made when the call has begun, and only then it is seen that nobody takes it.
            let called = insist(callee.call(|caller| {
                me.kill();
                answer(caller, ())
            }));
            Next::reply(client, called)
        })
    });
    let called = told.await.unwrap();
    assert!(matches!(called, Some(Err(CallError::NoProc { .. }))), "{called:?}");
}

/// How a child is started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Start,
    StartMonitor,
    StartLink,
}

/// A child whose init dooms its starter, and what both have to say afterwards.
struct Left {
    node: Node,
    log: Log,
    child: ProcessRef,
    told: Result<(), CallError>,
}

impl Left {
    async fn by(way: Way, path: Path, traps: bool, signal: Reason) -> Self {
        let (node, log) = (Node::new(), Log::default());
        let starter = node.start::<Puppet>(waiting(&log)).inline(path != Path::Busy).await.unwrap();
        let (born, child) = oneshot::channel();
        let told = starter.call(|client| {
            slow(move |puppet, cx| {
                let play = dooming(&puppet.log, cx.process_ref(), path, traps, signal, born);
                Box::pin(async move {
                    match way {
                        Way::Start => drop(start::<Puppet>(play).name("child").await),
                        Way::StartLink => drop(start_link::<Puppet>(play).name("child").await),
                        Way::StartMonitor => {
                            drop(cx.start_monitor::<Puppet>(play, Told::Down).with(|start| start.name("child")).await);
                        }
                    }
                    puppet.log.note("the start came back");
                    Next::reply(client, ())
                })
            })
        });
        let told = told.await;
        Self { node, log, child: child.await.unwrap(), told }
    }
}

/// An init that sends its starter an exit, and goes on.
fn dooming(
    log: &Log,
    starter: ProcessRef,
    path: Path,
    traps: bool,
    signal: Reason,
    born: oneshot::Sender<ProcessRef>,
) -> Play {
    let begin: puppet::Begin = Box::new(move |child, cx| {
        born.send(cx.process_ref()).unwrap();
        if traps {
            cx.trap_exits(Told::Exit);
        }
        Box::pin(async move {
            aside(path).await;
            starter.exit(signal);
            child.log.note("init");
            Init::Run(child)
        })
    });
    Play { log: log.clone(), begin: Some(begin) }
}

async fn pl_056_a_starter_that_is_doomed_when_init_ends_leaves_the_child_to_the_link() {
    for (way, path, traps) in [Way::Start, Way::StartMonitor, Way::StartLink]
        .into_iter()
        .flat_map(|way| PATHS.into_iter().flat_map(move |path| [false, true].map(|traps| (way, path, traps))))
    {
        for (signal, reason) in exits() {
            let case = format!("{way:?}, {path:?}, {traps}, {reason}");
            let left = Left::by(way, path, traps, signal).await;
            assert!(matches!(&left.told, Err(CallError::Exit { reason: told, .. }) if *told == reason), "{case}");
            if way == Way::StartLink {
                assert_eq!(left.child.ended().await, reason, "{case}");
                let terminate = format!("terminate {reason}");
                let noted = if traps { vec!["init".to_owned(), terminate] } else { vec!["init".to_owned()] };
                assert_eq!(left.log.take(), noted, "{case}");
                continue;
            }
            let child = left.child.downcast::<Puppet>().unwrap();
            assert_eq!(child.call(|caller| answer(caller, 1)).await, Ok(1), "{case}");
            assert_eq!(left.node.whereis("child"), Some(left.child.clone()), "{case}");
            assert_eq!(child.info().monitors, 0, "{case}: the monitor of the dead is gone");
            assert_eq!(left.log.take(), ["init"], "{case}");
        }
    }
}

async fn pl_057_an_exit_cuts_terminate_off_at_its_next_await() {
    for path in PATHS {
        let scene = Scene::set(path).await;
        let (callee, me, log) = (scene.callee.clone(), scene.caller.process_ref(), scene.log.clone());
        let curtain: Curtain = Box::new(move || {
            Box::pin(async move {
                aside(path).await;
                kill_from_elsewhere(me);
                let _ = callee.call(|caller| counted(path, caller)).await;
                log.note("the call came back");
            })
        });
        let prepared = scene.caller.call(|client| {
            act(move |puppet, _| {
                puppet.curtain = Some(curtain);
                Next::reply(client, ())
            })
        });
        prepared.await.unwrap();
        let stopped = scene.caller.stop().await;
        assert!(matches!(stopped, Err(StopError::Exit { reason: Reason::Killed, .. })), "{path:?}: {stopped:?}");
        scene.callee.call(|client| answer(client, ())).await.unwrap();
        assert_eq!(scene.noted(), ["terminate normal"], "{path:?}");
    }
}

/// The ways in which a doomed callback or function may end by itself.
const OWN_ENDS: [fn() -> Result<(), Reason>; 3] =
    [|| Ok(()), || Err(Reason::term("an end of its own")), || panic!("an end of its own")];

async fn pl_055_an_exit_that_came_before_its_own_end_is_what_a_process_ends_with() {
    for (signal, reason) in exits() {
        for own_end in OWN_ENDS {
            let node = Node::new();
            let mut reports = node.reports();
            let here = Probe::<()>::on(&node);
            let signal_of_the_function = signal.clone();
            let function = |me: Probe<()>| async move {
                me.process_ref().exit(signal_of_the_function);
                own_end()
            };
            let function = here.scope(async { spawn(function) }).await.unwrap();
            assert_eq!(function.process_ref().ended().await, reason);

            let server = node.start::<Puppet>(waiting(&Log::default())).await.unwrap();
            let signal = signal.clone();
            let called = server.call(|caller: Caller<()>| {
                act(move |_, cx| {
                    cx.process_ref().exit(signal);
                    own_end()?;
                    Next::reply(caller, ())
                })
            });
            drop(called.await);
            assert_eq!(server.ended().await, reason);
            assert_eq!(reports.try_next(), None, "an end by a signal is nothing to report");
        }
    }
}

async fn a_task_that_is_killed_before_it_ends_has_no_result() {
    let task = Task::with_mailbox(|me: Probe<()>| async move {
        me.process_ref().kill();
        1
    });
    assert!(matches!(task.await, Err(TaskError::Exit { reason: Reason::Killed, .. })));
}
