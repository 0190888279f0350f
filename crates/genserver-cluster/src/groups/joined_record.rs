//! What the key of a member says of its processes that are in groups.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::engine::{EngineError, Entry};
use crate::groups::table::{SIZE_EACH, SIZE_MAX};
use crate::members::MemberInfo;
use crate::wire::{self, Envelope, Kind, NoHeader};

/// More than what a value has: what it is made of is counted when a process joins.
const BOUND: usize = 1 << 20;

/// The value of the key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct JoinedRecord {
    member: String,
    incarnation: u64,
    groups: Vec<InGroup>,
}

/// Processes with the same messages, in one group.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct InGroup {
    pub(super) group: String,
    pub(super) server: String,
    pub(super) version: u32,
    /// Their numbers, and how often each is in it.
    pub(super) processes: Vec<(u64, u32)>,
}

impl JoinedRecord {
    pub(super) fn new(member: &MemberInfo, groups: Vec<InGroup>) -> Self {
        Self { member: member.name.to_string(), incarnation: member.incarnation, groups }
    }

    /// The value, as it is written.
    pub(super) fn encoded(&self) -> Result<Bytes, EngineError> {
        wire::encode(Kind::Joined, &NoHeader {}, self, BOUND)
            .map_err(|why| EngineError::Refused(format!("the value of a key cannot be written: {why:?}")))
    }

    /// What an entry says; nothing if it was written by something else.
    pub(super) fn read(entry: &Entry) -> Option<Self> {
        let envelope = Envelope::read(&entry.value, BOUND).ok().filter(|envelope| envelope.kind == Kind::Joined)?;
        let record: Self = wire::decode(&envelope.body).ok()?;
        // No member of ours writes more, and each time is a reference for those who ask.
        let times = record.groups.iter().flat_map(|in_group| &in_group.processes).map(|(_, times)| u64::from(*times));
        (times.sum::<u64>() <= (SIZE_MAX / SIZE_EACH) as u64).then_some(record)
    }

    /// The processes of a server that are in a group.
    pub(super) fn find<'a>(&'a self, group: &'a str, server: &'a str) -> impl Iterator<Item = (u64, u32)> {
        let is_such = move |in_group: &&InGroup| in_group.group == group && in_group.server == server;
        self.groups.iter().filter(is_such).flat_map(|in_group| in_group.processes.iter().copied())
    }
}
