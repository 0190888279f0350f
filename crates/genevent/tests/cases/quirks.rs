//! Behaviour of OTP's event managers that is better here, one test for each quirk.

use genevent::NotifyError;
use genevent::{AddHandlerError, CallHandlerError, HandlerRef, Manager, RemoveHandlerError, SwapHandlerError};
use genserver::{CallError, Letter, Probe, Reason, Status};

use super::puppet::{
    Act, Ask, Begin, Double, FLAVOURS, Heard, Heir, Note, Puppet, Told, WAYS, gone, heard, manager, new_manager, owner,
    which,
};
use super::{ms, passed};

// also: GE-063
#[tokio::test]
async fn q1_an_add_that_fails_leaves_no_monitor_and_no_stray_down() {
    for flavour in FLAVOURS {
        let (start, mut probe, node) = new_manager();
        let manager = start.await.unwrap();
        flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
        let dying = Probe::<Heard>::on(&node);
        let add = |puppet| flavour.add(&manager, puppet).owned_by(owner(&dying));
        add(Puppet::new("b", &probe)).await.unwrap_err();
        let refusing = || Puppet::new("b", &probe).begin(Begin::Fail(Reason::term("no")));
        add(refusing()).id(1).await.unwrap_err();
        let refusing = refusing();
        let unknown = HandlerRef::<Double>::new();
        let swap = flavour.swap(&manager, &unknown, |_: Result<Double, _>| refusing).owned_by(owner(&dying));
        swap.id(1).await.unwrap_err();
        assert_eq!(dying.process_ref().info().monitors, 0);
        heard(&mut probe);
        drop(dying);
        assert_eq!(which(&manager).await, ["Puppet"]);
        assert_eq!(heard(&mut probe), [""; 0]);
    }
}

#[tokio::test]
async fn q2_an_owner_is_watched_while_it_owns_and_never_linked() {
    for flavour in FLAVOURS {
        let (start, mut probe, node) = new_manager();
        let manager = start.await.unwrap();
        let (former, present) = (Probe::<Heard>::on(&node), Probe::<Heard>::on(&node));
        let puppet = flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&former)).await.unwrap();
        manager.remove_handler(&puppet).await.unwrap();
        flavour.add(&manager, Puppet::new("b", &probe)).owned_by(owner(&present)).await.unwrap();
        heard(&mut probe);
        former.process_ref().exit(Reason::term("oops"));
        assert_eq!(which(&manager).await, ["Puppet"]);
        assert_eq!(heard(&mut probe), [""; 0], "nobody hears of a former owner");
        manager.server().exit(Reason::term("crash"));
        assert!(!manager.is_alive());
        assert!(present.is_alive(), "it does not trap exits, and need not");
    }
}

#[tokio::test]
async fn q3_only_a_manager_that_traps_exits_ends_with_a_parent_that_ends_normally() {
    let (start, mut probe, node) = new_manager();
    let parent = Probe::<()>::on(&node);
    let manager = parent.scope(start.link()).await.unwrap();
    let trapping = parent.scope(Manager::start_trapping(Note::Exit).link()).await.unwrap();
    manager.add_handler(Puppet::new("a", &probe)).await.unwrap();
    trapping.add_handler(Puppet::new("b", &probe)).await.unwrap();
    drop(parent);
    assert_eq!(which(&manager).await, ["Puppet"]);
    assert_eq!(trapping.process_ref().ended().await, Reason::Normal);
    assert_eq!(heard(&mut probe), ["a begins", "b begins", "b goes: stop"]);
}

#[tokio::test]
async fn q4_a_successor_may_hibernate() {
    for way in WAYS {
        for flavour in FLAVOURS {
            let (manager, mut probe) = manager().await;
            flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
            let heir = flavour.heir(Puppet::new("b", &probe).begin(Begin::Hibernate));
            way.tell(&manager, Told::Do("a", Act::Swap(heir))).await;
            let heir = flavour.heir(Puppet::new("c", &probe).begin(Begin::Hibernate));
            manager.notify(Told::Do("b", Act::Swap(heir))).unwrap();
            while !matches!(manager.server().info().status, Status::Waiting | Status::Hibernated) {
                tokio::task::yield_now().await;
            }
            assert_eq!(manager.server().info().status, Status::Hibernated);
            assert_eq!(which(&manager).await, ["Puppet"]);
            let lines = ["a begins", "a goes: swapped", "b begins", "b goes: swapped", "c begins"];
            assert_eq!(heard(&mut probe), lines);
        }
    }
}

#[tokio::test]
async fn q5_an_owner_hears_why_the_successor_failed() {
    for way in WAYS {
        for flavour in FLAVOURS {
            for (begin, why) in
                [(Begin::Fail(Reason::term("my_error")), "my_error"), (Begin::Panic, "panicked: b cannot begin")]
            {
                let (manager, mut probe) = manager().await;
                flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&probe)).await.unwrap();
                flavour.add(&manager, Double::of("z", &probe)).await.unwrap();
                heard(&mut probe);
                let heir = flavour.heir(Puppet::new("b", &probe).begin(begin));
                way.tell(&manager, Told::Do("a", Act::Swap(heir))).await;
                assert_eq!(
                    heard(&mut probe),
                    [
                        "a goes: swapped",
                        "Puppet has gone: swapped by Puppet, owned",
                        "b begins",
                        &format!("Puppet has gone: failed, {why}"),
                        "z sees an act"
                    ]
                );
                assert_eq!(which(&manager).await, ["Double"]);
                assert_eq!(probe.process_ref().info().monitors, 0);
            }
        }
    }
}

#[tokio::test]
async fn q6_a_swap_onto_a_taken_identity_gives_the_new_handler_back_and_the_old_one_is_gone() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let old = flavour.add(&manager, Puppet::new("a", &probe).having_seen([1])).await.unwrap();
        flavour.add(&manager, Double::of("b", &probe)).await.unwrap();
        heard(&mut probe);
        let heir = Double::of("c", &probe);
        let make = |old: Result<Puppet, _>| heir.having_seen(old.unwrap().seen.clone());
        let error = flavour.swap(&manager, &old, make).await.unwrap_err();
        let SwapHandlerError::AlreadyPresent { returned, .. } = error else { panic!("{error}") };
        assert_eq!(returned.into_inner().seen, [1], "with what the old one left: nothing is lost");
        assert_eq!(which(&manager).await, ["Double"]);
        assert_eq!(heard(&mut probe), ["a goes: swapped"]);
    }
}

#[tokio::test]
async fn q6_a_handler_that_names_a_taken_identity_fails_and_nobody_else_is_touched() {
    for way in WAYS {
        for flavour in FLAVOURS {
            let (manager, mut probe) = manager().await;
            flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&probe)).await.unwrap();
            flavour.add(&manager, Double::of("b", &probe)).owned_by(owner(&probe)).await.unwrap();
            heard(&mut probe);
            let heir = Heir::Double(Box::new(Double::of("c", &probe)));
            way.tell(&manager, Told::Do("a", Act::Swap(heir))).await;
            let lines = heard(&mut probe);
            assert!(lines[0].starts_with("a goes: failed, it was to be swapped for "), "{lines:?}");
            assert!(lines[1].starts_with("Puppet has gone: failed, it was to be swapped for "), "{lines:?}");
            assert_eq!(lines[2..], ["b sees an act"], "the one that is there goes on, and no other begins");
            assert_eq!(which(&manager).await, ["Double"]);
        }
    }
}

#[tokio::test]
async fn q6_who_asks_a_handler_that_names_a_taken_identity_is_told() {
    for flavour in FLAVOURS {
        let (manager, probe) = manager().await;
        let puppet = flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
        flavour.add(&manager, Double::of("b", &probe)).await.unwrap();
        let heir = Heir::Double(Box::new(Double::of("c", &probe)));
        let error = manager.call(&puppet, |client| Ask::Do(Act::Swap(heir), client)).await.unwrap_err();
        let CallHandlerError::Failed { reason, .. } = error else { panic!("{error}") };
        assert!(reason.to_string().ends_with("which the manager has already"), "{reason}");
    }
}

#[tokio::test]
async fn q7_an_identity_is_unique() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
        let error = flavour.add(&manager, Puppet::new("b", &probe)).await.unwrap_err();
        assert!(matches!(error, AddHandlerError::AlreadyPresent { .. }), "{error}");
        manager.sync_notify(Told::Number(1)).await.unwrap();
        assert_eq!(heard(&mut probe), ["a begins", "a sees 1"]);
    }
}

#[tokio::test(start_paused = true)]
async fn q8_nothing_comes_of_an_answer_that_is_too_late() {
    let (manager, mut probe) = manager().await;
    let slow = manager.add_async_handler(Puppet::new("slow", &probe)).await.unwrap();
    heard(&mut probe);
    let client = Probe::<Heard>::on(&probe.process_ref().node());
    let late = client.scope({
        let manager = manager.clone();
        let slow = slow.clone();
        async move { manager.call(&slow, |client| Ask::Do(Act::Wait(ms(100)), client)).timeout(ms(50)).await }
    });
    assert!(matches!(late.await, Err(CallHandlerError::Manager(CallError::Timeout { .. }))));
    assert_eq!(manager.call(&slow, Ask::Seen).await.unwrap(), [], "the next answer is its own");
    let mut client = client;
    assert_eq!(client.flush(), []);
}

#[tokio::test(start_paused = true)]
async fn q9_a_stuck_consumer_is_waited_for_until_the_deadline_and_no_longer() {
    let manager = Manager::<u32>::start().await.unwrap();
    let mut stuck = manager.stream();
    stuck.subscribe().await.unwrap();
    let begun = genserver::time::now();
    for notified in [manager.sync_notify_within(1, ms(100)).await, manager.ack_notify_within(2, ms(100)).await] {
        if let Err(late) = notified {
            assert!(
                matches!(late, NotifyError::Manager(CallError::Timeout { after, .. }) if after == ms(100)),
                "{late}"
            );
        }
    }
    assert_eq!(manager.which_handlers().await.unwrap().len(), 1, "it goes on");
    assert_eq!(passed(begun), 200);
}

#[tokio::test]
async fn q10_a_manager_that_is_gone_is_one_error_whatever_it_is_asked() {
    let (manager, probe) = manager().await;
    manager.stop().await.unwrap();
    let puppet = HandlerRef::<Puppet>::new();
    let new = || Puppet::new("a", &probe);
    let heir = new();
    let errors: [NotifyError; 7] = [
        manager.sync_notify(Told::Number(1)).await.unwrap_err(),
        manager.ack_notify(Told::Number(1)).await.unwrap_err(),
        manager.which_handlers().await.unwrap_err().into(),
        match manager.call(&puppet, Ask::Name).await.unwrap_err() {
            CallHandlerError::Manager(error) => error.into(),
            other => panic!("{other}"),
        },
        match manager.add_handler(new()).await.unwrap_err() {
            AddHandlerError::Manager { error, .. } => error.into(),
            other => panic!("{other}"),
        },
        match manager.remove_handler(&puppet).await.unwrap_err() {
            RemoveHandlerError::Manager(error) => error.into(),
            other => panic!("{other}"),
        },
        match manager.swap_handler(&puppet, |_| heir).await.unwrap_err() {
            SwapHandlerError::Manager { error, .. } => error.into(),
            other => panic!("{other}"),
        },
    ];
    for error in errors {
        assert!(
            matches!(&error, NotifyError::Manager(CallError::NoProc { server }) if *server == manager.process_ref().subject()),
            "{error}"
        );
    }
}

#[tokio::test]
async fn who_owns_two_of_three_is_told_of_two() {
    let (start, mut probe, node) = new_manager();
    let manager = start.await.unwrap();
    let mut other = Probe::<Heard>::on(&node);
    for (name, id, whose) in [("a", 1, &probe), ("b", 2, &other), ("c", 3, &probe)] {
        manager.add_handler(Puppet::new(name, &probe)).id(id).owned_by(owner(whose)).await.unwrap();
    }
    manager.stop().await.unwrap();
    assert_eq!(gone(&mut probe), ["Puppet 3 has gone: shutdown", "Puppet 1 has gone: shutdown"]);
    let letters = other.flush();
    assert!(matches!(&letters[..], [Letter::Message(Heard::Gone(_))]), "{letters:?}");
}
