//! The children of a supervisor with a strategy: found by their ids, in the order of their first starts.
//!
//! 1. When a child is restarted, the strategy says which others are, too. Those of them that run are ended first, the last
//!    first; a temporary one is forgotten. Then all are started, in order.
//! 2. If one of them does not start, those after it stay as stopped until the next attempt, which is made on its behalf.
//! 3. At the end of the supervisor the children are ended one by one, the last first: a child may need those before it to the
//!    last.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::child::{Child, ChildState};
use super::child_spec::{ChildInfo, ChildSpec};
use super::child_watch::ChildWatch;
use super::children::{Children, SupervisedChild};
use super::error::{DeleteChildError, RestartChildError, StartChildError};
use super::listing::ChildEntry;
use super::policy::{AutoShutdown, Restart, Strategy};
use super::server::{SupervisorInfo, SupervisorServer};
use super::spec::SpecError;
use crate::node::dense::looked;
use crate::report::SupervisorEvent;
use crate::{Caller, Cx, MonitorRef, Next, Outcome, ProcessRef, StartError};

/// The children of a [`Supervisor`](super::Supervisor), with its strategy.
pub struct StaticChildren {
    pub(super) strategy: Strategy,
    pub(super) auto_shutdown: AutoShutdown,
    /// By number, which is the order of the first starts.
    watched: BTreeMap<u64, SupervisedChild<StaticChildren>>,
    numbers: BTreeMap<Arc<str>, u64>,
}

/// The calls that only a supervisor takes whose children have ids.
#[doc(hidden)]
pub struct StaticCall(pub(super) StaticOperation);

pub(super) enum StaticOperation {
    RestartChild(String, Caller<Result<ProcessRef, RestartChildError>>),
    DeleteChild(String, Caller<Result<(), DeleteChildError>>),
    /// Answered with where references look the child up, and the type that runs in it.
    Child(String, Caller<Option<(Arc<ChildWatch>, &'static str)>>),
}

impl StaticChildren {
    pub(super) fn new(strategy: Strategy) -> Self {
        let auto_shutdown = AutoShutdown::default();
        Self { strategy, auto_shutdown, watched: BTreeMap::new(), numbers: BTreeMap::new() }
    }

    fn find_mut(&mut self, id: &str) -> Option<&mut SupervisedChild<Self>> {
        let number = self.numbers.get(id)?;
        self.watched.get_mut(number)
    }

    fn remove(&mut self, number: u64) {
        if let Some(watched) = self.watched.remove(&number) {
            self.numbers.remove(&*watched.child.info().id);
        }
    }

    /// Ends the running children from `first` on, the last first.
    async fn shut_down_from(&mut self, first: u64, cx: &mut Cx<SupervisorServer>) {
        let numbers = self.watched.range(first..).rev().inspect(|_| looked()).map(|(number, _)| *number);
        for number in numbers.collect::<Vec<u64>>() {
            let Some(watched) = self.watched.get_mut(&number) else { continue };
            watched.shut_down_to_restart(cx).await;
            if watched.child.info().restart == Restart::Temporary {
                self.remove(number);
            }
        }
    }

    /// Starts the children in order, up to the first that does not start: returns its number.
    async fn start_range(&mut self, first: u64, last: u64, cx: &mut Cx<SupervisorServer>) -> Result<(), u64> {
        for watched in self.watched.range_mut(first..=last).inspect(|_| looked()).map(|(_, watched)| watched) {
            match watched.restart(cx).await {
                Ok(_) => {}
                Err(StartError::Ignored { .. }) => watched.child.stopped(),
                Err(_) => return Err(watched.number),
            }
        }
        Ok(())
    }

    async fn restart_child(
        &mut self,
        id: String,
        cx: &mut Cx<SupervisorServer>,
    ) -> Result<ProcessRef, RestartChildError> {
        let Some(watched) = self.find_mut(&id) else { return Err(RestartChildError::NotFound { id }) };
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
        let Some(watched) = self.find_mut(&id) else { return Err(DeleteChildError::NotFound { id }) };
        match watched.child.state() {
            ChildState::Running(process) => Err(DeleteChildError::Running { id, pid: process.pid() }),
            ChildState::Restarting => Err(DeleteChildError::Restarting { id }),
            ChildState::Stopped => {
                let number = watched.number;
                self.remove(number);
                Ok(())
            }
        }
    }
}

impl Children for StaticChildren {
    type Id = String;
    type Key = u64;
    type Number = u64;
    type Call = StaticCall;

    const SUPERVISOR: &'static str = "Supervisor";

    fn check_spec(&self, child: &ChildInfo) -> Result<(), SpecError> {
        let id = || child.id.to_string();
        if child.id.is_empty() {
            Err(SpecError::EmptyId { runs: child.runs })
        } else if child.significant && child.restart == Restart::Permanent {
            Err(SpecError::PermanentSignificant { id: id() })
        } else if child.significant && self.auto_shutdown == AutoShutdown::Never {
            Err(SpecError::SignificantWithoutAutoShutdown { id: id() })
        } else {
            Ok(())
        }
    }

    fn check_place(&self, child: &ChildInfo) -> Result<(), StartChildError> {
        let Some(watched) = self.numbers.get(&*child.id).and_then(|number| self.watched.get(number)) else {
            return Ok(());
        };
        let id = child.id.to_string();
        Err(match watched.child.process() {
            Some(process) => StartChildError::AlreadyStarted { id, pid: process.pid() },
            None => StartChildError::AlreadyPresent { id },
        })
    }

    /// The ids say which child is which, so they are labels, too.
    fn make_child(spec: ChildSpec, number: u64) -> SupervisedChild<Self> {
        SupervisedChild::new(Child::labelled(spec), number)
    }

    fn insert(&mut self, watched: SupervisedChild<Self>) {
        self.numbers.insert(watched.child.shared_id(), watched.number);
        self.watched.insert(watched.number, watched);
    }

    fn insert_ignored(&mut self, mut watched: SupervisedChild<Self>) {
        // A temporary child is never started a second time.
        if watched.child.info().restart != Restart::Temporary {
            watched.child.stopped();
            self.insert(watched);
        }
    }

    fn find(&self, id: &String) -> Option<u64> {
        self.numbers.get(id.as_str()).copied()
    }

    fn get(&self, number: u64) -> Option<&SupervisedChild<Self>> {
        self.watched.get(&number)
    }

    fn get_mut(&mut self, number: u64) -> Option<&mut SupervisedChild<Self>> {
        self.watched.get_mut(&number)
    }

    fn iter(&self) -> impl Iterator<Item = &SupervisedChild<Self>> {
        self.watched.values().inspect(|_| looked())
    }

    /// The last first: OTP's order, and the order in which they are ended.
    fn entries(&self) -> Vec<ChildEntry> {
        self.watched.values().rev().inspect(|_| looked()).map(|watched| ChildEntry::of(&watched.child)).collect()
    }

    fn forget(&mut self, number: u64) {
        let Some(watched) = self.watched.get_mut(&number) else { return };
        if watched.child.info().restart == Restart::Temporary {
            self.remove(number);
        } else {
            watched.monitor = None;
            watched.child.stopped();
        }
    }

    fn is_over(&self) -> bool {
        match self.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => true,
            AutoShutdown::AllSignificant => !self.iter().any(|watched| {
                let child = &watched.child;
                child.info().significant && child.state() != &ChildState::Stopped
            }),
        }
    }

    fn call_off_restart(&mut self) {
        // Those that were to be started along with it wait for that (rule 2), and so do the references to them.
        for watched in self.watched.values_mut().inspect(|_| looked()) {
            if watched.child.state() == &ChildState::Stopped {
                watched.child.stopped();
            }
        }
    }

    fn monitor(process: &ProcessRef, number: u64, cx: &mut Cx<SupervisorServer>) -> MonitorRef {
        cx.monitor(process, move |down| SupervisorInfo::down(number, down))
    }

    async fn restart(&mut self, number: u64, cx: &mut Cx<SupervisorServer>) -> Result<(), u64> {
        let (first, last) = match self.strategy {
            Strategy::OneForOne => return self.start_range(number, number, cx).await,
            Strategy::RestForOne => (number, u64::MAX),
            Strategy::OneForAll => (0, u64::MAX),
        };
        self.shut_down_from(first, cx).await;
        self.start_range(first, last, cx).await
    }

    async fn shut_down_all(&mut self, cx: &mut Cx<SupervisorServer>) {
        self.numbers.clear();
        while let Some((_, mut watched)) = self.watched.pop_last() {
            watched.shut_down(cx).await;
        }
    }

    async fn handle_call(
        server: &mut SupervisorServer,
        StaticCall(asked): StaticCall,
        cx: &mut Cx<SupervisorServer>,
    ) -> Outcome<SupervisorServer> {
        let children = &mut server.children;
        match asked {
            StaticOperation::RestartChild(id, caller) => {
                let restarted = children.restart_child(id, cx).await;
                Next::reply(caller, restarted)
            }
            StaticOperation::DeleteChild(id, caller) => Next::reply(caller, children.delete_child(id)),
            StaticOperation::Child(id, caller) => {
                let found = children.find_mut(&id).map(|watched| (watched.child.watch(), watched.child.info().runs));
                Next::reply(caller, found)
            }
        }
    }
}

#[expect(clippy::missing_fields_in_debug, reason = "`numbers` only finds the children by their ids")]
impl fmt::Debug for StaticChildren {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let children: Vec<&SupervisedChild<Self>> = self.watched.values().collect();
        f.debug_struct("StaticChildren")
            .field("strategy", &self.strategy)
            .field("auto_shutdown", &self.auto_shutdown)
            .field("children", &children)
            .finish()
    }
}

impl fmt::Debug for StaticCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            StaticOperation::RestartChild(id, _) => write!(f, "restart_child({id})"),
            StaticOperation::DeleteChild(id, _) => write!(f, "delete_child({id})"),
            StaticOperation::Child(id, _) => write!(f, "child({id})"),
        }
    }
}
