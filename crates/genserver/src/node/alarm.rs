//! The clock of all processes of one runtime: one task, asleep until the earliest thing is due.
//!
//! A timer of the runtime for every call, idle timeout and timer would cost more than the calls themselves. So they all stand
//! in one ordered list, and one task, the keeper, sleeps until its first entry. It ends with the runtime, or with the last
//! process that could add an entry.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::node::home::Home;
use crate::runtime::{Runtime, Sleep};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::barrier;
use crate::sync::parking::Mutex;
use crate::values::reason::Panic;

/// Something that wants to hear when an instant has come.
pub(crate) trait Alarmed: Send + Sync {
    fn due(self: Arc<Self>, now: Instant);
}

/// Where an entry stands in the list.
pub(crate) type AlarmKey = (Instant, u64);

/// How far ahead an alarm was set, read without a lock.
///
/// An alarm that was set for a while from then comes before any deadline that lies as far from now, or farther. So a call
/// whose timeout is not shorter need not look when exactly the alarm comes.
pub(crate) struct Reach(AtomicU64);

impl Reach {
    /// No alarm is set.
    pub(crate) const fn none() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }

    pub(crate) fn set(&self, ahead: Option<Duration>) {
        self.0.store(ahead.map_or(u64::MAX, packed), Ordering::Release);
    }

    /// Whether an alarm is set that comes before `timeout` is over, counted from now.
    #[inline]
    pub(crate) fn covers(&self, timeout: Duration) -> bool {
        self.0.load(Ordering::Acquire) <= packed(timeout)
    }
}

/// A number for a duration that orders as durations do, less than the one for none. To make nanoseconds of it would take a
/// multiplication at every call.
#[inline]
fn packed(duration: Duration) -> u64 {
    // A second has less than 2^30 nanoseconds, and no alarm is set for longer than five hundred years.
    duration.as_secs().min((1 << 34) - 2) << 30 | u64::from(duration.subsec_nanos())
}

/// The list of what is due when. Bounded by what it was set up for: one entry a process and one a timer.
#[derive(Default)]
pub(crate) struct Alarm {
    list: Mutex<List>,
}

#[derive(Default)]
struct List {
    entries: BTreeMap<AlarmKey, Arc<dyn Alarmed>>,
    /// Tells entries for one instant apart, in the order they were made.
    last: u64,
    keeper: Option<Waker>,
    /// Nobody is left to add an entry, or to hear of one.
    is_over: bool,
}

impl Alarm {
    /// Adds an entry. The waker that comes back has to be woken, outside any lock: the keeper sleeps too long.
    pub(crate) fn set(&self, at: Instant, who: Arc<dyn Alarmed>) -> (AlarmKey, Option<Waker>) {
        let mut list = self.list.lock();
        list.last += 1;
        let key = (at, list.last);
        let is_first = list.entries.first_key_value().is_none_or(|(first, _)| key < *first);
        list.entries.insert(key, who);
        // Only an entry that is the first now makes the keeper's sleep too long.
        let keeper = if is_first { list.keeper.take() } else { None };
        (key, keeper)
    }

    /// Removes an entry. Whether it was still to come.
    pub(crate) fn cancel(&self, key: AlarmKey) -> bool {
        let removed = self.list.lock().entries.remove(&key);
        removed.is_some()
    }

    /// Whether an entry is still to come.
    pub(crate) fn is_set(&self, key: AlarmKey) -> bool {
        self.list.lock().entries.contains_key(&key)
    }

    /// Ends the keeper: nobody is left that could add an entry, or hear of one.
    pub(crate) fn end(&self) {
        let mut list = self.list.lock();
        list.is_over = true;
        let keeper = list.keeper.take();
        drop(list);
        if let Some(keeper) = keeper {
            barrier::wake(keeper);
        }
    }

    /// Tells one entry that is due, or says when the next one is.
    fn pop_due(&self, now: Instant, keeper: &Waker) -> Next {
        // Cloned before the lock is taken: a foreign waker is user code.
        let waker = keeper.clone();
        let mut list = self.list.lock();
        if list.is_over {
            return Next::Over;
        }
        match list.entries.first_key_value() {
            Some((key, _)) if key.0 <= now => {
                let key = *key;
                list.entries.remove(&key).map_or(Next::Nothing, Next::Due)
            }
            first => {
                let next = first.map_or(Next::Nothing, |(key, _)| Next::At(key.0));
                let before = list.keeper.replace(waker);
                drop(list);
                barrier::drop_caught(before);
                next
            }
        }
    }
}

const THIRTY_YEARS: Duration = Duration::from_hours(30 * 365 * 24);

/// When `delay` from now is; a delay beyond all clocks is thirty years.
pub(crate) fn after(home: &Home, delay: Duration) -> Instant {
    let now = home.runtime().now();
    now.checked_add(delay).unwrap_or_else(|| now + THIRTY_YEARS)
}

/// Sets the clock, and makes sure that it does not oversleep.
pub(crate) fn set(home: &Home, at: Instant, who: Arc<dyn Alarmed>) -> AlarmKey {
    let (key, keeper) = home.alarm().set(at, who);
    if let Some(keeper) = keeper {
        barrier::wake(keeper);
    }
    key
}

enum Next {
    Due(Arc<dyn Alarmed>),
    At(Instant),
    Nothing,
    Over,
}

/// The task that watches the list. It lives as long as its home does. If it ends before, the runtime was shut down, and that is
/// how processes without a task of their own learn of it.
pub(crate) struct Keeper {
    /// Not held: its end is the keeper's.
    home: Weak<Home>,
    alarm: Arc<Alarm>,
    runtime: Arc<dyn Runtime>,
    sleep: Option<(Instant, Sleep)>,
}

impl Keeper {
    pub(crate) fn new(home: Weak<Home>, alarm: Arc<Alarm>, runtime: Arc<dyn Runtime>) -> Self {
        Self { home, alarm, runtime, sleep: None }
    }
}

impl Future for Keeper {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        loop {
            let now = this.runtime.now();
            match this.alarm.pop_due(now, cx.waker()) {
                Next::Over => return Poll::Ready(()),
                // What is due may drop a message, and a message's destructor may panic: the clock of all others goes on.
                Next::Due(who) => drop(Panic::catch(|| who.due(now))),
                Next::Nothing => {
                    this.sleep = None;
                    return Poll::Pending;
                }
                Next::At(at) => {
                    // The first entry is another one now, so the sleep that is set would end too late or too early.
                    if this.sleep.as_ref().is_none_or(|(set, _)| *set != at) {
                        this.sleep = Some((at, this.runtime.sleep_until(at)));
                    }
                    let Some((_, sleep)) = &mut this.sleep else { return Poll::Pending };
                    if sleep.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    this.sleep = None;
                }
            }
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(home) = self.home.upgrade() {
            home.runtime_gone();
        }
    }
}
