//! Delivering an event or a plain message to the handlers, one turn after the other.

use std::any::type_name;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures::future::{Either, select};
use genserver::report::{CustomReport, Level, Report};
use genserver::{Cx, Reason};

use super::handlers::Parts;
use super::meter::Meter;
use super::{ManagerServer, drop_caught, walk};
use crate::handler::{
    Begun, DeferredReply, Delivery, HandlerCx, HandlerStep, Place, Reacting, Reaction, Registration, Slot, Then,
};
use crate::subscription::{Goal, SLOW_AFTER, WaitLimit};
use crate::values::{Event, GoneReason, HandlerId, NotifyMode, TerminateReason};

impl<E: Event, I: Event> ManagerServer<E, I> {
    /// Delivers an event to the streams, then to all handlers, in the frequent case: nobody waits for a consumer, and every
    /// handler is plain and stays. Otherwise returns what is left to [`deliver`](Self::deliver). No future is made for it,
    /// because making and dropping one takes longer than several small handlers.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "every event passes here, and a call of it costs as much as a small handler"
    )]
    pub(super) fn deliver_at_once(&mut self, event: &E, mode: NotifyMode) -> Option<Undelivered<E, I>> {
        self.cx.set_mode(mode);
        if !self.subscriptions.is_empty() && self.offer(event, mode) {
            return Some(Undelivered::AfterSpace);
        }
        if let Some((at, begun)) = self.pass(|slot, cx| slot.event(event, cx)) {
            return Some(Undelivered::From(at, begun));
        }
        if mode != NotifyMode::Async && !self.subscriptions.is_empty() {
            return Some(Undelivered::Nothing);
        }
        None
    }

    /// Gives an event to the streams. Returns whether a consumer may lack space for it. Not inlined, so that it costs a manager
    /// without streams nothing.
    #[inline(never)]
    fn offer(&mut self, event: &E, mode: NotifyMode) -> bool {
        self.subscriptions.offer(event, mode)
    }

    /// Delivers what is left of an event. Then, unless the mode is `Async`, waits for the streams' consumers. Returns false
    /// if they took longer than the limit.
    pub(super) async fn deliver(
        &mut self,
        event: E,
        left: Undelivered<E, I>,
        mode: NotifyMode,
        limit: WaitLimit<'_>,
        cx: &mut Cx<Self>,
    ) -> bool {
        let begun = match left {
            Undelivered::AfterSpace => {
                let stuck = |stream: &HandlerId| report_slow(stream, cx);
                self.subscriptions.reach(Goal::Space, WaitLimit::Unlimited, stuck).await;
                self.pass(|slot, cx| slot.event(&event, cx))
            }
            Undelivered::From(at, begun) => Some((at, begun)),
            Undelivered::Nothing => None,
        };
        if let Some((at, begun)) = begun {
            self.go_on(at, begun, Delivery::Event(&event), cx).await;
        }
        if mode == NotifyMode::Async || self.subscriptions.is_empty() {
            return true;
        }
        self.subscriptions.reach(Goal::Settled, limit, |stream| report_slow(stream, cx)).await
    }

    /// Delivers a plain message to all handlers, and to no stream.
    pub(super) async fn tell(&mut self, info: I, cx: &mut Cx<Self>) {
        self.cx.set_mode(NotifyMode::Async);
        if let Some((at, begun)) = self.pass(|slot, cx| slot.info(&info, cx)) {
            self.go_on(at, begun, Delivery::Info(&info), cx).await;
        }
    }

    /// Calls the handlers, until one does not simply stay. Returns the position of that one, and what came of it.
    #[inline]
    fn pass(
        &mut self,
        hand: impl Fn(&mut dyn Slot<E, I>, &mut HandlerCx<E, I>) -> Begun<E, I>,
    ) -> Option<(usize, Begun<E, I>)> {
        let Self { handlers, cx, .. } = self;
        walk::call(handlers.slots(), cx, hand)
    }

    /// The same with handlers that await.
    async fn pass_async(
        &mut self,
        at: &mut usize,
        passed: Delivery<'_, E, I>,
        cx: &mut Cx<Self>,
    ) -> Option<Reaction<E, I>> {
        loop {
            let Parts { slots, contexts, places } = self.handlers.parts();
            let mut left = slots.get_mut(*at..).zip(contexts.get_mut(*at..));
            let mut place = pin!(None);
            let begun = poll_fn(|task| {
                let begun = left.take().map(|(slots, contexts)| match passed {
                    Delivery::Event(event) => {
                        walk::begin(slots, contexts, event, place.as_mut(), task, <dyn Slot<E, I>>::begin_event)
                    }
                    Delivery::Info(info) => {
                        walk::begin(slots, contexts, info, place.as_mut(), task, <dyn Slot<E, I>>::begin_info)
                    }
                });
                Poll::Ready(begun.flatten())
            });
            let (passed_over, begun) = begun.await?;
            *at += passed_over;
            if let Begun::Else(turn) = begun {
                return Some(emptied(place, *turn));
            }
            // Boxed, so that this future stays small.
            let turn = Box::pin(patiently(&places[*at].id, place.as_mut().as_pin_mut()?, cx)).await;
            let turn = emptied(place, turn);
            if !matches!(turn, Ok(HandlerStep(Then::Stay))) {
                return Some(turn);
            }
            *at += 1;
        }
    }

    /// Goes on with the handler at `at`, of which this has come, and with those after it.
    async fn go_on(&mut self, mut at: usize, begun: Begun<E, I>, passed: Delivery<'_, E, I>, cx: &mut Cx<Self>) {
        let turn = match begun {
            Begun::Else(turn) => Some(*turn),
            Begun::Waits => self.pass_async(&mut at, passed, cx).await,
            Begun::Stays => None,
        };
        if let Some(turn) = turn {
            // From here on something leaves. That part is boxed, so that this future stays small.
            Box::pin(self.settle_all(at, turn, passed, cx)).await;
        }
    }

    /// Applies `turn` to the handler at `at`, then goes on with the others.
    async fn settle_all(&mut self, mut at: usize, turn: Reaction<E, I>, passed: Delivery<'_, E, I>, cx: &mut Cx<Self>) {
        let mut next = Some(turn);
        while let Some(turn) = next {
            if self.settle(at, turn, Activity::Delivery(passed), cx).await {
                at += 1;
            }
            next = self.pass_async(&mut at, passed, cx).await;
        }
    }

    /// Turns a swap into a failure if the manager already has a handler with the successor's id.
    pub(super) fn possible(&self, at: usize, turn: Reaction<E, I>) -> Reaction<E, I> {
        let Ok(HandlerStep(Then::Swap(successor))) = &turn else { return turn };
        let by = &successor.handler.place.id;
        if self.handlers.position(by).is_none_or(|taken| taken == at) {
            return turn;
        }
        let reason = Reason::term(format!("it was to be swapped for {by}, which the manager has already"));
        drop_caught(turn);
        Err(reason)
    }

    /// Applies what a handler has returned. Returns whether its position is still taken.
    pub(super) async fn settle(
        &mut self,
        at: usize,
        turn: Reaction<E, I>,
        doing: Activity<'_, E, I>,
        cx: &mut Cx<Self>,
    ) -> bool {
        match self.possible(at, turn) {
            Ok(HandlerStep(Then::Stay)) => true,
            Ok(HandlerStep(Then::Hibernate)) => {
                self.cx.hibernate();
                true
            }
            Ok(HandlerStep(Then::Leave(reply))) => {
                let handler = self.handlers.take(at);
                self.dismiss(handler, TerminateReason::Left, GoneReason::Normal, cx).await;
                answer(reply);
                false
            }
            Ok(HandlerStep(Then::Swap(successor))) => {
                let stays = self.succeed(at, successor.handler, cx).await;
                answer(successor.reply);
                stays
            }
            Ok(HandlerStep(Then::Refuse(reason))) => {
                self.refuse(at, *reason, &doing, cx);
                true
            }
            Err(reason) => {
                let handler = self.handlers.take(at);
                report_failure(&handler.place, &*handler.slot, &doing, &reason, cx);
                self.dismiss(handler, TerminateReason::Failed(reason.clone()), GoneReason::Failed(reason), cx).await;
                false
            }
        }
    }

    /// Keeps a refusal for the sender of the event, or reports it if no sender will hear of it.
    fn refuse(&mut self, at: usize, reason: Reason, doing: &Activity<'_, E, I>, cx: &Cx<Self>) {
        let Some((place, slot)) = self.handlers.get(at) else { return };
        let refusals = self.cx.refusals();
        refusals.count();
        Meter::refused::<E>();
        let is_told = matches!(doing, Activity::Delivery(Delivery::Event(_))) && self.cx.mode() == NotifyMode::Sync;
        if is_told && self.refused.is_none() {
            self.refused = Some(refusals.error(Some(place.id.clone()), reason));
        } else {
            report(place, slot, doing, &reason, "has a handler that refuses what it was given", cx);
        }
    }
}

/// Sends an answer that had to wait for what its handler has asked for. If nobody waits for it any more it is dropped, and a
/// panic in its drop stays here (rule 2).
fn answer(reply: Option<DeferredReply>) {
    if let Some(reply) = reply
        && let Err(payload) = catch_unwind(AssertUnwindSafe(reply))
    {
        let _ = Reason::caught(payload);
    }
}

/// What is left of the delivery of an event.
pub(super) enum Undelivered<E: Event, I: Event> {
    /// All handlers, once the consumers have space.
    AfterSpace,
    /// The handlers from this one on, of which this has come.
    From(usize, Begun<E, I>),
    /// No handler. A sender may wait for consumers.
    Nothing,
}

/// What a handler was doing when it failed, for the report.
pub(super) enum Activity<'a, E, I> {
    Delivery(Delivery<'a, E, I>),
    /// A question of this type.
    Asked(&'static str),
    Beginning,
}

/// Reports the failure of a handler, unless the reason counts as normal.
pub(super) fn report_failure<E: Event, I: Event>(
    place: &Registration,
    slot: &dyn Slot<E, I>,
    doing: &Activity<'_, E, I>,
    reason: &Reason,
    cx: &Cx<ManagerServer<E, I>>,
) {
    if !reason.is_normal_set() {
        report(place, slot, doing, reason, "lost a handler that failed", cx);
    }
}

/// Reports what came of a handler's callback.
fn report<E: Event, I: Event>(
    place: &Registration,
    slot: &dyn Slot<E, I>,
    doing: &Activity<'_, E, I>,
    reason: &Reason,
    what: &'static str,
    cx: &Cx<ManagerServer<E, I>>,
) {
    cx.report(Level::Error, |me| {
        let last = match doing {
            Activity::Delivery(Delivery::Event(event)) => {
                slot.shown_event(event).unwrap_or_else(|| type_name::<E>().to_owned())
            }
            Activity::Delivery(Delivery::Info(_)) => format!("info {}", type_name::<I>()),
            Activity::Asked(question) => format!("call {question}"),
            Activity::Beginning => "none, it was to begin".to_owned(),
        };
        let told = CustomReport::new(me, Level::Error, "Event manager", what);
        let told = told.with("handler", place.id.to_string()).with("last event", last);
        Report::Custom(told.with("state", slot.shown()).because(reason.clone()))
    });
}

/// Awaits a handler's callback.
pub(super) async fn react<E: Event, I: Event>(
    handler: &HandlerId,
    reacting: Reacting<'_, E, I>,
    cx: &mut Cx<ManagerServer<E, I>>,
) -> Reaction<E, I> {
    let mut reacting = pin!(reacting);
    match poll_fn(|task| Poll::Ready(poll_caught(reacting.as_mut(), task))).await {
        Poll::Ready(reaction) => reaction,
        Poll::Pending => Box::pin(patiently(handler, reacting, cx)).await,
    }
}

/// Awaits a callback that was not ready at once, and reports the handler if that takes long.
async fn patiently<E: Event, I: Event>(
    handler: &HandlerId,
    reacting: impl Future<Output = Reaction<E, I>>,
    cx: &mut Cx<ManagerServer<E, I>>,
) -> Reaction<E, I> {
    let mut reacting = pin!(reacting);
    let mut reaction = poll_fn(|task| poll_caught(reacting.as_mut(), task));
    match select(&mut reaction, pin!(genserver::time::sleep(SLOW_AFTER))).await {
        Either::Left((reaction, _)) => reaction,
        Either::Right(((), _)) => {
            report_slow(handler, cx);
            reaction.await
        }
    }
}

/// Reports that a handler or a stream's consumer holds up the manager.
fn report_slow<E: Event, I: Event>(handler: &HandlerId, cx: &mut Cx<ManagerServer<E, I>>) {
    cx.report(Level::Warning, |me| {
        let told = CustomReport::new(me, Level::Warning, "Event manager", "waits for a handler, and everybody with it");
        let told = told.with("handler", handler.to_string());
        Report::Custom(told.with("waits", format!("for more than {SLOW_AFTER:?}")))
    });
}

/// Drops the future of a callback that has returned this. A panic in its drop becomes an error, unless it has failed already.
fn emptied<E: Event, I: Event>(mut place: Pin<&mut Place<'_, Reaction<E, I>>>, turn: Reaction<E, I>) -> Reaction<E, I> {
    match catch_unwind(AssertUnwindSafe(|| place.set(None))).map_err(Reason::caught) {
        Err(reason) if turn.is_ok() => {
            drop_caught(turn);
            Err(reason)
        }
        _ => turn,
    }
}

/// Polls a callback. A panic becomes an error.
fn poll_caught<E: Event, I: Event>(
    reacting: Pin<&mut impl Future<Output = Reaction<E, I>>>,
    task: &mut Context<'_>,
) -> Poll<Reaction<E, I>> {
    let polled = catch_unwind(AssertUnwindSafe(|| reacting.poll(task)));
    polled.unwrap_or_else(|payload| Poll::Ready(Err(Reason::caught(payload))))
}
