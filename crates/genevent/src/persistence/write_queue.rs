//! The queue of events to be written, and the job that writes them.
//!
//! 1. The writer is in the queue, or out with a job on a blocking thread. A job takes everything that waits, writes it,
//!    syncs it if needed, and acknowledges it. Then it looks again, and puts the writer back when nothing new waits.
//! 2. Everything new will be written by a job: adding to the queue starts one if the writer is in.
//! 3. After an error, the senders that wait for an event that is not kept are refused. What nobody waits for is put back, before
//!    anything newer, and the next job tries it again. So an acknowledged event has all before it in the log, but those that
//!    were refused.
//! 4. Where that is not possible, because too much waits or an event cannot be written at all, the event is lost. From then on
//!    everything is refused, until somebody says that the log may go on without it.
//! 5. With [`FailurePolicy::Remove`], and if a job is lost, there is no writer after an error, and everything is refused.

use std::path::PathBuf;
use std::sync::Arc;

use futures::channel::oneshot;
use genserver::report::{CustomReport, Level, Report};
use genserver::{ProcessRef, run_blocking};
use parking_lot::Mutex;

use super::batch::{Batch, Flush, WAITING_MAX};
use super::error::{LogError, WriteError};
use super::folder::FolderLock;
use super::position::LogPosition;
use super::writer::Writer;
use super::{FailurePolicy, LogOptions, SyncPolicy};
use crate::handler::{Hold, Refusals};

/// The queue of events to be written.
pub(super) struct WriteQueue {
    state: Mutex<State>,
    folder: PathBuf,
    limits: LogOptions,
    /// Released when the log is closed. If it never is, released when the last job has ended and the handler is gone.
    held: Mutex<Option<FolderLock>>,
}

struct State {
    waiting: Batch,
    writer: Option<Box<Writer>>,
    /// How many bytes a job is out with.
    out: usize,
    /// Why the last job has kept nothing, or not all.
    failed: Option<LogError>,
    /// Whether no writer will come back (rule 5).
    is_over: bool,
    /// Why events were lost, and how many (rule 4).
    lost: Option<(LogError, u64)>,
    position: LogPosition,
    /// Wakes the handler when there is space. There is one handler, and it does one thing at a time.
    space: Option<oneshot::Sender<()>>,
    /// Wakes the handler when the writer is back.
    idle: Option<oneshot::Sender<()>>,
    /// Told when writing has failed for good.
    watch: Option<oneshot::Sender<()>>,
    /// Whether a delayed sync is scheduled.
    timed: bool,
    observer: Option<Observer>,
}

/// The writer, taken for good.
enum Taken {
    /// With what was tried in vain.
    Writer(Box<Writer>, Batch),
    /// It is out with a job. This resolves when it is back.
    IsOut(oneshot::Receiver<()>),
}

/// The manager of the handler.
#[derive(Clone)]
pub(super) struct Observer {
    process: ProcessRef,
    refusals: Arc<Refusals>,
}

impl Observer {
    pub(super) fn new(process: ProcessRef, refusals: &Arc<Refusals>) -> Self {
        Self { process, refusals: Arc::clone(refusals) }
    }

    fn report(&self, level: Level, what: &'static str, error: Option<&LogError>) {
        self.process.report(level, |me| {
            let told = CustomReport::new(me, level, "Event manager", what);
            Report::Custom(match error {
                Some(error) => told.because(error.clone().into()),
                None => told,
            })
        });
    }
}

impl State {
    /// Why nothing is taken, if nothing is.
    fn refusal(&self, folder: &std::path::Path) -> Option<LogError> {
        if let Some((cause, lost)) = &self.lost {
            let (folder, cause) = (folder.to_owned(), Arc::new(cause.clone()));
            return Some(LogError::Lost { folder, lost: *lost, cause });
        }
        self.failed.clone().filter(|_| self.is_over)
    }

    /// Counts an event that is lost (rule 4). Returns the manager if it has to be told: of the first.
    fn lose(&mut self, cause: &LogError) -> Option<Observer> {
        if let Some((_, lost)) = &mut self.lost {
            *lost += 1;
            return None;
        }
        self.lost = Some((cause.clone(), 1));
        self.observer.clone()
    }
}

impl WriteQueue {
    pub(super) fn new(writer: Writer, folder: PathBuf, limits: LogOptions, held: FolderLock) -> Self {
        let position = position(&writer);
        let state = State {
            waiting: Batch::default(),
            writer: Some(Box::new(writer)),
            out: 0,
            failed: None,
            is_over: false,
            lost: None,
            position,
            space: None,
            idle: None,
            watch: None,
            timed: false,
            observer: None,
        };
        Self { state: Mutex::new(state), folder, limits, held: Mutex::new(Some(held)) }
    }

    pub(super) fn position(&self) -> LogPosition {
        self.state.lock().position
    }

    /// Why the log keeps no events now.
    pub(super) fn failed(&self) -> Option<LogError> {
        let state = self.state.lock();
        state.refusal(&self.folder).or_else(|| state.failed.clone())
    }

    /// Says which manager is to be told of failures.
    pub(super) fn observe(&self, observer: Observer) {
        self.state.lock().observer = Some(observer);
    }

    /// Resolves when writing has failed for good or this was dropped.
    pub(super) fn watch(&self) -> oneshot::Receiver<()> {
        let (sender, failed) = oneshot::channel();
        self.state.lock().watch = Some(sender);
        failed
    }

    /// Returns when there is space for one more event, and for one more caller that asks for a sync. While the writer is in,
    /// there is no need to wait: what is added starts a job, or is refused.
    pub(super) async fn space(&self) {
        loop {
            let space = {
                let mut state = self.state.lock();
                if state.waiting.has_space() || state.writer.is_some() || state.is_over {
                    return;
                }
                let (sender, space) = oneshot::channel();
                state.space = Some(sender);
                space
            };
            // A dropped sender means the same: look again.
            let _told = space.await;
        }
    }

    /// Adds an event. Returns whether the caller has to schedule a sync. If the event is not taken, its sender is
    /// told.
    pub(super) fn push(self: &Arc<Self>, event: &[u8], time: u64, hold: Option<Hold>) -> Result<bool, LogError> {
        let timed = {
            let mut state = self.state.lock();
            let is_full = hold.is_none() && state.out + state.waiting.records.len() >= WAITING_MAX;
            let no = state.refusal(&self.folder).or_else(|| state.failed.clone().filter(|_| is_full));
            if let Some(error) = no {
                drop(state);
                self.lose(&error, hold);
                return Err(error);
            }
            state.waiting.push(time, event, hold);
            matches!(self.limits.sync, SyncPolicy::Every(_)) && !std::mem::replace(&mut state.timed, true)
        };
        self.kick();
        Ok(timed)
    }

    /// Refuses an event to the sender that waits for it. If none does, it is lost (rule 4).
    pub(super) fn lose(&self, error: &LogError, hold: Option<Hold>) {
        if let Some(hold) = hold {
            hold.refuse(error.clone());
        } else if self.limits.failure() == FailurePolicy::Refuse {
            let told = self.state.lock().lose(error);
            if let Some(observer) = told {
                observer.refusals.count();
                let what =
                    "has a log that has lost an event, and refuses all others until it is told to go on without it";
                observer.report(Level::Error, what, Some(error));
            }
        }
    }

    /// Goes on without the events that were lost.
    pub(super) fn reopen(&self) {
        self.state.lock().lost = None;
    }

    /// Has everything that waits written and synced.
    pub(super) fn flush(self: &Arc<Self>, flush: Option<Flush>) {
        let refused = {
            let mut state = self.state.lock();
            state.timed = false;
            if let Some(refusal) = state.refusal(&self.folder) {
                flush.map(|flush| (flush, refusal))
            } else {
                state.waiting.flush(flush);
                None
            }
        };
        match refused {
            Some((flush, error)) => flush.reply(Err(error)),
            None => self.kick(),
        }
    }

    /// Returns when everything is written and the log is closed, so that another handler can open it.
    pub(super) async fn close(&self) -> Result<(), LogError> {
        let finished = self.finish().await;
        let held = self.held.lock().take();
        drop(held);
        finished
    }

    async fn finish(&self) -> Result<(), LogError> {
        let (mut writer, mut left) = loop {
            match self.take_writer()? {
                Taken::Writer(writer, left) => break (writer, left),
                // A dropped sender means the same: look again.
                Taken::IsOut(idle) => drop(idle.await),
            }
        };
        let sync = self.limits.sync;
        let closing = run_blocking(move || {
            let before = writer.events().0;
            let closed = write(&mut writer, &mut left, sync).and_then(|()| writer.close());
            // What is not kept is not left in the file either. If that fails, too, the first error says why.
            let _recovered = writer.recover();
            let kept = writer.events().0 - before;
            closed.map_err(|error| (error, left.events() - kept)).map(|()| position(&writer))
        });
        let closed = match closing.await {
            Ok(closed) => closed,
            Err(_not_run) => Err((WriteError::interrupted(&self.folder), 0)),
        };
        let mut state = self.state.lock();
        match closed {
            Ok(position) => (state.position, state.failed) = (position, None),
            Err((error, 0)) => return Err(error.into()),
            Err((error, unkept)) => {
                let (_, lost) = state.lost.get_or_insert((error.into(), 0));
                *lost += unkept;
            }
        }
        state.refusal(&self.folder).map_or(Ok(()), Err)
    }

    /// Takes the writer for good, if it is in.
    fn take_writer(&self) -> Result<Taken, LogError> {
        let mut state = self.state.lock();
        if let Some(failed) = state.failed.clone().filter(|_| state.is_over) {
            return Err(failed);
        }
        if let Some(writer) = state.writer.take() {
            state.is_over = true;
            return Ok(Taken::Writer(writer, std::mem::take(&mut state.waiting)));
        }
        let (sender, idle) = oneshot::channel();
        state.idle = Some(sender);
        Ok(Taken::IsOut(idle))
    }

    /// Starts a job (rule 2).
    fn kick(self: &Arc<Self>) {
        let writer = {
            let mut state = self.state.lock();
            if !state.waiting.is_new() {
                return;
            }
            state.writer.take()
        };
        if let Some(writer) = writer {
            let job = Job { queue: Arc::clone(self), writer: Some(writer) };
            drop(run_blocking(move || job.run()));
        }
    }

    /// Takes note of a job that has written all it was given.
    fn wrote(&self, position: LogPosition) {
        let observer = {
            let mut state = self.state.lock();
            (state.position, state.out) = (position, 0);
            state.failed.take().and_then(|_| state.observer.clone())
        };
        if let Some(observer) = observer {
            observer.report(Level::Info, "has a log that keeps events again", None);
        }
    }

    /// Takes note of a job that has failed, before anybody is refused.
    fn failing(&self, error: &LogError) {
        let observer = {
            let mut state = self.state.lock();
            let is_first = state.failed.replace(error.clone()).is_none();
            state.observer.clone().map(|observer| (observer, is_first))
        };
        let Some((observer, is_first)) = observer else { return };
        observer.refusals.count();
        if is_first && self.limits.failure() == FailurePolicy::Refuse {
            let what = "has a log that cannot keep events, and refuses them until it can";
            observer.report(Level::Error, what, Some(error));
        }
    }

    /// Fails for good (rule 5).
    fn fail(&self, error: &LogError) {
        let (refused, told) = {
            let mut state = self.state.lock();
            state.failed.get_or_insert_with(|| error.clone());
            (state.is_over, state.out) = (true, 0);
            (std::mem::take(&mut state.waiting), [state.space.take(), state.idle.take(), state.watch.take()])
        };
        drop(refused.failed(0, error));
        for told in told.into_iter().flatten() {
            let _gone = told.send(());
        }
    }
}

/// The writer, on a job.
struct Job {
    queue: Arc<WriteQueue>,
    writer: Option<Box<Writer>>,
}

impl Job {
    fn run(mut self) {
        let mut spare = Vec::new();
        while let Some(mut batch) = self.next(std::mem::take(&mut spare)) {
            let Some(writer) = &mut self.writer else { return };
            let before = writer.events().0;
            let Err(error) = write(writer, &mut batch, self.queue.limits.sync) else {
                let position = position(writer);
                self.queue.wrote(position);
                spare = batch.done(position);
                continue;
            };
            let error = LogError::from(error);
            let kept = writer.events().0 - before;
            // What is not kept is not left in the file either, if the disk allows. Otherwise the next job does this first.
            let _recovered = writer.recover();
            let position = position(writer);
            self.queue.state.lock().position = position;
            self.queue.failing(&error);
            let left = batch.failed(kept, &error);
            if self.queue.limits.failure() == FailurePolicy::Remove {
                // Closes the files: nothing writes to them again.
                self.writer = None;
                return self.queue.fail(&error);
            }
            let mut state = self.queue.state.lock();
            state.out = 0;
            state.waiting.put_back(left);
        }
    }

    /// Takes what waits. If nothing of it is new, puts the writer back.
    fn next(&mut self, spare: Vec<u8>) -> Option<Batch> {
        let mut state = self.queue.state.lock();
        let batch = if state.waiting.is_new() {
            let batch = std::mem::replace(&mut state.waiting, Batch::with(spare));
            state.out = batch.records.len();
            Some(batch)
        } else {
            state.writer = self.writer.take();
            None
        };
        let told = [state.space.take(), if batch.is_none() { state.idle.take() } else { None }];
        drop(state);
        for told in told.into_iter().flatten() {
            let _gone = told.send(());
        }
        batch
    }
}

// A job dropped with the writer inside never ran, or has panicked.
impl Drop for Job {
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            self.queue.fail(&WriteError::interrupted(&self.queue.folder).into());
        }
    }
}

fn write(writer: &mut Writer, batch: &mut Batch, sync: SyncPolicy) -> Result<(), WriteError> {
    writer.recover()?;
    writer.append(&mut batch.records)?;
    if batch.sync || sync == SyncPolicy::EachEvent {
        writer.sync()?;
    }
    // A caller that asks for a sync waits for its proof as well. With that, each event would take twice as long.
    if batch.sync { writer.sync_mark() } else { Ok(()) }
}

fn position(writer: &Writer) -> LogPosition {
    let (written, synced) = writer.events();
    LogPosition { written, synced }
}
