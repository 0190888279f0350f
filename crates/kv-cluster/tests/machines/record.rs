//! What clients have asked of buckets and were answered, in order, and whether some order of it explains all answers.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use futures::FutureExt as _;
use futures::channel::oneshot;
use genserver::sim::Check;
use parking_lot::Mutex;

/// So many operations of one key are compared with every order of them.
const OPERATIONS_MAX: usize = 60;

/// An operation that was not answered may have any place among the others, so few of these are enough.
const UNKNOWN_MAX: usize = 6;

/// What the clients of one run have done.
#[derive(Default)]
pub(super) struct Record(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// Calls and returns, in order.
    events: Vec<Event>,
    operations: Vec<Operation>,
    /// The key that is in use at each place of a bucket.
    keys: BTreeMap<(String, u64), Key>,
    last_value: u64,
}

#[derive(Default)]
struct Key {
    /// How many there were before.
    generation: u64,
    /// How many operations it has had, ...
    operations: usize,
    /// ... and how many of them have no answer, or none yet.
    unknown: usize,
}

impl Key {
    fn name(&self, place: u64) -> String {
        format!("{place}-{}", self.generation)
    }
}

#[derive(Clone, Copy)]
enum Event {
    Called(usize),
    Returned(usize),
}

/// One operation on a key of a bucket.
#[derive(Clone)]
struct Operation {
    bucket: String,
    key: String,
    /// What is put, or nothing if the key is read.
    put: Option<u64>,
    outcome: Outcome,
}

/// What a client knows of an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It has no answer, so it may have been carried out.
    Unknown,
    /// It was said that it was not carried out.
    NotDone,
    /// It was answered with this value.
    Answered(u64),
}

impl Record {
    /// Begins an operation on a key of a place, with a value that no other has, or to read it. Returns its number, the key, and
    /// the value.
    pub(super) fn call(&self, bucket: &str, place: u64, puts: bool) -> (usize, String, Option<u64>) {
        let mut inner = self.0.lock();
        inner.last_value += 1;
        let put = puts.then_some(inner.last_value);
        let at = inner.keys.entry((bucket.to_owned(), place)).or_default();
        if at.operations == OPERATIONS_MAX || at.unknown == UNKNOWN_MAX {
            *at = Key { generation: at.generation + 1, ..Key::default() };
        }
        at.operations += 1;
        // Unknown until it is answered.
        at.unknown += 1;
        let key = at.name(place);
        let number = inner.operations.len();
        inner.operations.push(Operation {
            bucket: bucket.to_owned(),
            key: key.clone(),
            put,
            outcome: Outcome::Unknown,
        });
        inner.events.push(Event::Called(number));
        (number, key, put)
    }

    /// Ends an operation with what its client knows.
    pub(super) fn returns(&self, number: usize, place: u64, outcome: Outcome) {
        let mut inner = self.0.lock();
        inner.operations[number].outcome = outcome;
        let Operation { bucket, key, put, .. } = inner.operations[number].clone();
        // A read that was not answered has changed nothing.
        let is_known = outcome != Outcome::Unknown || put.is_none();
        if matches!(outcome, Outcome::Answered(_)) {
            inner.events.push(Event::Returned(number));
        }
        if is_known
            && let Some(at) = inner.keys.get_mut(&(bucket, place))
            && key == at.name(place)
        {
            at.unknown -= 1;
        }
    }

    /// Adds what a read of a key has found when all was over.
    pub(super) fn is_read_at_the_end(&self, bucket: &str, key: &str, value: u64) {
        let mut inner = self.0.lock();
        let number = inner.operations.len();
        let read =
            Operation { bucket: bucket.to_owned(), key: key.to_owned(), put: None, outcome: Outcome::Answered(value) };
        inner.operations.push(read);
        inner.events.extend([Event::Called(number), Event::Returned(number)]);
    }

    /// All keys that were in use, with their buckets.
    pub(super) fn keys(&self) -> Vec<(String, String)> {
        let inner = self.0.lock();
        let keys = inner.operations.iter().map(|operation| (operation.bucket.clone(), operation.key.clone()));
        let mut keys: Vec<_> = keys.collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// How many operations there were, and how many were answered.
    pub(super) fn counts(&self) -> (usize, usize) {
        let inner = self.0.lock();
        (
            inner.operations.len(),
            inner.operations.iter().filter(|operation| matches!(operation.outcome, Outcome::Answered(_))).count(),
        )
    }

    /// Fails unless some order of the operations of each key explains what was seen. Not within a runtime.
    pub(super) fn check_order(&self) {
        let inner = self.0.lock();
        let replayed = Check::new().runs(1).run(async |sim| {
            let key = |operation: &Asked| operation.0.clone();
            let history = sim.history_by_key(0, key, |value: &mut u64, Asked(_, put)| {
                *value = put.unwrap_or(*value);
                *value
            });
            let mut pending = BTreeMap::<usize, Pending>::new();
            for event in &inner.events {
                match *event {
                    Event::Called(number) => {
                        let Operation { bucket, key, put, outcome } = &inner.operations[number];
                        // If somebody sees a put that was refused, no order explains that.
                        if *outcome == Outcome::NotDone || (put.is_none() && *outcome == Outcome::Unknown) {
                            continue;
                        }
                        let (sender, receiver) = oneshot::channel();
                        let history = history.clone();
                        let asked = Asked((bucket.clone(), key.clone()), *put);
                        let mut call: Call = Box::pin(async move {
                            // Dropped, it has no answer.
                            let _ = history.record(asked, receiver).await;
                        });
                        assert_eq!(call.as_mut().now_or_never(), None);
                        pending.insert(number, Pending { sender, call });
                    }
                    Event::Returned(number) => {
                        let Outcome::Answered(answer) = inner.operations[number].outcome else { continue };
                        let Pending { sender, mut call } = pending.remove(&number).unwrap();
                        sender.send(answer).unwrap();
                        call.as_mut().now_or_never().unwrap();
                    }
                }
            }
        });
        replayed.unwrap_or_else(|failed| panic!("{failed}"));
    }
}

type Call = Pin<Box<dyn Future<Output = ()>>>;

/// An operation as the history knows it: its bucket and key, and what is put.
#[derive(Debug)]
struct Asked((String, String), Option<u64>);

struct Pending {
    sender: oneshot::Sender<u64>,
    call: Call,
}

#[cfg(test)]
mod tests {
    //! Answers that no order explains.

    use super::*;

    fn is_explained(record: &Record) -> bool {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| record.check_order())).is_ok()
    }

    #[test]
    fn a_put_that_was_answered_and_is_not_read_afterwards_is_found() {
        for (seen, is_right) in [(1, true), (0, false)] {
            let record = Record::default();
            let (put, key, value) = record.call("books", 0, true);
            record.returns(put, 0, Outcome::Answered(value.unwrap()));
            record.is_read_at_the_end("books", &key, seen);
            assert_eq!(is_explained(&record), is_right);
        }
    }

    #[test]
    fn a_put_without_an_answer_may_be_read_or_not_and_one_that_was_refused_may_not() {
        for (outcome, seen, is_right) in [
            (Outcome::Unknown, 0, true),
            (Outcome::Unknown, 1, true),
            (Outcome::NotDone, 0, true),
            (Outcome::NotDone, 1, false),
        ] {
            let record = Record::default();
            let (put, key, _) = record.call("books", 0, true);
            record.returns(put, 0, outcome);
            record.is_read_at_the_end("books", &key, seen);
            assert_eq!(is_explained(&record), is_right);
        }
    }

    #[test]
    fn a_read_of_what_was_written_over_is_found() {
        for (seen, is_right) in [(2, true), (1, false)] {
            let record = Record::default();
            for _ in 0..2 {
                let (put, _, value) = record.call("books", 0, true);
                record.returns(put, 0, Outcome::Answered(value.unwrap()));
            }
            let (read, ..) = record.call("books", 0, false);
            record.returns(read, 0, Outcome::Answered(seen));
            assert_eq!(is_explained(&record), is_right);
        }
    }
}
