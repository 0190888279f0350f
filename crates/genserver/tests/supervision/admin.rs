//! The functions of a supervisor: starting, ending, restarting, deleting, listing and finding children.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::future::pending;

use crate::wards::{self, Begin, Diary, Ping, Ward, end, kill, ms, process, sleep, states};
use genserver::supervisor::{
    ChildError, ChildKind, ChildSpec, DeleteChildError, FindChildError, Restart, RestartChildError, StartChildError,
    Supervisor, TerminateChildError,
};
use genserver::{
    Ack, AsServer, CallError, GenServer, Named, Node, Probe, ServerRef, StopError, Subject, start, start_link,
    start_process, sys,
};

async fn family(diary: &Diary) -> Supervisor {
    let children = ["first", "second", "third"].map(|name| diary.ward(name));
    let supervisor = Supervisor::one_for_one().children(children).start().await.unwrap();
    diary.read();
    supervisor
}

fn named(id: &str) -> String {
    id.to_owned()
}

#[tokio::test]
async fn sup_036_a_child_is_ended_by_its_id() {
    let diary = Diary::new();
    let supervisor = family(&diary).await;
    let unknown = supervisor.terminate_child("nobody").await.unwrap_err();
    assert_eq!(unknown, TerminateChildError::NotFound { id: named("nobody") });

    supervisor.terminate_child("second").await.unwrap();
    supervisor.terminate_child("second").await.unwrap();
    assert_eq!(diary.read(), ["stop second shutdown"]);
    assert_eq!(states(&supervisor).await, ["first runs", "second stopped", "third runs"]);

    supervisor.stop().await.unwrap();
    let gone = supervisor.terminate_child("first").await.unwrap_err();
    assert!(matches!(gone, TerminateChildError::Supervisor(CallError::NoProc { .. })), "{gone}");
    assert!(matches!(supervisor.stop().await, Err(StopError::NoProc { .. })));
}

#[tokio::test]
async fn a_temporary_child_that_is_ended_is_forgotten() {
    let diary = Diary::new();
    let supervisor = family(&diary).await;
    supervisor.start_child(diary.ward("guest").restart(Restart::Temporary)).await.unwrap();
    supervisor.terminate_child("guest").await.unwrap();
    let gone = supervisor.restart_child("guest").await.unwrap_err();
    assert_eq!(gone, RestartChildError::NotFound { id: named("guest") });
}

#[tokio::test]
async fn sup_038_a_child_that_is_stopped_is_started_again_in_its_place() {
    let diary = Diary::new();
    let supervisor = family(&diary).await;
    let pid = process(&supervisor, "second").await.pid();
    let running = supervisor.restart_child("second").await.unwrap_err();
    assert_eq!(running, RestartChildError::Running { id: named("second"), pid });
    assert_eq!(
        supervisor.restart_child("nobody").await.unwrap_err(),
        RestartChildError::NotFound { id: named("nobody") }
    );

    supervisor.terminate_child("second").await.unwrap();
    let again = supervisor.restart_child("second").await.unwrap();
    assert_ne!(again.pid(), pid);
    diary.read();
    supervisor.stop().await.unwrap();
    assert_eq!(diary.read(), ["stop third shutdown", "stop second shutdown", "stop first shutdown"]);
}

#[tokio::test]
async fn sup_039_only_a_child_that_is_stopped_is_deleted() {
    let diary = Diary::new();
    let supervisor = family(&diary).await;
    let pid = process(&supervisor, "second").await.pid();
    let running = supervisor.delete_child("second").await.unwrap_err();
    assert_eq!(running, DeleteChildError::Running { id: named("second"), pid });
    let unknown = || DeleteChildError::NotFound { id: named("second") };

    supervisor.terminate_child("second").await.unwrap();
    supervisor.delete_child("second").await.unwrap();
    assert_eq!(supervisor.delete_child("second").await.unwrap_err(), unknown());
    assert_eq!(states(&supervisor).await, ["first runs", "third runs"]);
    supervisor.start_child(diary.ward("second")).await.unwrap();
    assert_eq!(states(&supervisor).await, ["first runs", "third runs", "second runs"]);
}

#[tokio::test]
async fn sup_042_the_value_that_a_child_yields_at_its_start_reaches_its_starter() {
    let counts = std::sync::Arc::new(std::sync::atomic::AtomicU16::new(8080));
    let counted = std::sync::Arc::clone(&counts);
    let spec = ChildSpec::start_process("listener", move || {
        let port = counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        start_process(move |_me: Probe<()>, ack: Ack<u16>| async move {
            ack.ready(port);
            pending::<()>().await;
        })
    });
    let supervisor = Supervisor::one_for_one().start().await.unwrap();
    let (listener, port) = supervisor.start_child(spec).await.unwrap();
    assert_eq!(port, 8080);
    assert_eq!(process(&supervisor, "listener").await, listener.process_ref());

    kill(&supervisor, "listener").await;
    supervisor.terminate_child("listener").await.unwrap();
    supervisor.restart_child("listener").await.unwrap();
    assert_eq!(counts.load(std::sync::atomic::Ordering::SeqCst), 8083, "what it said later was dropped");
}

#[tokio::test]
async fn sup_043_children_are_listed_the_last_first_and_counted() {
    let diary = Diary::new();
    let inner = diary.clone();
    let branch =
        ChildSpec::supervisor("branch", move || Supervisor::one_for_one().child(inner.ward("leaf")).start_link());
    let supervisor = family(&diary).await;
    supervisor.start_child(branch).await.unwrap();
    supervisor.terminate_child("first").await.unwrap();

    let children = supervisor.which_children().await.unwrap();
    let seen: Vec<_> = children
        .iter()
        .map(|child| (child.info.id.as_ref(), child.info.kind, child.info.restart, child.state.process().is_some()))
        .collect();
    assert_eq!(
        seen,
        [
            ("branch", ChildKind::Supervisor, Restart::Permanent, true),
            ("third", ChildKind::Worker, Restart::Permanent, true),
            ("second", ChildKind::Worker, Restart::Permanent, true),
            ("first", ChildKind::Worker, Restart::Permanent, false),
        ]
    );
    let counts = supervisor.count_children().await.unwrap();
    assert_eq!((counts.specs, counts.active, counts.supervisors, counts.workers), (4, 3, 1, 3));

    let branch = Supervisor::from(process(&supervisor, "branch").await.downcast().unwrap());
    assert_eq!(states(&branch).await, ["leaf runs"]);
}

#[tokio::test]
async fn a_child_that_is_there_already_is_not_started_twice() {
    let diary = Diary::new();
    let supervisor = family(&diary).await;
    let pid = process(&supervisor, "second").await.pid();
    let running = supervisor.start_child(diary.ward("second")).await.unwrap_err();
    assert_eq!(running, StartChildError::AlreadyStarted { id: named("second"), pid });

    supervisor.terminate_child("second").await.unwrap();
    let present = supervisor.start_child(diary.ward("second")).await.unwrap_err();
    assert_eq!(present, StartChildError::AlreadyPresent { id: named("second") });
    assert_eq!(diary.read(), ["stop second shutdown"]);
}

#[tokio::test]
async fn sup_046_a_name_that_a_stranger_has_is_already_started() {
    let node = Node::new();
    let supervisor = Supervisor::one_for_one().start().on(&node).await.unwrap();
    let stranger = node.start::<Ward>(("stranger", Diary::new())).name("taken").await.unwrap();
    let child = ChildSpec::server("child", || start_link::<Ward>(("child", Diary::new())).name("taken"));
    let taken = supervisor.start_child(child).await.unwrap_err();
    assert_eq!(taken, StartChildError::AlreadyStarted { id: named("child"), pid: stranger.pid() });
    assert!(states(&supervisor).await.is_empty());
    assert!(stranger.is_alive());
}

#[tokio::test]
async fn a_child_that_starts_late_is_a_child_like_any_other() {
    let diary = Diary::new();
    let supervisor = family(&diary).await;
    let fourth = supervisor.start_child(diary.ward("fourth")).await.unwrap();
    assert_eq!(fourth.call(Ping).await, Ok("fourth"));
    fourth.kill();
    fourth.ended().await;
    assert_ne!(process(&supervisor, "fourth").await.pid(), fourth.pid());
    diary.read();
    supervisor.stop().await.unwrap();
    assert_eq!(diary.read()[0], "stop fourth shutdown");
}

#[tokio::test]
async fn a_child_is_found_by_its_id_and_its_type() {
    let diary = Diary::new();
    let supervisor = family(&diary).await;
    let second = supervisor.child::<Ward>("second").await.unwrap();
    assert_eq!((second.id(), second.call(Ping).await), ("second", Ok("second")));

    let unknown = supervisor.child::<Ward>("nobody").await.unwrap_err();
    assert_eq!(unknown, FindChildError::NotFound { id: named("nobody") });
    assert_eq!(supervisor.child_entry("nobody").await.unwrap_err(), unknown);
    let wrong = supervisor.child::<genserver::supervisor::SupervisorServer>("second").await.unwrap_err();
    let FindChildError::WrongServer { id, found, wanted } = &wrong else { panic!("{wrong}") };
    assert_eq!(id, "second");
    assert!(found.ends_with("Ward") && wanted.ends_with("Server"), "{wrong}");
}

#[tokio::test]
async fn a_reference_to_a_child_stays_good_over_its_restarts() {
    let diary = Diary::new();
    let spec = diary.ward("child");
    let early = spec.reference();
    let supervisor = Supervisor::one_for_one().child(spec).start().await.unwrap();
    let late = supervisor.child::<Ward>("child").await.unwrap();
    for reference in [&early, &late] {
        let before: ServerRef<Ward> = reference.current().unwrap();
        before.kill();
        let refused = reference.call(Ping).await.unwrap_err();
        assert_eq!(refused, CallError::NoProc { server: Subject::nobody("child") });
        assert_eq!(reference.current(), Err(ChildError::Restarting { id: named("child") }));
        assert_eq!(reference.waiting().call(Ping).await, Ok("child"));
        assert_eq!(reference.call(Ping).await, Ok("child"));
        assert_eq!(reference.send_request(Ping).await, Ok("child"));
        assert_ne!(reference.current().unwrap(), before);
    }
    supervisor.terminate_child("child").await.unwrap();
    assert_eq!(early.current(), Err(ChildError::Stopped { id: named("child") }));
    assert_eq!(early.waiting().current().await, Err(ChildError::Stopped { id: named("child") }));
    supervisor.restart_child("child").await.unwrap();
    assert!(early.current().is_ok());
    supervisor.terminate_child("child").await.unwrap();
    supervisor.delete_child("child").await.unwrap();
    assert_eq!(late.current(), Err(ChildError::Gone { id: named("child") }));
}

#[tokio::test(start_paused = true)]
async fn siblings_that_are_restarted_together_are_waited_for_together() {
    let diary = Diary::new();
    let (first, second) = (diary.ward("first"), diary.ward("second"));
    let waiting = second.reference().waiting();
    let supervisor = Supervisor::one_for_all().child(first).child(second).start().await.unwrap();
    diary.plan("first", [Begin::Sleep(ms(3000))]);
    kill(&supervisor, "first").await;
    sleep(ms(1000)).await;
    // The second has been ended, and the first is being started.
    assert_eq!(waiting.call(Ping).await, Ok("second"));

    // It does not start, so the second is not started either until it does.
    diary.plan("first", [Begin::Stop(genserver::Reason::term("no"))]);
    diary.plan("first", [Begin::Sleep(ms(3000))]);
    end(&supervisor, "first", wards::Tell::Fail).await;
    assert_eq!(waiting.call(Ping).await, Ok("second"));
}

#[tokio::test(start_paused = true)]
async fn the_siblings_of_a_child_that_is_not_restarted_after_all_are_stopped() {
    let diary = Diary::new();
    let (first, second) = (diary.ward("first"), diary.ward("second"));
    let sibling = second.reference();
    let supervisor = Supervisor::one_for_all().child(first).child(second).start().await.unwrap();
    diary.plan("first", [Begin::Stop(genserver::Reason::term("no"))]);
    // While the second lingers, the order comes: it is handled before the supervisor tries again.
    wards::ward(&supervisor, "second").await.cast(wards::Tell::Linger(ms(1000))).unwrap();
    kill(&supervisor, "first").await;
    supervisor.terminate_child("first").await.unwrap();
    assert_eq!(states(&supervisor).await, ["first stopped", "second stopped"]);
    assert_eq!(sibling.current().unwrap_err(), ChildError::Stopped { id: named("second") });
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_can_be_looked_up_watched_and_looked_into() {
    let node = Node::new();
    let diary = Diary::new();
    let spec = Supervisor::one_for_one().child(diary.ward("child"));
    let supervisor = spec.start().on(&node).name("family").await.unwrap();
    let named = Named::<genserver::supervisor::SupervisorServer>::on(&node, "family");
    assert_eq!(Supervisor::from(named.resolve().unwrap()), supervisor);
    assert_eq!(format!("{supervisor:?}"), format!("Supervisor(ServerRef(family {}))", supervisor.pid()));

    let status = sys::get_status(&supervisor).await.unwrap();
    assert!(status.state.contains("strategy: OneForOne") && status.state.contains("child"), "{}", status.state);

    let mut probe = Probe::<()>::new();
    let reference = probe.monitor(&supervisor);
    supervisor.stop().await.unwrap();
    assert_eq!(probe.expect_down(reference).await.pid, supervisor.pid());
    assert!(node.process_list().is_empty());
}

#[tokio::test]
async fn the_log_of_a_supervisor_says_what_it_was_asked() {
    let supervisor = family(&Diary::new()).await;
    sys::log(&supervisor, 10).await.unwrap();
    supervisor.terminate_child("second").await.unwrap();
    supervisor.count_children().await.unwrap();
    let log = sys::get_log(&supervisor).await.unwrap();
    let events: Vec<String> = log.events.iter().map(ToString::to_string).collect();
    for asked in ["got call terminate_child(second)", "got call count_children"] {
        assert!(events.iter().any(|event| event == asked), "{events:?}");
    }
}

#[tokio::test]
async fn any_handle_will_do_for_a_child() {
    struct Nurse(ServerRef<Ward>);
    impl From<ServerRef<Ward>> for Nurse {
        fn from(ward: ServerRef<Ward>) -> Self {
            Self(ward)
        }
    }
    let spec = ChildSpec::server("child", || start::<Ward>(("child", Diary::new())).handle::<Nurse>());
    let reference = spec.reference();
    let supervisor = Supervisor::one_for_one().start().await.unwrap();
    let Nurse(child) = supervisor.start_child(spec).await.unwrap();
    let Nurse(found) = reference.current().unwrap();
    assert_eq!(child, found);
    let plain: ServerRef<Ward> = reference.handle().current().unwrap();
    assert_eq!(plain, found);
}

const fn assert_send_sync<T: Send + Sync>() {}
const _: () = assert_send_sync::<Supervisor>();
const _: () = assert_send_sync::<genserver::supervisor::ChildRef<Ward>>();
const _: () = assert_send_sync::<genserver::supervisor::WaitingChildRef<Ward>>();
const fn assert_send<T: Send>() {}
const _: () = assert_send::<ChildSpec>();
const _: () = assert_send::<genserver::supervisor::SupervisorSpec>();
const fn assert_server<S: GenServer>() {}
const _: () = assert_server::<genserver::supervisor::SupervisorServer>();

/// Calls its supervisor in its init.
struct Impatient;

impl GenServer for Impatient {
    type Args = Named<genserver::supervisor::SupervisorServer>;
    type Call = genserver::Never;
    type Cast = genserver::Never;
    type Info = genserver::Never;

    async fn init(supervisor: Self::Args, _cx: &mut genserver::Cx<Self>) -> genserver::Init<Self> {
        match Supervisor::from(supervisor.resolve().unwrap()).which_children().await {
            Ok(_) => genserver::Init::Run(Impatient),
            Err(error) => genserver::Init::Stop(error.into()),
        }
    }
}

#[tokio::test]
async fn a_child_that_calls_its_supervisor_in_its_init_gets_an_error() {
    let node = Node::new();
    let named = Named::<genserver::supervisor::SupervisorServer>::on(&node, "busy");
    let child = || {
        let named = named.clone();
        ChildSpec::server("impatient", move || start_link::<Impatient>(named.clone()))
    };
    let at_boot = Supervisor::one_for_one().child(child()).start().on(&node).name("busy").await.unwrap_err();
    assert!(at_boot.to_string().contains("the call would never be answered"), "{at_boot}");

    let supervisor = Supervisor::one_for_one().start().on(&node).name("busy").await.unwrap();
    let later = supervisor.start_child(child()).await.unwrap_err();
    assert!(later.to_string().contains("the call would never be answered"), "{later}");
}
