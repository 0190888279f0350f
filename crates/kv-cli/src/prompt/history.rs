//! The lines of earlier days, in a file that only its owner can read.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::LineEditor;
use crate::exit::say;
use crate::folders;

/// The history file, in the folder for programs' state. Without such a folder the history ends with the program.
pub(super) struct History(Option<PathBuf>);

impl History {
    /// Gives the editor the lines of earlier days.
    pub(super) fn load(editor: &mut LineEditor<'_>) -> Self {
        let Some(folder) = folders::state() else { return Self(None) };
        if let Err(error) = folders::create_private(&folder) {
            say(format_args!("the history goes nowhere: {}: {error}", folder.display()));
            return Self(None);
        }
        let path = folder.join("history");
        // The editor makes it for its owner alone, but it may have been copied here. The first time there is none.
        let _ = fs::set_permissions(&path, Permissions::from_mode(0o600));
        let _ = editor.load_history(&path);
        Self(Some(path))
    }

    /// Keeps a line, and writes it at once: the prompt may be killed, and several may run at the same time.
    pub(super) fn remember(&self, editor: &mut LineEditor<'_>, line: &str) {
        // A full disk must not keep a command from running.
        let _ = editor.add_history_entry(line);
        if let Some(path) = &self.0 {
            let _ = editor.append_history(path);
        }
    }
}
