//! What may go wrong around a start: it is dropped, the thread is outside the runtime, the runtime is gone, the registry
//! panics.

use std::sync::{Arc, Mutex, mpsc};

use crate::plain_thread::block_on;
use crate::puppet::{Ask, Begin, Exclusive, Heard, Phonebook, Plan, Puppet, Tell, ms, sleep};
use futures::future::poll_immediate;
use genserver::runtime::Tokio;
use genserver::{
    CallError, Caller, Cx, Down, GenServer, Init, Letter, Name, NameRegistry, Never, Next, Node, Outcome, Pid, Probe,
    ProbeRef, ProcessRef, Reason, RegisterError, ScopedServer, StartError, StopError, start,
};

fn plan(begin: Begin) -> Plan {
    Plan::new(begin)
}

#[tokio::test(start_paused = true)]
async fn dropping_a_pending_start_kills_and_frees_everything() {
    let exclusive = Exclusive::default();
    let mut probe = Probe::<Heard>::new();
    probe.trap_exits(true);
    let hanging = plan(Begin::Hang).holding(&exclusive).told(probe.sender());
    let mut start = start::<Puppet>(hanging.clone()).name("dropped");
    assert!(poll_immediate(&mut start).await.is_none());
    let held = genserver::whereis("dropped").expect("a server has its name before init has ended");
    drop(start);
    assert_eq!(held.ended().await, Reason::Killed);
    assert_eq!(genserver::whereis("dropped"), None);
    assert!(exclusive.is_free());

    let mut start = probe.start_link::<Puppet>(hanging.clone());
    assert!(poll_immediate(&mut start).await.is_none());
    drop(start);
    let mut start = probe.start_monitor::<Puppet>(hanging);
    assert!(poll_immediate(&mut start).await.is_none());
    drop(start);
    assert!(exclusive.is_free());
    let stray = probe.flush().into_iter().filter(|letter| !matches!(letter, genserver::Letter::Message(_)));
    assert_eq!(stray.collect::<Vec<_>>(), []);
}

#[tokio::test]
async fn a_start_that_is_never_polled_starts_nothing() {
    let node = Node::new();
    drop(start::<Puppet>(plan(Begin::Run)).on(&node).name("unpolled"));
    assert_eq!(node.whereis("unpolled"), None);
}

#[test]
fn init_runs_inside_the_runtime_even_if_its_starter_does_not() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let node = Node::with_runtime(Arc::new(Tokio::new(runtime.handle().clone())));
    // Sleeping needs the runtime's context, which this thread does not have.
    let server = block_on(node.start::<Puppet>(plan(Begin::Sleep(ms(1))))).unwrap();
    assert_eq!(block_on(async { server.call(Ask::Ping).await }), Ok("pong"));
    let late = block_on(node.start::<Puppet>(plan(Begin::Hang)).timeout(ms(5)));
    assert!(matches!(late, Err(StartError::Timeout { .. })));
    let panicked = block_on(node.start::<Puppet>(plan(Begin::Panic("abroad")))).unwrap_err();
    assert!(matches!(panicked, StartError::Failed { reason: Reason::Panic(_), .. }), "{panicked}");
    block_on(server.stop()).unwrap();
}

#[test]
fn outside_every_runtime_nothing_starts() {
    let error = block_on(start::<Puppet>(plan(Begin::Run))).unwrap_err();
    assert_eq!(error, StartError::NoRuntime);
}

#[test]
fn on_a_runtime_that_is_gone_nothing_starts() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let node = Node::with_runtime(Arc::new(Tokio::new(runtime.handle().clone())));
    let before = block_on(node.start::<Puppet>(plan(Begin::Run))).unwrap();
    drop(runtime);
    assert!(!before.is_alive());
    assert_eq!(block_on(node.start::<Puppet>(plan(Begin::Run))).unwrap_err(), StartError::NoRuntime);

    let never = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let handle = never.handle().clone();
    drop(never);
    let node = Node::with_runtime(Arc::new(Tokio::new(handle)));
    assert_eq!(block_on(node.start::<Puppet>(plan(Begin::Run))).unwrap_err(), StartError::NoRuntime);
}

#[test]
fn a_runtime_that_goes_while_init_waits_fails_the_start() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let node = Node::with_runtime(Arc::new(Tokio::new(runtime.handle().clone())));
    let mut start = node.start::<Puppet>(plan(Begin::Hang)).name("hanging");
    assert!(block_on(poll_immediate(&mut start)).is_none());
    drop(runtime);
    let error = block_on(start).unwrap_err();
    assert!(matches!(error, StartError::Failed { reason: Reason::RuntimeGone, .. }), "{error}");
    assert_eq!(node.whereis("hanging"), None);
}

#[tokio::test]
async fn nobody_starts_linked_to_the_dead_or_to_plain_code() {
    let error = genserver::start_link::<Puppet>(plan(Begin::Run)).await.unwrap_err();
    assert_eq!(error, StartError::NotAProcess);

    let starter = Probe::<()>::new();
    starter.sender().kill();
    let error = starter.start_link::<Puppet>(plan(Begin::Run)).name("orphan").await.unwrap_err();
    assert_eq!(error, StartError::NotAProcess);
    assert_eq!(genserver::whereis("orphan"), None);
}

/// A registry that monitors each process as soon as it is registered.
struct Watched(Mutex<Probe<()>>);

impl NameRegistry for Watched {
    fn register(&self, _name: &str, process: &ProcessRef) -> Result<(), RegisterError> {
        self.0.lock().expect("no test panics while it holds this").monitor(process);
        Ok(())
    }

    fn unregister(&self, _name: &str, _pid: Pid) {}

    fn whereis(&self, _name: &str) -> Option<ProcessRef> {
        None
    }
}

#[tokio::test]
async fn a_monitor_of_a_start_that_failed_brings_its_down() {
    let watched = Arc::new(Watched(Mutex::new(Probe::new())));
    let starter = Probe::<()>::new();
    starter.sender().kill();
    let name = Name::via(Arc::clone(&watched) as Arc<dyn NameRegistry>, "watched");
    let error = starter.start_link::<Puppet>(plan(Begin::Run)).name(name).await.unwrap_err();
    assert_eq!(error, StartError::NotAProcess);
    let letters = watched.0.lock().unwrap().flush();
    assert!(matches!(&letters[..], [Letter::Down(Down { reason: Reason::NoProc, .. })]), "{letters:?}");
}

#[tokio::test]
async fn a_registry_that_panics_or_refuses_fails_the_start() {
    let node = Node::new();
    let book = Arc::new(Phonebook::default()) as Arc<dyn NameRegistry>;
    for (name, told) in [("panic", "on fire"), ("", "letters")] {
        let name = Name::via(Arc::clone(&book), name);
        let mut probe = Probe::<Heard>::on(&node);
        let refused = node.start::<Puppet>(plan(Begin::Run).told(probe.sender())).name(name.clone()).await.unwrap_err();
        let StartError::NameRefused { why, .. } = refused else { panic!("{refused}") };
        assert!(why.contains(told), "{why}");
        assert_eq!(probe.try_recv(), None, "init ran");
        assert_eq!(node.whereis(name), None);
    }
}

/// Its init computes until it is released.
struct Brooding;

impl GenServer for Brooding {
    type Args = (mpsc::Receiver<()>, ProbeRef<Heard>);
    type Call = Never;
    type Cast = Never;
    type Info = Never;

    async fn init((let_go, told): Self::Args, cx: &mut Cx<Self>) -> Init<Self> {
        let _ = told.send(Heard::Born(cx.process_ref()));
        let _ = let_go.recv();
        Init::Run(Self)
    }
}

#[test]
fn an_init_that_never_awaits_releases_its_starter_and_its_name_and_never_serves() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let node = Node::with_runtime(Arc::new(Tokio::new(runtime.handle().clone())));
    let mut probe = Probe::<Heard>::on(&node);
    let (let_go, brooding) = mpsc::channel();
    let late = block_on(node.start::<Brooding>((brooding, probe.sender())).name("brooding").timeout(ms(5)));
    assert!(matches!(late, Err(StartError::Timeout { .. })), "{late:?}");
    let other = block_on(node.start::<Puppet>(plan(Begin::Run)).name("brooding")).unwrap();
    let Ok(genserver::Letter::Message(Heard::Born(process))) = block_on(probe.recv()) else { panic!("init ran") };
    let ended = process.ended();
    drop(let_go);
    assert_eq!(block_on(ended), Reason::Killed);
    assert_eq!(node.whereis("brooding"), Some(other.process_ref()));
}

/// Starts another of its kind in its init, and so on.
struct Nest;

struct Depth(Caller<u32>);

impl GenServer for Nest {
    type Args = u32;
    type Call = Depth;
    type Cast = Never;
    type Info = Never;

    async fn init(more: u32, cx: &mut Cx<Self>) -> Init<Self> {
        if more > 0
            && let Err(error) = cx.start_link::<Nest>(more - 1).await
        {
            return Init::Stop(error.into());
        }
        Init::Run(Self)
    }

    async fn handle_call(&mut self, Depth(caller): Depth, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, 1)
    }
}

#[tokio::test(start_paused = true)]
async fn starts_inside_starts_do_not_use_the_stack_up() {
    let node = Node::new();
    let nest = node.start::<Nest>(10_000).await.unwrap();
    assert_eq!(nest.call(Depth).await, Ok(1));
    nest.kill();
    node.shutdown(ms(10_000)).await;
    assert!(!nest.is_alive());
}

#[tokio::test(start_paused = true)]
async fn a_scoped_server_goes_with_its_reference() {
    let mut probe = Probe::<Heard>::new();
    let scoped = ScopedServer::from(start::<Puppet>(plan(Begin::Run).told(probe.sender())).await.unwrap());
    let reference = scoped.clone();
    let monitor = probe.monitor(&reference);
    assert_eq!(scoped.call(Ask::Ping).await, Ok("pong"));
    reference.cast(Tell::Text(1)).unwrap();
    drop(scoped);
    assert_eq!(probe.expect_down(monitor).await.reason, Reason::Normal);
    let heard: Vec<_> = probe.flush().into_iter().skip(1).collect();
    let expected = [Heard::Text(1), Heard::Terminate(Reason::Normal), Heard::Dropped];
    assert_eq!(heard, expected.map(genserver::Letter::Message), "what was sent before is handled, then terminate runs");
    assert!(matches!(reference.call(Ask::Ping).await, Err(CallError::NoProc { .. })));

    let scoped = ScopedServer::from(start::<Puppet>(plan(Begin::Run)).await.unwrap());
    let reference = scoped.clone();
    scoped.stop().await.unwrap();
    assert!(matches!(reference.stop().await, Err(StopError::NoProc { .. })));

    let kept = ScopedServer::from(start::<Puppet>(plan(Begin::Run)).await.unwrap()).release();
    sleep(ms(1)).await;
    assert!(kept.is_alive());
}
