//! What the two kinds of supervisors do differently: how they find, order, restart and end their children.

use std::fmt;

use super::child::Child;
use super::child_spec::{ChildInfo, ChildSpec};
use super::error::StartChildError;
use super::listing::ChildEntry;
use super::server::SupervisorServer;
use super::spec::SpecError;
use crate::report::{Report, Supervised, SupervisorEvent};
use crate::{Cx, MonitorRef, Outcome, Pid, ProcessRef, Reason, StartError};

/// The children of a supervisor: [`StaticChildren`](super::StaticChildren) or
/// [`DynamicChildren`](crate::dynamic_supervisor::DynamicChildren). It is not for types of your own.
///
/// The order of restarts and ends is in here; when a child is restarted, and how often, is the same for both kinds and
/// stands in the server.
#[doc(hidden)]
pub trait Children: fmt::Debug + Send + Sized + 'static {
    /// What a client names a child by: its id, or its process.
    type Id: Clone + fmt::Display + Send + 'static;
    /// What the supervisor's own messages name a child by. No other child ever has the same key.
    type Key: Copy + fmt::Display + Send + 'static;
    /// Orders the children by their first starts, where nothing else does.
    type Number: Copy + Send + 'static;
    /// The calls that only this kind of supervisor takes.
    type Call: fmt::Debug + Send + 'static;

    /// The name of the client type.
    const SUPERVISOR: &'static str;

    /// Checks that the spec of a child is valid here.
    fn check_spec(&self, child: &ChildInfo) -> Result<(), SpecError>;

    /// Checks that there is space for a child, and that it has an id of its own if it needs one.
    fn check_place(&self, child: &ChildInfo) -> Result<(), StartChildError>;

    /// Makes the child with this number, which is larger than those of the others. It has not been started yet.
    fn make_child(spec: ChildSpec, number: u64) -> SupervisedChild<Self>;

    /// Adds a child, after the others.
    fn insert(&mut self, watched: SupervisedChild<Self>);

    /// Keeps a child that chose not to run at its first start, if it can be started later.
    fn insert_ignored(&mut self, watched: SupervisedChild<Self>) {
        drop(watched);
    }

    fn find(&self, id: &Self::Id) -> Option<Self::Key>;

    fn get(&self, key: Self::Key) -> Option<&SupervisedChild<Self>>;

    fn get_mut(&mut self, key: Self::Key) -> Option<&mut SupervisedChild<Self>>;

    /// All children, in any order.
    fn iter(&self) -> impl Iterator<Item = &SupervisedChild<Self>>;

    /// All children, in the order of `which_children`.
    fn entries(&self) -> Vec<ChildEntry>;

    /// A child does not run and is not restarted: removes it, or keeps it as stopped.
    fn forget(&mut self, key: Self::Key);

    /// Returns whether the end of a significant child, which has just been forgotten, ends the supervisor.
    fn is_over(&self) -> bool {
        false
    }

    /// A child that was to be restarted, together with others perhaps, will not be.
    fn call_off_restart(&mut self) {}

    /// Monitors a child's process, so that its `Down` comes with the child's key.
    fn monitor(process: &ProcessRef, number: Self::Number, cx: &mut Cx<SupervisorServer<Self>>) -> MonitorRef;

    /// Starts an ended child again, along with those that its end concerns. Returns the key of the child that did not start.
    fn restart(
        &mut self,
        key: Self::Key,
        cx: &mut Cx<SupervisorServer<Self>>,
    ) -> impl Future<Output = Result<(), Self::Key>> + Send;

    /// Ends all children, and drops them.
    fn shut_down_all(&mut self, cx: &mut Cx<SupervisorServer<Self>>) -> impl Future<Output = ()> + Send;

    fn handle_call(
        server: &mut SupervisorServer<Self>,
        call: Self::Call,
        cx: &mut Cx<SupervisorServer<Self>>,
    ) -> impl Future<Output = Outcome<SupervisorServer<Self>>> + Send;
}

/// A child, and the monitor that watches it.
#[doc(hidden)]
pub struct SupervisedChild<C: Children> {
    pub(super) child: Child,
    /// None if it has never been started, or was ended on request.
    pub(super) monitor: Option<MonitorRef>,
    /// The process of the child, or the last one it had.
    pub(super) pid: Pid,
    pub(super) number: C::Number,
}

impl<C: Children> SupervisedChild<C> {
    pub(super) fn new(child: Child, number: C::Number) -> Self {
        Self { child, monitor: None, pid: Pid::NOBODY, number }
    }

    /// Starts the child, monitors it, and reports that as `event`.
    pub(super) async fn start(
        &mut self,
        event: SupervisorEvent,
        cx: &mut Cx<SupervisorServer<C>>,
    ) -> Result<ProcessRef, StartError> {
        let process = self.child.start().await?;
        self.pid = process.pid();
        self.monitor = Some(C::monitor(&process, self.number, cx));
        self.report(event, None, cx);
        Ok(process)
    }

    /// Starts the child again. A failure is reported, and leaves it as restarting; a child that chose not to run has not failed.
    pub(super) async fn restart(&mut self, cx: &mut Cx<SupervisorServer<C>>) -> Result<ProcessRef, StartError> {
        let started = self.start(SupervisorEvent::Progress, cx).await;
        if let Err(error) = &started
            && !matches!(error, StartError::Ignored { .. })
        {
            self.report(SupervisorEvent::StartError, Some(error.clone().into()), cx);
            self.child.restarting();
        }
        started
    }

    /// Ends the child, and reports an unexpected end.
    pub(super) async fn shut_down(&mut self, cx: &mut Cx<SupervisorServer<C>>) {
        self.demonitor(cx);
        let unexpected = self.child.shut_down().await;
        self.report_shutdown(unexpected, cx);
    }

    /// Ends a child that is about to be restarted: references to it wait.
    pub(super) async fn shut_down_to_restart(&mut self, cx: &mut Cx<SupervisorServer<C>>) {
        self.demonitor(cx);
        let unexpected = self.child.shut_down_to_restart().await;
        self.report_shutdown(unexpected, cx);
    }

    /// Nobody needs the `Down` of an end that was ordered; it would only be in the way of a later one.
    fn demonitor(&mut self, cx: &mut Cx<SupervisorServer<C>>) {
        if let Some(monitor) = self.monitor.take() {
            cx.demonitor(monitor);
        }
    }

    pub(super) fn report_shutdown(&self, unexpected: Option<Reason>, cx: &Cx<SupervisorServer<C>>) {
        if unexpected.is_some() {
            self.report(SupervisorEvent::ShutdownError, unexpected, cx);
        }
    }

    pub(super) fn report(&self, event: SupervisorEvent, reason: Option<Reason>, cx: &Cx<SupervisorServer<C>>) {
        cx.report(event.level(), |me| {
            // A child that did not start has no process; the one before is not what the report is about.
            let pid = (event != SupervisorEvent::StartError).then_some(self.pid);
            Report::Supervised(Supervised::new(me, event, self.child.info().offender(pid), reason))
        });
    }
}

impl<C: Children> fmt::Debug for SupervisedChild<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.child.fmt(f)
    }
}
