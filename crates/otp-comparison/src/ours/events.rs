//! A handler that does as it is told, and writes down what it sees.

use std::sync::Arc;

use genevent::{
    AsyncHandler, GoneReason, Handler, HandlerCaller, HandlerCx, HandlerGone, HandlerId, HandlerRef, Manager,
    OldHandlerError, React, Reaction, TerminateReason,
};
use genserver::{Exit, Reason};

use super::Way;
use super::world::World;
use crate::script::{Arg, Program};
use crate::trace::Kind;
use crate::words;

/// The managers of scripts.
pub(super) type Events = Manager<Happening, Note>;

/// An event: what each handler is to do, as `for h1 [...]; for h2 [...]`.
#[derive(Debug)]
pub(super) struct Happening {
    pub(super) from: String,
    pub(super) program: Program,
}

/// A plain message to a manager.
#[derive(Debug)]
pub(super) enum Note {
    Told(Happening),
    Exit(Exit),
}

/// A handler is asked to do something, and to answer.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) from: String,
    pub(super) program: Program,
    pub(super) client: HandlerCaller<String>,
}

/// A handler that does as it is told.
#[derive(Clone, Debug)]
pub(super) struct Doll {
    world: Arc<World>,
    manager: String,
    id: String,
    init: Program,
    /// What was before it: the start of its trace says so.
    begins: &'static str,
    at_the_end: Program,
}

impl Doll {
    pub(super) fn new(world: &Arc<World>, manager: &str, id: &str, init: &Program) -> Self {
        let (manager, id, init) = (manager.to_owned(), id.to_owned(), Arc::clone(init));
        Self { world: Arc::clone(world), manager, id, init, begins: "init", at_the_end: Program::default() }
    }

    /// The same in the place of another.
    pub(super) fn after(mut self, old: &Result<Self, OldHandlerError>) -> Self {
        self.begins = match old {
            Ok(_) => "init after left",
            Err(OldHandlerError::Terminate { .. }) => "init after crash",
            Err(_) => "init after nothing",
        };
        self
    }

    fn log(&self, kind: Kind, text: impl Into<String>) {
        self.world.log(&format!("{}/{}", self.manager, self.id), kind, text);
    }

    /// Does what the program says, and answers.
    fn obey(&mut self, program: &Program, mut client: Option<HandlerCaller<String>>) -> Reaction<Happening, Note> {
        let mut client = || client.take().expect("only a call is answered");
        for action in program.iter() {
            return match (action.verb.as_str(), action.args.as_slice()) {
                ("say", [Arg::Word(word)]) => {
                    self.log(Kind::Own, format!("said {word}"));
                    continue;
                }
                ("on", [Arg::Word(_), Arg::Block(program)]) => {
                    self.at_the_end = Arc::clone(program);
                    continue;
                }
                ("leave", []) => React::leave(),
                ("hibernate", []) => React::hibernate(),
                ("raise", [Arg::Word(word)]) => std::panic::resume_unwind(Box::new(word.clone())),
                ("fail", [Arg::Word(reason)]) => Err(words::reason(reason)),
                ("swap_to", [Arg::Word(id), Arg::Block(init)]) => {
                    let successor = self.successor(id, init);
                    if self.world.way == Way::Awaiting {
                        React::swap_async_as(successor, id.clone())
                    } else {
                        React::swap_as(successor, id.clone())
                    }
                }
                ("reply", [Arg::Word(value)]) => React::reply(client(), value.clone()),
                ("reply_leave", [Arg::Word(value)]) => React::reply_leave(client(), value.clone()),
                _ => {
                    self.world.complain(format!("no handler can `{action}`"));
                    React::stay()
                }
            };
        }
        React::stay()
    }

    fn successor(&self, id: &str, init: &Program) -> Self {
        let mut successor = Self::new(&self.world, &self.manager, id, init);
        successor.begins = "init after left";
        successor
    }

    /// What is there for this handler.
    fn mine(&self, program: &Program) -> Program {
        let mine = program.iter().find_map(|action| match action.args.as_slice() {
            [Arg::Word(id), Arg::Block(mine)] if *id == self.id => Some(Arc::clone(mine)),
            _ => None,
        });
        mine.unwrap_or_default()
    }
}

/// What a handler does in its callbacks, whether it awaits something before or not.
impl Doll {
    fn begin(&mut self, cx: &mut HandlerCx<Happening, Note>) -> Result<(), Reason> {
        self.log(Kind::Fence, self.begins);
        let init = Arc::clone(&self.init);
        if init.iter().any(|action| action.verb == "hibernate") {
            cx.hibernate();
        }
        self.obey(&init, None).map(drop)
    }

    fn sees(&mut self, event: &Happening) -> Reaction<Happening, Note> {
        self.log(Kind::From(event.from.clone()), format!("event from {}", event.from));
        self.obey(&self.mine(&event.program), None)
    }

    fn is_asked(&mut self, asked: Question) -> Reaction<Happening, Note> {
        self.log(Kind::From(asked.from.clone()), format!("call from {}", asked.from));
        self.obey(&asked.program, Some(asked.client))
    }

    fn is_told(&mut self, note: &Note) -> Reaction<Happening, Note> {
        match note {
            Note::Told(told) => {
                self.log(Kind::From(told.from.clone()), format!("info from {}", told.from));
                self.obey(&self.mine(&told.program), None)
            }
            Note::Exit(exit) => {
                let from = self.world.called(exit.from);
                self.log(Kind::From(from.clone()), format!("exit {from} {}", words::of_reason(&exit.reason)));
                React::stay()
            }
        }
    }

    fn leaves(&mut self, why: TerminateReason) {
        let said = |mut words: genevent::TerminateArg| words.take::<String>().unwrap_or_else(|| "swapped".to_owned());
        let why = match why {
            TerminateReason::Removed(words) | TerminateReason::Swapped(words) => said(words),
            TerminateReason::Left => "remove_handler".to_owned(),
            TerminateReason::Failed(reason) => format!("error {}", words::of_reason(&reason)),
            TerminateReason::OwnerEnded(reason) => format!("stop {}", words::of_reason(&reason)),
            _ => "stop".to_owned(),
        };
        self.log(Kind::Fence, format!("terminate {why}"));
        let at_the_end = Arc::clone(&self.at_the_end);
        // What it answers has no meaning any more; that it panics has.
        drop(self.obey(&at_the_end, None));
    }
}

impl Handler<Happening, Note> for Doll {
    type Call = Question;

    fn init(&mut self, cx: &mut HandlerCx<Happening, Note>) -> Result<(), Reason> {
        self.begin(cx)
    }

    fn handle_event(&mut self, event: &Happening, _cx: &mut HandlerCx<Happening, Note>) -> Reaction<Happening, Note> {
        self.sees(event)
    }

    fn handle_call(&mut self, asked: Question, _cx: &mut HandlerCx<Happening, Note>) -> Reaction<Happening, Note> {
        self.is_asked(asked)
    }

    fn handle_info(&mut self, note: &Note, _cx: &mut HandlerCx<Happening, Note>) -> Reaction<Happening, Note> {
        self.is_told(note)
    }

    fn terminate(&mut self, why: TerminateReason, _cx: &mut HandlerCx<Happening, Note>) {
        self.leaves(why);
    }
}

impl AsyncHandler<Happening, Note> for Doll {
    type Call = Question;

    async fn init(&mut self, cx: &mut HandlerCx<Happening, Note>) -> Result<(), Reason> {
        self.world.way.begin().await;
        self.begin(cx)
    }

    async fn handle_event(
        &mut self,
        event: &Happening,
        _cx: &mut HandlerCx<Happening, Note>,
    ) -> Reaction<Happening, Note> {
        self.world.way.begin().await;
        self.sees(event)
    }

    async fn handle_call(
        &mut self,
        asked: Question,
        _cx: &mut HandlerCx<Happening, Note>,
    ) -> Reaction<Happening, Note> {
        self.world.way.begin().await;
        self.is_asked(asked)
    }

    async fn handle_info(&mut self, note: &Note, _cx: &mut HandlerCx<Happening, Note>) -> Reaction<Happening, Note> {
        self.world.way.begin().await;
        self.is_told(note)
    }

    async fn terminate(&mut self, why: TerminateReason, _cx: &mut HandlerCx<Happening, Note>) {
        self.world.way.begin().await;
        self.leaves(why);
    }
}

/// Which manager tells that a handler has gone, and the line of the trace about it.
pub(super) fn gone(world: &World, gone: &HandlerGone) -> (String, String) {
    let manager = world.called(gone.manager);
    let why = match &gone.why {
        GoneReason::Normal => "normal".to_owned(),
        GoneReason::Shutdown => "shutdown".to_owned(),
        GoneReason::Swapped { by, owner } => {
            let owner = owner.map_or_else(|| "nobody".to_owned(), |pid| world.called(pid));
            format!("swapped {} {owner}", of_id(by))
        }
        GoneReason::Failed(reason) => format!("failed {}", words::of_reason(reason)),
        other => other.to_string(),
    };
    (manager, format!("gone {} {why}", of_id(&gone.handler)))
}

/// What a handler is called in a script.
pub(super) fn of_id(handler: &HandlerId) -> String {
    handler.id().map_or_else(String::new, ToString::to_string)
}

/// The handler that a word of a script means.
pub(super) fn reference(id: &str) -> HandlerRef<Doll> {
    HandlerRef::with_id(id.to_owned())
}
