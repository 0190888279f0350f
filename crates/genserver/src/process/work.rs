//! The room in which a callback's future lives: one allocation, used again for callback after callback.
//!
//! A callback that is not ready at its first poll has to stay where it was polled. So its future is built in a room to begin
//! with. If it has to wait, the room is its server's until it is done; otherwise the room goes back to where it came from. The
//! server's state travels through it: in when the callback begins, out when it is done. What travels is kept small, because
//! every message pays for it.

use std::any::Any;
use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::context::Cx;
use crate::current;
use crate::outcome::{Init, Outcome, Step, Then};
use crate::process::Envelope;
use crate::process::mail::{Doing, LOOK_DOOM};
use crate::process::queue::Queue;
use crate::reason::Reason;
use crate::report::Scope;
use crate::server::GenServer;
use crate::sync::thread_local;

/// A server's state and its context: what a callback needs.
pub(crate) struct Actor<S: GenServer> {
    /// Empty until init has made it.
    pub(crate) server: Option<S>,
    pub(crate) cx: Cx<S>,
    /// What was taken out of the queue and not handled yet. It lies here so that the room goes from one message to the next by
    /// itself.
    pub(crate) batch: Queue<S>,
}

impl<S: GenServer> Actor<S> {
    /// The next message of the batch, unless the poller has to look at something before it is handled.
    #[inline]
    fn next(&mut self) -> Option<Envelope<S>> {
        let first = self.batch.front()?;
        let process = &*self.cx.process;
        let budget = process.budget.load(Ordering::Relaxed);
        let looks = process.look.load(Ordering::Relaxed) & LOOK_DOOM != 0 || current::any_unanswered();
        // A span is a callback's, and is begun with it.
        if budget == 0 || looks || Scope::is_on() {
            return None;
        }
        let doing = match first {
            Envelope::Call(_, None) => Doing::Call,
            Envelope::Cast(_) => Doing::Cast,
            Envelope::Info(_) => Doing::Info,
            Envelope::Call(_, Some(_)) | Envelope::Lazy(_) | Envelope::Signal(_) => return None,
        };
        process.set_doing(doing);
        process.budget.store(budget - 1, Ordering::Relaxed);
        process.in_batch.store(process.in_batch.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
        self.batch.pop_front()
    }
}

/// One callback to run.
pub(crate) enum Job<S: GenServer> {
    Message(Envelope<S>),
    Init(Box<S::Args>),
    Continue(S::Info),
    Idle,
    /// For `normal`, if no reason is given.
    Terminate(Option<Box<Reason>>),
}

/// What came of a callback, when it is not simply to wait for the next message.
pub(crate) enum Verdict<S: GenServer> {
    Terminated,
    /// The signal was called off before it was handled.
    CalledOff,
    /// The server has been made; the step says how it begins, if it does not simply wait.
    Started(Step<S>),
    NotStarted(NotStarted),
    Step(Step<S>),
    Failed(Reason),
    Panicked(Box<dyn Any + Send>),
}

/// How init declined.
pub(crate) enum NotStarted {
    Ignored,
    /// The process ends with the reason.
    Stopped(Reason),
    /// The process ends quietly; only the starter hears the reason.
    Refused(Reason),
}

/// A callback's end: the actor comes back, with a verdict if there is one. Two pointers, so that it travels in registers.
pub(crate) type Done<S> = (Box<Actor<S>>, Option<Box<Verdict<S>>>);

/// The room, without the type of the future in it.
pub(crate) trait Work<S: GenServer>: Send {
    /// Begins a callback and polls it once. The job is moved out of its place straight into the room.
    fn begin(
        self: Pin<&mut Self>,
        actor: Box<Actor<S>>,
        job: &mut Option<Job<S>>,
        cx: &mut Context<'_>,
    ) -> Poll<Done<S>>;
    /// Puts a callback into the room without polling it.
    fn prepare(self: Pin<&mut Self>, actor: Box<Actor<S>>, job: &mut Option<Job<S>>);
    /// Polls the callback that was begun.
    fn resume(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Done<S>>;
    /// Whether any callback fits in it, and not init alone.
    fn fits_all(&self) -> bool;
}

/// A new, empty room for the callbacks of `S`.
pub(crate) fn room<S: GenServer>() -> Pin<Box<dyn Work<S>>> {
    Box::pin(Room { future: None, perform: perform::<S>, fits_all: true, scope: Scope::NONE })
}

/// A room for init alone, which is often larger than any other callback and runs once.
pub(crate) fn init_room<S: GenServer>() -> Pin<Box<dyn Work<S>>> {
    Box::pin(Room { future: None, perform: perform_init::<S>, fits_all: false, scope: Scope::NONE })
}

pin_project! {
    struct Room<F, P> {
        #[pin]
        future: Option<F>,
        perform: P,
        fits_all: bool,
        // The span of the callback, for `tracing`.
        scope: Scope,
    }
}

impl<S, F, P> Work<S> for Room<F, P>
where
    S: GenServer,
    F: Future<Output = Done<S>> + Send,
    P: Fn(Rescue<S>, Job<S>) -> F + Send,
{
    fn begin(
        self: Pin<&mut Self>,
        actor: Box<Actor<S>>,
        job: &mut Option<Job<S>>,
        cx: &mut Context<'_>,
    ) -> Poll<Done<S>> {
        let mut this = self.project();
        let Some(job) = job.take() else { return Poll::Ready((actor, None)) };
        *this.scope = Scope::begin(&actor.cx.process.head, &job);
        this.future.set(Some((this.perform)(Rescue(Some(actor)), job)));
        poll_in(this.scope, this.future, cx)
    }

    fn prepare(self: Pin<&mut Self>, actor: Box<Actor<S>>, job: &mut Option<Job<S>>) {
        let mut this = self.project();
        if let Some(job) = job.take() {
            *this.scope = Scope::begin(&actor.cx.process.head, &job);
            this.future.set(Some((this.perform)(Rescue(Some(actor)), job)));
        }
    }

    fn resume(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Done<S>> {
        let this = self.project();
        poll_in(this.scope, this.future, cx)
    }

    fn fits_all(&self) -> bool {
        self.fits_all
    }
}

/// Polls inside the callback's span, which ends with the callback.
fn poll_in<S: GenServer, F: Future<Output = Done<S>>>(
    scope: &mut Scope,
    future: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<Done<S>> {
    let polled = {
        let _entered = scope.enter();
        poll_behind_barrier(future, cx)
    };
    if polled.is_ready() {
        *scope = Scope::NONE;
    }
    polled
}

/// Polls, and keeps a panic from going any further. The actor survives it: see [`Rescue`].
fn poll_behind_barrier<S: GenServer, F: Future<Output = Done<S>>>(
    mut future: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<Done<S>> {
    let polled = catch_unwind(AssertUnwindSafe(|| {
        let polled = match future.as_mut().as_pin_mut() {
            Some(running) => running.poll(cx),
            None => Poll::Pending,
        };
        if polled.is_ready() {
            future.set(None);
        }
        polled
    }));
    polled.unwrap_or_else(|payload| {
        future.set(None);
        match RESCUED.take().and_then(|actor| actor.downcast::<Actor<S>>().ok()) {
            Some(actor) => Poll::Ready((actor, Some(Box::new(Verdict::Panicked(payload))))),
            // The panic came after the callback had given its actor back, out of the drop of something it kept.
            _ => std::panic::resume_unwind(payload),
        }
    })
}

thread_local! {
    static RESCUED: Cell<Option<Box<dyn Any>>> = const { Cell::new(None) };
}

/// Holds the actor while its callback runs. Unwinding drops everything in the callback's future; this keeps the actor, as the
/// panic left it, for terminate.
pub(crate) struct Rescue<S: GenServer>(Option<Box<Actor<S>>>);

impl<S: GenServer> Drop for Rescue<S> {
    fn drop(&mut self) {
        if let Some(actor) = self.0.take()
            && std::thread::panicking()
        {
            RESCUED.set(Some(actor as Box<dyn Any>));
        }
    }
}

/// Drops an actor that was kept for terminate although there will be none: it was dropped by a thread that is panicking for
/// reasons of its own.
pub(crate) fn discard_rescued() {
    drop(RESCUED.take());
}

#[expect(clippy::manual_async_fn, reason = "an async fn would keep its arguments twice in the future")]
fn perform_init<S: GenServer>(mut rescue: Rescue<S>, job: Job<S>) -> impl Future<Output = Done<S>> + Send {
    async move {
        let actor = rescue.0.as_mut().expect("the actor is here until the callback is done");
        let verdict = match job {
            Job::Init(args) => match initialise(actor, *args).await {
                Ok(Step { then: Then::Wait, .. }) => None,
                Ok(step) => Some(Verdict::Started(step)),
                Err(not) => Some(Verdict::NotStarted(not)),
            },
            _ => Some(Verdict::Terminated),
        };
        (rescue.0.take().expect("the actor is still here"), verdict.map(Box::new))
    }
}

async fn initialise<S: GenServer>(actor: &mut Actor<S>, args: S::Args) -> Result<Step<S>, NotStarted> {
    let (server, then) = match S::init(args, &mut actor.cx).await {
        Init::Run(server) => (server, Then::Wait),
        Init::RunIdle(server, silence) => (server, Then::Idle(silence)),
        Init::RunHibernate(server) => (server, Then::Hibernate),
        Init::RunThen(server, info) => (server, Then::Continue(info)),
        Init::Ignore => return Err(NotStarted::Ignored),
        Init::Stop(reason) => return Err(NotStarted::Stopped(reason)),
        Init::Fail(reason) => return Err(NotStarted::Refused(reason)),
    };
    actor.server = Some(server);
    Ok(Step { then, replied: false })
}

/// Runs one callback, and those of the messages that follow it in the batch, for as long as each simply waits for the next.
#[expect(clippy::manual_async_fn, reason = "an async fn would keep its arguments twice in the future")]
fn perform<S: GenServer>(mut rescue: Rescue<S>, mut job: Job<S>) -> impl Future<Output = Done<S>> + Send {
    async move {
        let verdict = loop {
            let actor = &mut **rescue.0.as_mut().expect("the actor is here until the callback is done");
            let Actor { server: Some(server), cx, .. } = actor else { break Some(Box::new(Verdict::Terminated)) };
            cx.note_job(&job);
            let verdict = match job {
                Job::Message(Envelope::Call(call, _)) => judged(server.handle_call(call, cx).await, cx),
                Job::Message(Envelope::Cast(cast)) => judged(server.handle_cast(cast, cx).await, cx),
                Job::Message(Envelope::Info(info)) | Job::Continue(info) => {
                    judged(server.handle_info(info, cx).await, cx)
                }
                Job::Message(Envelope::Signal(signal)) => match cx.translate(*signal) {
                    Some(info) => {
                        cx.note_info(&info);
                        judged(server.handle_info(info, cx).await, cx)
                    }
                    None => Some(Box::new(Verdict::CalledOff)),
                },
                Job::Idle => judged(server.handle_idle(cx).await, cx),
                Job::Terminate(reason) => {
                    server.terminate(reason.as_deref().unwrap_or(&Reason::Normal), cx).await;
                    break None;
                }
                // A lazy message has been opened before it came here.
                Job::Init(_) | Job::Message(Envelope::Lazy(_)) => None,
            };
            if verdict.is_some() {
                break verdict;
            }
            // Found again, not kept: a reference that lived through the callback would take room in every server.
            match rescue.0.as_mut().and_then(|actor| actor.next()) {
                Some(message) => job = Job::Message(message),
                None => break None,
            }
        };
        (rescue.0.take().expect("the actor is still here"), verdict)
    }
}

/// Makes the step small: waiting for the next message is nothing at all.
#[inline]
fn judged<S: GenServer>(outcome: Outcome<S>, cx: &mut Cx<S>) -> Option<Box<Verdict<S>>> {
    cx.note_outcome(&outcome);
    match outcome {
        Ok(Step { then: Then::Wait, .. }) => None,
        Ok(step) => Some(Box::new(Verdict::Step(step))),
        Err(reason) => Some(Box::new(Verdict::Failed(reason))),
    }
}
