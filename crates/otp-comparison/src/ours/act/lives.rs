//! Starting processes, and stopping them.

use std::sync::Arc;

use genserver::StartError;

use super::{Actor, Done, Me, block, has, option, within};
use crate::ours::puppet::{self, Info, Options, Plan, Puppet};
use crate::ours::world::{World, ticks};
use crate::ours::{Way, plain};
use crate::script::{Arg, Program};
use crate::words;

impl Actor {
    /// Does it if it is one of these.
    pub(super) async fn live(&mut self, verb: &str, args: &[Arg], me: &mut Me<'_>) -> Option<Done> {
        match (verb, args) {
            ("start", [Arg::Word(kind), Arg::Word(label), rest @ ..]) => {
                let options = options(rest);
                let started = if kind == "plain" {
                    self.spawn(label, &options, block(rest), me)
                } else {
                    self.start(label, &options, block(rest), me).await
                };
                self.log(format!("start {label} -> {}", self.started(started)));
            }
            ("halt", [Arg::Word(word), Arg::Word(reason), rest @ ..]) => {
                let stopped = match self.world.find(word) {
                    None => "noproc".to_owned(),
                    Some((process, _)) => {
                        let stop = process.stop().reason(words::reason(reason));
                        let stop = match within(rest) {
                            Some(count) => stop.timeout(ticks(count)),
                            None => stop,
                        };
                        stop.await.map_or_else(|error| words::of_stop(&error), |()| "ok".to_owned())
                    }
                };
                self.log(format!("halt {word} -> {stopped}"));
            }
            _ => return None,
        }
        Some(Done::Next)
    }

    fn started(&self, started: Result<(), StartError>) -> String {
        match started {
            Ok(()) => "ok".to_owned(),
            Err(StartError::AlreadyStarted { pid, .. }) => format!("taken {}", self.world.called(pid)),
            Err(StartError::Ignored { .. }) => "ignored".to_owned(),
            Err(error) => format!("failed {}", words::of_start(&error)),
        }
    }

    async fn start(
        &mut self,
        label: &str,
        options: &Options,
        init: Program,
        me: &mut Me<'_>,
    ) -> Result<(), StartError> {
        let plan = Plan { world: Arc::clone(&self.world), label: label.to_owned(), init, ward_of: None };
        if !options.monitor {
            return puppet::start(plan, options).await.map(drop);
        }
        let inline = self.world.way != Way::Queued;
        let (_, reference) = match me {
            Me::Server(cx) => {
                cx.start_monitor::<Puppet>(plan, Info::Down).with(|start| options.set(start).inline(inline)).await?
            }
            Me::Plain(me) => me.start_monitor::<Puppet>(plan).with(|start| options.set(start).inline(inline)).await?,
        };
        self.monitors.insert(label.to_owned(), reference);
        Ok(())
    }

    fn spawn(&mut self, label: &str, options: &Options, init: Program, me: &mut Me<'_>) -> Result<(), StartError> {
        let life = plain::life(&self.world, label, init);
        match me {
            Me::Plain(me) if options.monitor => {
                let (_, reference) = me.spawn_monitor(life)?;
                self.monitors.insert(label.to_owned(), reference);
            }
            _ if options.link => drop(genserver::spawn_link(life)?),
            _ => drop(genserver::spawn(life)?),
        }
        Ok(())
    }
}

/// Starts a first process of a script.
pub(in crate::ours) async fn first(
    world: &Arc<World>,
    kind: &str,
    label: &str,
    args: &[Arg],
) -> Result<(), StartError> {
    if kind == "plain" {
        return genserver::spawn(plain::life(world, label, block(args))).map(drop);
    }
    let plan = Plan { world: Arc::clone(world), label: label.to_owned(), init: block(args), ward_of: None };
    puppet::start(plan, &options(args)).await.map(drop)
}

/// What a script says about a start.
fn options(args: &[Arg]) -> Options {
    let name = match option(args, "name") {
        Some(Arg::Word(name)) => Some(name.clone()),
        _ => None,
    };
    let hibernate_after = match option(args, "hibernate_after") {
        Some(Arg::Number(count)) => Some(*count),
        _ => None,
    };
    Options { link: has(args, "link"), monitor: has(args, "monitor"), name, within: within(args), hibernate_after }
}
