//! The keys of a paste, and Ctrl-C.
//!
//! A terminal says where a paste begins and ends. The line editor alone would take all of it for one line. Here each line of it is
//! entered, as if it had been typed, and nothing of it is taken for a key: a tab is a tab.
//!
//! - K1: The text of a pasted line is given to the editor in one piece, because the editor draws the line again for each piece.
//! - K2: A key has one effect. So the line end that has brought a piece enters the line at the next key, at the latest at the one
//!   that ends the paste.
//! - K3: To the editor, a line that Ctrl-C abandons is a line like any other. If it were an error, the editor would forget what it
//!   has read behind it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustyline::{Cmd, ConditionalEventHandler, Event, EventContext, KeyCode, KeyEvent, Modifiers, RepeatCount};

/// How much of a pasted line is kept: more than any server takes, so that the line is refused and not cut off.
const LINE_MAX: usize = 1024 * 1024;

/// What the keys say, apart from the line itself.
#[derive(Debug, Default)]
pub(super) struct Keys(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    source: Source,
    /// What of a pasted line the editor does not have yet: see K1.
    piece: String,
    /// Whether the next key enters the line: see K2.
    is_enter_due: bool,
    is_abandoned: bool,
    is_left_out: bool,
}

/// Where keys come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Source {
    #[default]
    Typed,
    Pasted,
    /// From a paste that was given up, and has not come to its end.
    Dropped,
}

impl Keys {
    /// Whether the last line was abandoned.
    pub(super) fn is_abandoned(&self) -> bool {
        self.state().is_abandoned
    }

    /// Whether a paste is coming in.
    pub(super) fn is_paste(&self) -> bool {
        self.state().source != Source::Typed
    }

    /// Whether something of a paste was left out since this was asked last.
    pub(super) fn take_left_out(&self) -> bool {
        std::mem::take(&mut self.state().is_left_out)
    }

    /// Drops the rest of a paste. Returns whether there may be any.
    pub(super) fn drop_paste(&self) -> bool {
        let mut state = self.state();
        let is_paste = state.source == Source::Pasted;
        if is_paste {
            state.come_from(Source::Dropped);
        }
        is_paste
    }

    /// Takes the next key for a typed one, because the end of a paste may have been lost.
    pub(super) fn forget_paste(&self) {
        self.state().come_from(Source::Typed);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn come_from(&mut self, source: Source) {
        self.source = source;
        self.piece.clear();
        self.is_enter_due = false;
    }

    /// What to do at a key. `None` if that is the editor's own business.
    fn press(&mut self, key: KeyEvent, line: &str) -> Option<Cmd> {
        // The last key decides: a question of the editor may have swallowed an earlier one.
        self.is_abandoned = key == KeyEvent::ctrl('C');
        if self.is_abandoned {
            // A second one ends a paste that has lost its end.
            self.come_from(if self.source == Source::Pasted { Source::Dropped } else { Source::Typed });
            // K3
            return Some(Cmd::AcceptLine);
        }
        match (key.0, self.source) {
            (KeyCode::BracketedPasteStart, _) => {
                self.come_from(Source::Pasted);
                Some(Cmd::Noop)
            }
            (KeyCode::BracketedPasteEnd, _) => {
                let piece = std::mem::take(&mut self.piece);
                let is_enter_due = self.is_enter_due;
                self.come_from(Source::Typed);
                Some(match (is_enter_due, piece.is_empty()) {
                    (true, _) => Cmd::AcceptLine,
                    (false, false) => Cmd::Insert(1, piece),
                    // With the hint that the paste has left out.
                    (false, true) => Cmd::Repaint,
                })
            }
            (_, Source::Typed) => None,
            (_, Source::Dropped) => Some(Cmd::Noop),
            (_, Source::Pasted) => {
                let enters = std::mem::take(&mut self.is_enter_due);
                let cmd = self.paste(key, line.is_empty() || enters);
                Some(if enters { Cmd::AcceptLine } else { cmd })
            }
        }
    }

    /// Takes a key of a paste.
    fn paste(&mut self, KeyEvent(code, modifiers): KeyEvent, is_line_empty: bool) -> Cmd {
        match (code, modifiers) {
            (KeyCode::Char(character), Modifiers::NONE) => self.keep(character),
            (KeyCode::Tab, _) => self.keep('\t'),
            (KeyCode::Enter, _) | (KeyCode::Char('J'), Modifiers::CTRL) => {
                self.is_enter_due = !self.piece.is_empty();
                return match self.is_enter_due {
                    true => Cmd::Insert(1, std::mem::take(&mut self.piece)),
                    // Nothing is entered for an empty line, nor for the second half of CR and LF.
                    false if is_line_empty => Cmd::Noop,
                    false => Cmd::AcceptLine,
                };
            }
            _ => self.is_left_out = true,
        }
        Cmd::Noop
    }

    fn keep(&mut self, character: char) {
        if self.piece.len() < LINE_MAX {
            self.piece.push(character);
        }
    }
}

/// The same for the editor, which asks it about every key.
pub(super) struct KeysHandler(pub(super) Arc<Keys>);

impl ConditionalEventHandler for KeysHandler {
    fn handle(&self, event: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        self.0.state().press(*event.get(0)?, context.line())
    }
}
