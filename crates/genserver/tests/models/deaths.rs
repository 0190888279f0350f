//! Ends that race with calls, monitors, links, and one another: all are told of each end, once, with the same reason.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use futures::future::poll_immediate;
use genserver::{CallError, Caller, Letter, Next, Probe, Reason, ServerRef, StopError};

use crate::check::check;
use crate::door::{Door, step_aside};
use crate::puppet::{Curtain, Log, Puppet, act, answer, note, park, slow, waiting};
use crate::world::{World, locked, outsider, wait_for};

fn puppet(world: &World) -> ServerRef<Puppet> {
    world.start::<Puppet>(waiting(&Log::default()))
}

/// The possible results of a call that races with an end for one of these reasons.
#[track_caller]
fn assert_ended<T: PartialEq + std::fmt::Debug>(called: Result<T, CallError>, answer: &T, reasons: &[Reason]) {
    match called {
        Ok(value) => assert_eq!(value, *answer),
        Err(CallError::Exit { reason, .. }) => assert!(reasons.contains(&reason), "{reason}"),
        Err(CallError::NoProc { .. }) => {}
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_call_that_races_with_a_kill_ends() {
    check(|| {
        let world = World::new(1);
        let server = puppet(&world);
        let caller = {
            let server = server.clone();
            world.client(async move {
                let aside = |caller| {
                    slow(move |_, _| {
                        Box::pin(async move {
                            step_aside().await;
                            Next::reply(caller, 1)
                        })
                    })
                };
                server.call(aside).no_timeout().await
            })
        };
        let stranger = {
            let server = server.clone();
            outsider(async move { server.call(|caller| answer(caller, 2)).no_timeout().await })
        };
        server.kill();
        assert_ended(caller.join().unwrap(), &1, &[Reason::Killed]);
        assert_ended(stranger.join().unwrap(), &2, &[Reason::Killed]);
        assert_eq!(wait_for(server.ended()), Reason::Killed);
        world.end();
    });
}

#[test]
fn a_callback_that_waits_for_nothing_is_killed_all_the_same() {
    check(|| {
        let world = World::new(1);
        let server = puppet(&world);
        let caller = {
            let server = server.clone();
            world.client(async move { server.call(park::<()>).no_timeout().await })
        };
        let caster = {
            let server = server.clone();
            outsider(async move { drop(server.cast(slow(|_, _| Box::pin(std::future::pending())))) })
        };
        server.kill();
        assert_ended(caller.join().unwrap(), &(), &[Reason::Killed]);
        assert_eq!(wait_for(server.ended()), Reason::Killed);
        caster.join().unwrap();
        world.end();
    });
}

#[test]
fn a_parked_callback_that_is_killed_never_goes_on() {
    check(|| {
        let world = World::new(1);
        let log = Log::default();
        let server = world.start::<Puppet>(waiting(&log));
        let [door, dropped] = [Door::default(), Door::default()];
        let caller = {
            let (server, door) = (server.clone(), door.clone());
            let guard = OpensWhenDropped(dropped.clone());
            world.client(async move {
                let parked = |caller: Caller<()>| {
                    slow(move |puppet, _| {
                        Box::pin(async move {
                            let guard = guard;
                            door.pass().await;
                            puppet.log.note("went on");
                            drop(guard);
                            Next::reply(caller, ())
                        })
                    })
                };
                server.call(parked).no_timeout().await
            })
        };
        let opener = outsider(async move { door.open() });
        server.kill();
        // Killed or answered, what the callback holds is dropped.
        assert_ended(caller.join().unwrap(), &(), &[Reason::Killed]);
        wait_for(dropped.pass());
        assert_eq!(wait_for(server.ended()), Reason::Killed);
        assert!(log.take().len() <= 1);
        opener.join().unwrap();
        world.end();
    });
}

struct OpensWhenDropped(Door);

impl Drop for OpensWhenDropped {
    fn drop(&mut self) {
        self.0.open();
    }
}

#[test]
fn a_stop_that_races_with_calls_and_casts_handles_what_came_before_it() {
    check(|| {
        let world = World::new(1);
        let log = Log::default();
        let server = world.start::<Puppet>(waiting(&log));
        let stopper = {
            let (server, log) = (server.clone(), log.clone());
            world.client(async move {
                let taken = server.cast(note("before")).is_ok();
                assert!(taken, "nobody else stops it");
                assert_eq!(server.stop().await, Ok(()));
                assert!(!server.is_alive());
                log.note("stopped");
            })
        };
        let caller = {
            let server = server.clone();
            world.client(async move { server.call(|caller| answer(caller, 1)).no_timeout().await })
        };
        let _ = server.cast(note("cast"));
        stopper.join().unwrap();
        assert_ended(caller.join().unwrap(), &1, &[Reason::Normal]);
        let log = log.take();
        let place = |what: &str| log.iter().position(|line| line == what);
        assert!(place("before") < place("terminate normal"), "{log:?}");
        assert!(place("cast").is_none_or(|cast| Some(cast) < place("terminate normal")), "{log:?}");
        assert_eq!(log.last().map(String::as_str), Some("stopped"), "{log:?}");
        world.end();
    });
}

#[test]
fn everybody_hears_the_same_reason_of_an_end_that_several_bring() {
    check(|| {
        let world = World::new(1);
        let server = puppet(&world);
        let mut probe = Probe::<()>::on(world.node());
        let reference = probe.monitor(&server);
        let killer = {
            let server = server.clone();
            outsider(async move { server.exit(Reason::term("out")) })
        };
        let stopper = {
            let server = server.clone();
            world.client(async move { server.stop().await })
        };
        let caller = {
            let server = server.clone();
            world.client(async move {
                let stop = |caller| act(move |_, _| Next::stop_reply(Reason::term("own"), caller, ()));
                server.call(stop).no_timeout().await
            })
        };
        let reason = wait_for(server.ended());
        // The end has been notified, so this does not wait.
        let told = probe.flush();
        assert!(matches!(&told[..], [Letter::Down(down)] if down.reference == reference && down.reason == reason));
        killer.join().unwrap();
        match stopper.join().unwrap() {
            Ok(()) => assert_eq!(reason, Reason::Normal),
            Err(StopError::Exit { reason: heard, .. }) => assert_eq!(heard, reason),
            Err(StopError::NoProc { .. }) => assert_ne!(reason, Reason::Normal),
            Err(other) => panic!("{other}"),
        }
        assert_ended(caller.join().unwrap(), &(), std::slice::from_ref(&reason));
        assert!([Reason::Normal, Reason::term("out"), Reason::term("own")].contains(&reason));
        world.end();
    });
}

#[test]
fn a_monitor_that_races_with_an_end_brings_one_down() {
    check(|| {
        let world = World::new(1);
        let server = puppet(&world);
        let killer = {
            let server = server.clone();
            outsider(async move { server.kill() })
        };
        let watchers = [(); 2].map(|()| {
            let (server, node) = (server.clone(), world.node().clone());
            world.client(async move {
                let mut probe = Probe::<()>::on(&node);
                let reference = probe.monitor(&server);
                let Ok(Letter::Down(down)) = probe.recv().await else { panic!("nobody sends anything else") };
                assert_eq!((down.reference, down.pid), (reference, server.pid()));
                assert!([Reason::Killed, Reason::NoProc].contains(&down.reason));
                probe
            })
        });
        killer.join().unwrap();
        let probes = watchers.map(|watcher| watcher.join().unwrap());
        assert_eq!(wait_for(server.ended()), Reason::Killed);
        world.end();
        for mut probe in probes {
            assert_eq!(probe.flush(), [], "one is all");
        }
    });
}

#[test]
fn a_monitor_that_is_taken_back_while_its_process_ends_brings_nothing_more() {
    check(|| {
        let world = World::new(1);
        let server = puppet(&world);
        let mut probe = Probe::<()>::on(world.node());
        let reference = probe.monitor(&server);
        let killer = {
            let server = server.clone();
            outsider(async move { server.kill() })
        };
        probe.demonitor(reference);
        killer.join().unwrap();
        assert_eq!(wait_for(server.ended()), Reason::Killed);
        assert_eq!(probe.flush(), []);
        world.end();
    });
}

#[test]
fn a_down_comes_after_everything_that_its_process_sent() {
    check(|| {
        let world = World::new(1);
        let server = puppet(&world);
        let mut probe = Probe::<u32>::on(world.node());
        probe.monitor(&server);
        let told = probe.sender();
        let caster = {
            let server = server.clone();
            world.client(async move {
                let tell = slow(move |puppet, _| {
                    Box::pin(async move {
                        told.send(1).unwrap();
                        step_aside().await;
                        told.send(2).unwrap();
                        let curtain: Curtain = Box::new(move || Box::pin(async move { told.send(3).unwrap() }));
                        puppet.curtain = Some(curtain);
                        Next::stop(Reason::Normal)
                    })
                });
                let _ = server.cast(tell);
            })
        };
        let killer = {
            let server = server.clone();
            outsider(async move { server.kill() })
        };
        let mut heard = Vec::new();
        let reason = loop {
            match wait_for(probe.recv()).unwrap() {
                Letter::Message(number) => heard.push(number),
                Letter::Down(down) => break down.reason,
                Letter::Exit(_) => panic!("nobody is linked"),
            }
        };
        assert_eq!(heard, (1..=3).take(heard.len()).collect::<Vec<_>>());
        assert!(reason == Reason::Killed || heard.len() == 3, "{reason} after {heard:?}");
        caster.join().unwrap();
        killer.join().unwrap();
        world.end();
        assert_eq!(probe.flush(), [], "the dead say nothing");
    });
}

#[test]
fn every_down_is_queued_when_a_stop_returns() {
    check(|| {
        let world = World::new(1);
        let server = puppet(&world);
        let stoppers = [(); 2].map(|()| {
            let (server, node) = (server.clone(), world.node().clone());
            world.client(async move {
                let mut probe = Probe::<()>::on(&node);
                let reference = probe.monitor(&server);
                let stopped = server.stop().await;
                let beaten =
                    matches!(&stopped, Err(StopError::NoProc { .. } | StopError::Exit { reason: Reason::Normal, .. }));
                assert!(stopped.is_ok() || beaten, "{stopped:?}");
                let Some(Letter::Down(down)) = probe.try_recv() else { panic!("stop returned before the Down came") };
                assert_eq!(down.reference, reference);
                assert_eq!(poll_immediate(probe.recv()).await, None);
                stopped.is_ok()
            })
        });
        let stopped = stoppers.map(|stopper| stopper.join().unwrap());
        assert!(stopped[0] != stopped[1], "one of them stopped it, and the other is told so: {stopped:?}");
        world.end();
    });
}

/// Links one with another from its own callback, and returns whether that succeeded.
async fn link(own: &ServerRef<Puppet>, other: &ServerRef<Puppet>) -> Result<(), CallError> {
    let other = other.process_ref();
    let linked = own.call(|caller| {
        act(move |_, cx| {
            cx.link(&other)?;
            Next::reply(caller, ())
        })
    });
    linked.no_timeout().await
}

#[test]
fn a_link_that_races_with_an_end_ends_the_other_too() {
    check(|| {
        let world = World::new(1);
        let [own, other] = [puppet(&world), puppet(&world)];
        let killer = {
            let other = other.clone();
            outsider(async move { other.kill() })
        };
        // If it links in time, it gets the exit; if too late, the failed link stops it.
        let _ = wait_for(link(&own, &other));
        let reason = wait_for(own.ended());
        assert_eq!(wait_for(other.ended()), Reason::Killed);
        assert!(reason == Reason::Killed || format!("{reason}").contains("not running"), "{reason}");
        killer.join().unwrap();
        world.end();
    });
}

#[test]
fn a_link_laid_from_both_sides_while_one_ends_ends_both() {
    check(|| {
        let world = World::new(1);
        let servers = [puppet(&world), puppet(&world)];
        let [left, right] = servers.clone();
        let leftwards = world.client(async move { drop(link(&right, &left).await) });
        let [left, right] = servers.clone();
        let rightwards = world.client(async move { drop(link(&left, &right).await) });
        servers[0].kill();
        leftwards.join().unwrap();
        rightwards.join().unwrap();
        assert_eq!(wait_for(servers[0].ended()), Reason::Killed);
        wait_for(servers[1].ended());
        world.end();
    });
}

#[test]
fn a_trapped_exit_that_races_with_a_link_comes_once() {
    check(|| {
        let world = World::new(1);
        let server = puppet(&world);
        let mut probe = Probe::<()>::on(world.node());
        probe.trap_exits(true);
        let killer = {
            let server = server.clone();
            outsider(async move { server.kill() })
        };
        probe.link(&server).unwrap();
        let Ok(Letter::Exit(exit)) = wait_for(probe.recv()) else { panic!("nobody sends anything else") };
        assert_eq!(exit.from, server.pid());
        assert!([Reason::Killed, Reason::NoProc].contains(&exit.reason));
        killer.join().unwrap();
        assert_eq!(probe.process_ref().info().links, [], "nobody is linked with the dead");
        world.end();
        assert_eq!(probe.flush(), [], "one is all");
    });
}

#[test]
fn a_link_that_a_process_lays_while_it_is_killed_brings_its_exit() {
    check(|| {
        let world = World::new(1);
        let server = puppet(&world);
        let mut probe = Probe::<()>::on(world.node());
        let killer = {
            let probe = probe.sender();
            outsider(async move { probe.exit(Reason::term("out")) })
        };
        let _ = probe.link(&server);
        killer.join().unwrap();
        // Created before, during or after the end of the probe.
        assert_eq!(wait_for(server.ended()), Reason::term("out"));
        world.end();
    });
}

#[test]
fn an_unlink_that_races_with_an_end_leaves_no_exit_behind() {
    check(|| {
        let world = World::new(1);
        let server = puppet(&world);
        let mut probe = Probe::<()>::on(world.node());
        probe.trap_exits(true);
        probe.link(&server).unwrap();
        let killer = {
            let server = server.clone();
            outsider(async move { server.kill() })
        };
        probe.unlink_flush(&server);
        killer.join().unwrap();
        assert_eq!(wait_for(server.ended()), Reason::Killed);
        assert_eq!(probe.flush(), []);
        world.end();
    });
}

#[test]
fn an_unlink_that_races_with_an_end_spares_its_server_or_comes_too_late() {
    check(|| {
        let world = World::new(1);
        let [own, other] = [puppet(&world), puppet(&world)];
        wait_for(link(&own, &other)).unwrap();
        let killer = {
            let other = other.clone();
            outsider(async move { other.kill() })
        };
        let peer = other.clone();
        let unlink = |caller| act(move |_, cx| Next::reply(caller, cx.unlink(&peer)));
        let was_linked = wait_for(own.call(unlink).no_timeout());
        killer.join().unwrap();
        assert_eq!(wait_for(other.ended()), Reason::Killed);
        if was_linked == Ok(true) {
            assert_eq!(wait_for(own.call(|caller| answer(caller, 1)).no_timeout()), Ok(1));
        } else {
            assert_eq!(wait_for(own.ended()), Reason::Killed);
        }
        world.end();
    });
}

#[test]
fn linked_processes_may_end_on_several_threads_at_once() {
    check(|| {
        let world = World::new(2);
        let ring = [puppet(&world), puppet(&world), puppet(&world)];
        for place in 0..3 {
            wait_for(link(&ring[place], &ring[(place + 1) % 3])).unwrap();
        }
        let [first, second, _] = ring.clone();
        let killers = [outsider(async move { first.kill() }), world.client(async move { second.kill() })];
        for killer in killers {
            killer.join().unwrap();
        }
        for server in &ring {
            assert_eq!(wait_for(server.ended()), Reason::Killed);
        }
        world.end();
    });
}

#[test]
fn a_link_brings_the_end_to_one_that_is_being_called() {
    check(|| {
        let world = World::new(2);
        let [left, right] = [puppet(&world), puppet(&world)];
        wait_for(link(&left, &right)).unwrap();
        let callers = [left.clone(), right.clone()].map(|server| {
            world.client(async move {
                let aside = |caller| {
                    slow(move |_, _| {
                        Box::pin(async move {
                            step_aside().await;
                            Next::reply(caller, 1)
                        })
                    })
                };
                server.call(aside).no_timeout().await
            })
        });
        left.exit(Reason::term("out"));
        for caller in callers {
            assert_ended(caller.join().unwrap(), &1, &[Reason::term("out")]);
        }
        for server in [left, right] {
            assert_eq!(wait_for(server.ended()), Reason::term("out"));
        }
        world.end();
    });
}

#[test]
fn a_caller_that_another_task_drops_fails_its_call() {
    check(|| {
        let world = World::new(1);
        let server = puppet(&world);
        let handed_on = Door::default();
        let kept = Arc::new(Mutex::new(None));
        let caller = {
            let (server, handed_on, kept) = (server.clone(), handed_on.clone(), Arc::clone(&kept));
            world.client(async move {
                let hand_on = |caller: Caller<()>| {
                    act(move |_, _| {
                        *locked(&kept) = Some(caller);
                        handed_on.open();
                        Next::wait()
                    })
                };
                server.call(hand_on).no_timeout().await
            })
        };
        let door = handed_on.clone();
        let dropper = world.client(async move {
            door.pass().await;
            let caller = locked(&kept).take();
            drop(caller);
        });
        let stopper = {
            let server = server.clone();
            world.client(async move { server.stop().await })
        };
        match caller.join().unwrap() {
            Err(CallError::NoReply { .. } | CallError::NoProc { .. }) => {}
            Err(CallError::Exit { reason, .. }) => assert_eq!(reason, Reason::Normal),
            other => panic!("{other:?}"),
        }
        assert_eq!(stopper.join().unwrap(), Ok(()));
        // If the stop came first, nothing was handed on.
        handed_on.open();
        dropper.join().unwrap();
        world.end();
    });
}

#[test]
fn what_is_still_queued_is_not_handled_after_a_kill() {
    check(|| {
        let world = World::new(1);
        let log = Log::default();
        let server = world.start::<Puppet>(waiting(&log));
        let caster = {
            let server = server.clone();
            outsider(async move {
                for line in ["1", "2", "3"] {
                    let _ = server.cast(note(line));
                }
            })
        };
        let killer = {
            let (server, log) = (server.clone(), log.clone());
            outsider(async move {
                server.kill();
                log.note("killed");
            })
        };
        assert_eq!(wait_for(server.ended()), Reason::Killed);
        caster.join().unwrap();
        killer.join().unwrap();
        world.end();
        // Terminate does not run in a process that was killed.
        let log = log.take();
        let after = log.iter().skip_while(|line| *line != "killed").skip(1).count();
        assert!(after <= 1, "it ends before the next message: {log:?}");
        let handled: Vec<_> = log.into_iter().filter(|line| line != "killed").collect();
        assert_eq!(handled, ["1", "2", "3"][..handled.len()]);
    });
}

#[test]
fn a_panic_that_races_with_calls_ends_each_with_its_reason() {
    check(|| {
        let world = World::new(1);
        let server = puppet(&world);
        let caller = {
            let server = server.clone();
            world.client(async move { server.call(|caller| answer(caller, 1)).no_timeout().await })
        };
        // Without the panic hook, which would print it each time.
        let panic = |caller: Caller<()>| {
            act(move |_, _| {
                let _caller = caller;
                std::panic::resume_unwind(Box::new("ouch"))
            })
        };
        let panicked = wait_for(server.call(panic).no_timeout());
        let Err(CallError::Exit { reason, .. }) = panicked else { panic!("{panicked:?}") };
        assert!(format!("{reason}").contains("ouch"));
        assert_ended(caller.join().unwrap(), &1, std::slice::from_ref(&reason));
        assert_eq!(wait_for(server.ended()), reason);
        world.end();
    });
}

#[test]
fn a_state_is_dropped_and_its_name_free_before_anybody_hears_of_the_end() {
    check(|| {
        let world = World::new(1);
        let start = || world.node().start::<Puppet>(waiting(&Log::default())).name("one");
        let dropped = Arc::new(AtomicBool::new(false));
        let guard = NotesItsDrop(Arc::clone(&dropped));
        let server = wait_for(start()).unwrap();
        let hold: Curtain = Box::new(move || Box::pin(async move { drop(guard) }));
        let hold = act(move |puppet, _| {
            puppet.curtain = Some(hold);
            Next::wait()
        });
        server.cast(hold).unwrap();
        let mut probe = Probe::<()>::on(world.node());
        probe.monitor(&server);
        let heir = {
            let (start, dropped) = (start(), Arc::clone(&dropped));
            world.client(async move {
                let Ok(Letter::Down(_)) = probe.recv().await else { panic!("nobody sends anything else") };
                assert!(dropped.load(SeqCst));
                start.await.unwrap()
            })
        };
        let stopper = {
            let server = server.clone();
            world.client(async move { server.stop().await })
        };
        server.kill();
        let heir = heir.join().unwrap();
        assert_eq!(world.node().whereis("one"), Some(heir.process_ref()));
        drop(stopper.join().unwrap());
        world.end();
    });
}

struct NotesItsDrop(Arc<AtomicBool>);

impl Drop for NotesItsDrop {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}
