//! The server in every supervisor: its calls, and what it does when a child ends.
//!
//! 1. A child that has ended in a way that its restart policy allows is forgotten, or stays as stopped. If it was
//!    significant, the supervisor may end (see [`AutoShutdown`](super::AutoShutdown)).
//! 2. Any other child is restarted. Each attempt counts, whether or not it succeeds; one too many, and the supervisor ends.
//! 3. Which others are restarted along with it, and in which order, is up to the [`Children`].
//! 4. A child that does not start is marked as restarting, and the supervisor sets a timer to try again, which goes through
//!    its mailbox. So requests that have arrived meanwhile are answered before the next attempt, and an order to stop need
//!    not wait until the supervisor gives up.
//! 5. The next attempt is made on behalf of the child that did not start.

use std::fmt;
use std::time::Duration;

use super::Intensity;
use super::child::ChildState;
use super::child_spec::ChildSpec;
use super::children::{Children, SupervisedChild};
use super::error::StartChildError;
use super::listing::{ChildCounts, ChildEntry};
use super::policy::Restart;
use super::spec::{FailedToStartChild, SupervisorSpec};
use super::static_children::StaticChildren;
use crate::report::SupervisorEvent;
use crate::{Caller, Cx, Down, Exit, GenServer, Init, Never, Next, Outcome, ProcessRef, Reason, StartError};

/// The server in a [`Supervisor`](super::Supervisor), for where a type has to name it: `Start<SupervisorServer, Supervisor>`.
pub struct SupervisorServer<C = StaticChildren> {
    pub(super) children: C,
    intensity: Intensity,
    /// The number of the child that was added last.
    added: u64,
}

/// The arguments of a supervisor's start.
#[doc(hidden)]
pub struct SupervisorArgs<C>(MakeSpec<C>);

type MakeSpec<C> = Box<dyn FnOnce() -> Option<SupervisorSpec<C>> + Send>;

impl<C: Children> SupervisorArgs<C> {
    pub(super) fn spec(spec: SupervisorSpec<C>) -> Self {
        Self(Box::new(|| Some(spec)))
    }

    pub(super) fn made_by(make: impl FnOnce() -> Option<SupervisorSpec<C>> + Send + 'static) -> Self {
        Self(Box::new(make))
    }
}

/// The calls of a supervisor, which [`Supervisor`](super::Supervisor) sends.
#[doc(hidden)]
pub struct SupervisorCall<C: Children>(pub(super) SupervisorOperation<C>);

pub(super) enum SupervisorOperation<C: Children> {
    StartChild(ChildSpec, Caller<Result<ProcessRef, StartChildError>>),
    /// Answered with the id if there is no such child.
    TerminateChild(C::Id, Caller<Result<(), C::Id>>),
    ChildEntry(C::Id, Caller<Result<ChildEntry, C::Id>>),
    WhichChildren(Caller<Vec<ChildEntry>>),
    CountChildren(Caller<ChildCounts>),
    KindSpecific(C::Call),
}

/// The infos of a supervisor.
#[doc(hidden)]
pub struct SupervisorInfo<C: Children>(SupervisorNotice<C>);

enum SupervisorNotice<C: Children> {
    /// The child with this key has ended.
    Down(C::Key, Down),
    /// An exit arrived over a link. The parent's exit does not come here, and no other matters: the monitors tell of
    /// the children's ends, and a child can neither remove nor forge them.
    Exit,
    /// Try again to start the child that could not be started.
    TryAgain(C::Key),
}

impl<C: Children> SupervisorInfo<C> {
    pub(super) fn down(key: C::Key, down: Down) -> Self {
        Self(SupervisorNotice::Down(key, down))
    }
}

impl<C: Children> GenServer for SupervisorServer<C> {
    type Args = SupervisorArgs<C>;
    type Call = SupervisorCall<C>;
    type Cast = Never;
    type Info = SupervisorInfo<C>;

    async fn init(SupervisorArgs(make): SupervisorArgs<C>, cx: &mut Cx<Self>) -> Init<Self> {
        cx.trap_exits(|_: Exit| SupervisorInfo(SupervisorNotice::Exit));
        let Some(spec) = make() else { return Init::Ignore };
        // All of the spec is checked before the first child starts.
        if let Err(error) = spec.check() {
            return Init::Stop(error.into());
        }
        let intensity = Intensity::new(spec.max_restarts, spec.within);
        let mut server = Self { children: spec.children, intensity, added: 0 };
        for child in spec.specs {
            if let Err(failed) = server.start_at_boot(child, cx).await {
                server.children.shut_down_all(cx).await;
                return Init::Stop(Reason::shutdown_with(failed));
            }
        }
        // A supervisor is idle most of the time.
        Init::RunHibernate(server)
    }

    async fn handle_call(&mut self, SupervisorCall(asked): SupervisorCall<C>, cx: &mut Cx<Self>) -> Outcome<Self> {
        match asked {
            SupervisorOperation::StartChild(spec, caller) => {
                let started = self.start_child(spec, cx).await;
                Next::reply(caller, started)
            }
            SupervisorOperation::TerminateChild(id, caller) => {
                let terminated = self.terminate_child(id, cx).await;
                Next::reply(caller, terminated)
            }
            SupervisorOperation::ChildEntry(id, caller) => {
                let found = self.children.find(&id).and_then(|key| self.children.get(key));
                Next::reply(caller, found.map(|watched| ChildEntry::of(&watched.child)).ok_or(id))
            }
            SupervisorOperation::WhichChildren(caller) => Next::reply(caller, self.children.entries()),
            SupervisorOperation::CountChildren(caller) => {
                Next::reply(caller, ChildCounts::of(self.children.iter().map(|watched| &watched.child)))
            }
            SupervisorOperation::KindSpecific(call) => C::handle_call(self, call, cx).await,
        }
    }

    async fn handle_info(&mut self, SupervisorInfo(notice): SupervisorInfo<C>, cx: &mut Cx<Self>) -> Outcome<Self> {
        match notice {
            // Another monitor's `Down` is of a process that the child no longer is.
            SupervisorNotice::Down(key, down)
                if self.children.get(key).is_some_and(|watched| watched.monitor == Some(down.reference)) =>
            {
                self.child_ended(key, down.reason, cx).await
            }
            // Meanwhile it may have been terminated or restarted, on request or along with another.
            SupervisorNotice::TryAgain(key)
                if self.children.get(key).is_some_and(|watched| watched.child.state() == &ChildState::Restarting) =>
            {
                self.restart(key, cx).await
            }
            SupervisorNotice::Down(..) | SupervisorNotice::TryAgain(_) | SupervisorNotice::Exit => Next::wait(),
        }
    }

    async fn terminate(&mut self, _reason: &Reason, cx: &mut Cx<Self>) {
        self.children.shut_down_all(cx).await;
    }

    fn format_status(&self, shown: &mut crate::sys::Shown) {
        shown.set_state(self);
    }

    fn format_message(message: crate::sys::Message<'_, Self>) -> Option<String> {
        Some(format!("{message:?}"))
    }
}

const CHILD_EXISTS: &str = "a key is used while its child is there";

/// What it is asked to do.
impl<C: Children> SupervisorServer<C> {
    fn watched(&mut self, key: C::Key) -> &mut SupervisedChild<C> {
        self.children.get_mut(key).expect(CHILD_EXISTS)
    }

    async fn start_at_boot(&mut self, spec: ChildSpec, cx: &mut Cx<Self>) -> Result<(), FailedToStartChild> {
        match self.start_new(spec, SupervisorEvent::Progress, cx).await {
            Err(failed) if !matches!(failed.error, StartError::Ignored { .. }) => Err(failed),
            _started => Ok(()),
        }
    }

    async fn start_child(&mut self, spec: ChildSpec, cx: &mut Cx<Self>) -> Result<ProcessRef, StartChildError> {
        self.children.check_spec(spec.info())?;
        self.children.check_place(spec.info())?;
        let started = self.start_new(spec, SupervisorEvent::ProgressOnRequest, cx).await;
        started.map_err(|FailedToStartChild { id, error }| match error {
            StartError::Ignored { .. } => StartChildError::Ignored { id },
            StartError::AlreadyStarted { pid, .. } => StartChildError::AlreadyStarted { id, pid },
            error => StartChildError::Failed { id, error },
        })
    }

    /// Starts a child that is not among the others yet, and adds it.
    async fn start_new(
        &mut self,
        spec: ChildSpec,
        event: SupervisorEvent,
        cx: &mut Cx<Self>,
    ) -> Result<ProcessRef, FailedToStartChild> {
        let number = self.added + 1;
        let mut watched = C::make_child(spec, number);
        let error = match watched.start(event, cx).await {
            Ok(process) => {
                self.added = number;
                self.children.insert(watched);
                return Ok(process);
            }
            Err(error) => error,
        };
        let id = watched.child.info().id.to_string();
        if matches!(error, StartError::Ignored { .. }) {
            self.added = number;
            self.children.insert_ignored(watched);
        } else if event == SupervisorEvent::Progress {
            // Nobody but the reports learns of it; a requester has the error.
            watched.report(SupervisorEvent::StartError, Some(error.clone().into()), cx);
        }
        Err(FailedToStartChild { id, error })
    }

    /// Returns the id if there is no such child.
    async fn terminate_child(&mut self, id: C::Id, cx: &mut Cx<Self>) -> Result<(), C::Id> {
        let Some(key) = self.children.find(&id) else { return Err(id) };
        let watched = self.watched(key);
        let was_restarting = watched.child.state() == &ChildState::Restarting;
        watched.shut_down(cx).await;
        self.children.forget(key);
        if was_restarting {
            self.children.call_off_restart();
        }
        Ok(())
    }
}

/// What it does when a child ends.
impl<C: Children> SupervisorServer<C> {
    /// The child with this key has ended by itself.
    async fn child_ended(&mut self, key: C::Key, told: Reason, cx: &mut Cx<Self>) -> Outcome<Self> {
        let watched = self.watched(key);
        let reason = watched.child.reason_of_end(told).await;
        let info = watched.child.info();
        let (policy, significant) = (info.restart, info.significant);
        if policy == Restart::Permanent || !reason.is_normal_set() {
            watched.report(SupervisorEvent::ChildTerminated, Some(reason.clone()), cx);
        }
        if policy.is_due(&reason) {
            // References wait from now on, also while others are ended first.
            watched.child.restarting();
            return self.restart(key, cx).await;
        }
        self.children.forget(key);
        if significant && self.children.is_over() { Next::stop(Reason::Shutdown) } else { Next::wait() }
    }

    /// Tries to restart the child with this key, along with the children that its end concerns.
    async fn restart(&mut self, key: C::Key, cx: &mut Cx<Self>) -> Outcome<Self> {
        // However many children are restarted, it is one attempt. It counts before it is made: a start that never
        // succeeds is too much in the end, as crashes are.
        let gives_up = !self.intensity.allows(cx.now());
        cx.note_restart(self.intensity.limit(), gives_up);
        if gives_up {
            let reason = Reason::term("reached_max_restart_intensity");
            self.watched(key).report(SupervisorEvent::Shutdown, Some(reason), cx);
            self.children.forget(key);
            return Next::stop(Reason::Shutdown);
        }
        if let Err(failed) = self.children.restart(key, cx).await {
            // A timer gives every other task a turn before (rule 4): the child may fail to start because a process that is
            // about to end still holds its name. A message to itself would keep the tasks of this thread waiting, and a
            // full mailbox would refuse it.
            cx.send_after(Duration::ZERO, SupervisorInfo(SupervisorNotice::TryAgain(failed)));
        }
        Next::wait()
    }
}

impl<C: Children> fmt::Debug for SupervisorServer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SupervisorServer")
            .field("children", &self.children)
            .field("intensity", &self.intensity)
            .field("added", &self.added)
            .finish()
    }
}

impl<C> fmt::Debug for SupervisorArgs<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SupervisorArgs").finish_non_exhaustive()
    }
}

impl<C: Children> fmt::Debug for SupervisorCall<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            SupervisorOperation::StartChild(spec, _) => write!(f, "start_child({})", spec.id()),
            SupervisorOperation::TerminateChild(id, _) => write!(f, "terminate_child({id})"),
            SupervisorOperation::ChildEntry(id, _) => write!(f, "child_entry({id})"),
            SupervisorOperation::WhichChildren(_) => f.write_str("which_children"),
            SupervisorOperation::CountChildren(_) => f.write_str("count_children"),
            SupervisorOperation::KindSpecific(call) => call.fmt(f),
        }
    }
}

impl<C: Children> fmt::Debug for SupervisorInfo<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            SupervisorNotice::Down(_, down) => down.fmt(f),
            SupervisorNotice::Exit => f.write_str("an exit"),
            SupervisorNotice::TryAgain(key) => write!(f, "try again to start the child {key}"),
        }
    }
}
