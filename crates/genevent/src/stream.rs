//! The events of a manager as a stream.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::Stream;
use futures::stream::FusedStream;
use genserver::{CallError, Caller, Ended, Request as Asked, poll_alive};

use crate::manager::Manager;
use crate::server::{CallKind, ManagerCall, OtherCall};
use crate::subscription::{Canceller, Polled, StreamEnd, Subscription, Terms, clone_event};
use crate::values::{Event, HandlerId, LagPolicy, NotifyMode};

// The errors of a stream.
mod error;
// A sink whose items are events.
mod sink;

pub use error::StreamError;
pub use sink::EventSink;

/// How many events a stream buffers by default.
pub const STREAM_BUFFER_DEFAULT: usize = 1024;

/// The events of a [`Manager`], as a [`Stream`]: made by [`Manager::stream`].
///
/// It begins when it is first polled, or with [`subscribe`](Self::subscribe); it does not see earlier events. When the
/// manager ends in order, for whatever reason, the stream ends after the last event. A stream that has ended stays ended.
/// Dropping it removes it from the manager, and gives up the events in its buffer.
///
/// A manager keeps an event once for all its streams, until the last of their consumers has taken it. Each consumer gets a
/// clone, made in its own task, and the last one the event itself. An event's `clone` should be short, because the other
/// consumers of that event wait for it; it must not use the manager. If events are large, send them in an
/// [`Arc`](std::sync::Arc).
///
/// A sender that used [`ack_notify`](Manager::ack_notify) waits until the consumer has received the event. A sender that
/// used [`sync_notify`](Manager::sync_notify) waits until the consumer is done with it, that is, until it polls for the
/// next event or drops the stream. If senders should not wait for a consumer, set its [`mode`](Self::mode).
///
/// # Calling the manager from its consumer
///
/// While a consumer works on an event of [`sync_notify`](Manager::sync_notify), the manager waits for it and cannot answer
/// it. The manager cannot complete a `sync_notify` of the consumer itself either, nor do anything while it waits for space
/// under [`LagPolicy::Wait`]. If the consumer is a [process](genserver::spawn), such a call fails at once with
/// [`CallError::Cycle`], even if it goes through other servers. The consumer is the process that polled the stream last. An
/// event that the manager has already taken is not withdrawn.
///
/// If the consumer is a plain task, the call is not refused. The task may poll its stream beside the call, in a `join!` for
/// instance; then it will be done with the event, and the manager will answer. A task that awaits nothing but the call looks
/// the same from outside, so its call fails only after its timeout of five seconds. A call without a timeout, such as
/// [`which_handlers`](Manager::which_handlers), waits as long as the manager does, which is as long as the sender of the
/// event. [`notify`](Manager::notify) never waits.
///
/// To hear of the cycle at once, spawn the consumer with [`genserver::spawn`] instead of `tokio::spawn`. Or run it in the
/// [scope](genserver::Probe::scope) of a probe, which works in any task and on every runtime:
///
/// ```
/// use futures::StreamExt;
/// use genevent::Manager;
/// use genserver::{CallError, Probe};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().await?;
/// let mut numbers = manager.stream();
/// numbers.subscribe().await?;
///
/// let asks = manager.clone();
/// let consumer = tokio::spawn(async move {
///     let me = Probe::<()>::new();
///     me.scope(async {
///         let _number = numbers.next().await;
///         asks.which_handlers().await
///     })
///     .await
/// });
/// manager.sync_notify(1).await?;
/// assert!(matches!(consumer.await?, Err(CallError::Cycle { .. })));
/// # Ok(())
/// # }
/// ```
///
/// A process is taken to await one thing at a time. If it polls its stream beside the call, the call is refused all the
/// same, unless it [allows](genserver::Call::allow_cycle) that. A probe's scope around the consumer alone leaves the call out.
///
/// Only calls are refused. [`subscribe`](Self::subscribe) and [`Manager::stop`] wait as long as the manager does.
///
/// A consumer that keeps its manager waiting for more than a second is [reported](genserver::report), by its
/// [`id`](Self::id).
///
/// # Examples
///
/// ```
/// use futures::{StreamExt, TryStreamExt};
/// use genevent::Manager;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().await?;
/// let mut numbers = manager.stream();
/// numbers.subscribe().await?;
/// for number in 1..=5 {
///     manager.notify(number)?;
/// }
/// let even: Vec<u32> = numbers
///     .take(4)
///     .try_filter(|number| std::future::ready(number % 2 == 0))
///     .try_collect()
///     .await?;
/// assert_eq!(even, [2, 4]);
/// assert_eq!(manager.which_handlers().await?, [], "the stream was dropped");
/// # Ok(())
/// # }
/// ```
#[must_use = "a stream does nothing unless it is polled"]
pub struct EventStream<E: Event, I: Event = genserver::Never> {
    manager: Manager<E, I>,
    buffer: usize,
    lag: LagPolicy,
    mode: NotifyMode,
    silence: Option<Duration>,
    duration: Option<Duration>,
    state: StreamState<E>,
    lost: u64,
}

enum StreamState<E: Event> {
    /// Not polled yet.
    New,
    /// The manager was asked to add it.
    Subscribing(Asked<(HandlerId, Subscription<E>)>),
    Subscribed(Subscribed<E>),
    /// The manager has died; resolves to the reason.
    Died(Ended),
    Over,
}

struct Subscribed<E: Event> {
    id: HandlerId,
    subscription: Subscription<E>,
    silence: Option<Pin<Box<genserver::time::Sleep>>>,
    until: Option<Pin<Box<genserver::time::Sleep>>>,
}

impl<E: Event, I: Event> Manager<E, I> {
    /// A stream of all events from now on: see [`EventStream`].
    pub fn stream(&self) -> EventStream<E, I>
    where
        E: Clone,
    {
        EventStream::new(self.clone())
    }
}

impl<E: Event + Clone, I: Event> EventStream<E, I> {
    pub(crate) fn new(manager: Manager<E, I>) -> Self {
        Self {
            manager,
            buffer: STREAM_BUFFER_DEFAULT,
            lag: LagPolicy::default(),
            mode: NotifyMode::Sync,
            silence: None,
            duration: None,
            state: StreamState::New,
            lost: 0,
        }
    }

    /// Sets how many events to buffer, at least one (default: [`STREAM_BUFFER_DEFAULT`]). Set it before the stream begins.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::StreamExt;
    /// use genevent::{Manager, StreamError};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let mut events = manager.stream().buffer(2);
    /// events.subscribe().await?;
    /// for number in 1..=5 {
    ///     manager.notify(number)?;
    /// }
    /// assert_eq!(events.next().await, Some(Err(StreamError::Lagged { missed: 3 })));
    /// assert_eq!(events.next().await, Some(Ok(4)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn buffer(mut self, events: usize) -> Self {
        self.buffer = events;
        self
    }

    /// Sets what happens when the buffer is full (default: [`LagPolicy::DropOldest`]). Set it before the stream begins.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::StreamExt;
    /// use genevent::{LagPolicy, Manager, StreamError};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let mut events = manager.stream().buffer(2).lag(LagPolicy::End);
    /// events.subscribe().await?;
    /// for number in 1..=5 {
    ///     manager.notify(number)?;
    /// }
    /// let seen: Vec<_> = events.collect().await;
    /// assert_eq!(seen, [Ok(1), Ok(2), Err(StreamError::TooSlow)]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn lag(mut self, lag: LagPolicy) -> Self {
        self.lag = lag;
        self
    }

    /// Limits how long senders wait for this consumer (default: as long as they ask to).
    ///
    /// With [`NotifyMode::Async`] no sender waits for this consumer: use it for a consumer that must not hold up anyone,
    /// such as one that writes to a network connection. With [`NotifyMode::Ack`] a [`sync_notify`](Manager::sync_notify)
    /// waits until the consumer has received the event, and not until it is done. Neither changes what happens when the
    /// buffer is full: see [`lag`](Self::lag). Set it before the stream begins.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::StreamExt;
    /// use genevent::{Manager, NotifyMode};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let mut events = manager.stream().mode(NotifyMode::Async);
    /// events.subscribe().await?;
    /// // The consumer has not taken it, and the sender does not wait.
    /// manager.sync_notify("hello").await?;
    /// assert_eq!(events.next().await, Some(Ok("hello")));
    /// # Ok(())
    /// # }
    /// ```
    pub fn mode(mut self, mode: NotifyMode) -> Self {
        self.mode = mode;
        self
    }

    /// Ends the stream with [`StreamError::Timeout`] if no event arrives for this long.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::StreamExt;
    /// use genevent::{Manager, StreamError};
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::<&str>::start().await?;
    /// let after = Duration::from_millis(50);
    /// let seen: Vec<_> = manager.stream().timeout(after).collect().await;
    /// assert_eq!(seen, [Err(StreamError::Timeout { after })]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn timeout(mut self, silence: Duration) -> Self {
        self.silence = Some(silence);
        self
    }

    /// Ends the stream this long after it began, without an error. Events still in the buffer are dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::TryStreamExt;
    /// use genevent::Manager;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let mut events = manager.stream().duration(Duration::from_millis(200));
    /// events.subscribe().await?;
    /// manager.notify("hello")?;
    /// assert_eq!(events.try_collect::<Vec<_>>().await?, ["hello"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn duration(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }

    /// Begins the stream now: it will see every event sent after this. Does nothing if it has begun.
    ///
    /// # Errors
    ///
    /// [`CallError`], if the manager is not running.
    ///
    /// # Cancel safety
    ///
    /// If this is dropped, the stream may have begun. It can be called again.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::StreamExt;
    /// use genevent::Manager;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let mut events = manager.stream();
    /// manager.notify("nobody listens")?;
    /// events.subscribe().await?;
    /// manager.notify("hello")?;
    /// assert_eq!(events.next().await, Some(Ok("hello")));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn subscribe(&mut self) -> Result<(), CallError> {
        std::future::poll_fn(|task| {
            ready!(poll_alive(task));
            self.poll_join(task)
        })
        .await
    }

    /// A handle that ends the stream from elsewhere: see [`StreamCanceller`]. `None` before the stream has begun.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::StreamExt;
    /// use genevent::Manager;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::<&str>::start().await?;
    /// let mut events = manager.stream();
    /// assert!(events.canceller().is_none(), "it has not begun");
    /// events.subscribe().await?;
    ///
    /// let canceller = events.canceller().ok_or("it has begun")?;
    /// let consumer = tokio::spawn(events.count());
    /// canceller.cancel();
    /// assert_eq!(consumer.await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn canceller(&self) -> Option<StreamCanceller> {
        match &self.state {
            StreamState::Subscribed(subscribed) => Some(StreamCanceller(Arc::new(subscribed.subscription.canceller()))),
            _ => None,
        }
    }

    /// The id under which the manager lists the stream. `None` before it has begun and after it has ended.
    pub fn id(&self) -> Option<&HandlerId> {
        match &self.state {
            StreamState::Subscribed(subscribed) => Some(&subscribed.id),
            _ => None,
        }
    }

    /// How many events were dropped, as far as the consumer was told: the sum of all [`StreamError::Lagged`].
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::StreamExt;
    /// use genevent::Manager;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let mut events = manager.stream().buffer(1);
    /// events.subscribe().await?;
    /// for number in 1..=5 {
    ///     manager.notify(number)?;
    /// }
    /// assert_eq!(events.lost(), 0, "nobody was told yet");
    /// let _ = events.next().await;
    /// assert_eq!(events.lost(), 4);
    /// # Ok(())
    /// # }
    /// ```
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn poll_join(&mut self, task: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        loop {
            match &mut self.state {
                StreamState::New => {
                    let capacity = u64::try_from(self.buffer.max(1)).unwrap_or(u64::MAX);
                    let terms = Terms { capacity, lag: self.lag, mode: self.mode };
                    let asked = self.manager.server().send_request(move |caller: Caller<_>| {
                        ManagerCall(CallKind::Other(Box::new(OtherCall::Subscribe(terms, clone_event::<E>, caller))))
                    });
                    self.state = StreamState::Subscribing(asked);
                }
                StreamState::Subscribing(asked) => {
                    let subscribed = ready!(Pin::new(asked).poll(task));
                    self.state = StreamState::New;
                    let (id, subscription) = subscribed?;
                    self.state = StreamState::Subscribed(Subscribed {
                        id,
                        subscription,
                        silence: None,
                        until: self.duration.map(|duration| Box::pin(genserver::time::sleep(duration))),
                    });
                }
                StreamState::Subscribed(_) | StreamState::Died(_) | StreamState::Over => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl<E: Event + Clone> Subscribed<E> {
    /// The next event, if it was taken from the log already, and no timer has to be looked at.
    #[inline]
    fn at_hand(&mut self, silence: Option<Duration>) -> Option<E> {
        if self.until.is_some() || silence.is_some() { None } else { self.subscription.at_hand() }
    }

    fn poll_next(&mut self, silence: Option<Duration>, task: &mut Context<'_>) -> Poll<Item<E>> {
        if let Some(until) = &mut self.until
            && until.as_mut().poll(task).is_ready()
        {
            return Poll::Ready(Item::Next(Polled::End(StreamEnd::Orderly)));
        }
        if let Poll::Ready(next) = self.subscription.poll_next(task) {
            if matches!(next, Polled::Event(_)) {
                self.silence = None;
            }
            return Poll::Ready(Item::Next(next));
        }
        let Some(silence) = silence else { return Poll::Pending };
        let timer = self.silence.get_or_insert_with(|| Box::pin(genserver::time::sleep(silence)));
        ready!(timer.as_mut().poll(task));
        Poll::Ready(Item::Silence(silence))
    }
}

enum Item<E> {
    Next(Polled<E>),
    Silence(Duration),
}

impl<E: Event + Clone, I: Event> Stream for EventStream<E, I> {
    type Item = Result<E, StreamError>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<E, StreamError>>> {
        let this = self.get_mut();
        ready!(poll_alive(task));
        if let StreamState::Subscribed(subscribed) = &mut this.state
            && let Some(event) = subscribed.at_hand(this.silence)
        {
            return Poll::Ready(Some(Ok(event)));
        }
        this.poll_slowly(task)
    }
}

impl<E: Event + Clone, I: Event> EventStream<E, I> {
    /// `poll_next`, if the next event is not at hand.
    fn poll_slowly(&mut self, task: &mut Context<'_>) -> Poll<Option<Result<E, StreamError>>> {
        if let Err(error) = ready!(self.poll_join(task)) {
            self.state = StreamState::Over;
            return Poll::Ready(Some(Err(StreamError::NotStarted(error))));
        }
        loop {
            match &mut self.state {
                StreamState::Subscribed(subscribed) => match ready!(subscribed.poll_next(self.silence, task)) {
                    Item::Next(Polled::Event(event)) => return Poll::Ready(Some(Ok(event))),
                    Item::Next(Polled::Lost(missed)) => {
                        self.lost += missed;
                        return Poll::Ready(Some(Err(StreamError::Lagged { missed })));
                    }
                    Item::Silence(after) => {
                        self.state = StreamState::Over;
                        return Poll::Ready(Some(Err(StreamError::Timeout { after })));
                    }
                    Item::Next(Polled::End(StreamEnd::Orderly)) => self.state = StreamState::Over,
                    Item::Next(Polled::End(StreamEnd::Lagged)) => {
                        self.state = StreamState::Over;
                        return Poll::Ready(Some(Err(StreamError::TooSlow)));
                    }
                    Item::Next(Polled::End(StreamEnd::Uncopied(reason))) => {
                        self.state = StreamState::Over;
                        return Poll::Ready(Some(Err(StreamError::Uncopied { reason })));
                    }
                    Item::Next(Polled::End(StreamEnd::Died)) => {
                        self.state = StreamState::Died(self.manager.server().ended());
                    }
                },
                StreamState::Died(ended) => {
                    let reason = ready!(Pin::new(ended).poll(task));
                    self.state = StreamState::Over;
                    return Poll::Ready(Some(Err(StreamError::Died { reason })));
                }
                StreamState::New | StreamState::Subscribing(_) | StreamState::Over => return Poll::Ready(None),
            }
        }
    }
}

impl<E: Event + Clone, I: Event> FusedStream for EventStream<E, I> {
    fn is_terminated(&self) -> bool {
        matches!(self.state, StreamState::Over)
    }
}

impl<E: Event, I: Event> Unpin for EventStream<E, I> {}

impl<E: Event, I: Event> fmt::Debug for EventStream<E, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            StreamState::New => "new",
            StreamState::Subscribing(_) => "joining",
            StreamState::Subscribed(_) => "subscribed",
            StreamState::Died(_) => "died",
            StreamState::Over => "over",
        };
        f.debug_struct("EventStream").field("state", &state).field("lost", &self.lost).finish_non_exhaustive()
    }
}

/// Ends a stream from elsewhere: made by [`EventStream::canceller`].
///
/// # Examples
///
/// ```
/// use futures::TryStreamExt;
/// use genevent::Manager;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().await?;
/// let mut events = manager.stream();
/// events.subscribe().await?;
/// let canceller = events.canceller().ok_or("it has begun")?;
///
/// manager.sync_notify_within("one", std::time::Duration::ZERO).await.unwrap_err();
/// canceller.cancel();
/// assert_eq!(events.try_collect::<Vec<_>>().await?, ["one"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct StreamCanceller(Arc<dyn Cancel>);

trait Cancel: Send + Sync {
    fn cancel(&self);
}

impl<E: Send + Sync> Cancel for Canceller<E> {
    fn cancel(&self) {
        Canceller::cancel(self);
    }
}

impl StreamCanceller {
    /// Ends the stream, without an error, after the events in its buffer. Senders no longer wait for its consumer.
    #[doc(alias = "cancel_streams")]
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

impl fmt::Debug for StreamCanceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamCanceller").finish_non_exhaustive()
    }
}
