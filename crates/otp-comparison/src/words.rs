//! Reasons as words: `boom`, `shutdown(idle)`, `panic(boom)`. Both sides write them alike.

use genserver::supervisor::{FailedToStartChild, SpecError};
use genserver::sys::SysError;
use genserver::{CallError, Reason, StartError, StopError};

/// The reason that a word of a script means.
pub(crate) fn reason(word: &str) -> Reason {
    match word {
        "normal" => Reason::Normal,
        "shutdown" => Reason::Shutdown,
        "kill" => Reason::Kill,
        "killed" => Reason::Killed,
        "noproc" => Reason::NoProc,
        _ => match word.strip_prefix("shutdown(").and_then(|rest| rest.strip_suffix(')')) {
            Some(detail) => Reason::shutdown_with(detail.to_owned()),
            None => Reason::term(word.to_owned()),
        },
    }
}

/// What a trace says for a reason.
pub(crate) fn of_reason(reason: &Reason) -> String {
    match reason {
        Reason::Normal => "normal".to_owned(),
        Reason::Shutdown => "shutdown".to_owned(),
        Reason::ShutdownWith(term) => match term.downcast_ref::<FailedToStartChild>() {
            Some(failed) => format!("shutdown(failed_to_start {} {})", failed.id, of_start(&failed.error)),
            None => format!("shutdown({term})"),
        },
        Reason::Kill => "kill".to_owned(),
        Reason::Killed => "killed".to_owned(),
        Reason::NoProc => "noproc".to_owned(),
        Reason::Panic(panic) => format!("panic({})", panic.message()),
        Reason::Error(failure) => match reason.downcast_ref::<CallError>() {
            Some(error) => format!("call({})", of_call(error)),
            None if reason.downcast_ref::<SpecError>().is_some() => "bad_spec".to_owned(),
            None => failure.to_string(),
        },
        other => other.to_string(),
    }
}

/// What a trace says for a call that failed.
pub(crate) fn of_call(error: &CallError) -> String {
    match error {
        CallError::Timeout { .. } => "timeout".to_owned(),
        CallError::NoProc { .. } => "noproc".to_owned(),
        CallError::Exit { reason, .. } => of_reason(reason),
        CallError::NoReply { .. } => "no_reply".to_owned(),
        CallError::CallingSelf { .. } => "calling_self".to_owned(),
        CallError::Cycle { .. } => "cycle".to_owned(),
        other => other.to_string(),
    }
}

/// What a trace says for a stop that failed.
pub(crate) fn of_stop(error: &StopError) -> String {
    match error {
        StopError::NoProc { .. } => "noproc".to_owned(),
        StopError::CallingSelf { .. } => "calling_self".to_owned(),
        StopError::Timeout { .. } => "timeout".to_owned(),
        StopError::Exit { reason, .. } => of_reason(reason),
    }
}

/// What a trace says for a request of `sys` that failed.
pub(crate) fn of_sys(error: &SysError) -> String {
    match error {
        SysError::NoProc { .. } => "noproc".to_owned(),
        SysError::Exit { reason, .. } => of_reason(reason),
        SysError::CallingSelf { .. } => "calling_self".to_owned(),
        SysError::CallbackFailed { .. } => "failed".to_owned(),
        SysError::NoStatistics { .. } => "no_statistics".to_owned(),
        other => other.to_string(),
    }
}

/// What a trace says for a start that failed.
pub(crate) fn of_start(error: &StartError) -> String {
    match error {
        StartError::AlreadyStarted { .. } => "already_started".to_owned(),
        StartError::Ignored { .. } => "ignored".to_owned(),
        StartError::Failed { reason, .. } => of_reason(reason),
        StartError::Timeout { .. } => "timeout".to_owned(),
        other => other.to_string(),
    }
}
