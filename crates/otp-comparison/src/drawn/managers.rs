//! An event manager, its handlers, and who owns them.
//!
//! At one event no more than one handler leaves, because the order of handlers is Elixir's here. A handler of an owner is not
//! swapped for one of nobody; no owner ends, or sends an exit to its manager, and such a manager does not end either: OTP links
//! both. One that asks to be swapped leaves in order for one that does not hibernate, which OTP takes for a crash.

use super::chance::Chance;

/// The text of a script.
pub(super) fn text(mut chance: Chance) -> String {
    let (is_owned, swaps) = (chance.one_in(2), chance.one_in(2));
    let mut draft = Draft { chance, text: String::new(), handlers: Vec::new(), added: 0, is_owned, swaps };
    draft.cast();
    for _ in 0..draft.chance.between(6, 14) {
        draft.step();
    }
    draft.text
}

/// A script as far as it is drawn.
struct Draft {
    chance: Chance,
    text: String,
    /// Handlers that may be there: their ids, and who owns them.
    handlers: Vec<(String, Option<&'static str>)>,
    added: usize,
    /// Whether handlers have owners.
    is_owned: bool,
    /// Whether handlers ask to be swapped.
    swaps: bool,
}

impl Draft {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn cast(&mut self) {
        let starter = self.chance.of(&["server", "plain"]);
        self.line(&format!("{starter} a [trap on]"));
        let other = self.chance.of(&["server b [trap on]", "plain b [trap on]", "server b"]);
        self.line(other);
        let link = self.chance.of(&["", " link"]);
        self.line(&format!("a: manager m{link}"));
        for _ in 0..self.chance.between(1, 3) {
            self.add();
        }
    }

    /// An id that no handler has had.
    fn fresh(&mut self) -> String {
        self.added += 1;
        format!("h{}", self.added)
    }

    fn somebody(&mut self) -> &'static str {
        self.chance.of(&["a", "b"])
    }

    fn add(&mut self) {
        let (who, id, init) = (self.somebody(), self.fresh(), self.init());
        let owner = (self.is_owned && self.chance.one_in(2)).then_some(who);
        let owned = if owner.is_some() { "owned " } else { "" };
        self.line(&format!("{who}: add m {id} {owned}[{init}]"));
        self.handlers.push((id, owner));
    }

    fn init(&mut self) -> String {
        let at_the_end = if self.swaps { "say over" } else { "raise worse" };
        let on = if self.chance.one_in(3) { format!("on terminate [{at_the_end}]; ") } else { String::new() };
        let sleeps = if self.swaps { "" } else { "hibernate" };
        // OTP keeps the link with the owner.
        let (raises, fails) = if self.is_owned { ("", "say hello") } else { ("raise no", "fail no") };
        let ending = self.chance.of(&["say hello", "say hello", "", "", "", sleeps, raises, fails]);
        format!("{on}{ending}")
    }

    /// One of the handlers, at its place.
    fn handler(&mut self) -> usize {
        self.chance.between(0, self.handlers.len() - 1)
    }

    fn step(&mut self) {
        let who = self.somebody();
        if self.handlers.is_empty() {
            return self.add();
        }
        let at = self.handler();
        let (id, owner) = self.handlers[at].clone();
        match self.chance.between(1, 20) {
            1..=3 => self.add(),
            4 => {
                let word = self.word();
                self.line(&format!("{who}: delete m {id} {word}"));
            }
            5 => self.swap(who, &id, owner),
            6..=12 => {
                let events: Vec<String> = (0..self.chance.between(1, 2)).map(|_| self.event()).collect();
                self.line(&format!("{who}: {}", events.join("; ")));
            }
            13..=15 => {
                let does = match self.chance.between(1, 7) {
                    1 => "reply_leave bye".to_owned(),
                    2 => "raise oops".to_owned(),
                    3 => "fail gone".to_owned(),
                    4 => "fail normal".to_owned(),
                    _ => "say asked; reply yes".to_owned(),
                };
                self.line(&format!("{who}: ask m {id} [{does}]"));
            }
            16 => self.line(&format!("{who}: handlers m")),
            17 => {
                let tie = self.chance.of(&["monitor m", "link m"]);
                // The end of a process that is linked with a manager is a message to its handlers.
                self.line(&format!("{who}: {tie}"));
            }
            18 if !self.is_owned => {
                let reason = self.chance.of(&["boom", "normal", "shutdown"]);
                self.line(&format!("b: exit m {reason}"));
            }
            19 if !self.is_owned && self.chance.one_in(3) => {
                let end = self.chance.of(&["halt m normal", "halt m shutdown", "halt m boom", "kill m"]);
                self.line(&format!("{who}: {end}"));
            }
            20 if !self.is_owned && self.chance.one_in(3) => {
                let reason = self.chance.of(&["boom", "normal", "shutdown"]);
                self.line(&format!("{who}: stop {reason}"));
            }
            _ => self.line(&format!("{who}: say well")),
        }
    }

    fn word(&mut self) -> &'static str {
        self.chance.of(&["bye", "enough"])
    }

    /// A new handler in the place of one of the same owner.
    fn swap(&mut self, who: &str, id: &str, owner: Option<&'static str>) {
        let (new, init, word) = (self.fresh(), self.init(), self.word());
        let (who, owned) = match owner {
            Some(owner) => (owner, "owned "),
            None => (who, ""),
        };
        self.line(&format!("{who}: swap m {id} {word} {new} {owned}[{init}]"));
        self.handlers.push((new, owner));
    }

    /// An event, at which one handler may do something more than see it.
    fn event(&mut self) -> String {
        let at = self.handler();
        let (id, owner) = self.handlers[at].clone();
        let does = match self.chance.between(1, 10) {
            1 => "leave".to_owned(),
            2 => "raise oops".to_owned(),
            3 => "fail gone".to_owned(),
            4 => "hibernate".to_owned(),
            5 if self.swaps && owner.is_none() => {
                let (new, init) = (self.fresh(), self.init());
                self.handlers.push((new.clone(), None));
                format!("swap_to {new} [{init}]")
            }
            _ => "say seen".to_owned(),
        };
        let verb = self.chance.of(&["notify", "notify", "sync", "sync", "tell"]);
        format!("{verb} m [for {id} [{does}]]")
    }
}
