//! Wakers that panic: the panic affects only the task that polls with them.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::time::Duration;

use futures::future::{join_all, poll_immediate};
use genserver::agent::Agent;
use genserver::registry::{Registry, UniqueRegistry};
use genserver::report::Report;
use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::task::{Task, or_exit};
use genserver::time::sleep;
use genserver::{
    Ack, AsProcess, CallError, Caller, Deadline, Init, Letter, Next, Node, Probe, ProbeRef, Reason, Requests,
    ServerRef, StopError, adopt, run_blocking, spawn, start, start_process, whereis,
};

use crate::bombs::{BOMBS, Bomb, Fuse, plant};
use crate::flavours::soon;
use crate::puppet::{Act, Begin, Log, Play, Puppet, act, answer, note, slow, waiting};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

async fn puppet() -> ServerRef<Puppet> {
    start::<Puppet>(waiting(&Log::default())).await.unwrap()
}

/// Makes a callback await for a second.
fn keep_busy(server: &ServerRef<Puppet>) {
    let nap = slow(|_, _| {
        Box::pin(async {
            sleep(ms(1000)).await;
            Next::wait()
        })
    });
    server.cast(nap).unwrap();
}

/// A puppet whose init takes a second.
fn in_no_hurry() -> Play {
    let begin: Begin = Box::new(|puppet, _| {
        Box::pin(async {
            sleep(ms(1000)).await;
            Init::Run(puppet)
        })
    });
    Play { log: Log::default(), begin: Some(begin) }
}

/// What keeps a caller waiting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Callee {
    /// Only its own task runs it.
    InItsTask,
    /// A callback awaits something when the call comes.
    Busy,
    /// The callback of the call awaits something.
    AwaitsFirst,
    /// Another process will answer.
    Keeps,
}

const CALLEES: [Callee; 4] = [Callee::InItsTask, Callee::Busy, Callee::AwaitsFirst, Callee::Keeps];

async fn callee(callee: Callee) -> ServerRef<Puppet> {
    let server = start::<Puppet>(waiting(&Log::default())).inline(callee != Callee::InItsTask).await.unwrap();
    if callee == Callee::Busy {
        keep_busy(&server);
        sleep(ms(1)).await;
    }
    server
}

/// A call that is not answered at once, whatever state the server is in.
fn ask(callee: Callee, caller: Caller<u32>) -> Act {
    match callee {
        Callee::InItsTask | Callee::Busy => answer(caller, 7),
        Callee::AwaitsFirst => slow(|_, _| {
            Box::pin(async {
                sleep(ms(1000)).await;
                Next::reply(caller, 7)
            })
        }),
        Callee::Keeps => act(|_, _| {
            spawn(|_: Probe<()>| async move {
                sleep(ms(1000)).await;
                caller.reply(7);
                sleep(ms(1000)).await;
            })?;
            Next::wait()
        }),
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_a_caller_whose_waker_panics_goes_on() {
    for (bomb, kind) in BOMBS.into_iter().flat_map(|bomb| CALLEES.map(|kind| (bomb, kind))) {
        let server = callee(kind).await;
        let mut call = Box::pin(server.call(|caller| ask(kind, caller)).no_timeout());
        let fuse = plant(bomb, &mut call);
        let another = server.call(|caller| ask(kind, caller)).no_timeout();
        assert_eq!(another.await, Ok(7), "{bomb:?}, {kind:?}");
        assert!(fuse.has_gone_off(), "{bomb:?}, {kind:?}");
        assert_eq!(call.await, Ok(7), "{bomb:?}, {kind:?}: the answer is there for who asks again");
        // The server that answers is alive, and so is the `Caller` that it was left with.
        sleep(ms(100)).await;
        assert!(server.is_alive(), "{bomb:?}, {kind:?}");
        assert_eq!(server.call(|caller| answer(caller, 8)).await, Ok(8));
    }
}

#[tokio::test(start_paused = true)]
async fn calls_beside_one_whose_waker_panics_keep_their_deadlines() {
    for (bomb, kind) in BOMBS.into_iter().flat_map(|bomb| CALLEES.map(|kind| (bomb, kind))) {
        if kind == Callee::InItsTask {
            // It answers at once.
            continue;
        }
        let server = callee(kind).await;
        let mut first = Box::pin(server.call(|caller| ask(kind, caller)).timeout(ms(100)));
        let fuse = plant(bomb, &mut first);
        let second = server.call(|caller| ask(kind, caller)).timeout(ms(100)).await;
        assert!(matches!(second, Err(CallError::Timeout { .. })), "{bomb:?}, {kind:?}: {second:?}");
        assert!(fuse.has_gone_off(), "{bomb:?}, {kind:?}");
        assert!(matches!(first.await, Err(CallError::Timeout { .. })), "{bomb:?}, {kind:?}");
        assert!(server.is_alive());
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_is_told_to_everybody_whatever_the_wakers_of_some_do() {
    for (bomb, kind) in BOMBS.into_iter().flat_map(|bomb| CALLEES.map(|kind| (bomb, kind))) {
        for kills in [true, false] {
            let server = callee(kind).await;
            let case = format!("{bomb:?}, {kind:?}, {kills}");
            let mut peer = Probe::<()>::new();
            peer.trap_exits(true);
            peer.link(&server).unwrap();
            let down = peer.monitor(&server);
            // One call that waits in each way, and another caller behind each.
            let mut call = Box::pin(server.call(|caller| ask(kind, caller)).no_timeout());
            let mut ended = server.ended();
            let mut late_end = server.ended();
            assert!(poll_immediate(&mut late_end).await.is_none());
            let fuses = [plant(bomb, &mut call), plant(bomb, &mut ended)];
            let mut another = Box::pin(server.call(|caller| ask(kind, caller)).no_timeout());
            assert!(poll_immediate(&mut another).await.is_none());
            if kind == Callee::InItsTask {
                // It has not come yet.
                assert_eq!(server.info().mailbox, 2);
            }

            let reason = if kills { Reason::Killed } else { Reason::term("boom") };
            if kills {
                // Nothing unwinds into the killer.
                server.kill();
            } else {
                server.exit(reason.clone());
            }
            assert!(fuses.iter().all(Fuse::has_gone_off), "{case}");
            assert_eq!(late_end.await, reason, "{case}");
            assert_eq!(peer.expect_exit(&server).await.reason, reason, "{case}");
            assert_eq!(peer.expect_down(down).await.reason, reason, "{case}");
            assert!(matches!(another.await, Err(CallError::Exit { reason: told, .. }) if told == reason), "{case}");
            assert!(matches!(call.await, Err(CallError::Exit { reason: told, .. }) if told == reason), "{case}");
            assert_eq!(ended.await, reason, "{case}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stops_beside_one_whose_waker_panics_return() {
    for bomb in BOMBS {
        for busy in [true, false] {
            let server = puppet().await;
            let mut watcher = Probe::<()>::new();
            let down = watcher.monitor(&server);
            if busy {
                keep_busy(&server);
                sleep(ms(1)).await;
            } else {
                let nap = server.call(|caller| {
                    act(|puppet, _| {
                        puppet.curtain = Some(Box::new(|| Box::pin(sleep(ms(1000)))));
                        Next::reply(caller, ())
                    })
                });
                nap.await.unwrap();
            }
            let mut first = server.stop();
            let fuse = plant(bomb, &mut first);
            let mut late = server.stop().timeout(ms(100));
            let late_fuse = plant(bomb, &mut late);
            let second = soon(server.stop()).await;
            assert!(matches!(second, Err(StopError::Exit { reason: Reason::Normal, .. })), "{second:?}");
            assert!(fuse.has_gone_off() && late_fuse.has_gone_off(), "{bomb:?}, {busy}");
            assert_eq!(watcher.expect_down(down).await.reason, Reason::Normal);
            assert_eq!(first.await, Ok(()));
            assert!(matches!(late.await, Err(StopError::Timeout { .. })));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_gets_ready_whatever_the_waker_of_its_starter_does() {
    for bomb in BOMBS {
        let mut starting = start::<Puppet>(in_no_hurry()).name("ready");
        let fuse = plant(bomb, &mut starting);
        let found = whereis("ready").unwrap();
        sleep(ms(2000)).await;
        assert!(fuse.has_gone_off());
        assert!(found.is_alive(), "{bomb:?}: init was not at fault");
        let server = soon(starting).await.unwrap();
        server.stop().await.unwrap();

        let mut starting = start_process(|mut me: Probe<()>, ack: Ack<u32>| async move {
            sleep(ms(1000)).await;
            ack.ready(7);
            me.recv().await.map(drop)
        });
        let fuse = plant(bomb, &mut starting);
        sleep(ms(2000)).await;
        let (process, value) = soon(starting).await.unwrap();
        assert!(fuse.has_gone_off());
        assert!(process.is_alive() && value == 7, "{bomb:?}");

        // When it is dropped, its waker goes too.
        let mut given_up = start::<Puppet>(in_no_hurry());
        let fuse = plant(bomb, &mut given_up);
        drop(given_up);
        assert!(fuse.has_gone_off(), "{bomb:?}");
    }
}

#[tokio::test]
async fn a_sender_to_a_server_that_is_run_with_such_a_waker_goes_on() {
    for bomb in BOMBS {
        let log = Log::default();
        let puppet = Puppet { log: log.clone(), curtain: None, when_idle: None, kept: None };
        let (server, mut run) = adopt(puppet).enter().unwrap();
        // It is the first to poll, so its waker is kept for good.
        let fuse = plant(bomb, &mut run);
        server.cast(note("one")).unwrap();
        server.cast(note("two")).unwrap();
        assert!(fuse.has_gone_off() || bomb == Bomb::OnDrop);
        assert!(poll_immediate(&mut run).await.is_none());
        assert_eq!(log.take(), ["one", "two"], "{bomb:?}");
        server.kill();
        assert_eq!(run.await, Reason::Killed);
        drop(server);
        assert!(fuse.has_gone_off() || bomb == Bomb::OnWake);
    }
}

#[tokio::test(start_paused = true)]
async fn senders_behind_one_whose_waker_panics_get_their_space() {
    for bomb in BOMBS {
        let log = Log::default();
        let server = start::<Puppet>(waiting(&log)).mailbox(1).await.unwrap();
        keep_busy(&server);
        sleep(ms(1)).await;
        server.cast(note("has space")).unwrap();
        let mut first = Box::pin(server.cast_wait(note("first")));
        let fuse = plant(bomb, &mut first);
        let mut caller = Box::pin(server.call(|caller| answer(caller, 7)).no_timeout());
        let in_line = plant(bomb, &mut caller);
        let last = server.cast_wait(note("last"));
        let mut last = Box::pin(last);
        assert!(poll_immediate(&mut last).await.is_none());

        sleep(ms(1500)).await;
        assert!(fuse.has_gone_off(), "{bomb:?}");
        assert!(server.is_alive(), "{bomb:?}: a waker is not a callback of the server");
        // It was called, which its owner finds out when it checks.
        first.await.unwrap();
        sleep(ms(1)).await;
        assert!(in_line.has_gone_off(), "{bomb:?}: its turn came");
        assert_eq!(caller.await, Ok(7));
        last.await.unwrap();
        sleep(ms(1)).await;
        assert_eq!(log.take(), ["has space", "first", "last"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_tells_everybody_behind_a_sender_whose_waker_panics() {
    for bomb in BOMBS {
        let server = start::<Puppet>(waiting(&Log::default())).mailbox(1).await.unwrap();
        keep_busy(&server);
        sleep(ms(1)).await;
        server.cast(note("has space")).unwrap();
        let mut in_line = Box::pin(server.cast_wait(note("in line")));
        let fuse = plant(bomb, &mut in_line);
        let mut watcher = Probe::<()>::new();
        let reference = watcher.monitor(&server);
        server.kill();
        assert!(fuse.has_gone_off());
        assert_eq!(watcher.expect_down(reference).await.reason, Reason::Killed);
        in_line.await.unwrap_err();
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_read_with_such_a_waker_fails_no_sender() {
    for bomb in BOMBS {
        let server = puppet().await;
        let mut probe = Probe::<u32>::new();
        probe.trap_exits(true);
        let (first, second) = (probe.monitor(&server), Probe::<()>::new().monitor(&server));
        assert_ne!(first, second);
        let mut bystander = Probe::<()>::new();
        let down = bystander.monitor(&server);
        probe.link(&server).unwrap();

        let teller = probe.sender();
        let fuse = plant(bomb, &mut Box::pin(probe.recv()));
        let told = server.call(|caller| {
            act(move |_, _| {
                teller.send(1).unwrap();
                Next::reply(caller, 2)
            })
        });
        assert_eq!(told.await, Ok(2), "{bomb:?}: the server's callback went on");
        assert!(fuse.has_gone_off());
        assert_eq!(probe.recv().await, Ok(Letter::Message(1)));

        let fuse = plant(bomb, &mut Box::pin(probe.recv()));
        server.kill();
        assert!(fuse.has_gone_off());
        assert_eq!(bystander.expect_down(down).await.reason, Reason::Killed, "{bomb:?}");
        assert!(matches!(probe.recv().await, Ok(Letter::Exit(_))));
        assert!(matches!(probe.recv().await, Ok(Letter::Down(_))));

        let fuse = plant(bomb, &mut Box::pin(probe.recv()));
        let ended = probe.process_ref().ended();
        probe.process_ref().kill();
        assert_eq!(ended.await, Reason::Killed);
        assert!(fuse.has_gone_off(), "{bomb:?}: its own end woke it");
    }
}

#[tokio::test(start_paused = true)]
async fn deadlines_behind_one_whose_waker_panics_are_kept() {
    for bomb in BOMBS {
        let server = puppet().await;
        keep_busy(&server);
        let mut one = server.send_request(|caller| answer(caller, 1));
        let mut first = Box::pin(one.wait(ms(100)));
        let fuse = plant(bomb, &mut first);
        let mut other = server.send_request(|caller| answer(caller, 2));
        assert!(other.wait(ms(100)).await.is_err(), "{bomb:?}");
        // The request itself keeps the waker too, until it is polled with another.
        assert!(fuse.has_gone_off() || bomb == Bomb::OnDrop);
        assert!(first.await.is_err());
        assert_eq!(one.await, Ok(1));
        assert_eq!(other.await, Ok(2));
    }
}

#[tokio::test(start_paused = true)]
async fn sleepers_beside_one_whose_waker_panics_wake_up() {
    for bomb in BOMBS {
        let mut first = sleep(ms(100));
        let fuse = plant(bomb, &mut first);
        // Due at the same moment, and woken together.
        join_all((0..3).map(|_| sleep(ms(100)))).await;
        first.await;
        assert!(fuse.has_gone_off(), "{bomb:?}");

        let mut moves = sleep(ms(100));
        let fuse = plant(bomb, &mut moves);
        assert!(poll_immediate(&mut moves).await.is_none(), "another task waits from now on");
        moves.await;
        assert_eq!(fuse.has_gone_off(), bomb == Bomb::OnDrop);
    }
}

#[tokio::test(start_paused = true)]
async fn a_collection_of_requests_that_changes_hands_forgets_a_waker_that_panics() {
    for bomb in BOMBS {
        let server = puppet().await;
        keep_busy(&server);
        let requests = [1_u32, 2].map(|number| (number, server.send_request(|caller| answer(caller, number))));
        let mut requests = Requests::from_iter(requests);
        let fuse = plant(bomb, &mut Box::pin(requests.wait(Deadline::NEVER)));
        // The first answer wakes it.
        sleep(ms(2000)).await;
        assert!(fuse.has_gone_off(), "{bomb:?}");
        assert_eq!(requests.wait(Deadline::NEVER).await, Ok((1, Ok(1))));
        assert_eq!(requests.wait(Deadline::NEVER).await, Ok((2, Ok(2))));
        assert!(server.is_alive());

        keep_busy(&server);
        requests.add(3, server.send_request(|caller| answer(caller, 3)));
        let fuse = plant(bomb, &mut Box::pin(requests.wait(Deadline::NEVER)));
        // Another task waits from now on.
        assert_eq!(requests.wait(Deadline::NEVER).await, Ok((3, Ok(3))));
        assert_eq!(fuse.has_gone_off(), bomb == Bomb::OnDrop);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_passes_on_to_a_waker_that_panics_and_from_there_to_the_next() {
    for bomb in BOMBS {
        let keys: UniqueRegistry<&str> = Registry::unique();
        let guard = keys.lock("key").await;
        let mut second = keys.lock("key");
        let fuse = plant(bomb, &mut second);
        let third = keys.lock("key");
        let holder: ProbeRef<()> = spawn(|_: Probe<()>| async move {
            drop(guard);
            sleep(ms(1000)).await;
        })
        .unwrap();
        sleep(ms(1)).await;
        assert!(fuse.has_gone_off());
        assert!(holder.is_alive(), "{bomb:?}: the process that drops it is not the one that was woken");
        drop(second.await);
        drop(third.await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_wakes_all_waiters_for_a_child_whatever_their_wakers_do() {
    for bomb in BOMBS {
        let mut lives = 0;
        let spec = ChildSpec::server("agent", move || {
            lives += 1;
            let life = lives;
            Agent::start_link(move || life)
        });
        let child = spec.reference();
        let supervisor = Supervisor::one_for_one().child(spec).start().await.unwrap();
        child.current().unwrap().process_ref().kill();
        let first = child.clone().waiting();
        let mut first = Box::pin(first.current());
        let fuse = plant(bomb, &mut first);
        let second = child.waiting();
        assert_eq!(soon(second.current()).await.unwrap().get(|life| *life).await, Ok(2));
        assert!(fuse.has_gone_off());
        assert_eq!(soon(first).await.unwrap().get(|life| *life).await, Ok(2));
        assert!(supervisor.is_alive(), "{bomb:?}");
        supervisor.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_reaches_all_subscribers_whatever_their_wakers_do() {
    for bomb in BOMBS {
        let node = Node::new();
        let (mut first, mut second) = (node.reports(), node.reports());
        let fuse = plant(bomb, &mut Box::pin(first.next()));
        let server = node.start::<Puppet>(waiting(&Log::default())).await.unwrap();
        let mut watcher = Probe::<()>::on(&node);
        let down = watcher.monitor(&server);
        server.cast(act(|_, _| panic!("boom"))).unwrap();
        let reason = watcher.expect_down(down).await.reason;
        assert!(matches!(&reason, Reason::Panic(panic) if panic.message() == "boom"), "{reason}");
        assert!(fuse.has_gone_off());
        for reports in [&mut first, &mut second] {
            assert!(matches!(reports.next().await, Some(Report::Terminated(_))), "{bomb:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_ends_as_it_ends_whatever_the_waker_of_its_owner_does() {
    for bomb in BOMBS {
        let mut shell = Probe::<()>::new();
        shell.trap_exits(true);
        let nap = || sleep(ms(100));
        let (mut done, mut fails, mut panics) = shell
            .scope(async {
                let done = Task::spawn(async move { nap().await });
                let fails = Task::spawn(or_exit(async move {
                    nap().await;
                    Err::<(), _>(Reason::term("no"))
                }));
                let panics = Task::spawn(async move {
                    nap().await;
                    panic!("boom")
                });
                (done, fails, panics)
            })
            .await;
        let pids = [done.as_process(), fails.as_process(), panics.as_process()].map(|process| process.unwrap().pid());
        let fuses = [
            plant(bomb, &mut Box::pin(done.join())),
            plant(bomb, &mut Box::pin(fails.join())),
            plant(bomb, &mut Box::pin(panics.join())),
        ];
        sleep(ms(200)).await;
        assert!(fuses.iter().all(Fuse::has_gone_off), "{bomb:?}");
        done.await.unwrap();
        for (pid, text) in pids.into_iter().zip(["normal", "no", "panicked: boom"]) {
            assert_eq!(shell.expect_exit(&pid).await.reason.to_string(), text, "{bomb:?}");
        }
        fails.await.unwrap_err();
        assert!(panics.await.is_err());

        let (go, gone) = std::sync::mpsc::channel::<()>();
        let mut blocking = run_blocking(move || gone.recv().is_ok());
        let fuse = plant(bomb, &mut blocking);
        go.send(()).unwrap();
        assert_eq!(blocking.await, Ok(true));
        let _ = fuse.has_gone_off();
    }
}
