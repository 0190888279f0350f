//! Completions and hints in the line editor. `kv_server::prompt` computes them.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use kv_server::Command;
use kv_server::prompt::{Completion, Wanted, hint};
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::{Hint, Hinter};
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use super::link::Link;

/// The hint of an empty line.
const READY: &str = "(a command; HELP lists them)";

/// Completions and hints.
pub(super) struct Assistant<'a> {
    link: Rc<RefCell<Link<'a>>>,
}

impl<'a> Assistant<'a> {
    pub(super) fn new(link: &Rc<RefCell<Link<'a>>>) -> Self {
        Self { link: Rc::clone(link) }
    }
}

impl Completer for Assistant<'_> {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let completion = Completion::of(&line[..at]);
        let list = |command| self.link.borrow_mut().items(&command);
        let offers = match completion.wanted {
            Wanted::Command => completion.commands(),
            Wanted::Bucket => completion.offers(list(Command::Buckets)),
            Wanted::Key { bucket } => completion.offers(list(Command::list(bucket.to_owned()))),
            Wanted::Nothing => Vec::new(),
        };
        Ok((completion.start, offers))
    }
}

/// A hint is only shown: there is nothing to accept.
pub(super) struct Shown(String);

impl Hint for Shown {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Assistant<'_> {
    type Hint = Shown;

    fn hint(&self, line: &str, at: usize, _: &Context<'_>) -> Option<Shown> {
        if line.is_empty() {
            return Some(Shown(READY.to_owned()));
        }
        if at < line.len() { None } else { hint(line).map(Shown) }
    }
}

impl Highlighter for Assistant<'_> {
    /// Dimmer than what was typed.
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[90m{hint}\x1b[0m"))
    }
}

impl Validator for Assistant<'_> {}

impl Helper for Assistant<'_> {}
