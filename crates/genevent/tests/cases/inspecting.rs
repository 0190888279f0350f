//! Looking at and changing a manager from outside, and its reports.

use std::any::type_name;

use genevent::HandlerRef;
use genevent::NotifyError;
use genserver::Reason;
use genserver::report::{CustomReport, Level, Limits, Report, Reports};
use genserver::sys::{self, SysError};

use super::puppet::{
    Act, Ask, Begin, Double, End, Events, FLAVOURS, Heir, Note, Puppet, Told, called, manager, new_manager, owner,
};
use super::{ms, passed};

/// The one report there is.
#[track_caller]
fn only(reports: &mut Reports) -> CustomReport {
    match (reports.try_next(), reports.try_next()) {
        (Some(Report::Custom(told)), None) => told,
        other => panic!("this is not one report of a manager: {other:?}"),
    }
}

// also: GE-120
#[tokio::test]
async fn ge_116_the_status_shows_each_handler_as_it_shows_itself() {
    for flavour in FLAVOURS {
        for name in [None, Some("ge_116")] {
            let (start, probe, _node) = new_manager();
            let start = if let Some(name) = name { start.name(name) } else { start };
            let manager = probe.scope(start.link()).await.unwrap();
            assert_eq!(sys::get_status(manager.server()).await.unwrap().state, "no handlers");

            flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
            flavour.add(&manager, Puppet::new("b", &probe)).id(7).owned_by(owner(&probe)).await.unwrap();
            manager.notify(Told::Number(1)).unwrap();
            let status = sys::get_status(manager.server()).await.unwrap();
            assert_eq!((status.name.as_deref(), status.pid, status.parent), (name, manager.pid(), Some(probe.pid())));
            assert!(status.server.contains("ManagerServer"), "{}", status.server);
            let (of, pid) = (type_name::<Puppet>(), probe.pid());
            assert_eq!(
                status.state,
                format!("{of} 7: b has seen [1], bound to {pid}; {of}: a has seen [1]"),
                "newest first"
            );
        }
    }
}

#[tokio::test]
async fn ge_117_a_failure_is_reported_with_handler_event_state_and_reason() {
    for flavour in FLAVOURS {
        let (start, probe, node) = new_manager();
        let manager = start.name("ge_117").await.unwrap();
        let mut reports = node.reports();
        let of = type_name::<Puppet>();
        let reason = || Reason::term("oops");
        let handler = HandlerRef::<Puppet>::with_id(7);
        for way in ["event", "info", "call", "init of a successor"] {
            flavour.add(&manager, Puppet::new("a", &probe)).id(7).await.unwrap();
            manager.notify(Told::Number(1)).unwrap();
            match way {
                "event" => manager.sync_notify(Told::Do("a", Act::Fail(reason()))).await.unwrap(),
                "info" => manager.send(Note::Told(Told::Do("a", Act::Fail(reason())))).unwrap(),
                "call" => {
                    drop(manager.call(&handler, move |client| Ask::Do(Act::Fail(reason()), client)).await.unwrap_err());
                }
                _ => {
                    let heir = Puppet::new("a", &probe).having_seen([1]).begin(Begin::Fail(reason()));
                    let swap = Act::Swap(Heir::As(Box::new(heir), 7));
                    manager.sync_notify(Told::Do("a", swap)).await.unwrap();
                }
            }
            manager.which_handlers().await.unwrap();
            let told = only(&mut reports);
            assert_eq!(told.level, Level::Error);
            assert_eq!((told.process.pid, told.process.name.as_deref()), (manager.pid(), Some("ge_117")));
            assert_eq!(told.detail("handler"), Some(&*format!("{of} 7")));
            assert_eq!(told.detail("state"), Some("a has seen [1]"));
            assert_eq!(told.reason, Some(reason()));
            let last = match way {
                "event" => "something for a".to_owned(),
                "info" => format!("info {}", type_name::<Note>()),
                "call" => format!("call {}", type_name::<Ask>()),
                _ => "none, it was to begin".to_owned(),
            };
            assert_eq!(told.detail("last event"), Some(&*last));
        }
    }
}

#[tokio::test]
async fn what_is_not_a_failure_is_not_reported() {
    for flavour in FLAVOURS {
        for reason in [Reason::Normal, Reason::Shutdown, Reason::shutdown_with("later")] {
            let (start, probe, node) = new_manager();
            let manager = start.await.unwrap();
            let mut reports = node.reports();
            let puppet = Puppet::new("a", &probe).end(End::Panic);
            flavour.add(&manager, puppet).await.unwrap();
            manager.sync_notify(Told::Do("a", Act::Fail(reason))).await.unwrap();
            assert_eq!(manager.which_handlers().await.unwrap(), []);
            // A callback that panics takes a second on a busy machine, if a backtrace is shown. That is reported, and no failure.
            let failure = |report: &Report| !matches!(report, Report::LongSchedule(_));
            let failed = std::iter::from_fn(|| reports.try_next()).find(failure);
            assert_eq!(failed, None);
        }
    }
}

#[tokio::test]
async fn the_status_of_a_manager_lists_its_handlers_one_by_one() {
    let (start, probe, _node) = new_manager();
    let manager = start.await.unwrap();
    assert_eq!(sys::get_status(manager.server()).await.unwrap().details, []);
    for id in [1, 2] {
        manager.add_handler(Puppet::new("a", &probe).having_seen([id])).id(u64::from(id)).await.unwrap();
    }
    let status = sys::get_status(&manager.pid()).await.unwrap();
    let of = type_name::<Puppet>();
    let shown = |id: u32| (format!("{of} {id}"), format!("a has seen [{id}]"));
    assert_eq!(status.details, [shown(2), shown(1)]);
    assert_eq!(status.state, format!("{of} 2: a has seen [2]; {of} 1: a has seen [1]"));
}

/// The identities and states of a manager's puppets, newest first.
async fn states(manager: &Events) -> Vec<(String, Vec<u32>)> {
    let look = |server: &genevent::ManagerServer<Told, Note>| {
        let seen = |id: &genevent::HandlerId| {
            let with_id = match id.id() {
                Some(id) => HandlerRef::<Puppet>::with_id(id.clone()),
                None => HandlerRef::new(),
            };
            let puppet = server.handler(&with_id).map(|puppet| puppet.seen.clone());
            puppet.or_else(|| server.handler(&HandlerRef::<Double>::new()).map(|double| double.seen.clone()))
        };
        server.which_handlers().iter().map(|id| (called(id), seen(id).unwrap())).collect()
    };
    sys::with_state(manager.server(), look).await.unwrap()
}

fn states_are(expected: &[(&str, &[u32])]) -> Vec<(String, Vec<u32>)> {
    expected.iter().map(|(name, seen)| ((*name).to_owned(), seen.to_vec())).collect()
}

#[tokio::test]
async fn ge_118_the_states_of_all_handlers_can_be_read_even_while_suspended() {
    for flavour in FLAVOURS {
        let (manager, probe) = manager().await;
        assert_eq!(states(&manager).await, []);
        flavour.add(&manager, Puppet::new("a", &probe)).id(1).await.unwrap();
        manager.notify(Told::Number(1)).unwrap();
        assert_eq!(states(&manager).await, states_are(&[("Puppet 1", &[1])]));
        flavour.add(&manager, Double::of("b", &probe)).await.unwrap();
        manager.notify(Told::Number(2)).unwrap();
        let both = states_are(&[("Double", &[2]), ("Puppet 1", &[1, 2])]);
        assert_eq!(states(&manager).await, both);
        sys::suspend(manager.server()).await.unwrap();
        manager.notify(Told::Number(3)).unwrap();
        assert_eq!(states(&manager).await, both);
        sys::resume(manager.server()).await.unwrap();
        assert_eq!(states(&manager).await, states_are(&[("Double", &[2, 3]), ("Puppet 1", &[1, 2, 3])]));
    }
}

#[tokio::test]
async fn ge_119_the_state_of_a_handler_can_be_replaced() {
    for flavour in FLAVOURS {
        let (manager, probe) = manager().await;
        let puppet = flavour.add(&manager, Puppet::new("a", &probe)).id(1).await.unwrap();
        let replace = |seen: Vec<u32>| {
            let puppet = puppet.clone();
            sys::update_state(manager.server(), move |server| {
                server.handler_mut(&puppet).unwrap().seen = seen;
            })
        };
        replace(vec![7]).await.unwrap();
        assert_eq!(manager.call(&puppet, Ask::Seen).await.unwrap(), [7]);

        let failed = sys::update_state(manager.server(), |_| -> () { panic!("not like this") }).await.unwrap_err();
        assert!(matches!(failed, SysError::CallbackFailed { .. }), "{failed}");
        assert_eq!(manager.call(&puppet, Ask::Seen).await.unwrap(), [7]);

        sys::suspend(manager.server()).await.unwrap();
        replace(vec![8]).await.unwrap();
        sys::resume(manager.server()).await.unwrap();
        manager.notify(Told::Number(9)).unwrap();
        assert_eq!(manager.call(&puppet, Ask::Seen).await.unwrap(), [8, 9]);
    }
}

#[tokio::test]
async fn ge_122_a_report_is_rendered_within_its_limits() {
    let (start, probe, node) = new_manager();
    let manager = start.label("the press").await.unwrap();
    let mut reports = node.reports();
    manager.add_handler(Puppet::new("a", &probe)).await.unwrap();
    manager.sync_notify(Told::Do("a", Act::Fail(Reason::term("a long\nreason")))).await.unwrap();
    let report = Report::Custom(only(&mut reports));
    let printed = |limits: &Limits| {
        report.render(limits).replace(&manager.pid().to_string(), "<1>").replace(type_name::<Puppet>(), "Puppet")
    };
    assert_eq!(
        printed(&Limits::NONE),
        "Event manager <1> lost a handler that failed\n  label: the press\n  handler: Puppet\n  last event: something \
         for a\n  state: a has seen []\n  reason: a long\n    reason"
    );
    let short = Limits { chars: Some(6), single_line: true, ..Limits::NONE };
    assert!(
        printed(&short).ends_with("last event: someth...; state: a has ...; reason: a long..."),
        "{}",
        printed(&short)
    );
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_everybody_waits_for_is_reported_by_name() {
    let (start, probe, node) = new_manager();
    let manager = start.await.unwrap();
    let mut reports = node.reports();
    manager.add_async_handler(Puppet::new("quick", &probe)).id(1).await.unwrap();
    manager.add_async_handler(Puppet::new("slow", &probe)).id(2).await.unwrap();
    let wait = |time| Told::Do("slow", Act::Wait(time));
    manager.sync_notify(wait(ms(990))).await.unwrap();
    assert_eq!(reports.try_next(), None);

    let begun = genserver::time::now();
    manager.notify(wait(ms(3000))).unwrap();
    let Some(Report::Custom(told)) = reports.next().await else { panic!("it is reported") };
    assert_eq!(passed(begun), 1000, "after a second");
    assert_eq!(told.level, Level::Warning);
    assert_eq!(told.detail("handler"), Some(&*format!("{} 2", type_name::<Puppet>())));
    let late = manager.sync_notify(Told::Number(1)).timeout(ms(500)).await.unwrap_err();
    assert!(matches!(late, NotifyError::Manager(genserver::CallError::Timeout { .. })), "{late}");
    assert_eq!(passed(begun), 1500, "and nobody waits longer than he wants");
    manager.which_handlers().await.unwrap();
    assert_eq!(passed(begun), 3000);
    assert_eq!(reports.try_next(), None, "once");
}

#[tokio::test(start_paused = true)]
async fn an_init_and_a_terminate_that_wait_are_reported_too() {
    let (start, probe, node) = new_manager();
    let manager = start.await.unwrap();
    let mut reports = node.reports();
    let puppet = Puppet::new("a", &probe).begin(Begin::Wait(ms(1500))).end(End::Wait(ms(1500)));
    let puppet = manager.add_async_handler(puppet).await.unwrap();
    assert_eq!(only(&mut reports).level, Level::Warning);
    manager.remove_handler(&puppet).await.unwrap();
    assert_eq!(only(&mut reports).level, Level::Warning);
}
