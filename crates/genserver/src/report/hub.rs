//! The subscribers of a node's reports, and the queue of each.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use futures::Stream;

use super::any_report::Report;
use super::level::Level;
use super::long_schedule::LONG_SCHEDULE;
use super::trace;
use crate::node::cut::poll_alive;
use crate::node::table::Node;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::barrier;
use crate::sync::parking::Mutex;

/// How many reports a subscriber's queue holds.
const CAPACITY: usize = 1024;

/// The subscribers of one node.
pub(crate) struct Hub {
    /// One entry per subscriber. The next subscription removes the entries of those that are gone.
    channels: Mutex<Vec<Weak<Channel>>>,
    listeners: Arc<Listeners>,
    /// How long a callback may block its thread before that is reported, in nanoseconds.
    long_schedule: AtomicU64,
}

impl Default for Hub {
    fn default() -> Self {
        let hub = Self { channels: Mutex::default(), listeners: Arc::default(), long_schedule: AtomicU64::new(0) };
        hub.set_long_schedule(LONG_SCHEDULE);
        hub
    }
}

/// The numbers of subscribers.
#[derive(Default)]
struct Listeners {
    all: AtomicUsize,
    /// Those that also want reports of normal events.
    curious: AtomicUsize,
}

impl Listeners {
    /// The counters that a subscriber from `level` on is counted in.
    fn of(&self, level: Level) -> impl Iterator<Item = &AtomicUsize> {
        let curious = (level > Level::Warning).then_some(&self.curious);
        [&self.all].into_iter().chain(curious)
    }
}

impl Hub {
    /// Returns whether a report of something that went wrong has a subscriber.
    pub(crate) fn is_heard(&self) -> bool {
        self.is_heard_at(Level::Warning)
    }

    /// Returns whether a report of this level has a subscriber.
    pub(crate) fn is_heard_at(&self, level: Level) -> bool {
        let listeners = if level > Level::Warning { &self.listeners.curious } else { &self.listeners.all };
        listeners.load(Ordering::Acquire) > 0 || trace::is_on(level)
    }

    pub(crate) fn long_schedule(&self) -> Duration {
        Duration::from_nanos(self.long_schedule.load(Ordering::Relaxed))
    }

    pub(super) fn set_long_schedule(&self, limit: Duration) {
        let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        self.long_schedule.store(nanos, Ordering::Relaxed);
    }

    /// Sends a report to all subscribers.
    pub(crate) fn publish(&self, report: &Report) {
        // A subscriber is foreign code, and the process that is reported has more to do.
        barrier::caught(|| trace::emit(report));
        let channels: Vec<_> = self.channels.lock().iter().filter_map(Weak::upgrade).collect();
        for channel in channels.into_iter().filter(|channel| report.level() <= channel.level) {
            channel.push(report.clone());
        }
    }

    fn subscribe(&self, level: Level) -> Reports {
        let channel = Arc::new(Channel { level, state: Mutex::default() });
        let mut channels = self.channels.lock();
        channels.retain(|channel| channel.strong_count() > 0);
        channels.push(Arc::downgrade(&channel));
        for listeners in self.listeners.of(level) {
            listeners.fetch_add(1, Ordering::Release);
        }
        drop(channels);
        Reports { channel, listeners: Arc::clone(&self.listeners) }
    }
}

// The node is gone, so no more reports will come.
impl Drop for Hub {
    fn drop(&mut self) {
        for channel in self.channels.get_mut().iter().filter_map(Weak::upgrade) {
            channel.end();
        }
    }
}

struct Channel {
    /// The least severe level that the subscriber wants.
    level: Level,
    state: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    reports: VecDeque<Report>,
    dropped: u64,
    ended: bool,
    waker: Option<Waker>,
}

impl Channel {
    fn push(&self, report: Report) {
        let mut state = self.state.lock();
        if state.reports.len() >= CAPACITY {
            state.dropped += 1;
            // The guard is dropped before the report is: a reason in it is a user's value, with a destructor of its own.
            drop(state);
            drop(report);
            return;
        }
        state.reports.push_back(report);
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(barrier::wake);
    }

    fn end(&self) {
        let mut state = self.state.lock();
        state.ended = true;
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(barrier::wake);
    }
}

/// A subscription to the reports of a node: made by [`Node::reports`], and a `futures::Stream`.
///
/// The queue holds 1,024 reports. Reports that find it full are dropped and counted, because the first report of a disaster
/// says more than the last.
///
/// # Examples
///
/// ```
/// use genserver::Node;
///
/// let mut reports = Node::new().reports();
/// assert!(reports.try_next().is_none());
/// assert_eq!(reports.dropped(), 0);
/// ```
pub struct Reports {
    channel: Arc<Channel>,
    listeners: Arc<Listeners>,
}

impl Reports {
    /// Returns the next report if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::fragile::*;
    /// # genserver_doc::run! {
    /// let mut reports = Node::program().reports();
    /// assert_eq!(reports.try_next(), None);
    /// genserver::start::<Fragile>(()).await?.send(7)?;
    /// tokio::task::yield_now().await;
    /// assert!(reports.try_next().is_some());
    /// # }
    /// ```
    pub fn try_next(&mut self) -> Option<Report> {
        self.channel.state.lock().reports.pop_front()
    }

    /// Waits for the next report. Returns `None` when the node is gone and the queue is empty.
    ///
    /// # Cancel safety
    ///
    /// No report is lost if this is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::fragile::*;
    /// # genserver_doc::run! {
    /// let mut reports = Node::program().reports();
    /// genserver::start::<Fragile>(()).await?.send(7)?;
    /// assert!(reports.next().await.is_some());
    /// # }
    /// ```
    pub async fn next(&mut self) -> Option<Report> {
        poll_fn(|cx| self.poll_report(cx)).await
    }

    /// How many reports were dropped because the queue was full.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::fragile::*;
    /// # genserver_doc::run! {
    /// let reports = Node::program().reports();
    /// let fragile = genserver::start::<Fragile>(()).await?;
    /// for _ in 0..2000 {
    ///     fragile.send(7)?;
    /// }
    /// tokio::task::yield_now().await;
    /// assert_eq!(reports.dropped(), 2000 - 1024);
    /// # }
    /// ```
    pub fn dropped(&self) -> u64 {
        self.channel.state.lock().dropped
    }

    fn poll_report(&self, cx: &mut Context<'_>) -> Poll<Option<Report>> {
        // Cloned before the lock is taken: a foreign waker is user code.
        let waker = cx.waker().clone();
        let mut state = self.channel.state.lock();
        if state.reports.is_empty() && !state.ended {
            let before = state.waker.replace(waker);
            drop(state);
            barrier::drop_caught(before);
            return Poll::Pending;
        }
        drop(state);
        drop(waker);
        ready!(poll_alive(cx));
        // Only this subscriber takes reports out, so there is still one.
        Poll::Ready(self.channel.state.lock().reports.pop_front())
    }
}

impl Stream for Reports {
    type Item = Report;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Report>> {
        self.poll_report(cx)
    }
}

impl Drop for Reports {
    fn drop(&mut self) {
        let waker = self.channel.state.lock().waker.take();
        barrier::drop_caught(waker);
        for listeners in self.listeners.of(self.channel.level) {
            listeners.fetch_sub(1, Ordering::Release);
        }
    }
}

impl fmt::Debug for Reports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reports").field("dropped", &self.dropped()).finish_non_exhaustive()
    }
}

impl Node {
    /// Subscribes to the reports of this node: everything that goes wrong from now on. See [`report`](crate::report).
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::Node;
    ///
    /// let mut reports = Node::program().reports();
    /// assert!(reports.try_next().is_none());
    /// ```
    pub fn reports(&self) -> Reports {
        self.reports_from(Level::Warning)
    }

    /// Subscribes to the reports of this node that are at least as severe as `level`.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::Node;
    /// use genserver::report::Level;
    ///
    /// let mut reports = Node::program().reports_from(Level::Debug);
    /// assert!(reports.try_next().is_none());
    /// ```
    pub fn reports_from(&self, level: Level) -> Reports {
        self.hub().subscribe(level)
    }

    /// Sets how long a callback of this node may block its thread before that is reported. The default is one second.
    ///
    /// [`Duration::MAX`] turns these reports off. See [`LongSchedule`](crate::report::LongSchedule) for which callbacks are timed.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::Node;
    /// use std::time::Duration;
    ///
    /// Node::program().long_schedule(Duration::from_millis(100));
    /// ```
    pub fn long_schedule(&self, limit: Duration) {
        self.hub().set_long_schedule(limit);
    }
}
