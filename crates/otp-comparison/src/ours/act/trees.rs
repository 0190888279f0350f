//! Supervisors, static and dynamic.

use std::sync::Arc;
use std::time::Duration;

use genserver::dynamic_supervisor::{self, DynamicSupervisor};
use genserver::supervisor::{
    AutoShutdown, ChildSpec, ChildState, DeleteChildError, Restart, RestartChildError, Shutdown, StartChildError,
    Strategy, Supervisor, SupervisorSpec, TerminateChildError,
};
use genserver::{CallError, ProcessRef, ServerRef, Start, current_process};

use super::{Actor, Done, all_of, block, has, option};
use crate::ours::puppet::{self, Plan, Puppet};
use crate::ours::world::{What, World, name, ticks};
use crate::script::{Action, Arg, Program};
use crate::words;

impl Actor {
    /// Does it if it is one of these.
    pub(super) async fn tree(&mut self, verb: &str, args: &[Arg]) -> Option<Done> {
        match (verb, args) {
            ("sup", [Arg::Word(label), rest @ ..]) => {
                let started = match start(&self.world, label, rest).link().await {
                    Ok(supervisor) => {
                        self.world.is(label, What::Tree(supervisor));
                        "ok".to_owned()
                    }
                    Err(error) => format!("failed {}", words::of_start(&error)),
                };
                self.log(format!("sup {label} -> {started}"));
            }
            ("dynamic", [Arg::Word(label), Arg::Number(restarts), Arg::Number(seconds), ..]) => {
                let spec =
                    DynamicSupervisor::new().max_restarts(*restarts).within(Duration::from_secs((*seconds).into()));
                let started = match spec.start_link().await {
                    Ok(supervisor) => {
                        self.world.born(label, supervisor.process_ref(), What::Dynamic(supervisor));
                        "ok".to_owned()
                    }
                    Err(error) => format!("failed {}", words::of_start(&error)),
                };
                self.log(format!("dynamic {label} -> {started}"));
            }
            ("start_child", [Arg::Word(word), Arg::Block(program)]) => {
                let child = program.first()?;
                let Some(Arg::Word(id)) = child.args.first() else { return None };
                let started = match self.world.find(word)? {
                    (_, What::Tree(supervisor)) => {
                        of_start(&supervisor.start_child(child_spec(&self.world, Some(word), child)?).await)
                    }
                    (_, What::Dynamic(supervisor)) => {
                        of_dynamic_start(&supervisor.start_child(child_spec(&self.world, None, child)?).await)
                    }
                    _ => return None,
                };
                self.log(format!("start_child {word} {id} -> {started}"));
            }
            ("terminate_child" | "restart_child" | "delete_child", [Arg::Word(word), Arg::Word(id)]) => {
                let done = self.administer(verb, word, id).await?;
                self.log(format!("{verb} {word} {id} -> {done}"));
            }
            _ => return self.look_at(verb, args).await,
        }
        Some(Done::Next)
    }

    /// What a supervisor tells of its children.
    async fn look_at(&self, verb: &str, args: &[Arg]) -> Option<Done> {
        match (verb, args) {
            ("which", [Arg::Word(word)]) => {
                let children = match self.world.find(word)? {
                    (_, What::Tree(supervisor)) => supervisor.which_children().await,
                    (_, What::Dynamic(supervisor)) => supervisor.which_children().await,
                    _ => return None,
                };
                let children = match children {
                    Ok(children) => children.into_iter(),
                    Err(error) => return Some(self.failed(verb, word, &error)),
                };
                let mut children = children
                    .map(|child| match child.state {
                        ChildState::Running(_) => format!("{} running", child.info.id),
                        ChildState::Restarting => format!("{} restarting", child.info.id),
                        ChildState::Stopped => format!("{} stopped", child.info.id),
                    })
                    .collect::<Vec<_>>();
                if let (_, What::Dynamic(_)) = self.world.find(word)? {
                    children.sort();
                }
                self.log(format!("which {word} -> {}", all_of(&children)));
            }
            ("count", [Arg::Word(word)]) => {
                let counts = match self.world.find(word)? {
                    (_, What::Tree(supervisor)) => supervisor.count_children().await,
                    (_, What::Dynamic(supervisor)) => supervisor.count_children().await,
                    _ => return None,
                };
                let counts = match counts {
                    Ok(counts) => counts,
                    Err(error) => return Some(self.failed(verb, word, &error)),
                };
                self.log(format!(
                    "count {word} -> specs {}, active {}, supervisors {}, workers {}",
                    counts.specs, counts.active, counts.supervisors, counts.workers
                ));
            }
            _ => return None,
        }
        Some(Done::Next)
    }

    /// A question that nobody answers.
    fn failed(&self, verb: &str, word: &str, error: &CallError) -> Done {
        self.log(format!("{verb} {word} -> {}", words::of_call(error)));
        Done::Next
    }

    async fn administer(&self, verb: &str, word: &str, id: &str) -> Option<String> {
        let (child, _) = self.world.find(id).unzip();
        Some(match (self.world.find(word)?, verb) {
            ((_, What::Tree(supervisor)), "terminate_child") => match supervisor.terminate_child(id).await {
                Ok(()) => "ok".to_owned(),
                Err(TerminateChildError::NotFound { .. }) => "not_found".to_owned(),
                Err(TerminateChildError::Supervisor(error)) => words::of_call(&error),
                Err(error) => error.to_string(),
            },
            ((_, What::Tree(supervisor)), "restart_child") => match supervisor.restart_child(id).await {
                Ok(_) => "ok".to_owned(),
                Err(error) => of_restart(&error),
            },
            ((_, What::Tree(supervisor)), _) => match supervisor.delete_child(id).await {
                Ok(()) => "ok".to_owned(),
                Err(DeleteChildError::NotFound { .. }) => "not_found".to_owned(),
                Err(DeleteChildError::Running { .. }) => "running".to_owned(),
                Err(DeleteChildError::Restarting { .. }) => "restarting".to_owned(),
                Err(DeleteChildError::Supervisor(error)) => words::of_call(&error),
                Err(error) => error.to_string(),
            },
            ((_, What::Dynamic(supervisor)), "terminate_child") => match supervisor.terminate_child(&child?).await {
                Ok(()) => "ok".to_owned(),
                Err(dynamic_supervisor::TerminateChildError::NotFound { .. }) => "not_found".to_owned(),
                Err(dynamic_supervisor::TerminateChildError::Supervisor(error)) => words::of_call(&error),
                Err(error) => error.to_string(),
            },
            _ => return None,
        })
    }
}

/// The start of a supervisor: `one_for_one 3 5 auto any [child ...]`.
fn start(world: &Arc<World>, label: &str, args: &[Arg]) -> Start<genserver::supervisor::SupervisorServer, Supervisor> {
    let (made_in, made_for, said) = (Arc::clone(world), label.to_owned(), args.to_vec());
    let start = Supervisor::start_with(move || {
        let own = current_process().expect("a supervisor makes its spec in its own process");
        let (called, _) = made_in.born(&made_for, own, What::Unknown);
        spec(&made_in, &called, &said)
    });
    match option(args, "name") {
        Some(Arg::Word(word)) => start.name(name(word).expect("a name begins with `@` or `%`")),
        _ => start,
    }
}

fn spec(world: &Arc<World>, called: &str, args: &[Arg]) -> Option<SupervisorSpec> {
    let [Arg::Word(strategy), Arg::Number(restarts), Arg::Number(seconds), ..] = args else { return None };
    let strategy = match strategy.as_str() {
        "one_for_one" => Strategy::OneForOne,
        "one_for_all" => Strategy::OneForAll,
        "rest_for_one" => Strategy::RestForOne,
        _ => return None,
    };
    let auto_shutdown = match option(args, "auto") {
        Some(Arg::Word(any)) if any == "any" => AutoShutdown::AnySignificant,
        Some(Arg::Word(all)) if all == "all" => AutoShutdown::AllSignificant,
        _ => AutoShutdown::Never,
    };
    let children: Option<Vec<_>> = block(args).iter().map(|child| child_spec(world, Some(called), child)).collect();
    let spec = SupervisorSpec::new(strategy).max_restarts(*restarts).within(Duration::from_secs((*seconds).into()));
    Some(spec.auto_shutdown(auto_shutdown).children(children?))
}

/// The spec of a child: `child c1 permanent 5 significant [init]`, or `child_sup s2 one_for_one 3 5 [child ...]`.
fn child_spec(world: &Arc<World>, ward_of: Option<&str>, child: &Action) -> Option<ChildSpec> {
    let Some(Arg::Word(id)) = child.args.first() else { return None };
    let world = Arc::clone(world);
    if child.verb == "child_sup" {
        let (label, rest) = (id.clone(), child.args[1..].to_vec());
        return Some(ChildSpec::supervisor(id.clone(), move || start(&world, &label, &rest)).untyped());
    }
    let (label, init, ward_of): (_, Program, _) = (id.clone(), block(&child.args), ward_of.map(str::to_owned));
    let spec: ChildSpec<Puppet, ServerRef<Puppet>> = ChildSpec::server(id.clone(), move || {
        let plan =
            Plan { world: Arc::clone(&world), label: label.clone(), init: Arc::clone(&init), ward_of: ward_of.clone() };
        puppet::start_child(plan)
    });
    let [_, Arg::Word(restart), shutdown, ..] = child.args.as_slice() else { return None };
    let restart = match restart.as_str() {
        "permanent" => Restart::Permanent,
        "transient" => Restart::Transient,
        _ => Restart::Temporary,
    };
    let shutdown = match shutdown {
        Arg::Number(count) => Shutdown::After(ticks(*count)),
        Arg::Word(word) if word == "infinity" => Shutdown::Infinity,
        _ => Shutdown::BrutalKill,
    };
    Some(spec.restart(restart).shutdown(shutdown).significant(has(&child.args, "significant")).untyped())
}

fn of_start(started: &Result<ProcessRef, StartChildError>) -> String {
    match started {
        Ok(_) => "ok".to_owned(),
        Err(StartChildError::AlreadyStarted { .. }) => "already_started".to_owned(),
        Err(StartChildError::AlreadyPresent { .. }) => "already_present".to_owned(),
        Err(StartChildError::Ignored { .. }) => "ignored".to_owned(),
        Err(StartChildError::Failed { error, .. }) => format!("failed {}", words::of_start(error)),
        Err(StartChildError::Supervisor(error)) => words::of_call(error),
        Err(StartChildError::Spec(_)) => "failed bad_spec".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn of_dynamic_start(started: &Result<ProcessRef, dynamic_supervisor::StartChildError>) -> String {
    match started {
        Ok(_) => "ok".to_owned(),
        Err(dynamic_supervisor::StartChildError::Ignored { .. }) => "ignored".to_owned(),
        Err(dynamic_supervisor::StartChildError::Failed { error, .. }) => {
            format!("failed {}", words::of_start(error))
        }
        Err(dynamic_supervisor::StartChildError::Supervisor(error)) => words::of_call(error),
        Err(error) => error.to_string(),
    }
}

fn of_restart(error: &RestartChildError) -> String {
    match error {
        RestartChildError::NotFound { .. } => "not_found".to_owned(),
        RestartChildError::Running { .. } => "running".to_owned(),
        RestartChildError::Restarting { .. } => "restarting".to_owned(),
        RestartChildError::Ignored { .. } => "ignored".to_owned(),
        RestartChildError::Failed { error, .. } => format!("failed {}", words::of_start(error)),
        RestartChildError::Supervisor(error) => words::of_call(error),
        other => other.to_string(),
    }
}
