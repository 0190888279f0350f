//! Which processes are told of an end, and when. Waits are limited in virtual time, because a forgotten one would never end.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::{FutureExt as _, join_all, poll_immediate};
use futures::stream::{FuturesUnordered, StreamExt as _};
use genserver::sys::{self, SysError};
use genserver::{
    CallError, Caller, CastError, Exit, Init, Letter, Next, Node, Probe, Reason, ServerRef, StopError, start,
};

use crate::puppet::{Log, Puppet, act, answer, beginning, note, park, waiting};

/// A future that waits. It is polled again only when it has been woken, so a lost wake is seen.
type Wait<F> = FuturesUnordered<F>;

/// Begins to wait for something that has not come yet.
async fn begun<F: Future>(wait: F) -> Wait<F> {
    let mut wait = Wait::from_iter([wait]);
    assert!(poll_immediate(wait.next()).await.is_none());
    // A server may need its own task to get there.
    genserver::time::sleep(Duration::from_millis(1)).await;
    wait
}

/// The output of a wait. No wait has a deadline of its own: only the end can be the answer.
async fn told<F: Future>(mut wait: Wait<F>) -> F::Output {
    let heard = genserver::time::timeout(Duration::from_mins(1), wait.next()).await;
    heard.expect("somebody is not told of the end").expect("it is heard once")
}

/// A server under a name that looks for the holder of the name when its state is dropped.
async fn named(node: &Node, log: &Log) -> ServerRef<Puppet> {
    struct Look(Node, Log);
    impl Drop for Look {
        fn drop(&mut self) {
            let holder = self.0.whereis("named").map_or("nobody", |_| "the server");
            self.1.note(format!("the name belongs to {holder}"));
        }
    }
    let look = Look(node.clone(), log.clone());
    let play = beginning(log, |mut puppet, _| {
        puppet.when_idle = Some(act(move |_, _| {
            drop(look);
            Next::wait()
        }));
        Init::Run(puppet)
    });
    node.start::<Puppet>(play).name("named").await.unwrap()
}

/// Ways of an end.
const ENDS: [fn(&ServerRef<Puppet>); 5] = [
    ServerRef::kill,
    |server| server.exit(Reason::term("exit")),
    |server| drop(server.stop().now_or_never()),
    |server| server.cast(act(|_, _| Next::stop(Reason::term("stop")))).unwrap(),
    |server| server.cast(act(|_, _| panic!("a slip"))).unwrap(),
];

/// Promise 6: the state is dropped, then the names are free. If a name were free before, a second server could begin while the
/// first still holds an exclusive resource, such as a port or a file.
#[tokio::test(start_paused = true)]
async fn a_name_is_taken_until_the_state_is_dropped() {
    for end in ENDS {
        let (node, log) = (Node::new(), Log::default());
        let server = named(&node, &log).await;
        let ended = begun(server.ended()).await;
        end(&server);
        told(ended).await;
        assert_eq!(log.take().last().map(String::as_str), Some("the name belongs to the server"));
        assert!(node.whereis("named").is_none(), "and to nobody afterwards");
    }
}

#[track_caller]
fn exit_reason<R: Debug>(called: Result<R, CallError>) -> Reason {
    match called {
        Err(CallError::Exit { reason, .. }) => reason,
        other => panic!("the call was to end with its server, not with {other:?}"),
    }
}

/// An end from outside, and the reason that it brings.
type Cut = (fn(&ServerRef<Puppet>), Reason);

/// Ends from outside that wait for no callback.
fn cuts() -> [Cut; 2] {
    [(ServerRef::kill, Reason::Killed), (|server| server.exit(Reason::term("cut")), Reason::term("cut"))]
}

/// A call in every place where a call can be, and everything else that waits for a server.
#[tokio::test(start_paused = true)]
async fn all_that_wait_are_told_the_reason() {
    for ((cut, reason), inline) in cuts().into_iter().flat_map(|cut| [(cut.clone(), true), (cut, false)]) {
        let server = start::<Puppet>(waiting(&Log::default())).inline(inline).await.unwrap();
        let (keep, kept) = oneshot::channel();
        let keeps = server.call(|caller| {
            act(move |puppet, _| {
                puppet.kept = Some(caller);
                Next::wait()
            })
        });
        let gives_away = server.call(|caller: Caller<u32>| {
            act(move |_, _| {
                keep.send(caller).unwrap();
                Next::wait()
            })
        });
        let in_the_state = begun(keeps.no_timeout()).await;
        let elsewhere = begun(gives_away.no_timeout()).await;
        let parked = begun(server.call(park::<u32>).no_timeout()).await;
        let queued = begun(server.call(|caller| answer(caller, 1)).no_timeout()).await;
        let request = begun(server.send_request(|caller| answer(caller, 1))).await;
        let suspend = begun(sys::suspend(&server).no_timeout()).await;
        let stop = begun(server.stop()).await;
        let ended = begun(server.ended()).await;

        cut(&server);
        assert_eq!(exit_reason(told(in_the_state).await), reason);
        assert_eq!(exit_reason(told(elsewhere).await), reason);
        assert_eq!(exit_reason(told(parked).await), reason);
        assert_eq!(exit_reason(told(queued).await), reason);
        assert_eq!(exit_reason(told(request).await), reason);
        assert!(matches!(told(suspend).await, Err(SysError::Exit { reason: why, .. }) if why == reason));
        assert!(matches!(told(stop).await, Err(StopError::Exit { reason: why, .. }) if why == reason));
        assert_eq!(told(ended).await, reason);
        assert!(kept.await.unwrap().is_gone());
    }
}

/// Kills the server when it is woken.
struct Kills(ServerRef<Puppet>);

impl Wake for Kills {
    fn wake(self: Arc<Self>) {
        self.0.kill();
    }
}

/// The clock has the list of those who wait in its hands when the first of them is woken.
#[tokio::test(start_paused = true)]
async fn a_server_that_ends_when_a_caller_hears_of_its_timeout_tells_the_others_that_wait() {
    let server = start::<Puppet>(waiting(&Log::default())).await.unwrap();
    let (keep, kept) = std::sync::mpsc::channel();
    let call = || {
        let keep = keep.clone();
        server.call(|caller: Caller<u32>| {
            act(move |_, _| {
                keep.send(caller).unwrap();
                Next::wait()
            })
        })
    };
    let mut late = Box::pin(call().timeout(Duration::from_secs(1)));
    let waker = Waker::from(Arc::new(Kills(server.clone())));
    assert!(late.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let other = begun(call().no_timeout()).await;
    assert_eq!(exit_reason(told(other).await), Reason::Killed);
    assert!(matches!(late.await, Err(CallError::Timeout { .. })));
    drop(kept);
}

/// A caller that is dropped while its server ends gets the reason of the end: `NoReply` is for servers that live on.
#[tokio::test(start_paused = true)]
async fn a_caller_that_is_dropped_on_the_way_to_the_end_is_told_the_reason() {
    for inline in [true, false] {
        let server = start::<Puppet>(waiting(&Log::default())).inline(inline).await.unwrap();
        let dropped = server.call(|caller: Caller<u32>| {
            act(move |_, _| {
                drop(caller);
                Next::stop(Reason::term("dropped"))
            })
        });
        assert_eq!(exit_reason(told(Wait::from_iter([dropped.no_timeout()])).await), Reason::term("dropped"));

        // In terminate, which runs after the callback's dropped callers have been settled.
        let server = start::<Puppet>(waiting(&Log::default())).inline(inline).await.unwrap();
        let dropped = server.call(|caller: Caller<u32>| {
            act(move |puppet, _| {
                puppet.curtain = Some(Box::new(move || {
                    drop(caller);
                    Box::pin(std::future::ready(()))
                }));
                Next::stop(Reason::term("in terminate"))
            })
        });
        assert_eq!(exit_reason(told(Wait::from_iter([dropped.no_timeout()])).await), Reason::term("in terminate"));

        // With the state.
        let server = start::<Puppet>(waiting(&Log::default())).inline(inline).await.unwrap();
        let dropped = server.call(|caller: Caller<u32>| {
            act(move |puppet, _| {
                puppet.kept = Some(caller);
                Next::stop(Reason::term("with the state"))
            })
        });
        assert_eq!(exit_reason(told(Wait::from_iter([dropped.no_timeout()])).await), Reason::term("with the state"));
    }
}

/// Senders that wait for space get their messages back.
#[tokio::test(start_paused = true)]
async fn a_sender_that_waits_for_space_gets_its_message_back() {
    for (cut, reason) in cuts() {
        let server = start::<Puppet>(waiting(&Log::default())).mailbox(1).await.unwrap();
        let parked = begun(server.call(park::<u32>).no_timeout()).await;
        while server.cast(note("filler")).is_ok() {}
        let cast = begun(server.cast_wait(note("waits"))).await;
        let call = begun(server.call(|caller| answer(caller, 1)).no_timeout()).await;

        cut(&server);
        assert!(matches!(told(cast).await, Err(CastError::NoProc { .. })));
        assert_eq!(exit_reason(told(call).await), reason);
        drop(parked);
    }
}

/// A kill goes over links as `killed`: each process that does not trap exits ends with it, and passes it on.
#[tokio::test(start_paused = true)]
async fn a_kill_reaches_all_linked_processes() {
    for awaits in [false, true] {
        let node = Node::new();
        let mut watcher = Probe::<()>::on(&node);
        watcher.trap_exits(true);
        let mut chain: Vec<ServerRef<Puppet>> = Vec::new();
        for _ in 0..3 {
            let server = node.start::<Puppet>(waiting(&Log::default())).await.unwrap();
            if let Some(before) = chain.last().cloned() {
                link(&server, &before).await;
            }
            chain.push(server);
        }
        watcher.link(&chain[2]).unwrap();
        let parked = if awaits { Some(begun(chain[1].call(park::<u32>).no_timeout()).await) } else { None };

        let ends = join_all(chain.iter().map(|server| begun(server.ended()))).await;
        chain[0].kill();
        for ended in ends {
            assert_eq!(told(ended).await, Reason::Killed);
        }
        assert_eq!(watcher.flush(), [Letter::Exit(Exit { from: chain[2].pid(), reason: Reason::Killed })]);
        assert!(watcher.is_alive());
        drop(parked);
    }
}

async fn link(server: &ServerRef<Puppet>, peer: &ServerRef<Puppet>) {
    let peer = peer.clone();
    let linked = server.call(|caller| {
        act(move |_, cx| {
            cx.link(&peer).unwrap();
            Next::reply(caller, ())
        })
    });
    linked.await.unwrap();
}
