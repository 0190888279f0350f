//! The clock, when it fires at the same time as a message arrives.

use std::time::Duration;

use genserver::{CallError, Caller, Init, Next, Reason, ServerRef, StartError, StopError, sys};

use crate::check::check;
use crate::door::Door;
use crate::puppet::{Begin, Log, Play, Puppet, Told, act, answer, beginning, note, waiting};
use crate::world::{World, outsider, wait_for};

const SOON: Duration = Duration::from_millis(5);
const LATER: Duration = Duration::from_millis(10);

/// A call that is kept, and never answered.
fn keep(caller: Caller<u32>) -> crate::puppet::Act {
    act(move |_, _| {
        // The caller is kept forever.
        std::mem::forget(caller);
        Next::wait()
    })
}

#[test]
fn an_idle_timer_that_races_with_a_message_fires_once_or_not_at_all() {
    check(|| {
        let world = World::new(1);
        let log = Log::default();
        let server = world.start::<Puppet>(waiting(&log));
        let idle = act(|_, _| Next::idle(SOON));
        server.cast(idle).unwrap();
        wait_for(server.call(|caller| act(move |_, _| Next::reply_idle(caller, (), SOON))).no_timeout()).unwrap();
        let caller = {
            let server = server.clone();
            world.client(async move { server.call(|caller| answer(caller, 1)).no_timeout().await })
        };
        world.pass(SOON);
        assert_eq!(caller.join().unwrap(), Ok(1));
        // The message ended the idle timeout, so nothing more is to come.
        world.pass(LATER);
        assert_eq!(wait_for(server.call(|caller| answer(caller, 2)).no_timeout()), Ok(2));
        world.end();
        let idles = log.take();
        assert!(idles.len() <= 1 && idles.iter().all(|line| line == "idle"), "{idles:?}");
    });
}

#[test]
fn an_idle_timer_that_nothing_disturbs_fires() {
    check(|| {
        let world = World::new(1);
        let idle = Door::default();
        let heard = idle.clone();
        let play = beginning(&Log::default(), move |mut puppet, _| {
            puppet.when_idle = Some(act(move |_, _| {
                heard.open();
                Next::wait()
            }));
            Init::RunIdle(puppet, SOON)
        });
        let server = world.start::<Puppet>(play);
        world.pass(SOON);
        wait_for(idle.pass());
        drop(server);
        world.end();
    });
}

#[test]
fn a_timer_of_the_servers_own_is_cancelled_or_handled() {
    check(|| {
        let world = World::new(1);
        let log = Log::default();
        let server = world.start::<Puppet>(waiting(&log));
        let set = |caller| {
            act(move |_, cx| {
                let timer = cx.send_after(SOON, Told::Note("rang"));
                Next::reply(caller, timer)
            })
        };
        let timer = wait_for(server.call(set).no_timeout()).unwrap();
        let canceller = {
            let server = server.clone();
            world.client(async move {
                let cancel = |caller| act(move |_, cx| Next::reply(caller, cx.cancel_timer(timer).is_some()));
                server.call(cancel).no_timeout().await
            })
        };
        world.pass(SOON);
        let cancelled = canceller.join().unwrap().unwrap();
        if !cancelled {
            assert_eq!(log.take(), ["rang"], "it is too late because it was handled");
        }
        world.pass(LATER);
        assert_eq!(wait_for(server.call(|caller| answer(caller, 1)).no_timeout()), Ok(1));
        world.end();
        assert_eq!(log.take(), <[&str; 0]>::default());
    });
}

#[test]
fn a_timer_from_outside_is_cancelled_or_arrives() {
    check(|| {
        let world = World::new(1);
        let server = world.start::<Puppet>(waiting(&Log::default()));
        let rang = Door::default();
        let rings = rang.clone();
        let ring = act(move |_, _| {
            rings.open();
            Next::wait()
        });
        let timer = server.send_after(SOON, Told::Act(ring));
        let canceller = world.client(async move { timer.cancel().is_some() });
        world.pass(SOON);
        if !canceller.join().unwrap() {
            wait_for(rang.pass());
        }
        world.end();
    });
}

/// Calls with this timeout, and reports when it waits.
fn call_for(world: &World, server: &ServerRef<Puppet>, time: Duration) -> (Door, shuttle::thread::JoinHandle<()>) {
    let (server, waits) = (server.clone(), Door::default());
    let waiting = waits.clone();
    let calling = world.client(async move {
        let called = waiting.opened_by(Box::pin(server.call(keep).timeout(time))).await;
        assert!(matches!(called, Err(CallError::Timeout { .. })), "{called:?}");
    });
    (waits, calling)
}

#[test]
fn every_deadline_is_kept_whichever_was_set_first() {
    check(|| {
        let world = World::new(1);
        let server = world.start::<Puppet>(waiting(&Log::default()));
        let callers = [SOON, LATER, SOON].map(|time| call_for(&world, &server, time));
        // Some of them set theirs before this, some while the clock checks, some after.
        world.pass(SOON);
        for (waits, _) in &callers {
            wait_for(waits.pass());
        }
        world.pass(LATER);
        for (_, calling) in callers {
            calling.join().unwrap();
        }
        world.end();
    });
}

#[test]
fn the_clock_is_woken_for_a_deadline_before_its_next_one() {
    check(|| {
        let world = World::new(1);
        let servers = [(); 2].map(|()| world.start::<Puppet>(waiting(&Log::default())));
        let (waits_long, long) = call_for(&world, &servers[0], LATER);
        let (waits_short, short) = call_for(&world, &servers[1], SOON);
        wait_for(waits_long.pass());
        wait_for(waits_short.pass());
        world.pass(SOON);
        short.join().unwrap();
        world.pass(LATER);
        long.join().unwrap();
        world.end();
    });
}

#[test]
fn a_deadline_that_races_with_an_end_ends_every_wait_once() {
    check(|| {
        let world = World::new(1);
        let server = world.start::<Puppet>(waiting(&Log::default()));
        let waits = Door::default();
        let patient = {
            let server = server.clone();
            world.client(async move { server.call(keep).no_timeout().await })
        };
        let mourner = {
            let server = server.clone();
            world.client(async move { server.ended().await })
        };
        let caller = {
            let (server, waits) = (server.clone(), waits.clone());
            world.client(async move { waits.opened_by(Box::pin(server.call(keep).timeout(SOON))).await })
        };
        wait_for(waits.pass());
        let killer = {
            let server = server.clone();
            outsider(async move { server.kill() })
        };
        world.pass(SOON);
        match caller.join().unwrap() {
            Err(CallError::Timeout { .. }) => {}
            Err(CallError::Exit { reason, .. }) => assert_eq!(reason, Reason::Killed),
            other => panic!("{other:?}"),
        }
        match patient.join().unwrap() {
            Err(CallError::NoProc { .. }) => {}
            Err(CallError::Exit { reason, .. }) => assert_eq!(reason, Reason::Killed),
            other => panic!("{other:?}"),
        }
        killer.join().unwrap();
        assert_eq!(mourner.join().unwrap(), Reason::Killed);
        world.end();
    });
}

#[test]
fn a_stop_whose_time_is_up_comes_back_though_the_order_stands() {
    check(|| {
        let world = World::new(1);
        let server = world.start::<Puppet>(waiting(&Log::default()));
        let [door, waits] = [Door::default(), Door::default()];
        let parked = {
            let (server, door) = (server.clone(), door.clone());
            world.client(async move {
                let park = |caller| {
                    crate::puppet::slow(move |_, _| {
                        Box::pin(async move {
                            door.pass().await;
                            Next::reply(caller, ())
                        })
                    })
                };
                server.call(park).no_timeout().await
            })
        };
        let stopper = {
            let (server, waits) = (server.clone(), waits.clone());
            world.client(async move { waits.opened_by(Box::pin(server.stop().timeout(SOON))).await })
        };
        let opener = outsider(async move { door.open() });
        wait_for(waits.pass());
        world.pass(SOON);
        match stopper.join().unwrap() {
            Ok(()) | Err(StopError::Timeout { .. }) => {}
            Err(other) => panic!("{other}"),
        }
        match parked.join().unwrap() {
            Ok(()) | Err(CallError::NoProc { .. }) => {}
            Err(CallError::Exit { reason, .. }) => assert_eq!(reason, Reason::Normal),
            Err(other) => panic!("{other}"),
        }
        assert_eq!(wait_for(server.ended()), Reason::Normal);
        opener.join().unwrap();
        world.end();
    });
}

#[test]
fn an_init_that_takes_too_long_is_killed_or_was_in_time() {
    check(|| {
        let world = World::new(1);
        let [door, waits] = [Door::default(), Door::default()];
        let begun = door.clone();
        let begin: Begin = Box::new(move |puppet, _| {
            Box::pin(async move {
                begun.pass().await;
                Init::Run(puppet)
            })
        });
        let play = Play { log: Log::default(), begin: Some(begin) };
        let start = world.node().start::<Puppet>(play).timeout(SOON).name("one");
        let starter = {
            let waits = waits.clone();
            world.client(async move { waits.opened_by(Box::pin(start)).await })
        };
        let opener = outsider(async move { door.open() });
        wait_for(waits.pass());
        world.pass(SOON);
        match starter.join().unwrap() {
            Ok(server) => {
                assert_eq!(wait_for(server.call(|caller| answer(caller, 1)).no_timeout()), Ok(1));
            }
            Err(StartError::Timeout { .. }) => assert_eq!(world.node().whereis("one"), None),
            Err(other) => panic!("{other}"),
        }
        opener.join().unwrap();
        world.end();
    });
}

#[test]
fn a_server_that_hibernates_when_it_is_called_answers() {
    check(|| {
        let world = World::new(1);
        let start = world.node().start::<Puppet>(waiting(&Log::default())).hibernate_after(SOON);
        let server = wait_for(start).unwrap();
        let caller = {
            let server = server.clone();
            world.client(async move {
                for round in 0..2 {
                    assert_eq!(server.call(|caller| answer(caller, round)).no_timeout().await, Ok(round));
                }
            })
        };
        world.pass(SOON);
        world.pass(SOON);
        caller.join().unwrap();
        world.end();
    });
}

#[test]
fn what_a_suspended_server_holds_back_is_handled_in_its_order() {
    check(|| {
        let world = World::new(1);
        let log = Log::default();
        let server = world.start::<Puppet>(waiting(&log));
        let sender = {
            let server = server.clone();
            world.client(async move {
                server.cast(note("1")).unwrap();
                server.cast(note("2")).unwrap();
                server.call(|caller| answer(caller, 3)).no_timeout().await
            })
        };
        wait_for(sys::suspend(&server).no_timeout()).unwrap();
        let before = log.take();
        wait_for(sys::resume(&server).no_timeout()).unwrap();
        assert_eq!(sender.join().unwrap(), Ok(3));
        let all: Vec<_> = before.into_iter().chain(log.take()).collect();
        assert_eq!(all, ["1", "2"]);
        world.end();
    });
}
