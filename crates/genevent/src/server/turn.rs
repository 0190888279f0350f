//! An event, or a plain message, on its way through the handlers.

use std::any::{Any, type_name};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{Either, select};
use genserver::report::{Level, Report, Told};
use genserver::{Cx, Reason};

use super::ManagerServer;
use crate::Event;
use crate::context::{HandlerCx, Mode};
use crate::id::HandlerId;
use crate::leaving::{Gone, Leaving};
use crate::reaction::{After, Reaction, Then};
use crate::slot::{Passed, Place, Reacting, Slot};

/// For how long a handler may wait in a callback before that is reported.
const STUCK_AFTER: Duration = Duration::from_secs(1);

impl<E: Event, I: Event> ManagerServer<E, I> {
    /// An event goes to the streams, then to all handlers; then, unless nobody waits for that, the streams' consumers have it.
    /// False if that took longer than until the deadline.
    pub(super) async fn deliver(&mut self, event: E, mode: Mode, deadline: Option<Instant>, cx: &mut Cx<Self>) -> bool {
        self.cx.set_mode(mode);
        if self.taps.is_empty() {
            let mut at = 0;
            if let Some(turn) = self.pass(&mut at, |slot, cx| slot.event(&event, cx)) {
                // From here on there is something to wait for, or somebody goes: that is boxed, and the rest of this is small.
                Box::pin(self.slowly(at, turn, Passed::Event(&event), cx)).await;
            }
            true
        } else {
            Box::pin(self.deliver_to_streams(event, mode, deadline, cx)).await
        }
    }

    async fn deliver_to_streams(&mut self, event: E, mode: Mode, deadline: Option<Instant>, cx: &mut Cx<Self>) -> bool {
        self.taps.offer(&event, mode).await;
        let mut at = 0;
        if let Some(turn) = self.pass(&mut at, |slot, cx| slot.event(&event, cx)) {
            self.slowly(at, turn, Passed::Event(&event), cx).await;
        }
        mode == Mode::Async || self.taps.wait(deadline).await
    }

    /// A plain message goes to all handlers, and to no stream.
    pub(super) async fn tell(&mut self, info: I, cx: &mut Cx<Self>) {
        let mut at = 0;
        if let Some(turn) = self.pass(&mut at, |slot, cx| slot.info(&info, cx)) {
            Box::pin(self.slowly(at, turn, Passed::Info(&info), cx)).await;
        }
    }

    /// Hands it to the handlers from `at` on, until one of them does anything but stay.
    #[inline]
    fn pass(
        &mut self,
        at: &mut usize,
        hand: impl Fn(&mut dyn Slot<E, I>, &mut HandlerCx<E, I>) -> Reaction<E, I>,
    ) -> Option<Reaction<E, I>> {
        let Self { handlers, cx, .. } = self;
        let passed = catch_unwind(AssertUnwindSafe(|| {
            for slot in handlers.slots().iter_mut().skip(*at) {
                match hand(&mut **slot, cx) {
                    Ok(After(Then::Stay)) => *at += 1,
                    turn => return Some(turn),
                }
            }
            None
        }));
        passed.unwrap_or_else(|payload| Some(Err(Reason::caught(payload))))
    }

    /// The handler at `at` has answered with `turn`; and on with the others.
    async fn slowly(&mut self, mut at: usize, mut turn: Reaction<E, I>, passed: Passed<'_, E, I>, cx: &mut Cx<Self>) {
        loop {
            while let Ok(After(Then::Await)) = turn {
                let Some((place, slot)) = self.handlers.get_mut(at) else { return };
                turn = react(&place.id, slot.hand(passed, &mut self.cx), cx).await;
                // The next one is likely to await as well, and has to be asked.
                if let (Ok(After(Then::Stay)), Some((_, next))) = (&turn, self.handlers.get_mut(at + 1)) {
                    at += 1;
                    turn = hand(&mut **next, passed, &mut self.cx);
                }
            }
            if self.settle(at, turn, Some(passed), cx).await {
                at += 1;
            }
            let passed_on = match passed {
                Passed::Event(event) => self.pass(&mut at, |slot, cx| slot.event(event, cx)),
                Passed::Info(info) => self.pass(&mut at, |slot, cx| slot.info(info, cx)),
            };
            match passed_on {
                Some(next) => turn = next,
                None => return,
            }
        }
    }

    /// Does what a handler has answered. Whether it is still there.
    pub(super) async fn settle(
        &mut self,
        at: usize,
        turn: Reaction<E, I>,
        passed: Option<Passed<'_, E, I>>,
        cx: &mut Cx<Self>,
    ) -> bool {
        match turn {
            Ok(After(Then::Stay | Then::Await)) => true,
            Ok(After(Then::Hibernate)) => {
                self.hibernates = true;
                true
            }
            Ok(After(Then::Leave(reply))) => {
                let handler = self.handlers.take(at);
                self.part(handler, Leaving::Left, Gone::Normal, cx).await;
                if let Some(reply) = reply {
                    reply();
                }
                false
            }
            Ok(After(Then::Swap(successor))) => {
                let stays = self.succeed(at, successor.handler, cx).await;
                if let Some(reply) = successor.reply {
                    reply();
                }
                stays
            }
            Err(reason) => {
                let handler = self.handlers.take(at);
                report_failure(&handler.place, &*handler.slot, passed, &reason, cx);
                self.part(handler, Leaving::Failed(reason.clone()), Gone::Failed(reason), cx).await;
                false
            }
        }
    }
}

/// Hands it to one handler.
fn hand<E: Event, I: Event>(
    slot: &mut dyn Slot<E, I>,
    passed: Passed<'_, E, I>,
    cx: &mut HandlerCx<E, I>,
) -> Reaction<E, I> {
    let caught = catch_unwind(AssertUnwindSafe(|| match passed {
        Passed::Event(event) => slot.event(event, cx),
        Passed::Info(info) => slot.info(info, cx),
    }));
    caught.unwrap_or_else(|payload| Err(Reason::caught(payload)))
}

/// Reports the failure of a handler, unless its reason is one of those that are none.
pub(super) fn report_failure<E: Event, I: Event>(
    place: &Place,
    slot: &dyn Slot<E, I>,
    passed: Option<Passed<'_, E, I>>,
    reason: &Reason,
    cx: &Cx<ManagerServer<E, I>>,
) {
    if reason.is_normal_set() {
        return;
    }
    cx.report(Level::Error, |me| {
        let last = match passed {
            Some(Passed::Event(event)) => slot.shown_event(event).unwrap_or_else(|| type_name::<E>().to_owned()),
            Some(Passed::Info(_)) => type_name::<I>().to_owned(),
            None => "a call".to_owned(),
        };
        let told = Told::new(me, Level::Error, "Event manager", "lost a handler that failed");
        let told = told.with("handler", place.id.to_string()).with("last event", last);
        Report::Told(told.with("state", slot.shown()).because(reason.clone()))
    });
}

/// Waits for a handler's callback, and reports the handler if that takes long. A panic is an error.
pub(super) async fn react<E: Event, I: Event>(
    handler: &HandlerId,
    reacting: Reacting<'_, E, I>,
    cx: &mut Cx<ManagerServer<E, I>>,
) -> Reaction<E, I> {
    let mut reacting = pin!(AssertUnwindSafe(reacting).catch_unwind());
    // Most are ready at once, and need no timer.
    if let Poll::Ready(reaction) = poll_fn(|task| Poll::Ready(reacting.as_mut().poll(task))).await {
        return caught(reaction);
    }
    let stuck = Box::pin(genserver::time::sleep(STUCK_AFTER));
    match select(&mut reacting, stuck).await {
        Either::Left((reaction, _)) => caught(reaction),
        Either::Right(((), _)) => {
            cx.report(Level::Warning, |me| {
                let told = Told::new(me, Level::Warning, "Event manager", "waits for a handler, and everybody with it");
                let told = told.with("handler", handler.to_string());
                Report::Told(told.with("waits", format!("for more than {STUCK_AFTER:?}")))
            });
            caught(reacting.await)
        }
    }
}

fn caught<E: Event, I: Event>(reaction: Result<Reaction<E, I>, Box<dyn Any + Send>>) -> Reaction<E, I> {
    reaction.unwrap_or_else(|payload| Err(Reason::caught(payload)))
}
