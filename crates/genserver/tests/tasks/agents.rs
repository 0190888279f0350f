//! Agents: the cases of their suite, and what callers of an agent that ends get.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use genserver::agent::{Agent, AgentServer};
use genserver::supervisor::{ChildKind, ChildSpec, Restart, Shutdown, Supervisor};
use genserver::{
    AsServer, CallError, Down, Letter, Named, Node, Probe, Reason, StartError, StopError, current_process, sys, time,
};

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn panicked(error: &CallError, message: &str) -> bool {
    matches!(error, CallError::Exit { reason: Reason::Panic(panic), .. } if panic.message() == message)
}

#[tokio::test]
async fn rat_031_an_agent_lives_from_its_linked_start_to_its_stop() {
    let shell = Probe::<()>::new();
    let agent = shell.scope(async { Agent::start_link(|| vec![("hello", 1)]).await }).await.unwrap();
    assert_eq!(agent.server().info().links, [shell.pid()]);

    assert_eq!(agent.update(|pairs| pairs.push(("world", 2))).await, Ok(()));
    assert_eq!(agent.get(Vec::len).await, Ok(2));
    assert_eq!(agent.get_and_update(|pairs| pairs.remove(0)).await, Ok(("hello", 1)));
    assert_eq!(agent.get(Vec::clone).await, Ok(vec![("world", 2)]));

    assert_eq!(agent.stop().await, Ok(()));
    assert!(!agent.is_alive());
    assert!(matches!(agent.get(Vec::len).await, Err(CallError::NoProc { .. })));
    assert!(matches!(agent.stop().await, Err(StopError::NoProc { .. })));
}

#[tokio::test]
async fn rat_032_a_name_reaches_its_agent_with_calls_and_casts() {
    let node = Node::new();
    let named = Agent::<u32, _>::from(Named::on(&node, "counter"));
    assert!(named.cast(|_| ()).is_err());
    assert!(matches!(named.stop().await, Err(StopError::NoProc { .. })));

    let agent = Agent::start(|| 1_u32).name("counter").on(&node).await.unwrap();
    assert_eq!(named.as_server().map(Agent::from), Ok(agent.clone()));
    assert_eq!(named.update(|count| *count += 1).await, Ok(()));
    assert!(named.cast(|count| *count *= 10).is_ok());
    assert_eq!(named.get_and_update(|count| std::mem::replace(count, 5)).await, Ok(20));
    assert_eq!(named.get(|count| *count).await, Ok(5));
    assert_eq!(format!("{named:?}"), "Agent(Named(counter))");
    assert_eq!(format!("{agent:?}"), format!("Agent(ServerRef(counter {}))", agent.pid()));

    // The next agent of that name is found as well: the name is looked up at every use.
    kill(&agent).await;
    Agent::start(|| 100_u32).name("counter").on(&node).await.unwrap();
    assert_eq!(named.get(|count| *count).await, Ok(100));

    // An agent with another state is another type of server.
    let strings = Agent::<String, _>::from(Named::on(&node, "counter"));
    assert!(matches!(strings.get(String::len).await, Err(CallError::WrongServer { .. })));
    assert_eq!(named.stop().await, Ok(()));
}

#[tokio::test]
async fn the_stop_of_an_agent_by_name_is_the_same_as_the_stop_of_a_server() {
    let node = Node::new();
    let numbers = Agent::<u32, _>::from(Named::on(&node, "counter"));
    // OTP's stop asks for the name and not for the type that runs under it.
    let strings = Agent::start(String::new).name("counter").on(&node).await.unwrap();
    assert_eq!(numbers.stop().await, Ok(()));
    assert!(!strings.is_alive());
    let strings = Agent::start(String::new).name("counter").on(&node).await.unwrap();
    assert_eq!(AsServer::stop(&numbers).await, Ok(()));
    assert!(!strings.is_alive());
}

/// Ends it as a crash would.
async fn kill<S: Send + 'static>(agent: &Agent<S>) {
    let ended = agent.server().ended();
    agent.server().kill();
    assert_eq!(ended.await, Reason::Killed);
}

#[tokio::test(start_paused = true)]
async fn rat_033_the_options_of_a_start_apply_to_an_agent() {
    let node = Node::new();
    let start = Agent::start(|| 0_u8).on(&node).label("a small one").mailbox(1).inline(false);
    let agent = start.hibernate_after(ms(10)).timeout(ms(100)).await.unwrap();
    assert_eq!(agent.server().info().label.as_deref(), Some("a small one"));
    agent.cast(|number| *number += 1).unwrap();
    assert!(agent.cast(|number| *number += 1).unwrap_err().is_full());
    assert_eq!(agent.get(|number| *number).await, Ok(1));
    assert!(agent.server().info().has_task);
    assert!(node.info(agent.pid()).is_some());
    time::sleep(ms(20)).await;
    assert_eq!(agent.server().info().status, genserver::Status::Hibernated);
}

#[tokio::test(start_paused = true)]
async fn rat_034_a_child_spec_of_an_agent_has_the_defaults_of_a_servers() {
    let spec = || ChildSpec::server("list", || Agent::start_link(|| vec![1]));
    let info = spec().info().clone();
    assert_eq!((info.restart, info.shutdown), (Restart::Permanent, Shutdown::After(ms(5000))));
    assert_eq!((info.kind, info.significant), (ChildKind::Worker, false));
    let spec = spec().restart(Restart::Transient).shutdown(Shutdown::Infinity);
    assert_eq!((spec.info().restart, spec.info().shutdown), (Restart::Transient, Shutdown::Infinity));

    let reference = spec.reference();
    let supervisor = Supervisor::one_for_one().start().await.unwrap();
    let list: Agent<Vec<i32>> = supervisor.start_child(spec).await.unwrap();
    list.update(|items| items.push(2)).await.unwrap();
    kill(&list).await;
    let list: Agent<Vec<i32>> = reference.waiting().current().await.unwrap();
    assert_eq!(list.get(Vec::clone).await, Ok(vec![1]));
}

#[tokio::test]
async fn rat_035_a_suspended_agents_state_is_replaced_or_stays() {
    let agent = Agent::start(|| vec![1]).await.unwrap();
    sys::suspend(agent.server()).await.unwrap();
    let replaced = sys::replace_state(agent.server(), |AgentServer(mut items)| {
        items.push(2);
        AgentServer(items)
    });
    assert_eq!(replaced.await.unwrap(), AgentServer(vec![1, 2]));
    let failed = sys::replace_state(agent.server(), |_| panic!("no new code")).await;
    assert!(matches!(failed, Err(sys::SysError::CallbackFailed { .. })), "{failed:?}");
    sys::resume(agent.server()).await.unwrap();
    assert_eq!(agent.get(Vec::clone).await, Ok(vec![1, 2]));
}

#[tokio::test(start_paused = true)]
async fn rat_036_a_function_that_panics_ends_its_agent_and_nobody_else() {
    let mut shell = Probe::<()>::new();
    shell.trap_exits(true);
    let agent = shell.scope(async { Agent::start_link(|| 0).await }).await.unwrap();
    let reference = shell.monitor(&agent);

    let error = agent.get::<(), _>(|_| panic!("oops")).await.unwrap_err();
    assert!(panicked(&error, "oops"), "{error}");
    assert!(!agent.is_alive());
    assert!(matches!(shell.expect_exit(&agent).await.reason, Reason::Panic(_)));
    assert!(matches!(shell.expect_down(reference).await.reason, Reason::Panic(_)));
}

#[tokio::test]
async fn a_panic_reaches_all_waiting_callers() {
    let agent = Agent::start(|| 0).await.unwrap();
    sys::suspend(agent.server()).await.unwrap();
    agent.cast(|_| panic!("oops")).unwrap();
    let asked = async { tokio::join!(agent.get(|number| *number), agent.update(|number| *number += 1)) };
    let ((got, updated), resumed) = tokio::join!(asked, sys::resume(agent.server()));
    resumed.unwrap();
    assert!(panicked(&got.unwrap_err(), "oops"));
    assert!(panicked(&updated.unwrap_err(), "oops"));
}

#[tokio::test]
async fn rat_038_a_start_function_that_panics_fails_the_start() {
    let error = Agent::<u8>::start(|| panic!("no paper")).name("rat_038").await.unwrap_err();
    assert!(
        matches!(&error, StartError::Failed { reason: Reason::Panic(panic), .. } if panic.message() == "no paper"),
        "{error}"
    );
    assert_eq!(genserver::whereis("rat_038"), None);
}

#[tokio::test]
async fn rat_039_a_stop_returns_when_the_agent_is_gone() {
    let mut shell = Probe::<()>::new();
    let agent = Agent::start(Vec::<String>::new).name("rat_039").await.unwrap();
    let reference = shell.monitor(&agent);
    assert_eq!(agent.stop().await, Ok(()));
    assert!(!agent.is_alive());
    assert_eq!(genserver::whereis("rat_039"), None);
    let down = Down { reference, pid: agent.pid(), reason: Reason::Normal };
    assert_eq!(shell.flush(), [Letter::Down(down)]);
}

#[tokio::test]
async fn functions_run_in_the_agent_one_after_the_other() {
    let agent = Agent::start(|| ()).await.unwrap();
    let process = agent.get(|()| current_process()).await.unwrap();
    assert_eq!(process, Some(agent.process_ref()));

    let here = std::thread::current().id();
    assert_eq!(
        agent.get(move |()| std::thread::current().id()).await,
        Ok(here),
        "an idle agent runs where it is asked"
    );
    assert!(!agent.server().info().has_task);
}

#[tokio::test]
async fn an_agent_that_asks_itself_is_told_so() {
    let agent = Agent::start(|| 0).await.unwrap();
    let itself = agent.clone();
    let asked = agent.get(move |_| futures::FutureExt::now_or_never(itself.get(|number| *number))).await.unwrap();
    assert!(matches!(asked, Some(Err(CallError::CallingSelf { .. }))), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_out_of_time_is_not_withdrawn() {
    let agent = Agent::start(|| 0).await.unwrap();
    sys::suspend(agent.server()).await.unwrap();
    let late = agent.update(|number| *number += 1).timeout(ms(100)).await;
    assert!(matches!(late, Err(CallError::Timeout { after, .. }) if after == ms(100)), "{late:?}");
    let began = time::now();
    let late = agent.update(|number| *number += 1).await;
    assert!(matches!(late, Err(CallError::Timeout { .. })), "{late:?}");
    assert_eq!((time::now() - began).as_secs(), 5);
    sys::resume(agent.server()).await.unwrap();
    assert_eq!(agent.get(|number| *number).await, Ok(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_that_blocks_makes_others_wait() {
    let agent = Agent::start(|| 0).inline(false).await.unwrap();
    let (go, gone) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    agent
        .cast(move |number| {
            begun.send(()).unwrap();
            gone.recv().unwrap();
            *number = 1;
        })
        .unwrap();
    begins.recv().unwrap();
    let waiting = agent.get(|number| *number).timeout(ms(20)).await;
    assert!(matches!(waiting, Err(CallError::Timeout { .. })), "{waiting:?}");
    go.send(()).unwrap();
    assert_eq!(agent.get(|number| *number).await, Ok(1));
}

#[test]
fn a_thread_that_runs_no_tasks_asks_and_sleeps() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let agent = runtime.block_on(async { Agent::start(|| 41).await }).unwrap();
    agent.update(|number| *number += 1).blocking().unwrap();
    assert_eq!(agent.get(|number| *number).blocking(), Ok(42));
}

#[tokio::test]
async fn what_a_function_took_along_is_dropped_with_a_dead_agent() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let taken_along = || Counted(Arc::clone(&dropped));

    let agent = Agent::start(|| ()).await.unwrap();
    let along = taken_along();
    agent.update(move |()| drop(along)).await.unwrap();
    let along = taken_along();
    agent.cast(move |()| drop(along)).unwrap();
    agent.server().kill();
    assert_eq!(dropped.load(Ordering::Relaxed), 2);
    let along = taken_along();
    assert!(agent.update(move |()| drop(along)).await.is_err());
    let along = taken_along();
    drop(agent.cast(move |()| drop(along)).unwrap_err());
    assert_eq!(dropped.load(Ordering::Relaxed), 4);
}

#[test]
fn an_agent_is_shared_whatever_its_state_is() {
    fn assert_shared<T: Send + Sync + Clone + Unpin>() {}
    assert_shared::<Agent<std::cell::Cell<u8>>>();
    assert_shared::<Agent<std::cell::Cell<u8>, Named<AgentServer<std::cell::Cell<u8>>>>>();
}
