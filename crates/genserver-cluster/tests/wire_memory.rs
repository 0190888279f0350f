//! What it takes to read a message: never more than a few times its bytes, whatever they claim.
//!
//! A program of its own, because it counts what the whole program allocates; and so the files of the format are compiled here again.
#![expect(clippy::unwrap_used, reason = "a test fails with its helper")]
#![expect(dead_code, unreachable_pub, reason = "only what reads is used here")]

use std::alloc::System;
use std::hint::black_box;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use wire::answer::Answer;
use wire::body::decode;
use wire::envelope::{Envelope, RequestHeader};
use wire::reason::decode_reason;

mod engine {
    /// Stands for that of the crate.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Revision(pub u64);
}

#[path = "../src/traces"]
mod traces {
    mod fields;

    pub(crate) use fields::TraceFields;
}

#[path = "../src/wire"]
mod wire {
    pub mod answer;
    pub mod body;
    pub mod check;
    pub mod envelope;
    pub mod reason;

    pub const FORMAT: u8 = 1;
}

#[global_allocator]
static ALLOCATED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const BOUND: usize = 1 << 20;

/// Beside four times the bytes: the words of an error, and the few bytes of a reason.
const WORDS: usize = 2 << 10;

/// How many bytes a run allocates, with those that it frees again.
fn allocated(run: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATED);
    run();
    region.change().bytes_allocated
}

#[track_caller]
fn check(bytes: &Bytes) {
    let most = 4 * bytes.len() + WORDS;
    let read = |what: &str, run: &dyn Fn()| {
        let took = allocated(run);
        assert!(took <= most, "{what} took {took} bytes for {}: {:?}", bytes.len(), bytes.slice(..bytes.len().min(64)));
    };
    read("a request", &|| {
        let header =
            Envelope::read(bytes, BOUND).and_then(|envelope| envelope.header::<RequestHeader<'_>>().map(|_| ()));
        drop(black_box(header));
    });
    read("an answer", &|| drop(black_box(Answer::read(bytes, BOUND))));
    read("a reason", &|| drop(black_box(decode_reason(bytes))));
    read("a list of bytes", &|| drop(black_box(decode::<Vec<u8>>(bytes))));
    read("a text", &|| drop(black_box(decode::<String>(bytes))));
}

/// A message of this kind, with a header and a body of any bytes.
fn message(kind: u8, header: &[u8], body: &[u8]) -> Bytes {
    let length = u16::try_from(header.len()).unwrap().to_be_bytes();
    [&[1, kind], &length[..], header, body].concat().into()
}

/// One test, because what another allocates would be counted.
#[test]
fn reading_a_message_takes_no_more_than_four_times_its_bytes() {
    // Lists that claim everything, also in each other.
    for claim in [0xdd_u8, 0xdf, 0xdb, 0xc6, 0xc9] {
        let claims = [claim, 0xff, 0xff, 0xff, 0xff].repeat(60);
        check(&claims.clone().into());
        for kind in 1..=5 {
            check(&message(kind, &claims, &[]));
            check(&message(kind, &[0x81, 0xa5, b'f', b'e', b'n', b'c', b'e', 7], &claims));
        }
    }
    // Texts and names as long as a message can be.
    let text = [&[0xdb, 0, 0x0f, 0, 0][..], &vec![b'x'; 0x0f_0000]].concat();
    check(&text.clone().into());
    for kind in 1..=5 {
        check(&message(kind, &[0x81, 0xa5, b'f', b'e', b'n', b'c', b'e', 7], &text));
        // A variant with that name; a reason with that text.
        let key = |name: &[u8]| [&[0x81, 0xa0 | u8::try_from(name.len()).unwrap()], name, &text[..]].concat();
        check(&message(kind, &[0x81, 0xa5, b'f', b'e', b'n', b'c', b'e', 7], &key(b"kind")));
        check(&message(kind, &[0x80], &key(b"kind")));
    }

    let mut runner = TestRunner::deterministic();
    for _ in 0..2_000 {
        let bytes = prop::collection::vec(any::<u8>(), 0..300).new_tree(&mut runner).unwrap().current();
        let kind = any::<u8>().new_tree(&mut runner).unwrap().current() % 6;
        check(&bytes.clone().into());
        check(&message(kind, &[0x81, 0xa5, b'f', b'e', b'n', b'c', b'e', 7], &bytes));
        check(&message(kind, &bytes, &[]));
    }
}
