//! The prompt at a terminal: a line editor on the same client that a pipe uses.
//!
//! There is no prompt mark, so that a session on the screen shows exactly the protocol. An empty line shows a hint instead.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{ColorMode, CompletionType, Config, Editor};

use self::assistant::Assistant;
use self::link::Link;
use crate::exit::{Exit, Failure, say};
use crate::{Runtime, Target};

// The connection.
mod link;
// Completions and hints.
mod assistant;

/// How many lines the history keeps.
const HISTORY_MAX: usize = 1000;

/// Runs the prompt until the person leaves.
pub(crate) fn run(runtime: &Runtime, target: &Target) -> Result<(), Failure> {
    let link = Rc::new(RefCell::new(Link::open(runtime, target)?));
    let mut editor = editor(Assistant::new(&link))?;
    let history = history(&mut editor);
    greet(target);
    loop {
        let line = match editor.readline("") {
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(unreadable(&error)),
        };
        remember(&mut editor, history.as_ref(), &line);
        if link.borrow_mut().answer(&line)?.is_break() {
            return Ok(());
        }
    }
}

fn greet(target: &Target) {
    let what = match target {
        Target::Embedded(_) => "a store of your own, gone when you leave".to_owned(),
        Target::Server(address) => format!("connected to {address}"),
    };
    say(format_args!("{what}; Tab completes, Ctrl-D leaves"));
}

fn editor(assistant: Assistant<'_>) -> Result<Editor<Assistant<'_>, FileHistory>, Failure> {
    let plain = anstream::AutoStream::choice(&io::stdout()) == anstream::ColorChoice::Never;
    let colors = if plain { ColorMode::Disabled } else { ColorMode::Enabled };
    let config = Config::builder().max_history_size(HISTORY_MAX).map_err(|error| unreadable(&error))?;
    let config = config.color_mode(colors).completion_type(CompletionType::List).build();
    let mut editor = Editor::with_config(config).map_err(|error| unreadable(&error))?;
    editor.set_helper(Some(assistant));
    Ok(editor)
}

fn unreadable(error: &ReadlineError) -> Failure {
    Failure::new(Exit::Usage, format_args!("the terminal cannot be read: {error}; pipe commands into kv instead"))
}

/// The history file, in the folder for programs' state. Without such a folder there is no history.
fn history(editor: &mut Editor<Assistant<'_>, FileHistory>) -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(absolute);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state")).filter(absolute);
    let folder = state.or_else(home)?.join("kv");
    if let Err(error) = private_folder(&folder) {
        say(format_args!("the history goes nowhere: {}: {error}", folder.display()));
        return None;
    }
    let path = folder.join("history");
    // The first time there is no file.
    let _ = editor.load_history(&path);
    Some(path)
}

/// Creates a folder that only its owner can open, unless it exists.
fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Written at once, because the prompt may be killed, and several may run at the same time.
fn remember(editor: &mut Editor<Assistant<'_>, FileHistory>, history: Option<&PathBuf>, line: &str) {
    // A full disk must not keep a command from running.
    let _ = editor.add_history_entry(line);
    if let Some(path) = history {
        let _ = editor.append_history(path);
    }
}
