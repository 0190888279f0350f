//! The answers are the same bytes however the input is cut into reads and pipelined; and a server reads what a client
//! writes.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::io::{AsyncRead, Cursor};
use kv_core::Store;
use kv_server::{Answer, AnswerReader, Command, LineBuffer, ReaderStep, Session, SubscriptionEvent};
use proptest::collection::vec;
use proptest::prelude::*;

/// A reader that has the bytes in pieces.
struct Pieces(std::vec::IntoIter<Vec<u8>>);

impl AsyncRead for Pieces {
    fn poll_read(mut self: Pin<&mut Self>, _cx: &mut Context<'_>, into: &mut [u8]) -> Poll<std::io::Result<usize>> {
        let piece = self.0.next().unwrap_or_default();
        into[..piece.len()].copy_from_slice(&piece);
        Poll::Ready(Ok(piece.len()))
    }
}

fn answers(pieces: Vec<Vec<u8>>) -> Vec<u8> {
    // Paused, so that a key has the same time to live in each run.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let store = Store::start().await.unwrap();
        let mut written = Cursor::new(Vec::new());
        let pieces: Vec<_> = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        Session::new(store.clone()).serve(Pieces(pieces.into_iter()), &mut written).await.unwrap();
        store.stop().await.unwrap();
        written.into_inner()
    })
}

/// Few names and keys, so that commands meet.
fn line() -> impl Strategy<Value = String> {
    let bucket = prop::sample::select(vec!["a", "b", "\"c d\"", "ü"]);
    let key = prop::sample::select(vec!["k", "l", "\"m n\"", "ß"]);
    let value = prop::sample::select(vec!["1", "\"2 3\"", "\"four\\nfive\"", "OK"]);
    let time = prop::sample::select(vec!["1d", "0s", "soon"]);
    let put = (prop::sample::select(vec!["PUT", "PUT", "PUTNEW"]), bucket.clone(), key.clone(), value.clone())
        .prop_map(|(word, bucket, key, value)| format!("{word} {bucket} {key} {value}"));
    let set = (bucket.clone(), key.clone(), value.clone(), value.clone())
        .prop_map(|(bucket, key, expected, new)| format!("CAS {bucket} {key} {expected} {new}"));
    let remove = (bucket.clone(), key.clone(), value.clone())
        .prop_map(|(bucket, key, expected)| format!("CAD {bucket} {key} {expected}"));
    let expiring = (bucket.clone(), key.clone(), value, time.clone())
        .prop_map(|(bucket, key, value, time)| format!("PUTEX {bucket} {key} {value} {time}"));
    let expire =
        (bucket.clone(), key.clone(), time).prop_map(|(bucket, key, time)| format!("EXPIRE {bucket} {key} {time}"));
    let keyed = (prop::sample::select(vec!["GET", "FETCH", "DELETE", "TTL", "PERSIST"]), bucket.clone(), key.clone())
        .prop_map(|(word, bucket, key)| format!("{word} {bucket} {key}"));
    let named = (prop::sample::select(vec!["CREATE", "CREATE", "LIST", "COUNT", "DROP"]), bucket.clone())
        .prop_map(|(word, bucket)| format!("{word} {bucket}"));
    let listed = (bucket, key, 0..3).prop_map(|(bucket, after, limit)| format!("LIST {bucket} \"\" {limit} {after}"));
    let others = prop::sample::select(vec!["BUCKETS", "BUCKETS \"\" 1", "PING", "HELP", "", "nonsense", "PING \""])
        .prop_map(str::to_owned);
    let line = prop_oneof![4 => put, 1 => set, 1 => remove, 1 => expiring, 1 => expire, 6 => keyed, 3 => named, 1 => listed, 1 => others];
    (line, prop::sample::select(vec!["\n", "\r\n"])).prop_map(|(line, end)| line + end)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn neither_cuts_nor_pipelines_change_the_answers(lines in vec(line(), 0..60), cuts in vec(1..40_usize, 0..60)) {
        let whole: Vec<u8> = lines.concat().into_bytes();
        let at_once = answers(vec![whole.clone()]);
        let one_by_one = answers(lines.iter().map(|line| line.clone().into_bytes()).collect());
        prop_assert_eq!(String::from_utf8_lossy(&at_once), String::from_utf8_lossy(&one_by_one));

        let (mut pieces, mut rest) = (Vec::new(), &whole[..]);
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece.to_vec());
            rest = after;
        }
        pieces.push(rest.to_vec());
        let cut_up = answers(pieces);
        prop_assert_eq!(String::from_utf8_lossy(&at_once), String::from_utf8_lossy(&cut_up));
    }

    /// A client that reads by the rules finds as many answers as it sent commands, and nothing more.
    #[test]
    fn a_client_finds_each_answer(lines in vec(line(), 0..60)) {
        let mut asked = Vec::new();
        let mut sent = Vec::new();
        for command in lines.iter().filter_map(|line| line.parse::<Command>().ok()) {
            command.encode(&mut sent);
            // Behind each, because it is sent before it is known whether that is needed.
            sent.extend(b"PING\r\n");
            asked.push(command);
        }
        let read = answers(vec![sent]);
        let mut lines = LineBuffer::of(&read).map(Bytes::copy_from_slice);
        for command in asked {
            let mut reading = AnswerReader::of(&command);
            let mut ponged = false;
            let answer = loop {
                match reading.line(lines.next().expect("the answer is whole")).expect("it belongs to the answer") {
                    ReaderStep::More => {}
                    ReaderStep::Ping => ponged = true,
                    ReaderStep::Whole(answer) => break answer,
                }
            };
            prop_assert!(!matches!(answer, Answer::UnknownCommand), "{}", command);
            prop_assert!(ponged || lines.next().is_some_and(|line| line == "PONG"));
        }
        prop_assert_eq!(lines.next(), None);
    }

    #[test]
    fn every_command_comes_back_from_its_line(words in [word(), word(), word(), word()], given in any::<[bool; 3]>()) {
        let [bucket, key, value, fourth] = words.map(Bytes::from);
        // An empty argument before another is the same as none.
        let some = |given: bool, word: &Bytes| Some(word.clone()).filter(|word| given && !word.is_empty());
        let [prefix, limit, after] = [some(given[0], &key), some(given[1], &value), some(given[2], &fourth)];
        for command in [
            Command::fetch(bucket.clone(), key.clone()),
            Command::put_new(bucket.clone(), key.clone(), value.clone()),
            Command::compare_and_set(bucket.clone(), key.clone(), value.clone(), fourth.clone()),
            Command::compare_and_delete(bucket.clone(), key.clone(), value.clone()),
            Command::put_expiring(bucket.clone(), key.clone(), value.clone(), fourth.clone()),
            Command::expire(bucket.clone(), key.clone(), value.clone()),
            Command::persist(bucket.clone(), key.clone()),
            Command::time_to_live(bucket.clone(), key.clone()),
            Command::List { bucket: bucket.clone(), prefix: prefix.clone(), limit: limit.clone(), after: after.clone() },
            Command::List { bucket: bucket.clone(), prefix: None, limit: None, after: Some(fourth) },
            Command::Buckets { prefix, limit, after },
            Command::put(bucket.clone(), key.clone(), value),
            Command::get(bucket.clone(), key.clone()),
            Command::delete(bucket.clone(), key),
            Command::create(bucket.clone()),
            Command::list(bucket.clone()),
            Command::count(bucket.clone()),
            Command::drop(bucket),
        ] {
            let mut line = Vec::new();
            command.encode(&mut line);
            prop_assert_eq!(LineBuffer::of(&line).count(), 1);
            prop_assert_eq!(Command::parse(line), Ok(command));
        }
    }

    #[test]
    fn every_list_comes_back_from_its_lines(items in vec(word(), 0..5)) {
        let answer = Answer::Items(items.into_iter().map(Bytes::from).collect());
        let mut written = Vec::new();
        answer.encode(&mut written);
        let mut reading = AnswerReader::of(&Command::buckets());
        let steps: Vec<_> = LineBuffer::of(&written).map(|line| reading.line(Bytes::copy_from_slice(line)).unwrap()).collect();
        prop_assert_eq!(steps.last(), Some(&ReaderStep::Whole(answer)));
        prop_assert!(steps[..steps.len() - 1].iter().all(|step| *step == ReaderStep::More));
    }

    #[test]
    fn every_event_comes_back_from_its_line(bucket in "\\PC{1,20}|[ \"\\\\\r\n]{1,5}", reason in "\\PC{0,20}") {
        let event = SubscriptionEvent::Exited { bucket: bucket.into(), reason: reason.into() };
        let mut written = Vec::new();
        event.encode(&mut written);
        let lines: Vec<_> = LineBuffer::of(&written).collect();
        prop_assert_eq!(lines.len(), 1);
        prop_assert_eq!(SubscriptionEvent::parse(lines[0]), Some(event));
    }
}

/// Bytes as they come, with more of those that mean something.
fn word() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![any::<u8>(), prop::sample::select(b" \"\\\r\n\txn\0\xE3\x80".to_vec()), Just(b'a')];
    vec(byte, 0..12)
}
