//! What is wrong in a corrupt file.

use std::fmt;

/// What is wrong in a [corrupt](super::ReadError::Corrupt) file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Damage {
    /// The header of the file has changed, or is cut off.
    Header,
    /// The file ends there.
    End,
    /// A record says that it is longer than a record can be, longer than the rest of the file, or too short.
    Length,
    /// A record does not match its checksum.
    Checksum,
    /// The next file says that this one has more events, or fewer.
    Count,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "its header does not match its checksum",
            Self::End => "it ends there, and more of it was on the disk",
            Self::Length => "the length of a record, which was on the disk, has changed, or what follows it is cut off",
            Self::Checksum => "a record, which was on the disk, does not match its checksum",
            Self::Count => "the next file says that it had more events, or fewer",
        })
    }
}
