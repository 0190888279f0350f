//! Calls to one handler.

use genevent::{CallHandlerError, Handler, HandlerCaller, HandlerCx, HandlerRef, Manager, React, Reaction};
use genserver::{CallError, Reason, TimedOut};

use super::ms;
use super::puppet::{
    Act, Ask, Double, FLAVOURS, Flavour, Heir, Note, Puppet, Told, gone, heard, manager, owner, which,
};

// also: GE-106
#[tokio::test]
async fn ge_091_calling_a_dead_manager_is_an_error() {
    for flavour in FLAVOURS {
        let (manager, probe) = manager().await;
        let puppet = flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
        manager.stop().await.unwrap();
        let error = manager.call(&puppet, Ask::Name).await.unwrap_err();
        assert!(matches!(error, CallHandlerError::Manager(CallError::NoProc { .. })), "{error}");
        let error = manager.send_request(&puppet, Ask::Name).await.unwrap_err();
        assert!(matches!(error, CallError::NoProc { .. }), "{error}");
    }
}

#[tokio::test]
async fn ge_092_calling_an_unknown_handler_is_an_error() {
    let (manager, _probe) = manager().await;
    let unknown = HandlerRef::<Puppet>::new();
    for error in [
        manager.call(&unknown, Ask::Name).await.unwrap_err(),
        manager.call_async_handler(&unknown, Ask::Name).await.unwrap_err(),
        manager.send_request(&unknown, Ask::Name).await.unwrap().unwrap_err(),
    ] {
        let CallHandlerError::NotFound { handler, .. } = error else { panic!("{error}") };
        assert_eq!(handler, unknown.id());
    }
}

#[tokio::test]
async fn ge_093_a_call_reaches_its_handler_and_no_other() {
    for flavour in FLAVOURS {
        let (manager, probe) = manager().await;
        let bare = flavour.add(&manager, Puppet::new("bare", &probe)).await.unwrap();
        let with_id = flavour.add(&manager, Puppet::new("with an id", &probe)).id(1).await.unwrap();
        let double = flavour.add(&manager, Double::of("double", &probe)).await.unwrap();
        assert_eq!(manager.call(&bare, Ask::Name).await.unwrap(), "bare");
        assert_eq!(manager.call(&with_id, Ask::Name).await.unwrap(), "with an id");
        assert_eq!(manager.call(&double, Ask::Name).await.unwrap(), "double");
    }
}

#[tokio::test(start_paused = true)]
async fn ge_094_a_call_waits_for_as_long_as_it_is_told() {
    let (manager, probe) = manager().await;
    let slow = manager.add_async_handler(Puppet::new("slow", &probe)).await.unwrap();
    let ask = |client| Ask::Do(Act::Wait(ms(100)), client);
    assert_eq!(manager.call_async_handler(&slow, ask).timeout(ms(1000)).await.unwrap(), "slow");
    for timeout in [ms(0), ms(50)] {
        let error = manager.call_async_handler(&slow, ask).timeout(timeout).await.unwrap_err();
        assert!(
            matches!(error, CallHandlerError::Manager(CallError::Timeout { after, .. }) if after == timeout),
            "{error}"
        );
    }
    let ask = |client| Ask::Do(Act::Wait(ms(6000)), client);
    let error = manager.call_async_handler(&slow, ask).await.unwrap_err();
    assert!(matches!(error, CallHandlerError::Manager(CallError::Timeout { after, .. }) if after == ms(5000)));
    assert_eq!(manager.call_async_handler(&slow, ask).no_timeout().await.unwrap(), "slow");
    assert_eq!(which(&manager).await, ["Puppet"], "nobody who gives up harms it");
}

#[tokio::test(start_paused = true)]
async fn ge_095_an_answer_can_be_waited_for_later() {
    let (manager, probe) = manager().await;
    let slow = manager.add_async_handler(Puppet::new("slow", &probe)).await.unwrap();
    let mut request = manager.send_request(&slow, |client| Ask::Do(Act::Wait(ms(100)), client));
    assert!(matches!(request.wait(ms(0)).await, Err(TimedOut)));
    assert_eq!(request.await.unwrap().unwrap(), "slow");
}

#[tokio::test(start_paused = true)]
async fn ge_096_an_answer_can_be_looked_for() {
    let (manager, mut probe) = manager().await;
    let slow = manager.add_async_handler(Puppet::new("slow", &probe)).await.unwrap();
    let mut request = manager.send_request(&slow, |client| Ask::Do(Act::Wait(ms(100)), client));
    assert_eq!(heard(&mut probe), ["slow begins"], "other messages are not mistaken for it");
    assert!(request.check().is_none());
    manager.sync_notify(Told::Number(1)).await.unwrap();
    assert_eq!(request.check().unwrap().unwrap().unwrap(), "slow");
}

#[tokio::test]
async fn ge_097_a_handler_swaps_itself_in_a_call_and_answers() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let old = flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&probe)).await.unwrap();
        let heir = Heir::Double(Box::new(Double::of("b", &probe)));
        let swap = |client| Ask::Do(Act::Swap(heir), client);
        assert_eq!(manager.call(&old, swap).await.unwrap(), "a");
        assert_eq!(
            heard(&mut probe),
            ["a begins", "a goes: swapped", "Puppet has gone: swapped by Double, owned", "b begins"]
        );
        assert!(matches!(manager.call(&old, Ask::Name).await, Err(CallHandlerError::NotFound { .. })));
        assert_eq!(manager.call(&HandlerRef::<Double>::new(), Ask::Name).await.unwrap(), "b");
    }
}

// also: GE-104
#[tokio::test]
async fn ge_098_a_handler_leaves_in_a_call_and_answers() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let puppet = flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&probe)).await.unwrap();
        assert_eq!(manager.call(&puppet, |client| Ask::Do(Act::Leave, client)).await.unwrap(), "a");
        assert_eq!(heard(&mut probe), ["a begins", "a goes: left", "Puppet has gone: normal"]);
        assert_eq!(which(&manager).await, [""; 0]);
    }
}

// also: GE-104
#[tokio::test]
async fn ge_100_a_handler_that_fails_in_a_call_is_removed_and_the_caller_is_told_why() {
    for flavour in FLAVOURS {
        for (act, why) in [(Act::Panic, "panicked: a has had enough"), (Act::Fail(Reason::term("oops")), "oops")] {
            let (manager, mut probe) = manager().await;
            flavour.add(&manager, Double::of("b", &probe)).await.unwrap();
            let puppet = flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&probe)).await.unwrap();
            let error = manager.call(&puppet, |client| Ask::Do(act, client)).await.unwrap_err();
            let CallHandlerError::Failed { reason, handler, .. } = error else { panic!("{error}") };
            assert_eq!((reason.to_string(), handler), (why.to_owned(), puppet.id()));
            assert_eq!(
                heard(&mut probe)[2..],
                [format!("a goes: failed, {why}"), format!("Puppet has gone: failed, {why}")]
            );
            assert_eq!(which(&manager).await, ["Double"]);
        }
    }
}

/// One that can be asked something, and has no answer.
struct Mute;

struct Question(#[expect(dead_code, reason = "nobody answers")] HandlerCaller<()>);

impl Handler<Told, Note> for Mute {
    type Call = Question;

    fn handle_event(&mut self, _event: &Told, _cx: &mut HandlerCx<Told, Note>) -> Reaction<Told, Note> {
        React::stay()
    }
}

#[tokio::test]
async fn ge_102_a_handler_without_handle_call_fails_when_it_is_asked() {
    let (manager, _probe) = manager().await;
    let mute = manager.add_handler(Mute).await.unwrap();
    let error = manager.call(&mute, Question).await.unwrap_err();
    assert!(matches!(error, CallHandlerError::Failed { reason: Reason::BadCall, .. }), "{error}");
    assert_eq!(which(&manager).await, [""; 0]);
}

#[tokio::test]
async fn ge_104_a_handler_answers_and_stays() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let puppet = flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&probe)).await.unwrap();
        manager.notify(Told::Number(1)).unwrap();
        assert_eq!(manager.call(&puppet, Ask::Seen).await.unwrap(), [1]);
        assert_eq!(which(&manager).await, ["Puppet"]);
        assert_eq!(gone(&mut probe), [""; 0]);
    }
}

#[tokio::test]
async fn a_client_can_be_kept_and_answered_later() {
    for flavour in FLAVOURS {
        let (manager, probe) = manager().await;
        let puppet = flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
        let mut request = manager.send_request(&puppet, Ask::Later);
        assert_eq!(manager.call(&puppet, Ask::Name).await.unwrap(), "a");
        assert!(request.check().is_none());
        manager.sync_notify(Told::Number(1)).await.unwrap();
        assert_eq!(request.check().unwrap().unwrap().unwrap(), "a");
    }
}

#[tokio::test]
async fn a_client_that_is_dropped_or_kept_by_one_that_goes_is_told() {
    for flavour in FLAVOURS {
        let (manager, probe) = manager().await;
        let puppet = flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
        let error = manager.call(&puppet, Ask::Forget).await.unwrap_err();
        assert!(matches!(error, CallHandlerError::NoReply { .. }), "{error}");

        for act in [Act::Leave, Act::Panic] {
            let request = manager.send_request(&puppet, Ask::Later);
            manager.sync_notify(Told::Do("nobody", Act::Leave)).await.unwrap();
            assert_eq!(request.await.unwrap().unwrap(), "a", "an event answers it");
            let request = manager.send_request(&puppet, Ask::Later);
            let waiting = manager.send_request(&puppet, |client| Ask::Do(act, client));
            let told = request.await;
            assert!(matches!(told, Err(CallError::NoReply { .. })), "{told:?}");
            drop(waiting);
            flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_handler_answers_though_its_successor_fails() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let puppet = flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&probe)).await.unwrap();
        let refusing = Puppet::new("b", &probe).begin(super::puppet::Begin::Fail(Reason::term("my_error")));
        let swap = |client| Ask::Do(Act::Swap(Flavour::Plain.heir(refusing)), client);
        assert_eq!(manager.call(&puppet, swap).await.unwrap(), "a", "it has answered, whatever comes after it");
        assert_eq!(which(&manager).await, [""; 0]);
        assert_eq!(
            gone(&mut probe),
            ["Puppet has gone: swapped by Puppet, owned", "Puppet has gone: failed, my_error"]
        );
    }
}

#[tokio::test]
async fn a_question_says_nothing_of_its_handler_to_another_manager() {
    let (manager, probe) = manager().await;
    let puppet = manager.add_handler(Puppet::new("a", &probe)).await.unwrap();
    let other: super::puppet::Events = Manager::start_with_info().await.unwrap();
    assert!(matches!(other.call(&puppet, Ask::Name).await, Err(CallHandlerError::NotFound { .. })));
}
