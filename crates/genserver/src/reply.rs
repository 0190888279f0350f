//! The slot in which one answer travels from a server to the caller that waits for it.
//!
//! A slot is filled at most once, by whoever comes first: the reply, the server's death, the deadline, or the caller who
//! gives up. Everything that comes later finds it filled and does nothing, so a late or a second reply cannot be seen.

use std::any::Any;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::thread_local;

use crate::pid::Pid;
use crate::process::chain;
use crate::reason::Reason;

/// Why a slot was filled without an answer.
#[derive(Clone, Debug)]
pub(crate) enum Unanswered {
    /// The server dropped the caller, and lives on.
    NoReply,
    /// The server ended.
    Exit(Reason),
    /// The deadline passed.
    Timeout,
    /// The server waits for the one that asked: the circle, beginning with that.
    Cycle(Vec<Pid>),
}

/// Where the answer of one request is put.
pub(crate) struct Slot<R> {
    /// The server that owes the answer, as two numbers, because a slot is used again for another server's answer. They are
    /// written only while nobody else knows the slot.
    home: [AtomicU64; 2],
    /// Whether the state is `Filled` or `Closed`, for a look without the lock. Written under it, and never taken back.
    done: AtomicBool,
    /// The process that asked, in the same way; zeros if it was plain code.
    client: [AtomicU64; 2],
    state: Mutex<State<R>>,
}

enum State<R> {
    /// Nobody looked yet.
    Open,
    /// Somebody waits, until the deadline if there is one.
    Waiting(Waker, Option<Instant>),
    Filled(Result<R, Unanswered>),
    /// The answer was taken, or nobody wants it any more.
    Closed,
}

impl<R> Slot<R> {
    pub(crate) fn new(home: Pid) -> Self {
        let slot = Self {
            home: Default::default(),
            done: AtomicBool::new(false),
            client: Default::default(),
            state: Mutex::new(State::Open),
        };
        slot.belong_to(home);
        slot
    }

    fn belong_to(&self, home: Pid) {
        self.home[0].store(home.place(), Ordering::Relaxed);
        self.home[1].store(home.serial, Ordering::Relaxed);
        let (place, serial) = crate::current::pid().map_or((0, 0), |pid| (pid.place(), pid.serial));
        self.client[0].store(place, Ordering::Relaxed);
        self.client[1].store(serial, Ordering::Relaxed);
    }

    pub(crate) fn home(&self) -> Pid {
        Pid::from_parts(self.home[0].load(Ordering::Relaxed), self.home[1].load(Ordering::Relaxed))
    }

    /// Puts the answer in and wakes whoever waits. What comes too late is dropped here, outside the lock.
    pub(crate) fn fill(&self, answer: Result<R, Unanswered>) {
        let mut state = self.state.lock();
        if matches!(*state, State::Filled(_) | State::Closed) {
            drop(state);
            drop(answer);
            return;
        }
        let before = std::mem::replace(&mut *state, State::Filled(answer));
        self.done.store(true, Ordering::Release);
        drop(state);
        if let State::Waiting(waker, _) = before {
            waker.wake();
        }
    }

    /// Takes the answer, or leaves the waker behind. The deadline that was given last counts.
    pub(crate) fn poll(&self, cx: &Context<'_>, deadline: Option<Instant>) -> Poll<Result<R, Unanswered>> {
        if self.done.load(Ordering::Acquire) {
            return self.take().map_or(Poll::Pending, Poll::Ready);
        }
        // Cloned before the lock is taken: a foreign waker is user code.
        let waker = cx.waker().clone();
        let mut state = self.state.lock();
        if self.done.load(Ordering::Relaxed) {
            drop(state);
            return self.take().map_or(Poll::Pending, Poll::Ready);
        }
        let old = std::mem::replace(&mut *state, State::Waiting(waker, deadline));
        drop(state);
        drop(old);
        chain::let_go();
        Poll::Pending
    }

    /// Takes the answer if it is there.
    pub(crate) fn take(&self) -> Option<Result<R, Unanswered>> {
        let mut state = self.state.lock();
        if !matches!(*state, State::Filled(_)) {
            return None;
        }
        match std::mem::replace(&mut *state, State::Closed) {
            State::Filled(answer) => Some(answer),
            _ => None,
        }
    }

    /// Gives up: what arrives from now on is dropped.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        let before = std::mem::replace(&mut *state, State::Closed);
        self.done.store(true, Ordering::Release);
        drop(state);
        drop(before);
    }

    /// Whether nobody waits for the answer any more.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }
}

/// A slot without the type of its answer: what a server knows of the calls that wait for it.
pub(crate) trait Waiting: Send + Sync {
    /// Ends the wait without an answer, if it has not ended.
    fn fail(&self, why: Unanswered);
    /// The process that asked, if one did.
    fn client(&self) -> Option<Pid>;
    /// Whether an answer is still wanted.
    fn is_open(&self) -> bool;
    /// Ends the wait if its deadline has passed; says how long it lasts otherwise.
    fn expire(&self, now: Instant) -> Patience;
}

/// How long somebody waits. A wait has one deadline or none, and keeps to that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Patience {
    /// It has not begun.
    Unknown,
    Until(Instant),
    /// As long as the process lives.
    Endless,
    Over,
}

impl<R: Send> Waiting for Slot<R> {
    fn fail(&self, why: Unanswered) {
        self.fill(Err(why));
    }

    fn client(&self) -> Option<Pid> {
        let [place, serial] = &self.client;
        let pid = Pid::from_parts(place.load(Ordering::Relaxed), serial.load(Ordering::Relaxed));
        Some(pid).filter(|pid| pid.serial != 0)
    }

    fn is_open(&self) -> bool {
        !self.is_closed()
    }

    fn expire(&self, now: Instant) -> Patience {
        let deadline = match *self.state.lock() {
            State::Open => return Patience::Unknown,
            State::Waiting(_, None) => return Patience::Endless,
            State::Waiting(_, Some(deadline)) => deadline,
            State::Filled(_) | State::Closed => return Patience::Over,
        };
        if deadline > now {
            return Patience::Until(deadline);
        }
        self.fail(Unanswered::Timeout);
        Patience::Over
    }
}

/// The slot as a server keeps it.
pub(crate) fn erased<R: Send + 'static>(slot: &Arc<Slot<R>>) -> Arc<dyn Waiting> {
    Arc::clone(slot) as Arc<dyn Waiting>
}

/// How an answer comes back when the server runs on the caller's own thread: without a lock, an allocation or a reference
/// count.
///
/// While a caller runs a server, its lane lies in the thread. A reply to that very call, on that thread, puts the answer into
/// the lane, and gives its half of the slot back. A slot of which both halves are back is known to nobody else, so it is used
/// again for the next call; that is why a late reply cannot reach a later call.
pub(crate) struct Lane<R> {
    /// The caller's half of the slot.
    slot: Option<Arc<Slot<R>>>,
    /// The server's half, before and after the call.
    twin: Option<Arc<Slot<R>>>,
    answer: Option<R>,
}

thread_local! {
    /// The lane of the call that runs a server on this thread just now.
    static OPEN: Cell<Option<Box<dyn Any>>> = const { Cell::new(None) };
    /// A lane that nobody uses. One is enough: what is called in a loop has one type.
    static SPARE: Cell<Option<Box<dyn Any>>> = const { Cell::new(None) };
}

impl<R: Send + 'static> Lane<R> {
    /// A lane for a call to `home`, and the server's half of its slot.
    pub(crate) fn new(home: Pid) -> (Box<Self>, Arc<Slot<R>>) {
        let mut lane = match SPARE.take().and_then(|spare| spare.downcast::<Self>().ok()) {
            Some(lane) => lane,
            None => Box::new(Self { slot: None, twin: None, answer: None }),
        };
        if let (Some(slot), Some(twin)) = (&lane.slot, lane.twin.take()) {
            slot.belong_to(home);
            return (lane, twin);
        }
        let slot = Arc::new(Slot::new(home));
        lane.slot = Some(Arc::clone(&slot));
        (lane, slot)
    }

    /// The slot of the lane that is open on this thread, for the server to keep.
    pub(crate) fn open_slot() -> Option<Arc<dyn Waiting>> {
        let open = OPEN.take()?;
        let slot = open.downcast_ref::<Self>().and_then(|lane| lane.slot.as_ref()).map(erased);
        OPEN.set(Some(open));
        slot
    }

    /// Runs `send` with the lane open, and looks what came of it.
    pub(crate) fn run<T>(self: Box<Self>, send: impl FnOnce() -> T) -> (T, Answer<R>) {
        let outer = OPEN.replace(Some(self as Box<dyn Any>));
        let sent = send();
        let lane = OPEN.replace(outer).and_then(|lane| lane.downcast::<Self>().ok());
        let answer = match lane {
            Some(mut lane) => match lane.answer.take() {
                Some(answer) => {
                    SPARE.set(Some(lane as Box<dyn Any>));
                    Answer::Here(answer)
                }
                None => lane.slot.take().map_or(Answer::Lost, |slot| {
                    SPARE.set(Some(lane as Box<dyn Any>));
                    Answer::Awaited(slot)
                }),
            },
            None => Answer::Lost,
        };
        (sent, answer)
    }
}

/// What came of a call that ran its server inline.
pub(crate) enum Answer<R> {
    Here(R),
    /// It will come through the slot.
    Awaited(Arc<Slot<R>>),
    /// A panic took the lane: only a bug of this crate can do that, and the call reports it as a missing answer.
    Lost,
}

/// Answers through the lane of this thread if it belongs to the slot, and through the slot if not.
pub(crate) fn answer<R: Send + 'static>(slot: Arc<Slot<R>>, reply: R) {
    let Some(mut open) = OPEN.take() else { return slot.fill(Ok(reply)) };
    if let Some(lane) = open.downcast_mut::<Lane<R>>()
        && lane.slot.as_ref().is_some_and(|ours| Arc::ptr_eq(ours, &slot))
    {
        lane.answer = Some(reply);
        lane.twin = Some(slot);
        OPEN.set(Some(open));
        return;
    }
    OPEN.set(Some(open));
    slot.fill(Ok(reply));
}
