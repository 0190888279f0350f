//! Completions and hints in the line editor. `kv_server::prompt` computes them.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use kv_server::prompt::{Completion, hint, with_quoted_command};
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::{Hint, Hinter};
use rustyline::line_buffer::LineBuffer;
use rustyline::validate::Validator;
use rustyline::{Changeset, Context, Helper};

use super::keys::Keys;
use super::link::Link;

/// The hint of an empty line.
const READY: &str = "(a command; HELP lists them)";

/// Completions and hints.
pub(super) struct Assistant<'a> {
    link: Rc<RefCell<Link<'a>>>,
    keys: Arc<Keys>,
}

impl<'a> Assistant<'a> {
    pub(super) fn new(link: &Rc<RefCell<Link<'a>>>, keys: &Arc<Keys>) -> Self {
        Self { link: Rc::clone(link), keys: Arc::clone(keys) }
    }
}

impl Completer for Assistant<'_> {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let completion = Completion::of(&line[..at]);
        let offers = self.link.borrow().offers(&completion);
        let pair = |offer: String| Pair { display: offer.trim_end().to_owned(), replacement: offer };
        Ok((completion.start, offers.into_iter().map(pair).collect()))
    }

    fn update(&self, line: &mut LineBuffer, start: usize, elected: &str, changes: &mut Changeset) {
        let end = line.pos();
        line.replace(start..end, elected, changes);
        let is_whole = elected.ends_with(' ');
        if is_whole && let Some(quoted) = with_quoted_command(line) {
            let at = line.pos() + quoted.len() - line.len();
            line.update(&quoted, at, changes);
        }
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
        if self.keys.is_paste() || at < line.len() {
            return None;
        }
        if line.is_empty() { Some(Shown(READY.to_owned())) } else { hint(line).map(Shown) }
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
