//! How servers start: what init can return, what a failed start leaves behind, and which name leads where.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::Arc;
use std::time::Duration;

use crate::puppet::{Ask, Begin, Exclusive, Heard, Phonebook, Plan, Puppet, Tell, ms, now, sleep};
use genserver::report::Report;
use genserver::{
    AsServer, CallError, Letter, Name, NameRegistry, Named, Node, Probe, Reason, ServerRef, StartError, start, whereis,
};

fn plan(begin: Begin) -> Plan {
    Plan::new(begin)
}

fn via(book: &Arc<Phonebook>, name: &str) -> Name {
    Name::via(Arc::clone(book) as Arc<dyn NameRegistry>, name)
}

/// A name in each space, told apart from those of other tests by `who`.
fn names(who: &str) -> [Name; 3] {
    let book = Arc::new(Phonebook::default());
    [Name::from(who), Name::global(who), via(&book, who)]
}

async fn pings(server: &ServerRef<Puppet>) -> bool {
    server.call(Ask::Ping).await == Ok("pong")
}

fn failed_with(error: &StartError, reason: &Reason) -> bool {
    matches!(error, StartError::Failed { reason: found, .. } if found == reason)
}

#[tokio::test]
async fn gs_001_a_call_after_the_stop_finds_no_process() {
    let server = start::<Puppet>(plan(Begin::Run)).await.unwrap();
    assert!(pings(&server).await);
    server.call(|caller| Ask::Stop(Reason::Normal, caller)).await.unwrap();
    assert!(!server.is_alive());
    assert!(matches!(server.call(Ask::Ping).await, Err(CallError::NoProc { .. })));
}

#[tokio::test(start_paused = true)]
async fn gs_002_a_kept_start_limit_has_no_later_effect() {
    let server = start::<Puppet>(plan(Begin::Sleep(ms(900)))).timeout(ms(1000)).await.unwrap();
    sleep(ms(5000)).await;
    assert!(pings(&server).await);
}

#[tokio::test(start_paused = true)]
async fn gs_003_a_late_init_releases_its_starter_and_never_serves() {
    let mut starter = Probe::<Heard>::new();
    starter.trap_exits(true);
    let begun = now();
    let late = plan(Begin::Sleep(ms(1000))).told(starter.sender());
    let error = starter.start_link::<Puppet>(late).name("gs_003").timeout(ms(100)).await.unwrap_err();
    assert!(matches!(error, StartError::Timeout { after, .. } if after == ms(100)), "{error}");
    assert_eq!(begun.elapsed().as_millis() / 10, 10);
    assert_eq!(whereis("gs_003"), None);

    let Heard::Born(process) = starter.expect_message().await else { panic!("init was to run") };
    assert!(!process.is_alive());
    assert_eq!(process.ended().await, Reason::Killed);
    starter.expect(|letter| *letter == Letter::Message(Heard::Dropped)).await;
    starter.expect_none(ms(3000)).await;
}

#[tokio::test(start_paused = true)]
async fn gs_005_a_quiet_init_error_is_returned_without_a_report() {
    let node = Node::new();
    let mut reports = node.reports();
    let mut probe = Probe::<Heard>::on(&node);
    let reason = Reason::term("foobar");
    let quiet = plan(Begin::Fail(reason.clone())).told(probe.sender());
    let error = node.start::<Puppet>(quiet).await.unwrap_err();
    assert!(failed_with(&error, &reason), "{error}");
    let Heard::Born(process) = probe.expect_message().await else { panic!("init was to run") };
    assert_eq!(process.ended().await, Reason::Normal);
    assert_eq!(reports.try_next(), None);
    // An init that fails loudly is reported, and is the first that is.
    node.start::<Puppet>(plan(Begin::Stop(reason.clone()))).await.unwrap_err();
    let Some(Report::Crashed(loud)) = reports.try_next() else { panic!("it is reported") };
    assert!(loud.in_init);
    assert_ne!(loud.process.pid, process.pid());
}

#[tokio::test]
async fn gs_006_an_init_that_stops_fails_the_start_with_its_reason() {
    let reason = Reason::term("stopped");
    let error = start::<Puppet>(plan(Begin::Stop(reason.clone()))).await.unwrap_err();
    assert!(failed_with(&error, &reason), "{error}");
}

#[tokio::test(start_paused = true)]
async fn gs_007_a_trapping_linked_starter_hears_the_stop_reason() {
    let mut starter = Probe::<()>::new();
    starter.trap_exits(true);
    let server = starter.start_link::<Puppet>(plan(Begin::Run)).await.unwrap();
    server.cast(Tell::Stop(Reason::term("stopped"))).unwrap();
    assert_eq!(starter.expect_exit(&server).await.reason, Reason::term("stopped"));
    starter.expect_none(ms(20)).await;
}

#[tokio::test(start_paused = true)]
async fn gs_008_start_monitor_yields_a_down_with_the_stop_reason() {
    let mut starter = Probe::<()>::new();
    let (server, reference) = starter.start_monitor::<Puppet>(plan(Begin::Run)).await.unwrap();
    server.cast(Tell::Stop(Reason::term("stopped"))).unwrap();
    let down = starter.expect_down(reference).await;
    assert_eq!((down.pid, down.reason), (server.pid(), Reason::term("stopped")));
    starter.expect_none(ms(20)).await;
}

#[tokio::test]
async fn gs_009_a_taken_name_refuses_the_second_start() {
    let mut probe = Probe::<Heard>::new();
    let first = start::<Puppet>(plan(Begin::Run)).name("gs_009").await.unwrap();
    let second = start::<Puppet>(plan(Begin::Run).told(probe.sender())).name("gs_009").await;
    let Err(StartError::AlreadyStarted { name, pid }) = second else { panic!("{second:?}") };
    assert_eq!((name, pid), (Name::from("gs_009"), first.pid()));
    assert_eq!(probe.try_recv(), None, "init of the second ran");
    assert!(pings(&first).await);
    first.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn gs_011_a_refused_start_monitor_leaves_no_down() {
    let mut starter = Probe::<()>::new();
    let first = start::<Puppet>(plan(Begin::Run)).name("gs_011").await.unwrap();
    let second = starter.start_monitor::<Puppet>(plan(Begin::Run)).with(|start| start.name("gs_011")).await;
    assert!(matches!(second, Err(StartError::AlreadyStarted { pid, .. }) if pid == first.pid()));
    starter.expect_none(ms(20)).await;
    first.stop().await.unwrap();
    starter.expect_none(ms(20)).await;
}

#[tokio::test]
async fn gs_012_a_name_reaches_its_server_until_it_stops() {
    let server = start::<Puppet>(plan(Begin::Run)).name("gs_012").await.unwrap();
    let named = Named::<Puppet>::new("gs_012");
    assert_eq!(named.call(Ask::Number).await, Ok(server.pid().number()));
    server.stop().await.unwrap();
    assert!(matches!(named.call(Ask::Ping).await, Err(CallError::NoProc { .. })));
    assert!(matches!(server.call(Ask::Ping).await, Err(CallError::NoProc { .. })));
}

#[tokio::test(start_paused = true)]
async fn gs_013_names_of_another_registry_are_apart() {
    let [local, others @ ..] = names("gs_013");
    let here = start::<Puppet>(plan(Begin::Run)).name(local.clone()).await.unwrap();
    for name in others {
        let mut starter = Probe::<()>::new();
        let there = start::<Puppet>(plan(Begin::Run)).name(name.clone()).await.unwrap();
        assert_ne!(here, there);

        let again = start::<Puppet>(plan(Begin::Run)).name(name.clone()).await;
        assert!(matches!(again, Err(StartError::AlreadyStarted { pid, .. }) if pid == there.pid()));
        let again = starter.start_monitor::<Puppet>(plan(Begin::Run)).with(|start| start.name(name.clone())).await;
        assert!(matches!(again, Err(StartError::AlreadyStarted { pid, .. }) if pid == there.pid()));
        starter.expect_none(ms(20)).await;

        let named = Named::<Puppet>::new(name.clone());
        assert_eq!(named.call(Ask::Number).await, Ok(there.pid().number()));
        there.stop().await.unwrap();
        assert_eq!(whereis(name.clone()), None);
        assert!(matches!(named.call(Ask::Ping).await, Err(CallError::NoProc { .. })));
        assert_eq!(whereis(local.clone()).map(|process| process.pid()), Some(here.pid()));
    }
    here.stop().await.unwrap();
}

/// The possible results of a start, with the plan that leads to each.
fn every_begin() -> [Begin; 6] {
    [
        Begin::Run,
        Begin::Ignore,
        Begin::Stop(Reason::term("stop")),
        Begin::Fail(Reason::term("fail")),
        Begin::Panic("panic in init"),
        Begin::Hang,
    ]
}

#[tokio::test(start_paused = true)]
async fn gs_015_starting_leaves_the_starters_mailbox_empty() {
    let node = Node::new();
    let holder = node.start::<Puppet>(plan(Begin::Run)).name("taken").await.unwrap();
    for traps in [true, false] {
        for name in [None, Some("free"), Some("taken")] {
            for begin in every_begin() {
                let mut starter = Probe::<()>::on(&node);
                starter.trap_exits(traps);
                let _ = with_name(start(plan(begin.clone())).on(&node), name).await;
                assert_eq!(starter.flush(), [], "start, {begin:?}");
                free(&node).await;

                let _ = with_name(starter.start_link(plan(begin.clone())), name).await;
                assert_eq!(starter.flush(), [], "start_link, {begin:?}");
                free_linked(&node, &mut starter).await;

                let _ = starter.start_monitor(plan(begin.clone())).with(|start| with_name(start.on(&node), name)).await;
                assert_eq!(starter.flush(), [], "start_monitor, {begin:?}");
                free(&node).await;
                starter.flush();
                assert!(starter.is_alive(), "{begin:?} ended the starter");
            }
        }
    }
    assert!(pings(&holder).await);
    holder.stop().await.unwrap();
}

fn with_name(start: genserver::Start<Puppet>, name: Option<&str>) -> genserver::Start<Puppet> {
    let start = start.timeout(ms(50));
    match name {
        Some(name) => start.name(name),
        None => start,
    }
}

async fn free(node: &Node) {
    if let Some(process) = node.whereis("free") {
        process.stop().await.unwrap();
    }
}

/// Unlinks the server, whose own end does not matter here.
async fn free_linked(node: &Node, starter: &mut Probe<()>) {
    free(node).await;
    starter.flush();
}

/// The four ways to start, each with a fresh starter that traps exits.
async fn start_in_each_way(plan: &Plan, limit: Duration) -> Vec<(StartError, Vec<Letter<()>>)> {
    let mut failures = Vec::new();
    for way in 0..4 {
        let mut starter = Probe::<()>::new();
        starter.trap_exits(true);
        let result = match way {
            0 => start::<Puppet>(plan.clone()).timeout(limit).await.map(drop),
            1 => starter.scope(genserver::start_link::<Puppet>(plan.clone()).timeout(limit)).await.map(drop),
            2 => starter.start_link::<Puppet>(plan.clone()).timeout(limit).await.map(drop),
            _ => starter.start_monitor::<Puppet>(plan.clone()).with(|start| start.timeout(limit)).await.map(drop),
        };
        failures.push((result.unwrap_err(), starter.flush()));
    }
    failures
}

/// Starts something that fails, repeatedly; each attempt needs what the one before it held.
async fn never_collides(begin: Begin, rounds: usize, limit: Duration, expected: impl Fn(&StartError) -> bool) {
    let exclusive = Exclusive::default();
    let plan = plan(begin).holding(&exclusive);
    for round in 0..rounds {
        for (way, (error, letters)) in start_in_each_way(&plan, limit).await.into_iter().enumerate() {
            assert!(expected(&error), "round {round}, way {way}: {error}");
            assert_eq!(letters, [], "round {round}, way {way}");
            assert!(exclusive.is_free());
        }
    }
}

const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn gs_016_a_stopped_init_never_collides_with_its_successor() {
    let reason = Reason::term("stopped");
    never_collides(Begin::Stop(reason.clone()), 5, LONG, |error| failed_with(error, &reason)).await;
}

#[tokio::test]
async fn gs_017_an_ignored_init_never_collides_with_its_successor() {
    never_collides(Begin::Ignore, 5, LONG, |error| matches!(error, StartError::Ignored { .. })).await;
}

#[tokio::test]
async fn gs_019_a_panic_in_init_fails_the_start_with_its_message() {
    let panicked = |error: &StartError| matches!(error, StartError::Failed { reason: Reason::Panic(panic), .. } if panic.message() == "bailout");
    never_collides(Begin::Panic("bailout"), 5, LONG, panicked).await;
}

#[tokio::test]
async fn gs_020_an_error_from_init_fails_the_start_with_it() {
    let error = "bailout".parse::<u32>().unwrap_err();
    let reason = Reason::from(error.clone());
    never_collides(
        Begin::Stop(reason),
        5,
        LONG,
        |failure| matches!(failure, StartError::Failed { reason, .. } if reason.downcast_ref() == Some(&error)),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn gs_021_a_late_init_frees_what_it_held() {
    let late = |error: &StartError| matches!(error, StartError::Timeout { .. });
    never_collides(Begin::Sleep(ms(1000)), 5, ms(200), late).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failing_starts_on_two_threads_never_collide() {
    let reason = Reason::term("stopped");
    never_collides(Begin::Stop(reason.clone()), 200, LONG, |error| failed_with(error, &reason)).await;
    never_collides(Begin::Ignore, 200, LONG, |error| matches!(error, StartError::Ignored { .. })).await;
    never_collides(Begin::Hang, 25, ms(1), |error| matches!(error, StartError::Timeout { .. })).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_init_that_wakes_when_its_time_is_over_either_serves_or_is_gone() {
    let exclusive = Exclusive::default();
    for _ in 0..200 {
        let start = start::<Puppet>(plan(Begin::Sleep(ms(1))).holding(&exclusive)).name("late").timeout(ms(1)).await;
        if let Ok(server) = start {
            server.stop().await.unwrap();
        }
        assert!(exclusive.is_free());
        assert_eq!(whereis("late"), None);
    }
}

#[tokio::test]
async fn gs_022_an_ignored_start_leaves_no_name() {
    for name in names("gs_022") {
        for _ in 0..100 {
            let error = start::<Puppet>(plan(Begin::Ignore)).name(name.clone()).await.unwrap_err();
            assert!(matches!(error, StartError::Ignored { .. }), "{error}");
            assert_eq!(whereis(name.clone()), None);
        }
    }
}

#[tokio::test]
async fn gs_023_a_stopped_start_leaves_no_name() {
    for name in names("gs_023") {
        for begin in [Begin::Stop(Reason::Normal), Begin::Fail(Reason::term(1)), Begin::Panic("at the start")] {
            for _ in 0..50 {
                let error = start::<Puppet>(plan(begin.clone())).name(name.clone()).await.unwrap_err();
                assert!(matches!(error, StartError::Failed { .. }), "{error}");
                assert_eq!(whereis(name.clone()), None);
            }
        }
    }
}

#[tokio::test]
async fn gs_031_a_named_parent_does_not_keep_a_stop_from_terminate() {
    let [local, ..] = names("gs_031");
    a_cast_reaches_terminate_below(local).await;
}

#[tokio::test]
async fn gs_032_a_parent_named_elsewhere_does_not_keep_a_stop_from_terminate() {
    let [_, elsewhere @ ..] = names("gs_032");
    for name in elsewhere {
        a_cast_reaches_terminate_below(name).await;
    }
}

async fn a_cast_reaches_terminate_below(name: Name) {
    let mut parent = Probe::<Heard>::new();
    parent.register(name.clone()).unwrap();
    parent.trap_exits(true);
    for begin in [Begin::Run, Begin::Then(1)] {
        let server = parent.start_link::<Puppet>(plan(begin).told(parent.sender())).await.unwrap();
        server.cast(Tell::Stop(Reason::term("enough"))).unwrap();
        let terminated = Letter::Message(Heard::Terminate(Reason::term("enough")));
        parent.expect(|letter| *letter == terminated).await;
        parent.expect_exit(&server).await;
        assert_eq!(whereis(name.clone()), Some(parent.process_ref()));
    }
}

#[tokio::test]
async fn gs_035_no_name_starts_an_unnamed_server() {
    let server = start::<Puppet>(plan(Begin::Run)).await.unwrap();
    assert_eq!(server.name(), None);
    assert!(pings(&server).await);
}

#[tokio::test]
async fn gs_036_every_form_of_name_reaches_its_server() {
    for name in names("gs_036") {
        let server = start::<Puppet>(plan(Begin::Run)).name(name.clone()).await.unwrap();
        let named = Named::<Puppet>::new(name.clone());
        assert_eq!(named.call(Ask::Number).await, Ok(server.pid().number()));
        assert_eq!(server.name(), Some(&name));
        server.stop().await.unwrap();
    }
}

#[tokio::test]
async fn gs_039_a_failed_linked_start_spares_its_starter() {
    let mut starter = Probe::<()>::new();
    for begin in [Begin::Stop(Reason::term("rr")), Begin::Panic("rr")] {
        let error = starter.start_link::<Puppet>(plan(begin)).await.unwrap_err();
        assert!(matches!(error, StartError::Failed { .. }), "{error}");
        assert!(starter.is_alive());
    }
    assert_eq!(starter.flush(), []);
    assert!(starter.process_ref().info().links.is_empty());
}

#[tokio::test]
async fn gs_040_a_linked_init_that_stops_normally_is_an_error_of_the_start() {
    let starter = Probe::<()>::new();
    let error = starter.start_link::<Puppet>(plan(Begin::Stop(Reason::Normal))).await.unwrap_err();
    assert!(failed_with(&error, &Reason::Normal), "{error}");
    assert!(starter.is_alive());
}

#[tokio::test(start_paused = true)]
async fn gs_041_a_failed_linked_start_leaves_no_exit_message() {
    let mut starter = Probe::<()>::new();
    starter.trap_exits(true);
    let error = starter.start_link::<Puppet>(plan(Begin::Stop(Reason::term("r")))).await.unwrap_err();
    assert!(failed_with(&error, &Reason::term("r")), "{error}");
    starter.expect_none(ms(20)).await;
}
