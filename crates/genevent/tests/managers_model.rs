//! Random sequences of what can befall a manager and its handlers, against a model of it that is short enough to be read.
//!
//! Half of the handlers await. After every step that waits, what the handlers have seen, what their owners were told, what was
//! answered and what was reported is what the model says, in its order: nothing is lost, nothing is there twice, and nothing
//! happens later. `MANAGER_SEQUENCES=1000000` runs as many sequences; the default is what a push can afford.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test, with its line")]

#[path = "support/puppet.rs"]
#[expect(dead_code, reason = "puppets can do more than is asked of them here")]
mod puppet;

use std::any::type_name;

use genevent::{AddHandlerError, CallHandlerError, HandlerRef, RemoveHandlerError, SwapHandlerError};
use genserver::report::{Level, Report, Reports};
use genserver::{Node, Probe, Reason};
use proptest::prelude::{Just, any, prop_oneof};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};
use puppet::{Act, Ask, Begin, End, Events, Flavour, Heard, Note, Puppet, Told, heard, new_manager, owner, which};

/// The identities, by number. A puppet's name goes with its identity.
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const OWNERS: usize = 2;

/// One step of a sequence. The numbers choose handlers and owners.
#[derive(Clone, Debug)]
enum Step {
    Add(New),
    Remove(usize),
    Swap(usize, New),
    /// Sends an event to all, and waits if the way of sending does.
    Tell(Way, What),
    Ask(usize),
    /// An owner ends, and another begins.
    EndOwner(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Notify,
    Ack,
    Sync,
    Info,
}

#[derive(Clone, Debug)]
enum What {
    Number(u32),
    Leave(usize),
    Fail(usize),
    Panic(usize),
    Swap(usize, New),
}

/// A handler that is to come.
#[derive(Clone, Debug)]
struct New {
    who: usize,
    awaits: bool,
    owner: Option<usize>,
    /// Whether its init fails, or panics.
    begin: Option<bool>,
    end_panics: bool,
    breaks_at: Option<usize>,
}

impl New {
    fn puppet(&self, hears: &Probe<Heard>) -> Puppet {
        let begin = match self.begin {
            None => Begin::Run,
            Some(false) => Begin::Fail(Reason::term("cannot")),
            Some(true) => Begin::Panic,
        };
        let end = if self.end_panics { End::Panic } else { End::Quiet };
        let mut puppet = Puppet::new(NAMES[self.who], hears).begin(begin).end(end);
        puppet.breaks_at = self.breaks_at;
        puppet
    }

    fn flavour(&self) -> Flavour {
        if self.awaits { Flavour::Awaiting } else { Flavour::Plain }
    }

    /// Why its init fails, if it does.
    fn refusal(&self) -> Option<String> {
        let name = NAMES[self.who];
        self.begin.map(|panics| if panics { format!("panicked: {name} cannot begin") } else { "cannot".to_owned() })
    }
}

/// What a manager is, as far as anybody can tell.
#[derive(Default)]
struct Model {
    handlers: Vec<Member>,
    lines: Vec<String>,
    told: [Vec<String>; OWNERS],
    failures: usize,
}

struct Member {
    new: New,
    seen: Vec<u32>,
}

impl Model {
    fn at(&self, who: usize) -> Option<usize> {
        self.handlers.iter().position(|member| member.new.who == who)
    }

    fn say(&mut self, who: usize, what: impl AsRef<str>) {
        self.lines.push(format!("{} {}", NAMES[who], what.as_ref()));
    }

    fn tell(&mut self, owner: Option<usize>, who: usize, why: &str) {
        if let Some(owner) = owner {
            self.told[owner].push(format!("Puppet {who} has gone: {why}"));
        }
    }

    /// The handler at `at` goes. What is left of it.
    fn part(&mut self, at: usize, goes: &str, why: &str) -> Member {
        let member = self.handlers.remove(at);
        self.say(member.new.who, format!("goes: {goes}"));
        self.tell(member.new.owner, member.new.who, why);
        member
    }

    fn fail(&mut self, at: usize, why: &str) {
        let why = format!("failed, {why}");
        self.part(at, &why, &why);
        self.failures += 1;
    }

    /// Adds a handler, or says why not.
    fn add(&mut self, new: &New, seen: Vec<u32>) -> String {
        if self.at(new.who).is_some() {
            return "already present".to_owned();
        }
        self.say(new.who, "begins");
        if let Some(why) = new.refusal() {
            return why;
        }
        self.handlers.push(Member { new: new.clone(), seen });
        "ok".to_owned()
    }

    /// What the handler at `at` does with it. Whether its place is still taken.
    fn turn(&mut self, at: usize, what: &What) -> bool {
        let who = self.handlers[at].new.who;
        let name = NAMES[who];
        match what {
            What::Number(number) => {
                self.say(who, format!("sees {number}"));
                let Member { seen, new } = &mut self.handlers[at];
                seen.push(*number);
                if new.breaks_at == Some(seen.len()) {
                    self.fail(at, &format!("panicked: {name} has seen enough"));
                    return false;
                }
            }
            What::Leave(target) if *target == who => {
                self.part(at, "left", "normal");
                return false;
            }
            What::Fail(target) if *target == who => {
                self.fail(at, "oops");
                return false;
            }
            What::Panic(target) if *target == who => {
                self.fail(at, &format!("panicked: {name} has had enough"));
                return false;
            }
            What::Swap(target, heir) if *target == who => return self.succeed(at, heir),
            _ => self.say(who, "sees an act"),
        }
        true
    }

    fn succeed(&mut self, at: usize, heir: &New) -> bool {
        if self.at(heir.who).is_some_and(|taken| taken != at) {
            let why = format!("it was to be swapped for Puppet {}, which the manager has already", heir.who);
            self.fail(at, &why);
            return false;
        }
        let owner = self.handlers[at].new.owner;
        self.part(at, "swapped", &format!("swapped by Puppet {}, owned", heir.who));
        self.say(heir.who, "begins");
        if let Some(why) = heir.refusal() {
            self.tell(owner, heir.who, &format!("failed, {why}"));
            self.failures += 1;
            return false;
        }
        self.handlers.insert(at, Member { new: New { owner, ..heir.clone() }, seen: Vec::new() });
        true
    }

    /// Takes the step; what is answered.
    fn step(&mut self, step: &Step) -> String {
        match step {
            Step::Add(new) => self.add(new, Vec::new()),
            Step::Remove(who) => match self.at(*who) {
                None => "not found".to_owned(),
                Some(at) => {
                    let Member { new, seen } = self.part(at, "removed", "normal");
                    if new.end_panics { format!("panicked, {seen:?}") } else { format!("{seen:?}") }
                }
            },
            Step::Swap(old, new) => {
                let seen = match self.at(*old) {
                    None => Vec::new(),
                    Some(at) => {
                        let owned = if new.owner.is_some() { ", owned" } else { "" };
                        let left = self.part(at, "swapped", &format!("swapped by Puppet {}{owned}", new.who));
                        if left.new.end_panics { Vec::new() } else { left.seen }
                    }
                };
                self.add(new, seen)
            }
            Step::Tell(_, what) => {
                let mut at = 0;
                while at < self.handlers.len() {
                    at += usize::from(self.turn(at, what));
                }
                "ok".to_owned()
            }
            Step::Ask(who) => match self.at(*who) {
                None => "not found".to_owned(),
                Some(at) => format!("{:?}", self.handlers[at].seen),
            },
            Step::EndOwner(owner) => {
                while let Some(at) = self.handlers.iter().position(|member| member.new.owner == Some(*owner)) {
                    self.part(at, "its owner ended, normal", "normal");
                }
                // An owner that has ended is not told.
                self.told[*owner].clear();
                "ok".to_owned()
            }
        }
    }
}

/// The real one, and who listens to it.
struct Real {
    manager: Events,
    hears: Probe<Heard>,
    owners: [Probe<Heard>; OWNERS],
    reports: Reports,
    node: Node,
}

impl Real {
    async fn start() -> Self {
        let (start, hears, node) = new_manager();
        let (reports, owners) = (node.reports(), [Probe::on(&node), Probe::on(&node)]);
        Self { manager: start.await.unwrap(), hears, owners, reports, node }
    }

    fn told(&self, what: &What) -> Told {
        match what {
            What::Number(number) => Told::Number(*number),
            What::Leave(who) => Told::Do(NAMES[*who], Act::Leave),
            What::Fail(who) => Told::Do(NAMES[*who], Act::Fail(Reason::term("oops"))),
            What::Panic(who) => Told::Do(NAMES[*who], Act::Panic),
            What::Swap(who, heir) => {
                let id = u64::try_from(heir.who).unwrap();
                let puppet = Box::new(heir.puppet(&self.hears));
                let heir =
                    if heir.awaits { puppet::Heir::AwaitingAs(puppet, id) } else { puppet::Heir::As(puppet, id) };
                Told::Do(NAMES[*who], Act::Swap(heir))
            }
        }
    }

    async fn add(&self, new: &New) -> String {
        let add = new.flavour().add(&self.manager, new.puppet(&self.hears)).id(new.who as u64);
        let add = if let Some(mine) = new.owner { add.owned_by(owner(&self.owners[mine])) } else { add };
        match add.await {
            Ok(_) => "ok".to_owned(),
            Err(AddHandlerError::AlreadyPresent { .. }) => "already present".to_owned(),
            Err(AddHandlerError::Init { reason, .. }) => reason.to_string(),
            Err(other) => other.to_string(),
        }
    }

    async fn swap(&self, old: usize, new: &New) -> String {
        let heir = new.puppet(&self.hears);
        let old = HandlerRef::<Puppet>::with_id(old as u64);
        let make = |left: Result<Puppet, _>| heir.having_seen(left.map_or(Vec::new(), |old| old.seen.clone()));
        let swap = new.flavour().swap(&self.manager, &old, make).id(new.who as u64);
        let swap = if let Some(mine) = new.owner { swap.owned_by(owner(&self.owners[mine])) } else { swap };
        match swap.await {
            Ok(_) => "ok".to_owned(),
            Err(SwapHandlerError::AlreadyPresent { .. }) => "already present".to_owned(),
            Err(SwapHandlerError::Init { reason, .. }) => reason.to_string(),
            Err(other) => other.to_string(),
        }
    }

    /// Takes the step; what is answered, and whether it was waited for.
    async fn step(&mut self, step: &Step) -> (String, bool) {
        let handler = |who: &usize| HandlerRef::<Puppet>::with_id(*who as u64);
        let answer = match step {
            Step::Add(new) => self.add(new).await,
            Step::Swap(old, new) => self.swap(*old, new).await,
            Step::Remove(who) => match self.manager.remove_handler(&handler(who)).await {
                Ok(puppet) => format!("{:?}", puppet.seen),
                Err(RemoveHandlerError::NotFound { .. }) => "not found".to_owned(),
                Err(RemoveHandlerError::Terminate { returned, .. }) => {
                    format!("panicked, {:?}", returned.into_inner().seen)
                }
                Err(other) => other.to_string(),
            },
            Step::Ask(who) => match self.manager.call(&handler(who), Ask::Seen).await {
                Ok(seen) => format!("{seen:?}"),
                Err(CallHandlerError::NotFound { .. }) => "not found".to_owned(),
                Err(other) => other.to_string(),
            },
            Step::Tell(way, what) => {
                let told = self.told(what);
                match way {
                    Way::Notify => self.manager.notify(told).unwrap(),
                    Way::Ack => self.manager.ack_notify(told).await.unwrap(),
                    Way::Sync => self.manager.sync_notify(told).await.unwrap(),
                    Way::Info => self.manager.send(Note::Told(told)).unwrap(),
                }
                return ("ok".to_owned(), *way == Way::Sync);
            }
            Step::EndOwner(who) => {
                which(&self.manager).await;
                self.owners[*who] = Probe::on(&self.node);
                which(&self.manager).await;
                "ok".to_owned()
            }
        };
        (answer, true)
    }

    /// What the model is to agree with.
    fn agrees(&mut self, model: &mut Model) {
        let of = type_name::<Puppet>();
        let lines = |probe: &mut Probe<Heard>| -> Vec<_> {
            heard(probe).into_iter().map(|line| line.replace(of, "Puppet")).collect()
        };
        assert_eq!(lines(&mut self.hears), std::mem::take(&mut model.lines), "what the handlers have seen");
        for (real, expected) in self.owners.iter_mut().zip(&mut model.told) {
            assert_eq!(lines(real), std::mem::take(expected), "what an owner was told");
        }
        let failures = std::iter::from_fn(|| self.reports.try_next());
        let failures = failures.filter(|report| matches!(report, Report::Custom(_)) && report.level() == Level::Error);
        assert_eq!(failures.count(), std::mem::take(&mut model.failures), "the failures that are reported");
    }
}

async fn agree(steps: Vec<Step>) {
    let mut model = Model::default();
    let mut real = Real::start().await;
    for (at, step) in steps.iter().enumerate() {
        if matches!(step, Step::EndOwner(_)) {
            // What is on its way reaches the owner before its end.
            which(&real.manager).await;
            real.agrees(&mut model);
        }
        let expected = model.step(step);
        let (answered, waited) = real.step(step).await;
        assert_eq!(answered, expected, "the answer to step {at}, {step:?}");
        if waited {
            real.agrees(&mut model);
        }
    }
    let handlers: Vec<String> =
        model.handlers.iter().rev().map(|member| format!("Puppet {}", member.new.who)).collect();
    assert_eq!(which(&real.manager).await, handlers);
    real.manager.stop().await.unwrap();
    while let Some(last) = model.handlers.len().checked_sub(1) {
        model.part(last, "stop", "shutdown");
    }
    real.agrees(&mut model);
}

fn new() -> impl Strategy<Value = New> {
    let owner = prop_oneof![1 => Just(None), 2 => (0..OWNERS).prop_map(Some)];
    let begin = prop_oneof![6 => Just(None), 1 => any::<bool>().prop_map(Some)];
    let breaks_at = prop_oneof![2 => Just(None), 1 => (1usize..6).prop_map(Some)];
    let end_panics = prop_oneof![4 => Just(false), 1 => Just(true)];
    (0..NAMES.len(), any::<bool>(), owner, begin, end_panics, breaks_at).prop_map(
        |(who, awaits, owner, begin, end_panics, breaks_at)| New { who, awaits, owner, begin, end_panics, breaks_at },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..NAMES.len();
    let way = prop_oneof![3 => Just(Way::Notify), 1 => Just(Way::Ack), 2 => Just(Way::Sync), 1 => Just(Way::Info)];
    let what = prop_oneof![
        6 => (0u32..100).prop_map(What::Number),
        1 => who.clone().prop_map(What::Leave),
        1 => who.clone().prop_map(What::Fail),
        1 => who.clone().prop_map(What::Panic),
        2 => (who.clone(), new()).prop_map(|(who, heir)| What::Swap(who, heir)),
    ];
    prop_oneof![
        5 => new().prop_map(Step::Add),
        1 => who.clone().prop_map(Step::Remove),
        1 => (who.clone(), new()).prop_map(|(old, new)| Step::Swap(old, new)),
        8 => (way, what).prop_map(|(way, what)| Step::Tell(way, what)),
        1 => who.prop_map(Step::Ask),
        1 => (0..OWNERS).prop_map(Step::EndOwner),
    ]
}

#[test]
fn a_manager_does_what_its_model_does() {
    let sequences = std::env::var("MANAGER_SEQUENCES").ok().and_then(|count| count.parse().ok()).unwrap_or(1000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let config = Config { cases: sequences, failure_persistence: None, ..Config::default() };
    // The panics are those of the handlers: thousands, and each is looked for in what is seen of it.
    std::panic::set_hook(Box::new(|_| {}));
    let ran = TestRunner::new(config).run(&proptest::collection::vec(step(), 1..60), |steps| {
        runtime.block_on(agree(steps));
        Ok(())
    });
    drop(std::panic::take_hook());
    if let Err(failed) = ran {
        panic!("{failed}");
    }
}
