//! What happens to a process that is still getting ready when its starter ends.

use std::future::pending;

use crate::puppet::{Ask, Begin, Heard, Plan, Puppet, ms, sleep};
use futures::future::poll_immediate;
use genserver::{
    Ack, Caller, Cx, Down, GenServer, Init, Letter, Never, Next, Node, Outcome, Probe, ProbeRef, ProcessRef, Reason,
    ServerRef, start, start_process,
};

/// How a child is started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Start,
    /// `genserver::start_link`.
    StartLink,
    /// `Cx::start_link`.
    CxStartLink,
    StartMonitor,
    Process,
    LinkedProcess,
}

impl Way {
    const SERVERS: [Self; 4] = [Self::Start, Self::StartLink, Self::CxStartLink, Self::StartMonitor];

    fn is_linked(self) -> bool {
        matches!(self, Self::StartLink | Self::CxStartLink | Self::LinkedProcess)
    }
}

/// The state in which the starter starts the child.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Path {
    // On its caller's own task, because it is idle.
    Idle,
    /// On its own task, after what was queued before.
    Busy,
    /// After an await.
    AwaitsFirst,
}

const PATHS: [Path; 3] = [Path::Idle, Path::Busy, Path::AwaitsFirst];

/// A server that starts a child in a callback.
struct Starter;

struct Order(Way, Path, Plan, Caller<()>);

enum Info {
    Down(#[expect(dead_code, reason = "it is the type of a monitor's message")] Down),
}

impl GenServer for Starter {
    type Args = ();
    type Call = Order;
    type Cast = Never;
    type Info = Info;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Starter)
    }

    async fn handle_call(&mut self, order: Order, cx: &mut Cx<Self>) -> Outcome<Self> {
        let Order(way, path, plan, caller) = order;
        if path == Path::AwaitsFirst {
            sleep(ms(10)).await;
        }
        match way {
            // The limit belongs to the starter, and ends with it.
            Way::Start => drop(start::<Puppet>(plan).name("kid").timeout(ms(500)).await),
            Way::StartLink => drop(genserver::start_link::<Puppet>(plan).name("kid").timeout(ms(500)).await),
            Way::CxStartLink => drop(cx.start_link::<Puppet>(plan).name("kid").await),
            Way::StartMonitor => {
                drop(cx.start_monitor::<Puppet>(plan, Info::Down).with(|start| start.name("kid")).await);
            }
            Way::Process => drop(start_process(|me, ack| kid(me, ack, plan)).timeout(ms(500)).await),
            Way::LinkedProcess => drop(start_process(|me, ack| kid(me, ack, plan)).link().await),
        }
        Next::reply(caller, ())
    }

    async fn handle_info(&mut self, _down: Info, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::wait()
    }
}

/// What a puppet does, as a function.
async fn kid(mut me: Probe<()>, ack: Ack<()>, plan: Plan) {
    let told = plan.told.expect("somebody is told");
    me.register("kid").expect("the name is free");
    me.trap_exits(plan.traps);
    told.send(Heard::Born(me.process_ref())).expect("somebody listens");
    if let Begin::Sleep(delay) = plan.begin {
        sleep(delay).await;
    }
    ack.ready(());
    while let Ok(letter) = me.recv().await {
        if let Letter::Exit(exit) = letter {
            told.send(Heard::Exit(exit)).expect("somebody listens");
        }
    }
}

/// A starter in the middle of a start.
struct Scene {
    node: Node,
    probe: Probe<Heard>,
    starter: ServerRef<Starter>,
    child: ProcessRef,
}

impl Scene {
    /// Init takes 1000 ms from here on.
    async fn set(way: Way, path: Path, traps: bool) -> Self {
        let node = Node::new();
        let mut probe = Probe::on(&node);
        let starter = node.start::<Starter>(()).inline(path != Path::Busy).await.expect("it has an easy init");
        let mut plan = Plan::new(Begin::Sleep(ms(1000))).told(probe.sender());
        plan.traps = traps;
        let caller = starter.clone();
        let call = async move { drop(caller.call(|caller| Order(way, path, plan, caller)).no_timeout().await) };
        genserver::spawn(|_: Probe<()>| call).expect("a test has a runtime");
        let Heard::Born(child) = probe.expect_message().await else { panic!("nothing comes before init") };
        Self { node, probe, starter, child }
    }

    fn lives(&self) -> bool {
        self.child.is_alive() && self.node.whereis("kid").as_ref() == Some(&self.child)
    }

    /// Ends the starter with `signal`, and returns its reason.
    async fn end_starter(&self, signal: Reason) -> Reason {
        sleep(ms(100)).await;
        self.starter.process_ref().exit(signal);
        self.starter.ended().await
    }

    /// What the child has reported since.
    fn heard(&mut self) -> Vec<Heard> {
        let message = |letter| if let Letter::Message(heard) = letter { Some(heard) } else { None };
        self.probe.flush().into_iter().filter_map(message).collect()
    }
}

/// Both ways in which a starter ends, with the reason that its links carry.
fn ends() -> [(Reason, Reason); 2] {
    [(Reason::term("boom"), Reason::term("boom")), (Reason::Kill, Reason::Killed)]
}

// also: GS-173
#[tokio::test(start_paused = true)]
async fn gs_170_a_child_that_nobody_is_linked_with_outlives_a_starter_that_ends_during_its_init() {
    for (way, path, traps) in Way::SERVERS.into_iter().flat_map(|way| PATHS.map(|path| (way, path))).flat_map(both) {
        if way.is_linked() {
            continue;
        }
        for (signal, reason) in ends() {
            let mut scene = Scene::set(way, path, traps).await;
            assert_eq!(scene.end_starter(signal).await, reason);
            assert!(scene.lives(), "{way:?}, {path:?}, {reason}: the starter's end is the child's");
            sleep(ms(2000)).await;
            assert!(scene.lives(), "{way:?}, {path:?}, {reason}: it does not outlive its init");
            assert_eq!(scene.heard(), []);
            let child = scene.child.downcast::<Puppet>().expect("it is a puppet");
            assert_eq!(child.call(Ask::Ping).await, Ok("pong"));
            assert_eq!(scene.child.info().monitors, 0, "the monitor of the dead is gone");
            child.stop().await.expect("nobody else stops it");
        }
    }
}

fn both((way, path): (Way, Path)) -> [(Way, Path, bool); 2] {
    [(way, path, false), (way, path, true)]
}

#[tokio::test(start_paused = true)]
async fn gs_171_a_linked_child_that_does_not_trap_exits_ends_in_init_with_its_starters_reason() {
    for way in [Way::StartLink, Way::CxStartLink] {
        for path in PATHS {
            for (signal, reason) in ends() {
                let mut scene = Scene::set(way, path, false).await;
                assert_eq!(scene.end_starter(signal).await, reason);
                assert_eq!(scene.child.ended().await, reason, "{way:?}, {path:?}");
                assert_eq!(scene.node.whereis("kid"), None);
                assert_eq!(scene.heard(), [Heard::Dropped], "{way:?}, {path:?}, {reason}: terminate ran");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn gs_172_a_linked_child_that_traps_exits_finishes_init_and_then_terminates_with_its_starters_reason() {
    for way in [Way::StartLink, Way::CxStartLink] {
        for path in PATHS {
            for (signal, reason) in ends() {
                let mut scene = Scene::set(way, path, true).await;
                assert_eq!(scene.end_starter(signal).await, reason);
                sleep(ms(500)).await;
                assert!(scene.lives(), "{way:?}, {path:?}, {reason}: init did not end");
                assert_eq!(scene.heard(), []);
                assert_eq!(scene.child.ended().await, reason, "{way:?}, {path:?}");
                assert_eq!(scene.heard(), [Heard::Terminate(reason), Heard::Dropped], "{way:?}, {path:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn pl_040_a_process_that_is_not_ready_is_left_to_its_link_when_its_starter_ends() {
    for way in [Way::Process, Way::LinkedProcess] {
        for (way, path, traps) in PATHS.map(|path| (way, path)).into_iter().flat_map(both) {
            for (signal, reason) in ends() {
                let case = format!("{way:?}, {path:?}, {traps}, {reason}");
                let mut scene = Scene::set(way, path, traps).await;
                assert_eq!(scene.end_starter(signal).await, reason, "{case}");
                if way.is_linked() && !traps {
                    assert_eq!(scene.child.ended().await, reason, "{case}");
                    continue;
                }
                sleep(ms(2000)).await;
                assert!(scene.lives(), "{case}");
                let exit = genserver::Exit { from: scene.starter.pid(), reason };
                let heard = if way.is_linked() { vec![Heard::Exit(exit)] } else { Vec::new() };
                assert_eq!(scene.heard(), heard, "{case}");
                scene.child.kill();
            }
        }
    }
}

/// A server whose callback is ended by a panic beside the start.
struct Clumsy;

impl GenServer for Clumsy {
    type Args = ();
    type Call = Never;
    type Cast = (bool, Plan);
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Clumsy)
    }

    async fn handle_cast(&mut self, (linked, plan): (bool, Plan), cx: &mut Cx<Self>) -> Outcome<Self> {
        let start = if linked { cx.start_link::<Puppet>(plan) } else { start::<Puppet>(plan) };
        let trips = async {
            sleep(ms(100)).await;
            panic!("tripped")
        };
        let (started, ()) = futures::join!(start.name("kid"), trips);
        drop(started);
        Next::wait()
    }
}

#[tokio::test(start_paused = true)]
async fn a_starter_that_panics_beside_its_start_leaves_the_child_to_its_link() {
    for linked in [false, true] {
        let node = Node::new();
        let mut probe = Probe::<Heard>::on(&node);
        let clumsy = node.start::<Clumsy>(()).await.unwrap();
        clumsy.cast((linked, Plan::new(Begin::Sleep(ms(1000))).traps().told(probe.sender()))).unwrap();
        let Heard::Born(child) = probe.expect_message().await else { panic!("nothing comes before init") };
        let reason = clumsy.ended().await;
        assert!(matches!(&reason, Reason::Panic(panic) if panic.message() == "tripped"), "{reason}");
        sleep(ms(2000)).await;
        if linked {
            assert_eq!(probe.expect_message().await, Heard::Terminate(reason));
        }
        assert_eq!(child.is_alive(), !linked);
    }
}

#[tokio::test(start_paused = true)]
async fn a_starter_that_gives_a_start_up_and_lives_on_kills_the_child() {
    let node = Node::new();
    let mut probe = Probe::<Heard>::on(&node);
    let plan = Plan::new(Begin::Hang).traps().told(probe.sender());
    let impatient: ProbeRef<()> = probe
        .scope(async {
            genserver::spawn(|mut me: Probe<()>| async move {
                let start = me.start_link::<Puppet>(plan).name("kid");
                assert!(genserver::time::timeout(ms(100), start).await.is_err());
                me.recv().await.map(drop)
            })
        })
        .await
        .unwrap();
    let Heard::Born(child) = probe.expect_message().await else { panic!("nothing comes before init") };
    assert_eq!(child.ended().await, Reason::Killed);
    assert_eq!(node.whereis("kid"), None);
    assert!(impatient.is_alive(), "the link was taken away first");
}

#[tokio::test(start_paused = true)]
async fn an_init_that_fails_after_its_starter_has_ended_is_told_to_the_process_that_it_is_linked_with() {
    let mut shell = Probe::<()>::new();
    shell.trap_exits(true);
    let linked_with = shell.process_ref();
    // Linked with the shell, but awaited by a process of its own.
    let start = start_process(|_me: Probe<()>, ack: Ack<()>| async move {
        sleep(ms(1000)).await;
        ack.fail(Reason::term("no"))
    });
    let start = start.linked_to(&shell);
    let starter: ProbeRef<()> = genserver::spawn(|_me: Probe<()>| async move {
        drop(start.await);
        pending::<()>().await;
    })
    .unwrap();
    sleep(ms(100)).await;
    starter.kill();
    assert_eq!(starter.process_ref().ended().await, Reason::Killed);
    let told = genserver::time::timeout(ms(2000), shell.recv()).await;
    let Ok(Ok(Letter::Exit(exit))) = told else { panic!("the link brings the end: {told:?}") };
    assert_eq!(exit.reason, Reason::term("no"));
    assert!(linked_with.info().links.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_server_killed_in_init_after_its_starter_has_ended_is_told_to_the_process_that_it_is_linked_with() {
    let (mut shell, mut ear) = (Probe::<()>::new(), Probe::<Heard>::new());
    shell.trap_exits(true);
    let start = shell.start_link::<Puppet>(Plan::new(Begin::Hang).told(ear.sender()));
    let starter = genserver::spawn(|_me: Probe<()>| async move {
        drop(start.await);
        pending::<()>().await;
    });
    let Heard::Born(child) = ear.expect_message().await else { panic!("nothing comes before init") };
    let starter = starter.unwrap().process_ref();
    starter.kill();
    assert_eq!(starter.ended().await, Reason::Killed);
    child.kill();
    assert_eq!(shell.expect_exit(&child).await.reason, Reason::Killed);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_a_dead_probe_awaited_leaves_the_child_to_the_link() {
    let mut ear = Probe::<Heard>::new();
    let probe = Probe::<()>::new();
    let mut start = probe.start_link::<Puppet>(Plan::new(Begin::Sleep(ms(1000))).traps().told(ear.sender()));
    assert!(poll_immediate(&mut start).await.is_none());
    let Heard::Born(child) = ear.expect_message().await else { panic!("nothing comes before init") };
    probe.process_ref().exit(Reason::term("out"));
    assert!(!probe.is_alive());
    // As the test of `supervised` drops its body after a linked process has ended it.
    drop(start);
    assert!(child.is_alive());
    sleep(ms(2000)).await;
    assert_eq!(ear.expect_message().await, Heard::Terminate(Reason::term("out")));
}
