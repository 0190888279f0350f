//! A disk that fails when told to, and at a power failure loses what was not synced.
//!
//! The files are real, so the real reader reads them. What the disk would have after a power failure is kept beside.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use genserver::runtime::Smol;
use parking_lot::Mutex;

use super::disk::{Disk, DiskFile, System};
use super::error::{OpenError, ReadError, WriteError};
use super::memory_folder::memory_folder;
use super::replay::replay;
use super::tag::Tag;
use super::wall_clock::WallClock;
use super::writer::Writer;
use super::{FailurePolicy, LogError, LogOptions, SyncPolicy, TornTail, format};
use super::{LogCall, PersistenceHandler};
use crate::manager::Manager;
use crate::values::NotifyError;

/// The unit of an atomic write.
const SECTOR: usize = 512;

/// A reproducible sequence of numbers.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.below(range.end - range.start)
    }
}

/// The durable bytes of a file, and the writes that are not durable yet.
#[derive(Default)]
struct Image {
    named: bool,
    synced: Vec<u8>,
    written: Vec<(usize, Vec<u8>)>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<PathBuf, Image>,
    /// How many writes and syncs succeed before one fails; `None` for all.
    good: Option<u64>,
    /// How many then fail before all succeed again; `None` for all.
    bad: Option<u64>,
    /// How often a file was asked to sync, including after an error.
    syncs: u64,
}

#[derive(Clone, Default)]
struct Forgetful(Arc<Mutex<State>>);

struct File {
    disk: Forgetful,
    path: PathBuf,
    medium: Box<dyn DiskFile>,
}

impl Forgetful {
    fn failing_after(good: u64) -> Self {
        let disk = Self::default();
        disk.0.lock().good = Some(good);
        disk
    }

    fn turn(&self) -> io::Result<()> {
        let mut state = self.0.lock();
        match &mut state.good {
            Some(0) => {
                state.bad = state.bad.map(|bad| bad.saturating_sub(1));
                if state.bad == Some(0) {
                    state.good = None;
                }
                Err(io::ErrorKind::StorageFull.into())
            }
            Some(good) => {
                *good -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Loses power, and comes back.
    fn outage(&self, numbers: &mut Numbers) {
        let mut state = self.0.lock();
        state.good = None;
        for (path, image) in std::mem::take(&mut state.files) {
            if !image.named && numbers.below(2) == 0 {
                fs::remove_file(&path).unwrap();
                continue;
            }
            let mut bytes = image.synced;
            let (kept, of) = (numbers.below(5), 4);
            for (at, written) in image.written {
                for (index, sector) in sectors(at, &written) {
                    // Sometimes all of them, sometimes none.
                    if numbers.below(of) < kept {
                        if bytes.len() < index + sector.len() {
                            bytes.resize(index + sector.len(), 0);
                        }
                        bytes[index..index + sector.len()].copy_from_slice(sector);
                    }
                }
            }
            fs::write(&path, &bytes).unwrap();
            state.files.insert(path, Image { named: true, synced: bytes, written: Vec::new() });
        }
    }
}

/// The pieces of a write, one per sector.
fn sectors(at: usize, mut bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let (mut at, mut pieces) = (at, Vec::new());
    while !bytes.is_empty() {
        let (piece, rest) = bytes.split_at(bytes.len().min(SECTOR - at % SECTOR));
        pieces.push((at, piece));
        (at, bytes) = (at + piece.len(), rest);
    }
    pieces
}

impl Disk for Forgetful {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.0.lock().files.insert(path.to_owned(), Image::default());
        let medium = System.create(path)?;
        Ok(Box::new(File { disk: self.clone(), path: path.to_owned(), medium }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.0.lock().files.entry(path.to_owned()).or_default();
        let medium = System.open(path)?;
        Ok(Box::new(File { disk: self.clone(), path: path.to_owned(), medium }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.lock().files.remove(path);
        System.remove(path)
    }

    fn sync_names(&self, _folder: &Path) -> io::Result<()> {
        self.turn()?;
        self.0.lock().files.values_mut().for_each(|image| image.named = true);
        Ok(())
    }
}

impl DiskFile for File {
    fn write(&mut self, at: u32, bytes: &[u8]) -> io::Result<()> {
        let went = self.disk.turn();
        let bytes = if went.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        self.medium.write(at, bytes)?;
        let mut state = self.disk.0.lock();
        state.files.get_mut(&self.path).unwrap().written.push((at as usize, bytes.to_vec()));
        went
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.0.lock().syncs += 1;
        self.disk.turn()?;
        let mut state = self.disk.0.lock();
        let image = state.files.get_mut(&self.path).unwrap();
        (image.synced, image.written) = (fs::read(&self.path)?, Vec::new());
        Ok(())
    }

    fn cut(&mut self, length: u32) -> io::Result<()> {
        fs::OpenOptions::new().write(true).open(&self.path)?.set_len(length.into())?;
        self.sync()
    }
}

fn limits(sync: SyncPolicy, rotate_at: u32) -> LogOptions {
    LogOptions { sync, rotate_at, keep: None, tag: None, failure: None }
}

/// Each log with and without a tag.
fn tags() -> [Option<Tag>; 2] {
    [None, Some(Tag::new("Text/1"))]
}

fn event(number: u64) -> String {
    format!("{number:>width$}", width = usize::try_from(number * 7 % 90).unwrap())
}

fn records(events: Range<u64>) -> Vec<u8> {
    let mut records = Vec::new();
    events.for_each(|number| format::push(&mut records, number, &postcard::to_stdvec(&event(number)).unwrap()));
    records
}

/// Asserts that what is read is a prefix of what was written, and returns its length and why it ended.
fn read(folder: &Path, tag: Option<Tag>) -> (u64, Option<ReadError>) {
    let mut read = 0;
    let mut events = replay::<String>(folder);
    if let Some(tag) = tag {
        events = events.tag(&tag.to_string());
    }
    for next in events {
        match next {
            Ok(found) => assert_eq!(found, event(read)),
            Err(error) => return (read, Some(error)),
        }
        read += 1;
    }
    (read, None)
}

/// Writes until something fails or enough is written, and returns how much was synced.
fn fill(writer: &mut Writer, numbers: &mut Numbers, first: u64) -> Result<u64, (u64, WriteError)> {
    let mut synced = first;
    for _ in 0..numbers.within(1..12) {
        let from = writer.events().0;
        writer.append(&mut records(from..from + numbers.within(1..6))).map_err(|error| (synced, error))?;
        if numbers.below(3) > 0 {
            writer.sync().map_err(|error| (synced, error))?;
            synced = writer.events().1;
        }
    }
    Ok(synced)
}

/// What was synced is found again after each outage, and the log goes on; whatever fails, and whatever the disk forgets.
#[test]
fn what_was_synced_survives_every_outage() {
    let rounds = std::env::var("GENEVENT_OUTAGES").map_or(300, |rounds| rounds.parse().unwrap());
    for seed in 0..rounds {
        let mut numbers = Numbers(seed);
        let folder = memory_folder();
        let policy = [SyncPolicy::EachEvent, SyncPolicy::Never][usize::try_from(seed % 2).unwrap()];
        let rotate_at = u32::try_from(numbers.within(60..4_000)).unwrap();
        let tag = tags()[usize::try_from(seed / 2 % 2).unwrap()];
        let mut synced = 0;
        let disk = Forgetful::default();
        for round in 0..4 {
            // A log that gets its tag begins without one.
            let limits = LogOptions { tag: tag.filter(|_| round > 0), ..limits(policy, rotate_at) };
            let opened: Result<(Writer, Option<TornTail>), OpenError> =
                Writer::open(Box::new(disk.clone()), folder.path(), limits);
            let (mut writer, _) = opened.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert!(
                writer.events().1 >= synced,
                "seed {seed}: {synced} were synced, and {:?} are there",
                writer.events()
            );
            disk.0.lock().good = (numbers.below(2) == 0).then(|| numbers.below(40));
            let known = writer.events().1;
            synced = match fill(&mut writer, &mut numbers, known) {
                Ok(synced) | Err((synced, _)) => synced,
            };
            disk.outage(&mut numbers);
            let (read, error) = read(folder.path(), tag);
            assert!(error.is_none(), "seed {seed}: {error:?}");
            assert!(read >= synced, "seed {seed}: {synced} were synced, and {read} are read");
        }
    }
}

/// A log of more than a kibibyte whose events were synced one, or several, at a time.
struct SmallLog {
    folder: tempfile::TempDir,
    tag: Option<Tag>,
    /// What is in its file, ...
    log: Vec<u8>,
    /// ... and in the file that says how far it is synced.
    mark: Vec<u8>,
}

impl SmallLog {
    fn new(tag: Option<Tag>) -> Self {
        let folder = memory_folder();
        let disk = Box::new(Forgetful::default());
        let limits = LogOptions { tag, ..limits(SyncPolicy::Never, 1 << 20) };
        let (mut writer, _) = Writer::open(disk, folder.path(), limits).unwrap();
        for together in [1, 1, 1, 5, 1, 1, 12, 1] {
            let from = writer.events().0;
            writer.append(&mut records(from..from + together)).unwrap();
            writer.sync().unwrap();
        }
        let log = fs::read(super::folder::file(folder.path(), 1)).unwrap();
        let mark = fs::read(super::folder::synced(folder.path())).unwrap();
        assert!(log.len() > 1_000);
        Self { folder, tag, log, mark }
    }

    /// It is read to some point, and opened at that point, or neither for the same reason: with the mark, and as after a power
    /// failure that has left none.
    fn check(&self, log: &[u8]) -> Option<TornTail> {
        // All is acknowledged. So a loss that the mark knows of is an error.
        let whole = log.starts_with(&self.log);
        let path = super::folder::synced(self.folder.path());
        fs::write(&path, &self.mark).unwrap();
        let (known, torn) = self.check_file(log);
        assert_eq!(known, whole, "with the mark");
        fs::write(&path, [0; 1024]).unwrap();
        let (known, torn_without) = self.check_file(log);
        assert!(known || !whole, "without the mark");
        if whole {
            assert_eq!(torn, torn_without);
        }
        torn
    }

    /// Whether it is opened, and with which end.
    fn check_file(&self, log: &[u8]) -> (bool, Option<TornTail>) {
        let (folder, tag) = (self.folder.path(), self.tag);
        let path = super::folder::file(folder, 1);
        fs::write(&path, log).unwrap();
        let (read_before, error) = read(folder, tag);
        let limits = LogOptions { tag, ..limits(SyncPolicy::Never, 1 << 20) };
        let opened = Writer::open(Box::new(Forgetful::default()), folder, limits);
        match (opened, error) {
            (Ok((mut writer, torn)), None) => {
                assert_eq!(writer.events().0, read_before);
                let cut = torn.as_ref().map_or(0, |torn| torn.bytes);
                let left = fs::metadata(&path).unwrap().len();
                let trailing = log.iter().rev().take_while(|byte| **byte == 0).count() as u64;
                let least = left.max(format::HEADER.into()) + cut + trailing;
                assert!(least >= log.len() as u64, "all that is gone is told");
                writer.append(&mut records(read_before..read_before + 1)).unwrap();
                assert!(matches!(read(folder, tag), (now, None) if now == read_before + 1));
                (true, torn)
            }
            (Err(OpenError::Read(_)), Some(_)) => {
                assert_eq!(fs::read(&path).unwrap(), log, "what is refused is not touched");
                (false, None)
            }
            (opened, error) => panic!("opened {:?}, read {error:?}", opened.map(|(_, torn)| torn)),
        }
    }
}

#[test]
fn a_log_that_is_cut_anywhere_is_never_read_wrong() {
    for tag in tags() {
        let small = SmallLog::new(tag);
        for length in 0..small.log.len() {
            small.check(&small.log[..length]);
        }
    }
}

#[test]
fn a_log_that_is_changed_anywhere_is_never_read_wrong() {
    for tag in tags() {
        let small = SmallLog::new(tag);
        for at in 0..small.log.len() {
            let mut changed = small.log.clone();
            changed[at] ^= if at % 9 == 8 { 0xff } else { 1 << (at % 9) };
            small.check(&changed);
        }
    }
}

#[test]
fn zeros_that_were_written_ahead_are_told_from_a_torn_tail() {
    let small = SmallLog::new(None);
    let mut padded = small.log.clone();
    padded.resize(small.log.len() + 600, 0);
    assert_eq!(small.check(&padded), None);
    for at in small.log.len()..padded.len() {
        let mut changed = padded.clone();
        changed[at] ^= 0xff;
        let torn = small.check(&changed).expect("all events are whole");
        assert_eq!((torn.at, torn.bytes), (small.log.len() as u64, (at - small.log.len()) as u64 + 1));
    }
}

fn log_on(disk: &Forgetful, folder: &Path, limits: LogOptions) -> PersistenceHandler {
    let folder = folder.to_owned();
    PersistenceHandler::on(Box::new(disk.clone()), folder, limits, WallClock::new(|| SystemTime::UNIX_EPOCH)).unwrap()
}

/// Wherever the disk fails, all that was acknowledged is there afterwards, and nothing is synced twice.
#[test]
fn a_disk_that_fails_fails_the_handler_and_loses_nothing_acknowledged() {
    for good in 8..40 {
        // The second runtime, where each job has a thread of its own.
        Smol::new().block_on(fails_after(good));
    }
}

async fn fails_after(good: u64) {
    let folder = memory_folder();
    let disk = Forgetful::failing_after(good);
    let limits = LogOptions { failure: Some(FailurePolicy::Remove), ..limits(SyncPolicy::EachEvent, 300) };
    let log = log_on(&disk, folder.path(), limits);
    let mut owner = genserver::Probe::<crate::values::HandlerGone>::new();
    let manager = Manager::start().await.unwrap();
    let log = manager.add_async_handler(log).owned_by(owner.sender()).await.unwrap();
    let mut acknowledged = 0;
    loop {
        match manager.sync_notify(event(acknowledged)).await {
            // A manager whose log has gone acknowledges what nobody keeps.
            Ok(()) if manager.call_async_handler(&log, LogCall::Position).await.is_err() => break,
            Ok(()) => acknowledged += 1,
            Err(NotifyError::Refused { handler, .. }) => {
                assert_eq!(handler, Some(log.id()));
                break;
            }
            Err(error) => panic!("{error}"),
        }
    }
    // No one sends another event, and the owner is told all the same.
    let Ok(genserver::Letter::Message(gone)) = owner.recv().await else { panic!("the owner is told") };
    let why = gone.to_string();
    assert!(why.contains("log.000") || why.contains("synced") || why.contains("could not sync"), "{why}");
    assert!(why.contains("What was acknowledged is in the log"), "{why}");
    let syncs = disk.0.lock().syncs;
    manager.stop().await.unwrap();
    assert_eq!(disk.0.lock().syncs, syncs, "nothing is tried again");

    disk.outage(&mut Numbers(good));
    let (read, error) = read(folder.path(), None);
    assert!(
        error.is_none() && read >= acknowledged,
        "after {good}: {acknowledged} acknowledged, {read} read, {error:?}"
    );
}

/// Wherever the disk fails, and for however long: the log has what was acknowledged, and what nobody waited for, and nothing else.
#[test]
fn a_log_refuses_what_a_disk_does_not_take_and_goes_on_when_it_does() {
    for sync in [SyncPolicy::EachEvent, SyncPolicy::Never, SyncPolicy::Every(Duration::from_hours(1))] {
        for (good, bad) in (8..30).flat_map(|good| (1..6).map(move |bad| (good, bad))) {
            Smol::new().block_on(refuses_after(sync, good, bad));
        }
    }
}

async fn refuses_after(sync: SyncPolicy, good: u64, bad: u64) {
    let folder = memory_folder();
    let disk = Forgetful::failing_after(good);
    disk.0.lock().bad = Some(bad);
    let limits = LogOptions { failure: Some(FailurePolicy::Refuse), ..limits(sync, 300) };
    let log = log_on(&disk, folder.path(), limits);
    let manager = Manager::start().await.unwrap();
    let log = manager.add_async_handler(log).await.unwrap();
    let (mut kept, mut refused) = (Vec::new(), 0);
    for number in 0..30 {
        let event = format!("event {number}");
        if number % 4 == 3 {
            manager.notify(event.clone()).unwrap();
            kept.push(event);
            continue;
        }
        match manager.sync_notify(event.clone()).await {
            Ok(()) => kept.push(event),
            Err(NotifyError::Refused { handler, reason, .. }) => {
                assert_eq!(handler, Some(log.id()));
                assert!(matches!(reason.downcast_ref(), Some(LogError::Write(_))), "{reason}");
                refused += 1;
            }
            Err(error) => panic!("{error}"),
        }
        if number % 10 == 9 {
            let _flushed = manager.call_async_handler(&log, LogCall::Flush).await.unwrap();
        }
    }
    let place = format!("{sync:?}, {good} good, {bad} bad, {refused} refused");
    manager.call_async_handler(&log, LogCall::Flush).await.unwrap().unwrap_or_else(|error| panic!("{place}: {error}"));
    let read: Vec<String> =
        replay(folder.path()).collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{place}: {error}"));
    assert_eq!(read, kept, "{place}");
    disk.outage(&mut Numbers(good));
    let read: Vec<String> =
        replay(folder.path()).collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{place}: {error}"));
    assert_eq!(read, kept, "{place}, after an outage");
}
