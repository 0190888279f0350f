//! Three to five servers and plain processes, with whatever can befall them.
//!
//! A call goes to a process that stands later in the alphabet: a cycle of calls would hang in OTP. A call is answered, its server
//! ends, keeps the client, or waits at a door; a server that forgets one would leave it hanging in OTP. Two things are never meant
//! to be due in the same tick. An init that fails has no link with its starter, which OTP would end.

use std::collections::BTreeSet;

use super::chance::Chance;

/// The text of a script.
pub(super) fn text(chance: Chance) -> String {
    let mut draft = Draft::new(chance);
    draft.cast();
    for _ in 0..draft.chance.between(6, 16) {
        draft.step();
    }
    draft.text
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
    /// Pairs of processes: the first has suspended the second.
    suspended: Vec<(usize, usize)>,
    /// Whether servers are suspended in this script; if not, they may hibernate. OTP's never rest that are told to do both.
    suspends: bool,
    now: usize,
    /// The ticks in which something is due.
    due: BTreeSet<usize>,
}

impl Draft {
    fn new(mut chance: Chance) -> Self {
        Self {
            suspends: chance.one_in(3),
            chance,
            text: String::new(),
            servers: Vec::new(),
            held: Vec::new(),
            keys: 0,
            kept: Vec::new(),
            timers: Vec::new(),
            suspended: Vec::new(),
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
            let name = if is_server && self.chance.one_in(2) { format!(" name @{label}_") } else { String::new() };
            let init = self.chance.of(&["", " [trap on]", ""]);
            self.line(&format!("{kind} {label}{name}{init}"));
        }
        for _ in 0..self.chance.between(1, 3) {
            let (who, target) = self.two();
            let tie = self.chance.of(&["link", "link", "monitor"]);
            self.line(&format!("{who}: {tie} {target}"));
        }
    }

    /// One process, and another.
    fn two(&mut self) -> (&'static str, &'static str) {
        let who = self.anybody();
        self.but(who)
    }

    /// This process, and another.
    fn but(&mut self, who: usize) -> (&'static str, &'static str) {
        let target = self.chance.between(0, self.servers.len() - 2);
        (LABELS[who], LABELS[target + usize::from(target >= who)])
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
            3..=5 if self.due.last().is_some_and(|last| *last > self.now) => {
                let count = self.chance.between(1, 2);
                self.now += count;
                self.line(&format!("wait {count}"));
            }
            6 | 7 if self.servers.len() < LABELS.len() => self.start(who),
            8 if !self.kept.is_empty() => {
                let (at, key) = self.kept.remove(0);
                self.line(&format!("{}: answer k{key} late", LABELS[at]));
            }
            9 if !self.timers.is_empty() => {
                let (at, key) = self.timers.remove(0);
                let verb = self.chance.of(&["cancel", "cancel", "read"]);
                self.line(&format!("{}: {verb} t{key}", LABELS[at]));
            }
            10 if !self.suspended.is_empty() => {
                let (who, target) = self.suspended.remove(0);
                self.line(&format!("{}: resume {}", LABELS[who], LABELS[target]));
            }
            _ => {
                let mut actions = vec![self.action(who, 2)];
                // A process that has killed another may be doomed itself, and would notice at its next await only.
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
            let sleeps = if self.suspends { "[say up]" } else { "[say up; hibernate]" };
            let init = self.chance.of(&["[]", "[trap on]", "[then [say begun]]", sleeps]);
            // OTP would end a linked starter.
            let fails = tie != " link" && self.chance.one_in(4);
            let init = if fails {
                self.chance.of(&["[stop no]", "[fail no]", "[raise no]", "[ignore]", "[hold]"])
            } else {
                init
            };
            let named = if self.chance.one_in(3) { self.anybody() } else { self.servers.len() - 1 };
            let name = if self.chance.one_in(2) { format!(" name @{}_", LABELS[named]) } else { String::new() };
            let mut within = String::new();
            if init == "[hold]" {
                match self.deadline() {
                    Some(count) if self.chance.one_in(2) => within = format!(" within {count}"),
                    _ => self.held.push(self.servers.len() - 1),
                }
            }
            self.line(&format!("{}: start server {label}{tie}{name}{within} {init}", LABELS[who]));
        } else {
            self.line(&format!("{}: start plain {label}{tie} []", LABELS[who]));
        }
    }

    /// Something to do for this process. `depth` says how often somebody may be told to tell somebody something.
    fn action(&mut self, who: usize, depth: usize) -> String {
        match self.chance.between(1, 10) {
            1..=3 => self.tie(who),
            4 => self.signal(who, depth),
            5..=7 if depth > 0 => self.talk(who, depth),
            8 => self.time(who, depth),
            9 => self.habit(who, depth),
            _ => format!("say {}", self.chance.of(&["yes", "no", "well"])),
        }
    }

    /// Links, monitors and names.
    fn tie(&mut self, who: usize) -> String {
        let target = self.anybody();
        // By its name, now and then.
        let at = if self.servers[target] && self.chance.one_in(5) { "@" } else { "" };
        let label = format!("{at}{}{}", LABELS[target], if at.is_empty() { "" } else { "_" });
        match self.chance.between(1, 10) {
            1..=4 => format!("link {label}"),
            5 => format!("unlink {label}"),
            6 | 7 => format!("monitor {label}"),
            8 => format!("demonitor {}", LABELS[target]),
            // Not a name by which a server is called.
            9 if !self.servers[who] && !self.servers[target] => format!("register @{}_", LABELS[target]),
            _ => format!("whereis @{}_", LABELS[target]),
        }
    }

    /// Exits.
    fn signal(&mut self, who: usize, depth: usize) -> String {
        let (_, other) = self.but(who);
        if self.chance.one_in(if depth > 0 { 3 } else { 6 }) {
            format!("kill {other}")
        } else {
            format!("exit {other} {}", self.reason())
        }
    }

    /// Messages, calls and stops.
    fn talk(&mut self, who: usize, depth: usize) -> String {
        let target = self.anybody();
        let label = LABELS[target];
        match self.chance.between(1, 14) {
            1 | 2 if self.servers[target] => format!("cast {label} [{}]", self.program(target, depth - 1)),
            3 | 4 => format!("send {label} [{}]", self.program(target, depth - 1)),
            5 => {
                let verb = if self.servers[target] { self.chance.of(&["cast", "send"]) } else { "send" };
                format!("{verb} @{label}_ [{}]", self.program(target, depth - 1))
            }
            _ => match self.later_server(who) {
                Some(server) => self.ask(who, server, depth),
                None => "say alone".to_owned(),
            },
        }
    }

    /// Waits for a server that stands behind.
    fn ask(&mut self, who: usize, server: usize, depth: usize) -> String {
        let label = LABELS[server];
        match self.chance.between(1, 14) {
            1..=4 => {
                let verb = self.chance.of(&["call", "call", "call", "call!"]);
                format!("{verb} {label} [{}]", self.answer(server, depth - 1))
            }
            5..=7 => {
                let answer = self.answer(server, depth - 1);
                let within = self.within();
                format!("call {label} [{answer}]{within}")
            }
            8 | 9 => {
                let answer = self.answer(server, depth - 1);
                format!("call @{label}_ [{answer}]{}", self.within())
            }
            10 => {
                let reason = self.chance.of(&["normal", "shutdown", "boom"]);
                let by = self.chance.of(&["", "", "@"]);
                let target = if by.is_empty() { label.to_owned() } else { format!("@{label}_") };
                format!("halt {target} {reason}{}", self.within())
            }
            11 | 12 => {
                self.keys += 1;
                let key = self.keys;
                let asked = self.answer(server, depth - 1);
                // In the same callback: what OTP has not fetched by then is a message.
                let awaited = if self.chance.one_in(3) { self.deadline() } else { None };
                let before = awaited.map_or_else(String::new, |count| format!("await r{key} within {count}; "));
                let fetch = format!("; {before}receive r{key}{}", self.within());
                format!("request r{key} {label} [{asked}]{fetch}")
            }
            _ if self.suspends => {
                self.suspended.push((who, server));
                format!("suspend {label}")
            }
            _ => format!("call {label} [reply yes]"),
        }
    }

    /// A time limit, or none.
    fn within(&mut self) -> String {
        if self.chance.one_in(3) {
            return String::new();
        }
        self.deadline().map_or_else(String::new, |count| format!(" within {count}"))
    }

    /// What takes time.
    fn time(&mut self, who: usize, depth: usize) -> String {
        let target = self.anybody();
        match self.chance.between(1, 4) {
            1 | 2 if self.servers[target] => match self.deadline() {
                Some(count) => {
                    self.keys += 1;
                    self.timers.push((who, self.keys));
                    format!("timer t{} {count} {} [say due]", self.keys, LABELS[target])
                }
                None => "say busy".to_owned(),
            },
            3 => match self.deadline() {
                Some(count) => format!("sleep {count}; say awake"),
                None => "say tired".to_owned(),
            },
            _ if depth > 0 => {
                self.held.push(who);
                "hold".to_owned()
            }
            _ => "say quick".to_owned(),
        }
    }

    /// What it does when something befalls it.
    fn habit(&mut self, who: usize, depth: usize) -> String {
        match self.chance.between(1, 6) {
            1 | 2 => format!("trap {}", self.chance.of(&["on", "on", "off"])),
            3 | 4 if depth > 0 => {
                // What it does must not bring the next one, or it would do that for ever.
                let what = self.chance.of(&["exit", "down"]);
                let does = ["say told".to_owned()].into_iter().chain(self.ending(who)).collect::<Vec<_>>();
                format!("on {what} [{}]", does.join("; "))
            }
            5 if self.servers[who] => {
                let (_, other) = self.but(who);
                let does = self.chance.of(&["say ended", "raise worse", "send", "unlink"]);
                let does = match does {
                    "send" => format!("say ended; send {other} [say heard]"),
                    "unlink" => format!("unlink {other}"),
                    does => does.to_owned(),
                };
                format!("on terminate [{does}]")
            }
            6 if self.servers[who] => {
                let does = self.chance.of(&["say silent", "stop normal", "stop boom"]);
                format!("on timeout [{does}]")
            }
            _ => "trap on".to_owned(),
        }
    }

    /// In how many ticks something may be due, if there is a free one.
    fn deadline(&mut self) -> Option<usize> {
        let count = self.chance.between(1, 4);
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
            5 if self.servers[who] && !self.suspends => "hibernate".to_owned(),
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
        actions.push(match self.chance.between(1, 18) {
            1 => format!("stop {}", self.reason_of_own()),
            2 => format!("stop_reply {} bye", self.reason_of_own()),
            3 => "raise oops".to_owned(),
            4 => "fail gone".to_owned(),
            5 => "reply_then yes [say more]".to_owned(),
            6 if !self.suspends => "respond early; hibernate".to_owned(),
            6 => "respond early".to_owned(),
            7 => {
                self.keys += 1;
                self.kept.push((who, self.keys));
                format!("keep k{}", self.keys)
            }
            8 => {
                self.held.push(who);
                "hold; reply yes".to_owned()
            }
            9 if !self.suspends => "reply_hibernate yes".to_owned(),
            10 => match self.deadline() {
                Some(count) if self.chance.one_in(2) => format!("reply_idle yes {count}"),
                Some(count) => format!("sleep {count}; reply yes"),
                None => "reply yes".to_owned(),
            },
            _ => "reply yes".to_owned(),
        });
        actions.join("; ")
    }
}
