//! A name space of an engine: the keys, subjects and logs of one cluster, so that several share an engine.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Engine, Revision, encoded};
use crate::traces::Traces;

/// How long a name outlives the machine of its owner, if nothing else was chosen.
pub const TIME_TO_LIVE: Duration = Duration::from_secs(15);

/// The largest message, if nothing else was chosen.
pub const MESSAGE_MAX: usize = 1 << 20;

/// What all parts of a member know: the engine, and its part of it.
#[derive(Clone)]
pub(crate) struct Space {
    pub(crate) engine: Arc<dyn Engine>,
    /// Text of the alphabet of keys, without a `.`.
    pub(crate) name: Arc<str>,
    /// How long a name outlives the machine of its owner.
    pub(crate) time_to_live: Duration,
    /// The largest message that is sent or decoded.
    pub(crate) message_max: usize,
    /// How its traces go on at other members.
    pub(crate) traces: Traces,
}

impl Space {
    /// The key of a server's name. Its value says who has it.
    pub(crate) fn name_key(&self, name: &str) -> String {
        format!("{}.name.{}", self.name, encoded(name))
    }

    /// The key of a member. Members of one name differ in their incarnations.
    pub(crate) fn member_key(&self, member: &str, incarnation: u64) -> String {
        format!("{}{}.{incarnation:x}", self.members_prefix(), encoded(member))
    }

    /// How the keys of all members begin.
    pub(crate) fn members_prefix(&self) -> String {
        format!("{}.member.", self.name)
    }

    /// The key that says which processes of a member are in groups.
    pub(crate) fn joined_key(&self, member: &str, incarnation: u64) -> String {
        format!("{}{}.{incarnation:x}", self.joined_prefix(), encoded(member))
    }

    /// How those keys begin.
    pub(crate) fn joined_prefix(&self) -> String {
        format!("{}.joined.", self.name)
    }

    /// Where calls and casts for a process without a name are published.
    pub(crate) fn process_subject(&self, member: &str, incarnation: u64, number: u64) -> String {
        format!("{}.process.{}.{incarnation:x}.{number}", self.name, encoded(member))
    }

    /// Where calls and casts for a name are published.
    pub(crate) fn call_subject(&self, name: &str) -> String {
        format!("{}.call.{}", self.name, encoded(name))
    }

    /// Where the keeper of a name publishes why its server has ended.
    pub(crate) fn down_subject(&self, name: &str, fence: Revision) -> String {
        format!("{}.down.{}.{fence}", self.name, encoded(name))
    }

    /// The stream of a topic, whose name is of the alphabet of keys.
    pub(crate) fn topic_stream(&self, topic: &str) -> String {
        format!("{}.{topic}", self.name)
    }

    /// The log in which a reader of a topic keeps its place. Its name is of that alphabet, too.
    pub(crate) fn reader_log(&self, topic: &str, reader: &str) -> String {
        format!("{}.reader.{topic}.{reader}", self.name)
    }
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Space").field("name", &self.name).finish_non_exhaustive()
    }
}
