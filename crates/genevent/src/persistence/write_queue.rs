//! Where events wait to be written, and the thread that writes them.
//!
//! 1. The writer is in its place, or it is out, with a job on a thread that may block. A job takes all that waits, writes it, syncs it
//!    if it must, and acknowledges it; then it looks again, and brings the writer back when nothing waits.
//! 2. What waits is written by a job: whoever adds to it starts one if the writer is in its place.
//! 3. After an error there is no writer any more, and everything that waits is refused.

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

/// How many bytes may wait. One event more is taken, however long it is.
const WAITING_MAX: usize = 1 << 20;

/// How many may wait for a sync that they have asked for.
const FLUSHES_MAX: usize = 1024;

/// Where events wait to be written.
pub(super) struct WriteQueue {
    state: Mutex<State>,
    limits: LogOptions,
    /// Given back when the log is closed; if it never is, when the last job has ended and the handler has gone.
    held: Mutex<Option<FolderLock>>,
}

struct State {
    waiting: Batch,
    writer: Option<Box<Writer>>,
    failed: Option<WriteError>,
    position: LogPosition,
    /// The handler, if it waits for room. There is one, and it does one thing at a time.
    room: Option<oneshot::Sender<()>>,
    /// The handler, if it waits until all is written.
    idle: Option<oneshot::Sender<()>>,
    /// Whoever wants to know that writing has failed.
    watch: Option<oneshot::Sender<()>>,
    /// Whether a sync will be asked for in some time.
    timed: bool,
}

/// What is written at once.
#[derive(Default)]
struct Batch {
    records: Vec<u8>,
    holds: Vec<Hold>,
    flushes: Vec<Flush>,
    sync: bool,
}

/// Whoever has asked for a sync.
pub(super) type Flush = HandlerCaller<Result<LogPosition, WriteError>>;

impl Batch {
    fn is_empty(&self) -> bool {
        self.records.is_empty() && !self.sync
    }

    fn has_room(&self) -> bool {
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
            room: None,
            idle: None,
            watch: None,
            timed: false,
        };
        Self { state: Mutex::new(state), limits, held: Mutex::new(Some(held)) }
    }

    pub(super) fn position(&self) -> LogPosition {
        self.state.lock().position
    }

    /// Why nothing is written any more, if that is so.
    pub(super) fn failed(&self) -> Option<WriteError> {
        self.state.lock().failed.clone()
    }

    /// Ends when writing has failed, or this has gone.
    pub(super) fn watch(&self) -> oneshot::Receiver<()> {
        let (sender, failed) = oneshot::channel();
        self.state.lock().watch = Some(sender);
        failed
    }

    /// Returns when there is room for one more event, or one more who asks for a sync.
    pub(super) async fn room(&self) {
        let room = {
            let mut state = self.state.lock();
            if state.waiting.has_room() || state.failed.is_some() {
                return;
            }
            let (sender, room) = oneshot::channel();
            state.room = Some(sender);
            room
        };
        // A sender that is dropped says the same: look again.
        let _told = room.await;
    }

    /// An event is to be written. Whether somebody has to ask for a sync in a while.
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

    /// All that waits is to be written, and synced.
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

    /// Returns when all is written, and the log is closed: another handler may open it.
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
                // A sender that is dropped says the same: look again.
                Err(idle) => drop(idle.await),
            }
        };
        let closed = run_blocking(move || writer.close().map(|()| position(&writer))).await;
        self.state.lock().position = closed.map_err(|_not_run| WriteError::interrupted()).flatten()?;
        Ok(())
    }

    /// Takes the writer for good, or says who will bring it.
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

    /// Starts a job, by rule 2.
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

    /// By rule 3.
    fn fail(&self, error: &WriteError) {
        let (refused, told) = {
            let mut state = self.state.lock();
            state.failed.get_or_insert_with(|| error.clone());
            (std::mem::take(&mut state.waiting), [state.room.take(), state.idle.take(), state.watch.take()])
        };
        refuse(refused, error);
        for told in told.into_iter().flatten() {
            let _gone = told.send(());
        }
    }
}

/// The writer on its way through what waits.
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
                // What is open of it is closed, and nobody writes again.
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

    /// What waits. If nothing does, the writer is brought back.
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
        let room = state.room.take();
        drop(state);
        if let Some(room) = room {
            let _gone = room.send(());
        }
        Some(batch)
    }
}

/// A job that is dropped with the writer was never run, or has panicked.
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

/// Nobody is told that it was done.
fn refuse(batch: Batch, error: &WriteError) {
    drop(batch.holds);
    batch.flushes.into_iter().for_each(|flush| flush.reply(Err(error.clone())));
}

fn position(writer: &Writer) -> LogPosition {
    let (written, synced) = writer.events();
    LogPosition { written, synced }
}
