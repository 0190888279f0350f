//! Messages out and in, and bytes that are none.

use bytes::Bytes;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::{AnswerHeader, Envelope, FIXED, Kind, NoHeader, NotAMessage, RequestHeader, encode};
use crate::wire::FORMAT;
use crate::wire::body::{EncodeError, decode};

const BOUND: usize = 4 << 10;

const HEADER: RequestHeader<'static> = RequestHeader {
    server: "s",
    version: 2,
    message: "m",
    fence: None,
    left: None,
    traceparent: None,
    tracestate: None,
};

fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![Kind::Call, Kind::Cast, Kind::Reply, Kind::Problem, Kind::End])
}

proptest! {
    #[test]
    fn a_request_comes_in_as_it_went_out(
        kind in kinds(), server in ".{1,40}", version: u32, message in ".{1,40}",
        fence: Option<u64>, left: Option<u64>, trace: Option<(String, String)>, body: Vec<Option<(i64, String)>>,
    ) {
        let (traceparent, tracestate) = trace.as_ref().map(|(parent, state)| (&**parent, &**state)).unzip();
        let header = RequestHeader { server: &server, version, message: &message, fence, left, traceparent, tracestate };
        let bytes = encode(kind, &header, &body, 1 << 20).unwrap();
        let envelope = Envelope::read(&bytes, bytes.len()).unwrap();
        prop_assert_eq!(envelope.kind, kind);
        prop_assert_eq!(envelope.header::<RequestHeader<'_>>(), Ok(header));
        prop_assert_eq!(decode(&envelope.body), Ok(body));
        let too_large = NotAMessage::TooLarge { size: bytes.len(), bound: bytes.len() - 1 };
        prop_assert_eq!(Envelope::read(&bytes, bytes.len() - 1), Err(too_large));
    }

    #[test]
    fn a_message_of_the_size_of_the_bound_is_written_and_no_larger_one(length in 0..BOUND) {
        let size = encode(Kind::Reply, &AnswerHeader { fence: 1 }, &"x".repeat(length), usize::MAX).unwrap().len();
        let write = |bound| encode(Kind::Reply, &AnswerHeader { fence: 1 }, &"x".repeat(length), bound);
        prop_assert!(write(size).is_ok());
        prop_assert_eq!(write(size - 1), Err(EncodeError::TooLarge { size, bound: size - 1 }));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, kind in 0..7_u8) {
        let _ = Envelope::read(&bytes.clone().into(), BOUND);
        let framed: Bytes = [&[FORMAT, kind][..], &bytes].concat().into();
        if let Ok(envelope) = Envelope::read(&framed, BOUND) {
            let _ = envelope.header::<RequestHeader<'_>>();
            let _ = envelope.header::<AnswerHeader>();
            let _ = decode::<Vec<String>>(&envelope.body);
        }
    }

    #[test]
    fn a_message_that_is_cut_off_is_damaged(at in 0..1_000_usize) {
        let header = RequestHeader { fence: Some(1), ..HEADER };
        let bytes = encode(Kind::Call, &header, &vec!["x"; 300], BOUND).unwrap();
        let cut = bytes.slice(..at.min(bytes.len() - 1));
        if let Ok(envelope) = Envelope::read(&cut, BOUND) {
            prop_assert!(decode::<Vec<String>>(&envelope.body).is_err());
        }
    }
}

#[test]
fn a_header_may_have_fields_that_this_build_does_not_know() {
    #[derive(Serialize)]
    struct Newer {
        added: Vec<u8>,
        fence: u64,
    }
    let bytes = encode(Kind::Reply, &Newer { added: vec![1, 2], fence: 7 }, &(), BOUND).unwrap();
    assert_eq!(Envelope::read(&bytes, BOUND).unwrap().header(), Ok(AnswerHeader { fence: 7 }));
}

/// The header of a call in a build that knows nothing of traces.
#[derive(PartialEq, Debug, Serialize, Deserialize)]
struct OlderHeader<'a> {
    server: &'a str,
    version: u32,
    message: &'a str,
    left: Option<u64>,
}

#[test]
fn members_that_know_traces_and_members_that_do_not_read_each_other() {
    let older = OlderHeader { server: "s", version: 2, message: "m", left: Some(9) };
    let known = RequestHeader { left: Some(9), ..HEADER };
    let traced = RequestHeader { traceparent: Some("00-1-2-01"), tracestate: Some("a=1"), ..known };
    let from_newer = encode(Kind::Call, &traced, &5, BOUND).unwrap();
    assert_eq!(Envelope::read(&from_newer, BOUND).unwrap().header(), Ok(older));
    let older = OlderHeader { server: "s", version: 2, message: "m", left: Some(9) };
    let from_older = encode(Kind::Call, &older, &5, BOUND).unwrap();
    assert_eq!(Envelope::read(&from_older, BOUND).unwrap().header(), Ok(known));
}

#[test]
fn the_format_is_the_one_on_its_page() {
    let header = RequestHeader { left: Some(9), ..HEADER };
    let bytes = encode(Kind::Call, &header, &5, BOUND).unwrap();
    let fields = b"\x84\xa6server\xa1s\xa7version\x02\xa7message\xa1m\xa4left\x09";
    assert_eq!(bytes, [&[FORMAT, 1, 0, 35][..], fields, &[5]].concat());
    let header = RequestHeader { traceparent: Some("p"), tracestate: Some("t"), ..header };
    let bytes = encode(Kind::Cast, &RequestHeader { left: None, ..header }, &5, BOUND).unwrap();
    let fields = b"\x85\xa6server\xa1s\xa7version\x02\xa7message\xa1m\xabtraceparent\xa1p\xaatracestate\xa1t";
    assert_eq!(bytes, [&[FORMAT, 2, 0, 56][..], fields, &[5]].concat());
    let bytes = encode(Kind::End, &NoHeader {}, &(), BOUND).unwrap();
    assert_eq!(bytes, vec![FORMAT, 5, 0, 1, 0x80, 0xc0]);
    assert_eq!(FIXED, 4);
}

#[test]
fn another_format_is_named() {
    let error = Envelope::read(&vec![9, 1, 2].into(), BOUND).unwrap_err();
    assert_eq!(error.to_string(), "it is in format 9, and this build knows format 1");
}

#[test]
fn a_value_that_is_nested_too_deep_is_an_error_of_its_sender() {
    #[derive(Serialize)]
    struct Chain(Option<Box<Self>>, ());
    let deep = (0..100).fold(Chain(None, ()), |chain, _| Chain(Some(Box::new(chain)), ()));
    let EncodeError::Failed(why) = encode(Kind::Call, &NoHeader {}, &deep, BOUND).unwrap_err() else { unreachable!() };
    assert!(why.contains("64 deep"), "{why}");
}
