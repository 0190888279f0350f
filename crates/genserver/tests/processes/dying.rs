//! The order of an end, and what may go wrong in it: long chains, late monitors, panics, two threads.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::puppet::{Ask, Begin, Heard, Plan, Puppet, Tell, ms, sleep};
use futures::future::{join_all, poll_immediate};
use genserver::sys::SysError;
use genserver::{
    CallError, Caller, CastError, Cx, Down, GenServer, Init, Letter, Name, NameRegistry, Never, Next, Node, Outcome,
    Pid, Probe, ProbeRef, ProcessRef, Reason, RegisterError, ServerRef, spawn, start, sys, whereis,
};

/// A link of a chain: linked with the one before it.
struct Bead;

impl GenServer for Bead {
    type Args = Option<ProcessRef>;
    type Call = Caller<()>;
    type Cast = ProcessRef;
    type Info = Never;

    async fn init(before: Option<ProcessRef>, cx: &mut Cx<Self>) -> Init<Self> {
        match before.map(|before| cx.link(&before)) {
            Some(Err(error)) => Init::Stop(error.into()),
            _ => Init::Run(Self),
        }
    }

    async fn handle_call(&mut self, caller: Caller<()>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, ())
    }

    async fn handle_cast(&mut self, other: ProcessRef, cx: &mut Cx<Self>) -> Outcome<Self> {
        cx.link(&other)?;
        Next::wait()
    }
}

const LONG: usize = 100_000;

async fn chain(node: &Node, length: usize) -> Vec<ServerRef<Bead>> {
    let mut beads: Vec<ServerRef<Bead>> = Vec::with_capacity(length);
    for _ in 0..length {
        let before = beads.last().map(ServerRef::process_ref);
        beads.push(node.start::<Bead>(before).await.unwrap());
    }
    beads
}

async fn all_end(beads: &[ServerRef<Bead>], with: Reason) {
    for bead in beads {
        assert_eq!(bead.ended().await, with);
    }
}

#[tokio::test]
async fn a_long_chain_dies_without_using_the_stack_up() {
    let beads = chain(&Node::new(), LONG).await;
    beads[0].exit(Reason::term("cut"));
    all_end(&beads, Reason::term("cut")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_ring_dies_on_two_threads() {
    let beads = chain(&Node::new(), LONG).await;
    let [first, .., last] = &beads[..] else { unreachable!("a ring has two ends") };
    first.cast(last.process_ref()).unwrap();
    first.call(|caller| caller).await.unwrap();
    beads[LONG / 2].kill();
    all_end(&beads, Reason::Killed).await;
}

/// The one in the middle is cut.
async fn a_chain_of_probes_dies(length: usize) {
    let node = Node::new();
    let mut probes: Vec<Probe<()>> = Vec::new();
    for _ in 0..length {
        let mut probe = Probe::on(&node);
        if let Some(before) = probes.last() {
            probe.link(before).unwrap();
        }
        probes.push(probe);
    }
    probes[length / 2].sender().exit(Reason::term("cut"));
    // A process that plain code holds has nothing to run, so all of them are gone here.
    assert!(probes.iter().all(|probe| !probe.is_alive()));
    assert_eq!(probes[0].recv().await, Err(Reason::term("cut")));
}

#[tokio::test]
async fn probes_die_with_those_they_are_linked_with() {
    a_chain_of_probes_dies(5).await;
}

#[tokio::test]
async fn a_long_chain_of_probes_dies_without_using_the_stack_up() {
    a_chain_of_probes_dies(LONG).await;
}

#[test]
fn a_long_chain_dies_with_its_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let node = Node::new();
    let beads = runtime.block_on(chain(&node, LONG));
    drop(runtime);
    assert!(beads.iter().all(|bead| !bead.is_alive()));
}

/// A server that checks its own state while it terminates.
struct Onlooker(ProbeRef<(bool, bool)>);

impl GenServer for Onlooker {
    type Args = ProbeRef<(bool, bool)>;
    type Call = Never;
    type Cast = ();
    type Info = Never;

    async fn init(told: ProbeRef<(bool, bool)>, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Onlooker(told))
    }

    async fn handle_cast(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> {
        sleep(ms(100)).await;
        Next::wait()
    }

    async fn terminate(&mut self, _reason: &Reason, cx: &mut Cx<Self>) {
        let own = cx.process_ref();
        self.0.send((own.is_alive(), own.has_ended())).unwrap();
        sleep(ms(100)).await;
        self.0.send((own.is_alive(), own.has_ended())).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn pl_041_a_process_that_terminates_takes_no_messages_and_has_not_ended() {
    for (inline, busy) in [(true, false), (false, false), (true, true)] {
        let mut probe = Probe::<(bool, bool)>::new();
        let server = start::<Onlooker>(probe.sender()).inline(inline).await.unwrap();
        let process = server.process_ref();
        if busy {
            server.cast(()).unwrap();
            sleep(ms(50)).await;
        }
        assert!(process.is_alive() && !process.has_ended());
        let stopping = spawn(|_: Probe<()>| async move { server.stop().await.unwrap() }).unwrap();
        assert_eq!(probe.expect_message().await, (false, false), "terminate has begun");
        assert_eq!((process.is_alive(), process.has_ended()), (false, false), "terminate awaits");
        assert_eq!(probe.expect_message().await, (false, false), "terminate is nearly over");
        assert_eq!(stopping.process_ref().ended().await, Reason::Normal);
        assert_eq!((process.is_alive(), process.has_ended()), (false, true), "the end is over");
    }
}

#[tokio::test]
async fn an_end_goes_in_its_order() {
    let mut probe = Probe::<Heard>::new();
    probe.trap_exits(true);
    let server = probe.start_link::<Puppet>(Plan::new(Begin::Run).told(probe.sender())).name("order").await.unwrap();
    probe.monitor(&server);
    let stop = server.stop();
    probe.flush();
    stop.await.unwrap();
    let letters = probe.flush();
    assert!(
        matches!(
            &letters[..],
            [
                Letter::Message(Heard::Terminate(Reason::Normal)),
                Letter::Message(Heard::Dropped),
                Letter::Exit(_),
                Letter::Down(_)
            ]
        ),
        "{letters:?}"
    );
    assert_eq!(whereis("order"), None);
}

/// Takes its time to terminate.
struct Slow;

impl GenServer for Slow {
    type Args = ();
    type Call = Caller<()>;
    type Cast = u32;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }

    async fn handle_call(&mut self, caller: Caller<()>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, ())
    }

    async fn handle_cast(&mut self, _cast: u32, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::wait()
    }

    async fn terminate(&mut self, _reason: &Reason, _cx: &mut Cx<Self>) {
        sleep(ms(1000)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_terminating_server_gives_casts_back_and_its_reason_to_calls() {
    let mut probe = Probe::<()>::new();
    let server = start::<Slow>(()).name("slow").await.unwrap();
    assert!(poll_immediate(server.stop().reason(Reason::term("over"))).await.is_none());
    assert!(!server.is_alive());
    assert!(matches!(server.cast(7), Err(CastError::NoProc { message: 7, .. })));
    assert!(whereis("slow").is_some_and(|process| !process.has_ended()), "the name is not free yet");
    // Monitored while it is dying: notified once, with the reason.
    let reference = probe.monitor(&server);
    let call = server.call(|caller| caller).await;
    assert!(matches!(&call, Err(CallError::Exit { reason, .. }) if *reason == Reason::term("over")), "{call:?}");
    assert!(server.process_ref().has_ended(), "it has ended when the watchers are told");
    assert_eq!(probe.expect_down(reference).await.reason, Reason::term("over"));
    assert_eq!(probe.flush(), []);
    assert!(matches!(server.call(|caller| caller).await, Err(CallError::NoProc { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_kill_cuts_terminate_off() {
    let server = start::<Slow>(()).await.unwrap();
    let mut stop = server.stop();
    assert!(poll_immediate(&mut stop).await.is_none());
    server.kill();
    assert!(matches!(stop.await, Err(genserver::StopError::Exit { reason: Reason::Killed, .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_monitor_brings_one_down_whenever_it_was_set() {
    for round in 0..300 {
        let server = start::<Puppet>(Plan::new(Begin::Run)).await.unwrap();
        let watchers: Vec<_> = (0..2)
            .map(|_| {
                let server = server.clone();
                let function = move |mut me: Probe<()>| async move {
                    let mut references = Vec::new();
                    while references.len() < 20 || server.is_alive() {
                        references.push(me.monitor(&server));
                        tokio::task::yield_now().await;
                    }
                    server.ended().await;
                    let mut told: Vec<_> = me
                        .flush()
                        .into_iter()
                        .map(|letter| match letter {
                            Letter::Down(down) if down.reason == Reason::NoProc => down.reference,
                            Letter::Down(down) if down.reason == Reason::term("x") => down.reference,
                            other => panic!("{other:?}"),
                        })
                        .collect();
                    told.sort();
                    assert!(told == references, "{} monitors, {} told", references.len(), told.len());
                };
                spawn(function).unwrap().process_ref().ended()
            })
            .collect();
        for _ in 0..round % 7 {
            tokio::task::yield_now().await;
        }
        match round % 3 {
            0 => server.exit(Reason::term("x")),
            1 => server.cast(Tell::Stop(Reason::term("x"))).unwrap(),
            _ => server.call(|caller| Ask::Stop(Reason::term("x"), caller)).await.unwrap(),
        }
        for ended in watchers {
            assert_eq!(ended.await, Reason::Normal, "round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_returns_after_every_down_is_queued() {
    let mut watchers: Vec<Probe<()>> = (0..8).map(|_| Probe::new()).collect();
    for round in 0..300 {
        let server = start::<Puppet>(Plan::new(Begin::Run)).await.unwrap();
        for watcher in &mut watchers {
            watcher.monitor(&server);
        }
        if round % 2 == 0 {
            // A task of its own ends it, on whichever thread.
            server.cast(Tell::Text(1)).unwrap();
        }
        server.stop().await.unwrap();
        for watcher in &mut watchers {
            assert_eq!(watcher.flush().len(), 1, "round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_made_while_either_side_dies_take_the_other_along() {
    for round in 0..500 {
        let [left, right] = [Probe::<()>::new(), Probe::<()>::new()];
        let (left_ref, right_ref) = (left.sender(), right.sender());
        let linked = Arc::new(AtomicU32::new(0));
        let links = [(left, right_ref.clone()), (right, left_ref.clone())].map(|(mut own, other)| {
            let linked = Arc::clone(&linked);
            #[expect(clippy::disallowed_methods, reason = "a test's tasks are the runtime's own")]
            tokio::spawn(async move {
                if own.link(&other).is_ok() {
                    linked.fetch_add(1, Ordering::SeqCst);
                }
                own
            })
        });
        let victim = if round % 2 == 0 { &left_ref } else { &right_ref };
        for _ in 0..round % 5 {
            tokio::task::yield_now().await;
        }
        victim.exit(Reason::term("gone"));
        let mut probes = Vec::new();
        for link in links {
            probes.push(link.await.unwrap());
        }
        if linked.load(Ordering::SeqCst) > 0 {
            // One of them was told that there is a link, so neither outlives the other.
            let alive = [left_ref.is_alive(), right_ref.is_alive()];
            assert_eq!(alive, [false, false], "round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_links_and_exits_leaves_nobody_behind() {
    for round in 0..100_usize {
        let node = Node::new();
        let crowd = join_all((0..16).map(|_| node.start::<Bead>(None))).await;
        let crowd: Vec<ServerRef<Bead>> = crowd.into_iter().map(Result::unwrap).collect();
        let linkers: Vec<_> = (0..2)
            .map(|who| {
                let crowd = crowd.clone();
                let function = move |_me: Probe<()>| async move {
                    for step in 0..64 {
                        let [one, other] = [&crowd[(step * 7 + who) % 16], &crowd[(step * 11 + round) % 16]];
                        let _ = one.cast(other.process_ref());
                        if step == 40 + who {
                            one.exit(Reason::term("storm"));
                        }
                    }
                };
                spawn(function).unwrap().process_ref().ended()
            })
            .collect();
        for linker in linkers {
            assert_eq!(linker.await, Reason::Normal);
        }
        // Every process linked with one that died has died; the others are linked only with live ones.
        for server in &crowd {
            let _ = server.call(|caller| caller).await;
        }
        for server in &crowd {
            for peer in server.info().links {
                let Some(peer) = crowd.iter().find(|other| other.pid() == peer) else { continue };
                if !peer.is_alive() {
                    peer.ended().await;
                    let ended = tokio::time::timeout(ms(60_000), server.ended()).await;
                    assert!(ended.is_ok(), "round {round}: {server:?} outlived {peer:?}");
                }
            }
        }
        node.shutdown(ms(10_000)).await;
        assert!(crowd.iter().all(|server| !server.is_alive()));
    }
}

/// Its state cannot be dropped, nor its messages.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "boom");
    }
}

impl GenServer for Grenade {
    type Args = Grenade;
    type Call = (Grenade, Caller<()>);
    type Cast = Grenade;
    type Info = Never;

    async fn init(grenade: Grenade, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(grenade)
    }

    async fn handle_call(&mut self, (_, caller): (Self, Caller<()>), _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, ())
    }

    async fn handle_cast(&mut self, _cast: Self, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::wait()
    }
}

#[tokio::test(start_paused = true)]
async fn panics_of_destructors_do_not_keep_a_process_from_its_end() {
    let mut probe = Probe::<()>::new();
    for kill in [false, true] {
        let server = start::<Grenade>(Grenade).name("grenade").inline(false).await.unwrap();
        let reference = probe.monitor(&server);
        if kill {
            for _ in 0..3 {
                std::mem::forget(server.cast(Grenade));
            }
            let mut call = server.call(|caller| (Grenade, caller));
            assert!(poll_immediate(&mut call).await.is_none());
            server.kill();
            assert!(matches!(call.await, Err(CallError::Exit { reason: Reason::Killed, .. })));
            assert_eq!(probe.expect_down(reference).await.reason, Reason::Killed);
        } else {
            server.stop().await.unwrap();
            assert_eq!(probe.expect_down(reference).await.reason, Reason::Normal);
        }
        assert_eq!(whereis("grenade"), None);
    }
}

/// Nobody has to be told of the end, and the messages are dropped with care all the same.
#[tokio::test]
async fn a_message_that_panics_when_it_is_dropped_does_not_reach_the_killer_of_its_server() {
    let server = start::<Grenade>(Grenade).inline(false).await.unwrap();
    std::mem::forget(server.cast(Grenade));
    server.kill();
    assert!(!server.is_alive());
}

/// Wakes itself at each await, and says when it was polled after its end.
struct Restless(Arc<AtomicU32>);

impl GenServer for Restless {
    type Args = Arc<AtomicU32>;
    type Call = Never;
    type Cast = ();
    type Info = Never;

    async fn init(polls: Arc<AtomicU32>, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(polls))
    }

    async fn handle_cast(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> {
        loop {
            self.0.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_killed_callback_is_not_polled_once_more() {
    let polls = Arc::new(AtomicU32::new(0));
    let server = start::<Restless>(Arc::clone(&polls)).await.unwrap();
    server.cast(()).unwrap();
    while polls.load(Ordering::SeqCst) < 5 {
        tokio::task::yield_now().await;
    }
    // It is linked with one that is killed, so it is doomed during another's death, and its task has been woken before.
    let peer = start::<Bead>(Some(server.process_ref())).await.unwrap();
    peer.kill();
    let polled = polls.load(Ordering::SeqCst);
    assert_eq!(server.ended().await, Reason::Killed);
    assert_eq!(polls.load(Ordering::SeqCst), polled);
}

/// Goes on forever without awaiting.
struct Perpetual(Arc<AtomicU32>);

impl GenServer for Perpetual {
    type Args = Arc<AtomicU32>;
    type Call = Never;
    type Cast = Never;
    type Info = ();

    async fn init(turns: Arc<AtomicU32>, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::RunThen(Self(turns), ())
    }

    async fn handle_info(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Next::then(())
    }
}

#[tokio::test]
async fn an_endless_chain_of_continues_lets_others_run_and_can_be_killed() {
    let turns = Arc::new(AtomicU32::new(0));
    let server = start::<Perpetual>(Arc::clone(&turns)).await.unwrap();
    while turns.load(Ordering::SeqCst) < 1000 {
        tokio::task::yield_now().await;
    }
    server.kill();
    assert_eq!(server.ended().await, Reason::Killed);
}

/// Kills itself, then asks to stop in order.
struct Torn(Arc<AtomicU32>);

impl GenServer for Torn {
    type Args = Arc<AtomicU32>;
    type Call = Caller<()>;
    type Cast = Never;
    type Info = Never;

    async fn init(terminated: Arc<AtomicU32>, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(terminated))
    }

    async fn handle_call(&mut self, caller: Caller<()>, cx: &mut Cx<Self>) -> Outcome<Self> {
        cx.this().kill();
        Next::stop_reply(Reason::Normal, caller, ())
    }

    async fn terminate(&mut self, _reason: &Reason, _cx: &mut Cx<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_kill_during_the_last_callback_leaves_no_turn_to_terminate() {
    let terminated = Arc::new(AtomicU32::new(0));
    let server = start::<Torn>(Arc::clone(&terminated)).await.unwrap();
    let call = server.call(|caller| caller).await;
    assert!(matches!(call, Err(CallError::Exit { reason: Reason::Killed, .. })), "{call:?}");
    assert_eq!(terminated.load(Ordering::SeqCst), 0);
}

/// A server that is told of one end, and passes it on.
struct Watcher(ProbeRef<Down>);

impl GenServer for Watcher {
    type Args = (ProcessRef, ProbeRef<Down>);
    type Call = Never;
    type Cast = Never;
    type Info = Down;

    async fn init((target, told): Self::Args, cx: &mut Cx<Self>) -> Init<Self> {
        let kept = cx.monitor(&target, |down| down);
        let taken_back = cx.monitor(&target, |down| down);
        assert!(cx.demonitor(taken_back), "{kept:?} stays");
        Init::Run(Self(told))
    }

    async fn handle_info(&mut self, down: Down, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0.send(down).unwrap();
        Next::wait()
    }
}

/// Each node numbers its own monitors, so two watchers of one process may have the same number.
#[tokio::test(start_paused = true)]
async fn watchers_of_several_nodes_hear_of_an_end_each_whatever_their_numbers() {
    let mut told = Probe::<Down>::new();
    let target = Probe::<()>::new();
    let nodes = [Node::new(), Node::new(), Node::new()];
    for node in &nodes {
        node.start::<Watcher>((target.process_ref(), told.sender())).await.unwrap();
    }
    drop(target);
    let mut references = Vec::new();
    for _ in &nodes {
        references.push(told.expect_message().await.reference);
    }
    assert_eq!(references[0], references[1], "else this test shows nothing");
    assert!(told.try_recv().is_none());
}

/// What a panic brings, and that panics when it is dropped.
struct Shrapnel;

impl Drop for Shrapnel {
    fn drop(&mut self) {
        panic!("a splinter")
    }
}

/// A registry that registers names and fails to release them.
struct Clinging;

impl NameRegistry for Clinging {
    fn register(&self, _name: &str, _process: &ProcessRef) -> Result<(), RegisterError> {
        Ok(())
    }

    fn unregister(&self, _name: &str, _pid: Pid) {
        std::panic::panic_any(Shrapnel)
    }

    fn whereis(&self, _name: &str) -> Option<ProcessRef> {
        None
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_whose_payload_panics_goes_no_further_than_any_other() {
    let name = Name::via(Arc::new(Clinging), "clinging");
    let server = start::<Bead>(None).name(name).await.unwrap();
    let failed = sys::update_state(&server, |_bead| -> () { std::panic::panic_any(Shrapnel) }).await;
    assert!(matches!(failed, Err(SysError::CallbackFailed { .. })), "{failed:?}");
    sys::install(&server, "shrapnel", |_event| std::panic::panic_any(Shrapnel)).await.unwrap();
    server.call(|caller| caller).await.unwrap();
    let mut probe = Probe::<()>::new();
    let reference = probe.monitor(&server);
    server.stop().await.unwrap();
    assert_eq!(probe.expect_down(reference).await.reason, Reason::Normal);
}
