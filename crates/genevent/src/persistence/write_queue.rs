//! The queue of events to be written, and the job that writes them.
//!
//! 1. The writer is in the queue, or out with a job on a blocking thread. A job takes everything that waits, writes it,
//!    syncs it if needed, and acknowledges it. Then it looks again, and puts the writer back when nothing waits.
//! 2. Everything that waits will be written by a job: adding to the queue starts one if the writer is in.
//! 3. After an error there is no writer, and everything that waits is refused.

use std::sync::Arc;

use futures::channel::oneshot;
use genserver::run_blocking;
use parking_lot::Mutex;

use super::error::WriteError;
use super::folder::FolderLock;
use super::format;
use super::position::LogPosition;
use super::writer::Writer;
use super::{LogOptions, SyncPolicy};
use crate::handler::{HandlerCaller, Hold};

/// How many bytes may wait. One more event is accepted, however long it is.
const WAITING_MAX: usize = 1 << 20;

/// How many callers may wait for a sync.
const FLUSHES_MAX: usize = 1024;

/// The queue of events to be written.
pub(super) struct WriteQueue {
    state: Mutex<State>,
    limits: LogOptions,
    /// Released when the log is closed. If it never is, released when the last job has ended and the handler is gone.
    held: Mutex<Option<FolderLock>>,
}

struct State {
    waiting: Batch,
    writer: Option<Box<Writer>>,
    failed: Option<WriteError>,
    position: LogPosition,
    /// Wakes the handler when there is space. There is one handler, and it does one thing at a time.
    space: Option<oneshot::Sender<()>>,
    /// Wakes the handler when everything is written.
    idle: Option<oneshot::Sender<()>>,
    /// Told when writing has failed.
    watch: Option<oneshot::Sender<()>>,
    /// Whether a delayed sync is scheduled.
    timed: bool,
}

/// What one job writes.
#[derive(Default)]
struct Batch {
    records: Vec<u8>,
    holds: Vec<Hold>,
    flushes: Vec<Flush>,
    sync: bool,
}

/// A caller that has asked for a sync.
pub(super) type Flush = HandlerCaller<Result<LogPosition, WriteError>>;

impl Batch {
    fn is_empty(&self) -> bool {
        self.records.is_empty() && !self.sync
    }

    fn has_space(&self) -> bool {
        self.records.len() < WAITING_MAX && self.flushes.len() < FLUSHES_MAX
    }
}

impl WriteQueue {
    pub(super) fn new(writer: Writer, limits: LogOptions, held: FolderLock) -> Self {
        let position = position(&writer);
        let state = State {
            waiting: Batch::default(),
            writer: Some(Box::new(writer)),
            failed: None,
            position,
            space: None,
            idle: None,
            watch: None,
            timed: false,
        };
        Self { state: Mutex::new(state), limits, held: Mutex::new(Some(held)) }
    }

    pub(super) fn position(&self) -> LogPosition {
        self.state.lock().position
    }

    /// The error after which nothing is written any more.
    pub(super) fn failed(&self) -> Option<WriteError> {
        self.state.lock().failed.clone()
    }

    /// Resolves when writing has failed or this was dropped.
    pub(super) fn watch(&self) -> oneshot::Receiver<()> {
        let (sender, failed) = oneshot::channel();
        self.state.lock().watch = Some(sender);
        failed
    }

    /// Returns when there is space for one more event, and for one more caller that asks for a sync.
    pub(super) async fn space(&self) {
        let space = {
            let mut state = self.state.lock();
            if state.waiting.has_space() || state.failed.is_some() {
                return;
            }
            let (sender, space) = oneshot::channel();
            state.space = Some(sender);
            space
        };
        // A dropped sender means the same: look again.
        let _told = space.await;
    }

    /// Adds an event. Returns whether the caller has to schedule a sync.
    pub(super) fn push(self: &Arc<Self>, event: &[u8], hold: Option<Hold>) -> Result<bool, WriteError> {
        let timed = {
            let mut state = self.state.lock();
            if let Some(failed) = &state.failed {
                return Err(failed.clone());
            }
            format::push(&mut state.waiting.records, event);
            state.waiting.holds.extend(hold);
            matches!(self.limits.sync, SyncPolicy::Every(_)) && !std::mem::replace(&mut state.timed, true)
        };
        self.kick();
        Ok(timed)
    }

    /// Has everything that waits written and synced.
    pub(super) fn flush(self: &Arc<Self>, flush: Option<Flush>) {
        let refused = {
            let mut state = self.state.lock();
            state.timed = false;
            if let Some(failed) = &state.failed {
                flush.map(|flush| (flush, failed.clone()))
            } else {
                state.waiting.sync = true;
                state.waiting.flushes.extend(flush);
                None
            }
        };
        match refused {
            Some((flush, failed)) => flush.reply(Err(failed)),
            None => self.kick(),
        }
    }

    /// Returns when everything is written and the log is closed, so that another handler can open it.
    pub(super) async fn close(&self) -> Result<(), WriteError> {
        let finished = self.finish().await;
        let held = self.held.lock().take();
        drop(held);
        finished
    }

    async fn finish(&self) -> Result<(), WriteError> {
        let mut writer = loop {
            match self.take_writer()? {
                Ok(writer) => break writer,
                // A dropped sender means the same: look again.
                Err(idle) => drop(idle.await),
            }
        };
        let closed = run_blocking(move || writer.close().map(|()| position(&writer))).await;
        self.state.lock().position = closed.map_err(|_not_run| WriteError::interrupted()).flatten()?;
        Ok(())
    }

    /// Takes the writer for good, or returns a receiver that resolves when it is back.
    fn take_writer(&self) -> Result<Result<Box<Writer>, oneshot::Receiver<()>>, WriteError> {
        let mut state = self.state.lock();
        if let Some(failed) = &state.failed {
            return Err(failed.clone());
        }
        Ok(state.writer.take().ok_or_else(|| {
            let (sender, idle) = oneshot::channel();
            state.idle = Some(sender);
            idle
        }))
    }

    /// Starts a job (rule 2).
    fn kick(self: &Arc<Self>) {
        let writer = {
            let mut state = self.state.lock();
            if state.waiting.is_empty() {
                return;
            }
            state.writer.take()
        };
        if let Some(writer) = writer {
            let job = Job { queue: Arc::clone(self), writer: Some(writer) };
            drop(run_blocking(move || job.run()));
        }
    }

    /// Fails for good (rule 3).
    fn fail(&self, error: &WriteError) {
        let (refused, told) = {
            let mut state = self.state.lock();
            state.failed.get_or_insert_with(|| error.clone());
            (std::mem::take(&mut state.waiting), [state.space.take(), state.idle.take(), state.watch.take()])
        };
        refuse(refused, error);
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
            if let Err(error) = write(writer, &mut batch, self.queue.limits.sync) {
                refuse(batch, &error);
                // Closes the files: nothing writes to them again.
                self.writer = None;
                return self.queue.fail(&error);
            }
            let position = position(writer);
            self.queue.state.lock().position = position;
            batch.holds.into_iter().for_each(Hold::done);
            batch.flushes.into_iter().for_each(|flush| flush.reply(Ok(position)));
            spare = batch.records;
        }
    }

    /// Takes what waits. If nothing does, puts the writer back.
    fn next(&mut self, mut spare: Vec<u8>) -> Option<Batch> {
        let mut state = self.queue.state.lock();
        if state.waiting.is_empty() {
            state.writer = self.writer.take();
            let idle = state.idle.take();
            drop(state);
            if let Some(idle) = idle {
                let _gone = idle.send(());
            }
            return None;
        }
        spare.clear();
        let batch = std::mem::replace(&mut state.waiting, Batch { records: spare, ..Batch::default() });
        let space = state.space.take();
        drop(state);
        if let Some(space) = space {
            let _gone = space.send(());
        }
        Some(batch)
    }
}

// A job dropped with the writer inside never ran, or has panicked.
impl Drop for Job {
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            self.queue.fail(&WriteError::interrupted());
        }
    }
}

fn write(writer: &mut Writer, batch: &mut Batch, sync: SyncPolicy) -> Result<(), WriteError> {
    writer.append(&mut batch.records)?;
    if batch.sync || sync == SyncPolicy::EachEvent { writer.sync() } else { Ok(()) }
}

/// Dropping the holds tells their senders that it was not done.
fn refuse(batch: Batch, error: &WriteError) {
    drop(batch.holds);
    batch.flushes.into_iter().for_each(|flush| flush.reply(Err(error.clone())));
}

fn position(writer: &Writer) -> LogPosition {
    let (written, synced) = writer.events();
    LogPosition { written, synced }
}
