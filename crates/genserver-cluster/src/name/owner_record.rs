//! What the key of a name says: which member has the name, for which server, and with which fence.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::engine::{Entry, Revision};
use crate::name::lease::Times;
use crate::wire::{self, EncodeError, Envelope, Kind, NoHeader};

/// More than what a value has: names of members and servers are short.
const BOUND: usize = 4 << 10;

/// The value of a name's key.
///
/// It has the fence from the first renewal on. Before, the revision of the key itself is the fence: nobody knows that when they write
/// the value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct OwnerRecord {
    /// The member's own name.
    pub(crate) member: String,
    /// Tells the members of one name apart: a number that was drawn when it was started.
    pub(crate) incarnation: u64,
    /// Tells the claims of one incarnation apart.
    pub(crate) claim: u64,
    /// The name and the version of its server's messages.
    pub(crate) server: String,
    pub(crate) version: u32,
    /// How long the key is there after each change, in milliseconds.
    pub(crate) time_to_live: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fence: Option<u64>,
}

impl OwnerRecord {
    /// The value, as it is written.
    pub(crate) fn encoded(&self) -> Result<Bytes, EncodeError> {
        wire::encode(Kind::Owner, &NoHeader {}, self, BOUND)
    }

    /// What an entry says; nothing if it was written by something else.
    pub(crate) fn read(entry: &Entry) -> Option<Self> {
        let envelope = Envelope::read(&entry.value, BOUND).ok().filter(|envelope| envelope.kind == Kind::Owner)?;
        wire::decode(&envelope.body).ok()
    }

    /// The fence of the owner who has written this entry.
    pub(crate) fn fence_of(&self, entry: &Entry) -> Revision {
        self.fence.map_or(entry.revision, Revision)
    }

    /// Whether both are of one claim.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        self.claim == other.claim && self.is_of_member(other)
    }

    /// Whether both are of one start of a member.
    pub(crate) fn is_of_member(&self, other: &Self) -> bool {
        self.incarnation == other.incarnation && self.member == other.member
    }

    /// The durations of its lease.
    pub(crate) fn times(&self) -> Times {
        Times { time_to_live: Duration::from_millis(self.time_to_live) }
    }
}
