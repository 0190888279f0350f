//! The server in a dynamic supervisor: its children, what it is asked, and what it does when one ends.
//!
//! 1. Each child stands under the process that it is, or was last. Nothing that is done for one looks at the others, except where
//!    all are asked for.
//! 2. A child that ends is forgotten, unless it is to be started again. Each attempt to do so counts, whether or not it succeeds;
//!    one too many, and the supervisor ends.
//! 3. A child that does not start again keeps its place, as restarting, and the supervisor sets itself a timer to try once more,
//!    which goes through its mailbox. So whoever has asked it something meanwhile has the answer first, and who wants it to stop
//!    need not wait.
//! 4. At its end all children are told to stop before any is waited for.

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
/// It is named where a start or a reference has to say what runs: `Start<Server, DynamicSupervisor>`, `Named<Server>`. All that
/// can be asked of it is asked through the [`DynamicSupervisor`](super::DynamicSupervisor).
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
    /// The first monitors of those children that are not what they were first: see [`Watched::monitor`].
    first: BTreeMap<Pid, MonitorRef>,
    /// How many have been started since the beginning.
    started: u64,
}

/// A child, and the monitor that tells of its end.
struct Watched {
    /// The process that it is, or was last.
    pid: Pid,
    child: Child,
    /// None if it does not run. Monitors are numbered as they are set, so the first one of a child tells which was started before.
    monitor: Option<MonitorRef>,
}

impl Keyed for Watched {
    type Key = Pid;

    fn key(&self) -> Pid {
        self.pid
    }
}

/// What a dynamic supervisor can be asked; what its [`DynamicSupervisor`](super::DynamicSupervisor) sends it.
pub struct Request(pub(super) Ask);

pub(super) enum Ask {
    StartChild(ChildSpec, Caller<Result<ProcessRef, StartChildError>>),
    TerminateChild(Pid, Caller<Result<(), TerminateChildError>>),
    WhichChildren(Caller<Vec<ChildEntry>>),
    CountChildren(Caller<ChildCounts>),
    Find(Pid, Caller<Result<ChildEntry, FindChildError>>),
}

/// What a dynamic supervisor is told of.
pub struct News(Told);

enum Told {
    /// A child has ended.
    Down(Down),
    /// A link brought an exit. That of the parent does not come here, and it is the monitors that tell of the children.
    Exit,
    /// It is time to try again to start the child that was this process last.
    TryAgain(Pid),
}

impl GenServer for Server {
    type Args = DynamicSupervisorSpec;
    type Call = Request;
    type Cast = Never;
    type Info = News;

    async fn init(spec: DynamicSupervisorSpec, cx: &mut Cx<Self>) -> Init<Self> {
        cx.trap_exits(|_: Exit| News(Told::Exit));
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

    async fn handle_call(&mut self, Request(ask): Request, cx: &mut Cx<Self>) -> Outcome<Self> {
        match ask {
            Ask::StartChild(spec, caller) => {
                let started = self.start_child(spec, cx).await;
                Next::reply(caller, started)
            }
            Ask::TerminateChild(pid, caller) => {
                let terminated = self.terminate_child(pid, cx).await;
                Next::reply(caller, terminated)
            }
            Ask::WhichChildren(caller) => Next::reply(caller, self.entries()),
            Ask::CountChildren(caller) => Next::reply(caller, self.count()),
            Ask::Find(pid, caller) => {
                let found = self.children.get(pid).map(Watched::entry);
                Next::reply(caller, found.ok_or(FindChildError::NotFound { pid }))
            }
        }
    }

    async fn handle_info(&mut self, News(told): News, cx: &mut Cx<Self>) -> Outcome<Self> {
        match told {
            Told::Down(down) => match self.take_if(down.pid, |watched| watched.monitor == Some(down.reference)) {
                Some(watched) => self.ended(down, watched, cx).await,
                None => Next::wait(),
            },
            Told::TryAgain(pid) => {
                match self.take_if(pid, |watched| watched.child.state() == &ChildState::Restarting) {
                    Some(watched) => self.restart(pid, watched, cx).await,
                    None => Next::wait(),
                }
            }
            Told::Exit => Next::wait(),
        }
    }

    /// Ends the children, all at once (rule 4).
    async fn terminate(&mut self, _reason: &Reason, cx: &mut Cx<Self>) {
        let mut children: Vec<Watched> = self.children.drain().collect();
        // Told to stop by the first poll of each, and given its own time from then on.
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

/// What is asked of it.
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
    /// Takes a child out, if it is there and as expected.
    fn take_if(&mut self, pid: Pid, expected: impl FnOnce(&Watched) -> bool) -> Option<Watched> {
        if self.children.get(pid).is_some_and(expected) { self.children.remove(pid) } else { None }
    }

    /// A child that runs takes its place, and is watched.
    fn watch(&mut self, process: &ProcessRef, mut watched: Watched, event: SupervisorEvent, cx: &mut Cx<Self>) {
        watched.pid = process.pid();
        watched.monitor = Some(cx.monitor(process, |down| News(Told::Down(down))));
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

    /// Tries to start a child again that was `pid` last.
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
            // It has nothing to do any more.
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

/// Has the supervisor try again when it comes to it (rule 3): by way of the clock, so that everybody else has a turn before. A
/// message to itself would keep every other task of the thread waiting for as long as the child does not start, and a full
/// mailbox would refuse it.
fn try_again(pid: Pid, cx: &mut Cx<Server>) {
    cx.send_after(Duration::ZERO, News(Told::TryAgain(pid)));
}

impl Watched {
    fn entry(&self) -> ChildEntry {
        ChildEntry { info: self.child.info().clone(), state: self.child.state().clone() }
    }

    /// Ends the child: which process it was, and the reason if that was not to be expected.
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

/// The children are counted: there may be very many.
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

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ask::StartChild(spec, _) => write!(f, "start_child({})", spec.id()),
            Ask::TerminateChild(pid, _) => write!(f, "terminate_child({pid})"),
            Ask::WhichChildren(_) => f.write_str("which_children"),
            Ask::CountChildren(_) => f.write_str("count_children"),
            Ask::Find(pid, _) => write!(f, "child_entry({pid})"),
        }
    }
}

impl fmt::Debug for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Told::Down(down) => down.fmt(f),
            Told::Exit => f.write_str("an exit"),
            Told::TryAgain(pid) => write!(f, "try again to start what was {pid}"),
        }
    }
}
