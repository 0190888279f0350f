//! How many files and sockets this process may have open: every connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is left to everything that is no connection: files, the listeners, the runtime's own.
const SPARE: u64 = 64;

/// Lets this process open as many files and sockets as the system allows it to, and returns how many those are: the *hard* limit,
/// where shells start programs with the lower *soft* one.
///
/// A server takes no more [connections](crate::Limits::connections) than there are descriptors, and a limit is the whole
/// process's. So no library should change it unasked; a program that serves calls this when it starts.
///
/// # Examples
///
/// ```
/// let before = kv_server::net::raise_descriptor_limit();
/// assert_eq!(kv_server::net::raise_descriptor_limit(), before);
/// ```
pub fn raise_descriptor_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // Some systems say that there is no limit, and mean that there is another one. Then things stay as they are.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
    allowed()
}

/// How many of the connections that are `wanted` this process has descriptors for.
pub(super) fn connections(wanted: usize) -> usize {
    usize::try_from(left_of(allowed())).unwrap_or(usize::MAX).min(wanted)
}

/// How many descriptors this process may have open.
pub(super) fn allowed() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

fn left_of(allowed: u64) -> u64 {
    // Where there are few, connections still get half of them.
    allowed.saturating_sub(SPARE).max(allowed / 2).max(1)
}

#[cfg(test)]
mod tests {
    //! What is left of a limit.

    use super::*;

    #[test]
    fn some_descriptors_are_left_to_others() {
        assert_eq!([0, 1, 20, 100, 1024, 20_000].map(left_of), [1, 1, 10, 50, 960, 19_936]);
        assert_eq!(connections(1), 1);
    }
}
