//! Scripts drawn from a seed: three to five processes, with whatever can befall them.
//!
//! What two processes do in one step at the same time may race, and then either order is right; so each step begins at one
//! process. Nobody kills itself: in OTP it would stop in the middle of its callback, here at its next await. A call goes to a process that stands later in the alphabet: a circle of calls would hang in OTP. A call is answered,
//! its server ends, or keeps the client; a server that forgets one would leave it hanging in OTP. Two timers are never due in the
//! same tick.

use std::collections::BTreeSet;

use crate::script::{Script, parse};

/// The script of a seed.
///
/// # Panics
///
/// If it cannot be read, which is a fault of this module.
pub fn script(seed: u64) -> Script {
    let mut draft = Draft::new(seed);
    draft.cast();
    for _ in 0..draft.chance.between(6, 14) {
        draft.step();
    }
    let text = format!("== script {seed}\n{}", draft.text);
    parse(&text).unwrap_or_else(|error| panic!("{error} of\n{text}")).remove(0)
}

/// Random numbers that depend on nothing but the seed, by the method called splitmix.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number of this range, both ends included.
    fn between(&mut self, least: usize, most: usize) -> usize {
        let choices = u64::try_from(most - least + 1).expect("a range is small");
        least + usize::try_from(self.next() % choices).expect("it is less than the range")
    }

    /// Whether one in so many happens.
    fn one_in(&mut self, many: usize) -> bool {
        self.between(1, many) == 1
    }

    fn of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.between(0, choices.len() - 1)]
    }
}

const LABELS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// A script as far as it is drawn.
struct Draft {
    chance: Chance,
    text: String,
    /// Which of the labels there are, and whether each is a server.
    servers: Vec<bool>,
    /// Those that may be waiting at a door.
    held: Vec<usize>,
    /// The names of timers and kept clients.
    keys: usize,
    kept: Vec<(usize, usize)>,
    timers: Vec<(usize, usize)>,
    now: usize,
    /// The ticks in which something is due.
    due: BTreeSet<usize>,
}

impl Draft {
    fn new(seed: u64) -> Self {
        Self {
            chance: Chance(seed),
            text: String::new(),
            servers: Vec::new(),
            held: Vec::new(),
            keys: 0,
            kept: Vec::new(),
            timers: Vec::new(),
            now: 0,
            due: BTreeSet::new(),
        }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// The first processes, and what some of them have with each other.
    fn cast(&mut self) {
        for (at, label) in LABELS.iter().enumerate().take(self.chance.between(3, 5)) {
            // The last one can be called by all others.
            let is_server = at == 2 || !self.chance.one_in(4);
            self.servers.push(is_server);
            let kind = if is_server { "server" } else { "plain" };
            let name = if is_server && self.chance.one_in(4) { format!(" name @{label}_") } else { String::new() };
            let init = self.chance.of(&["", " [trap on]", ""]);
            self.line(&format!("{kind} {label}{name}{init}"));
        }
        for _ in 0..self.chance.between(1, 3) {
            let (who, whom) = self.two();
            let tie = self.chance.of(&["link", "link", "monitor"]);
            self.line(&format!("{who}: {tie} {whom}"));
        }
    }

    /// One process, and another.
    fn two(&mut self) -> (&'static str, &'static str) {
        let who = self.anybody();
        self.but(who)
    }

    /// This process, and another.
    fn but(&mut self, who: usize) -> (&'static str, &'static str) {
        let whom = self.chance.between(0, self.servers.len() - 2);
        (LABELS[who], LABELS[whom + usize::from(whom >= who)])
    }

    fn anybody(&mut self) -> usize {
        self.chance.between(0, self.servers.len() - 1)
    }

    /// A server that stands behind this one.
    fn later_server(&mut self, who: usize) -> Option<usize> {
        let later: Vec<usize> = (who + 1..self.servers.len()).filter(|&at| self.servers[at]).collect();
        if later.is_empty() { None } else { Some(later[self.chance.between(0, later.len() - 1)]) }
    }

    fn step(&mut self) {
        let who = self.anybody();
        match self.chance.between(1, 24) {
            1 | 2 if !self.held.is_empty() => {
                let at = self.held.remove(0);
                self.line(&format!("open {}", LABELS[at]));
            }
            3 | 4 if !self.due.is_empty() => {
                let count = self.chance.between(1, 2);
                self.now += count;
                self.line(&format!("wait {count}"));
            }
            5 if self.servers.len() < LABELS.len() => self.start(who),
            6 if !self.kept.is_empty() => {
                let (at, key) = self.kept.remove(0);
                self.line(&format!("{}: answer k{key} late", LABELS[at]));
            }
            7 if !self.timers.is_empty() => {
                let (at, key) = self.timers.remove(0);
                self.line(&format!("{}: cancel t{key}", LABELS[at]));
            }
            _ => {
                let mut actions = vec![self.action(who, 2)];
                // Whoever has killed somebody may be as good as dead, and would notice at its next await only.
                let may_go_on = !["kill", "exit"].iter().any(|verb| actions[0].starts_with(verb));
                if may_go_on && self.chance.one_in(3) {
                    actions.push(self.action(who, 2));
                }
                actions.extend(self.ending(who));
                self.line(&format!("{}: {}", LABELS[who], actions.join("; ")));
            }
        }
    }

    /// A process starts another, which is then the last one.
    fn start(&mut self, who: usize) {
        let label = LABELS[self.servers.len()];
        let tie = self.chance.of(&["", " link", " link", " monitor"]);
        let is_server = self.servers[who] && tie == " monitor" || !self.chance.one_in(4);
        self.servers.push(is_server);
        if is_server {
            let init = self.chance.of(&["[]", "[trap on]", "[then [say begun]]"]);
            self.line(&format!("{}: start server {label}{tie} {init}", LABELS[who]));
        } else {
            self.line(&format!("{}: start plain {label}{tie} []", LABELS[who]));
        }
    }

    /// Something to do for this process. `depth` says how often somebody may be told to tell somebody something.
    fn action(&mut self, who: usize, depth: usize) -> String {
        let whom = self.anybody();
        let label = LABELS[whom];
        let (_, other) = self.but(who);
        match self.chance.between(1, 24) {
            1 | 2 => format!("link {label}"),
            3 => format!("unlink {label}"),
            4 | 5 => format!("monitor {label}"),
            6 => format!("trap {}", self.chance.of(&["on", "on", "off"])),
            7 | 8 => format!("exit {other} {}", self.reason()),
            9 if depth > 0 || self.chance.one_in(3) => format!("kill {other}"),
            10 | 11 if depth > 0 && self.servers[whom] => format!("cast {label} [{}]", self.program(whom, depth - 1)),
            12 | 13 if depth > 0 => format!("send {label} [{}]", self.program(whom, depth - 1)),
            14..=17 if depth > 0 => match self.later_server(who) {
                Some(server) => {
                    let verb = self.chance.of(&["call", "call", "call", "call!"]);
                    format!("{verb} {} [{}]", LABELS[server], self.answer(server, depth - 1))
                }
                None => "say idle".to_owned(),
            },
            18 if depth > 0 => match self.later_server(who) {
                Some(server) => format!("halt {} {}", LABELS[server], self.chance.of(&["normal", "shutdown", "boom"])),
                None => "say alone".to_owned(),
            },
            19 if self.servers[whom] => match self.deadline() {
                Some(count) => {
                    self.keys += 1;
                    self.timers.push((who, self.keys));
                    format!("timer t{} {count} {label} [say due]", self.keys)
                }
                None => "say busy".to_owned(),
            },
            20 if depth == 2 => {
                self.held.push(who);
                "hold".to_owned()
            }
            21 if depth > 0 => {
                // What it does must not bring the next one, or it would do that for ever.
                let what = self.chance.of(&["exit", "exit", "down"]);
                let does = ["say told"].into_iter().map(str::to_owned).chain(self.ending(who)).collect::<Vec<_>>();
                format!("on {what} [{}]", does.join("; "))
            }
            22 if self.servers[who] => format!("on terminate [say {}]", self.chance.of(&["ended", "over"])),
            23 if depth > 0 => match self.later_server(who) {
                Some(server) => {
                    self.keys += 1;
                    let key = self.keys;
                    let asked = self.answer(server, depth - 1);
                    format!("request r{key} {} [{asked}]; receive r{key}", LABELS[server])
                }
                None => "say lonely".to_owned(),
            },
            24 if depth > 0 => match self.later_server(who) {
                Some(server) => {
                    let answer = self.answer(server, depth - 1);
                    format!("call @{}_ [{answer}]", LABELS[server])
                }
                None => format!("cast @{}_ [say named]", LABELS[whom]),
            },
            _ => format!("say {}", self.chance.of(&["yes", "no", "well"])),
        }
    }

    /// In how many ticks something may be due, if there is a free one.
    fn deadline(&mut self) -> Option<usize> {
        let count = self.chance.between(1, 3);
        self.due.insert(self.now + count).then_some(count)
    }

    fn reason(&mut self) -> &'static str {
        self.chance.of(&["boom", "boom", "normal", "shutdown", "shutdown(idle)", "kill"])
    }

    /// What a cast or a message has a process do.
    fn program(&mut self, who: usize, depth: usize) -> String {
        let mut actions = vec![self.action(who, depth)];
        actions.extend(self.ending(who));
        actions.join("; ")
    }

    /// How a callback that answers nobody returns, unless it simply waits.
    fn ending(&mut self, who: usize) -> Option<String> {
        Some(match self.chance.between(1, 24) {
            1 => format!("stop {}", self.reason_of_own()),
            2 => "raise oops".to_owned(),
            3 => "fail gone".to_owned(),
            4 if self.servers[who] => "then [say more]".to_owned(),
            5 if self.servers[who] => "hibernate".to_owned(),
            6 if self.servers[who] => format!("idle {}", self.deadline()?),
            _ => return None,
        })
    }

    /// A reason that a process ends with by itself.
    fn reason_of_own(&mut self) -> &'static str {
        self.chance.of(&["boom", "boom", "normal", "shutdown", "shutdown(done)", "kill"])
    }

    /// What a call has a server do.
    fn answer(&mut self, who: usize, depth: usize) -> String {
        let mut actions = Vec::new();
        if !self.chance.one_in(3) {
            actions.push(self.action(who, depth));
        }
        actions.push(match self.chance.between(1, 14) {
            1 => format!("stop {}", self.reason_of_own()),
            2 => format!("stop_reply {} bye", self.reason_of_own()),
            3 => "raise oops".to_owned(),
            4 => "fail gone".to_owned(),
            5 => "reply_then yes [say more]".to_owned(),
            6 => "respond early; hibernate".to_owned(),
            7 => {
                self.keys += 1;
                self.kept.push((who, self.keys));
                format!("keep k{}", self.keys)
            }
            _ => "reply yes".to_owned(),
        });
        actions.join("; ")
    }
}

#[cfg(test)]
mod tests {
    //! Facts about drawn scripts.

    use super::*;

    #[test]
    fn a_seed_draws_one_script() {
        assert_eq!(script(7), script(7));
        assert_ne!(script(7).steps, script(8).steps);
    }

    #[test]
    fn what_is_drawn_can_be_read() {
        for seed in 0..500 {
            let script = script(seed);
            assert!(script.steps.len() >= 9, "{script}");
        }
    }
}
