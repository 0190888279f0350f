//! Looking into servers and holding them still: `sys`.

use genserver::{ServerRef, sys};

use super::{Actor, Done};
use crate::ours::puppet::Puppet;
use crate::ours::world::What;
use crate::script::Arg;
use crate::words;

impl Actor {
    /// Does it if it is one of these.
    pub(super) async fn look_inside(&self, verb: &str, args: &[Arg]) -> Option<Done> {
        let [Arg::Word(word), rest @ ..] = args else { return None };
        if !matches!(verb, "suspend" | "resume" | "state" | "replace" | "statistics") {
            return None;
        }
        let Some(server) = self.puppet(word) else {
            self.log(format!("{verb} {word} -> nobody"));
            return Some(Done::Next);
        };
        let done = match (verb, rest) {
            ("suspend", []) => said(sys::suspend(&server).no_timeout().await),
            ("resume", []) => said(sys::resume(&server).no_timeout().await),
            ("state", []) => {
                let state = sys::with_state(&server, Puppet::state).no_timeout().await;
                state.map_or_else(|error| words::of_sys(&error), |state| state.to_string())
            }
            ("replace", [new]) => {
                let new = new.clone();
                let replace = move |puppet: &mut Puppet| match new {
                    Arg::Number(new) => puppet.set_state(new),
                    // Not `panic!`, which would tell the whole world.
                    _ => std::panic::resume_unwind(Box::new("replace".to_owned())),
                };
                said(sys::update_state(&server, replace).no_timeout().await)
            }
            ("statistics", [Arg::Word(what)]) => match what.as_str() {
                "on" => said(sys::statistics_on(&server).no_timeout().await),
                "off" => said(sys::statistics_off(&server).no_timeout().await),
                _ => match sys::statistics(&server).no_timeout().await {
                    Ok(counted) => format!("in {}, out {}", counted.messages_in, counted.messages_out),
                    Err(error) => words::of_sys(&error),
                },
            },
            _ => return None,
        };
        self.log(format!("{verb} {word} -> {done}"));
        Some(Done::Next)
    }

    fn puppet(&self, word: &str) -> Option<ServerRef<Puppet>> {
        match self.world.find(word)? {
            (_, What::Server(server)) => Some(server),
            _ => None,
        }
    }
}

fn said(done: Result<(), sys::SysError>) -> String {
    done.map_or_else(|error| words::of_sys(&error), |()| "ok".to_owned())
}
