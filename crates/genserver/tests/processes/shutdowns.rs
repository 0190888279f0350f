//! The end of a node, and the end of a runtime under its processes.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::plain_thread::block_on;
use crate::puppet::{Ask, Begin, Heard, Plan, Puppet, Tell, ms, now, sleep};
use futures::future::poll_immediate;
use genserver::runtime::{BlockingWork, Runtime, Sleep, TaskFuture, Tokio};
use genserver::{
    CallError, Caller, CastError, Cx, GenServer, Init, Letter, Never, Next, Node, Outcome, Probe, Reason, ServerRef,
    StopError, spawn,
};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

async fn on(node: &Node, plan: Plan) -> ServerRef<Puppet> {
    node.start::<Puppet>(plan).await.unwrap()
}

/// The messages except those about beginnings.
fn ends(probe: &mut Probe<Heard>) -> Vec<Heard> {
    let message = |letter| match letter {
        Letter::Message(heard) => Some(heard),
        _ => None,
    };
    probe.flush().into_iter().filter_map(message).filter(|heard| !matches!(heard, Heard::Born(_))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_terminates_servers_that_trap_exits_and_ends_the_others() {
    let mut probe = Probe::<Heard>::new();
    for with_task in [false, true] {
        let node = Node::new();
        let traps = on(&node, Plan::new(Begin::Run).traps().told(probe.sender())).await;
        if with_task {
            traps.cast(Tell::Text(1)).unwrap();
            probe.expect(|letter| *letter == Letter::Message(Heard::Text(1))).await;
        }
        assert_eq!(traps.info().has_task, with_task);
        let begun = now();
        node.shutdown(ms(5000)).await;
        assert!(begun.elapsed() < ms(100), "nobody waits for the deadline");
        assert_eq!(ends(&mut probe), [Heard::Terminate(Reason::Shutdown), Heard::Dropped]);
        assert_eq!(traps.ended().await, Reason::Shutdown);

        let other = on(&node, Plan::new(Begin::Run).told(probe.sender())).await;
        if with_task {
            other.cast(Tell::Text(1)).unwrap();
            probe.expect(|letter| *letter == Letter::Message(Heard::Text(1))).await;
        }
        let held = Probe::<()>::on(&node);
        node.shutdown(ms(5000)).await;
        assert_eq!(ends(&mut probe), [Heard::Dropped]);
        assert_eq!(other.ended().await, Reason::Shutdown);
        assert!(!held.is_alive());
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_left_at_the_deadline_is_killed() {
    let mut probe = Probe::<Heard>::new();
    let node = Node::new();
    let stuck = on(&node, Plan::new(Begin::Run).traps().told(probe.sender())).await;
    stuck.cast(Tell::Hang).unwrap();
    let mut call = stuck.call(Ask::Ping);
    assert!(poll_immediate(&mut call).await.is_none());
    let stubborn = {
        let on_node = Probe::<()>::on(&node);
        let function = |mut me: Probe<()>| async move {
            me.trap_exits(true);
            sleep(Duration::from_secs(1_000_000)).await;
        };
        let spawned = on_node.scope(async { spawn(function) }).await.unwrap();
        drop(on_node);
        spawned
    };
    tokio::task::yield_now().await;
    let monitor = probe.monitor(&stubborn);
    let begun = now();
    node.shutdown(ms(300)).await;
    assert_eq!(begun.elapsed().as_millis() / 10, 30);
    assert_eq!(stuck.ended().await, Reason::Killed);
    assert!(!stubborn.is_alive());
    assert_eq!(probe.expect_down(monitor).await.reason, Reason::Killed);
    assert!(matches!(call.await, Err(CallError::Exit { reason: Reason::Killed, .. })));
    assert_eq!(ends(&mut probe), [Heard::Dropped]);
}

/// Computes without awaiting, until it is told to stop by other means.
struct Blocked(mpsc::Receiver<()>, mpsc::Sender<()>);

impl GenServer for Blocked {
    type Args = (mpsc::Receiver<()>, mpsc::Sender<()>);
    type Call = Never;
    type Cast = ();
    type Info = Never;

    async fn init((end, begun): Self::Args, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(end, begun))
    }

    async fn handle_cast(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.1.send(()).unwrap();
        let _ = self.0.recv();
        Next::wait()
    }
}

#[test]
fn a_process_that_never_awaits_does_not_hang_the_shutdown() {
    let runtime = runtime();
    let node = Node::with_runtime(Arc::new(Tokio::new(runtime.handle().clone())));
    let [(end, ended), (begun, began)] = [mpsc::channel(), mpsc::channel()];
    let server = block_on(node.start::<Blocked>((ended, begun))).unwrap();
    server.cast(()).unwrap();
    began.recv().unwrap();
    block_on(node.shutdown(ms(10)));
    assert!(still_waits(server.ended()), "it is still busy");
    drop(end);
    assert_eq!(block_on(server.ended()), Reason::Shutdown, "the first order counts");
}

fn still_waits(ended: genserver::Ended) -> bool {
    block_on(poll_immediate(ended)).is_none()
}

/// Shuts its own node down.
struct Last(Node);

impl GenServer for Last {
    type Args = Node;
    type Call = Caller<()>;
    type Cast = Never;
    type Info = Never;

    async fn init(node: Node, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(node))
    }

    async fn handle_call(&mut self, caller: Caller<()>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0.shutdown(ms(1000)).await;
        Next::stop_reply(Reason::Shutdown, caller, ())
    }
}

#[tokio::test]
async fn a_process_can_shut_its_own_node_down() {
    let node = Node::new();
    let other = on(&node, Plan::new(Begin::Run)).await;
    let last = node.start::<Last>(node.clone()).await.unwrap();
    last.call(|caller| caller).await.unwrap();
    assert!(!other.is_alive());
    assert_eq!(last.ended().await, Reason::Shutdown);
}

#[test]
fn a_node_is_shut_down_from_a_thread_without_a_runtime() {
    let runtime = runtime();
    let node = Node::new();
    let server = runtime.block_on(on(&node, Plan::new(Begin::Run).traps()));
    block_on(node.shutdown(ms(10_000)));
    assert_eq!(block_on(server.ended()), Reason::Shutdown);
    block_on(Node::new().shutdown(ms(10_000)));
}

#[test]
fn a_runtime_that_goes_ends_everything_on_it() {
    let (here, there) = (runtime(), runtime());
    let node = Node::new();
    let mut watcher = {
        let _entered = here.enter();
        Probe::<Heard>::on(&node)
    };
    let plan = || Plan::new(Begin::Run).traps().told(watcher.sender());
    let [idle, tasked, hanging] = there.block_on(async {
        let [idle, tasked, hanging] = [on(&node, plan()).await, on(&node, plan()).await, on(&node, plan()).await];
        tasked.cast(Tell::Text(1)).unwrap();
        while !tasked.info().has_task || tasked.info().mailbox > 0 {
            tokio::task::yield_now().await;
        }
        [idle, tasked, hanging]
    });
    assert!(!idle.info().has_task);
    let spawned = there.block_on(async { spawn(|_me: Probe<()>| std::future::pending::<()>()) }).unwrap();
    let mut held = {
        let _entered = there.enter();
        Probe::<()>::new()
    };
    let monitors = [
        watcher.monitor(&idle),
        watcher.monitor(&tasked),
        watcher.monitor(&hanging),
        watcher.monitor(&spawned),
        watcher.monitor(&held),
    ];
    // A call waits on another runtime, one on a plain thread, and one in front of a server that hangs.
    let (waits, waiting) = mpsc::channel();
    let elsewhere = {
        let (hanging, waits) = (hanging.clone(), waits.clone());
        here.spawn(async move {
            let mut call = hanging.call(Ask::Hang).no_timeout();
            assert!(poll_immediate(&mut call).await.is_none());
            waits.send(()).unwrap();
            call.await
        })
    };
    waiting.recv().unwrap();
    let thread = {
        let hanging = hanging.clone();
        #[expect(clippy::disallowed_methods, reason = "the test needs a thread outside every runtime")]
        std::thread::spawn(move || {
            let mut call = hanging.call(Ask::Ping).no_timeout();
            assert!(block_on(poll_immediate(&mut call)).is_none());
            waits.send(()).unwrap();
            block_on(call)
        })
    };
    waiting.recv().unwrap();
    let mut stop = hanging.stop();
    assert!(block_on(poll_immediate(&mut stop)).is_none());

    drop(there);

    for monitor in monitors {
        let down = here.block_on(watcher.expect_down(monitor));
        assert_eq!(down.reason, Reason::RuntimeGone);
    }
    for call in [here.block_on(elsewhere).unwrap().map(|()| "hung"), thread.join().unwrap()] {
        assert!(matches!(call, Err(CallError::Exit { reason: Reason::RuntimeGone, .. })), "{call:?}");
    }
    assert!(matches!(block_on(stop), Err(StopError::Exit { reason: Reason::RuntimeGone, .. })));
    assert!(matches!(block_on(async { idle.call(Ask::Ping).await }), Err(CallError::NoProc { .. })));
    assert!(matches!(tasked.cast(Tell::Text(2)), Err(CastError::NoProc { .. })));
    assert_eq!(block_on(hanging.ended()), Reason::RuntimeGone);
    assert_eq!(block_on(held.recv()), Err(Reason::RuntimeGone));
    let dropped = ends(&mut watcher).into_iter().filter(|heard| *heard != Heard::Text(1));
    assert_eq!(dropped.collect::<Vec<_>>(), [Heard::Dropped, Heard::Dropped, Heard::Dropped], "no terminate");
    here.block_on(node.shutdown(ms(1000)));
}

#[test]
fn a_function_that_was_killed_before_its_runtime_went_is_killed() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let function = runtime.block_on(async {
        let function = spawn(|_me: Probe<()>| std::future::pending::<()>()).unwrap();
        tokio::task::yield_now().await;
        function.process_ref()
    });
    // Its task is to end it, and never runs again.
    function.kill();
    drop(runtime);
    assert_eq!(block_on(function.ended()), Reason::Killed);
}

/// A runtime that from some time on drops the tasks that it is to run.
struct Refusing {
    tokio: Tokio,
    refuses: AtomicBool,
}

impl Runtime for Refusing {
    fn spawn(&self, task: TaskFuture) {
        if !self.refuses.load(Ordering::SeqCst) {
            self.tokio.spawn(task);
        }
    }

    fn spawn_blocking(&self, work: BlockingWork) {
        self.tokio.spawn_blocking(work);
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        self.tokio.sleep_until(at)
    }

    fn now(&self) -> Instant {
        self.tokio.now()
    }

    fn entropy(&self) -> u64 {
        self.tokio.entropy()
    }

    fn is_current(&self) -> bool {
        self.tokio.is_current()
    }

    fn poll_budget(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.tokio.poll_budget(cx)
    }

    fn id(&self) -> u64 {
        self.tokio.id()
    }
}

#[tokio::test]
async fn a_server_whose_task_the_runtime_refuses_ends() {
    let tokio = Tokio::new(tokio::runtime::Handle::current());
    let runtime = Arc::new(Refusing { tokio, refuses: AtomicBool::new(false) });
    let node = Node::with_runtime(Arc::clone(&runtime) as Arc<dyn Runtime>);
    let server = on(&node, Plan::new(Begin::Run)).await;
    assert!(!server.info().has_task);
    runtime.refuses.store(true, Ordering::SeqCst);
    server.cast(Tell::Text(1)).unwrap();
    assert_eq!(poll_immediate(server.ended()).await, Some(Reason::RuntimeGone));
}

#[test]
fn runtimes_that_go_under_busy_servers_leave_nobody_waiting() {
    for round in 0..40_u64 {
        let (here, there) = (runtime(), runtime());
        let node = Node::new();
        let servers: Vec<_> =
            there.block_on(async { futures::future::join_all((0..4).map(|_| on(&node, Plan::new(Begin::Run)))).await });
        let clients: Vec<_> = (0..4)
            .map(|who| {
                let servers = servers.clone();
                here.spawn(async move {
                    for number in who.. {
                        match servers[number % servers.len()].call(Ask::Ping).no_timeout().await {
                            Ok(_) => {}
                            Err(CallError::Exit { reason: Reason::RuntimeGone, .. } | CallError::NoProc { .. }) => {
                                return;
                            }
                            Err(other) => panic!("{other}"),
                        }
                    }
                })
            })
            .collect();
        here.block_on(sleep(Duration::from_micros(100 * round)));
        drop(there);
        for client in clients {
            here.block_on(client).unwrap();
        }
        assert!(servers.iter().all(|server| !server.is_alive()));
    }
}

/// How many tasks the runtime has, when all that are woken have run.
async fn tasks() -> usize {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[tokio::test]
async fn a_node_that_nobody_needs_any_more_leaves_no_task_behind() {
    let before = tasks().await;
    let node = Node::new();
    for _ in 0..3 {
        let server = on(&node, Plan::new(Begin::Run)).await;
        server.stop().await.unwrap();
        assert_eq!(tasks().await, before + 1, "the clock goes on for as long as somebody has the node");
    }
    drop(node.clone());
    assert_eq!(tasks().await, before + 1);
    drop(node);
    assert_eq!(tasks().await, before);
}

#[tokio::test(start_paused = true)]
async fn a_process_keeps_the_clock_of_a_node_that_nobody_holds() {
    let before = tasks().await;
    let server = on(&Node::new(), Plan::new(Begin::Run)).await;
    server.cast(Tell::Hang).unwrap();
    let late = server.call(Ask::Ping).timeout(ms(100)).await;
    assert!(matches!(late, Err(CallError::Timeout { .. })), "{late:?}");
    server.kill();
    assert_eq!(server.ended().await, Reason::Killed);
    drop(server);
    assert_eq!(tasks().await, before);
}
