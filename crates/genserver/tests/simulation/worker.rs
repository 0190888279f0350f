//! A server for the scenarios: it does what it is asked, and all of its incarnations write one ledger.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use genserver::{Caller, Cx, Down, Exit, GenServer, Init, Next, Outcome, Pid, ProcessRef, Reason, time, yield_now};

/// Lets everything else go on, so many times.
pub(crate) async fn steps(count: u64) {
    for _ in 0..count {
        yield_now().await;
    }
}

/// What has happened, in its order. It outlives the workers.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Vec<Entry>>>);

/// Something that has happened.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Which worker it was: the same for all incarnations.
    pub(crate) id: u64,
    /// Which incarnation.
    pub(crate) pid: Pid,
    pub(crate) at: Instant,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// A supervisor starts it, and what it was started with was dropped. It has no pid yet, and may end before it gets to init.
    Start,
    Over,
    /// Init has begun, and has succeeded.
    Init,
    Up,
    /// A callback handles the message with this number, and is over or cut off.
    Began(u64),
    Left(u64),
    Down(Down),
    Exit(Exit),
    Terminate(Reason),
    /// What init has made was dropped.
    Gone,
}

impl Ledger {
    pub(crate) fn note(&self, id: u64, pid: Pid, what: What) {
        self.0.lock().expect("nobody panics with it").push(Entry { id, pid, at: time::now(), what });
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.0.lock().expect("nobody panics with it").clone()
    }

    /// The first entry of a process that is this one.
    pub(crate) fn find(&self, pid: Pid, what: &What) -> Option<Entry> {
        self.entries().into_iter().find(|entry| entry.pid == pid && entry.what == *what)
    }

    /// The numbers of the messages that a process has begun to handle.
    pub(crate) fn handled(&self, pid: Pid) -> Vec<u64> {
        let own = self.entries().into_iter().filter(|entry| entry.pid == pid);
        own.filter_map(|entry| if let What::Began(number) = entry.what { Some(number) } else { None }).collect()
    }
}

/// Whether a fault of the simulation ends a process with this reason: a kill or a panic.
pub(crate) fn is_fault(reason: &Reason) -> bool {
    *reason == Reason::Killed || reason.to_string().starts_with("panicked: a fault of the simulation")
}

/// Notes two things, the second when it is dropped.
struct Noted {
    ledger: Ledger,
    id: u64,
    pid: Pid,
    last: Option<What>,
}

impl Noted {
    fn begin(ledger: &Ledger, (id, pid): (u64, Pid), first: What, last: What) -> Self {
        ledger.note(id, pid, first);
        Self { ledger: ledger.clone(), id, pid, last: Some(last) }
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        if let Some(last) = self.last.take() {
            self.ledger.note(self.id, self.pid, last);
        }
    }
}

/// How a worker starts.
#[derive(Clone, Default)]
pub(crate) struct Plan {
    pub(crate) id: u64,
    pub(crate) ledger: Ledger,
    pub(crate) traps: bool,
    /// So many steps pass in init, and in each callback that does not return at once.
    pub(crate) steps: u64,
    /// It is dropped with the plan.
    _life: Option<Arc<Noted>>,
}

impl Plan {
    pub(crate) fn new(id: u64, ledger: &Ledger) -> Self {
        Self { id, ledger: ledger.clone(), ..Self::default() }
    }

    /// The plan of one start, which is noted.
    pub(crate) fn begin(&self) -> Self {
        let life = Noted::begin(&self.ledger, (self.id, Pid::NOBODY), What::Start, What::Over);
        Self { _life: Some(Arc::new(life)), ..self.clone() }
    }

    pub(crate) fn traps(self) -> Self {
        Self { traps: true, ..self }
    }

    pub(crate) fn steps(self, steps: u64) -> Self {
        Self { steps, ..self }
    }
}

pub(crate) struct Worker {
    kept: Vec<(u64, Caller<Answer>)>,
    _alive: Noted,
    plan: Plan,
}

/// Who answers, and which request.
pub(crate) type Answer = (Pid, u64);

/// A call. Each has a number.
pub(crate) struct Ask(pub(crate) Kind, pub(crate) u64, pub(crate) Caller<Answer>);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Reply,
    /// Replies after some steps.
    Slow,
    /// Replies after some time.
    Nap,
    /// Replies with the next call.
    Keep,
    Forget,
    /// Is never answered, and not dropped either, as if another task had it.
    Lose,
    /// Replies, and stops with the reason `normal`.
    Stop,
    Fail,
    Panic,
}

impl Kind {
    pub(crate) const ALL: [Self; 9] =
        [Self::Reply, Self::Slow, Self::Nap, Self::Keep, Self::Forget, Self::Lose, Self::Stop, Self::Fail, Self::Panic];
}

pub(crate) const NAP: Duration = Duration::from_millis(50);

/// What a worker fails and panics with.
pub(crate) const FAILED: &str = "failed";

#[derive(Debug)]
pub(crate) enum Info {
    Note(u64),
    /// Monitors a process.
    Watch(ProcessRef),
    Down(Down),
    Exit(Exit),
}

impl Worker {
    fn note(&self, cx: &Cx<Self>, what: What) {
        self.plan.ledger.note(self.plan.id, cx.pid(), what);
    }

    fn begin(&self, cx: &Cx<Self>, number: u64) -> Noted {
        Noted::begin(&self.plan.ledger, (self.plan.id, cx.pid()), What::Began(number), What::Left(number))
    }
}

impl GenServer for Worker {
    type Args = Plan;
    type Call = Ask;
    type Cast = u64;
    type Info = Info;

    async fn init(plan: Plan, cx: &mut Cx<Self>) -> Init<Self> {
        let alive = Noted::begin(&plan.ledger, (plan.id, cx.pid()), What::Init, What::Gone);
        if plan.traps {
            cx.trap_exits(Info::Exit);
        }
        steps(plan.steps).await;
        let worker = Self { plan, kept: Vec::new(), _alive: alive };
        worker.note(cx, What::Up);
        Init::Run(worker)
    }

    async fn handle_call(&mut self, Ask(kind, number, caller): Ask, cx: &mut Cx<Self>) -> Outcome<Self> {
        let _running = self.begin(cx, number);
        for (number, caller) in self.kept.drain(..) {
            caller.reply((cx.pid(), number));
        }
        let answer = (cx.pid(), number);
        match kind {
            Kind::Reply => return Next::reply(caller, answer),
            Kind::Slow => {
                steps(3).await;
                return Next::reply(caller, answer);
            }
            Kind::Nap => {
                time::sleep(NAP).await;
                return Next::reply(caller, answer);
            }
            Kind::Keep => self.kept.push((number, caller)),
            Kind::Forget => drop(caller),
            Kind::Lose => std::mem::forget(caller),
            Kind::Stop => return Next::stop_reply(Reason::Normal, caller, answer),
            Kind::Fail => return Err(Reason::term(FAILED)),
            // Without the hook, which would print it.
            Kind::Panic => std::panic::resume_unwind(Box::new(FAILED)),
        }
        Next::wait()
    }

    async fn handle_cast(&mut self, number: u64, cx: &mut Cx<Self>) -> Outcome<Self> {
        let _running = self.begin(cx, number);
        steps(self.plan.steps).await;
        Next::wait()
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) -> Outcome<Self> {
        match info {
            Info::Note(number) => return self.handle_cast(number, cx).await,
            Info::Watch(process) => drop(cx.monitor(&process, Info::Down)),
            Info::Down(down) => self.note(cx, What::Down(down)),
            Info::Exit(exit) => self.note(cx, What::Exit(exit)),
        }
        Next::wait()
    }

    async fn terminate(&mut self, reason: &Reason, cx: &mut Cx<Self>) {
        self.note(cx, What::Terminate(reason.clone()));
        steps(self.plan.steps).await;
    }
}
