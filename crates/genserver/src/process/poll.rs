//! The poll loop of a server: runs one callback after the other, does what each asks for, and puts the body back.
//!
//! These functions run a server, here and in the files beside this one:
//!
//! | function | called by | what it does |
//! |---|---|---|
//! | `run_call` | a caller of an idle server | runs that call, and nothing else; a plain path (rule 8) |
//! | `end_call`, `park_call` | `run_call` | go on when the call did not simply end, or has to wait |
//! | `run_inline` | a sender of a call, a stop or a request of `sys` | runs an idle server with that message |
//! | `take_over` | a caller of a scheduled server | queues the call, and works the queue off up to it |
//! | `run_guest` | `take_over` | is `run_scheduled`, with the time measured now and then |
//! | `run_scheduled` | the server's task, `run_guest` | takes the body of a scheduled server, and runs it |
//! | `run_plainly` | `run_scheduled` | handles what is queued as long as nothing else is to be done; a plain path |
//! | `init_here` | a starter, by `run_init` | runs init; a plain path |
//! | `stop_here` | a `stop` of an idle server | runs terminate, and ends the server |
//! | `drive` | all of the above but `stop_here` | is the loop; `drive_message` and `drive_begun` lead to it |

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Instant;

use crate::sync::MutexGuard;
use futures::task::waker_ref;

use super::body::{Body, Ending};
use super::death::drop_caught;
use super::envelope::{Envelope, Lazy, Signal};
use super::mail::{Doing, Kick, LOOK_DOOM, LOOK_SPACE, Mail, Process, Run};
use super::queue::Queue;
use super::vtable::Vtable;
use super::work::{Begun, CallbackPlace, Done, Job, NotStarted, Polled, Rescue, Verdict, Work};
use crate::node::current;
use crate::node::reply::Unanswered;
use crate::process::deadlock;
use crate::server::GenServer;
use crate::server::outcome::{LateReply, Step, Then};
use crate::sync::barrier;
use crate::values::info::Callback;
use crate::values::reason::Reason;

/// Which thread polls a server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// That of a caller or a starter. It handles one message, and leaves everything else to the task.
    Caller,
    /// The server's own task.
    Task,
}

/// How the loop goes on after a callback.
pub(crate) enum After<S: GenServer> {
    /// With the next message.
    Wait,
    /// With this callback, before anything else.
    Job(Job<S>),
    /// With nothing: this is the end.
    Finish,
}

/// What a poller finds when it wants to go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Boundary {
    Next,
    Doomed,
    Released,
}

impl<S: GenServer> Process<S> {
    /// Runs an idle server with a call, on the thread of its caller: `may_run_call` has said that this may be. Gives the call
    /// back if the body is away all the same.
    ///
    /// This is the path of nearly every call, so it touches only what a callback needs that is ready at once. Everything else
    /// is `drive`'s.
    #[inline]
    pub(crate) fn run_call<F>(
        self: &Arc<Self>,
        mut mail: MutexGuard<'_, Mail<S>>,
        call: S::Call,
        place: &mut CallbackPlace<F>,
        perform: impl FnOnce(Rescue<S>, S::Call) -> F,
    ) -> Result<(), S::Call>
    where
        F: Future<Output = Done<S>> + Send + 'static,
    {
        let (turns, is_sample) = mail.turns.overflowing_sub(1);
        mail.turns = turns;
        if is_sample {
            return self.run_call_as_sample(mail, call, place, perform);
        }
        self.run_call_timed::<false, F>(mail, call, place, perform)
    }

    /// `run_call` for a turn that is timed: rare, so it is not inlined into every call.
    #[cold]
    #[inline(never)]
    fn run_call_as_sample<F>(
        self: &Arc<Self>,
        mail: MutexGuard<'_, Mail<S>>,
        call: S::Call,
        place: &mut CallbackPlace<F>,
        perform: impl FnOnce(Rescue<S>, S::Call) -> F,
    ) -> Result<(), S::Call>
    where
        F: Future<Output = Done<S>> + Send + 'static,
    {
        self.run_call_timed::<true, F>(mail, call, place, perform)
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
    fn run_call_timed<const IS_SAMPLE: bool, F>(
        self: &Arc<Self>,
        mut mail: MutexGuard<'_, Mail<S>>,
        call: S::Call,
        place: &mut CallbackPlace<F>,
        perform: impl FnOnce(Rescue<S>, S::Call) -> F,
    ) -> Result<(), S::Call>
    where
        F: Future<Output = Done<S>> + Send + 'static,
    {
        // The actor alone: a bare body has nothing else, and every word moved costs as much as an instruction of the callback.
        let Some(actor) = mail.body.take_actor() else { return Err(call) };
        mail.run = Run::Running;
        // The callback is user code (rule 3). Messages that come while it runs are queued.
        drop(mail);
        let _entered = current::enter(self.head.pid);
        self.begin_message(Doing::Call);
        let waker = waker_ref(self);
        let since = IS_SAMPLE.then(|| self.head.home.runtime().now());
        let begun = place.begin(perform, Callback::Call, actor, call, false, &mut Context::from_waker(&waker));
        #[cfg(feature = "metrics")]
        let begun = begun.timed_from(since);
        if let Some(since) = since {
            Vtable::note_sample(self, since, matches!(begun, Begun::Done(_)));
        }
        match begun {
            Begun::Done((actor, None)) if !current::any_unanswered() => {
                self.set_doing(Doing::Nothing);
                let mut mail = self.mail.lock();
                // Under the lock of the release, so that nothing arrives between this look and the release (rule 1).
                // Relaxed: every bit of `look` is set under this lock.
                if mail.is_light() && self.look.load(Ordering::Relaxed) == 0 {
                    // A wake that was noted meant this callback, which is over.
                    mail.notified = false;
                    mail.body.put_actor(actor);
                    mail.run = Run::Idle;
                } else {
                    drop(mail);
                    Vtable::end_call(self, (actor, None));
                }
            }
            // A function for each variant: the enum would be passed in memory, and built there in every call.
            Begun::Done(done) => Vtable::end_call(self, done),
            Begun::Waits(work) => Vtable::park_call(self, work),
        }
        Ok(())
    }

    /// Goes on after a call that its caller ran, and that did not simply end. The caller has made this process the current one.
    pub(super) fn end_call(self: &Arc<Self>, done: Done<S>) {
        self.drive_begun(Begun::Done(done), By::Caller, &mut 0);
    }

    /// Goes on with a callback that was begun, and that did not simply end. The caller has made this process the current one.
    #[cold]
    pub(super) fn drive_begun(self: &Arc<Self>, begun: Begun<S>, by: By, budget: &mut u32) {
        self.drive_body_begun(Body::away(), begun, by, budget);
    }

    /// `drive_begun` for a body that lacks only the callback that was begun.
    pub(super) fn drive_body_begun(self: &Arc<Self>, mut body: Body<S>, begun: Begun<S>, by: By, budget: &mut u32) {
        let polled = body.begun(begun);
        self.drive_from(body, Some(polled), &mut None, by, budget);
    }

    /// Runs the server with one message, on the thread of its sender.
    #[inline]
    pub(crate) fn drive_message(self: &Arc<Self>, mut body: Body<S>, message: &mut Option<Job<S>>) {
        let _entered = current::enter(self.head.pid);
        self.take(&mut body, message);
        self.drive(body, message, By::Caller, &mut 0);
    }

    /// Runs the server, beginning with `job` if there is one, until it waits, awaits, ends or has had its share: so many more
    /// messages as the budget says, which is lent to the callback's future while it runs.
    ///
    /// The caller has made this process the current one.
    pub(crate) fn drive(self: &Arc<Self>, body: Body<S>, job: &mut Option<Job<S>>, by: By, budget: &mut u32) {
        self.drive_from(body, None, job, by, budget);
    }

    /// The loop behind `drive`. It begins with the result of a callback that has been polled already, if there is one.
    fn drive_from(
        self: &Arc<Self>,
        mut body: Body<S>,
        mut first: Option<Polled<S>>,
        job: &mut Option<Job<S>>,
        by: By,
        budget: &mut u32,
    ) {
        // A callback wakes its process, not its poller: the next poll may be on another thread.
        let waker = waker_ref(self);
        let mut cx = Context::from_waker(&waker);
        let mut resume = first.is_none() && job.is_none() && body.actor.is_none();
        loop {
            let polled = match first.take() {
                None if job.is_some() || std::mem::take(&mut resume) => {
                    Some(self.poll_callback(&mut body, job, budget, &mut cx))
                }
                first => first,
            };
            let after = match polled {
                Some(Poll::Ready(verdict)) => self.judge(&mut body, verdict),
                // No callback ran, so nothing of what the last one asked for is changed.
                None => After::Wait,
                Some(Poll::Pending) => {
                    if by == By::Caller {
                        self.note_nested(&mut body);
                    }
                    // A caller that ran a call here and has to wait looks at the clock anyway: it says since when.
                    let now = (by == By::Task || self.doing() != Doing::Call).then(|| self.head.home.runtime().now());
                    // Doomed while the callback was polled: it is never polled again, so it ends here.
                    if let Some(doomed) = self.park(body, now) {
                        self.finish_doomed(doomed);
                    }
                    return;
                }
            };
            match after {
                After::Wait => {}
                // Without the lock, a doom may be missed that comes right now: then it came one callback later.
                After::Job(next) if self.look.load(Ordering::Relaxed) & LOOK_DOOM != 0 => {
                    // Neither a continue nor terminate follows when the process was killed in between.
                    drop_caught(next);
                    return self.finish_doomed(body);
                }
                // A caller has its answer, and a chain of continues its share.
                After::Job(Job::Continue(info)) if *budget == 0 => return self.leave_to_task(body, info),
                After::Job(next) => {
                    *budget = budget.saturating_sub(1);
                    *job = Some(next);
                    continue;
                }
                After::Finish => return self.finish(body),
            }
            match self.boundary(&mut body, job, budget) {
                Boundary::Next => self.take(&mut body, job),
                Boundary::Released => return,
                Boundary::Doomed => return self.finish_doomed(body),
            }
        }
    }

    /// Polls one callback, or several of the batch as far as the budget goes, which is lent to the callback's future meanwhile.
    #[inline]
    fn poll_callback(
        &self,
        body: &mut Body<S>,
        job: &mut Option<Job<S>>,
        budget: &mut u32,
        cx: &mut Context<'_>,
    ) -> Polled<S> {
        // Init runs once, so it says nothing of how long the others are.
        if self.pace.is_sample() && self.doing() != Doing::Init {
            return self.poll_sample(body, job, budget, cx);
        }
        // The callback's future goes on with the batch by itself as far as this goes (rule 6), so a message costs no return to here.
        let lent = *budget > 0 && body.may_run_on();
        if lent {
            // Relaxed: the future reads it on this very thread, while it is polled below.
            self.budget.store(*budget, Ordering::Relaxed);
        }
        let polled = body.poll(job, cx);
        if lent {
            *budget = self.budget.load(Ordering::Relaxed);
            // Taken back, also from a future that waits: resumed without a loan, it handles no further message.
            self.budget.store(0, Ordering::Relaxed);
        }
        polled
    }

    /// Polls one callback, and learns how long that blocks the thread. After a long one, it is the turn of others.
    #[cold]
    fn poll_sample(
        &self,
        body: &mut Body<S>,
        job: &mut Option<Job<S>>,
        budget: &mut u32,
        cx: &mut Context<'_>,
    ) -> Polled<S> {
        let since = self.head.home.runtime().now();
        let begins = job.is_some();
        let polled = body.poll(job, cx);
        #[cfg(feature = "metrics")]
        if begins && let Some(work) = &mut body.work {
            work.as_mut().time_from(since);
        }
        let is_done = polled.is_ready();
        let is_long = if begins { self.note_first_sample(since, is_done) } else { self.note_sample(since, is_done) };
        // If all callbacks await, samples may only ever meet the polls in which one goes on. So the next callback that begins is a
        // sample too: in this turn, or by a caller.
        #[cfg(feature = "metrics")]
        if !begins && is_done {
            self.pace.begin_sample();
            self.mail.lock().turns = 0;
        }
        if is_long {
            *budget = 0;
        }
        polled
    }

    /// Looks at a message before its callback begins; what is held back or the library's own affair is taken away here.
    #[inline]
    pub(super) fn take(self: &Arc<Self>, body: &mut Body<S>, job: &mut Option<Job<S>>) {
        let doing = match job {
            _ if body.cold.is_some() && body.is_suspended() => return self.take_suspended(body, job),
            Some(Job::Message(Envelope::Call(_, None))) => Doing::Call,
            Some(Job::Message(Envelope::Cast(_))) => Doing::Cast,
            Some(Job::Message(Envelope::Info(_))) => Doing::Info,
            _ => return self.take_slowly(body, job),
        };
        self.begin_message(doing);
    }

    /// A suspended server holds back everything but what may wake or end it.
    fn take_suspended(self: &Arc<Self>, body: &mut Body<S>, job: &mut Option<Job<S>>) {
        match job.take() {
            // It was not taken off the count when it was fetched.
            Some(Job::Message(message)) if !message.passes_suspension() => body.cold().held.push_back(message),
            other => {
                *job = other;
                self.take_slowly(body, job);
            }
        }
    }

    fn take_slowly(self: &Arc<Self>, body: &mut Body<S>, job: &mut Option<Job<S>>) {
        let signal = match job.take() {
            #[cfg(any(feature = "metrics", feature = "tracing"))]
            Some(Job::Message(Envelope::Carried(carried))) => {
                #[cfg(feature = "metrics")]
                if let Some(queued) = &carried.queued {
                    self.note_wait(queued);
                }
                *job = Some(Job::Message(carried.unpack(body)));
                return self.take(body, job);
            }
            Some(Job::Message(Envelope::Signal(signal))) => signal,
            Some(Job::Message(Envelope::Lazy(lazy))) => {
                *job = Some(self.open(body, lazy));
                return;
            }
            Some(Job::Message(Envelope::Call(call, edge))) => {
                // The caller has given up and withdrawn the request (rule 5 of `deadlock`).
                if edge.as_ref().is_some_and(|edge| !edge.begin()) {
                    body.forget_sender();
                    return drop_caught(call);
                }
                body.cold().edge = edge;
                self.begin_message(Doing::Call);
                *job = Some(Job::Message(Envelope::Call(call, None)));
                return;
            }
            other => {
                *job = other;
                return;
            }
        };
        let (doing, next) = match *signal {
            Signal::Continue(info) => (Doing::Info, Job::Continue(info)),
            Signal::Idle => (Doing::Idle, Job::Idle),
            Signal::Stop(order) => (Doing::Terminate, self.begin_end(body, order.carry_out(), None)),
            Signal::System(request) => match self.serve(body, request) {
                Some(stop) => (Doing::Terminate, stop),
                None => return,
            },
            signal => (Doing::Info, Job::Message(Envelope::Signal(Box::new(signal)))),
        };
        self.set_doing(doing);
        *job = Some(next);
    }

    /// Makes a message that was left for the server to make. A panic in that is as one in a callback.
    #[inline(never)]
    fn open(self: &Arc<Self>, body: &mut Body<S>, lazy: Box<dyn Lazy<S>>) -> Job<S> {
        match catch_unwind(AssertUnwindSafe(|| lazy.open())) {
            Ok(message) => {
                self.begin_message(if matches!(message, Envelope::Cast(_)) { Doing::Cast } else { Doing::Info });
                Job::Message(message)
            }
            Err(payload) => {
                let reason = Reason::panic(&*payload);
                // A payload is the user's too, and its drop may panic in turn.
                drop_caught(payload);
                self.begin_end(body, reason, None)
            }
        }
    }

    /// Answers a request of [`sys`](crate::sys). It sees the state between two callbacks.
    fn serve(self: &Arc<Self>, body: &mut Body<S>, request: super::inspect::SystemRequest<S>) -> Option<Job<S>> {
        let stop = request.serve(self, body);
        let suspended = body.is_suspended();
        // Senders read their own copy of it under the lock: they do not run a server that is suspended.
        self.mail.lock().suspended = suspended;
        if !suspended {
            body.release_held();
            body.drop_clear_cold_state();
        }
        // A request runs the user's code, which may drop callers that the state holds.
        self.settle_unanswered();
        stop.map(|reason| self.begin_end(body, reason, None))
    }

    /// Goes by what a callback returned.
    #[inline]
    fn judge(self: &Arc<Self>, body: &mut Body<S>, verdict: Option<Box<Verdict<S>>>) -> After<S> {
        // Init simply made the server, so its starter may go on.
        if verdict.is_none() && self.doing.load(Ordering::Relaxed) == Doing::Init as u8 {
            Self::started(body);
        }
        if verdict.is_some() || body.cold.as_ref().is_some_and(|cold| cold.wants_judging()) {
            return self.judge_slowly(body, verdict);
        }
        self.set_doing(Doing::Nothing);
        if current::any_unanswered() {
            self.settle_unanswered();
        }
        After::Wait
    }

    fn judge_slowly(self: &Arc<Self>, body: &mut Body<S>, verdict: Option<Box<Verdict<S>>>) -> After<S> {
        if let Some(cold) = &mut body.cold {
            cold.edge = None;
            // An end has begun, so the callback that returned is terminate.
            if let Some(ending) = &mut cold.ending {
                ending.terminated(verdict);
                return After::Finish;
            }
        }
        match verdict.map(|verdict| *verdict) {
            None => self.judge_step(body, Step { then: Then::Wait, replied: false }),
            Some(Verdict::Step(step)) => self.judge_step(body, step),
            Some(Verdict::Failed(reason)) => After::Job(self.begin_end(body, reason, None)),
            Some(Verdict::Started(step)) => {
                Self::started(body);
                self.judge_step(body, step)
            }
            Some(Verdict::NotStarted(not)) => self.end_start(body, not),
            Some(Verdict::Panicked(payload)) => {
                let reason = Reason::panic(&*payload);
                drop_caught(payload);
                if body.has_server() {
                    After::Job(self.begin_end(body, reason, None))
                } else {
                    self.end_start(body, NotStarted::Stopped(reason))
                }
            }
            Some(Verdict::Terminated) => After::Finish,
            // As if nothing had come: a silence that was asked for begins anew, as after a request of the library's own.
            Some(Verdict::CalledOff) => {
                self.set_doing(Doing::Nothing);
                After::Wait
            }
        }
    }

    fn judge_step(self: &Arc<Self>, body: &mut Body<S>, step: Step<S>) -> After<S> {
        if let Then::Stop(stop) = step.then {
            return After::Job(self.begin_end(body, stop.0, stop.1));
        }
        self.set_doing(Doing::Nothing);
        self.settle_unanswered();
        if let Some(cold) = &mut body.cold {
            cold.silence = None;
        }
        match step.then {
            Then::Continue(info) => {
                self.set_doing(Doing::Info);
                return After::Job(Job::Continue(info));
            }
            Then::Idle(silence) => body.cold().silence = Some(silence),
            Then::Hibernate => {
                body.hibernate();
                let mut mail = self.mail.lock();
                // Set under the lock, where the next message that is handled clears it (`rouse`).
                mail.hibernated = true;
                if mail.queue.is_empty() {
                    mail.queue = Queue::new();
                }
            }
            Then::Wait | Then::Stop(_) => {}
        }
        After::Wait
    }

    /// Tells the callers that the callback dropped unanswered (rule 10): the server lives on.
    fn settle_unanswered(&self) {
        if self.look.load(Ordering::Relaxed) & LOOK_DOOM != 0 {
            // It does not live on.
            return;
        }
        for slot in current::take_unanswered(self.head.pid) {
            slot.fail(Unanswered::NoReply);
        }
    }

    /// Begins the end: the mailbox is closed, and terminate is the next callback.
    fn begin_end(self: &Arc<Self>, body: &mut Body<S>, reason: Reason, late_reply: Option<LateReply>) -> Job<S> {
        // Closed before terminate is polled: a message that came now would lie in a queue that nobody works off any more.
        self.close();
        let (ending, job) = self.ending(reason, late_reply);
        body.cold().ending = Some(ending);
        job
    }

    /// What has to be known of an end that begins, and terminate, the callback that it begins with.
    pub(super) fn ending(&self, reason: Reason, late_reply: Option<LateReply>) -> (Ending, Job<S>) {
        let unanswered = current::take_unanswered(self.head.pid);
        let job = Job::Terminate(if reason == Reason::Normal { None } else { Some(Box::new(reason.clone())) });
        // Nothing if the end comes from outside: then no callback was judged just now.
        let last = self.doing();
        self.set_doing(Doing::Terminate);
        (Ending { reason, late_reply, unanswered, start: None, by_signal: false, last }, job)
    }

    /// A callback that began inside its caller's own has to wait: now the caller depends on this server.
    #[cold]
    fn note_nested(&self, body: &mut Body<S>) {
        if current::is_nested() && self.doing() == Doing::Call {
            body.cold().edge = Some(deadlock::token(self.head.pid));
        }
    }

    /// Puts a callback down that awaits. Gives the body back if the process is doomed.
    pub(super) fn park(self: &Arc<Self>, body: Body<S>, now: Option<Instant>) -> Option<Body<S>> {
        let mut mail = self.mail.lock();
        if mail.is_doomed() {
            return Some(body);
        }
        mail.extras().awaiting_since = now;
        mail.put_back(body);
        // The callback was woken while it was polled. Parked now, it would wait for a wake that has been (rule 2).
        let kick = if std::mem::take(&mut mail.notified) {
            mail.kick()
        } else {
            mail.run = Run::Awaiting;
            Kick::Nothing
        };
        drop(mail);
        self.follow(kick);
        None
    }

    /// `park` for a call that its caller began, of a body that has nothing but this callback.
    pub(super) fn park_call(self: &Arc<Self>, work: Pin<Box<dyn Work<S>>>) {
        // Inside another callback the wait is an edge that deadlock detection has to see; that is `drive`'s.
        if current::is_nested() {
            return self.drive_begun(Begun::Waits(work), By::Caller, &mut 0);
        }
        let mut mail = self.mail.lock();
        if mail.is_doomed() {
            drop(mail);
            // The end drops the callback and the state, which is user code.
            return self.drive_begun(Begun::Waits(work), By::Caller, &mut 0);
        }
        mail.body.put_work(work);
        let kick = if std::mem::take(&mut mail.notified) {
            mail.kick()
        } else {
            mail.run = Run::Awaiting;
            Kick::Nothing
        };
        drop(mail);
        self.follow(kick);
    }

    /// Between two messages: takes the next one, or lets go of the body.
    #[inline]
    fn boundary(self: &Arc<Self>, body: &mut Body<S>, job: &mut Option<Job<S>>, budget: &mut u32) -> Boundary {
        let mut mail = self.mail.lock();
        if mail.is_light() && self.look.load(Ordering::Relaxed) == 0 && body.is_light() {
            // Nothing is left to do or to look at: what happens after nearly every inline call.
            mail.notified = false;
            mail.put_back(std::mem::replace(body, Body::away()));
            mail.run = Run::Idle;
            return Boundary::Released;
        }
        self.boundary_slowly(mail, body, job, budget)
    }

    fn boundary_slowly(
        self: &Arc<Self>,
        mut mail: MutexGuard<'_, Mail<S>>,
        body: &mut Body<S>,
        job: &mut Option<Job<S>>,
        budget: &mut u32,
    ) -> Boundary {
        if mail.is_doomed() {
            return Boundary::Doomed;
        }
        // The poller is at this very look, so a note of a wake has done its work (rule 2).
        mail.notified = false;
        let next = *budget > 0 && self.fetch(&mut mail, body, job);
        let mut woken = Vec::new();
        if self.look.load(Ordering::Relaxed) & LOOK_SPACE != 0 {
            woken = self.promise_places(&mut mail);
        }
        let kick = if next { Kick::Nothing } else { self.release(&mut mail, body) };
        // Wakers are foreign code, and the task may be polled at once on another thread: both only without the lock (rule 3).
        drop(mail);
        woken.into_iter().for_each(barrier::wake);
        self.follow(kick);
        if next {
            *budget -= 1;
            return Boundary::Next;
        }
        Boundary::Released
    }

    /// Puts the body down between two callbacks. With something left to do the task is made responsible (rule 4); otherwise the
    /// server is idle.
    fn release(self: &Arc<Self>, mail: &mut Mail<S>, body: &mut Body<S>) -> Kick {
        let suspended = body.is_suspended();
        let silence = body.silence();
        let more = !mail.queue.is_empty() || !body.batch_is_empty();
        mail.suspended = suspended;
        if !more {
            // Only once nothing is left: as long as a burst lasts, its memory would be allocated again at once. A body with cold state
            // is not light, even if that is clear, and every later call would take the longer way.
            body.drop_clear_cold_state();
            let had_burst = body.shrink();
            mail.shrink(self.head.pid, had_burst);
        }
        mail.put_back(std::mem::replace(body, Body::away()));
        if more {
            return mail.kick();
        }
        mail.run = Run::Idle;
        match silence {
            Some(silence) if !suspended => self.arm_silence(mail, silence),
            _ => self.arm_hibernation(mail),
        }
    }

    /// The poller's turn is over: the continue is the task's, and goes before everything that waits.
    fn leave_to_task(self: &Arc<Self>, mut body: Body<S>, info: S::Info) {
        let mut mail = self.mail.lock();
        if mail.is_doomed() {
            drop(mail);
            drop_caught(info);
            return self.finish_doomed(body);
        }
        let next = Envelope::Signal(Box::new(Signal::Continue(info)));
        // In front of everything that waits: OTP's `continue` comes before any message.
        match body.batch() {
            Some(batch) if !batch.is_empty() => batch.push_front(next),
            _ => mail.queue.push_front(next),
        }
        mail.put_back(body);
        let kick = mail.kick();
        drop(mail);
        self.follow(kick);
    }
}
