//! What is stuck, slow or broken, and since when.

use serde::{Deserialize, Serialize};

/// Something that a person should look at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trouble {
    /// What kind of trouble it is.
    pub kind: TroubleKind,
    /// The process that it is about.
    pub pid: u64,
    /// That process as text.
    pub title: String,
    /// What is wrong, as the rest of a sentence that begins with the process.
    pub text: String,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
    /// How often, how many or how much of it: callers that wait, restarts, messages.
    pub count: u64,
}

/// What kind of trouble it is, worst first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TroubleKind {
    /// A call was refused because it would have closed a cycle of processes that wait for one another.
    Cycle,
    /// A callback runs without awaiting, and so keeps a thread of the runtime.
    Stuck,
    /// A handler of an event manager does not return, and everybody waits for it.
    Handler,
    /// A callback awaits something while others wait for it.
    Waited,
    /// A supervisor restarts its children again and again.
    Restarting,
    /// A mailbox refuses or drops messages.
    Refusing,
    /// A mailbox is filling.
    Mailbox,
    /// Of a kind that this version does not know.
    #[default]
    #[serde(other)]
    Other,
}
