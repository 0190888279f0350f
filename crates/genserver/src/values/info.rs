//! What can be seen of a process from outside, even if it hangs.

use std::fmt;
use std::time::{Duration, Instant};

use crate::values::pid::Pid;

/// A snapshot of one process: made by [`Node::process_list`](crate::Node::process_list), [`Node::info`](crate::Node::info) and
/// [`ServerRef::info`](crate::ServerRef::info).
///
/// It is taken under that process's lock and does not wait for the process, so it works even if the process hangs.
/// [`Display`](fmt::Display) prints it as a line.
///
/// # Examples
///
/// ```
/// # use genserver::{Cx, GenServer, Init, Never, Node, Status};
/// # use genserver_doc::quiet::*;
/// # genserver_doc::run! {
/// let node = Node::new();
/// let quiet = node.start::<Quiet>(()).name("quiet").await?;
///
/// let info = quiet.info();
/// assert_eq!(info.status, Status::Waiting);
/// assert_eq!(info.mailbox, 0);
/// assert!(info.to_string().starts_with("<1> quiet "));
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
#[doc(alias = "process_info")]
pub struct ProcessInfo {
    /// Which process this is.
    pub pid: Pid,
    /// Its name.
    pub name: Option<String>,
    /// Its label.
    pub label: Option<String>,
    /// The type of the server that runs in it.
    pub server: &'static str,
    /// The process that started it with a link.
    pub parent: Option<Pid>,
    /// What it is doing.
    pub status: Status,
    /// How many calls, casts and infos are waiting.
    pub mailbox: usize,
    /// How many of them have waited at most so far, as the process found them when it took messages out, or a sender when there was
    /// no space. A call that its caller runs does not wait.
    pub mailbox_peak: usize,
    /// How many messages it has handled so far: calls, casts, infos, and what else came as an info, such as a `Down`. The message
    /// of the present callback is among them; requests of [`sys`](crate::sys) are not. Of a process without a server, how many
    /// letters it has received.
    pub handled: u64,
    /// How many times its supervisor had started this child before this process.
    pub restarts: u64,
    /// How many casts and plain messages were given back so far because the mailbox was full.
    pub refused: u64,
    /// How many casts and plain messages were dropped so far to make space for others: see
    /// [`Overflow::DropOldest`](crate::Overflow::DropOldest).
    pub dropped: u64,
    /// The processes it is linked to.
    pub links: Vec<Pid>,
    /// How many monitors watch it.
    pub monitors: usize,
    /// Whether it traps exits.
    pub traps_exits: bool,
    /// Since when its callback has been awaiting something, on the clock of its runtime. `None` unless it awaits now: a callback
    /// that runs without awaiting is not timed, because that would cost time at every message.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub awaiting_since: Option<Instant>,
    /// Whether it has needed a task of the runtime so far.
    pub has_task: bool,
}

impl ProcessInfo {
    /// How long its callback has been awaiting something, as of `now`. `now` is the time on the clock of its runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # use std::time::Duration;
    /// # #[derive(Default)]
    /// # struct Sleeper;
    /// # struct Sleep;
    /// # server! { Sleeper, Never, Sleep, Never;
    /// async fn handle_cast(&mut self, Sleep: Sleep, _cx: &mut Cx<Self>) -> Outcome<Self> {
    ///     tokio::time::sleep(Duration::from_secs(60)).await;
    ///     Next::wait()
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let sleeper = genserver::start::<Sleeper>(()).await?;
    /// sleeper.cast(Sleep)?;
    /// tokio::time::sleep(Duration::from_secs(5)).await;
    /// let now = tokio::time::Instant::now().into_std();
    /// assert_eq!(sleeper.info().awaiting_for(now), Some(Duration::from_secs(5)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn awaiting_for(&self, now: Instant) -> Option<Duration> {
        self.awaiting_since.map(|since| now.saturating_duration_since(since))
    }
}

impl fmt::Display for ProcessInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.pid)?;
        for title in self.name.iter().chain(&self.label) {
            write!(f, " {title}")?;
        }
        write!(f, " {}: {}, {} in the mailbox", self.server, self.status, self.mailbox)?;
        if self.mailbox_peak > self.mailbox {
            write!(f, " ({} at most)", self.mailbox_peak)?;
        }
        if self.handled > 0 {
            write!(f, ", {} handled", self.handled)?;
        }
        if self.refused > 0 {
            write!(f, ", {} refused", self.refused)?;
        }
        if self.dropped > 0 {
            write!(f, ", {} dropped", self.dropped)?;
        }
        match self.restarts {
            0 => {}
            1 => write!(f, ", restarted once")?,
            times => write!(f, ", restarted {times} times")?,
        }
        Ok(())
    }
}

/// What a process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Status {
    /// It is waiting for a message.
    Waiting,
    /// It is waiting, and has released its memory.
    Hibernated,
    /// It is suspended: see [`sys::suspend`](crate::sys::suspend).
    Suspended,
    /// A message is waiting, and the process's task is scheduled to handle it.
    Scheduled,
    /// It is running a callback.
    Running(Callback),
    /// Its callback awaits something.
    Awaiting(Callback),
    /// It is ending.
    Ending,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => f.write_str("waiting"),
            Self::Hibernated => f.write_str("hibernated"),
            Self::Suspended => f.write_str("suspended"),
            Self::Scheduled => f.write_str("scheduled"),
            Self::Running(callback) => write!(f, "running {callback}"),
            Self::Awaiting(callback) => write!(f, "awaiting in {callback}"),
            Self::Ending => f.write_str("ending"),
        }
    }
}

/// The callback that a process is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Callback {
    /// `init`
    Init,
    /// `handle_call`
    Call,
    /// `handle_cast`
    Cast,
    /// `handle_info`
    Info,
    /// `handle_idle`
    Idle,
    /// `terminate`
    Terminate,
}

impl Callback {
    /// Its name, as the trait has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Call => "handle_call",
            Self::Cast => "handle_cast",
            Self::Info => "handle_info",
            Self::Idle => "handle_idle",
            Self::Terminate => "terminate",
        }
    }
}

impl fmt::Display for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
