//! Swapping handlers from outside. A handler that asks to be swapped is in the file of its cause.

use std::future::IntoFuture;
use std::time::Duration;

use genevent::{HandlerRef, OldHandlerError, SwapHandlerError};
use genserver::{CallError, Reason};

use super::puppet::{Act, Begin, Double, End, FLAVOURS, Puppet, Told, called, heard, manager, which};

/// An old handler's name and what it has seen, or why there is none.
fn left<const KIND: u8>(left: Result<Puppet<KIND>, OldHandlerError>) -> Result<Vec<u32>, String> {
    match left {
        Ok(old) => Ok(old.seen.clone()),
        Err(OldHandlerError::NotFound { handler }) => Err(format!("no {}", called(&handler))),
        Err(OldHandlerError::Terminate { handler, reason }) => Err(format!("{} {reason}", called(&handler))),
        Err(other) => Err(other.to_string()),
    }
}

#[tokio::test]
async fn ge_040_swapping_the_unknown_for_one_that_refuses_changes_nothing() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
        let refusing = Double::of("b", &probe).begin(Begin::Fail(Reason::term("my_error")));
        let unknown = HandlerRef::<Puppet>::with_id("unknown");
        let error = flavour.swap(&manager, &unknown, |_: Result<Puppet, _>| refusing).await.unwrap_err();
        assert!(matches!(error, SwapHandlerError::Init { .. }), "{error}");
        assert_eq!(which(&manager).await, ["Puppet"]);
        assert_eq!(heard(&mut probe), ["a begins", "b begins"]);
    }
}

// also: GE-042
#[tokio::test]
async fn ge_041_a_swap_hands_the_old_state_to_the_new_handler() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let old = flavour.add(&manager, Puppet::new("a", &probe)).id(3).await.unwrap();
        flavour.add(&manager, Puppet::new("b", &probe)).await.unwrap();
        manager.notify(Told::Number(1)).unwrap();
        let heir = Double::of("c", &probe);
        let swap = flavour.swap(&manager, &old, |old| heir.having_seen(left(old).unwrap()));
        let new = swap.arg("step aside").id(4).await.unwrap();
        assert_eq!(which(&manager).await, ["Double 4", "Puppet"], "it stands behind the others, as one that is added");
        manager.sync_notify(Told::Number(2)).await.unwrap();
        assert_eq!(
            heard(&mut probe),
            [
                "a begins",
                "b begins",
                "a sees 1",
                "b sees 1",
                "a goes: swapped step aside",
                "c begins",
                "b sees 2",
                "c sees 2"
            ]
        );
        assert_eq!(manager.remove_handler(&new).await.unwrap().seen, [1, 2]);
    }
}

#[tokio::test]
async fn ge_043_swapping_the_unknown_adds_the_new_handler_that_is_told_so() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let asked = probe.sender();
        let heir = Double::of("b", &probe);
        let unknown = HandlerRef::<Puppet>::with_id("unknown");
        let swap = flavour.swap(&manager, &unknown, move |old| {
            let told = left(old).unwrap_err();
            asked.send(super::puppet::Heard::Line(told)).unwrap();
            heir
        });
        swap.await.unwrap();
        assert_eq!(which(&manager).await, ["Double"]);
        assert_eq!(heard(&mut probe), ["no Puppet unknown", "b begins"]);
    }
}

#[tokio::test]
async fn ge_044_a_terminate_that_panics_does_not_keep_the_new_handler_from_coming() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let old = flavour.add(&manager, Puppet::new("a", &probe).end(End::Panic)).await.unwrap();
        let asked = probe.sender();
        let heir = Puppet::new("b", &probe);
        let swap = flavour.swap(&manager, &old, move |old| {
            asked.send(super::puppet::Heard::Line(left(old).unwrap_err())).unwrap();
            heir
        });
        swap.await.unwrap();
        assert_eq!(which(&manager).await, ["Puppet"]);
        assert_eq!(heard(&mut probe), ["a begins", "a goes: swapped", "Puppet panicked: a cannot end", "b begins"]);
    }
}

#[tokio::test]
async fn ge_045_when_the_new_handler_refuses_the_old_one_is_gone_too() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        for (begin, expected) in
            [(Begin::Fail(Reason::term("my_error")), "my_error"), (Begin::Panic, "panicked: b cannot begin")]
        {
            let old = flavour.add(&manager, Puppet::new("a", &probe).having_seen([1])).await.unwrap();
            let heir = Double::of("b", &probe).begin(begin);
            let swap = flavour.swap(&manager, &old, |old| heir.having_seen(left(old).unwrap()));
            let error = swap.await.unwrap_err();
            let SwapHandlerError::Init { reason, returned, .. } = error else { panic!("{error}") };
            assert_eq!(reason.to_string(), expected);
            assert_eq!(returned.into_inner().seen, [1], "what the old one left comes back with the new one");
            assert_eq!(which(&manager).await, [""; 0]);
            assert_eq!(heard(&mut probe), ["a begins", "a goes: swapped", "b begins"]);
        }
    }
}

#[tokio::test]
async fn ge_045_when_nothing_makes_the_new_handler_the_old_one_is_gone_too() {
    let (manager, mut probe) = manager().await;
    let old = manager.add_handler(Puppet::new("a", &probe)).await.unwrap();
    let make = |_: Result<Puppet, OldHandlerError>| -> Double { panic!("out of handlers") };
    let error = manager.swap_handler(&old, make).await.unwrap_err();
    let SwapHandlerError::Make { reason, .. } = error else { panic!("{error}") };
    assert_eq!(reason.to_string(), "panicked: out of handlers");
    assert_eq!(which(&manager).await, [""; 0]);
    assert_eq!(heard(&mut probe), ["a begins", "a goes: swapped"]);
}

#[tokio::test]
async fn ge_047_swapping_the_unknown_returns_the_new_handlers_own_error() {
    for flavour in FLAVOURS {
        let (manager, probe) = manager().await;
        let heir = Puppet::new("b", &probe).begin(Begin::Fail(Reason::term("my_error")));
        let swap = flavour.swap(&manager, &HandlerRef::<Puppet>::new(), |_: Result<Puppet, _>| heir);
        let error = swap.await.unwrap_err();
        let SwapHandlerError::Init { reason, .. } = error else { panic!("{error}") };
        assert_eq!(reason, Reason::term("my_error"));
    }
}

#[tokio::test]
async fn a_handler_can_be_swapped_for_one_of_its_own_identity() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let old = flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
        let heir = Puppet::new("b", &probe);
        flavour.swap(&manager, &old, |_: Result<Puppet, _>| heir).await.unwrap();
        assert_eq!(which(&manager).await, ["Puppet"]);
        assert_eq!(heard(&mut probe), ["a begins", "a goes: swapped", "b begins"]);
    }
}

#[tokio::test]
async fn swapping_in_a_dead_manager_is_an_error_and_gives_back_what_makes_the_new_handler() {
    for flavour in FLAVOURS {
        let (dead, probe) = manager().await;
        let old = dead.add_handler(Puppet::new("a", &probe)).await.unwrap();
        dead.stop().await.unwrap();
        let heir = Puppet::new("b", &probe).having_seen([1]);
        let error = flavour.swap(&dead, &old, |_: Result<Puppet, _>| heir).await.unwrap_err();
        let shown = error.to_string();
        let SwapHandlerError::Manager { error, make } = error else { panic!("{error}") };
        assert!(matches!(error, CallError::NoProc { .. }), "{error}");
        assert_eq!(shown, error.to_string());

        let (other, _probe) = manager().await;
        let new = other.swap_handler(&old, make.unwrap().into_inner()).await.unwrap();
        assert_eq!(other.remove_handler(&new).await.unwrap().seen, [1], "it can be used elsewhere");
    }
}

#[tokio::test(start_paused = true)]
async fn a_swap_that_waits_for_its_manager_comes_back_when_that_ends() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let old = manager.add_async_handler(Puppet::new("a", &probe)).await.unwrap();
        manager.notify(Told::Do("a", Act::Wait(Duration::from_mins(1)))).unwrap();
        let heir = Puppet::new("b", &probe);
        let mut swapping = flavour.swap(&manager, &old, |_: Result<Puppet, _>| heir).into_future();
        assert!(futures::poll!(&mut swapping).is_pending());
        manager.process_ref().kill();
        let error = swapping.await.unwrap_err();
        let SwapHandlerError::Manager { error, make } = error else { panic!("{error}") };
        assert!(matches!(error, CallError::Exit { reason: Reason::Killed, .. }), "{error}");
        let left = Puppet::new("c", &probe);
        assert_eq!(make.unwrap().into_inner()(Ok(left)).name, "b");
        assert_eq!(heard(&mut probe), ["a begins"], "nobody was told to go");
    }
}

#[tokio::test(start_paused = true)]
async fn a_swap_whose_manager_ends_on_the_way_does_not_come_back() {
    let (manager, probe) = manager().await;
    let slow = Puppet::new("a", &probe).end(End::Wait(Duration::from_mins(1)));
    let old = manager.add_async_handler(slow).await.unwrap();
    let heir = Puppet::new("b", &probe);
    let mut swapping = manager.swap_handler(&old, |_| heir).into_future();
    assert!(futures::poll!(&mut swapping).is_pending());
    manager.process_ref().kill();
    let error = swapping.await.unwrap_err();
    let SwapHandlerError::Manager { error, make } = error else { panic!("{error}") };
    assert!(matches!(error, CallError::Exit { reason: Reason::Killed, .. }), "{error}");
    assert!(make.is_none());
}
