//! How handlers come, and go.

use std::panic::{AssertUnwindSafe, catch_unwind};

use genserver::report::{Level, Report, Told as Reported};
use genserver::{Cx, Down, Reason};

use super::request::{Add, Change, NewOwner, NotAdded, Parted, Swap};
use super::turn::work_with;
use super::{Info, ManagerServer, Told};
use crate::Event;
use crate::context::Mode;
use crate::error::{CallHandlerError, NothingLeft};
use crate::id::HandlerId;
use crate::leaving::{Gone, HandlerGone, Leaving, Words};
use crate::slot::{Owner, Slot, Work};

impl<E: Event, I: Event> ManagerServer<E, I> {
    pub(super) async fn change(&mut self, change: Change<E, I>, cx: &mut Cx<Self>) {
        self.cx.set_mode(Mode::Async);
        match change {
            Change::Add(Add { slot, owner, caller }) => {
                let added = self.add(slot, owner, cx).await;
                caller.reply(added);
            }
            Change::Remove(id, words, caller) => {
                let removed = self.remove(&id, words, cx).await;
                caller.reply(removed);
            }
            Change::Swap(swap) => self.swap(swap, cx).await,
            Change::Call(id, call, unanswered) => {
                let Some(at) = self.position(&id) else {
                    unanswered.fail(CallHandlerError::NotFound { manager: self.subject.clone(), handler: id });
                    return;
                };
                let mut work = Work::Call(call);
                let turn = self.work_at(at, &mut work, cx).await;
                let failed = turn.as_ref().err().cloned();
                self.settle(at, turn, &mut Work::None, cx).await;
                // A client that the handler has kept may be answered later; one that it has dropped will not be.
                let manager = self.subject.clone();
                match failed {
                    Some(reason) => unanswered.fail(CallHandlerError::Failed { manager, handler: id, reason }),
                    None => unanswered.fail_if_dropped(CallHandlerError::NoReply { manager, handler: id }),
                }
            }
            Change::Which(caller) => caller.reply(self.which_handlers()),
            Change::Subscribe(tap, caller) => {
                let id = self.taps.add(tap);
                caller.reply(id);
            }
            Change::Attach(stream, caller) => {
                let made = cx.attach(stream, |event| Info(Told::Attached(event)));
                caller.reply(made);
            }
            Change::Detach(attached, caller) => caller.reply(cx.detach(attached)),
        }
    }

    /// Adds a handler behind the others, if its init agrees.
    async fn add(
        &mut self,
        slot: Box<dyn Slot<E, I>>,
        owner: Option<NewOwner>,
        cx: &mut Cx<Self>,
    ) -> Result<(), NotAdded> {
        if self.position(&slot.place().id).is_some() {
            return Err(NotAdded::AlreadyPresent(slot.into_handler()));
        }
        let mut slot =
            self.begun(slot, cx).await.map_err(|(reason, slot)| NotAdded::Init(reason, slot.into_handler()))?;
        // Only now, so that a handler that was not added leaves no monitor behind.
        bind(&mut *slot, owner, cx);
        self.insert(self.slots.len(), slot);
        Ok(())
    }

    /// A handler whose init has run.
    async fn begun(
        &mut self,
        mut slot: Box<dyn Slot<E, I>>,
        cx: &mut Cx<Self>,
    ) -> Result<Box<dyn Slot<E, I>>, (Reason, Box<dyn Slot<E, I>>)> {
        match work_with(&mut *slot, &mut Work::Init, &mut self.cx, cx).await {
            Ok(_) => Ok(slot),
            Err(reason) => Err((reason, slot)),
        }
    }

    async fn remove(&mut self, id: &HandlerId, words: Words, cx: &mut Cx<Self>) -> Option<Parted> {
        let Some(at) = self.position(id) else {
            self.taps.remove(id);
            return None;
        };
        let slot = self.take(at);
        Some(self.part(slot, Leaving::Removed(words), Gone::Normal, cx).await)
    }

    /// The old one goes, whatever becomes of the new one.
    async fn swap(&mut self, swap: Swap<E, I>, cx: &mut Cx<Self>) {
        let Swap { old, words, new, make, owner, caller } = swap;
        let left = match self.position(&old) {
            None => {
                self.taps.remove(&old);
                Err(NothingLeft::NotFound { handler: old })
            }
            Some(at) => {
                let slot = self.take(at);
                let gone = Gone::Swapped { by: new, owner: owner.as_ref().map(|owner| owner.pid) };
                match self.part(slot, Leaving::Swapped(words), gone, cx).await {
                    Parted { handler, ended: Ok(()) } => Ok(handler),
                    Parted { ended: Err(reason), .. } => Err(NothingLeft::Terminate { handler: old, reason }),
                }
            }
        };
        let swapped = match catch_unwind(AssertUnwindSafe(|| make(left))) {
            Ok(slot) => self.add(slot, owner, cx).await,
            Err(payload) => Err(NotAdded::Make(Reason::caught(payload))),
        };
        caller.reply(swapped);
    }

    /// The handler at `at` has named its successor, which takes its position and its owner. Whether it does.
    pub(super) async fn succeed(&mut self, at: usize, new: Box<dyn Slot<E, I>>, cx: &mut Cx<Self>) -> bool {
        let mut old = self.take(at);
        let owner = old.place_mut().owner.take();
        let by = new.place().id.clone();
        let taken = self.position(&by).is_some();
        let told = owner.as_ref().and_then(|owner| owner.told.clone());
        let pid = owner.as_ref().map(|owner| owner.pid);
        let id = old.place().id.clone();
        self.part(old, Leaving::Swapped(Words::default()), Gone::Normal, cx).await;
        let manager = cx.pid();
        let gone = |why| HandlerGone { handler: id.clone(), manager, why };
        if taken {
            let reason = Reason::term(format!("swapped for {by}, which the manager has already"));
            Self::lost(owner, gone(Gone::Failed(reason)), cx);
            return false;
        }
        match self.begun(new, cx).await {
            Ok(mut slot) => {
                if let Some(told) = told {
                    tell(&told, gone(Gone::Swapped { by, owner: pid }), cx);
                }
                slot.place_mut().owner = owner;
                self.insert(at, slot);
                true
            }
            Err((reason, slot)) => {
                Self::report_failure(&*slot, &Work::None, &reason, cx);
                Self::lost(owner, HandlerGone { handler: by, manager, why: Gone::Failed(reason) }, cx);
                false
            }
        }
    }

    /// An owner has lost its handler.
    fn lost(owner: Option<Box<Owner>>, gone: HandlerGone, cx: &mut Cx<Self>) {
        if let Some(owner) = owner {
            let Owner { monitor, told, .. } = *owner;
            if let Some(monitor) = monitor {
                cx.demonitor(monitor);
            }
            if let Some(told) = told {
                tell(&told, gone, cx);
            }
        }
    }

    /// A process has ended, and takes the handlers along that are bound to it; each has a monitor of its own.
    pub(super) async fn owner_ended(&mut self, down: Down, cx: &mut Cx<Self>) {
        let monitor = Some(down.reference);
        let bound = self.slots.iter().position(|slot| {
            let owner = slot.place().owner.as_ref();
            owner.is_some_and(|owner| owner.monitor == monitor)
        });
        if let Some(at) = bound {
            let slot = self.take(at);
            self.part(slot, Leaving::OwnerEnded(down.reason), Gone::Normal, cx).await;
        }
    }

    pub(super) fn insert(&mut self, at: usize, slot: Box<dyn Slot<E, I>>) {
        self.awaiting += usize::from(slot.awaits());
        self.slots.insert(at, slot);
    }

    /// Takes a handler out of the list.
    pub(super) fn take(&mut self, at: usize) -> Box<dyn Slot<E, I>> {
        let slot = self.slots.remove(at);
        self.awaiting -= usize::from(slot.awaits());
        slot
    }

    /// Tells a handler that it goes, and then its owner.
    pub(super) async fn part(
        &mut self,
        mut slot: Box<dyn Slot<E, I>>,
        leaving: Leaving,
        gone: Gone,
        cx: &mut Cx<Self>,
    ) -> Parted {
        let ended = work_with(&mut *slot, &mut Work::Terminate(leaving), &mut self.cx, cx).await.map(drop);
        let handler = slot.place().id.clone();
        let owner = slot.place_mut().owner.take();
        Self::lost(owner, HandlerGone { handler, manager: cx.pid(), why: gone }, cx);
        Parted { handler: slot.into_handler(), ended }
    }
}

/// Watches the process that a handler is bound to.
fn bind<E: Event, I: Event>(slot: &mut dyn Slot<E, I>, owner: Option<NewOwner>, cx: &mut Cx<ManagerServer<E, I>>) {
    if let Some(NewOwner { pid, process, told }) = owner {
        let down = |down| Info(Told::OwnerEnded(down));
        let monitor = match &process {
            Some(process) => cx.monitor(process, down),
            None => cx.monitor(&pid, down),
        };
        slot.place_mut().owner = Some(Box::new(Owner { pid, monitor: Some(monitor), told }));
    }
}

/// Tells an owner. One that has ended is not told; one that has no room is a loss worth a report.
fn tell<E: Event, I: Event>(told: &genserver::Recipient<HandlerGone>, gone: HandlerGone, cx: &Cx<ManagerServer<E, I>>) {
    if let Err(refused) = told.send(gone)
        && refused.is_full()
    {
        cx.report(Level::Warning, |me| {
            let why = refused.to_string();
            let told =
                Reported::new(me, Level::Warning, "Event manager", "could not tell an owner that its handler has gone");
            Report::Told(told.with("gone", refused.into_inner().to_string()).with("why", why))
        });
    }
}
