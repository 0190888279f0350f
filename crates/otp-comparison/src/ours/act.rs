//! What a process can be told to do: the verbs of a script, on these crates.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use genserver::{Caller, Cx, MonitorRef, Probe, Reason, Request, Requests, Timer, TimerRef};

use super::plain::Mail;
use super::puppet::Puppet;
use super::world::{World, ticks};
use crate::script::{Action, Arg, Program};
use crate::trace::Kind;
use crate::words;

// Links, monitors, exits, names.
mod ties;
// Calls, casts, messages, requests, timers.
mod talk;
// Starting processes, and stopping them.
pub(super) mod lives;
// Looking into servers, and holding them still.
mod inside;
// Supervisors.
mod trees;
// Event managers.
mod managers;

/// A process that does as it is told, whatever kind it is.
#[derive(Debug)]
pub(super) struct Actor {
    pub(super) world: Arc<World>,
    /// What it is called in the trace.
    pub(super) called: String,
    /// The how-manieth of its label it is.
    number: usize,
    /// The supervisor among whose children it begins and ends.
    ward_of: Option<String>,
    /// What it does when something arrives that has no program of its own.
    on: BTreeMap<String, Program>,
    kept: BTreeMap<String, Caller<String>>,
    monitors: BTreeMap<String, MonitorRef>,
    timers: BTreeMap<String, AnyTimer>,
    requests: BTreeMap<String, Request<String>>,
    /// Requests whose answers are taken as they come.
    gathered: Requests<String, String>,
    /// What `sys` shows of it.
    pub(super) state: u32,
}

/// A timer of its own, or one for another process.
#[derive(Debug)]
enum AnyTimer {
    Own(TimerRef),
    Other(Timer),
}

/// The process itself, as its kind offers it.
#[derive(Debug)]
pub(super) enum Me<'a> {
    Server(&'a mut Cx<Puppet>),
    Plain(&'a mut Probe<Mail>),
}

/// How a program ends: what the callback is to return.
#[derive(Debug)]
pub(super) enum Return {
    Wait,
    Idle(u32),
    Hibernate,
    Then(Program),
    Stop(Reason),
    Reply(String),
    ReplyIdle(String, u32),
    ReplyHibernate(String),
    ReplyThen(String, Program),
    StopReply(Reason, String),
    /// Leaves the callback with this reason: `exit/1`.
    Fail(Reason),
    Ignore,
}

/// What to do after an action.
enum Done {
    Next,
    /// These actions first.
    First(Program),
    Return(Return),
}

impl Actor {
    pub(super) fn new(world: Arc<World>, called: String, number: usize, ward_of: Option<String>) -> Self {
        Self {
            world,
            called,
            number,
            ward_of,
            on: BTreeMap::new(),
            kept: BTreeMap::new(),
            monitors: BTreeMap::new(),
            timers: BTreeMap::new(),
            requests: BTreeMap::new(),
            gathered: Requests::new(),
            state: 0,
        }
    }

    /// What it is to do when such a thing happens.
    pub(super) fn on(&self, what: &str) -> Program {
        self.on.get(what).cloned().unwrap_or_default()
    }

    /// Its beginning or end. All children of a supervisor have theirs in one trace, for these come one after the other.
    pub(super) fn log_life(&self, text: &str) {
        match &self.ward_of {
            Some(supervisor) => {
                self.world.log(&format!("{supervisor}.children"), Kind::Fence, format!("{} {text}", self.called));
            }
            None => self.world.log(&self.called, Kind::Fence, text),
        }
    }

    fn log(&self, text: impl Into<String>) {
        self.world.log(&self.called, Kind::Own, text);
    }

    /// Does all that, and says how the callback returns.
    pub(super) async fn run(
        &mut self,
        program: Program,
        me: &mut Me<'_>,
        caller: &mut Option<Caller<String>>,
    ) -> Return {
        let mut rest: VecDeque<Action> = program.iter().cloned().collect();
        while let Some(action) = rest.pop_front() {
            match self.act(&action, me, caller).await {
                Done::Next => {}
                Done::First(program) => program.iter().rev().for_each(|first| rest.push_front(first.clone())),
                Done::Return(returned) => return returned,
            }
        }
        Return::Wait
    }

    async fn act(&mut self, action: &Action, me: &mut Me<'_>, caller: &mut Option<Caller<String>>) -> Done {
        let (verb, args) = (action.verb.as_str(), action.args.as_slice());
        if let Some(returned) = returns(verb, args) {
            return Done::Return(returned);
        }
        if let Some(done) = self.by_itself(verb, args, caller).await {
            return done;
        }
        if self.tie(verb, args, me) {
            return Done::Next;
        }
        let mut done = self.talk(verb, args, me).await;
        if done.is_none() {
            done = self.live(verb, args, me).await;
        }
        if done.is_none() {
            done = self.look_inside(verb, args).await;
        }
        if done.is_none() {
            done = self.tree(verb, args).await;
        }
        if done.is_none() {
            done = self.manage(verb, args, me).await;
        }
        if let Some(done) = done {
            return done;
        }
        self.world.complain(format!("nobody can `{action}`"));
        Done::Next
    }

    /// What concerns nobody else.
    async fn by_itself(&mut self, verb: &str, args: &[Arg], caller: &mut Option<Caller<String>>) -> Option<Done> {
        match (verb, args) {
            ("say", [Arg::Word(word)]) => self.log(format!("said {word}")),
            ("set", [Arg::Number(state)]) => self.state = *state,
            ("on", [Arg::Word(what), Arg::Block(program)]) => drop(self.on.insert(what.clone(), Arc::clone(program))),
            ("only", [Arg::Number(number), Arg::Block(program)]) => {
                let counts = usize::try_from(*number).is_ok_and(|number| number == self.number);
                return Some(if counts { Done::First(Arc::clone(program)) } else { Done::Next });
            }
            ("hold", []) => {
                let door = self.world.door(&self.called);
                // It is opened by the script, or the process ends before.
                let _ = door.await;
                self.log("opened");
            }
            ("sleep", [Arg::Number(count)]) => super::sleep(ticks(*count)).await,
            ("keep", [Arg::Word(key)]) => {
                if let Some(caller) = caller.take() {
                    self.kept.insert(key.clone(), caller);
                }
            }
            ("answer", [Arg::Word(key), Arg::Word(value)]) => {
                if let Some(caller) = self.kept.remove(key) {
                    caller.reply(value.clone());
                }
            }
            ("respond", [Arg::Word(value)]) => {
                if let Some(caller) = caller.take() {
                    caller.reply(value.clone());
                }
            }
            _ => return None,
        }
        Some(Done::Next)
    }
}

/// The verbs with which a callback returns.
fn returns(verb: &str, args: &[Arg]) -> Option<Return> {
    Some(match (verb, args) {
        ("idle", [Arg::Number(count)]) => Return::Idle(*count),
        ("hibernate", []) => Return::Hibernate,
        ("then", [Arg::Block(program)]) => Return::Then(Arc::clone(program)),
        ("stop", [Arg::Word(reason)]) => Return::Stop(words::reason(reason)),
        ("reply", [Arg::Word(value)]) => Return::Reply(value.clone()),
        ("reply_idle", [Arg::Word(value), Arg::Number(count)]) => Return::ReplyIdle(value.clone(), *count),
        ("reply_hibernate", [Arg::Word(value)]) => Return::ReplyHibernate(value.clone()),
        ("reply_then", [Arg::Word(value), Arg::Block(program)]) => {
            Return::ReplyThen(value.clone(), Arc::clone(program))
        }
        ("stop_reply", [Arg::Word(reason), Arg::Word(value)]) => {
            Return::StopReply(words::reason(reason), value.clone())
        }
        ("fail", [Arg::Word(reason)]) => Return::Fail(words::reason(reason)),
        // Not `panic!`, which would tell the whole world.
        ("raise", [Arg::Word(word)]) => std::panic::resume_unwind(Box::new(word.clone())),
        ("ignore", []) => Return::Ignore,
        _ => return None,
    })
}

/// The number after `within`, if there is one.
fn within(args: &[Arg]) -> Option<u32> {
    match option(args, "within")? {
        Arg::Number(count) => Some(*count),
        _ => None,
    }
}

/// What follows this word.
fn option<'a>(args: &'a [Arg], word: &str) -> Option<&'a Arg> {
    let at = args.iter().position(|arg| matches!(arg, Arg::Word(it) if it == word))?;
    args.get(at + 1)
}

/// Whether this word is there.
fn has(args: &[Arg], word: &str) -> bool {
    args.iter().any(|arg| matches!(arg, Arg::Word(it) if it == word))
}

/// A list as a trace has it.
fn all_of(texts: &[String]) -> String {
    if texts.is_empty() { "none".to_owned() } else { texts.join(", ") }
}

/// The last block, which is what a new process does first.
fn block(args: &[Arg]) -> Program {
    let last = args.iter().rev().find_map(|arg| match arg {
        Arg::Block(program) => Some(Arc::clone(program)),
        _ => None,
    });
    last.unwrap_or_default()
}
