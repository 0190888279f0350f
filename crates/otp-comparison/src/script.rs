//! What a scenario says: steps, each of which tells one process to do something.
//!
//! A script is data, so that two interpreters can run it: [`ours`](crate::ours) on these crates, and the modules in `erlang/` on
//! OTP. Both know the same verbs; what each verb does is in the page of the crate.

use std::fmt;
use std::sync::Arc;

// How a script is read, ...
mod parse;
// ... and how it is written down as an Erlang term.
mod erlang;

pub use erlang::to_erlang;
pub use parse::{ParseError, parse};

/// A scenario: its name, which states a fact, and what happens in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The fact it states.
    pub name: String,
    /// What happens, one after the other. Between two steps everything comes to rest.
    pub steps: Vec<Step>,
}

/// One line of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The process that does it; without one, the runner of the script.
    pub who: Option<String>,
    /// What it does.
    pub program: Program,
}

/// What a process is to do, and how its callback is to return.
pub type Program = Arc<[Action]>;

/// One thing to do: a verb and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What to do.
    pub verb: String,
    /// With what.
    pub args: Vec<Arg>,
}

/// An argument of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// A label, a reason, a value: `boom`, `shutdown(idle)`, `@name`.
    Word(String),
    /// Ticks of the clock, or a count.
    Number(u32),
    /// What somebody else is to do.
    Block(Program),
}

impl Script {
    /// Whether it was drawn, and so nobody has thought about what races in it.
    pub fn is_drawn(&self) -> bool {
        self.name.strip_prefix("script ").is_some_and(|seed| seed.parse::<u64>().is_ok())
    }

    /// Whether something in it is due after some ticks, so that no time may pass but what it lets pass.
    pub fn counts_ticks(&self) -> bool {
        let words = ["wait", "sleep", "timer", "idle", "reply_idle", "within", "hibernate_after"];
        self.to_string().split([' ', '[', ';', '\n']).any(|word| words.contains(&word))
    }

    /// Whether it lets whole seconds pass.
    pub fn takes_seconds(&self) -> bool {
        self.steps.iter().any(|step| step.program.iter().any(|action| action.verb == "seconds"))
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "== {}", self.name)?;
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(who) = &self.who {
            write!(f, "{who}: ")?;
        }
        write_program(f, &self.program)
    }
}

fn write_program(f: &mut fmt::Formatter<'_>, program: &[Action]) -> fmt::Result {
    program.iter().enumerate().try_for_each(|(at, action)| {
        f.write_str(if at == 0 { "" } else { "; " })?;
        write!(f, "{action}")
    })
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.verb)?;
        self.args.iter().try_for_each(|arg| write!(f, " {arg}"))
    }
}

impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Number(number) => write!(f, "{number}"),
            Self::Block(program) => {
                f.write_str("[")?;
                write_program(f, program)?;
                f.write_str("]")
            }
        }
    }
}
