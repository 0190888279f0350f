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
//! reason. The rules that the functions of this folder keep:
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
//!    messages; a sender that waits for room is woken under the next lock, at most a budget of messages later.
//! 7. The lock is spun on (see `lock`), so nothing that takes long happens under it. The only other locks taken inside it are the
//!    clock's and those of slots.
//! 8. `drive` keeps all of these rules. Beside it there are plain paths for what happens nearly always: a call to an idle server
//!    (`run_call`), init (`init_here`), a turn of a task (`run_plainly`). A plain path moves the actor alone, and only while the
//!    body has nothing else. It hands everything that is not plain to `drive`, and keeps no rule of its own.
//! 9. A doom is an end ordered from outside: a kill, or an exit that is not trapped. The first reason wins. The poller ends the
//!    process if there is one; otherwise the thread that brings the doom does, at once.
//! 10. A caller that a callback drops without an answer is noted on the thread (`node::current`), for it is not yet known whether
//!     the server lives on. After the callback it is told `NoReply`; if the server ends, it is told the reason.

use std::any::Any;
use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use super::inspect::SystemRequest;
use crate::node::alarm::Reach;
use crate::node::any_process::Head;
use crate::node::order::Order;
use crate::node::reply::{Slot, Waiting};
use crate::process::deadlock::Edge;
use crate::process::pace::{FIRST_TURNS, Pace};
use crate::process::queue::Queue;
use crate::process::starter::{Started, Starter};
use crate::process::ties::Ties;
use crate::process::vtable::Vtable;
use crate::process::work::{Actor, Job, Work};
use crate::server::GenServer;
use crate::server::attach::{AttachRef, Item};
use crate::server::context::TimerRef;
use crate::server::outcome::LateReply;
use crate::sync::waiter::Kept;
use crate::values::exit::Exit;
use crate::values::monitor::Down;
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
    /// How long its callbacks block, and so whether callers may run it.
    pub(crate) pace: Pace,
    /// Whether exits arrive as messages. Written only by the server's own callbacks, or before the first one runs. It is outside
    /// the lock, where it takes no room of its own: an exit is sent under the lock, and the link that brings it was laid under it.
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
/// A sender waits for room.
pub(crate) const LOOK_ROOM: u8 = 2;
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
    /// What becomes of a message for which there is no room.
    pub(crate) overflow: Overflow,
    /// How many more sends must go through the task, because a sender found the server running: see `HOT_SENDS`.
    pub(crate) hot: u8,
    /// How many turns there are before the next sample: see [`pace`](super::pace).
    pub(crate) turns: u8,
    /// How many counted messages are in the queue.
    pub(crate) counted: u32,
    /// How many of them there may be, less the places that were promised to senders who waited.
    pub(crate) bound: u32,
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
    /// How many messages were given back because there was no room.
    pub(crate) refused: u64,
    /// How many messages were dropped to make room.
    pub(crate) dropped: u64,
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

/// What arrives at a server.
pub(crate) enum Envelope<S: GenServer> {
    Call(S::Call, Option<Arc<Edge>>),
    Cast(S::Cast),
    Info(S::Info),
    /// A cast or an info that is made when it has its turn.
    Lazy(Box<dyn Lazy<S>>),
    /// Not counted against the bound: each was reserved by something that was set up before.
    Signal(Box<Signal<S>>),
}

/// A message that is made into a cast or an info where the server runs, so that it can be given back until then.
pub(crate) trait Lazy<S: GenServer>: Send {
    fn open(self: Box<Self>) -> Envelope<S>;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

/// What arrives at a server without being refused or counted.
pub(crate) enum Signal<S: GenServer> {
    Down(Down),
    /// An exit that was trapped. The exit of a link has a number, by which `unlink_flush` finds it.
    Exit(Exit, Option<NonZeroU64>),
    /// A timer of the server's own.
    Timer(TimerRef),
    /// The value that a timer from outside or an attached stream brings.
    Info(S::Info),
    /// An item of an attached stream, made into an info where the server runs.
    Attached(AttachRef, Item),
    /// What an inline caller left to do before anything else.
    Continue(S::Info),
    /// An order to stop, from `stop`, a trapping server's parent, or `sys::terminate`.
    Stop(Order),
    Idle,
    System(SystemRequest<S>),
}

impl<S: GenServer> Envelope<S> {
    #[inline]
    pub(crate) fn is_counted(&self) -> bool {
        !matches!(self, Self::Signal(_))
    }

    fn is_system(&self) -> bool {
        matches!(self, Self::Signal(signal) if matches!(**signal, Signal::System(_)))
    }

    /// Whether a suspended server takes this out of its mailbox.
    pub(crate) fn passes_suspension(&self) -> bool {
        match self {
            Self::Signal(signal) => matches!(**signal, Signal::System(_) | Signal::Stop(_) | Signal::Continue(_)),
            _ => false,
        }
    }
}

/// A server's loop. The thread that holds it runs the server. It is moved in and out of the lock for every message, so it is
/// small.
pub(crate) struct Body<S: GenServer> {
    /// Away while a callback runs.
    pub(crate) actor: Option<Box<Actor<S>>>,
    /// The callback that waits for something.
    pub(crate) work: Option<std::pin::Pin<Box<dyn Work<S>>>>,
    pub(crate) cold: Option<Box<ColdState<S>>>,
}

/// Holds the body while nobody runs the server. It is empty if it has neither an actor nor a callback that waits.
pub(crate) struct BodyCell<S: GenServer>(Body<S>);

impl<S: GenServer> BodyCell<S> {
    pub(crate) fn empty() -> Self {
        Self(Body::away())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.actor.is_none() && self.0.work.is_none()
    }

    /// Whether a body lies here in which no callback waits for anything.
    pub(crate) fn is_between_callbacks(&self) -> bool {
        self.0.actor.is_some()
    }

    /// How many messages have been taken out for it and not handled yet.
    pub(crate) fn batched(&self) -> usize {
        self.0.actor.as_ref().map_or(0, |actor| actor.batch.len())
    }

    #[inline]
    pub(crate) fn take(&mut self) -> Option<Body<S>> {
        if self.is_empty() { None } else { Some(std::mem::replace(&mut self.0, Body::away())) }
    }

    #[inline]
    pub(crate) fn put(&mut self, body: Body<S>) {
        debug_assert!(self.is_empty(), "two pollers held the body of one server");
        self.0 = body;
        debug_assert!(!self.is_empty(), "a body was put back without its actor");
    }

    /// Whether a body lies here that has nothing but its actor.
    #[inline]
    pub(crate) fn is_bare(&self) -> bool {
        self.0.cold.is_none()
    }

    /// Takes a body out that has nothing but its actor.
    #[inline]
    pub(crate) fn take_actor(&mut self) -> Option<Box<Actor<S>>> {
        self.0.actor.take()
    }

    /// Takes a callback out that waits, and is all that the body has.
    #[inline]
    pub(crate) fn take_work(&mut self) -> Option<std::pin::Pin<Box<dyn Work<S>>>> {
        self.0.work.take()
    }

    /// Puts down a callback that has to wait.
    #[inline]
    pub(crate) fn put_work(&mut self, work: std::pin::Pin<Box<dyn Work<S>>>) {
        debug_assert!(self.is_empty(), "two pollers held the body of one server");
        self.0.work = Some(work);
    }

    /// Puts the actor back that was taken out alone.
    #[inline]
    pub(crate) fn put_actor(&mut self, actor: Box<Actor<S>>) {
        debug_assert!(self.is_empty(), "two pollers held the body of one server");
        // The place is empty. The compiler does not know that, and would inline the drop of an actor into every call.
        if let Some(before) = self.0.actor.replace(actor) {
            out_of_line(before);
        }
    }

    /// Lets the body give back what it does not need while the server sleeps.
    pub(crate) fn hibernate(&mut self) {
        self.0.hibernate();
    }
}

/// The part of a body that few servers have: what a suspended server holds back, a silence, an end that has begun.
pub(crate) struct ColdState<S: GenServer> {
    /// What a suspended server holds back, in order.
    pub(crate) held: VecDeque<Envelope<S>>,
    pub(crate) suspended: bool,
    /// How long nothing may arrive before `handle_idle` runs.
    pub(crate) silence: Option<Duration>,
    /// The end that has begun.
    pub(crate) ending: Option<Ending>,
    /// The starter that waits for init.
    pub(crate) starter: Option<Starter>,
    /// The caller that the present callback is working for.
    pub(crate) edge: Option<Arc<Edge>>,
}

impl<S: GenServer> Default for ColdState<S> {
    fn default() -> Self {
        Self { held: VecDeque::new(), suspended: false, silence: None, ending: None, starter: None, edge: None }
    }
}

impl<S: GenServer> ColdState<S> {
    /// Whether something has to be done after a callback that simply waits for the next message.
    pub(crate) fn wants_judging(&self) -> bool {
        self.edge.is_some() || self.ending.is_some() || self.silence.is_some()
    }

    /// Whether it has nothing, so that it can be freed.
    fn is_clear(&self) -> bool {
        self.held.is_empty()
            && !self.suspended
            && self.silence.is_none()
            && self.ending.is_none()
            && self.starter.is_none()
            && self.edge.is_none()
    }
}

/// How a server is ending.
pub(crate) struct Ending {
    pub(crate) reason: Reason,
    pub(crate) late_reply: Option<LateReply>,
    /// Callers dropped by the callback that ended the server (rule 10): they get the reason.
    pub(crate) unanswered: Vec<Arc<dyn Waiting>>,
    /// The starter of a start that failed, and what it is told.
    pub(crate) start: Option<(Starter, Started)>,
    /// Ended by a signal: nothing is reported.
    pub(crate) by_signal: bool,
    /// Which callback ended the server, for the report.
    pub(crate) last: Doing,
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

    /// Frees the memory that a burst made the queue and the list of waiters take.
    pub(crate) fn shrink(&mut self, own: Pid) {
        if self.queue.shrink()
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
    /// A process that is about to run init. Its maker is its poller, for nobody else has its body.
    pub(crate) fn new(head: Head) -> Self {
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
            // Where the oldest may have to go, it stays where it can be found.
            // The two queues change places, so that their buffers are used in turn and neither is allocated again.
            if mail.queue.len() > 1 && mail.overflow != Overflow::DropOldest {
                // Both counts change under the lock: a sender that looked between the two would see room that is not there.
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

impl<S: GenServer> Body<S> {
    /// A body in which no callback waits.
    pub(crate) fn new(actor: Box<Actor<S>>) -> Self {
        Self { actor: Some(actor), work: None, cold: None }
    }

    /// An empty body, for the place of one that is out.
    pub(crate) fn away() -> Self {
        Self { actor: None, work: None, cold: None }
    }

    pub(crate) fn cold(&mut self) -> &mut ColdState<S> {
        self.cold.get_or_insert_default()
    }

    /// Whether nothing of the batch is left.
    pub(crate) fn batch_is_empty(&self) -> bool {
        self.actor.as_ref().is_none_or(|actor| actor.batch.is_empty())
    }

    /// Whether the callback that begins may be followed by others of the batch without a look at the cold.
    #[inline]
    pub(crate) fn may_run_on(&self) -> bool {
        self.cold.as_ref().is_none_or(|cold| !cold.suspended && !cold.wants_judging())
    }

    /// Whether nothing in it needs a look before it is put back.
    #[inline]
    pub(crate) fn is_light(&self) -> bool {
        self.cold.is_none() && self.actor.as_ref().is_none_or(|actor| actor.batch.is_light())
    }

    /// Gives back what a burst made the batch grow to.
    pub(crate) fn shrink(&mut self) {
        if let Some(actor) = &mut self.actor {
            actor.batch.shrink();
        }
    }

    /// What was taken out of the queue and not handled yet.
    pub(crate) fn batch(&mut self) -> Option<&mut Queue<S>> {
        self.actor.as_mut().map(|actor| &mut actor.batch)
    }

    pub(crate) fn is_suspended(&self) -> bool {
        self.cold.as_ref().is_some_and(|cold| cold.suspended)
    }

    pub(crate) fn silence(&self) -> Option<Duration> {
        self.cold.as_ref().and_then(|cold| cold.silence)
    }

    /// The starter that waits for init.
    pub(crate) fn take_starter(&mut self) -> Option<Starter> {
        self.cold.as_mut()?.starter.take()
    }

    /// Makes the slot in which the starter hears of init.
    pub(crate) fn add_starter(&mut self, home: Pid) -> Arc<Slot<Started>> {
        let slot = Arc::new(Slot::new(home));
        self.cold().starter = Some(Starter::new(&slot));
        slot
    }

    /// Puts what was held back in front of everything that came later.
    pub(crate) fn release_held(&mut self) {
        if let (Some(cold), Some(actor)) = (&mut self.cold, &mut self.actor) {
            // From the last to the first, so that they come to stand in their order.
            while let Some(message) = cold.held.pop_back() {
                actor.batch.push_front(message);
            }
        }
    }

    pub(crate) fn has_server(&self) -> bool {
        self.actor.as_ref().is_some_and(|actor| actor.server.is_some())
    }

    /// Gives back everything that the next message can build again.
    pub(crate) fn hibernate(&mut self) {
        if let Some(actor) = &mut self.actor {
            actor.batch.release();
        }
        self.drop_clear_cold_state();
    }

    pub(crate) fn drop_clear_cold_state(&mut self) {
        if self.cold.as_ref().is_some_and(|cold| cold.is_clear()) {
            self.cold = None;
        }
    }
}

/// `now + wait`, or `None` if that overflows.
pub(crate) fn later(now: Instant, wait: Duration) -> Option<Instant> {
    now.checked_add(wait)
}

/// Drops a value that is hardly ever there, in code that is not inlined.
#[cold]
#[inline(never)]
pub(crate) fn out_of_line<T>(value: T) {
    drop(value);
}
