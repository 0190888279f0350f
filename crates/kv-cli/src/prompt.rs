//! The prompt at a terminal: a line editor on the same client that a pipe uses.
//!
//! There is no prompt mark, so that a session on the screen shows exactly the protocol. An empty line shows a hint instead.
//!
//! - P1: What is typed or pasted before its turn is neither lost nor shown among answers: [`terminal`], and the line editor keeps
//!   what it has read.
//! - P2: Each line is one command: a line that has line ends in it is divided.
//! - P3: An answer that is not awaited any more is never read: [`link`] makes its connection anew.

use std::cell::RefCell;
use std::io;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;

use kv_server::Limits;
use kv_server::prompt::is_secret;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{ColorMode, CompletionType, Config, Editor, Event, EventHandler};

use self::assistant::Assistant;
use self::history::History;
use self::keys::{Keys, KeysHandler};
use self::link::{Answered, Link};
use self::terminal::Terminal;
use crate::exit::{Exit, Failure, say};
use crate::{Runtime, Target};

// The connection, ...
mod link;
// ... and what is said of a line that is not a command.
mod caret;
// Completions and hints.
mod assistant;
// The keys of a paste, and Ctrl-C.
mod keys;
// The terminal while a command runs.
mod terminal;
// The lines of earlier days.
mod history;

/// How many lines the history keeps.
const HISTORY_MAX: usize = 1000;

/// Runs the prompt until the person leaves.
pub(crate) fn run(runtime: &Runtime, target: &Target) -> Result<(), Failure> {
    let link = Rc::new(RefCell::new(Link::open(runtime, target)?));
    let terminal = Terminal::open().map_err(|error| unreadable(&error.into()))?;
    let keys = Arc::new(Keys::default());
    let mut editor = editor(Assistant::new(&link, &keys), &keys)?;
    let history = History::load(&mut editor);
    greet(target);
    loop {
        link.borrow_mut().forget_interrupts();
        let read = editor.readline("");
        // Also after an error, and after a stop, during which the shell may have changed it.
        terminal.hush();
        let typed = match read {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                terminal::forget_typed();
                keys.forget_paste();
                say("what was typed or pasted is not UTF-8; write such bytes as escapes in quotes, as in \"\\xff\"");
                continue;
            }
            Err(error) => return Err(unreadable(&error)),
        };
        if keys.take_left_out() {
            say("the control characters of the paste are left out; write them as escapes in quotes, as in \"\\x1b\"");
        }
        if keys.is_abandoned() {
            continue;
        }
        // P2: a line from the history may be several, and so may one that was put together with Ctrl-V.
        for line in typed.split(['\n', '\r']).filter(|line| !line.trim().is_empty()) {
            if !is_secret(line) {
                history.remember(&mut editor, line);
            }
            if is_too_long(line) {
                continue;
            }
            match link.borrow_mut().answer(line)? {
                ControlFlow::Break(()) => return Ok(()),
                ControlFlow::Continue(Answered::Yes) => {}
                ControlFlow::Continue(Answered::GivenUp) => {
                    if keys.drop_paste() {
                        say("the rest of the paste is dropped");
                    }
                    break;
                }
            }
        }
    }
}

/// Whether a line is longer than a server takes: it would close the connection, and the next command would have no answer.
fn is_too_long(line: &str) -> bool {
    let most = Limits::default().line;
    if line.len() > most {
        say(format_args!("the line has {} bytes, and a server takes {most}; store the value in parts", line.len()));
    }
    line.len() > most
}

fn greet(target: &Target) {
    let what = match target {
        Target::Embedded { place, .. } => place.to_string(),
        Target::Server(server) => format!("connected to {server}"),
    };
    say(format_args!("{what}; Tab completes, Ctrl-D leaves"));
}

type LineEditor<'a> = Editor<Assistant<'a>, FileHistory>;

fn editor<'a>(assistant: Assistant<'a>, keys: &Arc<Keys>) -> Result<LineEditor<'a>, Failure> {
    let plain = anstream::AutoStream::choice(&io::stdout()) == anstream::ColorChoice::Never;
    let colors = if plain { ColorMode::Disabled } else { ColorMode::Enabled };
    let config = Config::builder().max_history_size(HISTORY_MAX).map_err(|error| unreadable(&error))?;
    let config = config.color_mode(colors).completion_type(CompletionType::List).build();
    let mut editor = Editor::with_config(config).map_err(|error| unreadable(&error))?;
    editor.set_helper(Some(assistant));
    editor.bind_sequence(Event::Any, EventHandler::Conditional(Box::new(KeysHandler(Arc::clone(keys)))));
    Ok(editor)
}

fn unreadable(error: &ReadlineError) -> Failure {
    Failure::new(Exit::Usage, format_args!("the terminal cannot be read: {error}; pipe commands into kv instead"))
}
