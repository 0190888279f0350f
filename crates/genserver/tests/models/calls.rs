//! Calls and casts from several threads at once: each call ends with its own answer; nothing is lost, doubled or overtaken.

use std::time::Duration;

use futures::future::poll_immediate;
use genserver::{CallError, Caller, Cx, GenServer, Init, Never, Next, Outcome, Reason, ServerRef};

use crate::check::check;
use crate::door::{Door, step_aside};
use crate::puppet::{Act, Log, Puppet, act, answer, note, slow, waiting};
use crate::world::{World, outsider, wait_for};

/// Numbers what it is asked.
#[derive(Default)]
struct Clerk {
    asked: u32,
}

struct Ask(u32, Caller<(u32, u32)>);

impl GenServer for Clerk {
    type Args = ();
    type Call = Ask;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self::default())
    }

    async fn handle_call(&mut self, Ask(who, caller): Ask, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.asked += 1;
        Next::reply(caller, (who, self.asked))
    }
}

/// This many callers, each of which asks twice.
fn each_caller_gets_its_own_answers(callers: u32) {
    let world = World::new(1);
    let clerk = world.start::<Clerk>(());
    let asking: Vec<_> = (0..callers)
        .map(|who| {
            let clerk = clerk.clone();
            world.client(async move {
                let first = clerk.call(|caller| Ask(who, caller)).no_timeout().await.unwrap();
                let second = clerk.call(|caller| Ask(who, caller)).no_timeout().await.unwrap();
                assert_eq!([first.0, second.0], [who, who]);
                assert!(first.1 < second.1, "a sender's calls are handled in their order");
                [first.1, second.1]
            })
        })
        .collect();
    let mut numbers: Vec<u32> = asking.into_iter().flat_map(|asking| asking.join().unwrap()).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(1..=2 * callers), "one after the other");
    world.end();
}

#[test]
fn two_callers_of_one_server_each_get_their_own_answers() {
    check(|| each_caller_gets_its_own_answers(2));
}

#[test]
fn three_callers_of_one_server_each_get_their_own_answers() {
    check(|| each_caller_gets_its_own_answers(3));
}

#[test]
fn four_callers_of_one_server_each_get_their_own_answers() {
    check(|| each_caller_gets_its_own_answers(4));
}

/// A call that is answered at its second poll.
fn aside<R: Send + 'static>(caller: Caller<R>, value: R) -> Act {
    slow(move |_, _| {
        Box::pin(async move {
            step_aside().await;
            Next::reply(caller, value)
        })
    })
}

#[test]
fn tasks_that_share_threads_each_get_their_own_answers() {
    check(|| {
        let world = World::new(2);
        let server = world.start::<Puppet>(waiting(&Log::default()));
        let ends = [1, 2, 3].map(|who| {
            let (server, end) = (server.clone(), Door::default());
            let ended = end.clone();
            // It begins on one thread and may go on on the other, where another task left state of its own.
            world.task(async move {
                assert_eq!(server.call(|caller| aside(caller, who)).no_timeout().await, Ok(who));
                assert_eq!(server.call(|caller| answer(caller, 10 * who)).no_timeout().await, Ok(10 * who));
                ended.open();
            });
            end
        });
        for end in ends {
            wait_for(end.pass());
        }
        world.end();
    });
}

/// The content of a puppet's log, which is not cleared.
async fn read(puppet: &ServerRef<Puppet>) -> Vec<String> {
    let reading = puppet.call(|caller: Caller<Vec<String>>| {
        act(move |puppet, _| {
            let all = puppet.log.take();
            for line in &all {
                puppet.log.note(line);
            }
            Next::reply(caller, all)
        })
    });
    reading.no_timeout().await.unwrap()
}

#[test]
fn a_call_comes_after_the_casts_of_its_sender() {
    check(|| {
        let world = World::new(1);
        let scribe = world.start::<Puppet>(waiting(&Log::default()));
        let senders = [["a1", "a2"], ["b1", "b2"]].map(|mine| {
            let scribe = scribe.clone();
            world.client(async move {
                for line in mine {
                    scribe.cast(note(line)).unwrap();
                }
                let read = read(&scribe).await;
                let own: Vec<_> = read.iter().filter(|line| line.starts_with(&mine[0][..1])).collect();
                assert_eq!(own, mine);
            })
        });
        for sender in senders {
            sender.join().unwrap();
        }
        let mut log = wait_for(read(&scribe));
        log.sort();
        assert_eq!(log, ["a1", "a2", "b1", "b2"], "each was handled once");
        world.end();
    });
}

#[test]
fn a_waker_that_fires_while_a_caller_polls_is_not_lost() {
    check(|| {
        let world = World::new(1);
        let server = world.start::<Puppet>(waiting(&Log::default()));
        let door = Door::default();
        let opened = door.clone();
        let call = {
            let server = server.clone();
            world.client(async move {
                let through = |caller| {
                    slow(move |_, _| {
                        Box::pin(async move {
                            step_aside().await;
                            door.pass().await;
                            step_aside().await;
                            Next::reply(caller, 1)
                        })
                    })
                };
                assert_eq!(server.call(through).no_timeout().await, Ok(1));
            })
        };
        let opener = world.client(async move { opened.open() });
        assert_eq!(wait_for(server.call(|caller| answer(caller, 2)).no_timeout()), Ok(2));
        call.join().unwrap();
        opener.join().unwrap();
        world.end();
    });
}

#[test]
fn two_wakers_that_fire_at_once_are_not_lost() {
    check(|| {
        let world = World::new(2);
        let server = world.start::<Puppet>(waiting(&Log::default()));
        let doors = [Door::default(), Door::default()];
        let openers = doors.clone().map(|door| outsider(async move { door.open() }));
        let through = |caller| {
            slow(move |_, _| {
                Box::pin(async move {
                    futures::join!(doors[0].pass(), doors[1].pass());
                    Next::reply(caller, 1)
                })
            })
        };
        assert_eq!(wait_for(server.call(through).no_timeout()), Ok(1));
        for opener in openers {
            opener.join().unwrap();
        }
        world.end();
    });
}

#[test]
fn a_cast_that_comes_while_the_poller_lets_go_is_handled() {
    check(|| {
        let world = World::new(1);
        let server = world.start::<Puppet>(waiting(&Log::default()));
        let caller = {
            let server = server.clone();
            world.client(async move { server.call(|caller| answer(caller, 1)).no_timeout().await })
        };
        // No later message would bring it to light.
        let handled = Door::default();
        let handler = handled.clone();
        let cast = act(move |_, _| {
            handler.open();
            Next::wait()
        });
        server.cast(cast).unwrap();
        wait_for(handled.pass());
        assert_eq!(caller.join().unwrap(), Ok(1));
        world.end();
    });
}

#[test]
fn the_first_task_of_a_server_races_an_inline_run() {
    check(|| {
        let world = World::new(2);
        let server = world.start::<Puppet>(waiting(&Log::default()));
        let [inside, outside] = [server.clone(), server.clone()];
        // A call from outside has the task spawned; a call from inside finds the server idle, or not.
        let outside = outsider(async move { outside.call(|caller| answer(caller, 1)).no_timeout().await });
        let inside = world.client(async move { inside.call(|caller| answer(caller, 2)).no_timeout().await });
        server.cast(act(|_, _| Next::wait())).unwrap();
        assert_eq!(outside.join().unwrap(), Ok(1));
        assert_eq!(inside.join().unwrap(), Ok(2));
        world.end();
    });
}

/// A server whose task has run once, so that from now on a caller may come before it.
fn with_a_task(world: &World, log: &Log) -> ServerRef<Puppet> {
    let server = world.start::<Puppet>(waiting(log));
    let handled = Door::default();
    let handler = handled.clone();
    let open = act(move |_, _| {
        handler.open();
        Next::wait()
    });
    server.cast(open).unwrap();
    wait_for(handled.pass());
    server
}

#[test]
fn callers_and_the_task_of_a_scheduled_server_share_its_queue() {
    check(|| {
        let world = World::new(1);
        let log = Log::default();
        let server = with_a_task(&world, &log);
        let callers = [(1, "1"), (2, "2")].map(|(who, line)| {
            let server = server.clone();
            world.client(async move {
                server.cast(note(line)).unwrap();
                assert_eq!(server.call(|caller| aside(caller, who)).no_timeout().await, Ok(who));
            })
        });
        for caller in callers {
            caller.join().unwrap();
        }
        let mut handled = log.take();
        handled.sort();
        assert_eq!(handled, ["1", "2"], "each was handled once, before its sender's call");
        world.end();
    });
}

#[test]
fn a_server_may_be_killed_while_a_caller_works_its_queue_off() {
    check(|| {
        let world = World::new(1);
        let server = with_a_task(&world, &Log::default());
        let killer = {
            let server = server.clone();
            outsider(async move { server.kill() })
        };
        if server.cast(note("one more")).is_ok() {
            let called = wait_for(server.call(|caller| answer(caller, 1)).no_timeout());
            let killed = |error: &CallError| {
                matches!(error, CallError::NoProc { .. } | CallError::Exit { reason: Reason::Killed, .. })
            };
            assert!(called.as_ref().map_or_else(killed, |answer| *answer == 1), "{called:?}");
        }
        killer.join().unwrap();
        assert_eq!(wait_for(server.ended()), Reason::Killed);
        world.end();
    });
}

/// A call that waits at a door and then answers.
fn behind(door: &Door, caller: Caller<u32>, value: u32) -> Act {
    let door = door.clone();
    slow(move |puppet, _| {
        Box::pin(async move {
            door.pass().await;
            puppet.log.note(value.to_string());
            Next::reply(caller, value)
        })
    })
}

#[test]
fn a_call_that_is_given_up_leaves_the_next_one_its_own_answer() {
    check(|| {
        let world = World::new(1);
        let log = Log::default();
        let server = world.start::<Puppet>(waiting(&log));
        let door = Door::default();
        let opener = {
            let door = door.clone();
            outsider(async move { door.open() })
        };
        let [first, second] = [server.clone(), server.clone()];
        let [given_up, waited_for] = [door.clone(), door.clone()];
        let first = world.client(async move {
            // Polled once and dropped: queued, running, parked or answered.
            let once = poll_immediate(first.call(|caller| behind(&given_up, caller, 1)).no_timeout()).await;
            assert!(once.is_none_or(|answer| answer == Ok(1)));
            // The same thread calls again, with the state that the first call left in it.
            assert_eq!(first.call(|caller| behind(&given_up, caller, 2)).no_timeout().await, Ok(2));
        });
        let second =
            world.client(async move { second.call(|caller| behind(&waited_for, caller, 3)).no_timeout().await });
        assert_eq!(second.join().unwrap(), Ok(3));
        first.join().unwrap();
        opener.join().unwrap();
        let mut handled = log.take();
        handled.sort();
        assert_eq!(handled, ["1", "2", "3"], "a call that was given up is carried out all the same");
        world.end();
    });
}

#[test]
fn a_call_may_move_to_another_thread_while_it_waits() {
    check(|| {
        let world = World::new(1);
        let server = world.start::<Puppet>(waiting(&Log::default()));
        let door = Door::default();
        let opener = {
            let door = door.clone();
            outsider(async move { door.open() })
        };
        let mut call = Box::pin(async move { server.call(|caller| behind(&door, caller, 1)).no_timeout().await });
        let call = world.client(async move {
            let answered = poll_immediate(&mut call).await;
            (answered, call)
        });
        let (answered, call) = call.join().unwrap();
        assert_eq!(answered.unwrap_or_else(|| wait_for(call)), Ok(1));
        opener.join().unwrap();
        world.end();
    });
}

#[test]
fn a_kept_caller_is_answered_once_from_another_thread() {
    check(|| {
        let world = World::new(1);
        let server = world.start::<Puppet>(waiting(&Log::default()));
        let answerer = {
            let server = server.clone();
            world.client(async move {
                let give = |caller| act(move |puppet: &mut Puppet, _| Next::reply(caller, puppet.kept.take()));
                let kept = server.call(give).no_timeout().await.unwrap();
                let found = kept.is_some();
                if let Some(caller) = kept {
                    caller.reply(7);
                }
                found
            })
        };
        let keep = |caller| {
            act(move |puppet: &mut Puppet, _| {
                puppet.kept = Some(caller);
                Next::wait()
            })
        };
        let door = Door::default();
        let asker = {
            let server = server.clone();
            let door = door.clone();
            world.client(async move { door.opened_by(Box::pin(server.call(keep).no_timeout())).await })
        };
        wait_for(door.pass());
        if answerer.join().unwrap() {
            assert_eq!(asker.join().unwrap(), Ok(7));
        } else {
            // It came too early. To drop the caller is to answer it, too.
            let forget = act(|puppet, _| {
                puppet.kept = None;
                Next::wait()
            });
            server.cast(forget).unwrap();
            assert!(matches!(asker.join().unwrap(), Err(CallError::NoReply { .. })));
        }
        world.end();
    });
}

#[test]
fn of_two_servers_that_call_each_other_one_gets_the_cycle_error() {
    check(|| {
        let world = World::new(2);
        let [left, right] = [(); 2].map(|()| world.start::<Puppet>(waiting(&Log::default())));
        let ask = |from: &ServerRef<Puppet>, to: &ServerRef<Puppet>| {
            let (from, to) = (from.clone(), to.clone());
            world.client(async move {
                let through = |caller| {
                    slow(move |_, _| {
                        Box::pin(async move {
                            let answered = to.call(|caller| answer(caller, ())).no_timeout().await;
                            Next::reply(caller, answered)
                        })
                    })
                };
                from.call(through).no_timeout().await.unwrap()
            })
        };
        let asking = [ask(&left, &right), ask(&right, &left)];
        let answers = asking.map(|asking| asking.join().unwrap());
        for answer in &answers {
            assert!(matches!(answer, Ok(()) | Err(CallError::Cycle { .. })), "{answer:?}");
        }
        // The first error breaks the cycle, so the other call has its answer.
        assert!(answers.iter().any(Result::is_ok), "{answers:?}");
        world.end();
    });
}

#[test]
fn senders_that_wait_for_space_get_it() {
    check(|| {
        let world = World::new(1);
        let log = Log::default();
        let server = wait_for(world.node().start::<Puppet>(waiting(&log)).mailbox(1)).unwrap();
        let door = Door::default();
        let parked = {
            let (server, door) = (server.clone(), door.clone());
            world.client(async move { server.call(|caller| behind(&door, caller, 1)).no_timeout().await })
        };
        let senders = ["2", "3"].map(|line| {
            let server = server.clone();
            world.client(async move { server.cast_wait(note(line)).await.unwrap() })
        });
        let gives_up = {
            let server = server.clone();
            world.client(async move { poll_immediate(server.cast_wait(note("4"))).await.is_some() })
        };
        let caller = {
            let server = server.clone();
            world.client(async move { server.call(|caller| answer(caller, 5)).no_timeout().await })
        };
        door.open();
        assert_eq!(parked.join().unwrap(), Ok(1));
        for sender in senders {
            sender.join().unwrap();
        }
        let fourth = gives_up.join().unwrap();
        assert_eq!(caller.join().unwrap(), Ok(5));
        // It comes after everything that was taken.
        assert_eq!(wait_for(server.call(|caller| answer(caller, 6)).no_timeout()), Ok(6));
        let mut handled = log.take();
        handled.sort();
        let expected = ["1", "2", "3", "4"];
        assert_eq!(handled, expected[..if fourth { 4 } else { 3 }]);
        world.end();
    });
}

#[test]
fn a_call_ends_once_when_its_deadline_and_its_answer_come_together() {
    check(|| {
        const LIMIT: Duration = Duration::from_millis(5);
        let world = World::new(1);
        let server = world.start::<Puppet>(waiting(&Log::default()));
        let [door, called] = [Door::default(), Door::default()];
        let opener = {
            let door = door.clone();
            outsider(async move { door.open() })
        };
        let caller = {
            let (server, door, called) = (server.clone(), door.clone(), called.clone());
            world.client(async move {
                let first = server.call(|caller| behind(&door, caller, 1)).timeout(LIMIT);
                let first = called.opened_by(Box::pin(first)).await;
                assert!(matches!(first, Ok(1) | Err(CallError::Timeout { .. })), "{first:?}");
                // A late answer is not the answer to this.
                assert_eq!(server.call(|caller| answer(caller, 2)).no_timeout().await, Ok(2));
            })
        };
        wait_for(called.pass());
        world.pass(LIMIT);
        caller.join().unwrap();
        opener.join().unwrap();
        world.end();
    });
}

/// The second turn is timed, and is long. From then on the callers queue, until four callbacks were short.
#[test]
fn callers_of_a_server_that_becomes_long_and_short_again_each_get_their_own_answers() {
    check(|| {
        let world = World::new(1);
        let server = world.start::<Puppet>(waiting(&Log::default()));
        let callers = [1, 10].map(|who| {
            let (server, passes) = (server.clone(), world.passes());
            world.client(async move {
                for (number, millis) in [(who, 20), (who + 1, 20), (who + 2, 0), (who + 3, 0), (who + 4, 0)] {
                    let passes = passes.clone();
                    let called = server.call(move |caller| {
                        act(move |_, _| {
                            passes(Duration::from_millis(millis));
                            Next::reply(caller, number)
                        })
                    });
                    assert_eq!(called.no_timeout().await, Ok(number));
                }
            })
        });
        for caller in callers {
            caller.join().unwrap();
        }
        assert_eq!(wait_for(server.stop()), Ok(()));
        world.end();
    });
}
