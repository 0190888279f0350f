//! The runtime's task that runs a server when no caller does.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use futures::task::waker_ref;

use super::body::Body;
use super::envelope::Envelope;
use super::mail::{Doing, LOOK_DOOM, LOOK_SPACE, Mail, Process, Run, Task};
use super::poll::By;
use super::work::{self, Actor, Begun, Job};
use crate::node::current;
use crate::server::GenServer;
use crate::sync::MutexGuard;
use crate::sync::barrier::{self, drop_caught};
use crate::sync::waiter::Kept;

/// How many messages a task handles before it lets the other tasks of its thread run.
const TASK_BUDGET: u32 = 128;

/// The task of a server: it comes when something is left that no caller runs.
pub(crate) struct ProcessTask<S: GenServer> {
    process: Arc<Process<S>>,
    /// It gave way, and its next turn is due: see [`gives_way`].
    gave_way: bool,
    ended: bool,
}

impl<S: GenServer> ProcessTask<S> {
    pub(super) fn new(process: Arc<Process<S>>) -> Self {
        Self { process, gave_way: false, ended: false }
    }

    /// The task of a server whose state is there already, as `body`: nobody else will be asked to run it.
    pub(crate) fn adopting(process: &Arc<Process<S>>, body: Body<S>) -> Self {
        let mut mail = process.mail.lock();
        mail.put_back(body);
        mail.task = Task::Coming;
        // Scheduled, not idle: no caller runs it before the adopting task has been polled (`may_take_over`).
        mail.run = Run::Scheduled;
        drop(mail);
        Self::new(Arc::clone(process))
    }

    pub(crate) fn process(&self) -> &Arc<Process<S>> {
        &self.process
    }
}

/// Whether the task of a long server lets others run before each of its turns.
///
/// A task that is woken by another is often kept for the worker that runs that other, and while this worker is blocked, nobody
/// may be left who watches the runtime's timers: Tokio does not wake a second worker for one task. It does for a task that
/// wakes itself. So the deadline of a caller that waits for a long callback is kept if the runtime has another thread.
fn gives_way<S: GenServer>(process: &Process<S>, gave_way: &mut bool) -> bool {
    *gave_way = process.pace.is_long() && !*gave_way;
    *gave_way
}

impl<S: GenServer> Future for ProcessTask<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { process, gave_way, ended } = &mut *self;
        let ours = process.task_waker.get_or_init(|| Box::new(Kept::new(cx.waker().clone())));
        // Mostly the executor polls with the same waker, which is kept. A second one is kept for this sleep alone.
        let asleep =
            if ours.will_wake(cx.waker()) { Task::Asleep } else { Task::AsleepElsewhere(Box::new(cx.waker().clone())) };
        let mut mail = process.mail.lock();
        if mail.run == Run::Scheduled && gives_way(process, gave_way) {
            // It stays the task that will come.
            drop(mail);
            drop_caught(asleep);
            // Only now, without the lock: it is a foreign waker (rule 3).
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // Set before the server runs, not after: a send that finds it idle again while this poll returns must wake the task.
        let before = std::mem::replace(&mut mail.task, asleep);
        match mail.run {
            Run::Scheduled => {
                let mut budget = TASK_BUDGET;
                process.run_scheduled(mail, &mut budget);
            }
            Run::Dead => {
                // The waker goes, and with it what it holds of the runtime.
                let ours = std::mem::replace(&mut mail.task, Task::Coming);
                drop(mail);
                drop_caught((before, ours));
                *ended = true;
                return Poll::Ready(());
            }
            // Another thread runs it, or has run it already: its next kick wakes this task.
            Run::Idle | Run::Running | Run::Awaiting => drop(mail),
        }
        // Dropped here, without the lock: it may hold a foreign waker.
        drop_caught(before);
        Poll::Pending
    }
}

impl<S: GenServer> Process<S> {
    pub(super) fn spawn_task(self: &Arc<Self>) {
        self.head.home.runtime().spawn(Box::pin(ProcessTask::new(Arc::clone(self))));
    }

    /// Leaves init to the task: this thread is not the runtime's, or has enough servers inside one another.
    pub(super) fn leave_init_to_task(self: &Arc<Self>, mut body: Body<S>, init: &mut Option<Job<S>>) {
        body.prepare(init);
        let mut mail = self.mail.lock();
        mail.put_back(body);
        let kick = mail.kick();
        drop(mail);
        self.follow(kick);
    }

    /// Runs a server that is scheduled, until it waits, awaits, ends or has used up the budget.
    #[inline]
    pub(super) fn run_scheduled(self: &Arc<Self>, mut mail: MutexGuard<'_, Mail<S>>, budget: &mut u32) {
        if !self.begin_turn(&mut mail) && self.is_plainly_scheduled(&mail) {
            return self.run_plainly(mail, budget);
        }
        let mut job = None;
        let mut woken = Vec::new();
        mail.run = Run::Running;
        // What is about to be handled ends the silence that was being measured.
        mail.forget_idle();
        let mut body = mail.body.take();
        // The first messages under the same lock. A doomed server gets none.
        if let Some(body) = body.as_mut().filter(|_| self.look.load(Ordering::Relaxed) & LOOK_DOOM == 0) {
            self.fetch(&mut mail, body, &mut job);
            if self.look.load(Ordering::Relaxed) & LOOK_SPACE != 0 {
                woken = self.promise_places(&mut mail);
            }
        }
        let doomed = mail.is_doomed();
        drop(mail);
        woken.into_iter().for_each(barrier::wake);
        let Some(mut body) = body else { return };
        let _entered = current::enter(self.head.pid);
        if doomed {
            return self.finish_doomed(body);
        }
        if job.is_some() {
            self.take(&mut body, &mut job);
        }
        self.drive(body, &mut job, By::Task, budget);
    }
}

impl<S: GenServer> Process<S> {
    /// Whether a scheduled server has a callback to resume or messages to handle, and nothing to look at before.
    #[inline]
    fn is_plainly_scheduled(&self, mail: &Mail<S>) -> bool {
        mail.body.is_bare()
            && !mail.body.is_empty()
            // Relaxed, as every look under the lock: the bits are set under it.
            && self.look.load(Ordering::Relaxed) == 0
            && !mail.suspended
            && mail.has_no_clock()
    }

    /// Runs a server that is plainly scheduled, until it is idle, or something else than the next message has to be done; that
    /// is then `drive`'s. What nearly every turn of a task is, so it touches no more than it needs.
    fn run_plainly(self: &Arc<Self>, mut mail: MutexGuard<'_, Mail<S>>, budget: &mut u32) {
        let waker = waker_ref(self);
        let mut cx = Context::from_waker(&waker);
        // The first message is taken out under the lock that makes the server `Running`, which saves a second one.
        mail.run = Run::Running;
        let resumed = mail.body.take_work();
        let mut next = mail.body.take_actor().map(|mut actor| {
            let message = self.fetch_for(&mut mail, &mut actor, false);
            (actor, message)
        });
        drop(mail);
        let _entered = current::enter(self.head.pid);
        let mut resumed = resumed.map(|work| work::resume(work, &mut cx));
        loop {
            let begun = match (resumed.take(), next.take()) {
                (Some(resumed), _) => resumed,
                (None, Some((actor, message))) => match self.begin_plainly(actor, message, budget, &mut cx) {
                    Ok(begun) => begun,
                    Err((actor, message)) => return self.drive_message_in_task(actor, message, budget),
                },
                (None, None) => return,
            };
            let mut actor = match begun {
                Begun::Done((actor, None)) if !current::any_unanswered() => actor,
                begun => return self.drive_begun(begun, By::Task, budget),
            };
            self.set_doing(Doing::Nothing);
            let mut mail = self.mail.lock();
            // A doom is seen here if it came before this lock; one that comes later finds the body, or is seen at the next look.
            let is_plain = self.look.load(Ordering::Relaxed) == 0 && mail.has_no_clock();
            if is_plain && mail.queue.is_light() && actor.batch.is_light() {
                mail.notified = false;
                mail.body.put_actor(actor);
                mail.run = Run::Idle;
                return;
            }
            // Dooms, senders that wait for space and clocks are `drive`'s (rule 8).
            if !is_plain || *budget == 0 {
                drop(mail);
                return self.drive_begun(Begun::Done((actor, None)), By::Task, budget);
            }
            *budget -= 1;
            mail.notified = false;
            let message = self.fetch_for(&mut mail, &mut actor, false);
            next = Some((actor, message));
        }
    }

    /// Begins the callback for a message, and goes on with the batch. Gives back what needs a look before it is handled.
    #[inline]
    fn begin_plainly(
        &self,
        actor: Box<Actor<S>>,
        message: Option<Envelope<S>>,
        budget: &mut u32,
        cx: &mut Context<'_>,
    ) -> Result<Begun<S>, Left<S>> {
        let doing = match &message {
            Some(Envelope::Call(_, None)) => Doing::Call,
            Some(Envelope::Cast(_)) => Doing::Cast,
            Some(Envelope::Info(_)) => Doing::Info,
            _ => return Err((actor, message)),
        };
        let Some(message) = message else { return Err((actor, None)) };
        self.begin_message(doing);
        // Lent to the callback's future and taken back, as in `poll_callback`.
        self.budget.store(*budget, Ordering::Relaxed);
        let begun = work::begin(actor, Job::Message(message), cx);
        *budget = self.budget.load(Ordering::Relaxed);
        self.budget.store(0, Ordering::Relaxed);
        Ok(begun)
    }

    /// Goes on with a message that is not plain.
    #[cold]
    fn drive_message_in_task(self: &Arc<Self>, actor: Box<Actor<S>>, message: Option<Envelope<S>>, budget: &mut u32) {
        let mut body = Body::new(actor);
        let mut job = message.map(Job::Message);
        if job.is_some() {
            self.take(&mut body, &mut job);
        }
        self.drive(body, &mut job, By::Task, budget);
    }
}

/// An actor, and the message that it has not handled.
type Left<S> = (Box<Actor<S>>, Option<Envelope<S>>);

// The runtime let go of the task before the server ended: it is shut down, or refused to spawn.
impl<S: GenServer> Drop for ProcessTask<S> {
    fn drop(&mut self) {
        if !self.ended {
            self.process.runtime_gone();
        }
    }
}
