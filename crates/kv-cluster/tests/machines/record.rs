//! What clients have asked of buckets and were answered, in order, and whether some order of it explains all answers.

use parking_lot::Mutex;

use crate::keys::Keys;
use crate::order::{Asked, Step, check_order};

/// What the clients of one run have done.
#[derive(Default)]
pub(super) struct Record(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// Calls and returns, in order.
    events: Vec<Event>,
    operations: Vec<Operation>,
    /// The key that is in use at each place of a bucket.
    keys: Keys,
    last_value: u64,
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
        let key = inner.keys.call(bucket, place);
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
        if is_known {
            inner.keys.is_known(&bucket, place, &key);
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
        check_order(|| self.0.lock().steps());
    }
}

impl Inner {
    fn steps(&self) -> Vec<Step> {
        let step = |event: &Event| match *event {
            Event::Called(number) => {
                let Operation { bucket, key, put, outcome } = &self.operations[number];
                // If somebody sees a put that was refused, no order explains that.
                let is_left_out = *outcome == Outcome::NotDone || (put.is_none() && *outcome == Outcome::Unknown);
                let asked = || Asked { key: (bucket.clone(), key.clone()), put: *put };
                (!is_left_out).then(|| Step::Called(number, asked()))
            }
            Event::Returned(number) => {
                let Outcome::Answered(value) = self.operations[number].outcome else { return None };
                Some(Step::Returned(number, value))
            }
        };
        self.events.iter().filter_map(step).collect()
    }
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
