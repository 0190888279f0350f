//! Every await of this crate is the last of a process that has to end, even if it would be ready at once.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::future::{IntoFuture, poll_fn, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use futures::StreamExt;
use genserver::agent::Agent;
use genserver::dynamic_supervisor::DynamicSupervisor;
use genserver::registry::UniqueRegistry;
use genserver::supervisor::{Child, ChildSpec, Supervisor};
use genserver::task::{Shutdown, Task, async_stream, await_many, yield_many};
use genserver::{
    Ack, AsServer, Caller, Deadline, Letter, Named, Next, Node, Probe, Reason, Request, Requests, ServerRef, adopt,
    call_all, run_blocking, spawn, start, start_link, start_process, sys, time,
};

use tokio::sync::oneshot;

use crate::puppet::{Log, Puppet, act, answer, note, park, waiting};

const SECOND: Duration = Duration::from_secs(1);

async fn puppet() -> ServerRef<Puppet> {
    start::<Puppet>(waiting(&Log::default())).await.unwrap()
}

async fn stopped() -> ServerRef<Puppet> {
    let server = puppet().await;
    server.stop().await.unwrap();
    server
}

/// A request that has its answer.
async fn answered() -> Request<i32> {
    let request = puppet().await.send_request(|caller| answer(caller, 1));
    settle().await;
    request
}

/// A task that has its result.
async fn done() -> Task<i32> {
    let task = Task::spawn(async { 1 });
    settle().await;
    task
}

/// Gives every task the time to do what it can.
async fn settle() {
    time::sleep(Duration::from_millis(1)).await;
}

fn quiet() -> ChildSpec<genserver::agent::AgentServer<i32>, Agent<i32>> {
    ChildSpec::server("quiet", || Agent::start_link(|| 1))
}

/// Awaits each in a process of its own: once normally, and once in a process that has just been killed.
macro_rules! awaits {
    ($($what:literal: |$me:ident| { $($before:tt)* } => $awaited:expr;)*) => {$(
        for killed in [false, true] {
            let went_on = Arc::new(AtomicBool::new(false));
            let goes_on = Arc::clone(&went_on);
            let process = spawn(move |me: Probe<u8>| async move {
                let mut $me = me;
                // Not every await needs it mutable.
                let _ = &mut $me;
                let myself = $me.process_ref();
                $($before)*
                if killed {
                    myself.kill();
                }
                let _unused = $awaited.await;
                goes_on.store(true, SeqCst);
            });
            let ended = process.unwrap().process_ref().ended().await;
            assert_eq!(ended, if killed { Reason::Killed } else { Reason::Normal }, $what);
            assert_eq!(went_on.load(SeqCst), !killed, $what);
        }
    )*};
}

#[tokio::test(start_paused = true)]
async fn pl_054_whatever_a_killed_process_awaits_of_servers_is_its_last() {
    awaits! {
        "call": |me| { let server = puppet().await; } => server.call(|caller| answer(caller, 1));
        "call, of the dead": |me| { let server = stopped().await; } => server.call(|caller| answer(caller, 1));
        "call of a recipient": |me| {
            let recipient = puppet().await.call_recipient(|(), caller| answer(caller, 1));
        } => recipient.call(());
        "cast_wait": |me| { let server = puppet().await; } => server.cast_wait(note("told"));
        "stop": |me| { let server = puppet().await; } => server.stop();
        "ended": |me| { let server = stopped().await; } => server.ended();
        "call by a name": |me| {} => Named::<Puppet>::new("nobody").call(|caller| answer(caller, 1));
        "stop by a name": |me| {} => Named::<Puppet>::new("nobody").stop();
        "request": |me| { let request = answered().await; } => request;
        "request, never sent": |me| {
            let request = stopped().await.send_request(|caller| answer(caller, 1));
        } => request;
        "request, wait": |me| { let mut request = answered().await; } => request.wait(SECOND);
        "request, a look": |me| {
            let mut request = puppet().await.send_request(|caller| answer(caller, 1));
        } => request.wait(Duration::ZERO);
        "request, receive": |me| { let request = answered().await; } => request.receive(SECOND);
        "requests, none": |me| { let mut requests = Requests::<(), ()>::new(); } => requests.wait(SECOND);
        "requests": |me| {
            let mut requests: Requests<_, _> = [((), answered().await)].into_iter().collect();
        } => requests.wait(Deadline::NEVER);
        "requests, as a stream": |me| {
            let mut requests: Requests<_, _> = [((), answered().await)].into_iter().collect();
        } => requests.next();
        "call_all": |me| { let servers = [puppet().await]; } => call_all(&servers, |caller| answer(caller, 1), SECOND);
        "call_all, of nobody": |me| {} => call_all(Vec::<ServerRef<Puppet>>::new(), |caller| answer(caller, 1), SECOND);
        "sys": |me| { let server = puppet().await; } => sys::get_status(&server);
        "sys, of the dead": |me| { let server = stopped().await; } => sys::get_status(&server);
        "adopted": |me| {
            let puppet = Puppet { log: Log::default(), curtain: None, when_idle: None, kept: None };
            let (server, run) = adopt(puppet).enter().unwrap();
            server.cast(act(|_, _| Next::stop(Reason::Normal))).unwrap();
        } => run;
        "get": |me| { let agent = Agent::start(|| 1).await.unwrap(); } => agent.get(|number| *number);
        "update": |me| { let agent = Agent::start(|| 1).await.unwrap(); } => agent.update(|number| *number += 1);
        "get by a name": |me| { let agent = Agent::<i32>::named("nobody"); } => agent.get(|number| *number);
        "update by a name": |me| { let agent = Agent::<i32>::named("nobody"); } => agent.update(|_| ());
        "get_and_update by a name": |me| {
            let agent = Agent::<i32>::named("nobody");
        } => agent.get_and_update(|number| *number);
    }
}

#[tokio::test(start_paused = true)]
async fn a_killed_process_does_not_come_back_from_a_start() {
    awaits! {
        "start": |me| {} => start::<Puppet>(waiting(&Log::default()));
        "start with options": |me| {} => start::<Puppet>(waiting(&Log::default())).timeout(SECOND).label("a puppet");
        "start_link": |me| {} => start_link::<Puppet>(waiting(&Log::default()));
        "start_monitor": |me| {} => me.start_monitor::<Puppet>(waiting(&Log::default()));
        "start_process": |me| {} => start_process(|_: Probe<()>, ack: Ack<()>| async move { ack.ready(()) });
        "start under a supervisor": |me| {
            let supervisor = Supervisor::one_for_one().start().await.unwrap();
        } => supervisor.start_child(quiet());
        "count": |me| { let supervisor = Supervisor::one_for_one().start().await.unwrap(); } => supervisor.count_children();
        "which": |me| { let supervisor = DynamicSupervisor::new().start().await.unwrap(); } => supervisor.which_children();
        "call of a child that is not started": |me| {
            let spec = quiet();
            let child = spec.reference();
        } => child.call(|_: Caller<()>| unreachable!("it is not started"));
        "wait for a child": |me| {
            let spec = quiet();
            let child = spec.reference();
            let _supervisor = Supervisor::one_for_one().child(spec).start().await.unwrap();
            let child = child.waiting();
        } => child.current();
        "start of a child": |me| { let mut child = Child::new(quiet().untyped()); } => child.start();
        "shut_down of a child": |me| { let mut child = Child::new(quiet().untyped()); } => child.shut_down();
    }
}

#[tokio::test(start_paused = true)]
async fn a_killed_process_does_not_come_back_from_a_wait_for_a_task() {
    awaits! {
        "join": |me| { let mut task = done().await; } => task.join();
        "join, completed": |me| { let task = Task::completed(1); } => task.into_future();
        "yield_for": |me| { let mut task = done().await; } => task.yield_for(SECOND);
        "yield_for, a look": |me| { let mut task = Task::spawn(std::future::pending::<()>()); } => task.yield_for(Duration::ZERO);
        "shutdown": |me| { let task = done().await; } => task.shutdown(Shutdown::BrutalKill);
        "await_many": |me| { let mut tasks = [done().await, done().await]; } => await_many(&mut tasks);
        "await_many, of none": |me| { let mut tasks = Vec::from([done().await]); tasks.clear(); } => await_many(&mut tasks);
        "yield_many": |me| { let mut tasks = [done().await, done().await]; } => yield_many(&mut tasks);
        "yield_many, of none": |me| { let mut tasks = [done().await]; } => yield_many(&mut tasks).limit(0);
        "async_stream": |me| { let mut results = async_stream([1], ready); } => results.next();
        "async_stream, of nothing": |me| { let mut results = async_stream([1; 0], ready); } => results.next();
    }
}

#[tokio::test(start_paused = true)]
async fn a_killed_process_does_not_come_back_from_any_other_await() {
    awaits! {
        "recv": |me| { me.sender().send(1).unwrap(); } => me.recv();
        "expect": |me| { me.sender().send(1).unwrap(); } => me.expect(|letter| *letter == Letter::Message(1));
        "expect_none": |me| {} => me.expect_none(Duration::ZERO);
        "scope": |me| { let other = Probe::<()>::new(); } => other.scope(async { 1 });
        "sleep": |me| {} => time::sleep(Duration::ZERO);
        "sleep_until": |me| { let now = time::now(); } => time::sleep_until(now);
        "timeout": |me| {} => time::timeout(SECOND, ready(1));
        "timeout, over": |me| {} => time::timeout(Duration::ZERO, std::future::pending::<()>());
        "run_blocking": |me| {} => run_blocking(|| 1);
        "lock": |me| { let rooms = UniqueRegistry::<u8>::unique(); } => rooms.lock(1);
        "shutdown of a node": |me| { let node = Node::new(); } => node.shutdown(SECOND);
        "reports": |me| {
            let mut reports = Node::program().reports();
            spawn(|_: Probe<()>| async { Err(Reason::term("to be reported")) }).unwrap();
            settle().await;
        } => reports.next();
        "poll_alive": |me| {} => poll_fn(genserver::poll_alive);
    }
}

/// The answer rings there, and not the wake-up of a process that has to end.
#[tokio::test(start_paused = true)]
async fn a_request_that_a_killed_process_puts_into_a_collection_has_no_answer_for_that() {
    let server = puppet().await;
    let (told, found) = oneshot::channel();
    let process = spawn(|me: Probe<()>| async move {
        me.process_ref().kill();
        let mut requests = Requests::new();
        requests.add((), server.send_request(|caller| park::<()>(caller)));
        told.send(requests.check()).unwrap();
    });
    assert!(matches!(found.await, Ok(Ok(None))));
    assert_eq!(process.unwrap().process_ref().ended().await, Reason::Killed);
}
