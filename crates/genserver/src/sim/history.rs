//! What clients did and saw, compared with a model: whether some order of their operations explains it.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Write as _};
use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::current_pid;
use crate::node;

// Trying the orders.
mod search;

use search::{Search, Step};

/// More operations are too many to try their orders.
const OPERATIONS_MAX: usize = 128;

/// The operations of several clients, and what each of them saw: made by [`Sim::history`](super::Sim::history).
///
/// A model is a value and a function: what an operation does to the value, and what it returns. The history is right if the
/// operations can be put in an order in which the model returns what the clients saw, and in which no operation comes before one
/// that had returned when it was called. This is called *linearizable*: each operation seems to happen at one instant between
/// its call and its return.
///
/// An operation that failed, or whose client ended in the middle, may have happened or not: both are tried.
pub struct History<M, O, R> {
    inner: Arc<Inner<M, O, R>>,
}

struct Inner<M, O, R> {
    model: M,
    apply: Apply<M, O, R>,
    split: Split<O, R>,
    log: Mutex<Log<O, R>>,
}

type Apply<M, O, R> = Box<dyn Fn(&mut M, &O) -> R + Send + Sync>;

/// Says which operations are about the same thing.
type Split<O, R> = Box<dyn Fn(&[Operation<O, R>]) -> Vec<Part> + Send + Sync>;

/// The places of operations that are about one thing, and what that is.
struct Part {
    about: Option<String>,
    places: Vec<usize>,
}

struct Log<O, R> {
    /// Counts calls and returns.
    now: usize,
    operations: Vec<Operation<O, R>>,
}

/// One operation.
struct Operation<O, R> {
    /// The process that called it, if one did.
    client: String,
    asked: O,
    called: usize,
    /// When it returned, and what; nothing if that is not known.
    returned: Option<(usize, R)>,
}

impl<M, O, R> Clone for History<M, O, R> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<M, O, R> fmt::Debug for History<M, O, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("operations", &self.inner.log.lock().operations.len()).finish_non_exhaustive()
    }
}

impl<M, O, R> History<M, O, R> {
    /// All operations are about one thing.
    pub(super) fn new(model: M, apply: impl Fn(&mut M, &O) -> R + Send + Sync + 'static) -> Self {
        let all = |operations: &[Operation<O, R>]| vec![Part { about: None, places: (0..operations.len()).collect() }];
        Self::split(model, apply, all)
    }

    /// Operations with one key are about one thing.
    pub(super) fn by_key<K: Ord + Debug>(
        model: M,
        key: impl Fn(&O) -> K + Send + Sync + 'static,
        apply: impl Fn(&mut M, &O) -> R + Send + Sync + 'static,
    ) -> Self {
        Self::split(model, apply, move |operations| {
            let mut parts = BTreeMap::<K, Vec<usize>>::new();
            for (place, operation) in operations.iter().enumerate() {
                parts.entry(key(&operation.asked)).or_default().push(place);
            }
            parts.into_iter().map(|(key, places)| Part { about: Some(format!("{key:?}")), places }).collect()
        })
    }

    fn split(
        model: M,
        apply: impl Fn(&mut M, &O) -> R + Send + Sync + 'static,
        split: impl Fn(&[Operation<O, R>]) -> Vec<Part> + Send + Sync + 'static,
    ) -> Self {
        let log = Mutex::new(Log { now: 0, operations: Vec::new() });
        Self { inner: Arc::new(Inner { model, apply: Box::new(apply), split: Box::new(split), log }) }
    }

    /// Does an operation, and writes down when it was called, when it returned and what a client saw.
    ///
    /// # Errors
    ///
    /// Those of the operation. Whether it has happened is then not known.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, the operation is, too; the history knows that it was called.
    pub async fn record<E>(&self, operation: O, call: impl Future<Output = Result<R, E>>) -> Result<R, E>
    where
        R: Clone,
    {
        let client = current_pid().and_then(node::find).map(|process| process.head().title() + " ").unwrap_or_default();
        let number = {
            let mut log = self.inner.log.lock();
            let called = log.tick();
            log.operations.push(Operation { client, asked: operation, called, returned: None });
            log.operations.len() - 1
        };
        let result = call.await;
        if let Ok(seen) = &result {
            let mut log = self.inner.log.lock();
            let now = log.tick();
            log.operations[number].returned = Some((now, seen.clone()));
        }
        result
    }

    /// What no order of the operations explains, as text; nothing if there is an order.
    ///
    /// # Panics
    ///
    /// If there are too many operations about one thing.
    pub(super) fn unexplained(&self) -> Option<String>
    where
        M: Clone + Ord,
        O: Debug,
        R: Debug + PartialEq,
    {
        let log = self.inner.log.lock();
        (self.inner.split)(&log.operations).into_iter().find_map(|Part { about, places }| {
            let part: Vec<_> = places.iter().map(|place| &log.operations[*place]).collect();
            let about = about.map(|about| format!(" on {about}")).unwrap_or_default();
            let count = part.len();
            assert!(
                count <= OPERATIONS_MAX,
                "{count} operations{about} are too many to try their orders: let the clients do fewer, or use a history by key"
            );
            self.shown_if_unexplained(&part, &about)
        })
    }

    /// If no order explains these operations: those up to the first return that is not explained.
    fn shown_if_unexplained(&self, part: &[&Operation<O, R>], about: &str) -> Option<String>
    where
        M: Clone + Ord,
        O: Debug,
        R: Debug + PartialEq,
    {
        let up_to = |end: usize| -> Vec<Step<'_, O, R>> {
            let begun = part.iter().filter(|operation| operation.called <= end);
            begun.map(|operation| operation.at(end)).collect()
        };
        let is_explained = |end| Search::explains(&self.inner.model, &*self.inner.apply, &up_to(end));
        if is_explained(usize::MAX) {
            return None;
        }
        let mut returns: Vec<usize> =
            part.iter().filter_map(|operation| operation.returned.as_ref()).map(|(at, _)| *at).collect();
        returns.sort_unstable();
        let end = returns.into_iter().find(|end| !is_explained(*end))?;
        let begun = part.iter().filter(|operation| operation.called <= end);
        let mut text = format!("no order of these {} operations{about} explains what was seen:", begun.clone().count());
        for Operation { client, asked, called, returned } in begun {
            // Writing to a string does not fail.
            let _ = match returned.as_ref().filter(|(at, _)| *at <= end) {
                Some((at, seen)) => write!(text, "\n  {client}called {asked:?} at {called}, and saw {seen:?} at {at}"),
                None => write!(text, "\n  {client}called {asked:?} at {called}, and has no answer yet"),
            };
        }
        Some(text)
    }
}

impl<O, R> Operation<O, R> {
    /// What is known of it by then.
    fn at(&self, end: usize) -> Step<'_, O, R> {
        let returned = self.returned.as_ref().map(|(at, seen)| (*at, seen));
        Step { asked: &self.asked, called: self.called, returned: returned.filter(|(at, _)| *at <= end) }
    }
}

impl<O, R> Log<O, R> {
    fn tick(&mut self) -> usize {
        self.now += 1;
        self.now
    }
}

#[cfg(test)]
mod tests {
    //! Histories of a register.

    use std::convert::Infallible;

    use futures::FutureExt;

    use super::*;

    #[derive(Debug)]
    enum Op {
        Write(u8),
        Read,
    }

    type Register = History<u8, Op, Option<u8>>;

    fn register() -> Register {
        History::new(0, |value, op| match op {
            Op::Write(written) => {
                *value = *written;
                None
            }
            Op::Read => Some(*value),
        })
    }

    /// An operation that is called and returns at once.
    fn does(history: &Register, op: Op, seen: Option<u8>) {
        let recorded = history.record(op, async { Ok::<_, Infallible>(seen) }).now_or_never();
        assert!(recorded.is_some());
    }

    fn is_linearizable(history: &Register) -> bool {
        history.unexplained().is_none()
    }

    #[test]
    fn what_is_read_was_written_last() {
        let history = register();
        does(&history, Op::Write(1), None);
        does(&history, Op::Read, Some(1));
        assert!(is_linearizable(&history));
        does(&history, Op::Read, Some(0));
        assert!(!is_linearizable(&history), "the first value was written over before this began");
    }

    #[test]
    fn operations_at_the_same_time_may_have_either_order() {
        for seen in [0, 1, 2] {
            let history = register();
            let mut write = Box::pin(history.record(Op::Write(1), futures::future::pending::<Result<_, Infallible>>()));
            assert!(write.as_mut().now_or_never().is_none());
            does(&history, Op::Read, Some(seen));
            assert_eq!(is_linearizable(&history), seen < 2);
        }
    }

    #[test]
    fn an_operation_that_failed_may_have_happened_later() {
        let history = register();
        let failed = history.record(Op::Write(1), async { Err("it timed out") }).now_or_never();
        assert_eq!(failed, Some(Err("it timed out")));
        does(&history, Op::Read, Some(0));
        does(&history, Op::Read, Some(1));
        assert!(is_linearizable(&history));
        does(&history, Op::Read, Some(0));
        assert!(!is_linearizable(&history), "it happens once");
    }

    /// Two registers in one history.
    #[test]
    fn each_key_has_an_order_of_its_own_and_the_failure_shows_its_operations_alone() {
        let write = |(_, op): &(&str, Op), value: &mut u8| match op {
            Op::Write(written) => {
                *value = *written;
                None
            }
            Op::Read => Some(*value),
        };
        let by_key = History::by_key(0, |(key, _): &(&str, Op)| *key, move |value, op| write(op, value));
        let does = |key, op, seen| {
            let recorded = by_key.record((key, op), async { Ok::<_, Infallible>(seen) }).now_or_never();
            assert!(recorded.is_some());
        };
        does("milk", Op::Write(1), None);
        does("eggs", Op::Write(2), None);
        does("milk", Op::Read, Some(1));
        assert_eq!(by_key.unexplained(), None);
        does("eggs", Op::Read, Some(1));
        does("eggs", Op::Read, Some(2));
        let expected = "no order of these 2 operations on \"eggs\" explains what was seen:\n  \
             called (\"eggs\", Write(2)) at 3, and saw None at 4\n  \
             called (\"eggs\", Read) at 7, and saw Some(1) at 8";
        assert_eq!(by_key.unexplained().unwrap(), expected);
    }
}
