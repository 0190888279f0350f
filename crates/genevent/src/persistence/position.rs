//! How many events a log has, and how many of them are synced.

/// How many events a log has, and how many of them are synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct LogPosition {
    /// How many events were ever written to it. They survive a crash of the program.
    pub written: u64,
    /// How many of them are on the disk. They survive a crash of the machine.
    pub synced: u64,
}
