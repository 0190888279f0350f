//! Random sequences of events in a static supervisor, compared with a model of it that is short enough to be read.
//!
//! `SUPERVISOR_SEQUENCES=1000000` runs that many; the default is what a push can afford.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::wards::{Begin, Diary, Tell, end, kill, sleep};
use genserver::Reason;
use genserver::supervisor::{ChildEntry, ChildState, Restart, Strategy, Supervisor, SupervisorSpec};
use proptest::prelude::{Just, prop_oneof};
use proptest::strategy::Strategy as Drawn;
use proptest::test_runner::{Config, TestRunner};

/// Not a whole number of seconds, so that the little time that the steps themselves take never decides.
const WITHIN: Duration = Duration::from_millis(5500);
const IDS: [&str; 4] = ["a", "b", "c", "d"];

/// One step of a sequence. The numbers choose a child.
#[derive(Clone, Debug)]
enum Step {
    Die(usize, Death),
    /// How the next starts of a child go.
    Plan(usize, Vec<Begin>),
    Wait(u64),
    Start(usize, Restart),
    Terminate(usize),
    RestartChild(usize),
    Delete(usize),
}

#[derive(Clone, Copy, Debug)]
enum Death {
    Normal,
    Shutdown,
    Error,
    Kill,
}

/// A supervisor, as far as its children can observe it.
struct Model {
    strategy: Strategy,
    max_restarts: usize,
    children: Vec<Kid>,
    plans: BTreeMap<&'static str, VecDeque<Begin>>,
    restarts: Vec<u64>,
    now: u64,
    alive: bool,
    diary: Vec<String>,
}

struct Kid {
    id: &'static str,
    restart: Restart,
    runs: bool,
}

impl Model {
    fn at(&self, id: &str) -> Option<usize> {
        self.children.iter().position(|kid| kid.id == id)
    }

    fn runs(&self, id: &str) -> bool {
        self.at(id).is_some_and(|at| self.children[at].runs)
    }

    /// Starts the child at this index; false if its start fails.
    fn begin(&mut self, at: usize) -> bool {
        let id = self.children[at].id;
        let begin = self.plans.get_mut(id).and_then(VecDeque::pop_front).unwrap_or(Begin::Run);
        let (line, runs, succeeds) = match begin {
            Begin::Ignore => ("ignore", false, true),
            Begin::Stop(_) => ("fail", false, false),
            _ => ("start", true, true),
        };
        self.diary.push(format!("{line} {id}"));
        self.children[at].runs = runs;
        succeeds
    }

    /// Ends the children from this index on, the last first.
    fn end_from(&mut self, first: usize) {
        for kid in self.children[first..].iter_mut().rev().filter(|kid| kid.runs) {
            kid.runs = false;
            self.diary.push(format!("stop {} shutdown", kid.id));
        }
    }

    /// A child has ended by itself.
    fn died(&mut self, id: &str, abnormal: bool) {
        let Some(at) = self.at(id) else { return };
        self.children[at].runs = false;
        match self.children[at].restart {
            Restart::Permanent => self.restart(at),
            Restart::Transient if abnormal => self.restart(at),
            Restart::Transient => {}
            Restart::Temporary => drop(self.children.remove(at)),
        }
    }

    /// Restarts by the strategy, repeatedly, until it succeeds or has been tried too often.
    fn restart(&mut self, mut at: usize) {
        loop {
            let window = WITHIN.as_secs();
            self.restarts.push(self.now);
            self.restarts.retain(|then| self.now - then <= window);
            if self.restarts.len() > self.max_restarts {
                self.end_from(0);
                self.alive = false;
                return;
            }
            let first = match self.strategy {
                Strategy::OneForOne => {
                    if self.begin(at) {
                        return;
                    }
                    continue;
                }
                Strategy::OneForAll => 0,
                Strategy::RestForOne => at,
            };
            self.end_from(first);
            let mut place = 0;
            self.children.retain(|kid| {
                place += 1;
                place <= first || kid.restart != Restart::Temporary
            });
            match (first..self.children.len()).find(|next| !self.begin(*next)) {
                None => return,
                Some(failed) => at = failed,
            }
        }
    }

    /// Takes the step; returns the supervisor's answer, if it answers.
    fn step(&mut self, step: &Step) -> Option<bool> {
        match step {
            Step::Die(child, death) => {
                let id = IDS[*child];
                if self.runs(id) {
                    match death {
                        Death::Normal => self.diary.push(format!("stop {id} normal")),
                        Death::Shutdown => self.diary.push(format!("stop {id} shutdown")),
                        Death::Error => self.diary.push(format!("stop {id} {}", error())),
                        Death::Kill => {}
                    }
                    self.died(id, matches!(death, Death::Error | Death::Kill));
                }
                None
            }
            Step::Plan(child, begins) => {
                self.plans.entry(IDS[*child]).or_default().extend(begins.iter().cloned());
                None
            }
            Step::Wait(seconds) => {
                self.now += seconds;
                None
            }
            Step::Start(child, restart) => {
                let id = IDS[*child];
                if self.at(id).is_some() {
                    return Some(false);
                }
                self.children.push(Kid { id, restart: *restart, runs: false });
                let at = self.children.len() - 1;
                let started = self.begin(at);
                // A child that ignores its start stays as stopped, unless it is temporary.
                let runs = self.children[at].runs;
                if !started || (!runs && *restart == Restart::Temporary) {
                    self.children.pop();
                }
                Some(runs)
            }
            Step::Terminate(child) => {
                let Some(at) = self.at(IDS[*child]) else { return Some(false) };
                if std::mem::take(&mut self.children[at].runs) {
                    self.diary.push(format!("stop {} shutdown", IDS[*child]));
                }
                if self.children[at].restart == Restart::Temporary {
                    self.children.remove(at);
                }
                Some(true)
            }
            Step::RestartChild(child) => match self.at(IDS[*child]) {
                Some(at) if !self.children[at].runs => {
                    self.begin(at);
                    Some(self.children[at].runs)
                }
                _ => Some(false),
            },
            Step::Delete(child) => match self.at(IDS[*child]) {
                Some(at) if !self.children[at].runs => {
                    self.children.remove(at);
                    Some(true)
                }
                _ => Some(false),
            },
        }
    }

    fn states(&self) -> Vec<String> {
        let state = |kid: &Kid| format!("{} {}", kid.id, if kid.runs { "runs" } else { "stopped" });
        self.children.iter().map(state).collect()
    }
}

/// The error of a child that ends with one.
fn error() -> String {
    Reason::from("a number".parse::<u8>().unwrap_err()).to_string()
}

/// Takes the step in the real supervisor.
async fn take(supervisor: &Supervisor, diary: &Diary, step: &Step, runs: bool) -> Option<bool> {
    match step {
        Step::Die(child, death) => {
            if runs {
                match death {
                    Death::Normal => drop(end(supervisor, IDS[*child], Tell::Stop(Reason::Normal)).await),
                    Death::Shutdown => drop(end(supervisor, IDS[*child], Tell::Stop(Reason::Shutdown)).await),
                    Death::Error => drop(end(supervisor, IDS[*child], Tell::Fail).await),
                    Death::Kill => kill(supervisor, IDS[*child]).await,
                }
            }
            None
        }
        Step::Plan(child, begins) => {
            diary.plan(IDS[*child], begins.iter().cloned());
            None
        }
        Step::Wait(seconds) => {
            sleep(Duration::from_secs(*seconds)).await;
            None
        }
        Step::Start(child, restart) => {
            Some(supervisor.start_child(diary.ward(IDS[*child]).restart(*restart)).await.is_ok())
        }
        Step::Terminate(child) => Some(supervisor.terminate_child(IDS[*child]).await.is_ok()),
        Step::RestartChild(child) => Some(supervisor.restart_child(IDS[*child]).await.is_ok()),
        Step::Delete(child) => Some(supervisor.delete_child(IDS[*child]).await.is_ok()),
    }
}

/// Waits until every restart has succeeded, or the supervisor has given up.
async fn settle(supervisor: &Supervisor) -> Option<Vec<String>> {
    loop {
        let Ok(children) = supervisor.which_children().await else {
            supervisor.process_ref().ended().await;
            return None;
        };
        if children.iter().all(|child| !matches!(child.state, ChildState::Restarting)) {
            let state = |child: &ChildEntry| if child.state.process().is_some() { "runs" } else { "stopped" };
            return Some(children.iter().rev().map(|child| format!("{} {}", child.info.id, state(child))).collect());
        }
        sleep(Duration::ZERO).await;
    }
}

async fn agree(strategy: Strategy, max_restarts: u32, kinds: [Restart; 3], steps: Vec<Step>) {
    let diary = Diary::new();
    let wards = IDS.into_iter().zip(kinds).map(|(id, kind)| diary.ward(id).restart(kind));
    let spec = SupervisorSpec::new(strategy).children(wards).max_restarts(max_restarts).within(WITHIN);
    let supervisor = spec.start().await.unwrap();
    diary.read();
    let kids = IDS.into_iter().zip(kinds).map(|(id, restart)| Kid { id, restart, runs: true });
    let mut model = Model {
        strategy,
        max_restarts: max_restarts.try_into().unwrap(),
        children: kids.collect(),
        plans: BTreeMap::new(),
        restarts: Vec::new(),
        now: 0,
        alive: true,
        diary: Vec::new(),
    };
    for (at, step) in steps.iter().enumerate() {
        let runs = matches!(step, Step::Die(child, _) if model.runs(IDS[*child]));
        let expected = model.step(step);
        let answered = take(&supervisor, &diary, step, runs).await;
        let states = settle(&supervisor).await;
        assert_eq!(diary.read(), std::mem::take(&mut model.diary), "what happened in step {at}, {step:?}");
        assert_eq!(states.is_some(), model.alive, "whether it lives after step {at}, {step:?}");
        let Some(states) = states else { return };
        assert_eq!(states, model.states(), "the children after step {at}, {step:?}");
        assert_eq!(answered, expected, "the answer to step {at}, {step:?}");
    }
    supervisor.stop().await.unwrap();
    model.end_from(0);
    assert_eq!(diary.read(), model.diary, "the end");
}

fn restart() -> impl Drawn<Value = Restart> {
    prop_oneof![3 => Just(Restart::Permanent), 2 => Just(Restart::Transient), 1 => Just(Restart::Temporary)]
}

fn step() -> impl Drawn<Value = Step> {
    let child = 0..IDS.len();
    let death = prop_oneof![Just(Death::Normal), Just(Death::Shutdown), Just(Death::Error), Just(Death::Kill)];
    let begin = prop_oneof![
        1 => Just(Begin::Run),
        2 => Just(Begin::Stop(Reason::term("cannot"))),
        1 => Just(Begin::Ignore),
    ];
    prop_oneof![
        8 => (child.clone(), death).prop_map(|(child, death)| Step::Die(child, death)),
        3 => (child.clone(), proptest::collection::vec(begin, 1..4)).prop_map(|(child, begins)| Step::Plan(child, begins)),
        4 => (1u64..7).prop_map(Step::Wait),
        2 => (child.clone(), restart()).prop_map(|(child, restart)| Step::Start(child, restart)),
        2 => child.clone().prop_map(Step::Terminate),
        2 => child.clone().prop_map(Step::RestartChild),
        1 => child.prop_map(Step::Delete),
    ]
}

#[test]
fn a_supervisor_does_what_its_model_does() {
    let sequences = std::env::var("SUPERVISOR_SEQUENCES").ok().and_then(|count| count.parse().ok()).unwrap_or(2000);
    let strategy = prop_oneof![Just(Strategy::OneForOne), Just(Strategy::OneForAll), Just(Strategy::RestForOne)];
    let kinds = [restart(), restart(), restart()];
    let input = (strategy, 0u32..6, kinds, proptest::collection::vec(step(), 1..50));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let config = Config { cases: sequences, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&input, |(strategy, max_restarts, kinds, steps)| {
            runtime.block_on(agree(strategy, max_restarts, kinds, steps));
            Ok(())
        })
        .unwrap();
}
