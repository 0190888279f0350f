//! Event managers and their handlers.

use std::sync::Arc;

use genevent::{
    AddHandlerError, CallHandlerError, Manager, NotifyError, OldHandlerError, RemoveHandlerError, SwapHandlerError,
};
use genserver::{AsProcess as _, Recipient, StartError};

use super::{Actor, Done, Me, all_of, block, has, option, within};
use crate::ours::Way;
use crate::ours::events::{Doll, Events, Happening, Note, Question, of_id, reference};
use crate::ours::plain::Mail;
use crate::ours::puppet::Info;
use crate::ours::world::{What, name, ticks};
use crate::script::{Arg, Program};
use crate::words;

impl Actor {
    /// Does it if it is one of these.
    pub(super) async fn manage(&mut self, verb: &str, args: &[Arg], me: &mut Me<'_>) -> Option<Done> {
        let [Arg::Word(word), rest @ ..] = args else { return None };
        if verb == "manager" {
            let started = self.start_manager(word, rest).await;
            let started =
                started.map_or_else(|error| format!("failed {}", words::of_start(&error)), |()| "ok".to_owned());
            self.log(format!("manager {word} -> {started}"));
            return Some(Done::Next);
        }
        let (process, What::Manager(manager)) = self.world.find(word)? else { return None };
        let called = self.world.called(process.pid());
        match (verb, rest) {
            ("add", [Arg::Word(id), rest @ ..]) => {
                let doll = Doll::new(&self.world, &called, id, &block(rest));
                let add = if self.world.way == Way::Awaiting {
                    manager.add_async_handler(doll)
                } else {
                    manager.add_handler(doll)
                };
                let mut add = add.id(id.clone());
                if has(rest, "owned") {
                    add = add.owned_by(told_of_its_handlers(me));
                }
                let added = match add.await {
                    Ok(_) => "ok".to_owned(),
                    Err(AddHandlerError::Init { reason, .. }) => format!("failed {}", words::of_reason(&reason)),
                    Err(AddHandlerError::AlreadyPresent { .. }) => "already_present".to_owned(),
                    Err(AddHandlerError::Manager { error, .. }) => words::of_call(&error),
                    Err(other) => other.to_string(),
                };
                self.log(format!("add {word} {id} -> {added}"));
            }
            ("delete", [Arg::Word(id), Arg::Word(words)]) => {
                let deleted = match manager.remove_handler(&reference(id)).arg(words.clone()).await {
                    Ok(_) => "ok".to_owned(),
                    Err(RemoveHandlerError::NotFound { .. }) => "not_found".to_owned(),
                    Err(RemoveHandlerError::Manager(error)) => words::of_call(&error),
                    Err(RemoveHandlerError::Terminate { reason, .. }) => {
                        format!("failed {}", words::of_reason(&reason))
                    }
                    Err(other) => other.to_string(),
                };
                self.log(format!("delete {word} {id} -> {deleted}"));
            }
            ("swap", [Arg::Word(old), Arg::Word(words), Arg::Word(new), rest @ ..]) => {
                let owner = has(rest, "owned").then(|| told_of_its_handlers(me));
                let doll = Doll::new(&self.world, &called, new, &block(rest));
                let swapped = self.swap(&manager, (old, words, new), doll, owner).await;
                self.log(format!("swap {word} {old} {new} -> {swapped}"));
            }
            ("ask", [Arg::Word(id), Arg::Block(program), rest @ ..]) => {
                let answer = self.ask(&manager, id, program, within(rest)).await;
                self.log(format!("ask {word} {id} -> {answer}"));
            }
            ("notify", [Arg::Block(program)]) => drop(manager.notify(self.happening(program))),
            ("sync", [Arg::Block(program)]) => {
                let done = manager.sync_notify(self.happening(program)).no_timeout().await;
                let done = done.map_or_else(|error| of_notify(&error), |()| "ok".to_owned());
                self.log(format!("sync {word} -> {done}"));
            }
            ("tell", [Arg::Block(program)]) => drop(manager.send(Note::Told(self.happening(program)))),
            ("handlers", []) => {
                let handlers = manager.which_handlers().await;
                let handlers = handlers.map(|handlers| all_of(&handlers.iter().map(of_id).collect::<Vec<_>>()));
                self.log(format!("handlers {word} -> {}", handlers.unwrap_or_else(|error| words::of_call(&error))));
            }
            _ => return None,
        }
        Some(Done::Next)
    }

    async fn start_manager(&self, label: &str, args: &[Arg]) -> Result<(), StartError> {
        let mut start = Manager::<Happening>::start_trapping(Note::Exit);
        if has(args, "link") {
            start = start.link();
        }
        if let Some(Arg::Word(word)) = option(args, "name") {
            start = start.name(name(word).expect("a name begins with `@` or `%`"));
        }
        let manager = start.await?;
        let process = manager.as_process().expect("a manager is a process");
        self.world.born(label, process, What::Manager(manager));
        Ok(())
    }

    async fn swap(
        &self,
        manager: &Events,
        (old, said, new): (&str, &str, &str),
        doll: Doll,
        owner: Option<Recipient<genevent::HandlerGone>>,
    ) -> String {
        let old = reference(old);
        let make = |left: Result<Doll, OldHandlerError>| doll.after(&left);
        let swap = if self.world.way == Way::Awaiting {
            manager.swap_async_handler(&old, make)
        } else {
            manager.swap_handler(&old, make)
        };
        let swap = swap.id(new.to_owned()).arg(said.to_owned());
        let swapped = match owner {
            Some(owner) => swap.owned_by(owner).await,
            None => swap.await,
        };
        match swapped {
            Ok(_) => "ok".to_owned(),
            Err(SwapHandlerError::Init { reason, .. }) => format!("failed {}", words::of_reason(&reason)),
            Err(SwapHandlerError::Manager { error, .. }) => words::of_call(&error),
            Err(SwapHandlerError::AlreadyPresent { .. }) => "already_present".to_owned(),
            Err(other) => other.to_string(),
        }
    }

    async fn ask(&self, manager: &Events, id: &str, program: &Program, within: Option<u32>) -> String {
        let (from, program) = (self.called.clone(), Arc::clone(program));
        let handler = reference(id);
        let question = move |client| Question { from, program, client };
        let asked = if self.world.way == Way::Awaiting {
            manager.call_async_handler(&handler, question)
        } else {
            manager.call(&handler, question)
        };
        let answer = match within {
            Some(count) => asked.timeout(ticks(count)).await,
            None => asked.no_timeout().await,
        };
        match answer {
            Ok(value) => value,
            Err(CallHandlerError::NotFound { .. }) => "not_found".to_owned(),
            Err(CallHandlerError::Failed { reason, .. }) => format!("failed {}", words::of_reason(&reason)),
            Err(CallHandlerError::NoReply { .. }) => "no_reply".to_owned(),
            Err(CallHandlerError::Manager(error)) => words::of_call(&error),
            Err(other) => other.to_string(),
        }
    }

    fn happening(&self, program: &Program) -> Happening {
        Happening { from: self.called.clone(), program: Arc::clone(program) }
    }
}

/// No handler of a script refuses an event, so it is the error of a call.
fn of_notify(error: &NotifyError) -> String {
    match error {
        NotifyError::Manager(error) => words::of_call(error),
        refused => refused.to_string(),
    }
}

/// Where the process hears that a handler of its own has gone.
fn told_of_its_handlers(me: &mut Me<'_>) -> Recipient<genevent::HandlerGone> {
    match me {
        Me::Server(cx) => cx.this().info_recipient(Info::Gone),
        Me::Plain(me) => me.sender().recipient(Mail::Gone),
    }
}
