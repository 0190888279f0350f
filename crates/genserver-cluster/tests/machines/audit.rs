//! What is wrong with the log of a shelf, and with what clients were told of it.

use std::collections::{BTreeMap, BTreeSet};

use genserver_cluster::engine::LogEntry;

use crate::record::{Operation, Outcome, fences};
use crate::shelf::{Entry, Put};

/// What a log and the operations on its shelf say of each other.
pub(super) struct Audit {
    /// How many owners have written.
    pub(super) owners: usize,
    /// How many puts are in it.
    pub(super) puts: usize,
    /// What must not be.
    pub(super) wrong: Vec<String>,
}

/// Compares the log of a shelf with what clients were told.
pub(super) fn audit(shelf: &str, log: &[LogEntry], operations: &[Operation]) -> Audit {
    let mut wrong = Vec::new();
    let (mut writers, mut newest) = (BTreeMap::<u64, String>::new(), 0);
    let mut puts = BTreeMap::<u64, (u64, u64, Put)>::new();
    for logged in log {
        let (position, Entry { fence, writer, put }) = (logged.position.0, Entry::read(logged));
        if fence < newest {
            wrong.push(format!("{shelf}: the owner {fence} writes at {position} although {newest} has begun"));
        }
        newest = fence.max(newest);
        let first = writers.entry(fence).or_insert_with(|| writer.clone());
        if *first != writer {
            wrong.push(format!("{shelf}: {first} and {writer} both write as the owner {fence}, at {position}"));
        }
        let Some(put) = put else { continue };
        if let Some((before, ..)) = puts.get(&put.value) {
            wrong.push(format!("{shelf}: the put at {position} was carried out already, at {before}"));
        } else {
            puts.insert(put.value, (position, fence, put));
        }
    }
    let of_shelf = || operations.iter().filter(|operation| operation.shelf == shelf);
    for operation in of_shelf().filter(|operation| operation.put.is_some()) {
        let found = operation.put.and_then(|value| puts.get(&value));
        let is_right = match (&operation.outcome, found) {
            (Outcome::Answered(answer), Some((position, fence, put))) => {
                (answer.position, answer.fence, &operation.key) == (*position, *fence, &put.key)
            }
            (Outcome::Answered(_), None) | (Outcome::NotDone, Some(_)) => false,
            (Outcome::NotDone, None) | (Outcome::Unknown, _) => true,
        };
        if !is_right {
            wrong.push(format!("{shelf}: {operation:?} is in the log as {found:?}"));
        }
    }
    let asked: BTreeSet<u64> = of_shelf().filter_map(|operation| operation.put).collect();
    wrong.extend(puts.keys().filter(|value| !asked.contains(value)).map(|value| format!("nobody has put {value}")));
    let strangers = fences(operations, shelf).into_iter().filter(|fence| !writers.contains_key(fence));
    wrong.extend(strangers.map(|fence| format!("{shelf}: the owner {fence} answers and has never begun")));
    Audit { owners: writers.len(), puts: puts.len(), wrong }
}

#[cfg(test)]
mod tests {
    //! Logs with something wrong in them.

    use genserver_cluster::RemoteCallError;
    use genserver_cluster::engine::Position;

    use super::*;
    use crate::record::Record;
    use crate::shelf::Answer;

    /// An entry of a log: the fence, the writer, and what is put.
    type Written = (u64, &'static str, Option<u64>);

    /// What is wrong with a log when the put of 1 was answered by the owner 7 at the position 2.
    fn wrong(log: &[Written]) -> Vec<String> {
        let record = Record::default();
        let (put, operation) = record.call("books", 0, true);
        record.returns(put, 0, &Ok(Answer { value: 1, position: 2, fence: 7, writer: "a-1".to_owned() }));
        let (refused, _) = record.call("books", 0, true);
        record.returns(refused, 0, &Err(RemoteCallError::NoProc { name: "books".into() }));
        let entry = |(number, (fence, writer, put)): (u64, &Written)| {
            let put = put.map(|value| Put { key: operation.key.clone(), value });
            let entry = Entry { fence: *fence, writer: (*writer).to_owned(), put };
            let entry = serde_json::to_vec(&entry).unwrap().into();
            LogEntry { position: Position(number), entry, is_snapshot: false }
        };
        let log: Vec<LogEntry> = (1..).zip(log).map(entry).collect();
        audit("books", &log, &record.operations()).wrong
    }

    const BEGINS: Written = (7, "a-1", None);
    const PUTS: Written = (7, "a-1", Some(1));

    #[test]
    fn what_must_not_be_in_a_log_is_found() {
        assert_eq!(wrong(&[BEGINS, PUTS, (8, "b-1", None)]), [""; 0]);
        let found = |log: &[Written], what: &str| {
            let wrong = wrong(log);
            assert!(wrong.len() == 1 && wrong[0].contains(what), "{wrong:?}");
        };
        found(&[BEGINS, PUTS, (8, "b-1", None), BEGINS], "writes at 4 although 8 has begun");
        found(&[BEGINS, PUTS, (7, "b-1", None)], "both write as the owner 7");
        found(&[BEGINS, PUTS, PUTS], "was carried out already");
        found(&[BEGINS, BEGINS], "is in the log as None");
        found(&[BEGINS, PUTS, (7, "a-1", Some(2))], "NotDone");
        found(&[BEGINS, PUTS, (7, "a-1", Some(3))], "nobody has put 3");
    }
}
