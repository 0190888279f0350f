//! Runs a function over the items of a stream, each in a task of its own, a few at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread::available_parallelism;
use std::time::Duration;

use futures::stream::{self, FuturesUnordered};
use futures::{Stream, StreamExt};
use pin_project_lite::pin_project;

use super::body::{Bond, TaskBody, launch};
use crate::{CALL_TIMEOUT, Never, Probe, current_process};

// What the stream yields for an item that failed.
mod exit;
// The task of one item.
mod item;

pub use exit::{ExitAlone, ExitWithInput, ItemExit};
pub(super) use item::Starting;
use item::{Ended, Item};

/// Runs `function` over `items`, each in a task of its own, a few at a time: OTP's `Task.async_stream`.
///
/// This returns a stream of the results, which is also a builder. It is lazy: it takes an item, and spawns its task,
/// when it is polled for a result. So it works on endless items too.
///
/// By default as many tasks run as the machine has cores, the results come in the order of the items, and each item
/// has five seconds.
///
/// # When an item fails
///
/// In a process, a crash in a task ends the consumer too, as described at [`Task::spawn`](super::Task::spawn), unless
/// it traps exits. If it does (this is checked at the first poll), and in plain code, the stream yields the reason in
/// place of the result, and no exit arrives in the mailbox.
///
/// When the time of an item is over, its task is killed. The stream then yields [`ItemTimedOut`] as the reason, and ends,
/// together with all tasks that still run. In OTP the consumer exits here, and `?` does the same. With
/// [`ItemTimeout::KillTask`] the stream goes on.
///
/// # Cancel safety
///
/// Dropping the stream kills the tasks that still run, and leaves no links or messages behind. Nothing is lost if a wait
/// for the next result is dropped.
///
/// # Panics
///
/// When it has to wait with a timeout in plain code outside every runtime.
///
/// # Examples
///
/// ```
/// use std::num::NonZero;
/// use futures::StreamExt;
/// use genserver::task::async_stream;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let squares = async_stream(1_u64.., |number| async move { number * number })
///     .max_concurrency(NonZero::new(2).expect("two is not zero"))
///     .take(3);
/// assert_eq!(squares.collect::<Vec<_>>().await, [Ok(1), Ok(4), Ok(9)]);
/// # }
/// ```
pub fn async_stream<I, F, B>(items: I, function: F) -> AsyncStream<stream::Iter<I::IntoIter>, B::Output>
where
    I: IntoIterator<Item: Send + 'static>,
    F: Fn(I::Item) -> B + Send + Sync + 'static,
    B: TaskBody,
{
    async_stream_of(stream::iter(items), function)
}

/// The same for items that come from a stream.
///
/// # Examples
///
/// ```
/// use futures::{StreamExt, stream};
/// use genserver::task::async_stream_of;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let words = stream::iter(["one", "three"]);
/// let words = words.filter(|word| std::future::ready(word.len() > 3));
/// let lengths = async_stream_of(words, |word| async move { word.len() });
/// assert_eq!(lengths.collect::<Vec<_>>().await, [Ok(5)]);
/// # }
/// ```
pub fn async_stream_of<St, F, B>(items: St, function: F) -> AsyncStream<St, B::Output>
where
    St: Stream<Item: Send + 'static>,
    F: Fn(St::Item) -> B + Send + Sync + 'static,
    B: TaskBody,
{
    let function = Arc::new(function);
    AsyncStream::new(items, move |bond, item| {
        let function = Arc::clone(&function);
        Starting::Started(launch(bond, move |_me: Probe<Never>| function(item)))
    })
}

/// What happens when the time of an item is over. Its task is killed in either case.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use futures::StreamExt;
/// use genserver::{task::{ItemTimeout, async_stream}, time};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let naps = |on_timeout| {
///     let naps = async_stream([60, 1], |seconds| time::sleep(Duration::from_secs(seconds)));
///     naps.timeout(Duration::from_secs(10)).on_timeout(on_timeout).map(|nap| nap.is_ok())
/// };
/// assert_eq!(naps(ItemTimeout::Exit).collect::<Vec<_>>().await, [false]);
/// assert_eq!(naps(ItemTimeout::KillTask).collect::<Vec<_>>().await, [false, true]);
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ItemTimeout {
    /// The stream yields the timeout, and ends.
    #[default]
    Exit,
    /// The stream yields the timeout in place of the item's result, and goes on.
    KillTask,
}

/// The reason that is yielded for an item whose time was over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an item was not done within {after:?}, and its task was killed; allow the items more time with `timeout`")]
pub struct ItemTimedOut {
    /// The time limit.
    pub after: Duration,
}

/// The function that starts the task of an item.
type Start<I, T> = Box<dyn FnMut(Bond, I) -> Starting<T> + Send>;

pin_project! {
    /// The results of tasks that run over the items of a stream, made by [`async_stream`].
    #[must_use = "nothing runs until the stream is polled"]
    pub struct AsyncStream<St: Stream, T, E: ItemExit<St::Item> = ExitAlone> {
        // None when no more items are taken from it.
        #[pin]
        items: Option<St>,
        start: Start<St::Item, T>,
        options: Options,
        // The ties between the tasks and the consumer, once they are known.
        bond: Option<Bond>,
        running: FuturesUnordered<Item<T, E::Input>>,
        // Results that are not due yet, by index: as many as tasks may run, and those that end meanwhile.
        waiting: BTreeMap<u64, Ended<T, E::Input>>,
        // The result that is due, while the consumer has to end.
        due: Option<Ended<T, E::Input>>,
        started: u64,
        delivered: u64,
    }
}

#[derive(Clone, Copy, Debug)]
struct Options {
    limit: usize,
    ordered: bool,
    within: Option<Duration>,
    on_timeout: ItemTimeout,
}

impl<St: Stream, T> AsyncStream<St, T> {
    pub(super) fn new(items: St, start: impl FnMut(Bond, St::Item) -> Starting<T> + Send + 'static) -> Self {
        let options = Options {
            limit: available_parallelism().map_or(1, NonZeroUsize::get),
            ordered: true,
            within: Some(CALL_TIMEOUT),
            on_timeout: ItemTimeout::Exit,
        };
        Self::with(Some(items), Box::new(start), options)
    }

    /// Returns the item with the reason if its task failed: the stream then yields `Err((item, reason))`.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::StreamExt;
    /// use genserver::task::{async_stream, or_exit};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let parse = |text: &'static str| or_exit(async move { Ok(text.parse::<u8>()?) });
    /// let numbers = async_stream(["1", "x"], parse);
    /// let numbers: Vec<_> = numbers.zip_input_on_exit().collect().await;
    /// assert_eq!(numbers[0], Ok(1));
    /// assert!(matches!(&numbers[1], Err(("x", _))));
    /// # }
    /// ```
    pub fn zip_input_on_exit(self) -> AsyncStream<St, T, ExitWithInput>
    where
        St::Item: Clone,
    {
        AsyncStream::with(self.items, self.start, self.options)
    }
}

impl<St: Stream, T, E: ItemExit<St::Item>> AsyncStream<St, T, E> {
    fn with(items: Option<St>, start: Start<St::Item, T>, options: Options) -> Self {
        Self {
            items,
            start,
            options,
            bond: None,
            running: FuturesUnordered::new(),
            waiting: BTreeMap::new(),
            due: None,
            started: 0,
            delivered: 0,
        }
    }

    /// Sets how many tasks run at once, at most. The default is the number of the machine's cores.
    ///
    /// Set it if every machine has to behave alike, as in a simulation.
    pub fn max_concurrency(mut self, limit: NonZeroUsize) -> Self {
        self.options.limit = limit.get();
        self
    }

    /// Does not link the tasks with the consumer: if an item fails, its reason is yielded in place of its result.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::StreamExt;
    /// use genserver::{Probe, spawn, task::async_stream};
    ///
    /// # genserver_doc::run! {
    /// let consumer = spawn(|_me: Probe<()>| async {
    ///     let halves = async_stream([4, 3], |number| async move {
    ///         assert!(number % 2 == 0, "{number} is odd");
    ///         number / 2
    ///     });
    ///     let halves: Vec<_> = halves.nolink().map(|half| half.ok()).collect().await;
    ///     assert_eq!(halves, [Some(2), None]);
    /// })?;
    /// assert!(consumer.process_ref().ended().await.is_normal_set());
    /// # }
    /// ```
    #[doc(alias = "async_stream_nolink")]
    pub fn nolink(mut self) -> Self {
        self.bond = Some(Bond::Free);
        self
    }

    /// Sets whether the results come in the order of the items, which is the default, or as they get ready.
    ///
    /// While a slow item runs, the results after it wait, at most as many as tasks may run. Then no further task is
    /// spawned until that item is done.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use futures::StreamExt;
    /// use genserver::{task::async_stream, time};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// # use std::num::NonZero;
    /// # let two = NonZero::new(2).expect("two is not zero");
    /// let sorted = async_stream([2, 1], |seconds| async move {
    ///     time::sleep(Duration::from_secs(seconds)).await;
    ///     seconds
    /// });
    /// let sorted = sorted.max_concurrency(two).ordered(false);
    /// assert_eq!(sorted.collect::<Vec<_>>().await, [Ok(1), Ok(2)]);
    /// # }
    /// ```
    pub fn ordered(mut self, ordered: bool) -> Self {
        self.options.ordered = ordered;
        self
    }

    /// Sets how long each item may take (default: five seconds).
    pub fn timeout(mut self, within: Duration) -> Self {
        self.options.within = Some(within);
        self
    }

    /// Removes the time limit of the items: OTP's `infinity`.
    #[doc(alias = "infinity")]
    pub fn no_timeout(mut self) -> Self {
        self.options.within = None;
        self
    }

    /// Sets what happens when the time of an item is over. By default the stream ends.
    pub fn on_timeout(mut self, on_timeout: ItemTimeout) -> Self {
        self.options.on_timeout = on_timeout;
        self
    }
}

impl<St, T, E> Stream for AsyncStream<St, T, E>
where
    St: Stream,
    T: Send + 'static,
    E: ItemExit<St::Item>,
{
    type Item = Result<T, E::Exit>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            ready!(crate::poll_alive(cx));
            if let Some(ended) = self.as_mut().next_due(cx) {
                if crate::poll_alive(cx).is_pending() {
                    *self.project().due = Some(ended);
                    return Poll::Pending;
                }
                return Poll::Ready(Some(self.deliver(ended)));
            }
            if self.may_start() && self.as_mut().poll_start(cx).is_ready() {
                continue;
            }
            let is_over = self.items.is_none() && self.running.is_empty();
            return if is_over { Poll::Ready(None) } else { Poll::Pending };
        }
    }
}

impl<St, T, E> AsyncStream<St, T, E>
where
    St: Stream,
    T: Send + 'static,
    E: ItemExit<St::Item>,
{
    /// The result that is due, if it is there.
    fn next_due(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Option<Ended<T, E::Input>> {
        let this = self.project();
        if let Some(ended) = this.due.take() {
            return Some(ended);
        }
        loop {
            if let Some(ended) = this.waiting.remove(&*this.delivered) {
                return Some(ended);
            }
            let Poll::Ready(Some((place, ended))) = this.running.poll_next_unpin(cx) else { return None };
            if !this.options.ordered {
                return Some(ended);
            }
            this.waiting.insert(place, ended);
        }
    }

    fn may_start(&self) -> bool {
        let limit = self.options.limit;
        self.items.is_some() && self.running.len() < limit && self.waiting.len() < limit
    }

    /// Starts the task of the next item. Pending if there is none yet.
    fn poll_start(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(items) = this.items.as_mut().as_pin_mut() else { return Poll::Ready(()) };
        let Some(item) = ready!(items.poll_next(cx)) else {
            this.items.set(None);
            return Poll::Ready(());
        };
        let bond = *this.bond.get_or_insert_with(bond_with_consumer);
        let kept = E::keep(&item);
        this.running.push(Item::new(*this.started, kept, (this.start)(bond, item), this.options.within));
        *this.started += 1;
        Poll::Ready(())
    }

    /// Turns the end of an item into what the stream yields.
    fn deliver(self: Pin<&mut Self>, ended: Ended<T, E::Input>) -> Result<T, E::Exit> {
        let mut this = self.project();
        *this.delivered += 1;
        let reason = match ended.result {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => {
                if this.options.on_timeout == ItemTimeout::Exit {
                    this.items.set(None);
                    this.running.clear();
                    this.waiting.clear();
                }
                ItemTimedOut { after: this.options.within.unwrap_or_default() }.into()
            }
            Err(reason) => reason,
        };
        Err(E::exit(ended.kept, reason))
    }
}

/// The ties between the tasks and the process that polls the stream. If it traps exits, it only sees the reason that is yielded.
fn bond_with_consumer() -> Bond {
    match current_process() {
        Some(consumer) if consumer.info().traps_exits => Bond::Free,
        _ => Bond::LinkedForCrashes,
    }
}

impl<St: Stream, T, E: ItemExit<St::Item>> fmt::Debug for AsyncStream<St, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncStream")
            .field("options", &self.options)
            .field("running", &self.running.len())
            .field("delivered", &self.delivered)
            .finish_non_exhaustive()
    }
}
