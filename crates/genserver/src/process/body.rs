//! The body of a server: its state and the callback that waits, and what few servers have besides.
//!
//! It is what a thread takes out of the lock to run the server (see [`mail`](super::mail)), and puts back afterwards.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::cold::drop_cold;
use super::envelope::Envelope;
use super::mail::Doing;
use crate::node::reply::{Slot, Waiting};
use crate::process::deadlock::Edge;
use crate::process::queue::Queue;
use crate::process::starter::{Started, Starter};
use crate::process::work::{self, Actor, Begun, Job, Polled, Work};
use crate::report::SentBy;
use crate::server::GenServer;
use crate::server::outcome::LateReply;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// A server's loop. The thread that holds it runs the server. It is moved in and out of the lock for every message, so it is
/// small.
pub(crate) struct Body<S: GenServer> {
    /// Away while a callback runs.
    pub(crate) actor: Option<Box<Actor<S>>>,
    /// The callback that waits for something.
    pub(crate) work: Option<Pin<Box<dyn Work<S>>>>,
    pub(crate) cold: Option<Box<ColdState<S>>>,
}

impl<S: GenServer> Body<S> {
    /// A body in which no callback waits.
    pub(crate) fn new(actor: Box<Actor<S>>) -> Self {
        Self { actor: Some(actor), work: None, cold: None }
    }

    /// An empty body, for the place of one that is out.
    pub(crate) fn away() -> Self {
        Self { actor: None, work: None, cold: None }
    }

    /// Begins the callback that is to be begun, or goes on with the one that waits.
    #[inline]
    pub(super) fn poll(&mut self, job: &mut Option<Job<S>>, cx: &mut Context<'_>) -> Polled<S> {
        if job.is_some() { self.begin(job, cx) } else { self.resume(cx) }
    }

    /// Begins a callback. If it has to wait, its slot is the server's until it is done.
    #[inline]
    pub(super) fn begin(&mut self, job: &mut Option<Job<S>>, cx: &mut Context<'_>) -> Polled<S> {
        let (Some(actor), Some(job)) = (self.actor.take(), job.take()) else { return Poll::Ready(None) };
        let begun = match job {
            Job::Init(args) => work::begin_init(actor, args, cx),
            job => work::begin(actor, job, cx),
        };
        self.begun(begun)
    }

    #[inline]
    pub(super) fn begun(&mut self, begun: Begun<S>) -> Polled<S> {
        match begun {
            Begun::Done((actor, verdict)) => {
                self.actor = Some(actor);
                Poll::Ready(verdict)
            }
            Begun::Waits(work) => {
                self.work = Some(work);
                Poll::Pending
            }
        }
    }

    /// Builds init; the task that resumes it runs it.
    pub(super) fn prepare(&mut self, init: &mut Option<Job<S>>) {
        if let Some(Job::Init(args)) = init.take()
            && let Some(actor) = self.actor.take()
        {
            self.work = Some(work::prepare_init(actor, args));
        }
    }

    fn resume(&mut self, cx: &mut Context<'_>) -> Polled<S> {
        match self.work.take() {
            Some(work) => self.begun(work::resume(work, cx)),
            None => Poll::Ready(None),
        }
    }

    pub(crate) fn cold(&mut self) -> &mut ColdState<S> {
        self.cold.get_or_insert_default()
    }

    /// Whether nothing of the batch is left.
    pub(crate) fn batch_is_empty(&self) -> bool {
        self.actor.as_ref().is_none_or(|actor| actor.batch.is_empty())
    }

    /// Whether the callback that begins may be followed by others of the batch without a look at the cold.
    #[inline]
    pub(crate) fn may_run_on(&self) -> bool {
        self.cold.as_ref().is_none_or(|cold| !cold.suspended && !cold.wants_judging()) && !self.is_timed()
    }

    /// Whether a callback waits here that is timed: its time ends before the next message.
    #[cfg(feature = "metrics")]
    #[inline]
    fn is_timed(&self) -> bool {
        self.work.as_ref().is_some_and(|work| work.is_timed())
    }

    #[cfg(not(feature = "metrics"))]
    #[inline]
    #[expect(clippy::unused_self, reason = "with the feature it is needed")]
    fn is_timed(&self) -> bool {
        false
    }

    /// Whether nothing in it needs a look before it is put back.
    #[inline]
    pub(crate) fn is_light(&self) -> bool {
        self.cold.is_none() && self.actor.as_ref().is_none_or(|actor| actor.batch.is_light())
    }

    /// Gives back what a burst made the batch grow to. Whether there was such a burst.
    pub(crate) fn shrink(&mut self) -> bool {
        self.actor.as_mut().is_some_and(|actor| actor.batch.shrink())
    }

    /// What was taken out of the queue and not handled yet.
    pub(crate) fn batch(&mut self) -> Option<&mut Queue<S>> {
        self.actor.as_mut().map(|actor| &mut actor.batch)
    }

    pub(crate) fn is_suspended(&self) -> bool {
        self.cold.as_ref().is_some_and(|cold| cold.suspended)
    }

    pub(crate) fn silence(&self) -> Option<Duration> {
        self.cold.as_ref().and_then(|cold| cold.silence)
    }

    /// The starter that waits for init.
    pub(crate) fn take_starter(&mut self) -> Option<Starter> {
        self.cold.as_mut()?.starter.take()
    }

    /// Makes the slot in which the starter hears of init.
    pub(crate) fn add_starter(&mut self, home: Pid) -> Arc<Slot<Started>> {
        let slot = Arc::new(Slot::new(home));
        self.cold().starter = Some(Starter::new(&slot));
        slot
    }

    /// Puts what was held back in front of everything that came later.
    pub(crate) fn release_held(&mut self) {
        if let (Some(cold), Some(actor)) = (&mut self.cold, &mut self.actor) {
            // From the last to the first, so that they come to stand in their order.
            while let Some(message) = cold.held.pop_back() {
                actor.batch.push_front(message);
            }
        }
    }

    /// No callback begins for the message that was taken last.
    pub(super) fn forget_sender(&mut self) {
        if let Some(actor) = &mut self.actor {
            actor.cx.sent_by = SentBy::NONE;
        }
    }

    pub(crate) fn has_server(&self) -> bool {
        self.actor.as_ref().is_some_and(|actor| actor.server.is_some())
    }

    /// Gives back everything that the next message can build again.
    pub(crate) fn hibernate(&mut self) {
        if let Some(actor) = &mut self.actor {
            actor.batch.release();
        }
        self.drop_clear_cold_state();
    }

    pub(crate) fn drop_clear_cold_state(&mut self) {
        if self.cold.as_ref().is_some_and(|cold| cold.is_clear()) {
            self.cold = None;
        }
    }
}

/// Holds the body while nobody runs the server. It is empty if it has neither an actor nor a callback that waits.
pub(crate) struct BodyCell<S: GenServer>(Body<S>);

impl<S: GenServer> BodyCell<S> {
    pub(crate) fn empty() -> Self {
        Self(Body::away())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.actor.is_none() && self.0.work.is_none()
    }

    /// Whether a body lies here in which no callback waits for anything.
    pub(crate) fn is_between_callbacks(&self) -> bool {
        self.0.actor.is_some()
    }

    /// How many messages have been taken out for it and not handled yet.
    pub(crate) fn batched(&self) -> usize {
        self.0.actor.as_ref().map_or(0, |actor| actor.batch.len())
    }

    #[inline]
    pub(crate) fn take(&mut self) -> Option<Body<S>> {
        if self.is_empty() { None } else { Some(std::mem::replace(&mut self.0, Body::away())) }
    }

    #[inline]
    pub(crate) fn put(&mut self, body: Body<S>) {
        debug_assert!(self.is_empty(), "two pollers held the body of one server");
        self.0 = body;
        debug_assert!(!self.is_empty(), "a body was put back without its actor");
    }

    /// Whether a body lies here that has nothing but its actor.
    #[inline]
    pub(crate) fn is_bare(&self) -> bool {
        self.0.cold.is_none()
    }

    /// Takes a body out that has nothing but its actor.
    #[inline]
    pub(crate) fn take_actor(&mut self) -> Option<Box<Actor<S>>> {
        self.0.actor.take()
    }

    /// Takes a callback out that waits, and is all that the body has.
    #[inline]
    pub(crate) fn take_work(&mut self) -> Option<Pin<Box<dyn Work<S>>>> {
        self.0.work.take()
    }

    /// Puts down a callback that has to wait.
    #[inline]
    pub(crate) fn put_work(&mut self, work: Pin<Box<dyn Work<S>>>) {
        debug_assert!(self.is_empty(), "two pollers held the body of one server");
        self.0.work = Some(work);
    }

    /// Puts the actor back that was taken out alone.
    #[inline]
    pub(crate) fn put_actor(&mut self, actor: Box<Actor<S>>) {
        debug_assert!(self.is_empty(), "two pollers held the body of one server");
        // The place is empty. The compiler does not know that, and would inline the drop of an actor into every call.
        if let Some(before) = self.0.actor.replace(actor) {
            drop_cold(before);
        }
    }

    /// Lets the body give back what it does not need while the server sleeps.
    pub(crate) fn hibernate(&mut self) {
        self.0.hibernate();
    }
}

/// The part of a body that few servers have: what a suspended server holds back, a silence, an end that has begun.
pub(crate) struct ColdState<S: GenServer> {
    /// What a suspended server holds back, in order.
    pub(crate) held: VecDeque<Envelope<S>>,
    pub(crate) suspended: bool,
    /// How long nothing may arrive before `handle_idle` runs.
    pub(crate) silence: Option<Duration>,
    /// The end that has begun.
    pub(crate) ending: Option<Ending>,
    /// The starter that waits for init.
    pub(crate) starter: Option<Starter>,
    /// The caller that the present callback is working for.
    pub(crate) edge: Option<Arc<Edge>>,
}

impl<S: GenServer> Default for ColdState<S> {
    fn default() -> Self {
        Self { held: VecDeque::new(), suspended: false, silence: None, ending: None, starter: None, edge: None }
    }
}

impl<S: GenServer> ColdState<S> {
    /// Whether something has to be done after a callback that simply waits for the next message.
    pub(crate) fn wants_judging(&self) -> bool {
        self.edge.is_some() || self.ending.is_some() || self.silence.is_some()
    }

    /// Whether it has nothing, so that it can be freed.
    fn is_clear(&self) -> bool {
        self.held.is_empty()
            && !self.suspended
            && self.silence.is_none()
            && self.ending.is_none()
            && self.starter.is_none()
            && self.edge.is_none()
    }
}

/// How a server is ending.
pub(crate) struct Ending {
    pub(crate) reason: Reason,
    pub(crate) late_reply: Option<LateReply>,
    /// Callers dropped by the callback that ended the server (rule 10): they get the reason.
    pub(crate) unanswered: Vec<Arc<dyn Waiting>>,
    /// The starter of a start that failed, and what it is told.
    pub(crate) start: Option<(Starter, Started)>,
    /// Ended by a signal: nothing is reported.
    pub(crate) by_signal: bool,
    /// Which callback ended the server, for the report.
    pub(crate) last: Doing,
}
