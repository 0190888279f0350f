//! What has arrived at a socket, without asking the runtime.

use std::io;
use std::os::fd::AsFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

/// Reads what has arrived. `None` if nothing has.
///
/// A pending read in Tokio may also mean that its readiness flag is stale, or that the task has used up its budget. A session that
/// drains takes a pending read as the end of what has arrived, so it asks the socket itself.
pub(super) fn read_arrived(socket: impl AsFd, buf: &mut [u8]) -> Option<io::Result<usize>> {
    match recv(socket, buf, RecvFlags::DONTWAIT) {
        Ok((bytes, _)) => Some(Ok(bytes)),
        Err(Errno::AGAIN | Errno::INTR) => None,
        Err(error) => Some(Err(error.into())),
    }
}
