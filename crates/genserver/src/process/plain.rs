//! Processes without a server: held by plain code, or running an async function.

use std::any::Any;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::death::{Doomed, end_or_defer, end_the_next};
use super::noted;
use super::sent::Refused;
use super::tied::{TiedState, TiesLock};
use super::ties::Ties;
use crate::node::Home;
use crate::node::any_process::Untyped;
use crate::node::any_process::{About, AnyProcess, Asked, ExitKind, Head, Tied};
use crate::node::current;
use crate::node::cut;
use crate::node::name::{Name, RegisterError};
use crate::node::order::Order;
use crate::node::process_ref::ProcessRef;
use crate::node::record::{self, Arrival, Event};
use crate::node::reply::{Slot, Waiting};
use crate::report::Meter;
use crate::sync::barrier;
use crate::sync::parking::{Mutex, MutexGuard};
use crate::values::exit::Exit;
use crate::values::info::{ProcessInfo, Status};
use crate::values::monitor::{Down, MonitorRef};
use crate::values::overflow::MAILBOX_DEFAULT;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

// What is in its mailbox.
pub(crate) mod letters;
// Its task, if it runs a function.
mod task;

use letters::{Letter, Letters};

pub(crate) use task::{Function, PlainTask};

/// What stands in the place of the server's type, where there is no server.
const PROBE: &str = "genserver::Probe";

/// A process without a server.
///
/// One lock, as every process has. A process that plain code holds has nothing to run, so the thread that ends it
/// tells its end. A process that runs a function ends when its task has dropped the function.
pub(crate) struct Plain<M> {
    pub(crate) head: Head,
    /// What all processes without a server count, with the feature `metrics`.
    meter: Meter,
    state: Mutex<PlainState<M>>,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and all are looked at under the one lock"
)]
pub(super) struct PlainState<M> {
    stage: PlainStage,
    traps_exits: bool,
    /// Whether a task runs a function in it.
    has_task: bool,
    /// Whether the function is being polled.
    runs: bool,
    /// It was doomed while the function was being polled, and is counted for that: see `cut`.
    noted: bool,
    letters: Letters<M>,
    /// The reader that waits for a letter.
    reader: Option<Waker>,
    /// The task, while its function awaits.
    task: Option<Waker>,
    name: Option<Name>,
    /// Who waits for this process to get ready, and where: see [`start_process`](crate::start_process).
    starter: Option<(Pid, Arc<dyn Waiting>)>,
    /// The reason of an end that was ordered from outside, where the first wins; in the end the reason that was told.
    doom: Option<Reason>,
    /// It is dead, and everybody has been told; until then the dead still has its stoppers.
    told: bool,
    /// How many times its supervisor had started this child before.
    restarts: u64,
    ties: Ties,
}

impl<M> PlainState<M> {
    /// Whether a function was doomed while it waited: its next poll is its end.
    fn is_never_polled_again(&self) -> bool {
        self.stage == PlainStage::Doomed && self.has_task && !self.runs
    }

    /// What it ends with once it has to.
    fn doomed_by(&self) -> Reason {
        self.doom.clone().unwrap_or(Reason::Killed)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PlainStage {
    Alive,
    /// It has to end, and waits for its task to do it.
    Doomed,
    /// A thread is ending it, and no other will. Its name is about to be free.
    Ending,
    Dead,
}

impl<M: Send + 'static> Plain<M> {
    /// A process that plain code holds.
    pub(crate) fn held(home: &Arc<Home>, about: Option<Arc<About>>) -> Arc<Self> {
        let process = Self::make(home, about, false);
        if home.is_gone() {
            process.doom(Reason::RuntimeGone);
        }
        process
    }

    /// Says who waits until this process is ready. Until then the link with it carries nothing that way.
    pub(crate) fn set_starter(&self, starter: Pid, slot: Arc<dyn Waiting>) {
        self.state.lock().starter = Some((starter, slot));
    }

    /// A process for a function.
    pub(crate) fn running(home: &Arc<Home>, about: Option<Arc<About>>) -> Arc<Self> {
        Self::make(home, about, true)
    }

    fn make(home: &Arc<Home>, about: Option<Arc<About>>, has_task: bool) -> Arc<Self> {
        // Before the node's lock: the recorder of metrics is foreign code.
        let meter = Meter::of(PROBE);
        home.node().insert(|pid| Self {
            head: Head { pid, home: Arc::clone(home), about },
            meter,
            state: Mutex::new(PlainState {
                stage: PlainStage::Alive,
                traps_exits: false,
                has_task,
                runs: false,
                noted: false,
                letters: Letters::default(),
                reader: None,
                task: None,
                name: None,
                starter: None,
                doom: None,
                told: false,
                restarts: 0,
                ties: Ties::default(),
            }),
        })
    }

    pub(crate) fn register(self: &Arc<Self>, name: Name) -> Result<(), RegisterError> {
        if let Some(taken) = &self.state.lock().name {
            return Err(RegisterError::Refused(registered_as(taken)));
        }
        // Without the lock: a registry may be the user's, and looks into the process.
        self.head.home.node().register(&name, &ProcessRef::new(Arc::clone(self) as Arc<dyn AnyProcess>))?;
        let mut state = self.state.lock();
        let refused = match &state.name {
            None if matches!(state.stage, PlainStage::Alive | PlainStage::Doomed) => {
                state.name = Some(name);
                return Ok(());
            }
            // Its end began in between, and did not know that it had this name.
            None => "the process has ended".to_owned(),
            // Another thread was faster.
            Some(taken) => registered_as(taken),
        };
        drop(state);
        self.head.home.node().release(&name, self.head.pid);
        Err(RegisterError::Refused(refused))
    }

    /// Puts a message into the mailbox. It comes back if it is refused.
    pub(crate) fn send(&self, message: M) -> Result<(), (Refused, M)> {
        noted::letter(self.head.pid, &message);
        let state = self.state.lock();
        match refuses(&state) {
            None => deliver(state, message),
            Some(refused) => return Err((note_refusal(self.head.pid, state, refused), message)),
        }
        Ok(())
    }

    /// Sends what `into` makes of `message`. It is made only when it is sure to be taken, so that `message` can come back; and
    /// not under the lock, for it is the user's function.
    pub(crate) fn send_as<T>(&self, message: T, into: impl FnOnce(T) -> M) -> Result<(), (Refused, T)> {
        let state = self.state.lock();
        match refuses(&state) {
            None => drop(state),
            Some(refused) => return Err((note_refusal(self.head.pid, state, refused), message)),
        }
        let message = into(message);
        noted::letter(self.head.pid, &message);
        // Others may have come in between, and the mailbox be over its bound by one of each; nobody is refused twice. If the
        // process has ended, the message is lost as all are that a mailbox holds then.
        let state = self.state.lock();
        if state.stage == PlainStage::Alive {
            deliver(state, message);
        }
        Ok(())
    }

    pub(crate) fn expect_down(&self, reference: MonitorRef, pid: Pid) {
        self.state.lock().letters.downs.insert(reference, pid);
    }

    /// Sets which process an expected `Down` is about, if it has not come yet.
    pub(crate) fn name_down(&self, reference: MonitorRef, pid: Pid) {
        if let Some(expected) = self.state.lock().letters.downs.get_mut(&reference) {
            *expected = pid;
        }
    }

    /// Forgets a monitor, and throws its `Down` away if that has arrived.
    pub(crate) fn forget_down(&self, reference: MonitorRef) -> Option<Pid> {
        let mut state = self.state.lock();
        if let Some(pid) = state.letters.downs.remove(&reference) {
            return Some(pid);
        }
        let place = state
            .letters
            .queue
            .iter()
            .position(|letter| matches!(letter, Letter::Down(down) if down.reference == reference))?;
        record::note(|| Event::DownTaken { at: self.head.pid, reference, behind: 0 });
        match state.letters.queue.remove(place)? {
            Letter::Down(down) => Some(down.pid),
            _ => None,
        }
    }

    /// Throws away an exit that came of a link with `peer`, if one has arrived.
    pub(crate) fn forget_exit(&self, peer: Pid) -> bool {
        let mut state = self.state.lock();
        let Some(exits) = state.letters.exits.get_mut(&peer) else { return false };
        *exits -= 1;
        if *exits == 0 {
            state.letters.exits.remove(&peer);
        }
        // A process sends nothing after its end, so what came of links with it is its last.
        let place =
            state.letters.queue.iter().rposition(|letter| matches!(letter, Letter::Exit(exit) if exit.from == peer));
        place.and_then(|place| state.letters.queue.remove(place)).is_some()
    }

    pub(crate) fn set_traps_exits(&self, traps: bool) {
        self.state.lock().traps_exits = traps;
    }

    /// Takes the first letter that is wanted. `wanted` is the user's, so it looks at letters outside the lock.
    pub(crate) fn take_letter(&self, wanted: impl FnMut(&Letter<M>) -> bool) -> Option<Letter<M>> {
        self.take_among(usize::MAX, wanted)
    }

    /// `take_letter` among the first `seen` letters.
    fn take_among(&self, seen: usize, mut wanted: impl FnMut(&Letter<M>) -> bool) -> Option<Letter<M>> {
        // Taken out, for `wanted` is the user's code and may use this very process.
        let mut mine = std::mem::take(&mut self.state.lock().letters.queue);
        let place = mine.iter().take(seen).position(&mut wanted);
        let found = place.and_then(|place| mine.remove(place));
        let mut state = self.state.lock();
        if let (Some(place), Some(Letter::Down(down))) = (place, &found) {
            record::note(|| {
                let behind = mine.range(place..).chain(&state.letters.queue);
                let behind = behind.filter(|letter| matches!(letter, Letter::Message(_))).count();
                Event::DownTaken { at: self.head.pid, reference: down.reference, behind }
            });
        }
        // What arrived in between goes behind.
        mine.append(&mut state.letters.queue);
        state.letters.queue = mine;
        state.letters.taken += u64::from(found.is_some());
        match &found {
            Some(Letter::Message(_)) => state.letters.messages -= 1,
            Some(Letter::Exit(exit)) => {
                let again = |letter: &&Letter<M>| matches!(letter, Letter::Exit(other) if other.from == exit.from);
                let left = state.letters.queue.iter().filter(again).count();
                if left == 0 {
                    state.letters.exits.remove(&exit.from);
                } else if let Some(exits) = state.letters.exits.get_mut(&exit.from) {
                    *exits = left.min(*exits);
                }
            }
            Some(Letter::Down(_)) | None => {}
        }
        found
    }

    pub(crate) fn poll_letter(
        &self,
        cx: &Context<'_>,
        mut wanted: impl FnMut(&Letter<M>) -> bool,
    ) -> Poll<Result<Letter<M>, Reason>> {
        if self.is_awaited_by(cx.waker()) {
            return Poll::Pending;
        }
        loop {
            let seen = self.state.lock().letters.queue.len();
            if cut::is_cut(cx) {
                return Poll::Pending;
            }
            // Of those that were there before the look: who sent a later one may have sent an exit before it.
            if let Some(letter) = self.take_among(seen, &mut wanted) {
                return Poll::Ready(Ok(letter));
            }
            // Cloned before the lock is taken: a foreign waker is user code.
            let waker = cx.waker().clone();
            let mut state = self.state.lock();
            if state.letters.queue.len() > seen {
                // Something arrived while nobody was looking.
                continue;
            }
            if state.stage == PlainStage::Dead {
                return Poll::Ready(Err(state.doom.clone().unwrap_or(Reason::Normal)));
            }
            let before = state.reader.replace(waker);
            drop(state);
            barrier::drop_caught(before);
            return Poll::Pending;
        }
    }

    /// Whether the mailbox is empty, and the next letter wakes this waker. A process that waits for other things too asks often,
    /// and then one look is enough.
    fn is_awaited_by(&self, waker: &Waker) -> bool {
        let state = self.state.lock();
        let is_known = state.reader.as_ref().is_some_and(|known| known.will_wake(waker));
        is_known && state.letters.queue.is_empty() && state.stage != PlainStage::Dead
    }

    /// What is in the mailbox, for the text of a failed expectation.
    pub(crate) fn show(&self) -> Vec<String>
    where
        M: std::fmt::Debug,
    {
        self.state.lock().letters.queue.iter().map(|letter| format!("{letter:?}")).collect()
    }

    /// Plain code dropped its handle.
    pub(crate) fn let_go(self: &Arc<Self>) {
        let mut state = self.state.lock();
        if state.has_task || matches!(state.stage, PlainStage::Ending | PlainStage::Dead) {
            return;
        }
        state.doom.get_or_insert(Reason::Normal);
        state.stage = PlainStage::Doomed;
        drop(state);
        end_or_defer(Arc::clone(self) as Arc<dyn Doomed>);
    }

    /// Orders the end from outside; the first reason wins. Whether this is the first.
    fn doom(self: &Arc<Self>, reason: Reason) -> bool {
        noted::doom(self.head.pid, &reason);
        let mut state = self.state.lock();
        if state.stage != PlainStage::Alive {
            return false;
        }
        state.stage = PlainStage::Doomed;
        state.doom = Some(reason);
        // The task ends the process with its next poll, so that the function is dropped where it ran.
        let task = state.task.take();
        let has_task = state.has_task;
        if state.runs {
            // It is cut at its next await. A function that does not run is never polled again.
            state.noted = true;
            cut::note();
        }
        drop(state);
        if has_task {
            wake(task);
        } else {
            end_or_defer(Arc::clone(self) as Arc<dyn Doomed>);
        }
        true
    }

    /// Tells everybody of the end, in its order.
    #[expect(clippy::needless_pass_by_value, reason = "the reason goes with the process")]
    fn finish(self: &Arc<Self>, reason: Reason) {
        let begun = current::begin_death();
        let (name, starter) = {
            let mut state = self.state.lock();
            if matches!(state.stage, PlainStage::Ending | PlainStage::Dead) {
                return;
            }
            if state.noted {
                cut::forget();
            }
            // `Ending` before the name is free: nobody who finds the name free meets a process that still takes messages.
            state.stage = PlainStage::Ending;
            (state.name.take(), state.starter.take())
        };
        // A starter that still waits hears of the end by its start, and so not by the link as well.
        let starter = starter.filter(|(_, slot)| slot.is_open()).map(|(starter, _)| starter);
        if let Some(name) = name {
            self.head.home.node().release(&name, self.head.pid);
        }
        self.head.home.node().release_name(&self.head);
        noted::end(self.head.pid, &reason);
        let (notices, reader, downs) = {
            let mut state = self.state.lock();
            // From here on links and monitors are refused, so what is taken out under this lock is everything.
            state.stage = PlainStage::Dead;
            state.doom = Some(reason.clone());
            (state.ties.take_end_notices(), state.reader.take(), std::mem::take(&mut state.letters.downs))
        };
        self.meter.ended(&reason);
        self.head.home.node().remove(self.head.pid);
        if let Some(key) = notices.alarm() {
            self.head.home.alarm().cancel(key);
        }
        // Its monitors of others go with it. Otherwise each would stay with the watched until that ends.
        for (reference, pid) in downs {
            if let Some(watched) = crate::node::find(pid) {
                watched.demonitor(reference, self.head.pid.node());
            }
        }
        notices.tell(self.head.pid, &reason, starter);
        let mut stoppers = {
            let mut state = self.state.lock();
            // Under the lock that `stop` and `await_end` look under: they are among these, or see that everybody has been
            // told.
            state.told = true;
            state.ties.take_stoppers()
        };
        for stopper in stoppers.drain() {
            stopper.fill(Ok(reason.clone()));
        }
        // Last, so that a reader that learns of the end finds everybody told.
        wake(reader);
        drop(begun);
        end_the_next();
    }
}

fn registered_as(taken: &Name) -> String {
    format!("this process is registered as {taken} already")
}

/// Whether a message is refused, and how.
fn refuses<M>(state: &PlainState<M>) -> Option<Refused> {
    if state.stage != PlainStage::Alive {
        Some(Refused::Dead)
    } else if state.letters.messages >= MAILBOX_DEFAULT as usize {
        Some(Refused::Full)
    } else {
        None
    }
}

/// Counts a message that comes back because the mailbox is full.
fn note_refusal<M>(own: Pid, mut state: MutexGuard<'_, PlainState<M>>, refused: Refused) -> Refused {
    noted::refusal(own);
    if refused == Refused::Full {
        state.letters.refused += 1;
    }
    refused
}

fn deliver<M>(mut state: MutexGuard<'_, PlainState<M>>, message: M) {
    state.letters.messages += 1;
    put(state, Letter::Message(message));
}

/// Puts a letter into the mailbox, and wakes the reader.
fn put<M>(mut state: MutexGuard<'_, PlainState<M>>, letter: Letter<M>) {
    state.letters.queue.push_back(letter);
    state.letters.peak = state.letters.peak.max(state.letters.queue.len());
    let reader = state.reader.take();
    drop(state);
    wake(reader);
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        barrier::wake(waker);
    }
}

impl<M: Send + 'static> Doomed for Plain<M> {
    fn end_here(self: Arc<Self>) {
        let reason = {
            let state = self.state.lock();
            // Its task ends it: the function has to be dropped first, where it ran.
            if state.has_task {
                return;
            }
            state.doom.clone().unwrap_or(Reason::Normal)
        };
        self.finish(reason);
    }
}

impl<M: Send + 'static> AnyProcess for Plain<M> {
    fn head(&self) -> &Head {
        &self.head
    }

    fn is_alive(&self) -> bool {
        self.state.lock().stage == PlainStage::Alive
    }

    fn is_ending(&self) -> bool {
        matches!(self.state.lock().stage, PlainStage::Doomed | PlainStage::Ending)
    }

    fn is_doomed(&self) -> bool {
        self.state.lock().stage == PlainStage::Doomed
    }

    fn traps_exits(&self) -> bool {
        self.state.lock().traps_exits
    }

    /// A function that traps exits is told, and ends by itself; a process that plain code holds has nothing to finish.
    fn order_down(self: Arc<Self>, exit: Exit) {
        let has_task = self.state.lock().has_task;
        if has_task {
            self.exit(exit, ExitKind::Sent);
        } else {
            self.doom(exit.reason);
        }
    }

    fn down(self: Arc<Self>, down: Down) {
        noted::with_reason(self.head.pid, Arrival::Down, &down.reason);
        let mut state = self.state.lock();
        // A monitor that was taken back is not expected any more.
        let is_queued = state.stage == PlainStage::Alive && state.letters.downs.remove(&down.reference).is_some();
        let (at, from, reference) = (self.head.pid, down.pid, down.reference);
        record::note(|| Event::DownCame { at, from, reference, is_queued });
        if is_queued {
            put(state, Letter::Down(down));
        }
    }

    /// A process without a server ends at once when it is asked to, as if by an exit signal of that reason.
    fn stop(self: Arc<Self>, order: Order, ended: Arc<Slot<Reason>>, _inline: bool) -> bool {
        if !self.state.lock().add_stopper(self.head.pid, ended) {
            return false;
        }
        // An order that came first is the one that was carried out. Others only wait for the end.
        if self.doom(order.reason().clone()) {
            order.carry_out();
        }
        true
    }

    fn watch_deadline(self: Arc<Self>, at: Instant) {
        let watch = Arc::new(Deadline { process: Arc::clone(&self) });
        let (_, keeper) = self.head.home.alarm().set(at, watch);
        wake(keeper);
    }

    fn runtime_gone(self: Arc<Self>) {
        self.doom(Reason::RuntimeGone);
    }

    fn ask(self: Arc<Self>, _request: Untyped, _slot: Arc<dyn Waiting>, _inline: bool) -> Asked {
        if self.is_alive() { Asked::NoServer } else { Asked::Dead }
    }

    fn info(&self) -> ProcessInfo {
        let state = self.state.lock();
        ProcessInfo {
            pid: self.head.pid,
            name: state.name.as_ref().or(self.head.name()).map(ToString::to_string),
            label: self.head.label().map(str::to_owned),
            server: PROBE,
            parent: self.head.parent(),
            status: if state.stage == PlainStage::Alive { Status::Waiting } else { Status::Ending },
            mailbox: state.letters.queue.len(),
            mailbox_peak: state.letters.peak,
            handled: state.letters.taken,
            restarts: state.restarts,
            refused: state.letters.refused,
            dropped: 0,
            links: state.ties.peers().collect(),
            monitors: state.ties.watchers(),
            traps_exits: state.traps_exits,
            awaiting_since: None,
            has_task: state.has_task,
        }
    }

    fn set_restarts(&self, restarts: u64) {
        self.state.lock().restarts = restarts;
        if restarts > 0 {
            self.meter.restarted();
        }
    }

    #[cfg(feature = "metrics")]
    fn flush_counts(&self) {}

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl<M: Send + 'static> TiesLock for Plain<M> {
    type Guard<'a> = MutexGuard<'a, PlainState<M>>;

    fn lock(&self) -> Self::Guard<'_> {
        self.state.lock()
    }

    fn traps(&self, state: &Self::Guard<'_>) -> bool {
        state.traps_exits
    }

    fn end(self: &Arc<Self>, reason: Reason) {
        self.doom(reason);
    }

    fn trap(self: &Arc<Self>, mut state: Self::Guard<'_>, exit: Exit, kind: ExitKind) {
        if kind.is_of_a_link() {
            *state.letters.exits.entry(exit.from).or_default() += 1;
        }
        put(state, Letter::Exit(exit));
    }
}

impl<M> TiedState for PlainState<M> {
    fn is_dead(&self) -> bool {
        self.stage == PlainStage::Dead
    }

    /// A function that is never polled again sends nothing more that would have to come first. One that runs may be laying this
    /// link itself, and then the link brings its exit.
    fn refuses_ties(&self) -> bool {
        self.is_dead() || self.is_never_polled_again()
    }

    fn ignores_exits(&self) -> bool {
        self.stage != PlainStage::Alive
    }

    fn has_told(&self) -> bool {
        self.told
    }

    fn doom(&self) -> Option<&Reason> {
        self.doom.as_ref()
    }

    fn ties(&mut self) -> &mut Ties {
        &mut self.ties
    }

    fn known_ties(&mut self) -> Option<&mut Ties> {
        Some(&mut self.ties)
    }
}

/// Ends the waits in `stop` that are over.
struct Deadline<M> {
    process: Arc<Plain<M>>,
}

impl<M: Send + 'static> crate::node::alarm::Alarmed for Deadline<M> {
    fn due(self: Arc<Self>, now: Instant) {
        let mut stoppers = self.process.state.lock().ties.take_stoppers();
        // Without the lock, because it wakes callers.
        stoppers.expire(self.process.head.pid, now);
        let mut state = self.process.state.lock();
        if !state.told {
            return state.ties.rare().stoppers.take_back(stoppers);
        }
        let reason = state.doom.clone().unwrap_or(Reason::Normal);
        drop(state);
        for slot in stoppers.drain() {
            slot.fill(Ok(reason.clone()));
        }
    }
}
