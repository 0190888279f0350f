//! References to a server behind an engine that does what a test says.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, Probe, Reason, ServerRef, spawn, start, time};

use crate::engine::{EngineError, RequestError, Revision};
use crate::remote::RemoteRef;
use crate::remote::call::RemoteCallError;
use crate::remote::not_sent::NotSent;
use crate::space::MESSAGE_MAX;
use crate::wire::desk::{Add, AskStubborn, Desk, Forget, How, Sum, Text, Unlisted, Wait};
use crate::wire::messages::{Clustered, Messages, Remote};
use crate::wire::{FORMAT, Handed, Service};

// Calls over a model of an engine.
mod simulated;
// An engine that does what a test says.
mod script;

use script::Script;

const FENCE: Revision = Revision(7);
const SECOND: Duration = Duration::from_secs(1);

fn remote<S: Clustered>(script: &Arc<Script>) -> RemoteRef<S> {
    RemoteRef::new(script.space(), "desk-1".into())
}

/// A desk, and a reference to it from another machine.
async fn served() -> (ServerRef<Desk>, RemoteRef<Desk>) {
    let desk = start::<Desk>(()).await.unwrap();
    let service = Service::new(desk.clone(), FENCE, MESSAGE_MAX);
    (desk, remote(&Arc::new(Script::served_by(service))))
}

/// What a call fails with when requests are answered so.
async fn fails_by(answer: Result<Bytes, RequestError>) -> RemoteCallError {
    remote::<Desk>(&Arc::new(Script::always(answer))).call(Sum).await.unwrap_err()
}

/// The error says this, and whether the call may have been carried out.
#[track_caller]
fn check(error: &RemoteCallError, says: &str, may_have_been_carried_out: bool) {
    let text = error.to_string();
    assert!(text.contains("desk-1") && text.contains(says), "{text}");
    assert_eq!(error.may_have_been_carried_out(), may_have_been_carried_out, "{text}");
    assert_eq!(error.name(), "desk-1");
}

#[tokio::test]
async fn a_call_is_answered_by_the_server_with_the_name() {
    let (desk, remote) = served().await;
    desk.cast(Add::new(5)).unwrap();
    assert_eq!(remote.call(Sum).await, Ok(5));
    assert_eq!(remote.clone().call(Text { length: 3 }).timeout(SECOND).await, Ok("xxx".into()));
}

#[tokio::test]
async fn a_cast_is_published_where_the_calls_of_the_name_go() {
    let script = Arc::new(Script::always(Err(RequestError::NoResponders)));
    let remote = remote::<Desk>(&script);
    remote.cast(Add::new(5)).await.unwrap();
    let _ = remote.call(Sum).await;
    let (subject, payload) = script.published.lock().unwrap().pop().unwrap();
    assert_eq!(subject, *script.requested.lock().unwrap()[0]);

    let desk = start::<Desk>(()).await.unwrap();
    let service = Service::new(desk.clone(), FENCE, MESSAGE_MAX);
    assert!(matches!(service.hand(&payload, time::now()), Handed::Cast));
    assert_eq!(desk.call(crate::wire::desk::Call::Sum).await, Ok(5));
}

#[tokio::test]
async fn the_end_of_the_server_is_an_error_with_its_reason() {
    for how in How::ALL {
        let (_desk, remote) = served().await;
        let error = remote.call(how).await.unwrap_err();
        check(&error, &how.reason().to_string(), true);
        let RemoteCallError::Exit { reason, .. } = error else { panic!("{error:?}") };
        assert_eq!(reason.to_string(), how.reason().to_string());
        assert_eq!(std::mem::discriminant(&reason), std::mem::discriminant(&how.reason()));
        check(&remote.call(Sum).await.unwrap_err(), "not carried out", false);
    }
}

#[tokio::test(start_paused = true)]
async fn the_errors_of_a_call_on_one_machine_have_the_same_names_here() {
    let (desk, remote) = served().await;
    let error = remote.call(Forget).await.unwrap_err();
    assert_eq!(error, RemoteCallError::NoReply { name: "desk-1".into() });
    check(&error, "dropped the caller", true);

    let error = remote.call(Wait).timeout(SECOND).await.unwrap_err();
    assert_eq!(error, RemoteCallError::Timeout { name: "desk-1".into(), after: SECOND });
    check(&error, "within 1s", true);

    let waiting = remote.call(Wait);
    let killed = async {
        time::sleep(SECOND).await;
        desk.kill();
    };
    let (answer, ()) = futures::join!(waiting, killed);
    assert_eq!(answer, Err(RemoteCallError::Exit { name: "desk-1".into(), reason: Reason::Killed }));

    let error = remote.call(Sum).await.unwrap_err();
    assert_eq!(error, RemoteCallError::NoProc { name: "desk-1".into() });
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_five_seconds_unless_told_otherwise() {
    let remote = remote::<Desk>(&Arc::new(Script::with(|_request| std::future::pending().boxed())));
    let begun = time::now();
    assert!(matches!(remote.call(Sum).await, Err(RemoteCallError::Timeout { .. })));
    assert_eq!(time::now() - begun, genserver::CALL_TIMEOUT);
}

#[tokio::test]
async fn an_engine_that_does_not_answer_is_an_error_that_says_what_is_known() {
    check(&fails_by(Err(RequestError::NoResponders)).await, "no server named desk-1 is running", false);
    check(&fails_by(Err(RequestError::TimedOut)).await, "did not answer", true);
    let unreachable = EngineError::Unreachable("connection refused".into());
    check(&fails_by(Err(unreachable.into())).await, "connection refused", false);
    check(&fails_by(Err(EngineError::Unanswered.into())).await, "may have been done", true);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_an_error_that_says_why() {
    check(&fails_by(Ok(Bytes::new())).await, "it is empty", true);
    check(&fails_by(Ok(vec![FORMAT + 1, 3, 0, 0].into())).await, "format 2, and this build knows format 1", true);
    check(&fails_by(Ok(vec![FORMAT, 3, 0].into())).await, "ends too early", true);
    let end = crate::wire::encode_reason(&Reason::Normal);
    check(&fails_by(Ok(end)).await, "cannot be read", true);
}

#[tokio::test]
async fn a_reply_that_cannot_travel_is_an_error_that_says_why() {
    let (_desk, remote) = served().await;
    let error = remote.call(Text { length: 2 * MESSAGE_MAX }).await.unwrap_err();
    check(&error, "may have 1048576", true);
    let Err(error) = remote.call(AskStubborn).await else { panic!("it cannot be written") };
    check(&error, "it does not want to", true);
}

#[tokio::test]
async fn what_cannot_be_sent_is_not() {
    let script = Arc::new(Script::always(Err(RequestError::NoResponders)));
    let remote = remote::<Desk>(&script);
    let error = remote.call(Unlisted).await.unwrap_err();
    check(&error, "Unlisted", false);
    check(&error, "Clustered::messages", false);

    let note = "x".repeat(MESSAGE_MAX);
    let refused = remote.cast(Add { amount: 1, note: Some(note) }).await.unwrap_err();
    let NotSent::TooLarge { size, bound: MESSAGE_MAX } = refused.why else { panic!("{refused}") };
    assert!(size > MESSAGE_MAX);
    assert!(refused.to_string().contains(&size.to_string()) && refused.to_string().contains("1048576"), "{refused}");
    assert_eq!(refused.into_inner().amount, 1);
    assert!(script.published.lock().unwrap().is_empty() && script.requested.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_cast_that_the_engine_refuses_comes_back() {
    let mut script = Script::always(Err(RequestError::NoResponders));
    script.refuses = Some(EngineError::Unreachable("connection refused".into()));
    let refused = remote::<Desk>(&Arc::new(script)).cast(Add::new(5)).await.unwrap_err();
    assert!(refused.to_string().contains("connection refused"), "{refused}");
    assert_eq!(refused.message, Add::new(5));
}

#[tokio::test]
async fn a_pinned_reference_asks_one_owner_alone() {
    let (_desk, remote) = served().await;
    assert_eq!(remote.pinned(FENCE).call(Sum).await, Ok(0));
    let (wanted, found) = (Revision(6), FENCE);
    let error = remote.pinned(wanted).call(Sum).await.unwrap_err();
    assert_eq!(error, RemoteCallError::OtherOwner { name: "desk-1".into(), wanted, found });
    check(&error, "another owner (7, and 6 was asked)", false);
}

#[tokio::test]
async fn an_answer_of_another_owner_is_not_taken() {
    // It answers whatever the request says, as one that does not know of fences.
    let desk = start::<Desk>(()).await.unwrap();
    let service = Service::new(desk, FENCE, MESSAGE_MAX);
    let recorded = Arc::new(Script::always(Err(RequestError::NoResponders)));
    let _ = remote::<Desk>(&recorded).call(Sum).await;
    let unpinned = crate::wire::encode(
        crate::wire::Kind::Call,
        &crate::wire::RequestHeader {
            server: "test.desk",
            version: 3,
            message: "sum",
            fence: None,
            left: None,
            traceparent: None,
            tracestate: None,
        },
        &Sum,
        MESSAGE_MAX,
    );
    let Handed::Call(answer) = service.hand(&unpinned.unwrap(), time::now()) else { unreachable!() };
    let script = Arc::new(Script::always(Ok(answer.await)));
    let error = remote::<Desk>(&script).pinned(Revision(6)).call(Sum).await.unwrap_err();
    assert!(matches!(error, RemoteCallError::OtherOwner { found: FENCE, .. }), "{error}");
}

/// An older build of the desk, or a newer one.
struct Build<const VERSION: u32>;

/// A call that only this build has.
#[derive(serde::Serialize, serde::Deserialize)]
struct Product;

/// The text that was once asked for by a word.
#[derive(serde::Serialize, serde::Deserialize)]
struct Word(String);

impl<const VERSION: u32> GenServer for Build<VERSION> {
    type Args = ();
    type Call = Caller<i64>;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }

    async fn handle_call(&mut self, caller: Caller<i64>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, 0)
    }
}

impl<const VERSION: u32> Remote<Product> for Build<VERSION> {
    type Reply = i64;

    fn local(_product: Product, caller: Caller<i64>) -> Caller<i64> {
        caller
    }
}

impl<const VERSION: u32> Remote<Word> for Build<VERSION> {
    type Reply = i64;

    fn local(_word: Word, caller: Caller<i64>) -> Caller<i64> {
        caller
    }
}

impl<const VERSION: u32> Remote<Sum> for Build<VERSION> {
    type Reply = String;

    fn local(_sum: Sum, _caller: Caller<String>) -> Caller<i64> {
        unreachable!("no test has this server")
    }
}

impl<const VERSION: u32> Clustered for Build<VERSION> {
    fn messages() -> Messages<Self> {
        Messages::new("test.desk", VERSION).call::<Product>("product").call::<Word>("text").call::<Sum>("sum")
    }
}

#[tokio::test]
async fn builds_that_do_not_understand_each_other_say_so_with_both_names() {
    let desk = start::<Desk>(()).await.unwrap();
    let script = Arc::new(Script::served_by(Service::new(desk, FENCE, MESSAGE_MAX)));

    let error = remote::<Build<4>>(&script).call(Product).await.unwrap_err();
    check(&error, "`test.desk` in version 3, not `test.desk` in version 4", false);

    let error = remote::<Build<3>>(&script).call(Product).await.unwrap_err();
    check(&error, "`test.desk` in version 3, knows no call `product`", false);

    let error = remote::<Build<3>>(&script).call(Word("seven".into())).await.unwrap_err();
    check(&error, "`test.desk` in version 3, cannot read the call `text`", false);

    let error = remote::<Build<3>>(&script).call(Sum).await.unwrap_err();
    check(&error, "the reply to `sum` of `test.desk` in version 3", true);
}

#[tokio::test]
async fn a_process_that_has_to_end_does_not_go_on_after_its_call() {
    let went_on = Arc::new(AtomicBool::new(false));
    let script = Arc::new(Script::with(|_request| {
        genserver::current_process().unwrap().kill();
        std::future::ready(Err(RequestError::NoResponders)).boxed()
    }));
    let (noted, remote) = (Arc::clone(&went_on), remote::<Desk>(&script));
    let process = spawn(move |_me: Probe<()>| async move {
        let _ = remote.call(Sum).await;
        noted.store(true, Ordering::Relaxed);
    })
    .unwrap();
    assert_eq!(process.process_ref().ended().await, Reason::Killed);
    assert!(!went_on.load(Ordering::Relaxed));
}

/// A future that may go to another thread.
fn assert_send<T: Future + Send>(future: T) -> T {
    future
}

#[tokio::test]
async fn calls_and_casts_may_be_made_on_any_thread() {
    let (_desk, remote) = served().await;
    assert_eq!(assert_send(remote.call(Sum).timeout(SECOND)).await, Ok(0));
    assert!(assert_send(remote.cast(Add::new(1))).await.is_ok());
}
