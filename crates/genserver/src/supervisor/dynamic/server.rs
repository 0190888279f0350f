//! The server in a dynamic supervisor: its children, its calls, and what it does when a child ends.
//!
//! 1. Each child is stored under its process, or the last one it had. An operation on one child does not look at the others,
//!    unless it is about all of them.
//! 2. A child that ends is forgotten, unless it is to be restarted. Each attempt counts, whether or not it succeeds; one
//!    too many, and the supervisor ends.
//! 3. A child whose restart fails keeps its place, as restarting. The supervisor then sets a timer to try once more,
//!    and the timer goes through its mailbox. So requests that have arrived meanwhile are answered first, and an order to stop
//!    need not wait.
//! 4. At its end it orders all children to stop before it waits for any of them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use futures::future::join_all;

use super::error::{FindChildError, StartChildError, TerminateChildError};
use super::spec::DynamicSupervisorSpec;
use crate::node::dense::{Dense, Keyed};
use crate::report::{Report, Supervised, SupervisorEvent};
use crate::supervisor::{Child, ChildCounts, ChildEntry, ChildSpec, ChildState, Intensity, Restart};
use crate::{
    Caller, Cx, Down, Exit, GenServer, Init, MonitorRef, Never, Next, Outcome, Pid, ProcessRef, Reason, StartError,
};

/// The server that runs in a [`DynamicSupervisor`](super::DynamicSupervisor).
///
/// Use it where a type has to name the server: `Start<Server, DynamicSupervisor>`, `Named<Server>`. Its functions are those of
/// [`DynamicSupervisor`](super::DynamicSupervisor).
///
/// # Examples
///
/// ```
/// use genserver::Start;
/// use genserver::dynamic_supervisor::{DynamicSupervisor, Server};
///
/// /// The supervisor of the rooms, which others find by its name.
/// fn rooms() -> Start<Server, DynamicSupervisor> {
///     DynamicSupervisor::new().start_link().name("supervisor of rooms")
/// }
/// ```
pub struct Server {
    intensity: Intensity,
    max_children: usize,
    /// Rule 1.
    children: Dense<Watched>,
    /// The first monitors of those children that have been restarted: see [`Watched::monitor`].
    first: BTreeMap<Pid, MonitorRef>,
    /// How many children have been started so far.
    started: u64,
}

/// A child, and the monitor that watches it.
struct Watched {
    /// The process of the child, or the last one it had.
    pid: Pid,
    child: Child,
    /// None if it does not run. Monitor numbers increase, so the first monitor of a child shows which was started earlier.
    monitor: Option<MonitorRef>,
}

impl Keyed for Watched {
    type Key = Pid;

    fn key(&self) -> Pid {
        self.pid
    }
}

/// The calls of a dynamic supervisor, which [`DynamicSupervisor`](super::DynamicSupervisor) sends.
pub struct DynamicSupervisorCall(pub(super) Operation);

pub(super) enum Operation {
    StartChild(ChildSpec, Caller<Result<ProcessRef, StartChildError>>),
    TerminateChild(Pid, Caller<Result<(), TerminateChildError>>),
    WhichChildren(Caller<Vec<ChildEntry>>),
    CountChildren(Caller<ChildCounts>),
    Find(Pid, Caller<Result<ChildEntry, FindChildError>>),
}

/// The infos of a dynamic supervisor.
pub struct DynamicSupervisorInfo(Event);

enum Event {
    /// A child has ended.
    Down(Down),
    /// An exit arrived over a link. The parent's exit does not come here, and the children's ends are known from the monitors.
    Exit,
    /// Try again to start the child whose last process was this one.
    TryAgain(Pid),
}

impl GenServer for Server {
    type Args = DynamicSupervisorSpec;
    type Call = DynamicSupervisorCall;
    type Cast = Never;
    type Info = DynamicSupervisorInfo;

    async fn init(spec: DynamicSupervisorSpec, cx: &mut Cx<Self>) -> Init<Self> {
        cx.trap_exits(|_: Exit| DynamicSupervisorInfo(Event::Exit));
        match spec.intensity() {
            Ok(intensity) => Init::Run(Self {
                intensity,
                max_children: spec.max_children,
                children: Dense::default(),
                first: BTreeMap::new(),
                started: 0,
            }),
            Err(error) => Init::Stop(error.into()),
        }
    }

    async fn handle_call(
        &mut self,
        DynamicSupervisorCall(ask): DynamicSupervisorCall,
        cx: &mut Cx<Self>,
    ) -> Outcome<Self> {
        match ask {
            Operation::StartChild(spec, caller) => {
                let started = self.start_child(spec, cx).await;
                Next::reply(caller, started)
            }
            Operation::TerminateChild(pid, caller) => {
                let terminated = self.terminate_child(pid, cx).await;
                Next::reply(caller, terminated)
            }
            Operation::WhichChildren(caller) => Next::reply(caller, self.entries()),
            Operation::CountChildren(caller) => Next::reply(caller, self.count()),
            Operation::Find(pid, caller) => {
                let found = self.children.get(pid).map(Watched::entry);
                Next::reply(caller, found.ok_or(FindChildError::NotFound { pid }))
            }
        }
    }

    async fn handle_info(
        &mut self,
        DynamicSupervisorInfo(told): DynamicSupervisorInfo,
        cx: &mut Cx<Self>,
    ) -> Outcome<Self> {
        match told {
            Event::Down(down) => match self.take_if(down.pid, |watched| watched.monitor == Some(down.reference)) {
                Some(watched) => self.ended(down, watched, cx).await,
                None => Next::wait(),
            },
            Event::TryAgain(pid) => {
                match self.take_if(pid, |watched| watched.child.state() == &ChildState::Restarting) {
                    Some(watched) => self.restart(pid, watched, cx).await,
                    None => Next::wait(),
                }
            }
            Event::Exit => Next::wait(),
        }
    }

    /// Ends the children, all at once (rule 4).
    async fn terminate(&mut self, _reason: &Reason, cx: &mut Cx<Self>) {
        let mut children: Vec<Watched> = self.children.drain().collect();
        // The first poll of each orders it to stop, and starts its time limit.
        let ends = join_all(children.iter_mut().map(Watched::shut_down)).await;
        for (watched, (pid, unexpected)) in children.iter().zip(ends) {
            watched.report_shutdown(pid, unexpected, cx);
        }
    }

    fn format_status(&self, shown: &mut crate::sys::Shown) {
        shown.set_state(self);
    }

    fn format_message(message: crate::sys::Message<'_, Self>) -> Option<String> {
        Some(format!("{message:?}"))
    }
}

/// The calls.
impl Server {
    async fn start_child(&mut self, spec: ChildSpec, cx: &mut Cx<Self>) -> Result<ProcessRef, StartChildError> {
        let id = spec.id().to_owned();
        if spec.info().significant {
            return Err(StartChildError::Significant { id });
        }
        if self.children.len() >= self.max_children {
            return Err(StartChildError::MaxChildren { id, max: self.max_children });
        }
        let mut child = Child::new(spec);
        match child.start().await {
            Ok(process) => {
                // The children of a dynamic supervisor are mostly alike.
                if let Some(other) = self.children.last() {
                    child.share_info(&other.child);
                }
                self.started += 1;
                let watched = Watched { pid: process.pid(), child, monitor: None };
                self.watch(&process, watched, SupervisorEvent::ProgressOnRequest, cx);
                Ok(process)
            }
            Err(StartError::Ignored { .. }) => Err(StartChildError::Ignored { id }),
            Err(StartError::AlreadyStarted { pid, .. }) => Err(StartChildError::AlreadyStarted { id, pid }),
            Err(error) => Err(StartChildError::Failed { id, error }),
        }
    }

    async fn terminate_child(&mut self, pid: Pid, cx: &mut Cx<Self>) -> Result<(), TerminateChildError> {
        let Some(mut watched) = self.children.remove(pid) else { return Err(TerminateChildError::NotFound { pid }) };
        self.first.remove(&pid);
        if let Some(monitor) = watched.monitor.take() {
            cx.demonitor(monitor);
        }
        let (pid, unexpected) = watched.shut_down().await;
        watched.report_shutdown(pid, unexpected, cx);
        Ok(())
    }

    fn entries(&self) -> Vec<ChildEntry> {
        let mut children: Vec<&Watched> = self.children.iter().collect();
        children.sort_by_key(|watched| self.first.get(&watched.pid).copied().or(watched.monitor));
        children.into_iter().map(Watched::entry).collect()
    }

    fn count(&self) -> ChildCounts {
        ChildCounts::of(self.children.iter().map(|watched| &watched.child))
    }
}

/// What it does when a child ends.
impl Server {
    /// Removes a child, if it exists and is as expected.
    fn take_if(&mut self, pid: Pid, expected: impl FnOnce(&Watched) -> bool) -> Option<Watched> {
        if self.children.get(pid).is_some_and(expected) { self.children.remove(pid) } else { None }
    }

    /// Adds a running child and monitors it.
    fn watch(&mut self, process: &ProcessRef, mut watched: Watched, event: SupervisorEvent, cx: &mut Cx<Self>) {
        watched.pid = process.pid();
        watched.monitor = Some(cx.monitor(process, |down| DynamicSupervisorInfo(Event::Down(down))));
        watched.report(event, Some(process.pid()), None, cx);
        self.children.insert(watched);
    }

    /// A child has ended by itself.
    async fn ended(&mut self, down: Down, mut watched: Watched, cx: &mut Cx<Self>) -> Outcome<Self> {
        let reason = watched.child.reason_of_end(down.reason).await;
        let restart = watched.child.info().restart;
        if restart == Restart::Permanent || !reason.is_normal_set() {
            watched.report(SupervisorEvent::ChildTerminated, Some(down.pid), Some(reason.clone()), cx);
        }
        if restart.is_due(&reason) {
            watched.child.restarting();
            return self.restart(down.pid, watched, cx).await;
        }
        self.first.remove(&down.pid);
        Next::wait()
    }

    /// Tries to restart the child whose last process was `pid`.
    async fn restart(&mut self, pid: Pid, mut watched: Watched, cx: &mut Cx<Self>) -> Outcome<Self> {
        if !self.intensity.allows(cx.now()) {
            let reason = Reason::term("reached_max_restart_intensity");
            watched.report(SupervisorEvent::Shutdown, Some(pid), Some(reason), cx);
            return Next::stop(Reason::Shutdown);
        }
        let first = self.first.remove(&pid).or(watched.monitor);
        match watched.child.start().await {
            Ok(process) => {
                self.first.extend(first.map(|first| (process.pid(), first)));
                self.watch(&process, watched, SupervisorEvent::Progress, cx);
            }
            // The child chose not to run, so it is forgotten.
            Err(StartError::Ignored { .. }) => {}
            Err(error) => {
                watched.report(SupervisorEvent::StartError, None, Some(error.into()), cx);
                watched.child.restarting();
                watched.monitor = None;
                self.first.extend(first.map(|first| (pid, first)));
                self.children.insert(watched);
                try_again(pid, cx);
            }
        }
        Next::wait()
    }
}

/// Sets a timer to try again later (rule 3), so that every other task has a turn before. A
/// message to itself would keep the other tasks of the thread waiting as long as the child does not start, and a full
/// mailbox would refuse it.
fn try_again(pid: Pid, cx: &mut Cx<Server>) {
    cx.send_after(Duration::ZERO, DynamicSupervisorInfo(Event::TryAgain(pid)));
}

impl Watched {
    fn entry(&self) -> ChildEntry {
        ChildEntry { info: self.child.info().clone(), state: self.child.state().clone() }
    }

    /// Ends the child: returns its process, and the reason if that was unexpected.
    async fn shut_down(&mut self) -> (Option<Pid>, Option<Reason>) {
        let pid = self.child.process().map(ProcessRef::pid);
        (pid, self.child.shut_down().await)
    }

    fn report_shutdown(&self, pid: Option<Pid>, unexpected: Option<Reason>, cx: &Cx<Server>) {
        if unexpected.is_some() {
            self.report(SupervisorEvent::ShutdownError, pid, unexpected, cx);
        }
    }

    fn report(&self, event: SupervisorEvent, pid: Option<Pid>, reason: Option<Reason>, cx: &Cx<Server>) {
        cx.report(event.level(), |me| {
            Report::Supervised(Supervised::new(me, event, self.child.info().offender(pid), reason))
        });
    }
}

/// Prints the number of children: there may be very many.
#[expect(clippy::missing_fields_in_debug, reason = "`first` only says in which order the children are listed")]
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("children", &self.children.len())
            .field("started", &self.started)
            .field("max_children", &self.max_children)
            .field("intensity", &self.intensity)
            .finish()
    }
}

impl fmt::Debug for DynamicSupervisorCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Operation::StartChild(spec, _) => write!(f, "start_child({})", spec.id()),
            Operation::TerminateChild(pid, _) => write!(f, "terminate_child({pid})"),
            Operation::WhichChildren(_) => f.write_str("which_children"),
            Operation::CountChildren(_) => f.write_str("count_children"),
            Operation::Find(pid, _) => write!(f, "child_entry({pid})"),
        }
    }
}

impl fmt::Debug for DynamicSupervisorInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Event::Down(down) => down.fmt(f),
            Event::Exit => f.write_str("an exit"),
            Event::TryAgain(pid) => write!(f, "try again to start what was {pid}"),
        }
    }
}
