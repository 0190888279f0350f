//! Adding, removing, swapping and calling handlers.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use genserver::report::{CustomReport, Level, Report};
use genserver::{Caller, CastError, Cx, Down, Reason};

use super::meter::Meter;
use super::request::{
    AddFailure, AddRequest, HandlerCall, OtherCall, OwnerSpec, RemoveFailure, RemovedHandler, SwapRequest,
};
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
                // The caller has taken it back, and knows why.
                let Some(handler) = handler.take() else { return };
                let added = self.add(handler, owner, cx).await;
                give(caller, added.map_err(|why| (self.subject.clone(), why)));
            }
            OtherCall::Remove(id, arg, caller) => {
                let removed = self.remove(&id, arg, cx).await;
                give(caller, removed.map_err(|why| (self.subject.clone(), why)));
            }
            OtherCall::Swap(swap) => self.swap(swap, cx).await,
            OtherCall::Call(id, question, unanswered) => self.call(id, question, unanswered, cx).await,
            OtherCall::Which(caller) => caller.reply(self.which_handlers()),
            OtherCall::Subscribe(terms, clone, caller) => caller.reply(self.subscriptions.add(terms, clone)),
            OtherCall::Attach(stream, caller) => {
                let made = cx.attach(stream, |event| ManagerInfo(InfoKind::Attached(event)));
                caller.reply(made);
            }
            OtherCall::Detach(attached, caller) => caller.reply(cx.detach(attached)),
        }
    }

    /// Calls one handler.
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
            // If the handler kept the caller, it may answer later; if it dropped the caller, no answer can come.
            None => unanswered.fail_if_dropped(CallHandlerError::NoReply { manager, handler }),
        }
    }

    /// Adds a handler after the others, if its init succeeds.
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
        // Monitors only now, so that a handler that was not added leaves no monitor behind.
        handler.place.owner = owner.map(|owner| Box::new(bind(owner, cx)));
        let its = self.cx.of_handler(handler.place.id.clone());
        self.handlers.insert(self.handlers.len(), handler, its);
        Ok(())
    }

    /// Runs a handler's init.
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

    async fn remove(
        &mut self,
        id: &HandlerId,
        arg: TerminateArg,
        cx: &mut Cx<Self>,
    ) -> Result<Box<dyn Any + Send>, RemoveFailure> {
        let at = self.handlers.position(id).ok_or(RemoveFailure::NotFound)?;
        let handler = self.handlers.take(at);
        let removed = self.part(handler, TerminateReason::Removed(arg), GoneReason::Normal, cx).await;
        match removed.ended {
            Ok(()) => Ok(removed.handler),
            Err(reason) => Err(RemoveFailure::Terminate(reason, removed.handler)),
        }
    }

    /// The old handler goes, even if the new one cannot be added.
    async fn swap(&mut self, swap: SwapRequest<E, I>, cx: &mut Cx<Self>) {
        let SwapRequest { old, arg, new, make, owner, caller } = swap;
        // Taken before any handler terminates: the caller may have taken it back.
        let Some(make) = make.take() else { return };
        let left = match self.handlers.position(&old) {
            None => Err(OldHandlerError::NotFound { handler: old }),
            Some(at) => {
                let handler = self.handlers.take(at);
                let gone = GoneReason::Swapped { by: new, owner: owner.as_ref().map(|owner| owner.pid) };
                match self.part(handler, TerminateReason::Swapped(arg), gone, cx).await {
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
        give(caller, swapped.map_err(|why| (self.subject.clone(), why)));
    }

    /// Swaps the handler at `at` for the successor it has named, which keeps its position and its owner. Returns whether
    /// the successor was added.
    ///
    /// The owner is told about both handlers: that the first was swapped, and, if the second fails in its init, that it
    /// failed.
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
                let its = self.cx.of_handler(handler.place.id.clone());
                self.handlers.insert(at, handler, its);
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

    /// Ends the monitor of an owner, and tells it.
    fn lost(owner: Option<Box<Owner>>, gone: HandlerGone, cx: &mut Cx<Self>) {
        if let Some(owner) = owner {
            let Owner { monitor, told, .. } = *owner;
            cx.demonitor(monitor);
            if let Some(told) = told {
                tell(&told, gone, cx);
            }
        }
    }

    /// Removes the handler that is bound to a process that has ended. Each handler has its own monitor.
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

    /// Terminates a handler, tells its owner, and drops it.
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

    /// Terminates a handler, tells its owner, and returns it.
    pub(super) async fn part(
        &mut self,
        mut handler: HandlerEntry<E, I>,
        leaving: TerminateReason,
        gone: GoneReason,
        cx: &mut Cx<Self>,
    ) -> RemovedHandler {
        Meter::left::<E>(&leaving);
        let terminate = handler.slot.work(Work::Terminate(leaving), &mut self.cx);
        let ended = react(&handler.place.id, terminate, cx).await.map(drop);
        let HandlerEntry { place: Registration { id, owner }, slot } = handler;
        Self::lost(owner, HandlerGone { handler: id, manager: cx.pid(), why: gone }, cx);
        RemovedHandler { handler: slot.into_handler(), ended }
    }
}

/// Replies with a value that may contain a handler, or drops the value if the caller no longer waits.
fn give<R: Send + 'static>(caller: Caller<R>, answer: R) {
    if caller.is_gone() {
        drop_caught(answer);
    } else {
        caller.reply(answer);
    }
}

/// Monitors the process that a handler is bound to.
fn bind<E: Event, I: Event>(owner: OwnerSpec, cx: &mut Cx<ManagerServer<E, I>>) -> Owner {
    let OwnerSpec { pid, process, told } = owner;
    let down = |down| ManagerInfo(InfoKind::OwnerEnded(down));
    let monitor = match &process {
        Some(process) => cx.monitor(process, down),
        None => cx.monitor(&pid, down),
    };
    Owner { pid, monitor, told }
}

/// Tells an owner, unless it has ended. A full mailbox loses the message, which is reported, and so is a panic in the
/// function that makes the message.
fn tell<E: Event, I: Event>(told: &genserver::Recipient<HandlerGone>, gone: HandlerGone, cx: &Cx<ManagerServer<E, I>>) {
    let what = gone.clone();
    let send = || told.send(gone).err().filter(CastError::is_full).map(|refused| refused.to_string());
    let why = match catch_unwind(AssertUnwindSafe(send)) {
        Ok(None) => return,
        Ok(Some(refused)) => refused,
        Err(payload) => Reason::caught(payload).to_string(),
    };
    cx.report(Level::Warning, |me| {
        let told =
            CustomReport::new(me, Level::Warning, "Event manager", "could not tell an owner that its handler has gone");
        Report::Custom(told.with("gone", what.to_string()).with("why", why))
    });
}
