//! Children for supervisors: they end as they are told, and record what happens to them.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use genserver::supervisor::{ChildSpec, ChildState, Supervisor};
use genserver::{Caller, Cx, Exit, GenServer, Init, Next, Outcome, Pid, Probe, ProcessRef, Reason, ServerRef};

/// What happens to the children of one test, in order; and how their next starts go.
#[derive(Clone, Default)]
pub(crate) struct Diary(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    lines: Vec<String>,
    begins: BTreeMap<&'static str, VecDeque<Begin>>,
    /// Whether every end is recorded, even of those that are killed.
    tells_ends: bool,
}

/// How a start goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Begin {
    Run,
    Ignore,
    Stop(Reason),
    Panic,
    /// The function that makes the start panics.
    FactoryPanic,
    /// Runs, after this much time.
    Sleep(Duration),
}

impl Diary {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn write(&self, line: impl Into<String>) {
        self.0.lock().unwrap().lines.push(line.into());
    }

    /// What has been recorded since the last call.
    pub(crate) fn read(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().lines)
    }

    /// Sets how the next starts of the child go. Later ones run.
    pub(crate) fn plan(&self, name: &'static str, begins: impl IntoIterator<Item = Begin>) {
        self.0.lock().unwrap().begins.entry(name).or_default().extend(begins);
    }

    /// Later starts run.
    pub(crate) fn forget_plans(&self) {
        self.0.lock().unwrap().begins.clear();
    }

    /// Records every end from now on, even of those that are killed.
    pub(crate) fn tell_ends(&self) {
        self.0.lock().unwrap().tells_ends = true;
    }

    fn peek(&self, name: &str) -> Begin {
        let pages = self.0.lock().unwrap();
        pages.begins.get(name).and_then(|begins| begins.front().cloned()).unwrap_or(Begin::Run)
    }

    fn begin(&self, name: &str) -> Begin {
        let mut pages = self.0.lock().unwrap();
        pages.begins.get_mut(name).and_then(VecDeque::pop_front).unwrap_or(Begin::Run)
    }

    /// The spec of a child with this name.
    pub(crate) fn ward(&self, name: &'static str) -> ChildSpec<Ward, ServerRef<Ward>> {
        let diary = self.clone();
        ChildSpec::server(name, move || {
            if diary.peek(name) == Begin::FactoryPanic {
                diary.begin(name);
                panic!("no {name} can be made");
            }
            genserver::start_link::<Ward>((name, diary.clone()))
        })
    }
}

/// A child that traps exits and ends as it is told.
pub(crate) struct Ward {
    name: &'static str,
    diary: Diary,
    /// How long it takes to terminate.
    lingers: Duration,
    /// Whether it panics when it terminates.
    breaks: bool,
}

impl Drop for Ward {
    fn drop(&mut self) {
        if self.diary.0.lock().unwrap().tells_ends {
            self.diary.write(format!("gone {}", self.name));
        }
    }
}

pub(crate) struct Ping(pub(crate) Caller<&'static str>);

pub(crate) enum Tell {
    Stop(Reason),
    /// Ends with an error, by `?`.
    Fail,
    Panic,
    /// Takes this long to terminate from now on.
    Linger(Duration),
    /// Panics when it terminates.
    Break,
    Unlink(ProcessRef),
}

impl GenServer for Ward {
    type Args = (&'static str, Diary);
    type Call = Ping;
    type Cast = Tell;
    type Info = Exit;

    async fn init((name, diary): Self::Args, cx: &mut Cx<Self>) -> Init<Self> {
        cx.trap_exits(|exit| exit);
        let ward = Ward { name, diary, lingers: Duration::ZERO, breaks: false };
        match ward.diary.begin(name) {
            Begin::Run | Begin::FactoryPanic => {}
            Begin::Ignore => {
                ward.diary.write(format!("ignore {name}"));
                return Init::Ignore;
            }
            Begin::Stop(reason) => {
                ward.diary.write(format!("fail {name}"));
                return Init::Stop(reason);
            }
            Begin::Panic => {
                ward.diary.write(format!("fail {name}"));
                panic!("{name} cannot begin");
            }
            Begin::Sleep(delay) => sleep(delay).await,
        }
        ward.diary.write(format!("start {name}"));
        Init::Run(ward)
    }

    async fn handle_call(&mut self, Ping(caller): Ping, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, self.name)
    }

    async fn handle_cast(&mut self, tell: Tell, cx: &mut Cx<Self>) -> Outcome<Self> {
        match tell {
            Tell::Stop(reason) => return Next::stop(reason),
            Tell::Fail => drop("a number".parse::<u8>()?),
            Tell::Panic => panic!("{} was told to panic", self.name),
            Tell::Linger(lingers) => self.lingers = lingers,
            Tell::Break => self.breaks = true,
            Tell::Unlink(process) => drop(cx.unlink(&process)),
        }
        Next::wait()
    }

    async fn handle_info(&mut self, exit: Exit, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.diary.write(format!("exit {} {}", self.name, exit.reason));
        Next::wait()
    }

    async fn terminate(&mut self, reason: &Reason, _cx: &mut Cx<Self>) {
        sleep(self.lingers).await;
        self.diary.write(format!("stop {} {reason}", self.name));
        assert!(!self.breaks, "{} breaks when it ends", self.name);
    }
}

/// A child that traps exits and ignores them.
pub(crate) fn deaf(id: &'static str) -> ChildSpec {
    let function = |mut me: Probe<()>| async move {
        me.trap_exits(true);
        std::future::pending::<()>().await;
    };
    ChildSpec::process(id, function).untyped()
}

/// The process of a child that runs.
pub(crate) async fn process(supervisor: &Supervisor, id: &str) -> ProcessRef {
    match supervisor.child_entry(id).await.unwrap().state {
        ChildState::Running(process) => process,
        state => panic!("{id} does not run: {state:?}"),
    }
}

pub(crate) async fn ward(supervisor: &Supervisor, id: &str) -> ServerRef<Ward> {
    process(supervisor, id).await.downcast().unwrap()
}

/// Tells a child to end; returns when its supervisor has been told of its end.
pub(crate) async fn end(supervisor: &Supervisor, id: &str, tell: Tell) -> Reason {
    let ward = ward(supervisor, id).await;
    ward.cast(tell).unwrap();
    ward.ended().await
}

/// Kills a child; returns when its supervisor has been told of its end.
pub(crate) async fn kill(supervisor: &Supervisor, id: &str) {
    let process = process(supervisor, id).await;
    process.kill();
    process.ended().await;
}

/// The children in the order of their start, and the pids of those that run.
pub(crate) async fn pids(supervisor: &Supervisor) -> Vec<(String, Option<Pid>)> {
    let children = supervisor.which_children().await.unwrap().into_iter().rev();
    children.map(|child| (child.info.id.to_string(), child.state.process().map(ProcessRef::pid))).collect()
}

/// The children in the order of their start, with their states.
pub(crate) async fn states(supervisor: &Supervisor) -> Vec<String> {
    let children = supervisor.which_children().await.unwrap().into_iter().rev();
    children
        .map(|child| {
            let state = match child.state {
                ChildState::Running(_) => "runs",
                ChildState::Restarting => "restarts",
                ChildState::Stopped => "stopped",
            };
            format!("{} {state}", child.info.id)
        })
        .collect()
}

/// Lets the supervisor try again until none of its children is restarting.
pub(crate) async fn settled(supervisor: &Supervisor) -> Vec<String> {
    loop {
        let states = states(supervisor).await;
        if !states.iter().any(|state| state.ends_with("restarts")) {
            return states;
        }
        sleep(ms(1)).await;
    }
}

/// Sleeps in virtual time.
#[expect(clippy::disallowed_methods, reason = "a test's time is the runtime's own")]
pub(crate) async fn sleep(delay: Duration) {
    tokio::time::sleep(delay).await;
}

/// The current time, paused or not.
#[expect(clippy::disallowed_methods, reason = "a test's time is the runtime's own")]
pub(crate) fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// The milliseconds of a test.
pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
