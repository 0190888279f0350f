//! Events: which handlers see them, in which order, and what a handler can return.

use std::sync::Arc;

use genevent::NotifyError;
use genevent::{AsyncHandler, HandlerCx, HandlerRef, Manager, React, Reaction};
use genserver::{CallError, Letter, Never, Probe, Reason, declare_wait, spawn};
use tokio::sync::oneshot;

use super::puppet::{
    Act, Ask, Double, FLAVOURS, Flavour, Heard, Heir, Puppet, Told, WAYS, Way, gone, heard, manager, owner, which,
};
use super::{ms, passed};

/// Every way to tell a handler of each flavour, known by its type or by an id besides.
fn all() -> impl Iterator<Item = (Way, Flavour, HandlerRef<Puppet>)> {
    let ids = || [HandlerRef::new(), HandlerRef::with_id(7)];
    WAYS.into_iter()
        .flat_map(move |way| FLAVOURS.into_iter().flat_map(move |flavour| ids().map(|id| (way, flavour, id))))
}

/// A manager with one handler `a`, owned by the probe.
async fn one(flavour: Flavour, id: &HandlerRef<Puppet>) -> (super::puppet::Events, genserver::Probe<Heard>) {
    let (manager, mut probe) = manager().await;
    let add = flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&probe));
    if *id == HandlerRef::new() {
        add.await.unwrap()
    } else {
        add.id(7).await.unwrap()
    };
    assert_eq!(heard(&mut probe), ["a begins"]);
    (manager, probe)
}

// also: GE-073, GE-077, GE-079, GE-081, GE-082
#[tokio::test]
async fn ge_069_an_event_reaches_the_handler() {
    for (way, flavour, id) in all() {
        let (manager, mut probe) = one(flavour, &id).await;
        way.tell(&manager, Told::Number(1)).await;
        assert_eq!(heard(&mut probe), ["a sees 1"]);
        assert_eq!(manager.which_handlers().await.unwrap(), [id.id()]);
    }
}

// also: GE-073, GE-077
#[tokio::test]
async fn ge_070_a_handler_swaps_itself_and_its_successor_sees_the_next_event() {
    for (way, flavour, id) in all() {
        let (manager, mut probe) = one(flavour, &id).await;
        flavour.add(&manager, Puppet::new("z", &probe)).id("z").await.unwrap();
        let heir = Heir::Double(Box::new(Double::of("b", &probe)));
        way.tell(&manager, Told::Do("a", Act::Swap(heir))).await;
        let old = super::puppet::called(&id.id());
        assert_eq!(
            heard(&mut probe),
            [
                "z begins",
                "a goes: swapped",
                &format!("{old} has gone: swapped by Double, owned"),
                "b begins",
                "z sees an act"
            ]
        );
        way.tell(&manager, Told::Number(1)).await;
        assert_eq!(heard(&mut probe), ["b sees 1", "z sees 1"], "it has the position of the old one");
    }
}

// also: GE-073, GE-076, GE-077, GE-079, GE-081, GE-082
#[tokio::test]
async fn ge_071_a_handler_leaves() {
    for (way, flavour, id) in all() {
        let (manager, mut probe) = one(flavour, &id).await;
        way.tell(&manager, Told::Do("a", Act::Leave)).await;
        let told = format!("{} has gone: normal", super::puppet::called(&id.id()));
        assert_eq!(heard(&mut probe), ["a goes: left", &told]);
        assert_eq!(which(&manager).await, [""; 0]);
    }
}

// also: GE-073, GE-077, GE-079, GE-081, GE-082
#[tokio::test]
async fn ge_072_a_handler_that_returns_an_error_or_panics_is_removed() {
    for (way, flavour, id) in all() {
        for (act, why) in [(Act::Fail(Reason::term("garbage")), "garbage"), (Act::Panic, "panicked: a has had enough")]
        {
            let (manager, mut probe) = one(flavour, &id).await;
            way.tell(&manager, Told::Do("a", act)).await;
            let told = format!("{} has gone: failed, {why}", super::puppet::called(&id.id()));
            assert_eq!(heard(&mut probe), [format!("a goes: failed, {why}"), told]);
            assert_eq!(which(&manager).await, [""; 0]);
        }
    }
}

// also: GE-073, GE-077
#[tokio::test]
async fn ge_075_after_a_swap_the_owner_is_told_of_the_new_handler() {
    for (way, flavour, id) in all() {
        let (manager, mut probe) = one(flavour, &id).await;
        let heir = Box::new(Puppet::new("b", &probe));
        let heir = if flavour == Flavour::Plain { Heir::As(heir, 9) } else { Heir::AwaitingAs(heir, 9) };
        way.tell(&manager, Told::Do("a", Act::Swap(heir))).await;
        let old = super::puppet::called(&id.id());
        assert_eq!(gone(&mut probe), [format!("{old} has gone: swapped by Puppet 9, owned")]);
        way.tell(&manager, Told::Do("b", Act::Panic)).await;
        assert_eq!(gone(&mut probe), ["Puppet 9 has gone: failed, panicked: b has had enough"]);
        manager.stop().await.unwrap();
        assert_eq!(gone(&mut probe), [""; 0]);
    }
}

#[tokio::test]
async fn ge_075_a_successor_may_await_and_goes_with_the_owner() {
    for way in WAYS {
        for (flavour, heir) in [(Flavour::Plain, Flavour::Awaiting), (Flavour::Awaiting, Flavour::Plain)] {
            let (start, mut probe, node) = super::puppet::new_manager();
            let manager = start.await.unwrap();
            let dying = genserver::Probe::<Heard>::on(&node);
            flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&dying)).await.unwrap();
            let heir = heir.heir(Puppet::new("b", &probe));
            way.tell(&manager, Told::Do("a", Act::Swap(heir))).await;
            way.tell(&manager, Told::Number(1)).await;
            drop(dying);
            assert_eq!(which(&manager).await, [""; 0]);
            assert_eq!(
                heard(&mut probe),
                ["a begins", "a goes: swapped", "b begins", "b sees 1", "b goes: its owner ended, normal"]
            );
        }
    }
}

// also: GE-084
#[tokio::test]
async fn ge_083_handlers_see_an_event_oldest_first() {
    for way in WAYS {
        let (manager, mut probe) = manager().await;
        for (name, id, flavour) in [
            ("a", 1, Flavour::Plain),
            ("b", 2, Flavour::Awaiting),
            ("c", 3, Flavour::Plain),
            ("d", 4, Flavour::Awaiting),
        ] {
            flavour.add(&manager, Puppet::new(name, &probe)).id(id).await.unwrap();
        }
        heard(&mut probe);
        way.tell(&manager, Told::Number(1)).await;
        assert_eq!(heard(&mut probe), ["a sees 1", "b sees 1", "c sees 1", "d sees 1"]);
    }
}

#[tokio::test]
async fn ge_085_a_failing_handler_does_not_keep_the_event_from_the_others() {
    for way in WAYS {
        for flavour in FLAVOURS {
            for act in [Act::Panic, Act::Fail(Reason::term("oops")), Act::Leave] {
                let (manager, mut probe) = manager().await;
                for (name, id, flavour) in [
                    ("a", 1, Flavour::Plain),
                    ("b", 2, Flavour::Awaiting),
                    ("middle", 3, flavour),
                    ("c", 4, Flavour::Plain),
                    ("d", 5, Flavour::Awaiting),
                ] {
                    flavour.add(&manager, Puppet::new(name, &probe)).id(id).await.unwrap();
                }
                heard(&mut probe);
                way.tell(&manager, Told::Do("middle", act)).await;
                let mut lines = heard(&mut probe);
                assert!(lines.remove(2).starts_with("middle goes: "));
                assert_eq!(lines, ["a sees an act", "b sees an act", "c sees an act", "d sees an act"]);
                assert_eq!(which(&manager).await, ["Puppet 5", "Puppet 4", "Puppet 2", "Puppet 1"]);
            }
        }
    }
}

#[tokio::test]
async fn a_sync_notify_is_answered_though_every_handler_fails_or_none_is_there() {
    for flavour in FLAVOURS {
        let (manager, probe) = manager().await;
        manager.sync_notify(Told::Number(1)).await.unwrap();
        flavour.add(&manager, Puppet::new("a", &probe)).id(1).await.unwrap();
        flavour.add(&manager, Puppet::new("a", &probe)).id(2).await.unwrap();
        manager.sync_notify(Told::Do("a", Act::Panic)).await.unwrap();
        assert_eq!(which(&manager).await, [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn ge_086_a_handler_that_asks_its_own_manager_fails_at_once() {
    for way in WAYS {
        for flavour in FLAVOURS {
            let (manager, mut probe) = one(flavour, &HandlerRef::new()).await;
            way.tell(&manager, Told::Do("a", Act::AskYourself)).await;
            assert_eq!(which(&manager).await, [""; 0]);
            let told = probe.expect(|letter| matches!(letter, Letter::Message(Heard::Gone(_)))).await;
            let Letter::Message(Heard::Gone(told)) = told else { unreachable!() };
            let genevent::GoneReason::Failed(reason) = told.why else { panic!("{told}") };
            assert!(matches!(reason.downcast_ref(), Some(CallError::CallingSelf { .. })), "{reason}");
        }
    }
}

/// Awaits a task that tells its manager, over the first event.
struct Delegates {
    manager: Manager<u32>,
    /// Whether the task is a process, and its manager says that it waits for it.
    declares: bool,
    told: Option<oneshot::Sender<Result<(), NotifyError>>>,
}

impl AsyncHandler<u32> for Delegates {
    type Call = Never;

    #[expect(clippy::disallowed_methods, reason = "a task of the handler's own is what the case is about")]
    async fn handle_event(&mut self, _event: &u32, _cx: &mut HandlerCx<u32>) -> Reaction<u32> {
        let Some(told) = self.told.take() else { return React::stay() };
        let ((done, is_done), kept) = (oneshot::channel(), Arc::new(()));
        let (manager, weak) = (self.manager.clone(), Arc::downgrade(&kept));
        let task = async move {
            let told = manager.sync_notify(2).await;
            drop(kept);
            done.send(told).unwrap();
        };
        let _wait = if self.declares {
            Some(declare_wait(&spawn(|_: Probe<()>| task)?, weak))
        } else {
            tokio::spawn(task);
            None
        };
        told.send(is_done.await?).unwrap();
        React::stay()
    }
}

/// What the task of a handler is told, and after how many milliseconds.
async fn delegated(declares: bool) -> (Result<(), NotifyError>, u128) {
    let (manager, begun) = (Manager::start().await.unwrap(), genserver::time::now());
    let (told, is_told) = oneshot::channel();
    let delegates = Delegates { manager: manager.clone(), declares, told: Some(told) };
    manager.add_async_handler(delegates).await.unwrap();
    manager.notify(1).unwrap();
    (is_told.await.unwrap(), passed(begun))
}

#[tokio::test(start_paused = true)]
async fn a_task_that_a_handler_awaits_is_not_known_to_belong_to_it() {
    let (told, after) = delegated(false).await;
    assert!(matches!(told, Err(NotifyError::Manager(CallError::Timeout { .. }))), "{told:?}");
    assert_eq!(after, 5_000);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_a_handler_has_declared_to_wait_for_is_refused_at_once() {
    let (told, after) = delegated(true).await;
    assert!(matches!(told, Err(NotifyError::Manager(CallError::Cycle { .. }))), "{told:?}");
    assert_eq!(after, 0);
}

#[tokio::test]
async fn a_handler_may_notify_its_own_manager_which_comes_after_this_event() {
    for way in WAYS {
        for flavour in FLAVOURS {
            let (manager, mut probe) = manager().await;
            flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
            flavour.add(&manager, Double::of("b", &probe)).await.unwrap();
            heard(&mut probe);
            way.tell(&manager, Told::Do("a", Act::TellYourself(1))).await;
            which(&manager).await;
            assert_eq!(heard(&mut probe), ["a tells itself", "b sees an act", "a sees 1", "b sees 1"]);
        }
    }
}

#[tokio::test]
async fn ge_087_a_handler_may_return_early() {
    for (way, flavour, id) in all() {
        let (manager, mut probe) = one(flavour, &id).await;
        way.tell(&manager, Told::Do("a", Act::Leap)).await;
        assert_eq!(heard(&mut probe)[0], "a goes: left");
        assert_eq!(which(&manager).await, [""; 0]);
    }
}

#[tokio::test]
async fn ge_088_what_one_client_asks_is_done_in_its_order() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let puppet = flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
        for number in 1..=3 {
            manager.notify(Told::Number(number)).unwrap();
        }
        assert_eq!(manager.call(&puppet, Ask::Seen).await.unwrap(), [1, 2, 3]);
        manager.notify(Told::Number(4)).unwrap();
        manager.sync_notify(Told::Number(5)).await.unwrap();
        manager.notify(Told::Number(6)).unwrap();
        let double = flavour.add(&manager, Double::of("b", &probe)).await.unwrap();
        manager.notify(Told::Number(7)).unwrap();
        manager.remove_handler(&puppet).await.unwrap();
        manager.notify(Told::Number(8)).unwrap();
        manager.remove_handler(&double).await.unwrap();
        let expected = "a begins, a sees 1, a sees 2, a sees 3, a sees 4, a sees 5, a sees 6, b begins, a sees 7, \
                        b sees 7, a goes: removed, b sees 8, b goes: removed";
        assert_eq!(heard(&mut probe).join(", "), expected);
    }
}

// also: GE-080
#[tokio::test]
async fn ge_089_an_event_for_a_dead_or_unknown_manager_comes_back() {
    let manager = Manager::<String>::start().name("ge_089").await.unwrap();
    let named = Manager::<String>::named("ge_089");
    manager.stop().await.unwrap();
    assert_eq!(manager.notify("a".to_owned()).unwrap_err().into_inner(), "a");
    assert_eq!(named.notify("b".to_owned()).unwrap_err().into_inner(), "b");
    let global = Manager::<String>::named(genserver::Name::global("ge_089 nobody"));
    assert_eq!(global.notify("c".to_owned()).unwrap_err().into_inner(), "c");
}

#[tokio::test]
async fn ge_080_an_event_for_something_else_comes_back() {
    let probe = genserver::Probe::<String>::new();
    probe.register("ge_080").unwrap();
    let named = Manager::<String>::named("ge_080");
    assert_eq!(named.notify("a".to_owned()).unwrap_err().into_inner(), "a");
    assert!(matches!(
        named.sync_notify("b".to_owned()).await,
        Err(NotifyError::Manager(CallError::WrongServer { .. }))
    ));
}

#[tokio::test]
async fn ge_090_waiting_for_a_dead_manager_is_an_error() {
    let manager = Manager::<String>::start().await.unwrap();
    manager.stop().await.unwrap();
    let named = Manager::<String>::named("ge_090");
    for error in [
        manager.sync_notify("a".to_owned()).await.unwrap_err(),
        manager.ack_notify("a".to_owned()).await.unwrap_err(),
        manager.which_handlers().await.unwrap_err().into(),
        named.sync_notify("a".to_owned()).await.unwrap_err(),
        named.ack_notify("a".to_owned()).await.unwrap_err(),
    ] {
        assert!(matches!(error, NotifyError::Manager(CallError::NoProc { .. })), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_sender_chooses_how_long_it_waits() {
    let (manager, mut probe) = manager().await;
    manager.add_async_handler(Puppet::new("a", &probe)).await.unwrap();
    let slow = || Told::Do("a", Act::Wait(ms(200)));
    let begun = genserver::time::now();
    let since = |what: &str, expected| assert_eq!(passed(begun), expected, "{what}");
    manager.notify(slow()).unwrap();
    since("notify", 0);
    manager.ack_notify(slow()).await.unwrap();
    since("ack_notify: the event before it is done, and it is taken", 200);
    manager.sync_notify(slow()).await.unwrap();
    since("sync_notify: it is done, and the one before it", 600);
    assert_eq!(heard(&mut probe).len(), 1, "acts are not told");
}
