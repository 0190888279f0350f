//! The senders that wait for space in a full mailbox, first come, first served.
//!
//! A sender whose turn has come is promised a place: the bound is lowered by one until the place is taken or handed back, so
//! no later sender can take it. While senders wait, nobody goes past them. That keeps the wait fair, and no wake-up is lost:
//! if the sender has given up, its promise goes to the next in the queue.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::mail::{LOOK_SPACE, Mail, Process};
use crate::node::alarm::{AlarmKey, Alarmed};
use crate::process::queued_sender::QueuedSender;
#[cfg(feature = "sim")]
use crate::runtime::simulated::{self, Server};
use crate::server::GenServer;
use crate::sync::barrier;

/// The queue moves when more than this part of the mailbox is free: one eighth, and in a small mailbox one place. Otherwise
/// each handled message would wake a sender.
const SPACE_SHARE: u32 = 8;

/// A sender's wait for space.
pub(crate) struct SpaceWait<S: GenServer> {
    process: Arc<Process<S>>,
    sender: Arc<QueuedSender>,
    alarm: Option<AlarmKey>,
}

impl<S: GenServer> SpaceWait<S> {
    /// Whether it is this sender's turn.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        self.sender.poll(cx.waker().clone())
    }

    /// Wakes the sender when `at` has come, too.
    pub(crate) fn wake_at(&mut self, at: Instant) {
        let (key, keeper) = self.process.head.home.alarm().set(at, Arc::clone(&self.sender) as Arc<dyn Alarmed>);
        self.alarm = Some(key);
        if let Some(keeper) = keeper {
            barrier::wake(keeper);
        }
    }

    /// The sender has used its promise.
    pub(crate) fn leave(self) {
        self.sender.leave();
    }
}

// A sender that gives up hands its promise to the next.
impl<S: GenServer> Drop for SpaceWait<S> {
    fn drop(&mut self) {
        if let Some(key) = self.alarm {
            self.process.head.home.alarm().cancel(key);
        }
        if self.sender.leave() {
            self.process.hand_back();
        }
    }
}

impl<S: GenServer> Process<S> {
    /// Joins the queue. Returns `None` if it need not wait: there is space, or the server is dead.
    pub(crate) fn wait_for_space(self: &Arc<Self>) -> Option<SpaceWait<S>> {
        let sender = QueuedSender::new();
        let mut mail = self.mail.lock();
        if mail.closed || !self.is_full(&mail) {
            return None;
        }
        mail.peak = mail.peak.max(self.load(&mail));
        let queue = &mut mail.ties().rare().senders;
        if queue.len() == queue.capacity() {
            // Senders that gave up are removed before the queue grows. They have taken their wakers along.
            queue.retain(|sender| !sender.is_left());
        }
        queue.push_back(Arc::clone(&sender));
        // Relaxed: set and cleared under the lock. The poller reads it under the lock too before it lets go of the body.
        self.look.fetch_or(LOOK_SPACE, Ordering::Relaxed);
        drop(mail);
        Some(SpaceWait { process: Arc::clone(self), sender, alarm: None })
    }

    /// Whether a sender has to wait: the mailbox is full, or others wait for it already.
    #[inline]
    pub(super) fn is_full(&self, mail: &Mail<S>) -> bool {
        #[cfg(feature = "sim")]
        if simulated::ask(|sim| sim.is_full(Server::new::<S>(self.head.pid), self.load(mail))) == Some(true) {
            return true;
        }
        // Also if there is space again: a sender that went past the queue would take the place of one that has waited.
        self.load(mail) >= mail.bound || self.look.load(Ordering::Relaxed) & LOOK_SPACE != 0
    }

    /// Promises the free places to the first senders of the queue. They are woken after the lock is released.
    #[cold]
    pub(super) fn promise_places(&self, mail: &mut Mail<S>) -> Vec<Waker> {
        let mut woken = Vec::new();
        let mut space = mail.bound.saturating_sub(self.load(mail));
        if space <= mail.bound / SPACE_SHARE {
            return woken;
        }
        let queue = &mut mail.ties().rare().senders;
        while space > 0 {
            let Some(sender) = queue.pop_front() else { break };
            if let Some(waker) = sender.call() {
                woken.push(waker);
                space -= 1;
            }
        }
        if queue.is_empty() {
            self.look.fetch_and(!LOOK_SPACE, Ordering::Relaxed);
        }
        // The promised places are taken off the bound, so nobody who comes now gets one of them.
        mail.bound -= u32::try_from(woken.len()).expect("no more are called than there is space for");
        woken
    }

    /// A promise that was not used goes to the next.
    fn hand_back(&self) {
        let mut mail = self.mail.lock();
        mail.bound += 1;
        // A closed mailbox promises nothing any more: the end calls all who still wait.
        if mail.closed {
            return;
        }
        let woken = self.promise_places(&mut mail);
        drop(mail);
        woken.into_iter().for_each(barrier::wake);
    }
}
