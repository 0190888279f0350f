//! The histories that a test has begun, and that are checked when it has ended.

use std::cell::RefCell;
use std::fmt::Debug;

use super::history::History;
use super::simulation::Sim;

/// Each says what no order explains in a history, if there is something.
#[derive(Default)]
pub(super) struct Histories(RefCell<Vec<Unexplained>>);

type Unexplained = Box<dyn Fn() -> Option<String>>;

impl Histories {
    fn add<M, O, R>(&self, history: &History<M, O, R>)
    where
        M: Clone + Ord + 'static,
        O: Debug + 'static,
        R: Debug + PartialEq + 'static,
    {
        let history = history.clone();
        self.0.borrow_mut().push(Box::new(move || history.unexplained()));
    }

    /// Checks all of them.
    ///
    /// # Panics
    ///
    /// If one is not explained.
    pub(super) fn assert_explained(&self) {
        for unexplained in self.0.borrow().iter() {
            if let Some(text) = unexplained() {
                panic!("{text}");
            }
        }
    }
}

impl Sim<'_> {
    /// Begins a history of what clients do and see, which is checked when the test has ended. `apply` does an operation to the model,
    /// and returns what a client would see.
    ///
    /// The test fails if no order of the operations explains what was seen: the message lists them, up to the first answer that is
    /// not explained. It also fails if there are more than 128: use [`history_by_key`](Sim::history_by_key) then.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::{CallError, sim};
    ///
    /// #[derive(Debug)]
    /// enum Op {
    ///     Add(u64),
    ///     Get,
    /// }
    ///
    /// sim::check(async |sim| {
    ///     let counter = sim.start_supervised(genserver::start_link::<Counter>(0)).await;
    ///     let history = sim.history(0, |count: &mut u64, op: &Op| match op {
    ///         Op::Add(more) => {
    ///             *count += more;
    ///             None
    ///         }
    ///         Op::Get => Some(*count),
    ///     });
    ///     sim.clients(3, async |client| {
    ///         let more = client.draw(1..5);
    ///         let add = async { Ok::<_, CallError>(counter.cast(Add(more)).ok().and(None)) };
    ///         history.record(Op::Add(more), add).await?;
    ///         let get = async { counter.call(Call::Get).await.map(Some) };
    ///         history.record(Op::Get, get).await
    ///     })
    ///     .await;
    /// });
    /// ```
    pub fn history<M, O, R>(
        &self,
        model: M,
        apply: impl Fn(&mut M, &O) -> R + Send + Sync + 'static,
    ) -> History<M, O, R>
    where
        M: Clone + Ord + 'static,
        O: Debug + 'static,
        R: Debug + PartialEq + 'static,
    {
        let history = History::new(model, apply);
        self.histories.add(&history);
        history
    }

    /// Begins a history as [`history`](Sim::history) does, in which operations with different keys have nothing to do with each
    /// other.
    ///
    /// The model is the value of one key. Each key is checked alone, and may have 128 operations; the message of a failure shows
    /// those of one key.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::sim;
    ///
    /// // What a client asks: the counter at this place.
    /// type Get = usize;
    ///
    /// sim::check(async |sim| {
    ///     let mut counters = Vec::new();
    ///     for _ in 0..3 {
    ///         let start = genserver::start_link::<Counter>(7);
    ///         counters.push(sim.start_supervised(start).await);
    ///     }
    ///     let history = sim.history_by_key(7, |get: &Get| *get, |count: &mut u64, _| *count);
    ///     sim.clients(3, async |client| {
    ///         let place = client.number();
    ///         history.record(place, async { counters[place].call(Call::Get).await }).await
    ///     })
    ///     .await;
    /// });
    /// ```
    pub fn history_by_key<M, O, R, K: Ord + Debug>(
        &self,
        model: M,
        key: impl Fn(&O) -> K + Send + Sync + 'static,
        apply: impl Fn(&mut M, &O) -> R + Send + Sync + 'static,
    ) -> History<M, O, R>
    where
        M: Clone + Ord + 'static,
        O: Debug + 'static,
        R: Debug + PartialEq + 'static,
    {
        let history = History::by_key(model, key, apply);
        self.histories.add(&history);
        history
    }
}
