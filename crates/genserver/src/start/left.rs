//! Tells why an unfinished start is dropped: by its user, or because its starter ends.

use std::thread;

use crate::node;
use crate::node::current;
use crate::values::pid::Pid;

/// Returns whether a start is dropped because the process that awaits it ends. If not, its user dropped it, as `select!`
/// and a timeout around it do.
///
/// The two cases differ. If the user dropped it, nothing could refer to the new process, so it is killed. If the starter ends,
/// that alone does not justify killing the new process; a link between the two decides.
pub(crate) fn starter_ends(starter: Option<Pid>) -> bool {
    // A process that ends drops its callback or its function during its death.
    if current::is_dying() {
        return true;
    }
    let Some(starter) = starter else { return false };
    // A panic drops the start while it unwinds, before the death.
    let panics = thread::panicking() && current::pid() == Some(starter);
    // A process that is held by plain code ends without dropping that code's futures.
    panics || node::find(starter).is_none()
}
