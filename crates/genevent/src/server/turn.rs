//! An event, or a plain message, on its way through the handlers.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::{Duration, Instant};

use genserver::report::{Level, Report, Told as Reported};
use genserver::{Cx, Reason};

use super::ManagerServer;
use crate::Event;
use crate::context::{HandlerCx, Mode};
use crate::leaving::{Gone, Leaving};
use crate::reaction::{After, Reaction, Then};
use crate::slot::{Slot, Work};

/// For how long a handler may wait in a callback before that is reported.
const STUCK_AFTER: Duration = Duration::from_secs(1);

impl<E: Event, I: Event> ManagerServer<E, I> {
    /// An event goes to the streams, then to all handlers; then, unless nobody waits for that, the streams' consumers have it.
    /// False if that took longer than until the deadline.
    pub(super) async fn deliver(&mut self, event: E, mode: Mode, deadline: Option<Instant>, cx: &mut Cx<Self>) -> bool {
        self.cx.set_mode(mode);
        if self.taps.is_empty() {
            let mut at = 0;
            match self.pass(&mut at, |slot, cx| slot.event(&event, cx)) {
                None => {}
                // From here on there is something to wait for, or somebody goes: that is boxed, and the rest of this is small.
                Some(turn) => Box::pin(self.slowly(at, turn, Work::Event(Box::new(event)), cx)).await,
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
            self.slowly(at, turn, Work::Event(Box::new(event)), cx).await;
        }
        mode == Mode::Async || self.taps.wait(deadline).await
    }

    /// A plain message goes to all handlers, and to no stream.
    pub(super) async fn tell(&mut self, info: I, cx: &mut Cx<Self>) {
        let mut at = 0;
        if let Some(turn) = self.pass(&mut at, |slot, cx| slot.info(&info, cx)) {
            Box::pin(self.slowly(at, turn, Work::Info(Box::new(info)), cx)).await;
        }
    }

    /// Hands it to the handlers from `at` on, until one of them does anything but stay.
    #[inline]
    fn pass(
        &mut self,
        at: &mut usize,
        hand: impl Fn(&mut dyn Slot<E, I>, &mut HandlerCx<E, I>) -> Reaction<E, I>,
    ) -> Option<Reaction<E, I>> {
        let Self { slots, cx, .. } = self;
        let passed = catch_unwind(AssertUnwindSafe(|| {
            while let Some(slot) = slots.get_mut(*at) {
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
    async fn slowly(&mut self, mut at: usize, mut turn: Reaction<E, I>, mut work: Work<E, I>, cx: &mut Cx<Self>) {
        loop {
            if let Ok(After(Then::Await)) = turn {
                turn = self.work_at(at, &mut work, cx).await;
            }
            if self.settle(at, turn, &mut work, cx).await {
                at += 1;
            }
            let passed = match &work {
                Work::Event(event) => self.pass(&mut at, |slot, cx| slot.event(event, cx)),
                Work::Info(info) => self.pass(&mut at, |slot, cx| slot.info(info, cx)),
                _ => None,
            };
            match passed {
                Some(next) => turn = next,
                None => return,
            }
        }
    }

    /// Has the handler at `at` do its work, however long it takes.
    pub(super) async fn work_at(&mut self, at: usize, work: &mut Work<E, I>, cx: &mut Cx<Self>) -> Reaction<E, I> {
        let Self { slots, cx: own, .. } = self;
        let Some(slot) = slots.get_mut(at) else { return Ok(After(Then::Stay)) };
        work_with(&mut **slot, work, own, cx).await
    }

    /// Does what a handler has answered. Whether it is still there.
    pub(super) async fn settle(
        &mut self,
        at: usize,
        turn: Reaction<E, I>,
        work: &mut Work<E, I>,
        cx: &mut Cx<Self>,
    ) -> bool {
        match turn {
            Ok(After(Then::Stay | Then::Await)) => true,
            Ok(After(Then::Hibernate)) => {
                self.hibernates = true;
                true
            }
            Ok(After(Then::Leave(reply))) => {
                let slot = self.take(at);
                self.part(slot, Leaving::Left, Gone::Normal, cx).await;
                if let Some(reply) = reply {
                    reply();
                }
                false
            }
            Ok(After(Then::Swap(successor))) => {
                let stays = self.succeed(at, successor.slot, cx).await;
                if let Some(reply) = successor.reply {
                    reply();
                }
                stays
            }
            Err(reason) => {
                let slot = self.take(at);
                Self::report_failure(&*slot, work, &reason, cx);
                self.part(slot, Leaving::Failed(reason.clone()), Gone::Failed(reason), cx).await;
                false
            }
        }
    }

    /// Reports the failure of a handler, unless its reason is one of those that are none.
    pub(super) fn report_failure(slot: &dyn Slot<E, I>, work: &Work<E, I>, reason: &Reason, cx: &Cx<Self>) {
        if reason.is_normal_set() {
            return;
        }
        cx.report(Level::Error, |me| {
            let what = match work {
                Work::Event(event) => slot.shown_event(event).unwrap_or_else(|| std::any::type_name::<E>().to_owned()),
                Work::Info(_) => std::any::type_name::<I>().to_owned(),
                _ => "a call".to_owned(),
            };
            let told = Reported::new(me, Level::Error, "Event manager", "lost a handler that failed");
            let told = told.with("handler", slot.place().id.to_string()).with("last event", what);
            Report::Told(told.with("state", slot.shown()).because(reason.clone()))
        });
    }
}

/// Has a handler do its work, and reports it if that takes long.
pub(super) async fn work_with<E: Event, I: Event>(
    slot: &mut dyn Slot<E, I>,
    work: &mut Work<E, I>,
    own: &mut HandlerCx<E, I>,
    cx: &mut Cx<ManagerServer<E, I>>,
) -> Reaction<E, I> {
    let mut stuck = std::pin::pin!(None);
    let in_time = poll_fn(|task| {
        if let Poll::Ready(reaction) = slot.poll(work, own, task) {
            return Poll::Ready(Some(reaction));
        }
        // Most are ready at once, and need no timer.
        if stuck.is_none() {
            stuck.set(Some(genserver::time::sleep(STUCK_AFTER)));
        }
        stuck.as_mut().as_pin_mut().map_or(Poll::Pending, |stuck| stuck.poll(task).map(|()| None))
    });
    if let Some(reaction) = in_time.await {
        return reaction;
    }
    cx.report(Level::Warning, |me| {
        let told = Reported::new(me, Level::Warning, "Event manager", "waits for a handler, and everybody with it");
        let told = told.with("handler", slot.place().id.to_string());
        Report::Told(told.with("waits", format!("for more than {STUCK_AFTER:?}")))
    });
    poll_fn(|task| slot.poll(work, own, task)).await
}
