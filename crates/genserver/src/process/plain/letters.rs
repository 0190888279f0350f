//! What a process without a server has in its mailbox.

use std::collections::{BTreeMap, VecDeque};

use crate::values::exit::Exit;
use crate::values::monitor::{Down, MonitorRef};
use crate::values::pid::Pid;

/// What arrives at a [`Probe`](crate::Probe).
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// # genserver_doc::run! {
/// use genserver::{Letter, Probe};
///
/// let mut probe = Probe::<&str>::new();
/// probe.trap_exits(true);
/// let server = probe.start_link::<Quiet>(()).await?;
/// probe.monitor(&server);
/// server.kill();
/// probe.sender().send("hello")?;
/// for letter in probe.flush() {
///     match letter {
///         Letter::Message(text) => assert_eq!(text, "hello"),
///         Letter::Down(down) => assert_eq!(down.pid, server.pid()),
///         Letter::Exit(exit) => assert_eq!(exit.from, server.pid()),
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Letter<M> {
    /// A message.
    Message(M),
    /// A process that is watched has ended.
    Down(Down),
    /// A trapped exit.
    Exit(Exit),
}

/// What a plain process has in its mailbox, and what it expects.
pub(crate) struct Letters<M> {
    pub(crate) queue: VecDeque<Letter<M>>,
    /// How many of them are messages: those count against the bound.
    pub(crate) messages: usize,
    /// How many letters have waited at most.
    pub(crate) peak: usize,
    /// How many letters were taken out.
    pub(crate) taken: u64,
    /// How many messages found no space.
    pub(crate) refused: u64,
    pub(crate) downs: BTreeMap<MonitorRef, Pid>,
    /// How many exits that came of links with a process are in the queue.
    pub(crate) exits: BTreeMap<Pid, usize>,
}

impl<M> Default for Letters<M> {
    fn default() -> Self {
        Self {
            queue: VecDeque::new(),
            messages: 0,
            peak: 0,
            taken: 0,
            refused: 0,
            downs: BTreeMap::new(),
            exits: BTreeMap::new(),
        }
    }
}
