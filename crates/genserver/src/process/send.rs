//! Sending to a server: into its queue, or straight into its handler on the sender's own thread.

use std::sync::Arc;
use std::time::Instant;

use crate::sync::MutexGuard;
use futures::task::ArcWake;

use super::envelope::{Envelope, Signal};
use super::mail::{Kick, Mail, Process, Run};
use super::noted;
use super::sent::{Refused, Sent};
use super::vtable::Vtable;
use super::work::{Job, Outgoing};
use crate::node::current;
use crate::node::reply::Waiting;
use crate::process::deadlock;
use crate::report::Scope;
use crate::server::GenServer;
use crate::sync::barrier;
use crate::values::pid::Pid;

/// How many sends go through the task after a sender found the server running. When several senders come at the same time, it
/// is better that one poller works through the queue than that all fight for the body.
const HOT_SENDS: u8 = 8;

/// How many messages a caller handles before its own if it finds the server scheduled. Mostly there are one or two.
const CALLERS_BUDGET: u32 = 8;

impl<S: GenServer> Process<S> {
    /// Queues a cast or an info, unless the server is dead; then it comes back. Without space the server's policy decides.
    #[inline]
    pub(crate) fn push(self: &Arc<Self>, message: Envelope<S>) -> Result<(), (Refused, Envelope<S>)> {
        if Scope::is_on() {
            return self.push_traced(message);
        }
        self.push_or(message, Vtable::overflow)
    }

    /// `push` with the span of the sender.
    #[cold]
    #[inline(never)]
    fn push_traced(self: &Arc<Self>, message: Envelope<S>) -> Result<(), (Refused, Envelope<S>)> {
        untraced(self.push_or(message.traced(false), Vtable::overflow))
    }

    /// Queues a cast, unless the server is dead or its mailbox full; then it comes back.
    pub(crate) fn push_if_space(self: &Arc<Self>, message: Envelope<S>) -> Result<(), (Refused, Envelope<S>)> {
        untraced(self.push_or(message.traced(false), |_, _, message| Err((Refused::Full, message))))
    }

    #[inline]
    fn push_or(
        self: &Arc<Self>,
        message: Envelope<S>,
        full: impl FnOnce(&Arc<Self>, MutexGuard<'_, Mail<S>>, Envelope<S>) -> Result<(), (Refused, Envelope<S>)>,
    ) -> Result<(), (Refused, Envelope<S>)> {
        noted::arrival(self.head.pid, &message);
        // A sender only leaves a message behind this lock, so it does not pause for long when the lock is taken.
        let mut mail = self.mail.lock_briefly();
        // From the moment the end begins, casts come back: terminate may run for long, and none would be handled after it.
        if mail.closed {
            noted::refusal(self.head.pid);
            return Err((Refused::Dead, message));
        }
        if self.is_full(&mail) {
            let taken = full(self, mail, message);
            if taken.is_err() {
                noted::refusal(self.head.pid);
            }
            return taken;
        }
        mail.counted += 1;
        self.enqueue(mail, message);
        Ok(())
    }

    /// Queues a cast for which a place was promised, unless the server is dead; then it comes back.
    pub(crate) fn push_promised(self: &Arc<Self>, message: Envelope<S>) -> Result<(), (Refused, Envelope<S>)> {
        noted::arrival(self.head.pid, &message);
        let message = message.traced(false);
        let mut mail = self.mail.lock();
        // The promise was a place that nobody else could take. It is given back as this message takes it.
        mail.bound += 1;
        if mail.closed {
            noted::refusal(self.head.pid);
            return Err((Refused::Dead, message.into_inner()));
        }
        mail.counted += 1;
        self.enqueue(mail, message);
        Ok(())
    }

    /// Queues what is never refused or counted; false if the server is dead.
    pub(crate) fn signal(self: &Arc<Self>, signal: Signal<S>) -> bool {
        let message = Envelope::Signal(Box::new(signal)).traced(false);
        noted::arrival(self.head.pid, &message);
        let mail = self.mail.lock();
        if mail.closed {
            noted::refusal(self.head.pid);
            // The guard goes before the message does: rule 3.
            drop(mail);
            return false;
        }
        self.enqueue(mail, message);
        true
    }

    /// Pushes, and wakes the task if the server is idle.
    #[inline]
    pub(super) fn enqueue(self: &Arc<Self>, mut mail: MutexGuard<'_, Mail<S>>, message: Envelope<S>) {
        if mail.is_sample_arrival() {
            return self.enqueue_sample(mail, message);
        }
        self.enqueue_plainly(mail, message);
    }

    #[inline]
    pub(super) fn enqueue_plainly(self: &Arc<Self>, mut mail: MutexGuard<'_, Mail<S>>, message: Envelope<S>) {
        // In every other state somebody looks into the queue before the server is idle again (rule 1).
        mail.queue.push_back(message);
        if mail.run == Run::Idle {
            // The task is spawned or woken after the lock is released: another thread may poll it at once, and that poll
            // wants the lock (rule 3).
            let kick = mail.kick();
            drop(mail);
            self.follow(kick);
        }
    }

    /// Whether callers run the server at all: not if its start option says so, or its callbacks are long.
    #[inline]
    pub(crate) fn may_be_run_by_callers(&self) -> bool {
        self.pace.lets_others_run()
    }

    /// Queues a call that needs nothing but a place in the queue; gives it back if it is not as simple as that.
    #[inline]
    pub(crate) fn queue_lightly(
        self: &Arc<Self>,
        mut mail: MutexGuard<'_, Mail<S>>,
        call: S::Call,
        inline: bool,
        listed: bool,
    ) -> Result<(), S::Call> {
        // A caller may run an idle server, or one whose task is on its way; a process's call is watched for cycles.
        let may_run = inline && mail.hot == 0;
        if (may_run && matches!(mail.run, Run::Idle | Run::Scheduled))
            // An unlisted slot has to be entered in the list of waiters, so that the end finds it: that is `queue_call`'s.
            || !listed
            || mail.closed
            || self.is_full(&mail)
            || current::pid().is_some()
            // Nor is one whose sender has a span.
            || Scope::is_on()
        {
            return Err(call);
        }
        // Counted down by sends, so that a server that is contended no more is run by its callers again.
        mail.hot = mail.hot.saturating_sub(1);
        mail.note_contention();
        mail.counted += 1;
        self.enqueue(mail, Envelope::Call(call, None));
        Ok(())
    }

    /// Sends a call. Where `inline` allows it and nobody runs the server, the handler runs here and now.
    ///
    /// A slot that is not in this server's list of waiters comes along as `unlisted`.
    pub(crate) fn send_call(
        self: &Arc<Self>,
        mail: MutexGuard<'_, Mail<S>>,
        call: &mut Outgoing<S>,
        unlisted: Option<Arc<dyn Waiting>>,
        inline: bool,
    ) -> Result<Sent, Refused> {
        let Some(mut mail) = self.run_inline(mail, call, inline) else { return Ok(Sent::Ran) };
        // An ending server is never full: its callers wait for the reason, and must not wait for space that will not come.
        if mail.run != Run::Dead && !mail.closed && self.is_full(&mail) {
            return Err(Refused::Full);
        }
        if inline && self.may_take_over(&mut mail) {
            self.take_over(mail, call);
            return Ok(Sent::Ran);
        }
        mail.note_contention();
        self.queue_call(mail, call, unlisted)
    }

    /// Whether a caller may run a server that waits for its task (rule 4). Not before that has come for the first time: until
    /// then an adopted server is nobody's.
    fn may_take_over(&self, mail: &mut Mail<S>) -> bool {
        mail.run == Run::Scheduled
            && self.task_waker.get().is_some()
            && mail.body.is_between_callbacks()
            && !mail.closed
            && !mail.is_doomed()
            && self.pace.may_be_guest()
            && self.may_run_inline(mail)
    }

    /// Queues the call, and works off what is before it, and the call; what comes meanwhile is left to the task.
    ///
    /// If we only queued it, every caller scheduled before the server's task would queue too. The task would then wake them all,
    /// and all would call again before its next turn.
    fn take_over(self: &Arc<Self>, mut mail: MutexGuard<'_, Mail<S>>, call: &mut Outgoing<S>) {
        // The budget ends at the caller's own call: what comes behind it would be handled at the expense of this caller.
        let before = mail.queue.len() + mail.body.batched();
        let mut budget = u32::try_from(before).map_or(CALLERS_BUDGET, |before| before.min(CALLERS_BUDGET));
        if let Some(Job::Message(call)) = call.take() {
            mail.counted += 1;
            mail.queue.push_back(with_token(call, self.head.pid));
        }
        // What is handled before it may call others.
        deadlock::keep_laid(|| self.run_guest(mail, &mut budget));
    }

    /// Queues a call for which a place was promised.
    pub(crate) fn send_promised(
        self: &Arc<Self>,
        call: &mut Outgoing<S>,
        unlisted: Option<Arc<dyn Waiting>>,
    ) -> Result<Sent, Refused> {
        let mut mail = self.mail.lock();
        mail.bound += 1;
        let sent = self.queue_call(mail, call, unlisted);
        if sent.is_err() {
            noted::refusal(self.head.pid);
        }
        sent
    }

    /// Queues a call for which there is space.
    fn queue_call(
        self: &Arc<Self>,
        mut mail: MutexGuard<'_, Mail<S>>,
        call: &mut Outgoing<S>,
        unlisted: Option<Arc<dyn Waiting>>,
    ) -> Result<Sent, Refused> {
        // A doom that came before the call ends the process before the call reaches it, as signals keep their order in OTP.
        if mail.run == Run::Dead || mail.is_doomed() {
            return Err(Refused::Dead);
        }
        // The end has begun, and the reason is not known yet. The slot enters the list that the end tells; no request is queued.
        if mail.closed {
            // The list gives up what is over. Those slots may hold answers, which are dropped after the lock (rule 3).
            let swept = unlisted.map(|slot| mail.ties().add_waiter(self.head.pid, slot));
            drop(mail);
            drop(swept);
            deadlock::note_end(self.head.pid);
            return Ok(Sent::AwaitsEnd);
        }
        mail.counted += 1;
        let swept = unlisted.map(|slot| mail.ties().add_waiter(self.head.pid, slot));
        if let Some(Job::Message(call)) = call.take() {
            self.enqueue(mail, with_token(call, self.head.pid));
        }
        drop(swept);
        Ok(Sent::Queued)
    }

    /// Runs an idle server with `message`, here and now, if that is allowed; gives the lock back if it is not.
    #[inline]
    pub(super) fn run_inline<'a>(
        self: &'a Arc<Self>,
        mut mail: MutexGuard<'a, Mail<S>>,
        message: &mut Outgoing<S>,
        inline: bool,
    ) -> Option<MutexGuard<'a, Mail<S>>> {
        if !inline || mail.run != Run::Idle || !self.may_run_inline(&mut mail) {
            return Some(mail);
        }
        let Some(body) = mail.body.take() else { return Some(mail) };
        mail.run = Run::Running;
        if let Some(Job::Message(message)) = message {
            mail.rouse(message);
        }
        mail.forget_idle();
        self.begin_turn(&mut mail);
        drop(mail);
        self.drive_message(body, message);
        None
    }

    /// Registers a call that ran here and was not answered yet. False if the server is dead; the reason is then known.
    pub(crate) fn await_answer(&self, unlisted: Option<Arc<dyn Waiting>>, now: Instant) -> bool {
        let mut mail = self.mail.lock();
        if mail.run == Run::Dead {
            return false;
        }
        // The callback ran without a look at the clock. It waits now, so tools are told since when.
        if mail.run == Run::Awaiting {
            mail.extras().awaiting_since.get_or_insert(now);
        }
        // Under the lock that `Dead` is set under: the end either finds the slot in the list, or was seen above.
        let swept = unlisted.map(|slot| mail.ties().add_waiter(self.head.pid, slot));
        drop(mail);
        drop(swept);
        true
    }

    pub(super) fn wake_task(&self) {
        if let Some(waker) = self.task_waker.get() {
            waker.wake_by_ref();
        }
    }

    /// Does what [`Mail::kick`] left to do. Only ever called without a lock. Not inlined: most sends have nothing left to do.
    #[inline(never)]
    pub(super) fn follow(self: &Arc<Self>, kick: Kick) {
        match kick {
            Kick::Nothing => {}
            Kick::Spawn => Vtable::spawn_task(self),
            Kick::WakeTask => self.wake_task(),
            Kick::Wake(waker) => barrier::wake(waker),
        }
    }

    /// Whether the next send may run an idle server on its own thread (the thread itself is the sender's to judge).
    pub(super) fn may_run_inline(&self, mail: &mut Mail<S>) -> bool {
        if mail.hot > 0 {
            // Each send that is turned away counts down, so a server that several senders once met is run by its callers
            // again.
            mail.hot -= 1;
            return false;
        }
        !mail.suspended && self.pace.lets_others_run() && current::may_nest()
    }
}

/// Puts a token into a request that is queued, if a callback sends it (rule 1 of `deadlock`).
fn with_token<S: GenServer>(message: Envelope<S>, to: Pid) -> Envelope<S> {
    match message {
        Envelope::Call(call, None) if current::pid().is_some() => Envelope::Call(call, Some(deadlock::token(to))),
        #[cfg(any(feature = "metrics", feature = "tracing"))]
        Envelope::Carried(mut carried) => {
            carried.message = with_token(carried.message, to);
            Envelope::Carried(carried)
        }
        other => other,
    }
}

/// Gives a message back as it came.
fn untraced<S: GenServer>(pushed: Result<(), (Refused, Envelope<S>)>) -> Result<(), (Refused, Envelope<S>)> {
    pushed.map_err(|(refused, message)| (refused, message.into_inner()))
}

impl<S: GenServer> Mail<S> {
    /// Whether a caller may run the server with `run_call`: it is idle, and nothing has to be looked at first.
    #[inline]
    pub(crate) fn may_run_call(&self) -> bool {
        self.run == Run::Idle
            && self.hot == 0
            && !self.suspended
            && !self.hibernated
            && self.body.is_bare()
            && self.has_no_clock()
    }

    fn note_contention(&mut self) {
        if self.run == Run::Running {
            // Another thread has the body, so several send at once. Their next messages queue, and the task takes them as
            // one batch.
            self.hot = HOT_SENDS;
        }
    }

    /// Whatever arrives ends the silence that an idle timer or hibernation waits for.
    pub(super) fn forget_idle(&mut self) {
        if let Some(extras) = &mut self.extras {
            extras.idle_at = None;
            extras.hibernate_at = None;
        }
    }
}

/// Rule 2.
impl<S: GenServer> ArcWake for Process<S> {
    fn wake_by_ref(process: &Arc<Self>) {
        let mut mail = process.mail.lock();
        let kick = match mail.run {
            Run::Awaiting => mail.kick(),
            Run::Running => {
                mail.notified = true;
                Kick::Nothing
            }
            // A waker that a callback left behind: that callback is over, or its task is on its way already.
            Run::Idle | Run::Scheduled | Run::Dead => Kick::Nothing,
        };
        drop(mail);
        process.follow(kick);
    }
}
