//! Removing handlers: what their terminate gets, and what is returned.

use genevent::{Handler, HandlerCx, React, Reaction};
use genevent::{HandlerRef, RemoveHandlerError, TerminateReason};
use genserver::{CallError, Never};

use super::puppet::{Double, End, FLAVOURS, Note, Puppet, Told, heard, manager, owner, which};

// also: GE-037
#[tokio::test]
async fn ge_033_a_removed_handler_is_told_and_comes_back() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let puppet = flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
        manager.notify(Told::Number(1)).unwrap();
        let left = manager.remove_handler(&puppet).arg("goodbye").await.unwrap();
        assert_eq!(left.seen, [1], "what was sent before it is seen before it");
        assert_eq!(heard(&mut probe), ["a begins", "a sees 1", "a goes: removed goodbye"]);
        assert_eq!(which(&manager).await, [""; 0]);

        let puppet = flavour.add(&manager, left).await.unwrap();
        assert_eq!(manager.remove_handler(&puppet).await.unwrap().seen, [1]);
        assert_eq!(heard(&mut probe), ["a begins", "a goes: removed"]);
    }
}

/// A handler that says nothing about its end.
struct Silent(u32);

impl Handler<Told, Note> for Silent {
    type Call = Never;

    fn handle_event(&mut self, _event: &Told, _cx: &mut HandlerCx<Told, Note>) -> Reaction<Told, Note> {
        self.0 += 1;
        React::stay()
    }
}

#[tokio::test]
async fn ge_034_a_handler_without_a_terminate_is_removed_as_any_other() {
    let (manager, _probe) = manager().await;
    let silent = manager.add_handler(Silent(0)).await.unwrap();
    manager.notify(Told::Number(1)).unwrap();
    assert_eq!(manager.remove_handler(&silent).await.unwrap().0, 1);
    assert_eq!(which(&manager).await, [""; 0]);
}

// also: GE-038
#[tokio::test]
async fn ge_035_a_terminate_that_panics_is_an_error_and_the_handler_is_removed() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let puppet = Puppet::new("a", &probe).end(End::Panic).having_seen([1]);
        let puppet = flavour.add(&manager, puppet).await.unwrap();
        let error = manager.remove_handler(&puppet).await.unwrap_err();
        let RemoveHandlerError::Terminate { reason, returned, .. } = error else { panic!("{error}") };
        assert_eq!(reason.to_string(), "panicked: a cannot end");
        assert_eq!(returned.into_inner().seen, [1]);
        assert_eq!(which(&manager).await, [""; 0]);
        assert_eq!(heard(&mut probe), ["a begins", "a goes: removed"], "once");
    }
}

#[tokio::test]
async fn ge_036_a_type_and_a_type_with_an_id_are_different_handlers() {
    for flavour in FLAVOURS {
        let (manager, probe) = manager().await;
        let (bare, with_id) = (HandlerRef::<Puppet>::new(), HandlerRef::<Puppet>::with_id(1));
        for (there, other) in [(&bare, &with_id), (&with_id, &bare)] {
            let add = flavour.add(&manager, Puppet::new("a", &probe));
            if there == &with_id {
                add.id(1).await.unwrap()
            } else {
                add.await.unwrap()
            };
            for unknown in [other, &HandlerRef::with_id("1"), &HandlerRef::with_id(2)] {
                let error = manager.remove_handler(unknown).await.unwrap_err();
                let RemoveHandlerError::NotFound { handler, .. } = error else { panic!("{error}") };
                assert_eq!(handler, unknown.id());
            }
            let error = manager.remove_handler(&HandlerRef::<Double>::new()).await.unwrap_err();
            assert!(matches!(error, RemoveHandlerError::NotFound { .. }), "{error}");
            manager.remove_handler(there).await.unwrap();
        }
    }
}

#[tokio::test]
async fn ge_039_an_owner_is_told_of_a_normal_end_though_the_terminate_panics() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let puppet = Puppet::new("a", &probe).end(End::Panic);
        let puppet = flavour.add(&manager, puppet).owned_by(owner(&probe)).await.unwrap();
        manager.remove_handler(&puppet).await.unwrap_err();
        assert_eq!(heard(&mut probe), ["a begins", "a goes: removed", "Puppet has gone: normal"]);
    }
}

/// What the words are to one who expects others.
struct Picky(Vec<Option<u8>>);

impl Handler<Told, Note> for Picky {
    type Call = Never;

    fn handle_event(&mut self, _event: &Told, _cx: &mut HandlerCx<Told, Note>) -> Reaction<Told, Note> {
        React::stay()
    }

    fn terminate(&mut self, why: TerminateReason, _cx: &mut HandlerCx<Told, Note>) {
        let TerminateReason::Removed(mut words) = why else { panic!("it is removed, and nothing else") };
        assert_eq!(words.take::<&str>(), None);
        self.0 = vec![words.take(), words.take()];
    }
}

#[tokio::test]
async fn a_handler_may_be_told_anything_on_its_way_out() {
    let (manager, _probe) = manager().await;
    let picky = manager.add_handler(Picky(vec![])).await.unwrap();
    assert_eq!(manager.remove_handler(&picky).arg(7_u8).await.unwrap().0, [Some(7), None]);
    let picky = manager.add_handler(Picky(vec![])).await.unwrap();
    assert_eq!(manager.remove_handler(&picky).await.unwrap().0, [None, None]);
}

#[tokio::test]
async fn removing_from_a_dead_manager_is_an_error() {
    let (manager, probe) = manager().await;
    let puppet = manager.add_handler(Puppet::new("a", &probe)).await.unwrap();
    manager.stop().await.unwrap();
    let error = manager.remove_handler(&puppet).await.unwrap_err();
    assert!(matches!(error, RemoveHandlerError::Manager(CallError::NoProc { .. })), "{error}");
}
