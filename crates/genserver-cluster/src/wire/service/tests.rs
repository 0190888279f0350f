//! A server that is asked in bytes.

use std::time::Duration;

use bytes::Bytes;
use genserver::{Reason, ServerRef, start, time};
use proptest::prelude::*;
use serde::Serialize;

use crate::engine::Revision;
use crate::wire::FORMAT;
use crate::wire::answer::{Answer, Problem};
use crate::wire::body::decode;
use crate::wire::desk::{Add, AskStubborn, Desk, Forget, How, PanicsInLocal, Sum, Text, Wait};
use crate::wire::envelope::{Kind, RequestHeader, encode};
use crate::wire::reason::WireReason;
use crate::wire::service::{Handed, Service};

const BOUND: usize = 4 << 10;
const FENCE: Revision = Revision(7);
const SECOND: Duration = Duration::from_secs(1);

const HEADER: RequestHeader<'static> = RequestHeader {
    server: "test.desk",
    version: 3,
    message: "",
    fence: None,
    left: None,
    traceparent: None,
    tracestate: None,
};

/// A request as another member makes it.
fn request<M: Serialize>(kind: Kind, header: &RequestHeader<'_>, message: &M) -> Bytes {
    encode(kind, header, message, BOUND).unwrap()
}

fn call<M: Serialize>(name: &str, message: &M) -> Bytes {
    request(Kind::Call, &RequestHeader { message: name, ..HEADER }, message)
}

async fn desk() -> (ServerRef<Desk>, Service<Desk>) {
    let server = start::<Desk>(()).await.unwrap();
    (server.clone(), Service::new(server, FENCE, BOUND))
}

/// What the service answers to a request that is not a cast.
async fn answered(service: &Service<Desk>, request: &Bytes) -> Result<Bytes, Problem> {
    let Handed::Call(answer) = service.hand(request, time::now()) else { panic!("it was a cast") };
    let answer = Answer::read(&answer.await, BOUND).unwrap();
    assert_eq!(answer.fence, FENCE);
    answer.result
}

async fn refused(service: &Service<Desk>, request: &Bytes) -> Problem {
    answered(service, request).await.unwrap_err()
}

#[tokio::test]
async fn a_call_is_answered_and_a_cast_is_handed_over() {
    let (_desk, service) = desk().await;
    let add = request(Kind::Cast, &RequestHeader { message: "add", ..HEADER }, &Add::new(5));
    assert!(matches!(service.hand(&add, time::now()), Handed::Cast));
    let sum = answered(&service, &call("sum", &Sum)).await.unwrap();
    assert_eq!(decode::<i64>(&sum), Ok(5));
}

#[tokio::test]
async fn requests_reach_the_server_in_the_order_in_which_they_are_handed_over() {
    let (_desk, service) = desk().await;
    let now = time::now();
    let Handed::Call(before) = service.hand(&call("sum", &Sum), now) else { unreachable!() };
    service.hand(&request(Kind::Cast, &RequestHeader { message: "add", ..HEADER }, &Add::new(5)), now);
    let Handed::Call(after) = service.hand(&call("sum", &Sum), now) else { unreachable!() };
    // The answers are not waited for in that order.
    let number = |bytes: Bytes| decode::<i64>(&Answer::read(&bytes, BOUND).unwrap().result.unwrap()).unwrap();
    assert_eq!(number(after.await), 5);
    assert_eq!(number(before.await), 0);
}

#[tokio::test]
async fn every_end_travels_as_its_reason() {
    for how in How::ALL {
        let (_desk, service) = desk().await;
        let problem = refused(&service, &call("end", &how)).await;
        let Problem::Exit(reason) = problem else { panic!("{problem:?}") };
        let (there, here) = (how.reason(), Reason::from(reason));
        assert_eq!(here.to_string(), there.to_string());
        assert_eq!(here.is_normal_set(), there.is_normal_set());
        assert_eq!(std::mem::discriminant(&here), std::mem::discriminant(&there));
        assert_eq!(refused(&service, &call("sum", &Sum)).await, Problem::NoProc);
    }
}

#[tokio::test]
async fn a_kill_travels_too() {
    let (desk, service) = desk().await;
    let Handed::Call(answer) = service.hand(&call("wait", &Wait), time::now()) else { unreachable!() };
    desk.kill();
    let problem = Answer::read(&answer.await, BOUND).unwrap().result.unwrap_err();
    assert_eq!(problem, Problem::Exit(WireReason::from(&Reason::Killed)));
}

#[tokio::test]
async fn a_dropped_caller_is_told() {
    let (_desk, service) = desk().await;
    assert_eq!(refused(&service, &call("forget", &Forget)).await, Problem::NoReply);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_time_is_up_is_not_handed_over() {
    let (desk, service) = desk().await;
    let header = RequestHeader { message: "end", left: Some(1_000), ..HEADER };
    let came = time::now();
    tokio::time::advance(SECOND).await;
    let Handed::Call(answer) = service.hand(&request(Kind::Call, &header, &How::Normal), came) else { unreachable!() };
    assert_eq!(Answer::read(&answer.await, BOUND).unwrap().result, Err(Problem::Timeout));
    assert!(desk.is_alive());
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_as_long_as_its_caller() {
    let (_desk, service) = desk().await;
    let header = RequestHeader { message: "wait", left: Some(1_000), ..HEADER };
    let asked = time::now();
    assert_eq!(refused(&service, &request(Kind::Call, &header, &Wait)).await, Problem::Timeout);
    assert_eq!(time::now() - asked, SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_space_in_a_full_mailbox() {
    let server = start::<Desk>(()).mailbox(1).await.unwrap();
    let service = Service::new(server.clone(), FENCE, BOUND);
    server.cast(Add::new(1)).unwrap();
    assert_eq!(decode(&answered(&service, &call("sum", &Sum)).await.unwrap()), Ok(1));

    genserver::sys::suspend(&server).await.unwrap();
    while server.cast(Add::new(1)).is_ok() {}
    let header = RequestHeader { message: "sum", left: Some(1_000), ..HEADER };
    assert_eq!(refused(&service, &request(Kind::Call, &header, &Sum)).await, Problem::Overloaded);
    let add = request(Kind::Cast, &RequestHeader { message: "add", ..HEADER }, &Add::new(5));
    let Handed::Dropped(why) = service.hand(&add, time::now()) else { panic!("there is no space") };
    assert!(why.to_string().contains("is full"), "{why}");
}

#[tokio::test]
async fn what_is_not_for_this_server_is_refused_with_what_is_there() {
    let (_desk, service) = desk().await;
    let there = || Problem::OtherServer { server: "test.desk".into(), version: 3 };
    let with = |header: RequestHeader<'_>| request(Kind::Call, &header, &Sum);
    assert_eq!(refused(&service, &with(RequestHeader { version: 2, message: "sum", ..HEADER })).await, there());
    assert_eq!(
        refused(&service, &with(RequestHeader { server: "test.chair", message: "sum", ..HEADER })).await,
        there()
    );
    let unknown = Problem::UnknownMessage { version: 3 };
    assert_eq!(refused(&service, &call("product", &Sum)).await, unknown);
    assert_eq!(refused(&service, &call("add", &Add::new(1))).await, unknown, "a cast is not a call");
    let mut other_format = call("sum", &Sum).to_vec();
    other_format[0] = FORMAT + 1;
    assert_eq!(refused(&service, &other_format.into()).await, Problem::OtherFormat { known: FORMAT });
}

#[tokio::test]
async fn a_cast_that_is_dropped_says_what_was_sent_and_what_is_there() {
    let (_desk, service) = desk().await;
    let dropped = |header: RequestHeader<'_>, body: &str| {
        let Handed::Dropped(why) = service.hand(&request(Kind::Cast, &header, &body), time::now()) else { panic!() };
        why.to_string()
    };
    let text = dropped(RequestHeader { version: 2, message: "add", ..HEADER }, "");
    assert!(text.contains(r#""add" of "test.desk" 2: "#) && text.contains("here is test.desk 3"), "{text}");
    let text = dropped(RequestHeader { message: "subtract", ..HEADER }, "");
    assert!(text.contains(r#""subtract""#) && text.contains("version 3 of the server knows no such"), "{text}");
    let text = dropped(RequestHeader { message: "add", ..HEADER }, "five");
    assert!(text.contains(r#""add""#) && text.contains("five"), "{text}");
}

#[tokio::test]
async fn a_request_for_another_owner_is_refused() {
    let (_desk, service) = desk().await;
    assert!(answered(&service, &call_to(7)).await.is_ok());
    assert_eq!(refused(&service, &call_to(6)).await, Problem::OtherOwner);
}

fn call_to(fence: u64) -> Bytes {
    request(Kind::Call, &RequestHeader { message: "sum", fence: Some(fence), ..HEADER }, &Sum)
}

#[tokio::test]
async fn a_message_of_another_shape_is_refused_and_a_known_one_may_have_new_fields() {
    let (_desk, service) = desk().await;
    let problem = refused(&service, &call("text", &"seven")).await;
    assert!(matches!(&problem, Problem::Undecodable { version: 3, text } if text.contains("seven")), "{problem:?}");
    let text = answered(&service, &call("text", &map_of(&[("length", 2), ("added", 1)]))).await.unwrap();
    assert_eq!(decode(&text), Ok("xx".to_owned()));
    let old = request(Kind::Cast, &RequestHeader { message: "add", ..HEADER }, &map_of(&[("amount", 2)]));
    assert!(matches!(service.hand(&old, time::now()), Handed::Cast));
}

/// A struct with these fields.
fn map_of(fields: &[(&'static str, u8)]) -> std::collections::BTreeMap<&'static str, u8> {
    fields.iter().copied().collect()
}

#[tokio::test]
async fn code_of_a_message_that_panics_is_refused_and_harms_nobody() {
    let (desk, service) = desk().await;
    let problem = refused(&service, &call("panics_in_read", &())).await;
    assert!(matches!(&problem, Problem::Undecodable { text, .. } if text.contains("read badly")), "{problem:?}");
    let problem = refused(&service, &call("panics_in_local", &PanicsInLocal)).await;
    assert!(matches!(&problem, Problem::Undecodable { text, .. } if text.contains("made badly")), "{problem:?}");
    assert!(desk.is_alive());
}

#[tokio::test]
async fn a_reply_that_cannot_travel_is_a_problem_that_says_why() {
    let (_desk, service) = desk().await;
    let problem = refused(&service, &call("text", &Text { length: 2 * BOUND })).await;
    let Problem::ReplyTooLarge { size, bound } = problem else { panic!("{problem:?}") };
    assert!(size > 2 * bound, "{size} {bound}");
    let problem = refused(&service, &call("stubborn", &AskStubborn)).await;
    assert_eq!(problem, Problem::ReplyUnencodable { text: "it does not want to".into() });
}

#[tokio::test]
async fn a_request_that_is_too_large_is_not_decoded() {
    let (_desk, service) = desk().await;
    let large = encode(Kind::Call, &HEADER, &"x".repeat(BOUND), 2 * BOUND).unwrap();
    let problem = refused(&service, &large).await;
    assert!(matches!(&problem, Problem::BadRequest { text } if text.contains("4096")), "{problem:?}");
}

/// Bytes that are a request, or nearly.
fn requests() -> impl Strategy<Value = Vec<u8>> {
    let valid = prop_oneof![
        Just(call("sum", &Sum)),
        Just(call("text", &Text { length: 3 })),
        Just(call("panics_in_read", &())),
        Just(call("panics_in_local", &())),
        Just(call("stubborn", &AskStubborn)),
        Just(call("forget", &Forget)),
        Just(request(Kind::Cast, &RequestHeader { message: "add", ..HEADER }, &Add::new(0))),
        Just(call("text", &vec!["x"; 9])),
    ];
    let changed = (valid, prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), 0..4_usize);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        changed.prop_map(|(bytes, changes, cut)| {
            let mut bytes = bytes.to_vec();
            for (at, byte) in changes {
                *at.get_mut(&mut bytes) = byte;
            }
            bytes.truncate(bytes.len() - cut);
            bytes
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn no_bytes_harm_a_server(requests in prop::collection::vec(requests(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (desk, service) = desk().await;
            for bytes in requests {
                if let Handed::Call(answer) = service.hand(&bytes.into(), time::now()) {
                    // A change of bytes may turn a request into one that nobody answers.
                    if let Ok(answer) = time::timeout(SECOND, answer).await {
                        Answer::read(&answer, BOUND).expect("what is answered can be read");
                    }
                }
                assert!(desk.is_alive());
            }
            assert!(answered(&service, &call("sum", &Sum)).await.is_ok());
        });
    }
}
