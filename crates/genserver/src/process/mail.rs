//! The one lock of a server, and what lies behind it: where its loop stands, what is queued, and its body.
//!
//! A server's loop is its *body*: the state, the context, and the future of a callback that waits. The body lies behind the
//! lock. To run the server is to take the body out, so two threads cannot run it. There is no second lock and no `try_lock`.
//!
//! | `run` | body | means | left by, to |
//! |---|---|---|---|
//! | `Idle` | here | waits for a message | a send: inline → `Running`, else → `Scheduled` |
//! | `Scheduled` | here | its task has been spawned or woken | its task, or a caller → `Running` |
//! | `Running` | out | a thread polls it, the *poller* | the poller → `Idle`, `Awaiting`, `Scheduled` or `Dead` |
//! | `Awaiting` | here | a callback is parked at an await | a wake → `Scheduled`; a send only queues |
//! | `Dead` | gone | everybody has been told | nobody |
//!
//! `closed` is set when the end begins (terminate may still run): from then on casts are given back, and calls wait for the
//! reason; after a doom calls are given back too. The rules that the functions of this folder keep:
//!
//! 1. A message is pushed, and the body released, under the same lock: nothing falls between the last look into the queue
//!    and the release.
//! 2. A wake puts a parked callback back on its way. While a thread polls, it is noted (`notified`), and the poller looks at
//!    the note before it lets go.
//! 3. No user code runs under the lock: no wake, no foreign waker cloned or dropped, no message dropped, no spawn. And never
//!    two processes' locks at once.
//! 4. `Scheduled` is left by the server's task; by a caller that comes before the task, queues its call, and works the queue
//!    off up to it (`take_over`), unless a callback is parked; and by a doom. A task that finds the server in another state
//!    sleeps again. A poller that lets go with something left to do makes the task responsible (`kick`).
//! 5. The queue holds everything in the order of its arrival: calls, casts, infos, signals and system requests.
//! 6. The poller takes the queue out as a whole (`fetch`), into the actor's batch. The callback's future goes from one message
//!    of the batch to the next by itself, until its budget is used up or something has to be looked at: a doom (`look`), a
//!    caller dropped unanswered, a signal, a step that is not simply to wait. A doom therefore takes effect between two
//!    messages; a sender that waits for space is woken under the next lock, at most a budget of messages later.
//! 7. The lock is spun on (see `lock`), so nothing that takes long happens under it. The only other locks taken inside it are the
//!    clock's and those of slots.
//! 8. `drive` keeps all of these rules. Beside it there are plain paths for what happens nearly always: a call to an idle server
//!    (`run_call`), init (`init_here`), a turn of a task (`run_plainly`). A plain path moves the actor alone, and only while the
//!    body has nothing else. It hands everything that is not plain to `drive`, and keeps no rule of its own.
//! 9. A doom is an end ordered from outside: a kill, or an exit that is not trapped. The first reason wins. The poller ends the
//!    process if there is one; otherwise the thread that brings the doom does, at once.
//! 10. A caller that a callback drops without an answer is noted on the thread (`node::current`), for it is not yet known whether
//!     the server lives on. After the callback it is told `NoReply`; if the server ends, it is told the reason.

use std::any::type_name;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use super::body::{Body, BodyCell};
use super::envelope::Envelope;
use super::handled::Handled;
use crate::node::Home;
use crate::node::alarm::Reach;
use crate::node::any_process::{About, Head};
use crate::process::pace::{FIRST_TURNS, Pace};
use crate::process::queue::Queue;
use crate::process::ties::Ties;
use crate::process::vtable::Vtable;
use crate::process::work::{Actor, Job};
#[cfg(feature = "metrics")]
use crate::report::Counts;
use crate::report::Meter;
use crate::server::GenServer;
use crate::sync::waiter::Kept;
use crate::values::overflow::Overflow;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// A server's process.
pub(crate) struct Process<S: GenServer> {
    pub(crate) head: Head,
    pub(crate) mail: Mutex<Mail<S>>,
    /// What the poller has to look at between two messages of a batch, without the lock: see the `LOOK_` constants.
    pub(crate) look: AtomicU8,
    /// Which callback runs, as [`Doing`]. Written by the poller only.
    pub(crate) doing: AtomicU8,
    /// How many counted messages of the batch are still to be handled. Written by the poller only, and not for every message
    /// of a large batch: see [`Actor::next`].
    pub(crate) in_batch: AtomicU32,
    /// How many more messages of the batch a callback's future may handle before it gives way. Written by the poller only.
    pub(crate) budget: AtomicU32,
    /// How many messages it has handled. Written by the poller only.
    pub(crate) handled: Handled,
    /// What its type counts, with the feature `metrics`.
    pub(crate) meter: Meter,
    /// How long its callbacks block, and so whether callers may run it.
    pub(crate) pace: Pace,
    /// Whether exits arrive as messages. Written only by the server's own callbacks, or before the first one runs. It is outside
    /// the lock, where it takes no space of its own: an exit is sent under the lock, and the link that brings it was laid under it.
    pub(crate) traps_exits: AtomicBool,
    /// How far ahead the clock was set, so that a call which waits need not take the lock to know that it comes early enough.
    /// Written under the lock, read without it.
    pub(crate) alarm_reach: Reach,
    /// What wakes the task. Set once, by the first poll of the task, and kept: so it is neither cloned nor dropped each time that
    /// the task sleeps.
    pub(crate) task_waker: OnceLock<Box<Kept>>,
    /// The functions that are off the fast path.
    pub(super) vtable: &'static Vtable<S>,
}

/// The process is doomed.
pub(crate) const LOOK_DOOM: u8 = 1;
/// A sender waits for space.
pub(crate) const LOOK_SPACE: u8 = 2;
/// The process was doomed while it ran, and is counted for that: see `cut`.
pub(crate) const LOOK_NOTED: u8 = 4;

/// Where the loop stands. The table above is its meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Run {
    Idle,
    Scheduled,
    Running,
    Awaiting,
    Dead,
}

/// What a process is doing, as it is seen from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Doing {
    Nothing = 0,
    Init,
    Call,
    Cast,
    Info,
    Idle,
    Terminate,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and all are looked at under the one lock"
)]
pub(crate) struct Mail<S: GenServer> {
    pub(crate) run: Run,
    /// A wake came while a thread polled (rule 2).
    pub(crate) notified: bool,
    /// The end has begun: see the module's page.
    pub(crate) closed: bool,
    pub(crate) suspended: bool,
    pub(crate) hibernated: bool,
    /// What becomes of a message that finds the mailbox full.
    pub(crate) overflow: Overflow,
    /// How many more sends must go through the task, because a sender found the server running: see `HOT_SENDS`.
    pub(crate) hot: u8,
    /// How many turns there are before the next sample: see [`pace`](super::pace).
    pub(crate) turns: u8,
    /// How many counted messages are in the queue.
    pub(crate) counted: u32,
    /// How many of them there may be, less the places that were promised to senders who waited.
    pub(crate) bound: u32,
    /// How many of them there were at most when messages were taken out, or one did not find space. Not looked at for every
    /// message that is queued: that would cost each of them a dozen instructions.
    pub(crate) peak: u32,
    /// What of its counts was added to the counters of its type.
    #[cfg(feature = "metrics")]
    pub(crate) metered: Option<Box<Counts>>,
    /// How many messages are queued before the next one that is timed.
    #[cfg(feature = "metrics")]
    pub(crate) arrivals: u8,
    pub(crate) queue: Queue<S>,
    pub(crate) body: BodyCell<S>,
    pub(crate) task: Task,
    /// The reason of an end that was ordered from outside, where the first wins; in the end the reason that was told.
    pub(crate) doom: Option<Reason>,
    /// Links, monitors and waiters have been told. Between `Dead` and this, a stopper may still be added.
    pub(crate) told: bool,
    pub(crate) ties: Option<Box<Ties>>,
    pub(crate) extras: Option<Box<Extras>>,
}

/// The task that runs a server which nobody runs inline.
pub(crate) enum Task {
    /// None was needed so far.
    None,
    /// It has been spawned, or woken, and will come.
    Coming,
    /// It sleeps, and the process's `task_waker` wakes it.
    Asleep,
    /// It sleeps, and this wakes it: its executor polls it with another waker than at first.
    AsleepElsewhere(Box<Waker>),
}

/// The part of a mailbox that few servers have: deadlines of the clock, and counts of what went wrong.
#[derive(Default)]
pub(crate) struct Extras {
    /// The start option of that name.
    pub(crate) hibernate_after: Option<Duration>,
    /// When `handle_idle` is due.
    pub(crate) idle_at: Option<Instant>,
    /// When the server hibernates by itself.
    pub(crate) hibernate_at: Option<Instant>,
    /// Since when the present callback has been awaiting.
    pub(crate) awaiting_since: Option<Instant>,
    /// How many messages were given back because there was no space.
    pub(crate) refused: u64,
    /// How many messages were dropped to make space.
    pub(crate) dropped: u64,
    /// How many times its supervisor had started this child before.
    pub(crate) restarts: u64,
    /// How many callbacks blocked their thread so long that it was, or would have been, reported.
    pub(crate) long_schedules: u64,
}

/// The start options that a server keeps.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Settings {
    pub(crate) bound: Option<u32>,
    pub(crate) overflow: Overflow,
    pub(crate) queued_only: bool,
    pub(crate) hibernate_after: Option<Duration>,
}

impl<S: GenServer> Mail<S> {
    pub(crate) fn ties(&mut self) -> &mut Ties {
        self.ties.get_or_insert_default()
    }

    /// Notes that everybody has been told. Returns what is left of the ties, with those that wait for just that.
    pub(crate) fn told(&mut self) -> Option<Box<Ties>> {
        self.told = true;
        self.ties.take()
    }

    /// A hibernated server that handles something is hibernated no more, unless it is a request of `sys`.
    #[inline]
    pub(super) fn rouse(&mut self, message: &Envelope<S>) {
        if self.hibernated {
            self.hibernated = message.is_system();
        }
    }

    pub(crate) fn extras(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    #[inline]
    pub(super) fn put_back(&mut self, body: Body<S>) {
        self.body.put(body);
    }

    /// Whether nothing is queued, nothing has grown, and no clock has to be set when the server begins to wait.
    #[inline]
    pub(super) fn is_light(&self) -> bool {
        self.queue.is_light() && self.has_no_clock()
    }

    /// Whether the clock has nothing to do with a server that waits.
    #[inline]
    pub(super) fn has_no_clock(&self) -> bool {
        self.extras.as_ref().is_none_or(|extras| extras.hibernate_after.is_none() && extras.idle_at.is_none())
    }

    pub(crate) fn is_doomed(&self) -> bool {
        self.doom.is_some()
    }

    /// Makes the task responsible (rule 4). What is returned has to be done after the lock is released.
    pub(crate) fn kick(&mut self) -> Kick {
        self.run = Run::Scheduled;
        // `Coming` until the task is polled: it is woken once for any number of sends.
        match std::mem::replace(&mut self.task, Task::Coming) {
            Task::None => Kick::Spawn,
            Task::Coming => Kick::Nothing,
            Task::Asleep => Kick::WakeTask,
            Task::AsleepElsewhere(waker) => Kick::Wake(*waker),
        }
    }

    /// Frees the memory that a burst made the queue and the list of waiters take. `had_burst` says whether the batch, which was
    /// the queue before, had to be shrunk.
    pub(crate) fn shrink(&mut self, own: Pid, had_burst: bool) {
        if (self.queue.shrink() || had_burst)
            && let Some(ties) = &mut self.ties
        {
            ties.shrink_waiters(own);
        }
    }
}

/// What is left to do after the lock has been released, so that the task comes.
#[must_use = "the task does not come by itself"]
pub(crate) enum Kick {
    Nothing,
    Spawn,
    WakeTask,
    Wake(Waker),
}

impl<S: GenServer> Process<S> {
    /// Makes a process, and enters it in the table of its node.
    pub(crate) fn insert(home: &Arc<Home>, about: Option<Arc<About>>) -> Arc<Self> {
        // Before the lock of the table: a recorder of metrics is foreign code (rule 3).
        let meter = Meter::of(type_name::<S>());
        home.node().insert(|pid| Self::new(Head { pid, home: Arc::clone(home), about }, meter))
    }

    /// A process that is about to run init. Its maker is its poller, for nobody else has its body.
    fn new(head: Head, meter: Meter) -> Self {
        Self {
            head,
            mail: Mutex::new(Mail {
                run: Run::Running,
                notified: false,
                closed: false,
                suspended: false,
                hibernated: false,
                overflow: Overflow::GiveBack,
                hot: 0,
                turns: FIRST_TURNS,
                counted: 0,
                bound: crate::values::overflow::MAILBOX_DEFAULT,
                peak: 0,
                #[cfg(feature = "metrics")]
                metered: None,
                #[cfg(feature = "metrics")]
                arrivals: 0,
                queue: Queue::new(),
                body: BodyCell::empty(),
                task: Task::None,
                doom: None,
                told: false,
                ties: None,
                extras: None,
            }),
            look: AtomicU8::new(0),
            doing: AtomicU8::new(0),
            in_batch: AtomicU32::new(0),
            budget: AtomicU32::new(0),
            handled: Handled::new(),
            meter,
            pace: Pace::new(),
            traps_exits: AtomicBool::new(false),
            alarm_reach: Reach::none(),
            task_waker: OnceLock::new(),
            vtable: Vtable::TABLE,
        }
    }

    /// Applies the start options that differ from the defaults.
    pub(crate) fn configure(&self, settings: &Settings) {
        if *settings == Settings::default() {
            return;
        }
        let mut mail = self.mail.lock();
        self.pace.set_inline(!settings.queued_only);
        mail.overflow = settings.overflow;
        if let Some(bound) = settings.bound {
            mail.bound = bound;
        }
        if settings.hibernate_after.is_some() {
            mail.extras().hibernate_after = settings.hibernate_after;
        }
    }

    /// How many counted messages wait, including those of a batch that was taken out.
    pub(crate) fn load(&self, mail: &Mail<S>) -> u32 {
        // Relaxed: `in_batch` grows under the lock that is held here, and the poller only lowers it without. An old value
        // is too high, so a sender may be refused a moment too long, but the bound is never passed.
        mail.counted.saturating_add(self.in_batch.load(Ordering::Relaxed))
    }

    pub(crate) fn doing(&self) -> Doing {
        // Relaxed: the poller decides by what it wrote itself, and everyone else only shows it.
        match self.doing.load(Ordering::Relaxed) {
            1 => Doing::Init,
            2 => Doing::Call,
            3 => Doing::Cast,
            4 => Doing::Info,
            5 => Doing::Idle,
            6 => Doing::Terminate,
            _ => Doing::Nothing,
        }
    }

    /// Written only when it changes: senders on other threads read the same cache line.
    #[inline]
    pub(crate) fn set_doing(&self, doing: Doing) {
        // A load and a store are enough: only the thread that has the body writes.
        if self.doing.load(Ordering::Relaxed) != doing as u8 {
            self.doing.store(doing as u8, Ordering::Relaxed);
        }
    }

    /// Takes out what is queued, when nothing of the last batch is left: one message as it is, several as a batch.
    #[inline]
    pub(super) fn fetch(&self, mail: &mut Mail<S>, body: &mut Body<S>, job: &mut Option<Job<S>>) -> bool {
        // What a suspended server holds back goes on counting, without a gap into which another message would fit.
        let holds_back = body.is_suspended();
        let Some(actor) = &mut body.actor else { return false };
        match self.fetch_for(mail, actor, holds_back) {
            Some(message) => *job = Some(Job::Message(message)),
            None => return false,
        }
        true
    }

    #[inline]
    pub(super) fn fetch_for(&self, mail: &mut Mail<S>, actor: &mut Actor<S>, holds_back: bool) -> Option<Envelope<S>> {
        let in_batch = |change: fn(u32, u32) -> u32, by: u32| {
            self.in_batch.store(change(self.in_batch.load(Ordering::Relaxed), by), Ordering::Relaxed);
        };
        let message = if actor.batch.is_empty() {
            mail.peak = mail.peak.max(mail.counted);
            // Where the oldest may have to go, it stays where it can be found.
            // The two queues change places, so that their buffers are used in turn and neither is allocated again.
            if mail.queue.len() > 1 && mail.overflow != Overflow::DropOldest {
                // Both counts change under the lock: a sender that looked between the two would see space that is not there.
                let counted = std::mem::take(&mut mail.counted);
                in_batch(u32::saturating_add, counted);
                std::mem::swap(&mut mail.queue, &mut actor.batch);
                None
            } else {
                Some(mail.queue.pop_front()?)
            }
        } else {
            None
        };
        if let Some(message) = message {
            mail.rouse(&message);
            if message.is_counted() {
                mail.counted -= 1;
                if holds_back {
                    in_batch(u32::saturating_add, 1);
                }
            }
            return Some(message);
        }
        // Of a batch, only `in_batch` still counts the message: `counted` is about the queue.
        let message = actor.batch.pop_front()?;
        mail.rouse(&message);
        if message.is_counted() && !holds_back {
            in_batch(u32::saturating_sub, 1);
        }
        Some(message)
    }
}
