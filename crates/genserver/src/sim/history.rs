//! What clients did and saw, compared with a model: whether some order of their operations explains it.

use std::collections::BTreeSet;
use std::fmt::{self, Debug, Write as _};
use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::{Pid, current_pid};

/// More operations are too many to try their orders.
const OPERATIONS_MAX: usize = 128;

/// The operations of several clients, and what each of them saw.
///
/// A model is a value and a function: what an operation does to the value, and what it returns. The history is right if the
/// operations can be put in an order in which the model returns what the clients saw, and in which no operation comes before one
/// that had returned when it was called. This is called *linearizable*: each operation seems to happen at one instant between
/// its call and its return.
///
/// An operation that failed, or whose client ended in the middle, may have happened or not: both are tried.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::CallError;
/// use genserver::sim::{self, History};
/// use genserver::task::Task;
///
/// #[derive(Debug)]
/// enum Op {
///     Add(u64),
///     Get,
/// }
///
/// sim::check(async |sim| {
///     let counter = sim.start_supervised(genserver::start_link::<Counter>(0)).await;
///     let history = History::new(0, |count: &mut u64, op: &Op| match op {
///         Op::Add(more) => {
///             *count += more;
///             None
///         }
///         Op::Get => Some(*count),
///     });
///     let clients = [1, 2].map(|more| {
///         let (counter, history) = (counter.clone(), history.clone());
///         Task::spawn(async move {
///             let add = async { Ok::<_, CallError>(counter.cast(Add(more)).ok().and(None)) };
///             history.record(Op::Add(more), add).await?;
///             let get = async { counter.call(Call::Get).await.map(Some) };
///             history.record(Op::Get, get).await
///         })
///     });
///     for client in clients {
///         client.await.unwrap().unwrap();
///     }
///     history.assert_linearizable();
/// });
/// ```
pub struct History<M, O, R> {
    inner: Arc<Inner<M, O, R>>,
}

struct Inner<M, O, R> {
    model: M,
    apply: Apply<M, O, R>,
    log: Mutex<Log<O, R>>,
}

type Apply<M, O, R> = Box<dyn Fn(&mut M, &O) -> R + Send + Sync>;

struct Log<O, R> {
    /// Counts calls and returns.
    now: usize,
    operations: Vec<Operation<O, R>>,
}

/// One operation.
struct Operation<O, R> {
    client: Option<Pid>,
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
    /// Begins an empty history. `apply` does an operation to the model, and returns what a client would see. It must not use the
    /// history itself.
    pub fn new(model: M, apply: impl Fn(&mut M, &O) -> R + Send + Sync + 'static) -> Self {
        let log = Mutex::new(Log { now: 0, operations: Vec::new() });
        Self { inner: Arc::new(Inner { model, apply: Box::new(apply), log }) }
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
        let number = {
            let mut log = self.inner.log.lock();
            let called = log.tick();
            log.operations.push(Operation { client: current_pid(), asked: operation, called, returned: None });
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

    /// Asserts that some order of the operations explains what the clients saw.
    ///
    /// # Panics
    ///
    /// If there is none: the message lists the operations. Also if there are more than 128; use a history for each key, then.
    #[track_caller]
    pub fn assert_linearizable(&self)
    where
        M: Clone + Ord,
        O: Debug,
        R: Debug + PartialEq,
    {
        let log = self.inner.log.lock();
        let count = log.operations.len();
        assert!(
            count <= OPERATIONS_MAX,
            "{count} operations are too many to try their orders: use a history for each key"
        );
        let mut search = Search { operations: &log.operations, apply: &self.inner.apply, seen: BTreeSet::new() };
        if search.explains(0, &self.inner.model) {
            return;
        }
        let mut text = format!("no order of these {count} operations explains what was seen:");
        for operation in &log.operations {
            let Operation { client, asked, called, returned } = operation;
            let client = client.map(|pid| pid.to_string()).unwrap_or_default();
            let returned = returned
                .as_ref()
                .map_or_else(|| "never returned".to_owned(), |(at, seen)| format!("returned at {at} with {seen:?}"));
            // Writing to a string does not fail.
            let _ = write!(text, "\n  {client} called {asked:?} at {called}, and it {returned}");
        }
        drop(log);
        panic!("{text}");
    }
}

impl<O, R> Log<O, R> {
    fn tick(&mut self) -> usize {
        self.now += 1;
        self.now
    }
}

/// Tries orders, one operation after the other.
struct Search<'a, M, O, R> {
    operations: &'a [Operation<O, R>],
    apply: &'a Apply<M, O, R>,
    /// Which operations were done, and what that left of the model: nothing new comes of trying that again.
    seen: BTreeSet<(u128, M)>,
}

impl<M: Clone + Ord, O, R: PartialEq> Search<'_, M, O, R> {
    /// Whether the operations that are left can be put in an order, after those of the set `done`.
    fn explains(&mut self, done: u128, model: &M) -> bool {
        let is_left = |number: &usize| done & (1 << number) == 0;
        let returned = |number: usize| self.operations[number].returned.as_ref().map(|(at, _)| *at);
        let left: Vec<usize> = (0..self.operations.len()).filter(is_left).collect();
        // One that is called after this cannot come before the one that returns then.
        let Some(first_return) = left.iter().filter_map(|number| returned(*number)).min() else { return true };
        if !self.seen.insert((done, model.clone())) {
            return false;
        }
        for number in left {
            let Operation { asked, called, returned, .. } = &self.operations[number];
            if *called > first_return {
                continue;
            }
            let mut after = model.clone();
            let result = (self.apply)(&mut after, asked);
            let is_explained = returned.as_ref().is_none_or(|(_, seen)| *seen == result);
            if is_explained && self.explains(done | (1 << number), &after) {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    //! Histories of a register.

    use std::convert::Infallible;
    use std::panic::{AssertUnwindSafe, catch_unwind};

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
        catch_unwind(AssertUnwindSafe(|| history.assert_linearizable())).is_ok()
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
}
