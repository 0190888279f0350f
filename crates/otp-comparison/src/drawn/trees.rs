//! A supervisor, its children, who started it, and a stranger.
//!
//! A child keeps its link, because OTP's supervisor would miss it. A child of a dynamic supervisor is not ignored at a restart,
//! because OTP's would keep a place for it. Nobody waits at a door where a restart fails: the next attempt comes by the clock
//! here, and OTP's does not wait for what is asked meanwhile. The starter traps exits, because OTP would end it when a start fails. A shutdown waits for no clock: a child that
//! takes its time is killed at once or gets as long as it wants, or two ticks, in which nothing else is due.

use super::chance::Chance;

const STARTER: &str = "a";
const STRANGER: &str = "z";

/// The ids of children, which are their labels as well.
const IDS: [&str; 6] = ["b", "c", "d", "e", "f", "g"];

const RESTARTS: [&str; 3] = ["permanent", "transient", "temporary"];

/// The text of a script.
pub(super) fn text(mut chance: Chance) -> String {
    let holds = chance.one_in(2);
    let mut draft =
        Draft { chance, text: String::new(), children: Vec::new(), held: Vec::new(), holds, dynamic: None, ends: "" };
    draft.cast();
    for _ in 0..draft.chance.between(5, 12) {
        draft.step();
    }
    draft.text
}

/// A script as far as it is drawn.
struct Draft {
    chance: Chance,
    text: String,
    /// The ids of the children that there may be, in the order in which they start.
    children: Vec<&'static str>,
    /// Those that may be waiting at a door.
    held: Vec<&'static str>,
    /// Whether children wait at doors in this script; if not, they may fail to start again.
    holds: bool,
    /// How a dynamic supervisor has all its children: OTP's has one spec for all.
    dynamic: Option<(&'static str, &'static str)>,
    /// How significant children end the supervisor, if they do.
    ends: &'static str,
}

impl Draft {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn cast(&mut self) {
        self.line(&format!("server {STARTER} [trap on]"));
        let traps = self.chance.of(&["", " [trap on]"]);
        self.line(&format!("server {STRANGER}{traps}"));
        let most = self.chance.between(0, 4);
        if self.chance.one_in(4) {
            let (restart, shutdown) = (self.chance.of(&RESTARTS), self.shutdown());
            self.dynamic = Some((restart, shutdown));
            self.line(&format!("{STARTER}: dynamic s {most} 1000 {restart} {shutdown}"));
            for _ in 0..self.chance.between(1, 3) {
                self.add();
            }
            return;
        }
        let strategy = self.chance.of(&["one_for_one", "one_for_all", "rest_for_one"]);
        self.ends = self.chance.of(&["", "", "", " auto any", " auto all"]);
        let count = self.chance.between(1, 4);
        let mut children: Vec<String> = (0..count).map(|_| self.child()).collect();
        if self.chance.one_in(4) {
            let id = IDS[self.children.len()];
            self.children.push(id);
            let inner = self.chance.of(&["one_for_one", "one_for_all"]);
            let most = self.chance.between(0, 1);
            let place = self.chance.between(0, children.len());
            children.insert(place, format!("child_sup t {inner} {most} 1000 [child {id} permanent infinity []]"));
        }
        let ends = self.ends;
        self.line(&format!("{STARTER}: sup s {strategy} {most} 1000{ends} [{}]", children.join("; ")));
    }

    /// The spec of one more child.
    fn child(&mut self) -> String {
        let id = IDS[self.children.len()];
        self.children.push(id);
        let restart = if !self.ends.is_empty() && self.chance.one_in(2) {
            self.chance.of(&["transient significant", "temporary significant"])
        } else {
            self.chance.of(&RESTARTS)
        };
        let (restart, significant) = restart.split_once(' ').unwrap_or((restart, ""));
        let (shutdown, init) = (self.shutdown(), self.init());
        let (restart, shutdown) = self.dynamic.unwrap_or((restart, shutdown));
        format!("child {id} {restart} {shutdown} {significant} [{init}]").replace("  ", " ")
    }

    /// How long a child may take to end.
    fn shutdown(&mut self) -> &'static str {
        self.chance.of(&["infinity", "infinity", "brutal", "2"])
    }

    /// What a child does in its init, the first time and after restarts.
    fn init(&mut self) -> String {
        let mut does = Vec::new();
        if self.chance.one_in(2) {
            does.push("trap on".to_owned());
        }
        if self.chance.one_in(4) {
            let at_the_end = self.chance.of(&["say over", "raise worse", "send z [say bye]"]);
            does.push(format!("on terminate [{at_the_end}]"));
        }
        if self.chance.one_in(if self.holds { 12 } else { 3 }) {
            let number = self.chance.between(1, 3);
            let number = if number == 1 && !self.chance.one_in(4) { 2 } else { number };
            let number = if self.holds { 1 } else { number };
            let ignores = if self.dynamic.is_none() { "ignore" } else { "stop no" };
            let fails = self.chance.of(&["stop no", ignores, "fail no", "raise no", "stop normal", "stop shutdown"]);
            does.push(format!("only {number} [{fails}]"));
        }
        if self.chance.one_in(6) {
            does.push("then [say begun]".to_owned());
        }
        does.join("; ")
    }

    /// The starter adds a child, if there is an id for it.
    fn add(&mut self) {
        if self.children.len() < IDS.len() {
            let child = self.child();
            self.line(&format!("{STARTER}: start_child s [{child}]"));
        }
    }

    fn one(&mut self) -> &'static str {
        self.children[self.chance.between(0, self.children.len() - 1)]
    }

    fn step(&mut self) {
        let one = self.one();
        match self.chance.between(1, 24) {
            1..=6 => {
                let ending = self.ending();
                self.line(&format!("{one}: {ending}"));
            }
            7 | 8 => {
                let (who, reason) = (self.chance.of(&[STARTER, STRANGER]), self.reason());
                self.line(&format!("{who}: exit {one} {reason}"));
            }
            9 => self.line(&format!("{STRANGER}: kill {one}")),
            10 => {
                let count = if self.dynamic.is_none() { "; count s" } else { "" };
                self.line(&format!("{STARTER}: which s{count}"));
            }
            11 | 12 => self.add(),
            13 | 14 if self.dynamic.is_none() => {
                let verb = self.chance.of(&["terminate_child", "restart_child", "delete_child"]);
                self.line(&format!("{STARTER}: {verb} s {one}; which s"));
            }
            15 => {
                let tie = self.chance.of(&["link", "monitor"]);
                self.line(&format!("{STRANGER}: {tie} {one}"));
            }
            16 => {
                let ending = self.ending();
                self.line(&format!("{STRANGER}: call {one} [{ending}]"));
            }
            17 => {
                let ending = self.ending();
                let other = self.one();
                self.line(&format!("{one}: cast {other} [{ending}]"));
            }
            18 | 19 if self.holds => {
                self.held.push(one);
                self.line(&format!("{one}: hold"));
            }
            20 if !self.held.is_empty() => {
                let held = self.held.remove(0);
                self.line(&format!("open {held}"));
            }
            21 => self.line("wait 2"),
            22 => {
                let trap = self.chance.of(&["trap on", "trap off", "on terminate [say late]"]);
                self.line(&format!("{one}: {trap}"));
            }
            23 => {
                let end =
                    self.chance.of(&["halt s shutdown", "halt s normal", "exit s shutdown", "exit s boom", "kill s"]);
                let who = self.chance.of(&[STARTER, STRANGER]);
                self.line(&format!("{who}: {end}"));
            }
            24 if self.chance.one_in(2) => {
                let ending = self.ending();
                self.line(&format!("{STARTER}: {ending}"));
            }
            _ => self.line(&format!("{one}: say well")),
        }
    }

    /// How a child ends by itself.
    fn ending(&mut self) -> String {
        match self.chance.between(1, 6) {
            1 => "raise oops".to_owned(),
            2 => "fail gone".to_owned(),
            _ => format!("stop {}", self.reason()),
        }
    }

    fn reason(&mut self) -> &'static str {
        self.chance.of(&["boom", "boom", "normal", "shutdown", "shutdown(done)"])
    }
}
