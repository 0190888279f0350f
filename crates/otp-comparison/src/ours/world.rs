//! What all processes of a run share: who they are, the log of what they see, and the doors at which they wait.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use futures::FutureExt as _;
use futures::channel::oneshot;
use genserver::dynamic_supervisor::DynamicSupervisor;
use genserver::supervisor::Supervisor;
use genserver::{Name, Node, Pid, ProbeRef, ProcessRef, ServerRef};

use super::Way;
use super::events::Events;
use super::plain::Mail;
use super::puppet::Puppet;
use crate::trace::{Event, Kind};
use crate::words;

/// A tick of a script's clock. It is long, because each step takes a moment of it.
pub(super) const TICK: Duration = Duration::from_millis(400);

/// No script has nearly as many. One that has more would never come to rest.
const EVENTS_MAX: usize = 10_000;

/// What all processes of a run share.
#[derive(Debug)]
pub(super) struct World {
    /// The node they live in.
    pub(super) node: Node,
    /// How servers are started.
    pub(super) way: Way,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    step: u32,
    log: Vec<Event>,
    born: Vec<Born>,
    doors: BTreeMap<String, oneshot::Sender<()>>,
    complaint: Option<String>,
}

/// A process, and what it is called in the trace.
#[derive(Debug)]
struct Born {
    /// The label in the script, and which process with this label it is.
    label: String,
    number: usize,
    process: ProcessRef,
    what: What,
    ended: bool,
}

/// What a process is, and how to ask it something.
#[derive(Clone, Debug)]
pub(super) enum What {
    Server(ServerRef<Puppet>),
    Plain(ProbeRef<Mail>),
    Tree(Supervisor),
    Dynamic(DynamicSupervisor),
    Manager(Events),
    /// It is not known yet: a supervisor in its init.
    Unknown,
}

impl What {
    /// A supervisor that another one has started gives itself away by its type.
    fn known(&self, process: &ProcessRef) -> Self {
        match (self, process.downcast::<genserver::supervisor::SupervisorServer>()) {
            (Self::Unknown, Some(server)) => Self::Tree(Supervisor::from(server)),
            _ => self.clone(),
        }
    }
}

impl World {
    pub(super) fn new(way: Way) -> Self {
        Self { node: Node::new(), way, inner: Mutex::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing panics while it holds this lock")
    }

    /// A process has begun. Returns what it is called in the trace, and the how-manieth of its label it is.
    pub(super) fn born(&self, label: &str, process: ProcessRef, what: What) -> (String, usize) {
        let mut inner = self.inner();
        let number = inner.born.iter().filter(|born| born.label == label).count() + 1;
        inner.born.push(Born { label: label.to_owned(), number, process, what, ended: false });
        (called(label, number), number)
    }

    /// It has turned out what the last process of this label is.
    pub(super) fn is(&self, label: &str, what: What) {
        if let Some(born) = self.inner().born.iter_mut().rfind(|born| born.label == label) {
            born.what = what;
        }
    }

    /// What this process is called in the trace.
    pub(super) fn called(&self, pid: Pid) -> String {
        let inner = self.inner();
        let born = inner.born.iter().find(|born| born.process.pid() == pid);
        born.map_or_else(|| "driver".to_owned(), |born| called(&born.label, born.number))
    }

    /// The process that a word of a script means: the last of that label, or the one that has that name.
    pub(super) fn find(&self, word: &str) -> Option<(ProcessRef, What)> {
        let process = match name(word) {
            Some(name) => Some(self.node.whereis(name)?),
            None => None,
        };
        let inner = self.inner();
        let born = match process {
            Some(process) => inner.born.iter().find(|born| born.process == process)?,
            None => inner.born.iter().rfind(|born| born.label == word)?,
        };
        Some((born.process.clone(), born.what.known(&born.process)))
    }

    pub(super) fn log(&self, who: &str, kind: Kind, text: impl Into<String>) {
        let mut inner = self.inner();
        let event = Event { step: inner.step, who: who.to_owned(), kind, text: text.into() };
        inner.log.push(event);
        let runs_away = inner.log.len() > EVENTS_MAX;
        drop(inner);
        if runs_away {
            self.complain(format!("it goes on for ever, at {who}"));
            std::panic::resume_unwind(Box::new("somebody has to stop it".to_owned()));
        }
    }

    /// Where this process waits until the script opens it.
    pub(super) fn door(&self, called: &str) -> oneshot::Receiver<()> {
        let (opened, waits) = oneshot::channel();
        self.inner().doors.insert(called.to_owned(), opened);
        waits
    }

    pub(super) fn open(&self, word: &str) {
        let Some((process, _)) = self.find(word) else { return };
        let called = self.called(process.pid());
        let door = self.inner().doors.remove(&called);
        if let Some(door) = door {
            // The process that waited there may be gone.
            let _ = door.send(());
        }
    }

    /// The step is over: notes who has ended, and begins the next.
    pub(super) fn next_step(&self) {
        let mut inner = self.inner();
        let Inner { step, log, born, .. } = &mut *inner;
        for born in born.iter_mut().filter(|born| !born.ended) {
            let Some(reason) = born.process.ended().now_or_never() else { continue };
            born.ended = true;
            let text = format!("ended {}", words::of_reason(&reason));
            log.push(Event { step: *step, who: called(&born.label, born.number), kind: Kind::Fence, text });
        }
        *step += 1;
    }

    /// All processes that there were.
    pub(super) fn everybody(&self) -> Vec<ProcessRef> {
        self.inner().born.iter().map(|born| born.process.clone()).collect()
    }

    /// Something in the script makes no sense.
    pub(super) fn complain(&self, complaint: String) {
        self.inner().complaint.get_or_insert(complaint);
    }

    /// What was logged, or what makes no sense.
    pub(super) fn finish(&self) -> Result<Vec<Event>, String> {
        let mut inner = self.inner();
        let log = std::mem::take(&mut inner.log);
        inner.complaint.take().map_or(Ok(log), Err)
    }
}

/// The first process of a label is called by it, a later one also by its number.
fn called(label: &str, number: usize) -> String {
    if number == 1 { label.to_owned() } else { format!("{label}#{number}") }
}

/// The name that a word means: `@n` in the node, `%n` everywhere.
pub(super) fn name(word: &str) -> Option<Name> {
    let local = word.strip_prefix('@').map(Name::from);
    local.or_else(|| word.strip_prefix('%').map(Name::global))
}

/// So many ticks, and some: what is due comes in the middle of a tick, never between two.
pub(super) fn ticks(count: u32) -> Duration {
    TICK * count.saturating_sub(1) + TICK / 4
}
