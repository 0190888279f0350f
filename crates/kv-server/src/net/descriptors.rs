//! The limit of open files and sockets: every connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors reserved for everything else: files, listeners, the runtime.
const SPARE: u64 = 64;

/// Raises the number of files and sockets that this process may open to what the system allows, and returns it: the *hard*
/// limit, where shells start programs with the lower *soft* one.
///
/// A server takes no more [connections](crate::Limits::connections) than there are descriptors. The limit is that of the
/// whole process, so a library should not change it unasked: a program that serves calls this when it starts.
pub fn raise_descriptor_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // Some systems report no limit although there is one. Then nothing is changed.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
    allowed()
}

/// How many of the `wanted` connections this process has descriptors for.
pub(super) fn connections(wanted: usize) -> usize {
    usize::try_from(left_of(allowed())).unwrap_or(usize::MAX).min(wanted)
}

/// How many descriptors this process may open.
pub(super) fn allowed() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

fn left_of(allowed: u64) -> u64 {
    // If there are few, connections still get half of them.
    allowed.saturating_sub(SPARE).max(allowed / 2).max(1)
}

#[cfg(test)]
mod tests {
    //! What remains of a limit.

    use super::*;

    #[test]
    fn some_descriptors_are_left_to_others() {
        assert_eq!([0, 1, 20, 100, 1024, 20_000].map(left_of), [1, 1, 10, 50, 960, 19_936]);
        assert_eq!(connections(1), 1);
    }
}
