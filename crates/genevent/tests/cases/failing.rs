//! Every way in which a handler goes: what it is told itself, what its owner is told, what the process that asked for it gets, and
//! whether it is reported. One line for each cause of Elixir's table, for handlers that return and for those that await.

use std::future::{IntoFuture, ready};

use genevent::{
    AddHandlerError, AsyncHandler, CallHandlerError, GoneReason, HandlerCaller, HandlerCx, HandlerGone, Manager, React,
    Reaction, RemoveHandlerError, SwapHandlerError, TerminateReason,
};
use genserver::report::{Level, Report};
use genserver::{Letter, Never, Probe, Reason, sys};

use super::puppet::{
    Act, Ask, Begin, Double, End, Events, FLAVOURS, Flavour, Heard, Note, Puppet, Told, heard, new_manager, owner,
};

/// Why the handler goes.
#[derive(Clone, Debug)]
enum Cause {
    /// Somebody removes it.
    Removed,
    /// It answers an event so.
    Event(Act),
    /// It answers a question so.
    Call(Act),
    /// Somebody swaps it, for one that nobody owns.
    Swapped,
    /// The same, for one that is owned.
    SwappedOwned,
    /// The same, for one that refuses.
    SwappedRefused,
    OwnerEnded(Reason),
    Stop(Reason),
    Kill,
    /// Its init does this.
    Init(Begin),
    /// Its terminate panics when it is removed.
    RemovedWhilePanicking,
    /// Its terminate panics when it has failed.
    FailsWhilePanicking,
}

/// What came of it.
#[derive(Debug, PartialEq)]
struct Seen {
    /// What its terminate is told; nothing if that does not run.
    itself: Option<String>,
    /// What its owner is told.
    owner: Option<String>,
    /// What the process that asked for it gets.
    asked: String,
    reported: bool,
}

/// Asks the handler `a`, or for it.
async fn ask(manager: &Events, puppet: &genevent::HandlerRef<Puppet>, act: Act) -> String {
    match manager.call(puppet, |client| Ask::Do(act, client)).await {
        Ok(name) => format!("the answer of {name}"),
        Err(CallHandlerError::Failed { reason, .. }) => reason.to_string(),
        Err(other) => other.to_string(),
    }
}

async fn swap(
    manager: &Events,
    puppet: &genevent::HandlerRef<Puppet>,
    heir: Double,
    owner: Option<&Probe<Heard>>,
) -> String {
    let swap = manager.swap_handler(puppet, |_| heir).arg("args");
    let swap = if let Some(new) = owner { swap.owned_by(super::puppet::owner(new)) } else { swap };
    match swap.await {
        Ok(_) => "ok".to_owned(),
        Err(SwapHandlerError::Init { reason, .. }) => reason.to_string(),
        Err(other) => other.to_string(),
    }
}

async fn come(manager: &Events, cause: Cause, flavour: Flavour, hears: &Probe<Heard>, owns: &Probe<Heard>) -> String {
    let end = match cause {
        Cause::RemovedWhilePanicking | Cause::FailsWhilePanicking => End::Panic,
        _ => End::Quiet,
    };
    let begin = if let Cause::Init(begin) = &cause { begin.clone() } else { Begin::Run };
    let puppet = Puppet::new("a", hears).begin(begin).end(end);
    let puppet = match flavour.add(manager, puppet).owned_by(owner(owns)).await {
        Ok(puppet) => puppet,
        Err(AddHandlerError::Init { reason, .. }) => return reason.to_string(),
        Err(other) => panic!("{other}"),
    };
    let heir = Double::of("b", hears);
    let ok = "ok".to_owned();
    match cause {
        Cause::Removed | Cause::RemovedWhilePanicking => match manager.remove_handler(&puppet).arg("args").await {
            Ok(puppet) => format!("{} itself", puppet.name),
            Err(RemoveHandlerError::Terminate { reason, .. }) => reason.to_string(),
            Err(other) => other.to_string(),
        },
        Cause::Event(act) => {
            manager.sync_notify(Told::Do("a", act)).await.unwrap();
            ok
        }
        Cause::FailsWhilePanicking => {
            manager.sync_notify(Told::Do("a", Act::Fail(Reason::term("oops")))).await.unwrap();
            ok
        }
        Cause::Call(act) => ask(manager, &puppet, act).await,
        Cause::Swapped => swap(manager, &puppet, heir, None).await,
        Cause::SwappedOwned => swap(manager, &puppet, heir, Some(hears)).await,
        Cause::SwappedRefused => swap(manager, &puppet, heir.begin(Begin::Fail(Reason::term("no"))), Some(hears)).await,
        Cause::OwnerEnded(reason) => {
            owns.process_ref().exit(reason);
            manager.which_handlers().await.unwrap();
            ok
        }
        Cause::Stop(reason) => {
            manager.stop().reason(reason).await.unwrap();
            ok
        }
        Cause::Kill => {
            manager.server().kill();
            ok
        }
        Cause::Init(_) => ok,
    }
}

/// Brings it about that a handler goes, for each flavour of handler.
#[track_caller]
fn check(cause: &Cause, itself: Option<&str>, owner: Option<&str>, asked: &str, reported: bool) {
    let expected =
        Seen { itself: itself.map(str::to_owned), owner: owner.map(str::to_owned), asked: asked.to_owned(), reported };
    for flavour in FLAVOURS {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let seen = runtime.block_on(go(cause.clone(), flavour));
        assert_eq!(seen, expected, "{flavour:?}, {cause:?}");
    }
}

async fn go(cause: Cause, flavour: Flavour) -> Seen {
    let (start, mut hears, node) = new_manager();
    let manager = start.await.unwrap();
    let mut reports = node.reports();
    let mut owns = Probe::on(&node);
    let asked = come(&manager, cause, flavour, &hears, &owns).await;
    let lines = heard(&mut hears);
    let itself: Vec<_> = lines.iter().filter_map(|line| line.strip_prefix("a goes: ")).collect();
    assert!(itself.len() <= 1, "it goes once: {lines:?}");
    let told = heard(&mut owns);
    assert!(told.len() <= 1, "its owner is told once: {told:?}");
    let failures = std::iter::from_fn(|| reports.try_next());
    let failures = failures.filter(|report| matches!(report, Report::Custom(_)) && report.level() == Level::Error);
    Seen {
        itself: itself.first().map(|line| (*line).to_owned()),
        owner: told.first().map(|line| line.trim_start_matches("Puppet has gone: ").to_owned()),
        asked,
        reported: failures.count() == 1,
    }
}

fn oops() -> Act {
    Act::Fail(Reason::term("oops"))
}

#[test]
fn removed_by_somebody() {
    check(&Cause::Removed, Some("removed args"), Some("normal"), "a itself", false);
}

#[test]
fn leaves_after_an_event() {
    check(&Cause::Event(Act::Leave), Some("left"), Some("normal"), "ok", false);
}

#[test]
fn leaves_with_an_answer() {
    check(&Cause::Call(Act::Leave), Some("left"), Some("normal"), "the answer of a", false);
}

#[test]
fn swapped_for_one_that_nobody_owns() {
    check(&Cause::Swapped, Some("swapped args"), Some("swapped by Double"), "ok", false);
}

#[test]
fn swapped_for_one_that_is_owned() {
    check(&Cause::SwappedOwned, Some("swapped args"), Some("swapped by Double, owned"), "ok", false);
}

#[test]
fn swapped_for_one_that_refuses() {
    check(&Cause::SwappedRefused, Some("swapped args"), Some("swapped by Double, owned"), "no", false);
}

#[test]
fn panics_at_an_event() {
    let why = "panicked: a has had enough";
    check(&Cause::Event(Act::Panic), Some(&format!("failed, {why}")), Some(&format!("failed, {why}")), "ok", true);
}

#[test]
fn panics_at_a_question() {
    let why = "panicked: a has had enough";
    check(&Cause::Call(Act::Panic), Some(&format!("failed, {why}")), Some(&format!("failed, {why}")), why, true);
}

#[test]
fn fails_at_an_event() {
    check(&Cause::Event(oops()), Some("failed, oops"), Some("failed, oops"), "ok", true);
}

#[test]
fn fails_at_a_question() {
    check(&Cause::Call(oops()), Some("failed, oops"), Some("failed, oops"), "oops", true);
}

#[test]
fn fails_with_what_is_not_a_failure() {
    for reason in [Reason::Normal, Reason::Shutdown] {
        let told = format!("failed, {reason}");
        check(&Cause::Event(Act::Fail(reason.clone())), Some(&told), Some(&told), "ok", false);
        check(&Cause::Call(Act::Fail(reason.clone())), Some(&told), Some(&told), &reason.to_string(), false);
    }
}

#[test]
fn loses_its_owner() {
    // What is sent to the dead is not heard.
    check(&Cause::OwnerEnded(Reason::term("own")), Some("its owner ended, own"), None, "ok", false);
    check(&Cause::OwnerEnded(Reason::Kill), Some("its owner ended, killed"), None, "ok", false);
}

#[test]
fn stops_with_the_manager() {
    for reason in [Reason::Normal, Reason::Shutdown, Reason::term("boom")] {
        check(&Cause::Stop(reason), Some("stop"), Some("shutdown"), "ok", false);
    }
}

#[test]
fn is_killed_with_the_manager() {
    check(&Cause::Kill, None, None, "ok", false);
}

#[test]
fn refuses_to_begin() {
    check(&Cause::Init(Begin::Fail(Reason::term("no"))), None, None, "no", false);
    check(&Cause::Init(Begin::Panic), None, None, "panicked: a cannot begin", false);
}

#[test]
fn panics_in_its_terminate() {
    let why = "panicked: a cannot end";
    check(&Cause::RemovedWhilePanicking, Some("removed args"), Some("normal"), why, false);
    // The first reason is the one that is told, and reported once.
    check(&Cause::FailsWhilePanicking, Some("failed, oops"), Some("failed, oops"), "ok", true);
}

#[tokio::test]
async fn a_panic_reaches_terminate_with_the_state_as_it_was() {
    for flavour in FLAVOURS {
        let (start, hears, node) = new_manager();
        let manager = start.await.unwrap();
        let mut reports = node.reports();
        flavour.add(&manager, Puppet::new("a", &hears)).await.unwrap();
        manager.notify(Told::Number(1)).unwrap();
        manager.sync_notify(Told::Do("a", Act::Panic)).await.unwrap();
        let Some(Report::Custom(told)) = reports.try_next() else { panic!("it is reported") };
        assert_eq!(told.detail("state"), Some("a has seen [1]"));
    }
}

/// A handler whose callbacks are not `async fn`s: they do something before they return a future.
struct Hasty;

struct Hurry(#[expect(dead_code, reason = "nobody answers")] HandlerCaller<()>);

impl AsyncHandler<Told, Note> for Hasty {
    type Call = Hurry;

    fn init(&mut self, _cx: &mut HandlerCx<Told, Note>) -> impl Future<Output = Result<(), Reason>> + Send {
        ready(Ok(()))
    }

    fn handle_event(
        &mut self,
        event: &Told,
        _cx: &mut HandlerCx<Told, Note>,
    ) -> impl Future<Output = Reaction<Told, Note>> + Send {
        assert!(!matches!(event, Told::Number(1)), "too hasty");
        ready(React::stay())
    }

    fn handle_call(
        &mut self,
        _call: Hurry,
        _cx: &mut HandlerCx<Told, Note>,
    ) -> impl Future<Output = Reaction<Told, Note>> + Send {
        panic!("too hasty");
        #[expect(unreachable_code, reason = "it says what the future would be")]
        ready(React::stay())
    }

    fn handle_info(
        &mut self,
        _info: &Note,
        _cx: &mut HandlerCx<Told, Note>,
    ) -> impl Future<Output = Reaction<Told, Note>> + Send {
        panic!("too hasty");
        #[expect(unreachable_code, reason = "it says what the future would be")]
        ready(React::stay())
    }

    fn terminate(&mut self, _why: TerminateReason, _cx: &mut HandlerCx<Told, Note>) -> impl Future<Output = ()> + Send {
        panic!("too hasty");
        #[expect(unreachable_code, reason = "it says what the future would be")]
        ready(())
    }
}

#[tokio::test]
async fn a_panic_before_there_is_a_future_is_a_panic_of_the_handler() {
    let (start, mut hears, _node) = new_manager();
    let manager = start.await.unwrap();
    manager.add_handler(Puppet::new("a", &hears)).await.unwrap();
    for way in ["event", "info", "call"] {
        let hasty = manager.add_async_handler(Hasty).await.unwrap();
        match way {
            "event" => manager.sync_notify(Told::Number(1)).await.unwrap(),
            "info" => manager.send(Note::Told(Told::Number(2))).unwrap(),
            _ => drop(manager.call_async_handler(&hasty, Hurry).await.unwrap_err()),
        }
        assert_eq!(super::puppet::which(&manager).await, ["Puppet"], "{way}");
    }
    assert_eq!(heard(&mut hears), ["a begins", "a sees 1", "a sees 2"]);
}

#[tokio::test]
async fn a_handler_whose_drop_panics_harms_nobody() {
    for flavour in FLAVOURS {
        let (start, mut hears, node) = new_manager();
        let manager = start.await.unwrap();
        let healthy = manager.add_handler(Double::of("healthy", &hears)).await.unwrap();
        let fragile = || Puppet::new("a", &hears).end(End::PanicInDrop);
        for act in [Act::Leave, Act::Panic, oops()] {
            flavour.add(&manager, fragile()).await.unwrap();
            manager.sync_notify(Told::Do("a", act)).await.unwrap();
        }
        let dying = Probe::<Heard>::on(&node);
        flavour.add(&manager, fragile()).owned_by(owner(&dying)).await.unwrap();
        drop(dying);
        let swap = Act::Swap(flavour.heir(Puppet::new("a", &hears)));
        flavour.add(&manager, fragile()).await.unwrap();
        manager.sync_notify(Told::Do("a", swap)).await.unwrap();
        manager.sync_notify(Told::Do("a", Act::Leave)).await.unwrap();

        // Somebody asks for it, and does not wait for it.
        let puppet = flavour.add(&manager, fragile()).await.unwrap();
        sys::suspend(manager.server()).await.unwrap();
        let mut forgotten = manager.remove_handler(&puppet).into_future();
        assert!(futures::poll!(&mut forgotten).is_pending());
        drop(forgotten);
        sys::resume(manager.server()).await.unwrap();

        assert_eq!(super::puppet::which(&manager).await, ["Double"]);
        assert_eq!(manager.call(&healthy, Ask::Name).await.unwrap(), "healthy");
        flavour.add(&manager, fragile()).await.unwrap();
        heard(&mut hears);
        manager.stop().await.unwrap();
        assert_eq!(heard(&mut hears), ["a goes: stop", "healthy goes: stop"]);
    }
}

/// Awaits nothing.
struct Prompt;

impl AsyncHandler<Option<Reason>> for Prompt {
    type Call = Never;

    async fn handle_event(
        &mut self,
        event: &Option<Reason>,
        _cx: &mut HandlerCx<Option<Reason>>,
    ) -> Reaction<Option<Reason>> {
        match event {
            None => React::leave(),
            Some(reason) => Err(reason.clone()),
        }
    }
}

#[tokio::test]
async fn a_handler_that_could_await_may_go_at_once() {
    let boom = Reason::term("boom");
    for (event, why) in [(None, GoneReason::Normal), (Some(boom.clone()), GoneReason::Failed(boom))] {
        let mut owner = Probe::new();
        let manager = Manager::start().await.unwrap();
        manager.add_async_handler(Prompt).owned_by(owner.sender()).await.unwrap();
        manager.sync_notify(event).await.unwrap();
        let told: Option<Letter<HandlerGone>> = owner.try_recv();
        assert!(matches!(told, Some(Letter::Message(gone)) if gone.why == why));
    }
}
