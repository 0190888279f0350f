//! A server with a name whose state is in a log of the engine: what the programs run.
//!
//! Its first entry says that it begins. When the engine has taken that, the server has read the log to its end, and no earlier
//! owner can add anything: each `append` names the entry before it. An owner that finds a larger fence in the log is none any more.

use std::collections::BTreeMap;
use std::time::Duration;

use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, Reason, time};
use genserver_cluster::engine::nats::Nats;
use genserver_cluster::engine::{ChangeError, Engine as _, EngineError, LogEntry, Position, Revision};
use genserver_cluster::{Clustered, Messages, Remote};
use serde::{Deserialize, Serialize};

/// How many entries are read at once.
const ENTRIES: usize = 500;

/// How long it waits when the engine does not answer.
const PAUSE: Duration = Duration::from_millis(100);

/// An entry of its log.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The fence of the owner that has written it, ...
    pub(super) fence: u64,
    /// ... and which program that was.
    pub(super) writer: String,
    /// Nothing if the owner only begins.
    pub(super) put: Option<Put>,
}

impl Entry {
    pub(super) fn read(entry: &LogEntry) -> Self {
        serde_json::from_slice(&entry.entry).unwrap()
    }
}

/// Sets a value.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Put {
    pub(super) key: String,
    pub(super) value: u64,
}

/// Reads a value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Get {
    pub(super) key: String,
}

/// What a shelf answers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    /// What the key has now; 0 if it has nothing.
    pub(super) value: u64,
    /// Where the log ends.
    pub(super) position: u64,
    /// Who answers.
    pub(super) fence: u64,
    pub(super) writer: String,
}

/// What a shelf is started with.
#[derive(Clone)]
pub(super) struct ShelfArgs {
    pub(super) engine: Nats,
    pub(super) log: String,
    pub(super) writer: String,
    pub(super) fence: Revision,
}

pub(super) struct Shelf {
    args: ShelfArgs,
    /// The last entry of the log.
    last: Position,
    values: BTreeMap<String, u64>,
}

pub(super) enum Call {
    Put(Put, Caller<Answer>),
    Get(Get, Caller<Answer>),
}

impl Remote<Put> for Shelf {
    type Reply = Answer;

    fn local(put: Put, caller: Caller<Answer>) -> Call {
        Call::Put(put, caller)
    }
}

impl Remote<Get> for Shelf {
    type Reply = Answer;

    fn local(get: Get, caller: Caller<Answer>) -> Call {
        Call::Get(get, caller)
    }
}

impl Clustered for Shelf {
    fn messages() -> Messages<Self> {
        Messages::new("test.shelf", 1).call::<Put>("put").call::<Get>("get")
    }

    fn set_fence(args: &mut ShelfArgs, fence: Revision) {
        args.fence = fence;
    }
}

/// Why a shelf does not begin.
enum NotBegun {
    /// A later owner has.
    Late,
    /// It is to try again.
    Again(ChangeError),
}

impl From<EngineError> for NotBegun {
    fn from(why: EngineError) -> Self {
        Self::Again(why.into())
    }
}

impl From<ChangeError> for NotBegun {
    fn from(why: ChangeError) -> Self {
        Self::Again(why)
    }
}

impl Shelf {
    async fn begin(args: &ShelfArgs) -> Result<Self, NotBegun> {
        let mut shelf = Self { args: args.clone(), last: Position::default(), values: BTreeMap::new() };
        loop {
            let entries = args.engine.read(&args.log, shelf.last, ENTRIES).await?;
            for entry in &entries {
                let Entry { fence, put, .. } = Entry::read(entry);
                if fence > args.fence.0 {
                    return Err(NotBegun::Late);
                }
                shelf.values.extend(put.map(|put| (put.key, put.value)));
                shelf.last = entry.position;
            }
            if entries.len() < ENTRIES {
                break;
            }
        }
        shelf.append(None).await?;
        Ok(shelf)
    }

    async fn append(&mut self, put: Option<Put>) -> Result<(), ChangeError> {
        let ShelfArgs { engine, log, writer, fence } = &self.args;
        let entry = Entry { fence: fence.0, writer: writer.clone(), put };
        let bytes = serde_json::to_vec(&entry).unwrap();
        self.last = engine.append(log, bytes.into(), self.last).await?;
        self.values.extend(entry.put.map(|put| (put.key, put.value)));
        Ok(())
    }

    fn answer(&self, key: &str) -> Answer {
        let ShelfArgs { writer, fence, .. } = &self.args;
        let value = self.values.get(key).copied().unwrap_or(0);
        Answer { value, position: self.last.0, fence: fence.0, writer: writer.clone() }
    }
}

impl GenServer for Shelf {
    type Args = ShelfArgs;
    type Call = Call;
    type Cast = Never;
    type Info = Never;

    #[expect(clippy::print_stderr, reason = "the log of a node says why it was late")]
    async fn init(args: ShelfArgs, _cx: &mut Cx<Self>) -> Init<Self> {
        loop {
            match Self::begin(&args).await {
                Ok(shelf) => return Init::Run(shelf),
                Err(NotBegun::Late) => return Init::Stop(Reason::term("a later owner has begun")),
                Err(NotBegun::Again(why)) => {
                    eprintln!("{}: {} begins again: {why}", args.writer, args.log);
                    time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Get(Get { key }, caller) => Next::reply(caller, self.answer(&key)),
            Call::Put(put, caller) => {
                let key = put.key.clone();
                match self.append(Some(put)).await {
                    Ok(()) => Next::reply(caller, self.answer(&key)),
                    // Whether the log has it is not known: the next one reads it.
                    Err(error) => Next::stop(Reason::term(error.to_string())),
                }
            }
        }
    }
}
