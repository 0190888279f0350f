//! The status of a server, as tools show it.

use crate::process::mail::{Doing, Run};
use crate::values::info::{Callback, Status};

impl Callback {
    pub(crate) fn of(doing: Doing) -> Option<Self> {
        Some(match doing {
            Doing::Nothing => return None,
            Doing::Init => Self::Init,
            Doing::Call => Self::Call,
            Doing::Cast => Self::Cast,
            Doing::Info => Self::Info,
            Doing::Idle => Self::Idle,
            Doing::Terminate => Self::Terminate,
        })
    }
}

pub(crate) fn status(run: Run, closed: bool, suspended: bool, hibernated: bool, doing: Doing) -> Status {
    let callback = Callback::of(doing);
    match run {
        Run::Running => callback.map_or(Status::Scheduled, Status::Running),
        Run::Awaiting => Status::Awaiting(callback.unwrap_or(Callback::Info)),
        Run::Dead => Status::Ending,
        Run::Idle | Run::Scheduled if closed => Status::Ending,
        Run::Idle | Run::Scheduled if suspended => Status::Suspended,
        Run::Idle if hibernated => Status::Hibernated,
        Run::Idle => Status::Waiting,
        Run::Scheduled => Status::Scheduled,
    }
}
