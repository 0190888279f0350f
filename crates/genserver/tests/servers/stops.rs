//! Stops of a process that is ending or about to end: which of them succeed, and which only learn that it ended.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::future::pending;
use std::time::Duration;

use crate::puppet::{Log, Puppet, act, slow, waiting};
use futures::future::join;
use genserver::agent::Agent;
use genserver::sys::{self, SysError};
use genserver::time::sleep;
use genserver::{AsServer, Named, Next, Probe, ProbeRef, Reason, ServerRef, StopError, spawn, start};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The state of the server when the orders arrive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Server {
    /// Callers run it.
    Idle,
    /// Only its own task runs it.
    InItsTask,
    /// A callback awaits something.
    Busy,
}

const EVERYWHERE: [Server; 3] = [Server::Idle, Server::InItsTask, Server::Busy];

/// A puppet whose terminate takes a while.
async fn puppet(server: Server) -> ServerRef<Puppet> {
    let puppet = start::<Puppet>(waiting(&Log::default())).inline(server != Server::InItsTask).await.unwrap();
    let set = puppet.call(|caller| {
        act(|puppet, _| {
            puppet.curtain = Some(Box::new(|| Box::pin(sleep(ms(100)))));
            Next::reply(caller, ())
        })
    });
    set.await.unwrap();
    if server == Server::Busy {
        keep_busy(&puppet).await;
    }
    puppet
}

/// Makes a callback of the puppet await something.
async fn keep_busy(puppet: &ServerRef<Puppet>) {
    let nap = slow(|_, _| {
        Box::pin(async {
            sleep(ms(50)).await;
            Next::wait()
        })
    });
    puppet.cast(nap).unwrap();
    sleep(ms(1)).await;
}

/// What a stopper is told: nothing more, or the reason of the end.
fn told(stopped: Result<(), StopError>) -> Result<(), Reason> {
    stopped.map_err(|error| match error {
        StopError::Exit { reason, .. } => reason,
        other => panic!("{other}"),
    })
}

fn told_by_sys(terminated: Result<(), SysError>) -> Result<(), Reason> {
    terminated.map_err(|error| match error {
        SysError::Exit { reason, .. } => reason,
        other => panic!("{other}"),
    })
}

/// The second, a moment after the first.
async fn one_after_the_other<A, B>(first: impl Future<Output = A>, second: impl Future<Output = B>) -> (A, B) {
    join(first, async {
        sleep(ms(10)).await;
        second.await
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn gs_175_of_two_stops_the_second_hears_with_what_the_server_ended() {
    for server in EVERYWHERE {
        for reasons in [[Reason::Normal, Reason::Normal], [Reason::Shutdown, Reason::Normal]] {
            let [first, second] = reasons.clone();
            let puppet = puppet(server).await;
            let stops = one_after_the_other(puppet.stop().reason(first.clone()), puppet.stop().reason(second)).await;
            assert_eq!((told(stops.0), told(stops.1)), (Ok(()), Err(first)), "{server:?}, {reasons:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn gs_176_a_server_that_ends_before_it_comes_to_a_stop_was_not_stopped_by_it() {
    for reason in [Reason::Normal, Reason::Killed] {
        let puppet = puppet(Server::Busy).await;
        let ends = async {
            match &reason {
                Reason::Killed => puppet.kill(),
                reason => {
                    let reason = reason.clone();
                    puppet.cast(act(|_, _| Next::stop(reason))).unwrap();
                }
            }
            sleep(ms(1)).await;
        };
        // A kill comes after the order, and wins; the cast is before it in the mailbox.
        let stopped = if reason == Reason::Killed {
            join(puppet.stop().reason(reason.clone()), ends).await.0
        } else {
            join(ends, puppet.stop().reason(reason.clone())).await.1
        };
        assert_eq!(told(stopped), Err(reason), "the reason is the one that was asked for");
    }
}

#[tokio::test(start_paused = true)]
async fn pl_042_stops_and_terminates_of_sys_hear_of_one_another() {
    for server in EVERYWHERE {
        let puppet_1 = puppet(server).await;
        let pair = one_after_the_other(sys::terminate(&puppet_1, Reason::Normal), puppet_1.stop()).await;
        assert_eq!((told_by_sys(pair.0), told(pair.1)), (Ok(()), Err(Reason::Normal)), "{server:?}");

        let puppet_2 = puppet(server).await;
        let pair = one_after_the_other(puppet_2.stop(), sys::terminate(&puppet_2, Reason::Normal)).await;
        assert_eq!((told(pair.0), told_by_sys(pair.1)), (Ok(()), Err(Reason::Normal)), "{server:?}");

        let puppet_3 = puppet(server).await;
        let terminate = || sys::terminate(&puppet_3, Reason::Normal);
        let pair = one_after_the_other(terminate(), terminate()).await;
        assert_eq!((told_by_sys(pair.0), told_by_sys(pair.1)), (Ok(()), Err(Reason::Normal)), "{server:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whichever_handle_stops_a_second_time_hears_the_reason() {
    let puppet = start::<Puppet>(waiting(&Log::default())).name("stopped twice").await.unwrap();
    keep_busy(&puppet).await;
    let by_ref = puppet.process_ref();
    let by_name = Named::<Puppet>::new("stopped twice");
    let (first, (second, third)) = join(puppet.stop(), join(by_ref.stop(), by_name.stop())).await;
    assert_eq!([first, second, third].map(told), [Ok(()), Err(Reason::Normal), Err(Reason::Normal)]);

    let agent = Agent::start(|| 0).await.unwrap();
    // A suspended server leaves the orders to its task, and both wait there.
    sys::suspend(&agent).await.unwrap();
    let (first, second) = join(agent.stop(), agent.stop()).await;
    assert_eq!([first, second].map(told), [Ok(()), Err(Reason::Normal)]);
}

#[tokio::test]
async fn a_process_without_a_server_is_stopped_by_the_first_that_stops_it() {
    let process: ProbeRef<()> = spawn(|_: Probe<()>| pending::<()>()).unwrap();
    let process = process.process_ref();
    let (first, second) = join(process.stop(), process.stop()).await;
    assert_eq!([first, second].map(told), [Ok(()), Err(Reason::Normal)]);

    let process: ProbeRef<()> = spawn(|_: Probe<()>| pending::<()>()).unwrap();
    let process = process.process_ref();
    process.exit(Reason::Shutdown);
    assert_eq!(told(process.stop().reason(Reason::Shutdown).await), Err(Reason::Shutdown));

    let held = Probe::<()>::new();
    held.process_ref().stop().await.unwrap();
    assert!(matches!(held.process_ref().stop().await, Err(StopError::NoProc { .. })));
}
