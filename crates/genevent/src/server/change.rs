//! How handlers come, and go.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use genserver::report::{Level, Report, Told};
use genserver::{Caller, CastError, Cx, Down, Reason};

use super::request::{AddFailure, AddRequest, HandlerCall, OtherCall, OwnerSpec, RemovedHandler, SwapRequest};
use super::turn::{Activity, react, report_failure};
use super::{InfoKind, ManagerInfo, ManagerServer, drop_caught};
use crate::handler::{HandlerEntry, Owner, Registration, Unanswered, Work};
use crate::values::{
    CallHandlerError, Event, GoneReason, HandlerGone, HandlerId, NotifyMode, OldHandlerError, TerminateArg,
    TerminateReason,
};

impl<E: Event, I: Event> ManagerServer<E, I> {
    pub(super) async fn change(&mut self, change: OtherCall<E, I>, cx: &mut Cx<Self>) {
        self.cx.set_mode(NotifyMode::Async);
        match change {
            OtherCall::Add(AddRequest { handler, owner, caller }) => {
                // The client has it back, and was told why.
                let Some(handler) = handler.take() else { return };
                let added = self.add(handler, owner, cx).await;
                give(caller, added);
            }
            OtherCall::Remove(id, words, caller) => {
                let removed = self.remove(&id, words, cx).await;
                give(caller, removed);
            }
            OtherCall::Swap(swap) => self.swap(swap, cx).await,
            OtherCall::Call(id, question, unanswered) => self.call(id, question, unanswered, cx).await,
            OtherCall::Which(caller) => caller.reply(self.which_handlers()),
            OtherCall::Subscribe(tap, caller) => {
                let id = self.subscriptions.add(tap);
                caller.reply(id);
            }
            OtherCall::Attach(stream, caller) => {
                let made = cx.attach(stream, |event| ManagerInfo(InfoKind::Attached(event)));
                caller.reply(made);
            }
            OtherCall::Detach(attached, caller) => caller.reply(cx.detach(attached)),
        }
    }

    /// Asks one handler something.
    async fn call(
        &mut self,
        handler: HandlerId,
        HandlerCall { call, type_name }: HandlerCall,
        unanswered: Arc<dyn Unanswered>,
        cx: &mut Cx<Self>,
    ) {
        let manager = self.subject.clone();
        let Some(at) = self.handlers.position(&handler) else {
            return unanswered.fail(CallHandlerError::NotFound { manager, handler });
        };
        let Some((place, slot)) = self.handlers.get_mut(at) else { return };
        let work = slot.work(Work::Call(call), &mut self.cx);
        let turn = react(&place.id, work, cx).await;
        let turn = self.possible(at, turn);
        let failed = turn.as_ref().err().cloned();
        self.settle(at, turn, Activity::Asked(type_name), cx).await;
        match failed {
            Some(reason) => unanswered.fail(CallHandlerError::Failed { manager, handler, reason }),
            // One that the handler has kept may be answered later; one that it has dropped will not be.
            None => unanswered.fail_if_dropped(CallHandlerError::NoReply { manager, handler }),
        }
    }

    /// Adds a handler behind the others, if its init agrees.
    async fn add(
        &mut self,
        handler: HandlerEntry<E, I>,
        owner: Option<OwnerSpec>,
        cx: &mut Cx<Self>,
    ) -> Result<(), AddFailure> {
        if self.handlers.position(&handler.place.id).is_some() {
            return Err(AddFailure::AlreadyPresent(handler.slot.into_handler()));
        }
        let begun = self.begun(handler, cx).await;
        let mut handler = begun.map_err(|(reason, handler)| AddFailure::Init(reason, handler.slot.into_handler()))?;
        // Only now, so that a handler that was not added leaves no monitor behind.
        handler.place.owner = owner.map(|owner| Box::new(bind(owner, cx)));
        self.handlers.insert(self.handlers.len(), handler);
        Ok(())
    }

    /// A handler whose init has run.
    async fn begun(
        &mut self,
        mut handler: HandlerEntry<E, I>,
        cx: &mut Cx<Self>,
    ) -> Result<HandlerEntry<E, I>, (Reason, HandlerEntry<E, I>)> {
        self.cx.set_initialising(Some(handler.place.id.clone()));
        let init = handler.slot.work(Work::Init, &mut self.cx);
        let begun = react(&handler.place.id, init, cx).await;
        self.cx.set_initialising(None);
        match begun {
            Ok(_) => Ok(handler),
            Err(reason) => Err((reason, handler)),
        }
    }

    async fn remove(&mut self, id: &HandlerId, words: TerminateArg, cx: &mut Cx<Self>) -> Option<RemovedHandler> {
        let at = self.handlers.position(id)?;
        let handler = self.handlers.take(at);
        Some(self.part(handler, TerminateReason::Removed(words), GoneReason::Normal, cx).await)
    }

    /// The old one goes, whatever becomes of the new one.
    async fn swap(&mut self, swap: SwapRequest<E, I>, cx: &mut Cx<Self>) {
        let SwapRequest { old, words, new, make, owner, caller } = swap;
        // Before anybody goes: the client may have it back.
        let Some(make) = make.take() else { return };
        let left = match self.handlers.position(&old) {
            None => Err(OldHandlerError::NotFound { handler: old }),
            Some(at) => {
                let handler = self.handlers.take(at);
                let gone = GoneReason::Swapped { by: new, owner: owner.as_ref().map(|owner| owner.pid) };
                match self.part(handler, TerminateReason::Swapped(words), gone, cx).await {
                    RemovedHandler { handler, ended: Ok(()) } => Ok(handler),
                    RemovedHandler { handler, ended: Err(reason) } => {
                        drop_caught(handler);
                        Err(OldHandlerError::Terminate { handler: old, reason })
                    }
                }
            }
        };
        let swapped = match catch_unwind(AssertUnwindSafe(|| make(left))) {
            Ok(handler) => self.add(handler, owner, cx).await,
            Err(payload) => Err(AddFailure::Make(Reason::caught(payload))),
        };
        give(caller, swapped);
    }

    /// The handler at `at` has named its successor, which takes its position and its owner. Whether it does.
    ///
    /// The owner is told of each of the two for itself: the one was swapped, and the other may fail in its init.
    pub(super) async fn succeed(&mut self, at: usize, new: HandlerEntry<E, I>, cx: &mut Cx<Self>) -> bool {
        let mut old = self.handlers.take(at);
        let owner = old.place.owner.take();
        let (old_id, new_id, manager) = (old.place.id.clone(), new.place.id.clone(), cx.pid());
        self.dismiss(old, TerminateReason::Swapped(TerminateArg::default()), GoneReason::Normal, cx).await;
        if let Some(Owner { pid, told: Some(told), .. }) = owner.as_deref() {
            let why = GoneReason::Swapped { by: new_id.clone(), owner: Some(*pid) };
            tell(told, HandlerGone { handler: old_id, manager, why }, cx);
        }
        match self.begun(new, cx).await {
            Ok(mut handler) => {
                handler.place.owner = owner;
                self.handlers.insert(at, handler);
                true
            }
            Err((reason, handler)) => {
                report_failure(&handler.place, &*handler.slot, &Activity::Beginning, &reason, cx);
                Self::lost(owner, HandlerGone { handler: new_id, manager, why: GoneReason::Failed(reason) }, cx);
                drop_caught(handler);
                false
            }
        }
    }

    /// An owner has lost its handler.
    fn lost(owner: Option<Box<Owner>>, gone: HandlerGone, cx: &mut Cx<Self>) {
        if let Some(owner) = owner {
            let Owner { monitor, told, .. } = *owner;
            cx.demonitor(monitor);
            if let Some(told) = told {
                tell(&told, gone, cx);
            }
        }
    }

    /// A process has ended, and takes the handlers along that are bound to it; each has a monitor of its own.
    pub(super) async fn owner_ended(&mut self, down: Down, cx: &mut Cx<Self>) {
        let bound = self.handlers.places().iter().position(|place| {
            let owner = place.owner.as_ref();
            owner.is_some_and(|owner| owner.monitor == down.reference)
        });
        if let Some(at) = bound {
            self.cx.set_mode(NotifyMode::Async);
            let handler = self.handlers.take(at);
            self.dismiss(handler, TerminateReason::OwnerEnded(down.reason), GoneReason::Normal, cx).await;
        }
    }

    /// Tells a handler that it goes, and then its owner; and nobody else wants it.
    pub(super) async fn dismiss(
        &mut self,
        handler: HandlerEntry<E, I>,
        leaving: TerminateReason,
        gone: GoneReason,
        cx: &mut Cx<Self>,
    ) {
        let parted = self.part(handler, leaving, gone, cx).await;
        drop_caught(parted);
    }

    /// Tells a handler that it goes, and then its owner.
    pub(super) async fn part(
        &mut self,
        mut handler: HandlerEntry<E, I>,
        leaving: TerminateReason,
        gone: GoneReason,
        cx: &mut Cx<Self>,
    ) -> RemovedHandler {
        let terminate = handler.slot.work(Work::Terminate(leaving), &mut self.cx);
        let ended = react(&handler.place.id, terminate, cx).await.map(drop);
        let HandlerEntry { place: Registration { id, owner }, slot } = handler;
        Self::lost(owner, HandlerGone { handler: id, manager: cx.pid(), why: gone }, cx);
        RemovedHandler { handler: slot.into_handler(), ended }
    }
}

/// Answers with what may have a handler in it, which is dropped if nobody waits any more.
fn give<R: Send + 'static>(caller: Caller<R>, answer: R) {
    if caller.is_gone() {
        drop_caught(answer);
    } else {
        caller.reply(answer);
    }
}

/// Watches the process that a handler is bound to.
fn bind<E: Event, I: Event>(owner: OwnerSpec, cx: &mut Cx<ManagerServer<E, I>>) -> Owner {
    let OwnerSpec { pid, process, told } = owner;
    let down = |down| ManagerInfo(InfoKind::OwnerEnded(down));
    let monitor = match &process {
        Some(process) => cx.monitor(process, down),
        None => cx.monitor(&pid, down),
    };
    Owner { pid, monitor, told }
}

/// Tells an owner. One that has ended is not told; one that has no room is a loss worth a report, and so is one whose function
/// makes no message of it.
fn tell<E: Event, I: Event>(told: &genserver::Recipient<HandlerGone>, gone: HandlerGone, cx: &Cx<ManagerServer<E, I>>) {
    let what = gone.clone();
    let send = || told.send(gone).err().filter(CastError::is_full).map(|refused| refused.to_string());
    let why = match catch_unwind(AssertUnwindSafe(send)) {
        Ok(None) => return,
        Ok(Some(refused)) => refused,
        Err(payload) => Reason::caught(payload).to_string(),
    };
    cx.report(Level::Warning, |me| {
        let told = Told::new(me, Level::Warning, "Event manager", "could not tell an owner that its handler has gone");
        Report::Told(told.with("gone", what.to_string()).with("why", why))
    });
}
