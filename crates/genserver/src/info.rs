//! What can be seen of a process from outside.

use std::time::Instant;

use crate::pid::Pid;
use crate::process::mail::{Doing, Run};

/// A look at one process.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProcessInfo {
    /// Which process this is.
    pub pid: Pid,
    /// Its name.
    pub name: Option<String>,
    /// Its label.
    pub label: Option<String>,
    /// The type of the server in it.
    pub server: &'static str,
    /// Whoever started it linked.
    pub parent: Option<Pid>,
    /// What it is doing.
    pub status: Status,
    /// How many calls, casts and infos wait.
    pub mailbox: usize,
    /// Which processes it is linked to.
    pub links: Vec<Pid>,
    /// How many monitors watch it.
    pub monitors: usize,
    /// Whether it traps exits.
    pub traps_exits: bool,
    /// Since when its callback has been awaiting something.
    pub awaiting_since: Option<Instant>,
    /// Whether it has needed a task of the runtime so far.
    pub has_task: bool,
}

/// What a process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// It waits for a message.
    Waiting,
    /// It waits, having given its memory back.
    Hibernated,
    /// Somebody suspended it.
    Suspended,
    /// Something waits for it, and its task will come.
    Scheduled,
    /// It runs a callback.
    Running(Callback),
    /// Its callback awaits something.
    Awaiting(Callback),
    /// It ends.
    Ending,
}

/// Which callback runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Callback {
    /// `init`
    Init,
    /// `handle_call`
    Call,
    /// `handle_cast`
    Cast,
    /// `handle_info`
    Info,
    /// `handle_idle`
    Idle,
    /// `terminate`
    Terminate,
}

pub(crate) fn status(run: Run, closed: bool, suspended: bool, hibernated: bool, doing: Doing) -> Status {
    let callback = match doing {
        Doing::Init => Callback::Init,
        Doing::Cast => Callback::Cast,
        Doing::Info => Callback::Info,
        Doing::Idle => Callback::Idle,
        Doing::Terminate => Callback::Terminate,
        Doing::Call | Doing::Nothing => Callback::Call,
    };
    match run {
        Run::Running if doing == Doing::Nothing => Status::Scheduled,
        Run::Running => Status::Running(callback),
        Run::Awaiting => Status::Awaiting(callback),
        Run::Dead => Status::Ending,
        Run::Idle | Run::Scheduled if closed => Status::Ending,
        Run::Idle | Run::Scheduled if suspended => Status::Suspended,
        Run::Idle if hibernated => Status::Hibernated,
        Run::Idle => Status::Waiting,
        Run::Scheduled => Status::Scheduled,
    }
}
