//! Owners: a handler is removed with its owner, and the owner is told when its handler is gone.

use genevent::{GoneReason, HandlerGone};
use genserver::report::Report;
use genserver::{Letter, Probe, Reason};

use super::puppet::{
    Act, Begin, Double, FLAVOURS, Heard, Note, Puppet, Told, WAYS, gone, heard, manager, new_manager, owner, which,
};

#[tokio::test]
async fn ge_048_an_owned_handler_whose_init_refuses_is_not_added() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let refusing = Puppet::new("a", &probe).begin(Begin::Fail(Reason::term("my_error")));
        flavour.add(&manager, refusing).owned_by(owner(&probe)).await.unwrap_err();
        assert_eq!(which(&manager).await, [""; 0]);
        assert_eq!(heard(&mut probe), ["a begins"], "an owner of nothing is told nothing");
    }
}

#[tokio::test]
async fn ge_049_the_handlers_of_an_owner_go_with_it_and_nothing_else_does() {
    for flavour in FLAVOURS {
        let (start, mut probe, node) = new_manager();
        let manager = start.await.unwrap();
        let dying = Probe::<Heard>::on(&node);
        flavour.add(&manager, Puppet::new("owned", &probe)).owned_by(owner(&dying)).await.unwrap();
        flavour.add(&manager, Double::of("free", &probe)).await.unwrap();
        flavour.add(&manager, Puppet::new("bound", &probe)).id(2).bound_to(&dying).await.unwrap();
        flavour.add(&manager, Puppet::new("mine", &probe)).id(3).owned_by(owner(&probe)).await.unwrap();
        heard(&mut probe);
        dying.process_ref().exit(Reason::term("sup_died"));
        assert_eq!(which(&manager).await, ["Puppet 3", "Double"]);
        assert_eq!(
            heard(&mut probe),
            ["owned goes: its owner ended, sup_died", "bound goes: its owner ended, sup_died"]
        );
    }
}

// also: GE-058, GE-062
#[tokio::test]
async fn ge_050_a_stop_tells_each_handler_and_then_its_owner_newest_first() {
    for reason in [Reason::Normal, Reason::Shutdown, Reason::term("boom")] {
        for flavour in FLAVOURS {
            let (manager, mut probe) = manager().await;
            for (name, id) in [("a", 1), ("b", 2), ("c", 3)] {
                let puppet = Puppet::new(name, &probe);
                flavour.add(&manager, puppet).id(id).owned_by(owner(&probe)).await.unwrap();
            }
            heard(&mut probe);
            manager.stop().reason(reason.clone()).await.unwrap();
            assert_eq!(
                heard(&mut probe),
                [
                    "c goes: stop",
                    "Puppet 3 has gone: shutdown",
                    "b goes: stop",
                    "Puppet 2 has gone: shutdown",
                    "a goes: stop",
                    "Puppet 1 has gone: shutdown"
                ]
            );
        }
    }
}

#[tokio::test]
async fn ge_052_an_owner_of_the_new_handler_is_told_when_that_is_removed() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let old = flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&probe)).await.unwrap();
        let heir = Double::of("b", &probe);
        let new = flavour.swap(&manager, &old, |_: Result<Puppet, _>| heir).owned_by(owner(&probe)).await.unwrap();
        assert_eq!(gone(&mut probe), ["Puppet has gone: swapped by Double, owned"]);
        manager.remove_handler(&new).await.unwrap();
        assert_eq!(gone(&mut probe), ["Double has gone: normal"]);
    }
}

#[tokio::test]
async fn ge_053_other_handlers_do_not_get_the_end_of_an_owner() {
    for flavour in FLAVOURS {
        let (start, mut probe, node) = new_manager();
        let manager = start.await.unwrap();
        let dying = Probe::<Heard>::on(&node);
        flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&dying)).await.unwrap();
        flavour.add(&manager, Double::of("b", &probe)).await.unwrap();
        dying.process_ref().exit(Reason::term("oops"));
        assert_eq!(which(&manager).await, ["Double"]);
        assert_eq!(heard(&mut probe), ["a begins", "b begins", "a goes: its owner ended, oops"]);
    }
}

#[tokio::test]
async fn ge_054_a_down_that_somebody_sends_is_a_plain_message() {
    for flavour in FLAVOURS {
        let (start, mut probe, node) = new_manager();
        let manager = start.await.unwrap();
        flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&probe)).await.unwrap();
        let mut watcher = Probe::<()>::on(&node);
        let other = Probe::<()>::on(&node);
        watcher.monitor(&other);
        other.process_ref().exit(Reason::term("oops"));
        let Some(Letter::Down(down)) = watcher.try_recv() else { panic!("it is told") };
        manager.send(Note::Down(down)).unwrap();
        assert_eq!(which(&manager).await, ["Puppet"]);
        assert_eq!(heard(&mut probe), ["a begins", "a sees a down: oops"]);
    }
}

#[tokio::test]
async fn ge_055_an_owner_is_told_once_that_its_handler_was_removed() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let puppet = flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&probe)).await.unwrap();
        manager.remove_handler(&puppet).await.unwrap();
        manager.stop().await.unwrap();
        assert_eq!(heard(&mut probe), ["a begins", "a goes: removed", "Puppet has gone: normal"]);
    }
}

// also: GE-064
#[tokio::test]
async fn ge_056_a_swap_tells_the_owner_who_does_not_own_the_new_handler() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let old = flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&probe)).await.unwrap();
        let heir = Double::of("b", &probe);
        let new = flavour.swap(&manager, &old, |_: Result<Puppet, _>| heir).id(2).await.unwrap();
        manager.remove_handler(&new).await.unwrap();
        assert_eq!(
            heard(&mut probe),
            ["a begins", "a goes: swapped", "Puppet has gone: swapped by Double 2", "b begins", "b goes: removed"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn ge_056_a_swap_tells_the_old_owner_who_owns_the_new_handler() {
    let (start, mut probe, node) = new_manager();
    let manager = start.await.unwrap();
    let next = Probe::<Heard>::on(&node);
    let old = manager.add_handler(Puppet::new("a", &probe)).owned_by(owner(&probe)).await.unwrap();
    let heir = Double::of("b", &probe);
    manager.swap_handler(&old, |_| heir).owned_by(owner(&next)).await.unwrap();
    let told = probe.expect(|letter| matches!(letter, Letter::Message(Heard::Gone(_)))).await;
    let Letter::Message(Heard::Gone(gone)) = told else { unreachable!() };
    assert!(matches!(gone.why, GoneReason::Swapped { owner, .. } if owner == Some(next.pid())), "{gone}");
    assert_eq!(gone.manager, manager.pid());
    drop(next);
    assert_eq!(which(&manager).await, [""; 0]);
    assert_eq!(heard(&mut probe), ["a begins", "a goes: swapped", "b begins", "b goes: its owner ended, normal"]);
}

// also: GE-061
#[tokio::test]
async fn ge_059_a_handler_is_told_why_its_owner_ended() {
    for reason in [Reason::Normal, Reason::Shutdown, Reason::term("own"), Reason::Kill] {
        for flavour in FLAVOURS {
            let (start, mut probe, node) = new_manager();
            let manager = start.await.unwrap();
            let dying = Probe::<Heard>::on(&node);
            flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&dying)).await.unwrap();
            let told = match &reason {
                Reason::Normal => Reason::Normal,
                Reason::Kill => Reason::Killed,
                other => other.clone(),
            };
            // A process ends normally by itself, and by nobody's signal.
            if reason == Reason::Normal {
                drop(dying);
            } else {
                dying.process_ref().exit(reason.clone());
            }
            assert_eq!(which(&manager).await, [""; 0]);
            assert_eq!(heard(&mut probe), ["a begins".to_owned(), format!("a goes: its owner ended, {told}")]);
        }
    }
}

#[tokio::test]
async fn ge_060_every_handler_of_an_owner_is_told_once() {
    for flavour in FLAVOURS {
        let (start, mut probe, node) = new_manager();
        let manager = start.await.unwrap();
        let dying = Probe::<Heard>::on(&node);
        for (name, id) in [("a", 1), ("b", 2)] {
            let puppet = Puppet::new(name, &probe);
            flavour.add(&manager, puppet).id(id).owned_by(owner(&dying)).await.unwrap();
        }
        flavour.add(&manager, Puppet::new("c", &probe)).await.unwrap();
        heard(&mut probe);
        dying.process_ref().exit(Reason::term("oops"));
        assert_eq!(which(&manager).await, ["Puppet"]);
        assert_eq!(
            heard(&mut probe),
            ["a goes: its owner ended, oops", "b goes: its owner ended, oops"],
            "in the order in which they were added; the others hear nothing"
        );
    }
}

#[tokio::test]
async fn ge_065_an_owner_learns_of_a_kill_by_its_monitor_alone() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&probe)).await.unwrap();
        heard(&mut probe);
        let reference = probe.monitor(&manager);
        manager.server().kill();
        let letters = probe.flush();
        assert!(
            matches!(&letters[..], [Letter::Down(down)] if down.reference == reference && down.reason == Reason::Killed),
            "{letters:?}"
        );
        assert!(probe.is_alive());
    }
}

#[tokio::test]
async fn ge_067_owning_is_watching_and_not_linking() {
    for flavour in FLAVOURS {
        let (manager, probe) = manager().await;
        let puppet = flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&probe)).await.unwrap();
        assert_eq!(probe.process_ref().info().links, []);
        assert_eq!(probe.process_ref().info().monitors, 1);
        manager.remove_handler(&puppet).await.unwrap();
        assert_eq!(probe.process_ref().info().monitors, 0, "who owns nothing is not watched");
    }
}

#[tokio::test]
async fn an_owner_that_had_ended_before_loses_its_handler_at_once() {
    for flavour in FLAVOURS {
        let (start, mut probe, node) = new_manager();
        let manager = start.await.unwrap();
        let dead = Probe::<Heard>::on(&node);
        let dead_owner = owner(&dead);
        drop(dead);
        flavour.add(&manager, Puppet::new("a", &probe)).owned_by(dead_owner).await.unwrap();
        assert_eq!(which(&manager).await, [""; 0]);
        assert_eq!(heard(&mut probe), ["a begins", "a goes: its owner ended, no such process"]);
    }
}

#[tokio::test]
async fn an_owner_that_makes_no_message_of_it_harms_nobody_and_is_reported() {
    let (start, mut probe, node) = new_manager();
    let manager = start.await.unwrap();
    let mut reports = node.reports();
    let panics = probe.sender().recipient(|gone: HandlerGone| -> Heard { panic!("what is {gone}?") });
    manager.add_handler(Double::of("b", &probe)).await.unwrap();
    let puppet = manager.add_handler(Puppet::new("a", &probe)).owned_by(panics).await.unwrap();
    manager.remove_handler(&puppet).await.unwrap();
    assert_eq!(which(&manager).await, ["Double"]);
    assert_eq!(heard(&mut probe), ["b begins", "a begins", "a goes: removed"]);
    let Some(Report::Custom(told)) = reports.try_next() else { panic!("it is reported") };
    assert!(told.detail("why").unwrap().starts_with("panicked: what is "), "{told:?}");
}

#[tokio::test]
async fn an_owner_is_told_after_its_handler_and_before_who_asked() {
    for way in WAYS {
        for flavour in FLAVOURS {
            let (manager, mut probe) = manager().await;
            flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&probe)).await.unwrap();
            way.tell(&manager, Told::Do("a", Act::Leave)).await;
            assert_eq!(heard(&mut probe), ["a begins", "a goes: left", "Puppet has gone: normal"]);
        }
    }
}

#[tokio::test]
async fn what_an_owner_is_told_reads_as_a_sentence() {
    let (manager, mut probe) = manager().await;
    let puppet = manager.add_handler(Puppet::new("a", &probe)).owned_by(owner(&probe)).await.unwrap();
    manager.remove_handler(&puppet).await.unwrap();
    let told = probe.flush().into_iter().find_map(|letter| match letter {
        Letter::Message(Heard::Gone(gone)) => Some(gone),
        _ => None,
    });
    let who = puppet.id();
    let expected = format!("{who} has gone from {}: it was removed", manager.pid());
    assert_eq!(told.unwrap().to_string(), expected);
    for (why, expected) in [
        (GoneReason::Shutdown, "the manager has ended".to_owned()),
        (GoneReason::Swapped { by: who.clone(), owner: None }, format!("{who} has its place")),
        (GoneReason::Failed(Reason::term("boom")), "it failed: boom".to_owned()),
    ] {
        assert_eq!(why.to_string(), expected);
    }
}
