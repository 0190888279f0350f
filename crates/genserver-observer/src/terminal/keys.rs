//! What the keys do.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::view::{Pane, View};

/// How much is typed into a search at most: more does not fit into a request.
const SEARCH_MAX: usize = 100;

/// What a key asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Effect {
    Nothing,
    /// Another round, at once.
    Ask,
    Leave,
}

/// The keys, for the last line.
pub(super) const KEYS: [&str; 7] =
    ["q quit", "↑↓ choose", "Enter inspect", "l reports", "/ search", "s sort", "r reverse"];

/// Those while a search is typed.
pub(super) const SEARCH_KEYS: &str = "Enter keep  Esc clear";

impl View {
    /// Does what a key says.
    pub(super) fn press(&mut self, key: KeyEvent) -> Effect {
        if key.kind == KeyEventKind::Release {
            return Effect::Nothing;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            let leaves = matches!(key.code, KeyCode::Char('c' | 'd'));
            return if leaves { Effect::Leave } else { Effect::Nothing };
        }
        if self.is_searching { self.press_in_search(key.code) } else { self.press_in_table(key.code) }
    }

    fn press_in_search(&mut self, key: KeyCode) -> Effect {
        match key {
            KeyCode::Enter => {
                self.is_searching = false;
                return Effect::Nothing;
            }
            KeyCode::Esc => {
                self.is_searching = false;
                self.query.search.clear();
            }
            KeyCode::Backspace => drop(self.query.search.pop()),
            KeyCode::Char(char) if self.query.search.len() < SEARCH_MAX => self.query.search.push(char),
            _ => return Effect::Nothing,
        }
        self.begin();
        Effect::Ask
    }

    fn press_in_table(&mut self, key: KeyCode) -> Effect {
        let page = self.query.limit.cast_signed();
        match key {
            KeyCode::Char('q') => return Effect::Leave,
            KeyCode::Up | KeyCode::Char('k') => return self.go(-1),
            KeyCode::Down | KeyCode::Char('j') => return self.go(1),
            KeyCode::PageUp => return self.go(-page),
            KeyCode::PageDown => return self.go(page),
            KeyCode::Home => return self.go(isize::MIN),
            KeyCode::End => return self.go(isize::MAX),
            KeyCode::Enter => {
                if !self.inspect() {
                    return Effect::Nothing;
                }
            }
            KeyCode::Char('l') => self.open(if self.pane == Pane::Reports { Pane::Closed } else { Pane::Reports }),
            KeyCode::Esc if self.pane != Pane::Closed => self.open(Pane::Closed),
            KeyCode::Esc if !self.query.search.is_empty() => {
                self.query.search.clear();
                self.begin();
            }
            KeyCode::Char('/') => {
                self.is_searching = true;
                if self.query.search.is_empty() {
                    return Effect::Nothing;
                }
                // Another search, and not more of the one before.
                self.query.search.clear();
                self.begin();
            }
            KeyCode::Char('s') => self.sort_by_next(1),
            KeyCode::Char('S') => self.sort_by_next(-1),
            KeyCode::Char('r') => {
                self.query.descending = !self.query.descending;
                self.begin();
            }
            KeyCode::Char('[') => {
                self.scroll = self.scroll.saturating_sub(1);
                return Effect::Nothing;
            }
            KeyCode::Char(']') => {
                // Drawing knows where the end is.
                self.scroll = self.scroll.saturating_add(1);
                return Effect::Nothing;
            }
            _ => return Effect::Nothing,
        }
        Effect::Ask
    }

    fn go(&mut self, rows: isize) -> Effect {
        if self.step(rows) { Effect::Ask } else { Effect::Nothing }
    }
}
