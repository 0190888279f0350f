//! The end of a server, in the order that the architecture promises.
//!
//! 1. The mailbox is closed: casts are given back, calls wait for the reason.
//! 2. Terminate runs, when it is due.
//! 3. The state is dropped.
//! 4. Names are free.
//! 5. The stop-reply, waiting callers, links and monitors are told. Told means put into their mailboxes: none of their code
//!    runs here.
//! 6. Callers of `stop`, and the starter of a start that failed, are released.
//!
//! A process that is doomed while this thread is inside another's death is only kicked, so deaths never nest.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use futures::task::waker_ref;

use super::body::{Body, Ending};
use super::mail::{Doing, Kick, LOOK_DOOM, LOOK_NOTED, Mail, Process, Run, Task};
use super::noted;
use super::poll::{After, By};
use super::queue::Queue;
use super::starter::{Begun, Started, Starter};
use super::ties::EndNotices;
use super::work::{self, Actor, Job, NotStarted, Verdict, discard_rescued};
use crate::node::any_process::{StoppedHere, Tied as _};
use crate::node::current;
use crate::node::cut;
use crate::node::reply::Unanswered;
use crate::report::{Scope, SentBy};
use crate::server::GenServer;
pub(crate) use crate::sync::barrier::drop_caught;
use crate::sync::barrier::{self, caught};
use crate::sync::thread_local;
use crate::values::reason::Reason;

thread_local! {
    /// Processes whose runtime refused them a task while this thread was inside a death: they end when it is over.
    static NEXT_DEATHS: RefCell<VecDeque<Arc<dyn Doomed>>> = const { RefCell::new(VecDeque::new()) };
    /// Whether a loop further up this thread's stack ends them already.
    static ENDING_THEM: Cell<bool> = const { Cell::new(false) };
}

/// A process that is doomed and has nobody to run it.
pub(super) trait Doomed {
    fn end_here(self: Arc<Self>);
}

impl<S: GenServer> Doomed for Process<S> {
    fn end_here(self: Arc<Self>) {
        let mut mail = self.mail.lock();
        // Looked at again: between the doom and this, its task or another thread may have ended it.
        let body = if mail.is_doomed() { mail.body.take() } else { None };
        if body.is_some() {
            mail.run = Run::Running;
        }
        drop(mail);
        if let Some(body) = body {
            let _entered = current::enter(self.head.pid);
            self.finish_doomed(body);
        }
    }
}

impl<S: GenServer> Process<S> {
    /// Lets go of a process that never ran: it did not get its name, or there was nobody to link it with.
    ///
    /// It may have been found by its name all the same. Monitors and waiters of it are told that there is no such process.
    pub(crate) fn discard(&self) {
        // Until `begun` is dropped, what this end brings down on this thread is put off (`NEXT_DEATHS`).
        let begun = current::begin_death();
        let (queue, notices) = {
            let mut mail = self.mail.lock();
            mail.closed = true;
            mail.run = Run::Dead;
            mail.counted = 0;
            (mail.queue.take_all(), mail.ties.as_mut().map(|ties| ties.take_end_notices()))
        };
        self.forget_doom();
        self.meter.discarded();
        noted::end(self.head.pid, &Reason::NoProc);
        self.head.home.node().remove(self.head.pid);
        // After the lock: the drop of a message is user code (rule 3).
        for message in queue {
            drop_caught(message);
        }
        if let Some(notices) = notices {
            notices.tell(self.head.pid, &Reason::NoProc, None);
        }
        // The process could be found until it left the table, so more may have begun to wait for its end.
        let ties = self.mail.lock().told();
        for slot in ties.into_iter().flat_map(|mut ties| ties.take_stoppers().drain()) {
            slot.fill(Ok(Reason::Normal));
        }
        drop(begun);
        end_the_next();
    }

    /// Step 1: from here on casts are given back and calls wait for the reason.
    pub(super) fn close(&self) {
        self.mail.lock().closed = true;
    }

    /// Runs init, on this thread if it is the runtime's; what comes of it is told to the starter.
    pub(crate) fn run_init(self: &Arc<Self>, actor: Box<Actor<S>>, args: Box<S::Args>) -> Begun {
        self.set_doing(Doing::Init);
        let home = &self.head.home;
        let begun = if current::may_nest() && home.runtime().may_run_here() {
            let _entered = current::enter(self.head.pid);
            self.init_here(actor, args)
        } else {
            let mut body = Body::new(actor);
            let slot = body.add_starter(self.head.pid);
            self.leave_init_to_task(body, &mut Some(Job::Init(args)));
            Begun::Awaited(slot)
        };
        if home.is_gone() {
            // The runtime was shut down meanwhile, and did not find this process in the table.
            self.runtime_gone();
        }
        begun
    }

    /// Runs init for a starter on this thread. Nearly every init simply makes its server: a plain path (rule 8). All others are
    /// `drive`'s.
    fn init_here(self: &Arc<Self>, actor: Box<Actor<S>>, args: Box<S::Args>) -> Begun {
        let waker = waker_ref(self);
        let begun = match work::begin_init(actor, args, &mut Context::from_waker(&waker)) {
            work::Begun::Done((actor, None)) if !current::any_unanswered() => {
                let mut mail = self.mail.lock();
                // The same look as after a call in `run_call_timed`, under the lock of the release (rule 1).
                if mail.is_light() && self.look.load(Ordering::Relaxed) == 0 {
                    self.set_doing(Doing::Nothing);
                    mail.notified = false;
                    mail.body.put_actor(actor);
                    mail.run = Run::Idle;
                    return Begun::Done(Started::Running);
                }
                work::Begun::Done((actor, None))
            }
            begun => begun,
        };
        // Its starter hears of it where the loop judges init, or later from the task if init awaits.
        let mut body = Body::away();
        let slot = body.add_starter(self.head.pid);
        self.drive_body_begun(body, begun, By::Caller, &mut 0);
        Begun::of(slot)
    }

    /// Init is done: the starter may go on, before a continue and before any message.
    pub(super) fn started(body: &mut Body<S>) {
        if let Some(starter) = body.take_starter() {
            starter.tell(Started::Running);
        }
        body.drop_clear_cold_state();
    }

    /// Init declined: no terminate, for there is no state.
    pub(super) fn end_start(self: &Arc<Self>, body: &mut Body<S>, not: NotStarted) -> After<S> {
        self.close();
        let (reason, told) = match not {
            NotStarted::Ignored => (Reason::Normal, Started::Ignored),
            NotStarted::Stopped(reason) => (reason.clone(), Started::Failed(reason)),
            NotStarted::Refused(reason) => (Reason::Normal, Started::Failed(reason)),
        };
        let unanswered = current::take_unanswered(self.head.pid);
        let start = body.take_starter().map(|starter| (starter, told));
        body.cold().ending =
            Some(Ending { reason, late_reply: None, unanswered, start, by_signal: false, last: Doing::Init });
        After::Finish
    }

    /// Ends a process that was ordered to from outside: no terminate.
    pub(super) fn finish_doomed(self: &Arc<Self>, mut body: Body<S>) {
        self.close();
        let reason = self.mail.lock().doom.clone().unwrap_or(Reason::Killed);
        let unanswered = current::take_unanswered(self.head.pid);
        // A start that is still under way fails with the same reason; `finish` releases its starter last.
        let start = body.take_starter().map(|starter| (starter, Started::Failed(reason.clone())));
        match &mut body.cold().ending {
            Some(ending) => {
                ending.reason = reason;
                ending.by_signal = true;
                ending.unanswered.extend(unanswered);
                // A reply that was to follow terminate follows none that was cut off. Its caller gets the reason.
                drop_caught(ending.late_reply.take());
            }
            none => {
                *none =
                    Some(Ending { reason, late_reply: None, unanswered, start, by_signal: true, last: Doing::Nothing });
            }
        }
        self.finish(body);
    }

    /// Steps 2 to 6 for an idle server whose mailbox has just been closed. The end is on the stack, and is kept in the cold state
    /// only if terminate awaits. The caller has made this process the current one.
    pub(super) fn terminate_here(self: &Arc<Self>, mut body: Body<S>, reason: Reason) -> StoppedHere {
        let (mut ending, terminate) = self.ending(reason, None);
        if Scope::is_on()
            && let Some(actor) = &mut body.actor
        {
            actor.cx.sent_by = SentBy::here(true);
        }
        let waker = waker_ref(self);
        match body.begin(&mut Some(terminate), &mut Context::from_waker(&waker)) {
            Poll::Ready(verdict) => {
                ending.terminated(verdict);
                StoppedHere::Ended(self.finish_with(body, ending))
            }
            Poll::Pending => {
                body.cold().ending = Some(ending);
                if let Some(doomed) = self.park(body, Some(self.head.home.runtime().now())) {
                    self.finish_doomed(doomed);
                }
                self.ended_with().map_or(StoppedHere::Awaited, StoppedHere::Ended)
            }
        }
    }

    /// Steps 3 to 6. The caller has made this process the current one.
    pub(super) fn finish(self: &Arc<Self>, mut body: Body<S>) {
        if let Some(ending) = body.cold.as_mut().and_then(|cold| cold.ending.take()) {
            self.finish_with(body, ending);
        }
    }

    /// `finish` for an end that does not lie with the cold state. Returns the reason that everybody was told.
    fn finish_with(self: &Arc<Self>, body: Body<S>, ending: Ending) -> Reason {
        let begun = current::begin_death();
        // First of all, because the report shows the state.
        self.report_end(&body, &ending);
        let reason = ending.reason.clone();
        // Step 3 comes before the name is free: a successor with the name may want what the state holds, a port for instance.
        drop_caught(body);
        caught(discard_rescued);
        self.head.home.node().release_name(&self.head);
        noted::end(self.head.pid, &reason);
        let told = reason.clone();
        let (notices, queue, task, ordered) = {
            let mut mail = self.mail.lock();
            // From here on nothing is queued, and links, monitors and waiters that come are told at once by those that bring them.
            // So what is taken out under this lock is everything.
            mail.run = Run::Dead;
            mail.counted = 0;
            let queue = std::mem::replace(&mut mail.queue, Queue::new());
            let task = std::mem::replace(&mut mail.task, Task::Coming);
            let notices = mail.ties.as_mut().map(|ties| Box::new(ties.take_end_notices()));
            (notices, queue, task, mail.doom.replace(told))
        };
        // A reason may hold a value of the user's, so it is dropped outside the lock (rule 3).
        drop(ordered);
        #[cfg(feature = "metrics")]
        self.flush_counts();
        self.meter.ended(&reason);
        // The batch went with the body, so nothing of it waits any more.
        self.in_batch.store(0, Ordering::Relaxed);
        self.forget_doom();
        self.head.home.node().remove(self.head.pid);
        let mut start = None;
        if notices.is_some() || !queue.is_empty() || ending.concerns_anybody() {
            start = self.tell(notices, queue, ending);
        }
        // Waiters for the end that came meanwhile are among them.
        let ties = self.mail.lock().told();
        if let Some(mut ties) = ties {
            ties.take_stoppers().drain().for_each(|stopper| stopper.fill(Ok(reason.clone())));
        }
        if let Some((starter, told)) = start {
            starter.tell(told);
        }
        // The task holds a reference to this process: it is woken to end.
        match task {
            Task::None | Task::Coming => {}
            Task::Asleep => self.wake_task(),
            Task::AsleepElsewhere(waker) => barrier::wake(*waker),
        }
        // Deaths do not nest: what this one brought down was put off, and ends now.
        drop(begun);
        end_the_next();
        reason
    }

    /// Step 5. Returns the starter that step 6 releases.
    fn tell(
        &self,
        notices: Option<Box<EndNotices>>,
        mut queue: Queue<S>,
        ending: Ending,
    ) -> Option<(Starter, Started)> {
        let Ending { reason, late_reply, mut unanswered, start, .. } = ending;
        if let Some(key) = notices.as_ref().and_then(|notices| notices.alarm()) {
            self.head.home.alarm().cancel(key);
        }
        // Messages go before anybody is told: the drop of a call drops its caller, which is then told the reason, not `NoReply`.
        for message in queue.take_all() {
            drop_caught(message);
        }
        if let Some(late_reply) = late_reply {
            // What the caller does not want any more is dropped there, and that is user code.
            caught(late_reply);
        }
        unanswered.extend(current::take_unanswered(self.head.pid));
        for slot in unanswered {
            slot.fail(Unanswered::Exit(reason.clone()));
        }
        if let Some(notices) = notices {
            let starter = self.head.parent().filter(|_| start.as_ref().is_some_and(|(starter, _)| starter.waits()));
            notices.tell(self.head.pid, &reason, starter);
        }
        start
    }

    /// Kills it, as from outside.
    pub(crate) fn kill(self: &Arc<Self>) {
        self.doom(Reason::Killed);
    }

    /// Dooms the process (rule 9): its poller ends it, or this thread if it has none.
    pub(super) fn doom(self: &Arc<Self>, reason: Reason) {
        noted::doom(self.head.pid, &reason);
        let mut mail = self.mail.lock();
        if mail.run == Run::Dead || mail.is_doomed() {
            return;
        }
        if self.set_doom(&mut mail, reason) {
            return;
        }
        // This thread is inside another death. To end this process here would nest deaths as deep as links go, and use up the
        // stack; so its task does it.
        if current::is_dying() {
            // A scheduled server has its task on the way already, and that finds the doom.
            let kick = if mail.run == Run::Scheduled { Kick::Nothing } else { mail.kick() };
            drop(mail);
            return self.follow(kick);
        }
        drop(mail);
        Arc::clone(self).end_here();
    }

    /// Dooms it, under the lock. Returns whether it is being run, perhaps further up this thread's stack: then it is cut at its
    /// next await, and its poller ends it.
    fn set_doom(&self, mail: &mut Mail<S>, reason: Reason) -> bool {
        mail.doom = Some(reason);
        // What is sent from now on comes after the doom, also while a thread still runs a callback.
        mail.closed = true;
        let runs = mail.body.is_empty();
        // Relaxed is enough: the poller reads it between two messages, or finds the doom under the lock.
        self.look.fetch_or(if runs { LOOK_DOOM | LOOK_NOTED } else { LOOK_DOOM }, Ordering::Relaxed);
        if runs {
            cut::note();
        }
        runs
    }

    /// It is dead, so it cannot be noted any more.
    fn forget_doom(&self) {
        // Relaxed: the bit was set under the lock, which this thread has taken since, and nobody sets it for a dead
        // process.
        if self.look.load(Ordering::Relaxed) & LOOK_NOTED != 0 {
            cut::forget();
        }
    }

    /// The runtime dropped the task, or refused it.
    pub(super) fn runtime_gone(self: &Arc<Self>) {
        {
            let mut mail = self.mail.lock();
            if mail.run == Run::Dead {
                return;
            }
            if !mail.is_doomed() {
                self.set_doom(&mut mail, Reason::RuntimeGone);
            }
        }
        // A runtime drops its tasks wherever it likes, also inside another death.
        end_or_defer(Arc::clone(self) as Arc<dyn Doomed>);
    }
}

impl Ending {
    /// Whether anybody has to be told that is neither in the ties nor in the queue.
    fn concerns_anybody(&self) -> bool {
        self.late_reply.is_some() || !self.unanswered.is_empty() || self.start.is_some() || current::any_unanswered()
    }

    /// Terminate has run: a panic in it is the reason from now on.
    pub(super) fn terminated<S: GenServer>(&mut self, verdict: Option<Box<Verdict<S>>>) {
        if let Some(Verdict::Panicked(payload)) = verdict.map(|verdict| *verdict) {
            self.reason = Reason::panic(&*payload);
            drop_caught(payload);
        }
    }
}

/// Ends a process here, or when the death that this thread is inside of is over.
pub(super) fn end_or_defer(process: Arc<dyn Doomed>) {
    if current::is_dying() {
        NEXT_DEATHS.with_borrow_mut(|deaths| deaths.push_back(process));
    } else {
        process.end_here();
    }
}

/// Ends what was put off while this thread was inside a death, one after the other: each may put off more, and a chain of any
/// length needs the stack of one.
pub(super) fn end_the_next() {
    // A loop further up this thread's stack takes them all: this call then has nothing to do.
    if current::is_dying() || ENDING_THEM.replace(true) {
        return;
    }
    while let Some(next) = NEXT_DEATHS.with_borrow_mut(VecDeque::pop_front) {
        // What panics there, a destructor for instance, keeps nobody else from ending.
        caught(|| next.end_here());
    }
    ENDING_THEM.set(false);
}
