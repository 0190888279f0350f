//! What clients have asked of shelves and were answered, in order, and what is wrong with that.

use std::collections::{BTreeMap, BTreeSet};

use genserver_cluster::RemoteCallError;
use parking_lot::Mutex;

use crate::keys::Keys;
use crate::order::{Asked, Step, check_order};
use crate::shelf::Answer;

/// What the clients of one run have done.
#[derive(Default)]
pub(super) struct Record(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// Calls and returns, in order.
    events: Vec<Event>,
    operations: Vec<Operation>,
    /// The largest fence that has answered, of each shelf.
    newest: BTreeMap<String, u64>,
    /// The key that is in use at each place.
    keys: Keys,
    /// Answers that should not have come.
    wrong: Vec<String>,
    last_value: u64,
}

#[derive(Clone, Copy)]
enum Event {
    Called(usize),
    Returned(usize),
}

/// One operation on a key of a shelf.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) shelf: String,
    pub(super) key: String,
    /// What is put, or nothing if the key is read.
    pub(super) put: Option<u64>,
    pub(super) outcome: Outcome,
    /// The largest fence that had answered when it was called.
    newest: u64,
}

impl Operation {
    pub(super) fn is_answered(&self) -> bool {
        matches!(self.outcome, Outcome::Answered(_))
    }

    pub(super) fn is_unknown(&self) -> bool {
        self.outcome == Outcome::Unknown
    }
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Outcome {
    /// It has no answer, so it may have been carried out.
    Unknown,
    /// It was said that it was not carried out.
    NotDone,
    Answered(Answer),
}

impl Record {
    /// Begins an operation on a key of a place, with a value that no other has, or to read it. Returns its number.
    pub(super) fn call(&self, shelf: &str, place: u64, puts: bool) -> (usize, Operation) {
        let mut inner = self.0.lock();
        inner.last_value += 1;
        let put = puts.then_some(inner.last_value);
        let newest = inner.newest.get(shelf).copied().unwrap_or(0);
        let key = inner.keys.call(shelf, place);
        let operation = Operation { shelf: shelf.to_owned(), key, put, outcome: Outcome::Unknown, newest };
        let number = inner.operations.len();
        inner.operations.push(operation.clone());
        inner.events.push(Event::Called(number));
        (number, operation)
    }

    /// Ends an operation with what its client saw.
    pub(super) fn returns(&self, number: usize, place: u64, result: &Result<Answer, RemoteCallError>) {
        let mut inner = self.0.lock();
        let operation = inner.operations[number].clone();
        let outcome = match result {
            Ok(answer) => {
                inner.events.push(Event::Returned(number));
                inner.is_answered(&operation, answer);
                Outcome::Answered(answer.clone())
            }
            Err(error) if error.may_have_been_carried_out() => Outcome::Unknown,
            Err(_) => Outcome::NotDone,
        };
        if outcome != Outcome::Unknown {
            inner.keys.is_known(&operation.shelf, place, &operation.key);
        }
        inner.operations[number].outcome = outcome;
    }

    /// All operations.
    pub(super) fn operations(&self) -> Vec<Operation> {
        self.0.lock().operations.clone()
    }

    /// Answers that should not have come.
    pub(super) fn wrong(&self) -> Vec<String> {
        self.0.lock().wrong.clone()
    }

    /// Fails unless some order of the operations of each key explains what was seen. Not within a runtime.
    pub(super) fn check_order(&self) {
        check_order(|| self.0.lock().steps());
    }
}

impl Inner {
    fn steps(&self) -> Vec<Step> {
        let step = |event: &Event| match *event {
            // If somebody sees it all the same, no order explains that.
            Event::Called(number) if self.operations[number].outcome == Outcome::NotDone => None,
            Event::Called(number) => {
                let Operation { shelf, key, put, .. } = &self.operations[number];
                Some(Step::Called(number, Asked { key: (shelf.clone(), key.clone()), put: *put }))
            }
            Event::Returned(number) => {
                let Outcome::Answered(answer) = &self.operations[number].outcome else { return None };
                Some(Step::Returned(number, answer.value))
            }
        };
        self.events.iter().filter_map(step).collect()
    }

    fn is_answered(&mut self, operation: &Operation, answer: &Answer) {
        if answer.fence < operation.newest {
            let Operation { shelf, newest, .. } = operation;
            self.wrong.push(format!("{shelf}: {answer:?} was called after the owner {newest} had answered"));
        }
        if operation.put.is_some_and(|value| value != answer.value) {
            self.wrong.push(format!("{operation:?} was answered with {answer:?}"));
        }
        let newest = self.newest.entry(operation.shelf.clone()).or_default();
        *newest = answer.fence.max(*newest);
    }
}

/// The fences that have answered, of a shelf.
pub(super) fn fences(operations: &[Operation], shelf: &str) -> BTreeSet<u64> {
    let of_shelf = operations.iter().filter(|operation| operation.shelf == shelf);
    of_shelf
        .filter_map(|operation| match &operation.outcome {
            Outcome::Answered(answer) => Some(answer.fence),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    //! Answers that no order explains, and answers of an owner that is none any more.

    use super::*;

    fn answer(value: u64, fence: u64) -> Answer {
        Answer { value, position: 1, fence, writer: "a-1".to_owned() }
    }

    fn is_explained(record: &Record) -> bool {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| record.check_order())).is_ok()
    }

    #[test]
    fn a_read_of_what_was_written_over_is_found() {
        for (seen, is_right) in [(2, true), (1, false)] {
            let record = Record::default();
            for value in [1, 2] {
                let (put, _) = record.call("books", 0, true);
                record.returns(put, 0, &Ok(answer(value, 7)));
            }
            let (read, _) = record.call("books", 0, false);
            record.returns(read, 0, &Ok(answer(seen, 7)));
            assert_eq!(is_explained(&record), is_right);
            assert_eq!(record.wrong(), [""; 0]);
        }
    }

    #[test]
    fn a_put_without_an_answer_may_be_read_and_one_that_was_refused_may_not() {
        let timeout = RemoteCallError::Timeout { name: "books".into(), after: std::time::Duration::ZERO };
        let no_proc = RemoteCallError::NoProc { name: "books".into() };
        for (error, is_right) in [(timeout, true), (no_proc, false)] {
            let record = Record::default();
            let (put, _) = record.call("books", 0, true);
            record.returns(put, 0, &Err(error));
            let (read, _) = record.call("books", 0, false);
            record.returns(read, 0, &Ok(answer(1, 7)));
            assert_eq!(is_explained(&record), is_right);
        }
    }

    #[test]
    fn an_answer_of_an_earlier_owner_is_found_unless_it_was_called_before() {
        let record = Record::default();
        let (early, _) = record.call("books", 0, false);
        let (read, _) = record.call("books", 0, false);
        record.returns(read, 0, &Ok(answer(0, 8)));
        record.returns(early, 0, &Ok(answer(0, 7)));
        assert_eq!(record.wrong(), [""; 0]);
        let (late, _) = record.call("books", 0, false);
        record.returns(late, 0, &Ok(answer(0, 7)));
        assert_eq!(record.wrong().len(), 1);
    }
}
