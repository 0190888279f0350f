//! Starts that race with one another, with being dropped, and with the end of the runtime.

use std::time::Duration;

use futures::future::poll_immediate;
use genserver::{CallError, Init, Letter, Next, Probe, Reason, ServerRef, StartError};

use crate::check::check;
use crate::door::Door;
use crate::puppet::{Begin, Log, Play, Puppet, act, answer, waiting};
use crate::world::{World, outsider, wait_for};

/// A puppet whose init waits at a door, and records that it came there and that it went through.
fn behind(door: &Door, log: &Log) -> Play {
    let door = door.clone();
    let begin: Begin = Box::new(move |puppet, _| {
        Box::pin(async move {
            puppet.log.note("at the door");
            door.pass().await;
            puppet.log.note("begun");
            Init::Run(puppet)
        })
    });
    Play { log: log.clone(), begin: Some(begin) }
}

#[test]
fn a_start_that_awaits_comes_back_when_init_is_done() {
    check(|| {
        let world = World::new(1);
        let door = Door::default();
        let starting = world.node().start::<Puppet>(behind(&door, &Log::default()));
        let starting = world.client(starting);
        let opener = outsider(async move { door.open() });
        let server = starting.join().unwrap().unwrap();
        assert_eq!(wait_for(server.call(|caller| answer(caller, 1)).no_timeout()), Ok(1));
        opener.join().unwrap();
        world.end();
    });
}

#[test]
fn a_start_that_is_given_up_while_init_awaits_ends_its_process() {
    check(|| {
        let world = World::new(1);
        let door = Door::default();
        let start = world.node().start::<Puppet>(behind(&door, &Log::default())).name("one");
        let opener = outsider(async move { door.open() });
        // Polled once and dropped: init waits, goes on elsewhere, or is done.
        let started = wait_for(poll_immediate(start));
        opener.join().unwrap();
        let second = || wait_for(world.node().start::<Puppet>(waiting(&Log::default())).name("one"));
        match started {
            Some(server) => {
                let pid = server.unwrap().pid();
                assert!(matches!(second(), Err(StartError::AlreadyStarted { pid: holder, .. }) if holder == pid));
            }
            // Nothing could ever refer to it, so it does not keep the name from the next for long.
            None => loop {
                match second() {
                    Ok(_) => break,
                    Err(StartError::AlreadyStarted { pid, .. }) => {
                        let mut probe = Probe::<()>::on(world.node());
                        probe.monitor(&pid);
                        assert!(matches!(wait_for(probe.recv()), Ok(Letter::Down(_))));
                    }
                    Err(other) => panic!("{other}"),
                }
            },
        }
        world.end();
    });
}

#[test]
fn a_server_outlives_a_starter_that_is_killed_during_its_init() {
    check(|| {
        let world = World::new(1);
        let door = Door::default();
        let log = Log::default();
        let mut probe = Probe::<()>::on(world.node());
        let start = world.node().start::<Puppet>(behind(&door, &log)).name("one");
        let (starter, _) = probe.spawn_monitor(|_: Probe<()>| async { start.await.map_or_else(|_| (), drop) }).unwrap();
        let opener = outsider(async move { door.open() });
        starter.exit(Reason::Kill);
        assert!(matches!(wait_for(probe.recv()), Ok(Letter::Down(_))));
        opener.join().unwrap();
        // The starter may have ended before it began.
        if let Some(server) = world.node().whereis("one") {
            let server = server.downcast::<Puppet>().unwrap();
            assert_eq!(wait_for(server.call(|caller| answer(caller, 1)).no_timeout()), Ok(1));
        } else {
            assert_eq!(log.take(), [String::new(); 0], "init began, and its process is gone");
        }
        world.end();
    });
}

#[test]
fn of_two_starts_with_one_name_one_gets_it() {
    check(|| {
        let world = World::new(1);
        let starts = [(); 2].map(|()| {
            let start = world.node().start::<Puppet>(waiting(&Log::default())).name("one");
            world.client(start)
        });
        let [first, second] = starts.map(|start| start.join().unwrap());
        let (winner, loser) = if first.is_ok() { (first, second) } else { (second, first) };
        let winner = winner.unwrap();
        assert!(matches!(loser, Err(StartError::AlreadyStarted { pid, .. }) if pid == winner.pid()), "{loser:?}");
        assert_eq!(world.node().whereis("one"), Some(winner.process_ref()));
        world.end();
    });
}

#[test]
fn a_name_that_is_given_while_its_process_ends_is_free_afterwards() {
    check(|| {
        let world = World::new(1);
        let probe = Probe::<()>::on(world.node());
        let killer = {
            let probe = probe.sender();
            outsider(async move { probe.exit(Reason::Kill) })
        };
        let _ = probe.register("one");
        killer.join().unwrap();
        assert_eq!(world.node().whereis("one"), None);
        let heir = wait_for(world.node().start::<Puppet>(waiting(&Log::default())).name("one"));
        assert_eq!(heir.map(drop), Ok(()));
        world.end();
    });
}

#[test]
fn a_probe_that_is_dropped_while_it_is_killed_frees_its_name_before_anybody_hears() {
    check(|| {
        let world = World::new(1);
        let held = Probe::<()>::on(world.node());
        held.register("one").unwrap();
        let mut probe = Probe::<()>::on(world.node());
        probe.monitor(&held);
        let killer = {
            let held = held.sender();
            outsider(async move { held.exit(Reason::Kill) })
        };
        let start = world.node().start::<Puppet>(waiting(&Log::default())).name("one");
        let heir = world.client(async move {
            let Ok(Letter::Down(_)) = probe.recv().await else { panic!("nobody sends anything else") };
            assert_eq!(start.await.map(drop), Ok(()));
            probe
        });
        drop(held);
        killer.join().unwrap();
        let mut probe = heir.join().unwrap();
        world.end();
        assert_eq!(probe.flush(), [], "one is all");
    });
}

#[test]
fn a_linked_start_ends_with_its_starter() {
    check(|| {
        let world = World::new(1);
        let door = Door::default();
        let probe = Probe::<()>::on(world.node());
        let killer = {
            let probe = probe.sender();
            outsider(async move { probe.exit(Reason::term("out")) })
        };
        let opener = {
            let door = door.clone();
            outsider(async move { door.open() })
        };
        let started = wait_for(probe.start_link::<Puppet>(behind(&door, &Log::default())));
        killer.join().unwrap();
        opener.join().unwrap();
        match started {
            Ok(server) => assert_eq!(wait_for(server.ended()), Reason::term("out")),
            Err(StartError::Failed { reason, .. }) => assert_eq!(reason, Reason::term("out")),
            Err(StartError::NotAProcess) => {}
            Err(other) => panic!("{other}"),
        }
        world.end();
    });
}

/// The possible results of a call while the runtime goes.
#[track_caller]
fn assert_gone(called: Result<u32, CallError>) {
    match called {
        Ok(1) | Err(CallError::NoProc { .. }) => {}
        Err(CallError::Exit { reason, .. }) => assert_eq!(reason, Reason::RuntimeGone),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_runtime_that_goes_ends_every_call() {
    check(|| {
        let world = World::new(1);
        let [with_a_task, without] = [(); 2].map(|()| world.start::<Puppet>(waiting(&Log::default())));
        let parked = {
            let server = with_a_task.clone();
            outsider(async move {
                server
                    .call(|caller| {
                        act(move |puppet, _| {
                            puppet.kept = Some(caller);
                            Next::wait()
                        })
                    })
                    .no_timeout()
                    .await
            })
        };
        let callers = [with_a_task.clone(), without.clone()]
            .map(|server| world.client(async move { server.call(|caller| answer(caller, 1)).no_timeout().await }));
        world.end();
        assert_gone(parked.join().unwrap());
        for caller in callers {
            assert_gone(caller.join().unwrap());
        }
        for server in [with_a_task, without] {
            assert_eq!(wait_for(server.ended()), Reason::RuntimeGone);
            assert!(!server.is_alive());
        }
    });
}

#[test]
fn a_start_that_races_with_the_end_of_its_runtime_ends() {
    check(|| {
        let world = World::new(1);
        let door = Door::default();
        let log = Log::default();
        let awaits = world.node().start::<Puppet>(behind(&door, &log));
        let at_once = world.node().start::<Puppet>(waiting(&log));
        let starters = [awaits, at_once].map(|start| world.client(start));
        let opener = outsider(async move { door.open() });
        world.end();
        for starter in starters {
            match starter.join().unwrap() {
                Ok(server) => assert_eq!(wait_for(server.ended()), Reason::RuntimeGone),
                Err(StartError::Failed { reason, .. }) => assert_eq!(reason, Reason::RuntimeGone),
                Err(StartError::NoRuntime) => {}
                Err(other) => panic!("{other}"),
            }
        }
        opener.join().unwrap();
    });
}

#[test]
fn a_shutdown_of_a_node_that_races_with_calls_ends_everything() {
    check(|| {
        let world = World::new(1);
        let servers = [(); 2].map(|()| world.start::<Puppet>(waiting(&Log::default())));
        let [first, second] = servers.clone();
        let ask = |server: ServerRef<Puppet>| async move { server.call(|caller| answer(caller, 1)).no_timeout().await };
        let callers = [world.client(ask(first)), outsider(ask(second))];
        wait_for(world.node().shutdown(Duration::from_secs(1)));
        assert!(servers.iter().all(|server| !server.is_alive()));
        for caller in callers {
            match caller.join().unwrap() {
                Ok(1) | Err(CallError::NoProc { .. }) => {}
                Err(CallError::Exit { reason, .. }) => assert_eq!(reason, Reason::Shutdown),
                other => panic!("{other:?}"),
            }
        }
        world.end();
    });
}

#[test]
fn a_function_is_dropped_before_anybody_hears_of_its_end() {
    check(|| {
        let world = World::new(1);
        let [door, dropped] = [Door::default(), Door::default()];
        let log = Log::default();
        let mut probe = Probe::<()>::on(world.node());
        let function = {
            let (door, log) = (door.clone(), log.clone());
            let guard = Notes(log.clone());
            move |_: Probe<()>| async move {
                let _guard = guard;
                door.pass().await;
                log.note("went on");
            }
        };
        let (spawned, reference) = probe.spawn_monitor(function).unwrap();
        let opener = outsider(async move { door.open() });
        spawned.exit(Reason::Kill);
        let Ok(Letter::Down(down)) = wait_for(probe.recv()) else { panic!("nobody sends anything else") };
        assert_eq!(down.reference, reference);
        assert!([Reason::Killed, Reason::Normal].contains(&down.reason), "{}", down.reason);
        let log = log.take();
        assert_eq!(log.last().map(String::as_str), Some("dropped"), "{log:?}");
        assert!(down.reason != Reason::Normal || log.len() == 2);
        opener.join().unwrap();
        drop(dropped);
        world.end();
        assert_eq!(probe.flush(), []);
    });
}

struct Notes(Log);

impl Drop for Notes {
    fn drop(&mut self) {
        self.0.note("dropped");
    }
}
