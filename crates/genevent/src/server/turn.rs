//! Delivering an event or a plain message to the handlers, one turn after the other.

use std::any::type_name;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::{Either, select};
use genserver::report::{CustomReport, Level, Report};
use genserver::{Cx, Reason};

use super::{ManagerServer, drop_caught};
use crate::handler::{Delivery, HandlerCx, HandlerStep, Reacting, Reaction, Registration, Slot, Then};
use crate::subscription::{Goal, SLOW_AFTER, WaitLimit};
use crate::values::{Event, GoneReason, HandlerId, NotifyMode, TerminateReason};

impl<E: Event, I: Event> ManagerServer<E, I> {
    /// Delivers an event to the streams, then to all handlers, in the frequent case: nobody waits for a consumer, and every
    /// handler is plain and stays. Otherwise returns what is left to [`deliver`](Self::deliver). No future is made for it,
    /// because making and dropping one takes longer than several small handlers.
    #[inline]
    pub(super) fn deliver_at_once(&mut self, event: &E, mode: NotifyMode) -> Option<Undelivered<E, I>> {
        self.cx.set_mode(mode);
        let has_streams = !self.subscriptions.is_empty();
        if has_streams && self.subscriptions.offer(event, mode) {
            return Some(Undelivered::AfterSpace);
        }
        let mut at = 0;
        let turn = if self.handlers.is_empty() { None } else { self.pass(&mut at, |slot, cx| slot.event(event, cx)) };
        match turn {
            Some(turn) => Some(Undelivered::From(at, turn)),
            None if has_streams && mode != NotifyMode::Async => Some(Undelivered::Nothing),
            None => None,
        }
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
        let (at, turn) = match left {
            Undelivered::AfterSpace => {
                let stuck = |stream: &HandlerId| report_slow(stream, cx);
                self.subscriptions.reach(Goal::Space, WaitLimit::Unlimited, stuck).await;
                let mut at = 0;
                let turn = self.pass(&mut at, |slot, cx| slot.event(&event, cx));
                (at, turn)
            }
            Undelivered::From(at, turn) => (at, Some(turn)),
            Undelivered::Nothing => (0, None),
        };
        if let Some(turn) = turn {
            // From here on something awaits or leaves. That part is boxed, so that this future stays small.
            Box::pin(self.slowly(at, turn, Delivery::Event(&event), cx)).await;
        }
        if mode == NotifyMode::Async || self.subscriptions.is_empty() {
            return true;
        }
        self.subscriptions.reach(Goal::Settled, limit, |stream| report_slow(stream, cx)).await
    }

    /// Delivers a plain message to all handlers, and to no stream.
    pub(super) async fn tell(&mut self, info: I, cx: &mut Cx<Self>) {
        self.cx.set_mode(NotifyMode::Async);
        let mut at = 0;
        if let Some(turn) = self.pass(&mut at, |slot, cx| slot.info(&info, cx)) {
            Box::pin(self.slowly(at, turn, Delivery::Info(&info), cx)).await;
        }
    }

    /// Calls the handlers from `at` on, until one returns anything but stay.
    #[inline]
    fn pass(
        &mut self,
        at: &mut usize,
        hand: impl Fn(&mut dyn Slot<E, I>, &mut HandlerCx<E, I>) -> Reaction<E, I>,
    ) -> Option<Reaction<E, I>> {
        let Self { handlers, cx, .. } = self;
        let passed = catch_unwind(AssertUnwindSafe(|| {
            for (position, slot) in handlers.slots().iter_mut().enumerate().skip(*at) {
                // Stored, not incremented: adding to a value in memory takes as long as a small handler.
                *at = position;
                let turn = hand(&mut **slot, cx);
                if !matches!(turn, Ok(HandlerStep(Then::Stay))) {
                    return Some(turn);
                }
                // There is nothing to drop in it, and checking that takes as long as a small handler.
                std::mem::forget(turn);
            }
            *at = handlers.len();
            None
        }));
        passed.unwrap_or_else(|payload| Some(Err(Reason::caught(payload))))
    }

    /// The same with handlers that await. A panic in one of those is left to the caller.
    async fn pass_async(
        &mut self,
        at: &mut usize,
        passed: Delivery<'_, E, I>,
        cx: &mut Cx<Self>,
    ) -> Option<Reaction<E, I>> {
        loop {
            if self.handlers.awaits(*at)? {
                let (place, slot) = self.handlers.get_mut(*at)?;
                let mut reacting = pin!(slot.hand(passed, &mut self.cx));
                let mut polled = None;
                let stays = poll_fn(|task| Poll::Ready(stays(reacting.as_mut(), &mut polled, task))).await;
                if !stays {
                    return match polled {
                        Some(Poll::Ready(turn)) => Some(turn),
                        _ => Some(patiently(&place.id, reacting, cx).await),
                    };
                }
                *at += 1;
            } else {
                let turn = match passed {
                    Delivery::Event(event) => self.pass(at, |slot, cx| slot.event(event, cx)),
                    Delivery::Info(info) => self.pass(at, |slot, cx| slot.info(info, cx)),
                };
                if !matches!(turn, Some(Ok(HandlerStep(Then::Await)))) {
                    return turn;
                }
            }
        }
    }

    /// Applies `turn` to the handler at `at`, then goes on with the others.
    async fn slowly(&mut self, mut at: usize, mut turn: Reaction<E, I>, passed: Delivery<'_, E, I>, cx: &mut Cx<Self>) {
        // One `catch_unwind` for all handlers that await, instead of one for each. The handler at `at` has panicked, even
        // if it did so before it returned a future.
        while let Err(payload) = AssertUnwindSafe(self.go_on(&mut at, turn, passed, cx)).catch_unwind().await {
            turn = Err(Reason::caught(payload));
        }
    }

    async fn go_on(&mut self, at: &mut usize, turn: Reaction<E, I>, passed: Delivery<'_, E, I>, cx: &mut Cx<Self>) {
        let mut next = Some(turn);
        if let Some(Ok(HandlerStep(Then::Await))) = next {
            next = self.pass_async(at, passed, cx).await;
        }
        while let Some(turn) = next {
            if self.settle(*at, turn, Activity::Delivery(passed), cx).await {
                *at += 1;
            }
            next = self.pass_async(at, passed, cx).await;
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
            Ok(HandlerStep(Then::Stay | Then::Await)) => true,
            Ok(HandlerStep(Then::Hibernate)) => {
                self.cx.hibernate();
                true
            }
            Ok(HandlerStep(Then::Leave(reply))) => {
                let handler = self.handlers.take(at);
                self.dismiss(handler, TerminateReason::Left, GoneReason::Normal, cx).await;
                if let Some(reply) = reply {
                    reply();
                }
                false
            }
            Ok(HandlerStep(Then::Swap(successor))) => {
                let stays = self.succeed(at, successor.handler, cx).await;
                if let Some(reply) = successor.reply {
                    reply();
                }
                stays
            }
            Err(reason) => {
                let handler = self.handlers.take(at);
                report_failure(&handler.place, &*handler.slot, &doing, &reason, cx);
                self.dismiss(handler, TerminateReason::Failed(reason.clone()), GoneReason::Failed(reason), cx).await;
                false
            }
        }
    }
}

/// What is left of the delivery of an event.
pub(super) enum Undelivered<E: Event, I: Event> {
    /// All handlers, once the consumers have space.
    AfterSpace,
    /// The handlers from this one on, which has returned this.
    From(usize, Reaction<E, I>),
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
    if reason.is_normal_set() {
        return;
    }
    cx.report(Level::Error, |me| {
        let last = match doing {
            Activity::Delivery(Delivery::Event(event)) => {
                slot.shown_event(event).unwrap_or_else(|| type_name::<E>().to_owned())
            }
            Activity::Delivery(Delivery::Info(_)) => format!("info {}", type_name::<I>()),
            Activity::Asked(question) => format!("call {question}"),
            Activity::Beginning => "none, it was to begin".to_owned(),
        };
        let told = CustomReport::new(me, Level::Error, "Event manager", "lost a handler that failed");
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
        Poll::Pending => patiently(handler, reacting, cx).await,
    }
}

/// Awaits a callback that was not ready at once, and reports the handler if that takes long.
async fn patiently<E: Event, I: Event>(
    handler: &HandlerId,
    mut reacting: Pin<&mut Reacting<'_, E, I>>,
    cx: &mut Cx<ManagerServer<E, I>>,
) -> Reaction<E, I> {
    let mut reaction = poll_fn(|task| poll_caught(reacting.as_mut(), task));
    match select(&mut reaction, Box::pin(genserver::time::sleep(SLOW_AFTER))).await {
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

/// Polls a callback, and returns whether the handler stays. Any other result is in `other`.
///
/// A reaction is larger than a bool, and moving it takes longer than a small handler.
fn stays<E: Event, I: Event>(
    reacting: Pin<&mut Reacting<'_, E, I>>,
    other: &mut Option<Poll<Reaction<E, I>>>,
    task: &mut Context<'_>,
) -> bool {
    let polled = reacting.poll(task);
    let stays = matches!(polled, Poll::Ready(Ok(HandlerStep(Then::Stay))));
    if stays {
        std::mem::forget(polled);
    } else {
        *other = Some(polled);
    }
    stays
}

/// Polls a callback. A panic becomes an error.
fn poll_caught<E: Event, I: Event>(
    reacting: Pin<&mut Reacting<'_, E, I>>,
    task: &mut Context<'_>,
) -> Poll<Reaction<E, I>> {
    let polled = catch_unwind(AssertUnwindSafe(|| reacting.poll(task)));
    polled.unwrap_or_else(|payload| Poll::Ready(Err(Reason::caught(payload))))
}
