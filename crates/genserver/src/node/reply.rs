//! The slot in which one answer travels from a server to the caller that waits for it.
//!
//! 1. A slot is filled at most once per call, by the first that comes: the reply, the server's death, the deadline, or the
//!    caller that gives up. Everything that comes later finds it filled and does nothing, so a late or second reply is never
//!    seen.
//! 2. A slot is used again for the next call only if a reply ended the call before. A reply uses up its `Caller`, so nobody is
//!    left who could fill the slot for the wrong call.
//! 3. A server keeps a list of the slots that wait for it (see `process::waiters`). A slot that is used again for the same
//!    server is in that list already: `listed` says so, and is written under the slot's lock. A server takes a slot off its
//!    list only while the slot is done, or used for another server, and says so in `listed` if the slot is still its own.
//! 4. A list may therefore hold a slot that has gone on to another server. What a server does to the slots of its list names the
//!    server, and passes by the slots of others.
//! 5. A server that has looked at the deadline of a slot keeps it in the order of the deadlines, and takes back `listed`: the
//!    next call of that slot enters the list once more, where its own deadline is looked at.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};

use crate::node::cut;
use crate::node::record::{self, CallId, CallUnderWay, Event};
use crate::sync::barrier;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// Why a slot was filled without an answer.
#[derive(Clone, Debug)]
pub(crate) enum Unanswered {
    /// The server dropped the caller, and lives on.
    NoReply,
    /// The server ended.
    Exit(Reason),
    /// The deadline passed.
    Timeout,
    /// The server waits for the process that asked: the cycle, beginning with that process.
    Cycle(Vec<Pid>),
}

impl Unanswered {
    fn word(&self) -> &'static str {
        match self {
            Self::NoReply => "no reply",
            Self::Exit(_) => "it has ended",
            Self::Timeout => "timeout",
            Self::Cycle(_) => "a cycle",
        }
    }
}

/// Where the answer of one request is put.
pub(crate) struct Slot<R> {
    /// The server that owes the answer, as two numbers. Written under the lock, and only while no call is under way.
    home: [AtomicU64; 2],
    /// The process that asked, in the same way; zeros if it was plain code.
    client: [AtomicU64; 2],
    call: CallUnderWay,
    /// Whether the state is `Filled` or `Closed`, for a look without the lock. Written under it.
    done: AtomicBool,
    /// Whether the slot is in its home's list of waiters (rule 3). Written under the lock.
    listed: AtomicBool,
    state: Mutex<State<R>>,
}

enum State<R> {
    /// Nobody looked yet.
    Open,
    /// The caller waits, until the deadline if there is one.
    Waiting(Waker, Option<Instant>),
    Filled(Result<R, Unanswered>),
    /// The answer was taken, or nobody wants it any more.
    Closed,
}

impl<R> Slot<R> {
    pub(crate) fn new(home: Pid) -> Self {
        let slot = Self {
            home: [AtomicU64::new(home.place()), AtomicU64::new(home.serial)],
            client: Default::default(),
            call: CallUnderWay::first(),
            done: AtomicBool::new(false),
            listed: AtomicBool::new(false),
            state: Mutex::new(State::Open),
        };
        slot.note_client();
        slot
    }

    /// A slot that has its answer.
    pub(crate) fn filled(home: Pid, answer: R) -> Self {
        let slot = Self::new(home);
        slot.fill(Ok(answer));
        slot
    }

    /// Notes which process asks now.
    #[inline]
    fn note_client(&self) {
        let (place, serial) = crate::node::current::pid().map_or((0, 0), |pid| (pid.place(), pid.serial));
        self.client[0].store(place, Ordering::Relaxed);
        self.client[1].store(serial, Ordering::Relaxed);
    }

    /// The slot is filled, or nobody waits for it any more. A reason is shown by the events of the end that it belongs to: its text
    /// is the user's code, and not made under the lock.
    #[inline]
    fn note_answer(&self, unanswered: Option<&Unanswered>, answered: CallId) {
        // Between two calls it may still be in the list of a server that ends. Whether it is depends on what its thread has kept of
        // earlier calls, so a simulation must not see it.
        if self.call() == CallId::NONE {
            return;
        }
        record::note(|| {
            let [place, serial] = &self.client;
            let to = Pid::from_parts(place.load(Ordering::Relaxed), serial.load(Ordering::Relaxed));
            let text = unanswered.and_then(|why| record::text(|| why.word().to_owned()));
            Event::Replied { from: self.home(), to, call: self.call(), answered, text }
        });
    }

    /// The call that it is used for.
    #[inline]
    pub(crate) fn call(&self) -> CallId {
        self.call.get()
    }

    pub(crate) fn home(&self) -> Pid {
        Pid::from_parts(self.home[0].load(Ordering::Relaxed), self.home[1].load(Ordering::Relaxed))
    }

    /// Prepares the slot for the next call, to `home` (rule 2).
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
    pub(crate) fn reopen(&self, home: Pid) {
        self.call.next();
        self.redirect(home);
    }

    /// The same for the call that the slot was opened for, which another server has not taken.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
    pub(crate) fn redirect(&self, home: Pid) {
        // Mostly it was opened when its last answer was taken, and the next call goes to the same server.
        if self.is_done() || self.home() != home {
            self.reopen_slowly(home);
        }
        self.note_client();
    }

    #[cold]
    fn reopen_slowly(&self, home: Pid) {
        let mut state = self.state.lock();
        if self.home() != home {
            self.home[0].store(home.place(), Ordering::Relaxed);
            self.home[1].store(home.serial, Ordering::Relaxed);
            self.listed.store(false, Ordering::Relaxed);
        }
        // Relaxed: the slot is this thread's alone until it goes out with the next `Caller`.
        let before = std::mem::replace(&mut *state, State::Open);
        self.done.store(false, Ordering::Relaxed);
        drop(state);
        drop(before);
    }

    /// Puts the answer in and wakes the caller that waits. What comes too late is dropped here, outside the lock.
    pub(crate) fn fill(&self, answer: Result<R, Unanswered>) {
        self.fill_for(self.call(), answer);
    }

    /// `fill` with the answer to this call, which is the one that waits (rule 2).
    pub(crate) fn fill_for(&self, answered: CallId, answer: Result<R, Unanswered>) {
        self.fill_if(answered, answer, |_| true);
    }

    #[inline]
    fn fill_if(&self, answered: CallId, answer: Result<R, Unanswered>, wanted: impl FnOnce(&Self) -> bool) {
        let mut state = self.state.lock();
        if self.done.load(Ordering::Relaxed) || !wanted(self) {
            drop(state);
            drop(answer);
            return;
        }
        self.note_answer(answer.as_ref().err(), answered);
        // The caller has not looked yet, as in every call that its caller runs: there is no waker to move out.
        if matches!(*state, State::Open) {
            *state = State::Filled(answer);
            self.done.store(true, Ordering::Release);
            return;
        }
        let before = std::mem::replace(&mut *state, State::Filled(answer));
        self.done.store(true, Ordering::Release);
        drop(state);
        if let State::Waiting(waker, _) = before {
            barrier::wake(waker);
        }
    }

    /// Takes the answer, or leaves the waker behind, and the deadline of the wait.
    #[inline]
    pub(crate) fn poll(&self, cx: &Context<'_>, deadline: Option<Instant>) -> Poll<Result<R, Unanswered>> {
        self.poll_with(cx, |_| deadline)
    }

    /// Takes the answer, or leaves another waker behind. The deadline stays.
    #[inline]
    pub(crate) fn poll_again(&self, cx: &Context<'_>) -> Poll<Result<R, Unanswered>> {
        self.poll_with(cx, |state| match state {
            State::Waiting(_, deadline) => *deadline,
            _ => None,
        })
    }

    #[inline]
    fn poll_with(
        &self,
        cx: &Context<'_>,
        deadline: impl FnOnce(&State<R>) -> Option<Instant>,
    ) -> Poll<Result<R, Unanswered>> {
        if !self.is_done() && self.wait_with(cx, deadline) {
            return Poll::Pending;
        }
        // After the answer was seen: an exit that was sent before it is seen, too.
        if cut::is_cut(cx) {
            return Poll::Pending;
        }
        self.take().map_or(Poll::Pending, Poll::Ready)
    }

    /// Leaves the waker behind, and the deadline of the wait; false if the slot is done.
    #[inline]
    pub(crate) fn wait(&self, cx: &Context<'_>, deadline: Option<Instant>) -> bool {
        self.wait_with(cx, |_| deadline)
    }

    #[inline]
    fn wait_with(&self, cx: &Context<'_>, deadline: impl FnOnce(&State<R>) -> Option<Instant>) -> bool {
        // Cloned before the lock is taken: a foreign waker is user code.
        let waker = cx.waker().clone();
        let mut state = self.state.lock();
        if self.done.load(Ordering::Relaxed) {
            drop(state);
            return false;
        }
        // The deadline is left before the alarm is looked at: see `Process::watch_call`.
        let deadline = deadline(&state);
        let old = std::mem::replace(&mut *state, State::Waiting(waker, deadline));
        drop(state);
        if let State::Waiting(waker, _) = old {
            barrier::drop_caught(waker);
        }
        true
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

    /// Takes the reply if it is there, and opens the slot again (rule 2): nobody can fill it any more for the last call.
    #[inline]
    pub(crate) fn take_reply(&self) -> Option<R> {
        if !self.is_done() {
            return None;
        }
        let mut state = self.state.lock();
        match std::mem::replace(&mut *state, State::Open) {
            State::Filled(Ok(reply)) => {
                self.done.store(false, Ordering::Relaxed);
                self.call.end();
                Some(reply)
            }
            other => {
                *state = other;
                None
            }
        }
    }

    /// Gives up: what arrives from now on is dropped.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        record::note(|| Event::Abandoned { call: self.call() });
        let before = std::mem::replace(&mut *state, State::Closed);
        self.done.store(true, Ordering::Release);
        drop(state);
        if let State::Waiting(waker, _) = before {
            barrier::drop_caught(waker);
        }
    }

    /// Whether nobody waits for the answer any more.
    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// Whether the slot is in its home's list of waiters. Asked by the caller, whose call is under way: then it stays there.
    #[inline]
    pub(crate) fn is_listed(&self) -> bool {
        self.listed.load(Ordering::Relaxed)
    }
}

/// A slot without the type of its answer: what a server knows of the calls that wait for it.
pub(crate) trait Waiting: Send + Sync {
    /// Whether it waits at this process, and not at another by now.
    #[cfg(feature = "sim")]
    fn waits_at(&self, home: Pid) -> bool {
        let _ = home;
        true
    }
    /// Ends the wait without an answer, if it has not ended.
    fn fail(&self, why: Unanswered);
    /// The same for a slot out of the list of `home` (rule 4).
    fn fail_of(&self, home: Pid, why: Unanswered);
    /// The process that asked, if one did.
    fn client(&self) -> Option<Pid>;
    /// Whether an answer is still wanted.
    fn is_open(&self) -> bool;
    /// Enters the list of its home.
    fn enter(&self);
    /// Leaves the list of `home` if nobody waits for that server here (rule 3). Whether it left.
    fn leave(&self, home: Pid) -> bool;
    /// Ends the wait for `home` if its deadline has passed; says how long it lasts otherwise.
    fn expire(&self, home: Pid, now: Instant) -> Patience;
}

/// How long a wait lasts. It has one deadline or none, and that does not change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Patience {
    /// It has not begun.
    Unknown,
    Until(Instant),
    /// As long as the process lives.
    Endless,
    /// It is over, and the slot has left the list.
    Over,
}

impl<R> Slot<R> {
    /// Rule 3, under the lock of the state.
    fn leave_locked(&self, home: Pid) -> bool {
        let is_ours = self.home() == home;
        if is_ours && !self.done.load(Ordering::Relaxed) {
            return false;
        }
        if is_ours {
            self.listed.store(false, Ordering::Relaxed);
        }
        true
    }
}

impl<R: Send> Waiting for Slot<R> {
    #[cfg(feature = "sim")]
    fn waits_at(&self, home: Pid) -> bool {
        self.home() == home
    }

    fn fail(&self, why: Unanswered) {
        self.fill(Err(why));
    }

    fn fail_of(&self, home: Pid, why: Unanswered) {
        self.fill_if(self.call(), Err(why), |slot| slot.home() == home);
    }

    fn client(&self) -> Option<Pid> {
        let [place, serial] = &self.client;
        let pid = Pid::from_parts(place.load(Ordering::Relaxed), serial.load(Ordering::Relaxed));
        Some(pid).filter(|pid| pid.serial != 0)
    }

    fn is_open(&self) -> bool {
        !self.is_done()
    }

    fn enter(&self) {
        let _state = self.state.lock();
        self.listed.store(true, Ordering::Relaxed);
    }

    fn leave(&self, home: Pid) -> bool {
        let _state = self.state.lock();
        self.leave_locked(home)
    }

    fn expire(&self, home: Pid, now: Instant) -> Patience {
        let mut state = self.state.lock();
        if self.leave_locked(home) {
            return Patience::Over;
        }
        let deadline = match &*state {
            State::Waiting(_, deadline) => *deadline,
            State::Open | State::Filled(_) | State::Closed => return Patience::Unknown,
        };
        // Rule 5: from here on it is kept by its deadline, and the next call may have an earlier one.
        self.listed.store(false, Ordering::Relaxed);
        match deadline {
            None => return Patience::Endless,
            Some(deadline) if deadline > now => return Patience::Until(deadline),
            Some(_) => {}
        }
        self.note_answer(Some(&Unanswered::Timeout), self.call());
        // Under the lock of the look: in between a reply might come, and the slot go on to the next call.
        let before = std::mem::replace(&mut *state, State::Filled(Err(Unanswered::Timeout)));
        self.done.store(true, Ordering::Release);
        drop(state);
        if let State::Waiting(waker, _) = before {
            barrier::wake(waker);
        }
        Patience::Over
    }
}

/// The slot as a server keeps it.
pub(crate) fn erased<R: Send + 'static>(slot: &Arc<Slot<R>>) -> Arc<dyn Waiting> {
    Arc::clone(slot) as Arc<dyn Waiting>
}
