//! The rows of the table: each operation, and the subjects that do it.

use std::pin::Pin;

use crate::{clients, ours, raw};

/// Does an operation so many times, with everything around it that is done once.
pub(crate) type Work = fn(u64) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// One operation.
pub(crate) struct Row {
    /// Its name in the table and on the command line.
    pub(crate) name: &'static str,
    /// How many instructions it may execute, and how many it shall.
    pub(crate) bar: u32,
    pub(crate) goal: u32,
    /// The hand-written actor's way, if it has one.
    raw: Option<Work>,
    /// Ours.
    ours: Work,
}

/// As many casts as a mailbox gets before its server runs.
pub(crate) const BATCH: u64 = 128;

/// As many clients as a busy server has.
const CROWD: u64 = 16;

/// So many handlers or consumers that what is done for each is most of what is done for an event.
const MANY: u64 = 64;

/// Every row.
pub(crate) const ROWS: [Row; 17] = [
    Row {
        name: "call",
        bar: 450,
        goal: 250,
        raw: Some(|ops| Box::pin(raw::calls::<false>(1, ops))),
        ours: |ops| Box::pin(ours::calls(ops)),
    },
    Row {
        name: "call, client by hand",
        bar: 450,
        goal: 250,
        raw: None,
        ours: |ops| Box::pin(clients::calls_by_hand(ops)),
    },
    Row {
        name: "call, client by macro",
        bar: 450,
        goal: 250,
        raw: None,
        ours: |ops| Box::pin(clients::calls_by_macro(ops)),
    },
    Row {
        name: "call, queued, 1 client",
        bar: 1500,
        goal: 1100,
        raw: Some(|ops| Box::pin(raw::calls::<false>(1, ops))),
        ours: |ops| Box::pin(ours::queued_calls(1, ops)),
    },
    Row {
        name: "call, queued, 16 clients",
        bar: 950,
        goal: 600,
        raw: Some(|ops| Box::pin(raw::calls::<false>(CROWD, ops))),
        ours: |ops| Box::pin(ours::queued_calls(CROWD, ops)),
    },
    Row { name: "agent get", bar: 550, goal: 350, raw: None, ours: |ops| Box::pin(ours::agent_gets(ops)) },
    Row { name: "bucket get", bar: 800, goal: 500, raw: None, ours: |ops| Box::pin(ours::bucket_gets(ops)) },
    Row { name: "bucket put", bar: 800, goal: 500, raw: None, ours: |ops| Box::pin(ours::bucket_puts(ops)) },
    Row {
        name: "cast, batches of 128",
        bar: 180,
        goal: 120,
        raw: Some(|ops| Box::pin(raw::casts(ops))),
        ours: |ops| Box::pin(ours::casts(ops)),
    },
    Row {
        name: "call, yields once",
        bar: 2600,
        goal: 2200,
        raw: Some(|ops| Box::pin(raw::calls::<true>(1, ops))),
        ours: |ops| Box::pin(ours::yielding_calls(ops)),
    },
    Row {
        name: "start + call + stop",
        bar: 2400,
        goal: 1500,
        raw: Some(|ops| Box::pin(raw::lives(ops))),
        ours: |ops| Box::pin(ours::lives(ops)),
    },
    Row { name: "notify", bar: 260, goal: 180, raw: None, ours: |ops| Box::pin(ours::notifies_plain(1, ops)) },
    Row {
        name: "notify, 64 plain handlers",
        bar: 1560,
        goal: 1250,
        raw: Some(|ops| Box::pin(raw::notifies(MANY, ops))),
        ours: |ops| Box::pin(ours::notifies_plain(MANY, ops)),
    },
    Row {
        name: "notify, 64 async handlers",
        bar: 2500,
        goal: 1560,
        raw: Some(|ops| Box::pin(raw::notifies(MANY, ops))),
        ours: |ops| Box::pin(ours::notifies_async(MANY, ops)),
    },
    Row { name: "sync_notify", bar: 600, goal: 350, raw: None, ours: |ops| Box::pin(ours::sync_notifies(ops)) },
    Row {
        name: "stream, 1 consumer",
        bar: 350,
        goal: 250,
        raw: Some(|ops| Box::pin(raw::streams(1, ops))),
        ours: |ops| Box::pin(ours::streams(1, ops)),
    },
    Row {
        name: "stream, 64 consumers",
        bar: 10_700,
        goal: 7_500,
        raw: Some(|ops| Box::pin(raw::streams(MANY, ops))),
        ours: |ops| Box::pin(ours::streams(MANY, ops)),
    },
];

impl Row {
    /// Who does it, and how.
    pub(crate) fn subjects(&self) -> impl Iterator<Item = (&'static str, Work)> {
        let raw = self.raw.map(|work| ("raw", work));
        raw.into_iter().chain([("genserver", self.ours)])
    }
}

/// How that subject does that row.
pub(crate) fn find(name: &str, subject: &str) -> Option<Work> {
    let row = ROWS.iter().find(|row| row.name == name)?;
    row.subjects().find(|(it, _)| *it == subject).map(|(_, work)| work)
}
