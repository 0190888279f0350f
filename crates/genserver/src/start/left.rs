//! Starts that are dropped before they are done: by hand, or because their starter ends.

use std::thread;

use crate::node;
use crate::node::current;
use crate::values::pid::Pid;

/// Whether a start is dropped because the process that awaits it ends. If it is not, the start was dropped by hand, as `select!`
/// and a time-out around it do.
///
/// The two have to be told apart. After a drop by hand nobody could refer to the new process, so it is killed. A starter that
/// ends is no reason to kill it: what a link between the two means is the link's business.
pub(crate) fn starter_ends(starter: Option<Pid>) -> bool {
    // A process that ends drops what its callback or its function holds inside its death.
    if current::is_dying() {
        return true;
    }
    let Some(starter) = starter else { return false };
    // A panic drops it while it unwinds, and the death comes after that.
    let panics = thread::panicking() && current::pid() == Some(starter);
    // A process that plain code holds ends without dropping that code's futures.
    panics || node::find(starter).is_none()
}
