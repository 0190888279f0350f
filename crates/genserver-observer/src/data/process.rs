//! One process: its row in the table, and everything that the inspector shows.

use serde::{Deserialize, Serialize};

use super::action::Action;

/// One page of the table: the answer of `/api/processes`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessPage {
    /// When it was sampled, in milliseconds since 1970.
    pub at: u64,
    /// How many processes there are.
    pub total: usize,
    /// How many of them the search has found.
    pub found: usize,
    /// How many rows of those were skipped.
    pub offset: usize,
    /// The rows.
    pub rows: Vec<ProcessRow>,
}

/// One process in the table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessRow {
    /// The number of its pid.
    pub pid: u64,
    /// Its name.
    pub name: Option<String>,
    /// Its label: for a child of a supervisor, the id that it has there.
    pub label: Option<String>,
    /// The type of the server that runs in it.
    pub server: String,
    /// What kind of process it is.
    pub kind: Kind,
    /// The process that started it with a link, if that is there.
    pub parent: Option<u64>,
    /// What it is doing, such as `waiting` or `awaiting in handle_call`.
    pub state: String,
    /// For how long it has been in its callback. If the callback awaits, this is exact. If it runs, this is the time since the
    /// observer saw it first, because the start of a callback is not noted. `None` if it is in no callback for a sample yet.
    pub busy_ms: Option<u64>,
    /// How many calls, casts and infos are waiting.
    pub mailbox: usize,
    /// How many messages it has handled so far.
    pub handled: u64,
    /// How many messages it has handled in a second, as of the last two samples.
    pub rate: f64,
    /// How many messages have waited at most.
    pub mailbox_max: usize,
    /// How many messages were given back so far because the mailbox was full.
    pub refused: u64,
    /// How many messages were dropped so far because the mailbox was full.
    pub dropped: u64,
    /// How many processes it is linked to.
    pub links: usize,
    /// How many monitors watch it.
    pub monitors: usize,
    /// How often its supervisor has restarted the child that this process is.
    pub restarts: u64,
}

impl ProcessRow {
    /// The process as text: its name or its label, and its pid.
    pub fn title(&self) -> String {
        match self.name.as_ref().or(self.label.as_ref()) {
            Some(title) => format!("{title} <{}>", self.pid),
            None => format!("<{}>", self.pid),
        }
    }
}

/// What kind of process it is, as far as the type of its server tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// A supervisor, static or dynamic.
    Supervisor,
    /// An event manager.
    EventManager,
    /// An agent.
    Agent,
    /// A process without a server: a function, a task, or a probe.
    Plain,
    /// A server of any other type.
    #[default]
    #[serde(other)]
    Server,
}

/// Everything about one process: the answer of `/api/process/{pid}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessDetail {
    /// Its row.
    pub row: ProcessRow,
    /// The process that started it with a link.
    pub parent: Option<Tie>,
    /// The processes that it is linked to: the first hundred.
    pub links: Vec<Tie>,
    /// The processes whose answer it waits for.
    pub waits_for: Vec<Tie>,
    /// The processes that wait for its answer: the first hundred. Plain code that waits is not known.
    pub waited_for_by: Vec<Tie>,
    /// Whether it traps exits.
    pub traps_exits: bool,
    /// Whether it has needed a task of the runtime so far.
    pub has_task: bool,
    /// Its state, if it has answered in time.
    pub state: StateShown,
    /// What a reader may do to it.
    pub actions: Vec<Action>,
}

/// Another process, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tie {
    /// The number of its pid.
    pub pid: u64,
    /// Its name or its label, and its pid.
    pub title: String,
}

/// The state of a process, as its own `format_status` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "shown")]
#[non_exhaustive]
pub enum StateShown {
    /// It has answered.
    Yes {
        /// The state.
        state: String,
        /// Parts of the state, each with a name, if the server shows some.
        details: Vec<(String, String)>,
        /// Its last events, oldest first, if its log is on.
        log: Vec<String>,
        /// Whether it is suspended.
        suspended: bool,
    },
    /// It has not answered, or runs no server.
    No {
        /// Why there is no state, and for how long, as a sentence.
        why: String,
    },
}

impl Default for StateShown {
    fn default() -> Self {
        Self::No { why: String::new() }
    }
}
