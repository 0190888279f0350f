//! What the key of a member says.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::engine::{EngineError, Entry};
use crate::members::MemberInfo;
use crate::name::member::Member;
use crate::wire::{self, Envelope, Kind, NoHeader};

/// More than what a value has: names are short.
const BOUND: usize = 4 << 10;

/// The value of the key of a member.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct MemberRecord {
    member: String,
    incarnation: u64,
    /// How long the key is there after each change, in milliseconds.
    time_to_live: u64,
}

impl MemberRecord {
    pub(super) fn of(member: &Member) -> Self {
        let time_to_live = u64::try_from(member.space.time_to_live.as_millis()).unwrap_or(u64::MAX);
        Self { member: member.id.to_string(), incarnation: member.incarnation, time_to_live }
    }

    /// The value, as it is written.
    pub(super) fn encoded(&self) -> Result<Bytes, EngineError> {
        wire::encode(Kind::Member, &NoHeader {}, self, BOUND)
            .map_err(|why| EngineError::Refused(format!("the value of a key cannot be written: {why:?}")))
    }

    /// What an entry says; nothing if it was written by something else.
    pub(super) fn read(entry: &Entry) -> Option<Self> {
        let envelope = Envelope::read(&entry.value, BOUND).ok().filter(|envelope| envelope.kind == Kind::Member)?;
        wire::decode(&envelope.body).ok()
    }

    pub(super) fn info(&self) -> MemberInfo {
        MemberInfo { name: self.member.as_str().into(), incarnation: self.incarnation }
    }

    pub(super) fn time_to_live(&self) -> Duration {
        Duration::from_millis(self.time_to_live)
    }
}
