//! What happens on a thread while a simulation runs there: which processes go on, what comes to them, what they answer, and how
//! they end.
//!
//! An event is noted where it happens, in its order. Without the feature `sim` nothing is noted, and all of this is compiled to nothing.
//!
//! 1. A text is made without any lock: it is made by code of the user's. So what comes to a mailbox is noted just before its lock
//!    is taken, or its text was made there.
//! 2. What is noted changes nothing: no task is woken, and nothing is drawn.

use std::any::TypeId;
use std::hash::{Hash, Hasher};
use std::mem::discriminant;
use std::time::Duration;

use crate::values::info::Callback;
use crate::values::monitor::MonitorRef;
use crate::values::pid::Pid;

// Which call is which.
mod call_id;
// The events of a thread, and how much is noted.
#[cfg(feature = "sim")]
mod kept;
#[cfg(test)]
mod tests;

pub(crate) use call_id::{CallId, CallUnderWay};
#[cfg(all(test, feature = "sim"))]
pub(crate) use kept::take;
#[cfg(feature = "sim")]
pub(crate) use kept::{Level, begin, len, take_back_entry, take_into};

/// Something that has happened. [`Pid::NOBODY`] stands for plain code, and for the simulation itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    /// A process goes on, inside so many others.
    Entered { pid: Pid, depth: u8 },
    /// A process was made. The text is its name, its label or its type.
    Started { pid: Pid, by: Pid, text: Option<String> },
    /// What a process without a server runs.
    Runs { pid: Pid, text: Option<String> },
    /// Something comes to a process: into its mailbox, or it is run with it at once. Only a call has an id.
    Arrived { at: Pid, from: Pid, what: Arrival, kind: u64, call: CallId, text: Option<String> },
    /// What came last to this process was not taken: it has ended, or has no space.
    Refused { at: Pid, from: Pid },
    /// A callback begins.
    Began { pid: Pid, callback: Callback, text: Option<String> },
    /// A request has its answer, or gets none; `text` says why then. Of the two ids, one is that of the request that waits, and one
    /// that of the request that was answered.
    Replied { from: Pid, to: Pid, call: CallId, answered: CallId, text: Option<String> },
    /// Nobody waits for the answer to a request any more. It may have come before.
    Abandoned { call: CallId },
    /// The `Caller` of a call to this process was dropped without an answer.
    Unanswered { call: CallId, pid: Pid },
    /// A process monitors another; or cannot, because that has ended, and then its `Down` comes at once.
    Monitored { pid: Pid, by: Pid, reference: MonitorRef, is_refused: bool },
    /// A process of this node takes a monitor back.
    Demonitored { pid: Pid, by_node: u32, reference: MonitorRef },
    /// A `Down` comes to a process. It is not queued if that has ended, or does not expect it any more.
    DownCame { at: Pid, from: Pid, reference: MonitorRef, is_queued: bool },
    /// A process takes a `Down` out of its mailbox, in which so many messages are behind it.
    DownTaken { at: Pid, reference: MonitorRef, behind: usize },
    /// A supervisor is about to restart a child, or ends because it has done that too often.
    Restarts { pid: Pid, limit: (u32, Duration), gives_up: bool },
    /// A name was given, released or looked up, and belongs to this process, if to any.
    Name { name: u64, pid: Pid, text: Option<String> },
    /// Others go on at a point of the program that has this name.
    #[cfg(feature = "sim")]
    Point { pid: Pid, name: &'static str },
    /// Code of a process panics.
    #[cfg(feature = "sim")]
    Panicked { pid: Pid },
    /// The simulation lets something go wrong with a process.
    #[cfg(feature = "sim")]
    Fault { pid: Pid, text: Option<String> },
    /// A process has ended.
    Ended { pid: Pid, reason: Option<String> },
    /// The body of the test is over: what follows puts away what it has left.
    #[cfg(feature = "sim")]
    BodyOver,
}

/// What comes to a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arrival {
    Call,
    Cast,
    Info,
    /// A cast or an info that is made when it has its turn.
    Lazy,
    /// A message to a process without a server.
    Letter,
    Down,
    /// An exit, trapped or not.
    Exit,
    Stop,
    Kill,
    Timer,
    /// The silence that it waited for.
    Idle,
    /// An item of an attached stream.
    Attached,
    /// A request of `sys`.
    System,
    Monitor,
    Link,
}

/// The half of a kind that is the same in every process and every build: what comes, and which variant of its type it is.
///
/// The other half is the type, by a number that only this program knows.
#[cfg(feature = "sim")]
pub(crate) fn variant(kind: u64) -> u64 {
    kind & HALF
}

const HALF: u64 = 0xffff_ffff;

impl Arrival {
    /// A number for this, without a message.
    pub(crate) fn kind(self) -> u64 {
        self as u64
    }

    /// A number for such a message of a type, by its variant: see `variant`.
    pub(crate) fn kind_of<S: 'static, M>(self, message: &M) -> u64 {
        let variant = hash(&discriminant(message)) << 8 | self as u64;
        (hash(&TypeId::of::<S>()) & !HALF) | (variant & HALF)
    }
}

/// Notes an event, if events are noted.
#[inline]
pub(crate) fn note(event: impl FnOnce() -> Event) {
    #[cfg(feature = "sim")]
    kept::keep(event);
    #[cfg(not(feature = "sim"))]
    let _ = event;
}

/// This is what a process runs.
#[inline]
pub(crate) fn runs(pid: Pid, code: &str) {
    note(|| Event::Runs { pid, text: text(|| code.to_owned()) });
}

/// A text for an event, if texts are wanted. Called without any lock (rule 1).
#[inline]
pub(crate) fn text(text: impl FnOnce() -> String) -> Option<String> {
    #[cfg(feature = "sim")]
    return kept::has_texts().then(text);
    #[cfg(not(feature = "sim"))]
    {
        let _ = text;
        None
    }
}

/// A number for a value. For texts and numbers it is the same in every process and every build.
pub(crate) fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = Words(0xcbf2_9ce4_8422_2325);
    value.hash(&mut hasher);
    hasher.finish()
}

/// By words and not by bytes: it is quicker, also without optimisation.
struct Words(u64);

impl Words {
    fn add(&mut self, word: u64) {
        // The upper half comes down, where the next product finds it.
        let word = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = word ^ (word >> 32);
    }
}

impl Hasher for Words {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.add(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.add(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.add(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.add(number as u64);
    }

    #[expect(clippy::cast_sign_loss, reason = "it is only mixed")]
    fn write_isize(&mut self, number: isize) {
        self.add(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
