//! Room in a full mailbox: who waits for it stands in a line, and is called in its turn.
//!
//! Whoever is called is promised a place: the bound is lowered by one until the place is taken or handed back, so no later
//! sender can take it. While somebody stands in the line nobody goes past it. That is what keeps a wait for room fair, and
//! its wake-ups from being lost: a promise that is not used, because the sender gave up, goes to the next in the line.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::mail::{LOOK_ROOM, Mail, Process};
use crate::node::alarm::{AlarmKey, Alarmed};
use crate::server::GenServer;
use crate::sync::Mutex;
use crate::sync::barrier;

/// The line moves when more than this part of the mailbox is free: one eighth, and in a small mailbox one place. Otherwise a
/// sender would be woken for every message that is handled.
const ROOM_SHARE: u32 = 8;

/// One sender's place in the line. Its lock is a leaf: it is taken under the lock of a mailbox.
pub(crate) struct Seat(Mutex<Turn>);

enum Turn {
    Waits(Option<Waker>),
    /// It may go: a place is promised, or the server is dead.
    Called,
    /// It gave up, or has gone.
    Left,
}

impl Seat {
    /// Calls whoever sits here. Nothing if nobody does any more.
    pub(super) fn call(&self) -> Option<Waker> {
        let mut turn = self.0.lock();
        match &mut *turn {
            Turn::Waits(waker) => {
                let waker = waker.take();
                *turn = Turn::Called;
                Some(waker.unwrap_or_else(|| Waker::noop().clone()))
            }
            Turn::Called | Turn::Left => None,
        }
    }

    fn is_left(&self) -> bool {
        matches!(*self.0.lock(), Turn::Left)
    }
}

/// The deadline of a call that waits for room.
impl Alarmed for Seat {
    fn due(self: Arc<Self>, _now: Instant) {
        let mut turn = self.0.lock();
        let waker = match &mut *turn {
            Turn::Waits(waker) => waker.take(),
            Turn::Called | Turn::Left => None,
        };
        drop(turn);
        if let Some(waker) = waker {
            barrier::wake(waker);
        }
    }
}

/// A sender that stands in the line.
pub(crate) struct Line<S: GenServer> {
    process: Arc<Process<S>>,
    seat: Arc<Seat>,
    alarm: Option<AlarmKey>,
}

impl<S: GenServer> Line<S> {
    /// Whether it is this sender's turn.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut turn = self.seat.0.lock();
        let Turn::Waits(place) = &mut *turn else { return Poll::Ready(()) };
        let before = place.replace(waker);
        drop(turn);
        barrier::drop_caught(before);
        Poll::Pending
    }

    /// Wakes the sender when `at` has come, too.
    pub(crate) fn wake_at(&mut self, at: Instant) {
        let (key, keeper) = self.process.head.home.alarm().set(at, Arc::clone(&self.seat) as Arc<dyn Alarmed>);
        self.alarm = Some(key);
        if let Some(keeper) = keeper {
            barrier::wake(keeper);
        }
    }

    /// The sender has used its promise.
    pub(crate) fn leave(self) {
        *self.seat.0.lock() = Turn::Left;
    }
}

/// Whoever gives up lets the next one have the promise.
impl<S: GenServer> Drop for Line<S> {
    fn drop(&mut self) {
        if let Some(key) = self.alarm {
            self.process.head.home.alarm().cancel(key);
        }
        let turn = std::mem::replace(&mut *self.seat.0.lock(), Turn::Left);
        if matches!(turn, Turn::Called) {
            self.process.hand_back();
        }
        barrier::drop_caught(turn);
    }
}

impl<S: GenServer> Process<S> {
    /// A place in the line, or nothing if there is no need for one: there is room, or the server is dead.
    pub(crate) fn stand_in_line(self: &Arc<Self>) -> Option<Line<S>> {
        let seat = Arc::new(Seat(Mutex::new(Turn::Waits(None))));
        let mut mail = self.mail.lock();
        if mail.closed || !self.is_full(&mail) {
            return None;
        }
        let line = &mut mail.ties().seldom().room;
        if line.len() == line.capacity() {
            // Those who gave up go before the line grows. They left their wakers behind already.
            line.retain(|seat| !seat.is_left());
        }
        line.push_back(Arc::clone(&seat));
        self.look.fetch_or(LOOK_ROOM, Ordering::Relaxed);
        drop(mail);
        Some(Line { process: Arc::clone(self), seat, alarm: None })
    }

    /// Whether a sender has to wait: there is no room, or others wait for what there is.
    #[inline]
    pub(super) fn is_full(&self, mail: &Mail<S>) -> bool {
        self.load(mail) >= mail.bound || self.look.load(Ordering::Relaxed) & LOOK_ROOM != 0
    }

    /// Promises the free places to those who stand first in the line. They are woken after the lock is released.
    #[cold]
    pub(super) fn make_room(&self, mail: &mut Mail<S>) -> Vec<Waker> {
        let mut woken = Vec::new();
        let mut room = mail.bound.saturating_sub(self.load(mail));
        if room <= mail.bound / ROOM_SHARE {
            return woken;
        }
        let line = &mut mail.ties().seldom().room;
        while room > 0 {
            let Some(seat) = line.pop_front() else { break };
            if let Some(waker) = seat.call() {
                woken.push(waker);
                room -= 1;
            }
        }
        if line.is_empty() {
            self.look.fetch_and(!LOOK_ROOM, Ordering::Relaxed);
        }
        mail.bound -= u32::try_from(woken.len()).expect("no more are called than there is room for");
        woken
    }

    /// A promise that was not used goes to the next.
    fn hand_back(&self) {
        let mut mail = self.mail.lock();
        mail.bound += 1;
        if mail.closed || self.look.load(Ordering::Relaxed) & LOOK_ROOM == 0 {
            return;
        }
        let woken = self.make_room(&mut mail);
        drop(mail);
        woken.into_iter().for_each(barrier::wake);
    }
}
