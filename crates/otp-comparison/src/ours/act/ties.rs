//! Links, monitors, exits and names.

use genserver::{LinkError, Name, ProcessRef};

use super::{Actor, Me};
use crate::ours::puppet::Info;
use crate::ours::world::name;
use crate::script::Arg;
use crate::words;

impl Actor {
    /// Does it if it is one of these.
    pub(super) fn tie(&mut self, verb: &str, args: &[Arg], me: &mut Me<'_>) -> bool {
        match (verb, args) {
            ("link" | "unlink" | "monitor" | "alive" | "kill", [Arg::Word(word)]) => match self.world.find(word) {
                Some((process, _)) => self.tie_with(verb, word, &process, me),
                None => self.log(format!("{verb} {word} -> nobody")),
            },
            ("exit", [Arg::Word(word), Arg::Word(reason)]) => match self.world.find(word) {
                Some((process, _)) => process.exit(words::reason(reason)),
                None => self.log(format!("exit {word} -> nobody")),
            },
            ("demonitor", [Arg::Word(word)]) => {
                if let Some(reference) = self.monitors.remove(word) {
                    match me {
                        Me::Server(cx) => drop(cx.demonitor(reference)),
                        Me::Plain(me) => drop(me.demonitor(reference)),
                    }
                }
            }
            ("trap", [Arg::Word(on)]) => match me {
                Me::Server(cx) if on == "on" => cx.trap_exits(Info::Exit),
                Me::Server(cx) => cx.untrap_exits(),
                Me::Plain(me) => me.trap_exits(on == "on"),
            },
            ("whereis", [Arg::Word(word)]) => {
                let found = name(word).and_then(|name| self.world.node.whereis(name));
                let found = found.map_or_else(|| "nobody".to_owned(), |process| self.world.called(process.pid()));
                self.log(format!("whereis {word} -> {found}"));
            }
            ("register", [Arg::Word(word)]) => {
                let registered = match (me, name(word)) {
                    (Me::Plain(me), Some(name)) => register(me, name),
                    _ => "only a plain process can take a name later",
                };
                self.log(format!("register {word} -> {registered}"));
            }
            _ => return false,
        }
        true
    }

    fn tie_with(&mut self, verb: &str, word: &str, process: &ProcessRef, me: &mut Me<'_>) {
        match verb {
            "link" => {
                let linked: Result<(), LinkError> = match me {
                    Me::Server(cx) => cx.link(process),
                    Me::Plain(me) => me.link(process),
                };
                if linked.is_err() {
                    self.log(format!("link {word} -> noproc"));
                }
            }
            "unlink" => match me {
                Me::Server(cx) => drop(cx.unlink(process)),
                Me::Plain(me) => drop(me.unlink(process)),
            },
            "monitor" => {
                let reference = match me {
                    Me::Server(cx) => cx.monitor(process, Info::Down),
                    Me::Plain(me) => me.monitor(process),
                };
                self.monitors.insert(word.to_owned(), reference);
            }
            "kill" => process.kill(),
            _ => self.log(format!("alive {word} -> {}", process.is_alive())),
        }
    }
}

fn register(me: &genserver::Probe<crate::ours::plain::Mail>, name: Name) -> &'static str {
    match me.register(name) {
        Ok(()) => "ok",
        Err(_) => "taken",
    }
}
