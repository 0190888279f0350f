//! The server in a supervisor: its children, its calls and its infos.

use std::fmt;

use super::child::{Child, ChildState};
use super::child_spec::ChildSpec;
use super::children::{Children, Watched};
use super::error::{DeleteChildError, RestartChildError, StartChildError, TerminateChildError};
use super::handle::{ChildCounts, ChildEntry, FoundChild};
use super::policy::{AutoShutdown, Restart, Strategy};
use super::spec::{FailedToStartChild, SupervisorSpec, check_child};
use super::{Intensity, restart};
use crate::report::SupervisorEvent;
use crate::{Caller, Cx, Down, Exit, GenServer, Init, Never, Next, Outcome, ProcessRef, Reason, StartError};

/// The server that runs in a [`Supervisor`](super::Supervisor).
///
/// Use it where a type has to name the server: `Start<Server, Supervisor>`, `Named<Server>`. Its functions are those of
/// [`Supervisor`](super::Supervisor).
///
/// # Examples
///
/// ```
/// use genserver::Start;
/// use genserver::supervisor::{Server, Supervisor};
///
/// /// Starts a library's part of its user's supervision tree.
/// fn start_link() -> Start<Server, Supervisor> {
///     Supervisor::one_for_one().start_link().name("the tree of a library")
/// }
/// ```
pub struct Server {
    pub(super) strategy: Strategy,
    pub(super) auto_shutdown: AutoShutdown,
    pub(super) intensity: Intensity,
    pub(super) children: Children,
}

/// The arguments of a supervisor's start.
pub struct Args(Make);

type Make = Box<dyn FnOnce() -> Option<SupervisorSpec> + Send>;

impl Args {
    pub(super) fn spec(spec: SupervisorSpec) -> Self {
        Self(Box::new(|| Some(spec)))
    }

    pub(super) fn made_by(make: impl FnOnce() -> Option<SupervisorSpec> + Send + 'static) -> Self {
        Self(Box::new(make))
    }
}

/// The calls of a supervisor, which [`Supervisor`](super::Supervisor) sends.
pub struct SupervisorCall(pub(super) Operation);

pub(super) enum Operation {
    StartChild(ChildSpec, Caller<Result<ProcessRef, StartChildError>>),
    TerminateChild(String, Caller<Result<(), TerminateChildError>>),
    RestartChild(String, Caller<Result<ProcessRef, RestartChildError>>),
    DeleteChild(String, Caller<Result<(), DeleteChildError>>),
    WhichChildren(Caller<Vec<ChildEntry>>),
    CountChildren(Caller<ChildCounts>),
    Find(String, Caller<Option<FoundChild>>),
}

/// The infos of a supervisor.
pub struct SupervisorInfo(pub(super) Event);

pub(super) enum Event {
    /// The child with this number has ended.
    Down(u64, Down),
    /// An exit arrived over a link. The parent's exit does not come here, and no other matters: the monitors tell of
    /// the children's ends, and a child can neither remove nor forge them.
    Exit,
    /// Try again to start the child that could not be started.
    TryAgain(String),
}

impl GenServer for Server {
    type Args = Args;
    type Call = SupervisorCall;
    type Cast = Never;
    type Info = SupervisorInfo;

    async fn init(Args(make): Args, cx: &mut Cx<Self>) -> Init<Self> {
        cx.trap_exits(|_: Exit| SupervisorInfo(Event::Exit));
        let Some(spec) = make() else { return Init::Ignore };
        if let Err(error) = spec.check() {
            return Init::Stop(error.into());
        }
        let mut server = Self {
            strategy: spec.strategy,
            auto_shutdown: spec.auto_shutdown,
            intensity: Intensity::new(spec.max_restarts, spec.within),
            children: Children::default(),
        };
        for spec in spec.children {
            if let Err(failed) = server.start_at_boot(Child::new(spec), cx).await {
                server.terminate(&Reason::Shutdown, cx).await;
                return Init::Stop(Reason::shutdown_with(failed));
            }
        }
        // A supervisor is idle most of the time.
        Init::RunHibernate(server)
    }

    async fn handle_call(&mut self, SupervisorCall(ask): SupervisorCall, cx: &mut Cx<Self>) -> Outcome<Self> {
        match ask {
            Operation::StartChild(spec, caller) => {
                let started = self.start_child(spec, cx).await;
                Next::reply(caller, started)
            }
            Operation::TerminateChild(id, caller) => {
                let terminated = self.terminate_child(id, cx).await;
                Next::reply(caller, terminated)
            }
            Operation::RestartChild(id, caller) => {
                let restarted = self.restart_child(id, cx).await;
                Next::reply(caller, restarted)
            }
            Operation::DeleteChild(id, caller) => {
                let deleted = self.delete_child(id);
                Next::reply(caller, deleted)
            }
            Operation::WhichChildren(caller) => {
                Next::reply(caller, self.children.iter().rev().map(Watched::entry).collect())
            }
            Operation::CountChildren(caller) => Next::reply(caller, self.count()),
            Operation::Find(id, caller) => {
                let found = self.children.find(&id).map(|number| FoundChild::new(&mut self.children[number].child));
                Next::reply(caller, found)
            }
        }
    }

    async fn handle_info(&mut self, SupervisorInfo(told): SupervisorInfo, cx: &mut Cx<Self>) -> Outcome<Self> {
        match told {
            Event::Down(number, down) => {
                if self.children.get(number).is_some_and(|watched| watched.monitor == Some(down.reference)) {
                    restart::child_ended(self, number, down.reason, cx).await
                } else {
                    Next::wait()
                }
            }
            Event::TryAgain(id) => match self.children.find(&id) {
                Some(number) if self.children[number].child.state() == &ChildState::Restarting => {
                    restart::restart(self, number, cx).await
                }
                _ => Next::wait(),
            },
            Event::Exit => Next::wait(),
        }
    }

    /// Ends the children, the last first.
    async fn terminate(&mut self, _reason: &Reason, cx: &mut Cx<Self>) {
        while let Some(mut watched) = self.children.pop() {
            watched.shut_down(cx).await;
        }
    }

    fn format_status(&self, shown: &mut crate::sys::Shown) {
        shown.set_state(self);
    }

    fn format_message(message: crate::sys::Message<'_, Self>) -> Option<String> {
        Some(format!("{message:?}"))
    }
}

impl Server {
    async fn start_at_boot(&mut self, child: Child, cx: &mut Cx<Self>) -> Result<(), FailedToStartChild> {
        let mut watched = self.children.next(child);
        match watched.start(SupervisorEvent::Progress, cx).await {
            Ok(_) => self.children.push(watched),
            Err(StartError::Ignored { .. }) => self.keep_ignored(watched),
            Err(error) => {
                watched.report(SupervisorEvent::StartError, Some(error.clone().into()), cx);
                return Err(FailedToStartChild { id: watched.child.info().id.to_string(), error });
            }
        }
        Ok(())
    }

    /// Keeps a child that chose not to run, so that it can be started later, unless it is temporary.
    fn keep_ignored(&mut self, mut watched: Watched) {
        if watched.child.info().restart != Restart::Temporary {
            watched.child.stopped();
            self.children.push(watched);
        }
    }

    async fn start_child(&mut self, spec: ChildSpec, cx: &mut Cx<Self>) -> Result<ProcessRef, StartChildError> {
        check_child(spec.info(), self.auto_shutdown)?;
        let id = spec.id().to_owned();
        if let Some(number) = self.children.find(&id) {
            return Err(match self.children[number].child.process() {
                Some(process) => StartChildError::AlreadyStarted { id, pid: process.pid() },
                None => StartChildError::AlreadyPresent { id },
            });
        }
        let mut watched = self.children.next(Child::new(spec));
        match watched.start(SupervisorEvent::ProgressOnRequest, cx).await {
            Ok(process) => {
                self.children.push(watched);
                Ok(process)
            }
            Err(StartError::Ignored { .. }) => {
                self.keep_ignored(watched);
                Err(StartChildError::Ignored { id })
            }
            Err(StartError::AlreadyStarted { pid, .. }) => Err(StartChildError::AlreadyStarted { id, pid }),
            Err(error) => Err(StartChildError::Failed { id, error }),
        }
    }

    async fn terminate_child(&mut self, id: String, cx: &mut Cx<Self>) -> Result<(), TerminateChildError> {
        let Some(number) = self.children.find(&id) else { return Err(TerminateChildError::NotFound { id }) };
        let was_restarting = self.children[number].child.state() == &ChildState::Restarting;
        self.children[number].shut_down(cx).await;
        self.forget(number);
        if was_restarting {
            // The children that were to be started along with it will not be started.
            for watched in self.children.iter_mut() {
                if watched.child.state() == &ChildState::Stopped {
                    watched.child.stopped();
                }
            }
        }
        Ok(())
    }

    /// The child no longer runs, and is not restarted.
    pub(super) fn forget(&mut self, number: u64) {
        let watched = &mut self.children[number];
        if watched.child.info().restart == Restart::Temporary {
            self.children.remove(number);
        } else {
            watched.monitor = None;
            watched.child.stopped();
        }
    }

    async fn restart_child(&mut self, id: String, cx: &mut Cx<Self>) -> Result<ProcessRef, RestartChildError> {
        let Some(number) = self.children.find(&id) else { return Err(RestartChildError::NotFound { id }) };
        let watched = &mut self.children[number];
        match watched.child.state() {
            ChildState::Running(process) => Err(RestartChildError::Running { id, pid: process.pid() }),
            ChildState::Restarting => Err(RestartChildError::Restarting { id }),
            ChildState::Stopped => match watched.start(SupervisorEvent::ProgressOnRequest, cx).await {
                Err(StartError::Ignored { .. }) => Err(RestartChildError::Ignored { id }),
                started => started.map_err(|error| RestartChildError::Failed { id, error }),
            },
        }
    }

    fn delete_child(&mut self, id: String) -> Result<(), DeleteChildError> {
        let Some(number) = self.children.find(&id) else { return Err(DeleteChildError::NotFound { id }) };
        match self.children[number].child.state() {
            ChildState::Running(process) => Err(DeleteChildError::Running { id, pid: process.pid() }),
            ChildState::Restarting => Err(DeleteChildError::Restarting { id }),
            ChildState::Stopped => {
                self.children.remove(number);
                Ok(())
            }
        }
    }

    fn count(&self) -> ChildCounts {
        ChildCounts::of(self.children.iter().map(|watched| &watched.child))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let children: Vec<&Child> = self.children.iter().map(|watched| &watched.child).collect();
        f.debug_struct("Server")
            .field("strategy", &self.strategy)
            .field("auto_shutdown", &self.auto_shutdown)
            .field("intensity", &self.intensity)
            .field("children", &children)
            .finish()
    }
}

impl fmt::Debug for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Args").finish_non_exhaustive()
    }
}

impl fmt::Debug for SupervisorCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Operation::StartChild(spec, _) => write!(f, "start_child({})", spec.id()),
            Operation::TerminateChild(id, _) => write!(f, "terminate_child({id})"),
            Operation::RestartChild(id, _) => write!(f, "restart_child({id})"),
            Operation::DeleteChild(id, _) => write!(f, "delete_child({id})"),
            Operation::WhichChildren(_) => f.write_str("which_children"),
            Operation::CountChildren(_) => f.write_str("count_children"),
            Operation::Find(id, _) => write!(f, "child({id})"),
        }
    }
}

impl fmt::Debug for SupervisorInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Event::Down(_, down) => down.fmt(f),
            Event::Exit => f.write_str("an exit"),
            Event::TryAgain(id) => write!(f, "try again to start {id}"),
        }
    }
}
