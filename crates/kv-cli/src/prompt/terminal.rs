//! The terminal while a command runs.
//!
//! It shows nothing that is typed then: it would stand among the answers. It keeps it for the next line instead, and shows it there.
//! Nothing of it is lost: a terminal that gathers lines itself drops what is longer than one of its lines, and Ctrl-C would drop the
//! rest. The price is that Ctrl-C waits behind what is typed ahead if that is more than a terminal holds, which is 4 KiB on Linux.

use std::io;

use rustix::termios::{self, InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios};

/// The terminals for which the line editor edits nothing: it reads the lines that they gather. It knows them by these names.
const WITHOUT_EDITOR: [&str; 3] = ["dumb", "cons25", "emacs"];

/// A terminal that is as it was found when this is dropped.
pub(super) struct Terminal {
    found: Termios,
    hushed: Termios,
}

impl Terminal {
    /// The terminal at standard input, hushed.
    pub(super) fn open() -> io::Result<Self> {
        let found = termios::tcgetattr(io::stdin())?;
        let mut hushed = found.clone();
        let name = std::env::var("TERM").unwrap_or_default();
        if WITHOUT_EDITOR.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
            return Ok(Self { found, hushed });
        }
        hushed.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::IEXTEN);
        // Ctrl-C is a signal still, but drops neither what is typed nor what is shown.
        hushed.local_modes.insert(LocalModes::ISIG | LocalModes::NOFLSH);
        // The keys arrive as they do while a line is edited.
        hushed.input_modes.remove(InputModes::ICRNL);
        hushed.special_codes[SpecialCodeIndex::VMIN] = 1;
        hushed.special_codes[SpecialCodeIndex::VTIME] = 0;
        let terminal = Self { found, hushed };
        terminal.hush();
        Ok(terminal)
    }

    /// Hushes it. The line editor does the rest while it reads a line, and then puts back what it has found.
    pub(super) fn hush(&self) {
        set(&self.hushed);
    }
}

/// Drops what is typed and not read yet.
pub(super) fn forget_typed() {
    // If the terminal is gone, reading a line says so.
    let _ = termios::tcflush(io::stdin(), QueueSelector::IFlush);
}

fn set(modes: &Termios) {
    // As above.
    let _ = termios::tcsetattr(io::stdin(), OptionalActions::Drain, modes);
}

impl Drop for Terminal {
    fn drop(&mut self) {
        set(&self.found);
    }
}
