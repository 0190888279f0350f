//! A run that stops at a step, and shows every process as it is then.

use std::env;
use std::fmt::Write as _;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::runtime::Runtime as _;
use crate::sys;
use crate::{Node, ProcessInfo, Status};

use super::world::World;

/// Where it stands.
const VARIABLE: &str = "GENSERVER_SIM_UNTIL";

/// So many steps are taken until a server has said what its state is: an idle one says so at once, or in its next step.
const STEPS_MAX: usize = 64;

/// The step at which a run stops, if the environment names one.
///
/// # Panics
///
/// If it names something that is not a number.
#[track_caller]
pub(super) fn from_env() -> Option<u64> {
    let text = env::var(VARIABLE).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_not_a_number| panic!("{VARIABLE}: `{text}` is not a number")))
}

/// What every process is doing, and the state of those that are between two callbacks.
pub(super) fn processes(world: &Arc<World>, node: &Node) -> String {
    let mut text = String::new();
    // All of them first: to ask for a state may take a step.
    let processes = node.process_list();
    for process in &processes {
        // Writing to a string does not fail.
        let _ = write!(text, "\n- {process}");
        if !process.links.is_empty() {
            let links: Vec<String> = process.links.iter().map(ToString::to_string).collect();
            let _ = write!(text, "\n    links: {}", links.join(", "));
        }
        if process.monitors > 0 {
            let _ = write!(text, "\n    watched by {} monitors", process.monitors);
        }
        if let Some(since) = process.awaiting_since {
            let _ = write!(text, "\n    awaits something for {:?}", world.now().saturating_duration_since(since));
        }
    }
    for process in &processes {
        if let Some(state) = state(world, process) {
            let _ = write!(text, "\n{} {}", process.pid, state.replace('\n', "\n  "));
        }
    }
    text
}

/// The state of a server that is idle, as it formats it. Not of one in a callback: that would be the state after it.
fn state(world: &Arc<World>, process: &ProcessInfo) -> Option<String> {
    if !matches!(process.status, Status::Waiting | Status::Hibernated | Status::Suspended) {
        return None;
    }
    let mut status = pin!(sys::get_status(&process.pid));
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..STEPS_MAX {
        match status.as_mut().poll(&mut cx) {
            Poll::Ready(status) => return status.ok().map(|status| format!("state: {}", status.state)),
            Poll::Pending => world.poll(world.next()?),
        }
    }
    None
}
