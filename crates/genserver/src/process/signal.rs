//! What reaches a server from other processes: exits, links, monitors, the order to stop, and the clock.

use std::any::Any;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::envelope::{Envelope, Signal};
use super::inspect::SystemRequest;
use super::mail::{Doing, Kick, LOOK_DOOM, Mail, Process, Run, Task};
use super::noted;
use super::tied::{TiedState, TiesLock};
use super::ties::Ties;
use super::vtable::Vtable;
use super::waiters::Waiters;
use super::work::Job;
use super::work::outgoing;
use crate::node::alarm::Alarmed;
use crate::node::any_process::Untyped;
use crate::node::any_process::{AnyProcess, Asked, ExitKind, Head, StoppedHere};
use crate::node::current;
use crate::node::order::Order;
use crate::node::record::{self, Arrival, Event};
use crate::node::reply::{Slot, Unanswered, Waiting};
use crate::server::GenServer;
use crate::sync::MutexGuard;
use crate::sync::atomic::Ordering;
use crate::values::exit::Exit;
use crate::values::info::ProcessInfo;
use crate::values::monitor::Down;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

impl<S: GenServer> AnyProcess for Process<S> {
    fn head(&self) -> &Head {
        &self.head
    }

    fn is_alive(&self) -> bool {
        !self.mail.lock().closed
    }

    #[cfg(feature = "sim")]
    fn is_idle(&self) -> Option<bool> {
        let mail = self.mail.lock();
        Some(mail.run == Run::Idle && !mail.suspended)
    }

    fn is_ending(&self) -> bool {
        let mail = self.mail.lock();
        mail.closed && mail.run != Run::Dead
    }

    fn is_doomed(&self) -> bool {
        // Without the lock: deadlines and cuts ask this of processes whose lock may be held further up this thread's stack.
        // Relaxed: the answer is out of date at once anyway, and the end itself looks under the lock.
        self.look.load(Ordering::Relaxed) & LOOK_DOOM != 0
    }

    fn order_down(self: Arc<Self>, exit: Exit) {
        // A server that traps exits is asked to stop, so that terminate runs, as if its supervisor had sent the exit.
        if self.traps_exits() {
            self.signal(Signal::Stop(exit.reason.into()));
        } else {
            self.doom(exit.reason);
        }
    }

    fn traps_exits(&self) -> bool {
        self.traps_exits.load(Ordering::Relaxed)
    }

    fn is_in_init(&self) -> bool {
        self.doing() == Doing::Init
    }

    fn down(self: Arc<Self>, down: Down) {
        let (from, reference) = (down.pid, down.reference);
        // A dead watcher does not hear it.
        let is_queued = self.signal(Signal::Down(down));
        record::note(|| Event::DownCame { at: self.head.pid, from, reference, is_queued });
    }

    fn stop(self: Arc<Self>, order: Order, ended: Arc<Slot<Reason>>, inline: bool) -> bool {
        noted::with_reason(self.head.pid, Arrival::Stop, order.reason());
        let mut order = outgoing(Envelope::Signal(Box::new(Signal::Stop(order))).traced(true));
        let mut mail = self.mail.lock();
        // Also while it is ending: the order comes too late, but its sender still waits for everybody to be told.
        if !mail.add_stopper(self.head.pid, ended) {
            return false;
        }
        if mail.closed {
            return true;
        }
        if let Some(mail) = self.run_inline(mail, &mut order, inline)
            && let Some(Job::Message(order)) = order.take()
        {
            self.enqueue(mail, order);
        }
        true
    }

    fn stop_here(self: Arc<Self>, reason: &Reason) -> StoppedHere {
        let mut mail = self.mail.lock();
        if mail.run != Run::Idle || mail.closed || !self.may_run_inline(&mut mail) {
            return StoppedHere::NotNow;
        }
        let Some(body) = mail.body.take() else { return StoppedHere::NotNow };
        mail.run = Run::Running;
        // Closed under the lock that takes the body out, so that nothing is queued behind this end.
        mail.closed = true;
        mail.forget_idle();
        drop(mail);
        noted::with_reason(self.head.pid, Arrival::Stop, reason);
        let _entered = current::enter(self.head.pid);
        self.terminate_here(body, reason.clone())
    }

    fn watch_deadline(self: Arc<Self>, at: Instant) {
        Process::watch_deadline(&self, self.head.home.runtime().now(), at);
    }

    fn runtime_gone(self: Arc<Self>) {
        Process::runtime_gone(&self);
    }

    fn ask(self: Arc<Self>, request: Untyped, slot: Arc<dyn Waiting>, inline: bool) -> Asked {
        self.ask_typed(SystemRequest::from_untyped(request), slot, inline)
    }

    fn info(&self) -> ProcessInfo {
        let mail = self.mail.lock();
        let ties = mail.ties.as_deref();
        let extras = mail.extras.as_deref();
        let load = self.load(&mail);
        ProcessInfo {
            pid: self.head.pid,
            name: self.head.name().map(ToString::to_string),
            label: self.head.label().map(str::to_owned),
            server: std::any::type_name::<S>(),
            parent: self.head.parent(),
            status: super::status::status(mail.run, mail.closed, mail.suspended, mail.hibernated, self.doing()),
            mailbox: load as usize,
            mailbox_peak: mail.peak.max(load) as usize,
            handled: self.handled.total(),
            restarts: extras.map_or(0, |extras| extras.restarts),
            refused: extras.map_or(0, |extras| extras.refused),
            dropped: extras.map_or(0, |extras| extras.dropped),
            links: ties.map(|ties| ties.peers().collect()).unwrap_or_default(),
            monitors: ties.map_or(0, Ties::watchers),
            traps_exits: self.traps_exits(),
            awaiting_since: extras.and_then(|extras| extras.awaiting_since).filter(|_| mail.run == Run::Awaiting),
            has_task: !matches!(mail.task, Task::None),
        }
    }

    fn set_restarts(&self, restarts: u64) {
        self.mail.lock().extras().restarts = restarts;
        if restarts > 0 {
            self.meter.restarted();
        }
    }

    #[cfg(feature = "metrics")]
    fn flush_counts(&self) {
        self.flush_counts();
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl<S: GenServer> TiesLock for Process<S> {
    type Guard<'a> = MutexGuard<'a, Mail<S>>;

    fn lock(&self) -> Self::Guard<'_> {
        self.mail.lock()
    }

    fn traps(&self, _mail: &Self::Guard<'_>) -> bool {
        self.traps_exits()
    }

    fn end(self: &Arc<Self>, reason: Reason) {
        self.doom(reason);
    }

    fn trap(self: &Arc<Self>, mut mail: Self::Guard<'_>, exit: Exit, kind: ExitKind) {
        if mail.closed {
            return;
        }
        // A process that no other started is its own parent, as in OTP.
        let signal = if self.head.parent().unwrap_or(self.head.pid) == exit.from {
            Signal::Stop(exit.reason.into())
        } else {
            // By this number `unlink_flush` finds the exit of a link in the mailbox, and not one that was sent by hand.
            let number = kind.is_of_a_link().then(|| self.head.home.node().next_reference());
            if let Some(number) = number {
                mail.ties().rare().exits_queued.insert((exit.from, number));
            }
            Signal::Exit(exit, number)
        };
        self.enqueue(mail, Envelope::Signal(Box::new(signal)));
    }
}

impl<S: GenServer> TiedState for Mail<S> {
    fn is_dead(&self) -> bool {
        self.run == Run::Dead
    }

    fn has_told(&self) -> bool {
        self.told
    }

    fn doom(&self) -> Option<&Reason> {
        self.doom.as_ref()
    }

    fn ties(&mut self) -> &mut Ties {
        Mail::ties(self)
    }

    fn known_ties(&mut self) -> Option<&mut Ties> {
        self.ties.as_deref_mut()
    }
}

impl<S: GenServer> Process<S> {
    /// Asks the clock to come at `at`, if it does not come earlier anyway. Called under the lock; the alarm is a leaf lock.
    pub(super) fn wake_at(self: &Arc<Self>, mail: &mut Mail<S>, now: Instant, at: Instant) -> Kick {
        let alarm = self.head.home.alarm();
        let rare = mail.ties().rare();
        if let Some((set, key)) = rare.alarm {
            // The alarm that is set comes first, and looks at all deadlines when it comes.
            if set <= at {
                return Kick::Nothing;
            }
            alarm.cancel(key);
        }
        let (key, keeper) = alarm.set(at, Arc::clone(self) as Arc<dyn Alarmed>);
        rare.alarm = Some((at, key));
        self.alarm_reach.set(Some(at.saturating_duration_since(now)));
        keeper.map_or(Kick::Nothing, Kick::Wake)
    }

    /// Asks the clock to come at the deadline of a call that begins to wait now.
    ///
    /// The deadline was left in the slot before the look at the alarm. If that comes early enough it finds the deadline: a thread
    /// that takes an alarm away looks into the slots after that.
    #[inline]
    pub(crate) fn watch_call(self: &Arc<Self>, now: Instant, deadline: Instant, timeout: Duration) {
        if !self.alarm_reach.covers(timeout) {
            Vtable::watch_deadline(self, now, deadline);
        }
    }

    /// Asks the clock to come at a deadline.
    pub(crate) fn watch_deadline(self: &Arc<Self>, now: Instant, at: Instant) {
        let mut mail = self.mail.lock();
        if mail.run == Run::Dead {
            return;
        }
        let kick = self.wake_at(&mut mail, now, at);
        drop(mail);
        self.follow(kick);
    }

    /// Tells those who were taken out of the list while the process ended.
    #[cold]
    fn tell_latecomers(
        own: Pid,
        mut mail: MutexGuard<'_, Mail<S>>,
        mut waiters: Waiters<dyn Waiting>,
        mut stoppers: Waiters<Slot<Reason>>,
    ) {
        // The end has left here the reason that everybody was told.
        let reason = mail.doom.clone().unwrap_or(Reason::NoProc);
        let told = mail.told;
        // The end is not through yet. It tells the stoppers itself, last of all.
        if !told {
            mail.ties().rare().stoppers.take_back(std::mem::take(&mut stoppers));
        }
        drop(mail);
        for slot in waiters.drain() {
            slot.fail_of(own, Unanswered::Exit(reason.clone()));
        }
        for slot in stoppers.drain() {
            slot.fill(Ok(reason.clone()));
        }
    }

    /// Whether this process traps exits from now on.
    pub(crate) fn set_traps_exits(&self, traps: bool) {
        self.traps_exits.store(traps, Ordering::Relaxed);
    }

    /// Whether the trapped exit with that number is still to be handled; after this it is not.
    pub(crate) fn take_queued_exit(&self, peer: Pid, number: NonZeroU64) -> bool {
        self.mail.lock().ties.as_mut().is_some_and(|ties| ties.take_queued_exit(peer, number))
    }

    /// Throws away the first trapped exit that came of a link with `peer`, if one is still to be handled.
    pub(crate) fn forget_exit(&self, peer: Pid) -> bool {
        self.mail.lock().ties.as_mut().is_some_and(|ties| ties.forget_exit(peer))
    }
}

/// What is due: calls past their deadline, the idle callback, hibernation.
impl<S: GenServer> Alarmed for Process<S> {
    fn due(self: Arc<Self>, now: Instant) {
        let mut mail = self.mail.lock();
        if mail.run == Run::Dead {
            return;
        }
        let (mut waiters, mut stoppers) = {
            let rare = mail.ties().rare();
            // Taken away before the slots are looked at: a call that begins to wait from here on sets an alarm of its own.
            rare.alarm = None;
            self.alarm_reach.set(None);
            (std::mem::take(&mut rare.waiters), std::mem::take(&mut rare.stoppers))
        };
        if mail.run != Run::Idle {
            // Something arrived before the silence was over. Asked for again, the instant would be past each time, and the
            // clock would keep the thread from the server that has to handle what arrived.
            mail.forget_idle();
        }
        let idle_at = mail.extras.as_ref().and_then(|extras| extras.idle_at);
        let hibernate_at = mail.extras.as_ref().and_then(|extras| extras.hibernate_at);
        let mut kick = Kick::Nothing;
        if idle_at.is_some_and(|at| at <= now) && mail.run == Run::Idle {
            mail.forget_idle();
            noted::signal(self.head.pid, Arrival::Idle);
            mail.queue.push_back(Envelope::Signal(Box::new(Signal::Idle)));
            kick = mail.kick();
        } else if hibernate_at.is_some_and(|at| at <= now) && mail.run == Run::Idle {
            mail.forget_idle();
            mail.hibernate();
        }
        let pending =
            mail.extras.as_ref().and_then(|extras| extras.idle_at.into_iter().chain(extras.hibernate_at).min());
        drop(mail);
        self.follow(kick);
        // Without the lock: an expired call wakes its caller, whose waker is foreign code.
        let next = pending
            .into_iter()
            .chain(waiters.expire(self.head.pid, now))
            .chain(stoppers.expire(self.head.pid, now))
            .min();
        let mut mail = self.mail.lock();
        // The process has ended while the lists were out, and could not tell those who wait in them.
        if mail.run == Run::Dead {
            return Self::tell_latecomers(self.head.pid, mail, waiters, stoppers);
        }
        let rare = mail.ties().rare();
        // Calls that began to wait meanwhile went into the lists here: `take_back` keeps both.
        rare.waiters.take_back(waiters);
        rare.stoppers.take_back(stoppers);
        let kick = next.map_or(Kick::Nothing, |at| self.wake_at(&mut mail, now, at));
        drop(mail);
        self.follow(kick);
    }
}

impl<S: GenServer> Mail<S> {
    /// Gives back what an idle server does not need.
    pub(super) fn hibernate(&mut self) {
        self.body.hibernate();
        self.queue.release();
        self.hibernated = true;
    }
}
