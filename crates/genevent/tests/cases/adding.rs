//! Adding handlers: their init, and identities that are taken.

use std::future::IntoFuture;
use std::time::Duration;

use genevent::{AddHandlerError, HandlerRef};
use genserver::{CallError, Reason};

use super::puppet::{Act, Begin, Double, FLAVOURS, Flavour, Puppet, Told, heard, manager, which};

// also: GE-028
#[tokio::test]
async fn ge_024_a_refusing_init_is_returned_and_nothing_is_added() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let my_error = Reason::term("my_error");
        for (begin, expected) in
            [(Begin::Fail(my_error.clone()), "my_error"), (Begin::Panic, "panicked: a cannot begin")]
        {
            let puppet = Puppet::new("a", &probe).having_seen([1]).begin(begin);
            let error = flavour.add(&manager, puppet).await.unwrap_err();
            let AddHandlerError::Init { reason, returned, .. } = error else { panic!("{error}") };
            assert_eq!(reason.to_string(), expected);
            assert_eq!(returned.into_inner().seen, [1], "it comes back as init has left it");
        }
        assert_eq!(which(&manager).await, [""; 0]);
        assert_eq!(heard(&mut probe), ["a begins", "a begins"], "it was not there, so it does not go");
    }
}

#[tokio::test]
async fn ge_025_the_newest_handler_is_listed_first() {
    for flavour in FLAVOURS {
        let (manager, probe) = manager().await;
        flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
        flavour.add(&manager, Puppet::new("b", &probe)).id(7).await.unwrap();
        flavour.add(&manager, Double::of("c", &probe)).await.unwrap();
        assert_eq!(which(&manager).await, ["Double", "Puppet 7", "Puppet"]);
    }
}

#[tokio::test]
async fn ge_026_a_refusing_init_leaves_a_handler_of_the_same_type() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
        let refusing = Puppet::new("b", &probe).begin(Begin::Fail(Reason::term("my_error")));
        flavour.add(&manager, refusing).id(7).await.unwrap_err();
        assert_eq!(which(&manager).await, ["Puppet"]);
        manager.sync_notify(Told::Number(1)).await.unwrap();
        assert_eq!(heard(&mut probe), ["a begins", "b begins", "a sees 1"]);
    }
}

// also: GE-031
#[tokio::test]
async fn ge_030_an_identity_is_taken_once_and_that_is_seen_before_init() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        for id in [None, Some("x")] {
            let add = |name| {
                let add = flavour.add(&manager, Puppet::new(name, &probe));
                if let Some(id) = id { add.id(id) } else { add }
            };
            add("first").await.unwrap();
            let error = add("second").await.unwrap_err();
            let AddHandlerError::AlreadyPresent { returned, .. } = error else { panic!("{error}") };
            assert_eq!(returned.into_inner().name, "second");
        }
        assert_eq!(which(&manager).await, ["Puppet x", "Puppet"]);
        assert_eq!(heard(&mut probe), ["first begins", "first begins"]);
    }
}

#[tokio::test]
async fn an_identity_says_the_same_whether_its_handler_awaits() {
    let (manager, probe) = manager().await;
    let plain = manager.add_handler(Puppet::new("a", &probe)).await.unwrap();
    let error = manager.add_async_handler(Puppet::new("b", &probe)).await.unwrap_err();
    assert!(matches!(error, AddHandlerError::AlreadyPresent { .. }), "{error}");
    assert_eq!(plain, HandlerRef::new());
}

/// What has become of a handler that a manager has not answered about.
fn unanswered(error: AddHandlerError<Puppet>) -> (CallError, Option<Puppet>) {
    let AddHandlerError::Manager { error, returned } = error else { panic!("{error}") };
    (error, returned.map(genevent::ReturnedHandler::into_inner))
}

#[tokio::test]
async fn adding_to_a_dead_manager_is_an_error_and_gives_the_handler_back() {
    for flavour in FLAVOURS {
        let (manager, probe) = manager().await;
        manager.stop().await.unwrap();
        let puppet = Puppet::new("a", &probe).having_seen([1]);
        let error = flavour.add(&manager, puppet).await.unwrap_err();
        let shown = error.to_string();
        let (error, returned) = unanswered(error);
        assert!(matches!(error, CallError::NoProc { .. }), "{error}");
        assert_eq!(shown, error.to_string());
        assert_eq!(returned.unwrap().seen, [1]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_waits_for_its_manager_comes_back_when_that_ends() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        manager.add_async_handler(Puppet::new("slow", &probe)).id("slow").await.unwrap();
        manager.notify(Told::Do("slow", Act::Wait(Duration::from_mins(1)))).unwrap();
        let mut adding = flavour.add(&manager, Puppet::new("a", &probe).having_seen([1])).into_future();
        assert!(futures::poll!(&mut adding).is_pending());
        manager.process_ref().kill();
        let (error, returned) = unanswered(adding.await.unwrap_err());
        assert!(matches!(error, CallError::Exit { reason: Reason::Killed, .. }), "{error}");
        assert_eq!(returned.unwrap().seen, [1]);
        assert_eq!(heard(&mut probe), ["slow begins"], "no init has run");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_whose_manager_ends_in_its_init_goes_with_it() {
    let (manager, probe) = manager().await;
    let puppet = Puppet::new("a", &probe).begin(Begin::Wait(Duration::from_mins(1)));
    let mut adding = Flavour::Awaiting.add(&manager, puppet).into_future();
    assert!(futures::poll!(&mut adding).is_pending());
    manager.process_ref().kill();
    let (error, returned) = unanswered(adding.await.unwrap_err());
    assert!(matches!(error, CallError::Exit { reason: Reason::Killed, .. }), "{error}");
    assert!(returned.is_none());
}
