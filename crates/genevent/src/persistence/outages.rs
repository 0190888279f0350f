//! A disk that fails when told to, and at a power failure loses what was not synced.
//!
//! The files are real, so the real reader reads them. What the disk would have after a power failure is kept beside.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use genserver::runtime::Smol;
use parking_lot::Mutex;

use super::PersistenceHandler;
use super::disk::{Disk, DiskFile, System};
use super::error::{OpenError, ReadError, WriteError};
use super::replay::replay;
use super::tag::Tag;
use super::writer::Writer;
use super::{LogOptions, SyncPolicy, TornTail, format};
use crate::manager::Manager;

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
            Some(0) => Err(io::ErrorKind::StorageFull.into()),
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
    LogOptions { sync, rotate_at, keep: None, tag: None }
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
    events.for_each(|number| format::push(&mut records, &postcard::to_stdvec(&event(number)).unwrap()));
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
        let folder = tempfile::tempdir().unwrap();
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

/// A log of two kibibytes whose events were synced one, or several, at a time; in its folder, and what is in its file.
fn small_log(tag: Option<Tag>) -> (tempfile::TempDir, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let disk = Box::new(Forgetful::default());
    let limits = LogOptions { tag, ..limits(SyncPolicy::Never, 1 << 20) };
    let (mut writer, _) = Writer::open(disk, folder.path(), limits).unwrap();
    for together in [1, 1, 1, 5, 1, 1, 12, 1, 5, 20] {
        let from = writer.events().0;
        writer.append(&mut records(from..from + together)).unwrap();
        writer.sync().unwrap();
    }
    let bytes = fs::read(super::folder::file(folder.path(), 1)).unwrap();
    assert!(bytes.len() > 2_000);
    (folder, bytes)
}

#[test]
fn a_log_that_is_cut_anywhere_is_never_read_wrong() {
    for tag in tags() {
        let (folder, whole) = small_log(tag);
        for length in 0..whole.len() {
            check(folder.path(), &whole[..length], tag);
        }
    }
}

#[test]
fn a_log_that_is_changed_anywhere_is_never_read_wrong() {
    for tag in tags() {
        let (folder, whole) = small_log(tag);
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= if at % 9 == 8 { 0xff } else { 1 << (at % 9) };
            check(folder.path(), &changed, tag);
        }
    }
}

#[test]
fn zeros_that_were_written_ahead_are_told_from_a_torn_tail() {
    let (folder, whole) = small_log(None);
    let mut padded = whole.clone();
    padded.resize(whole.len() + 600, 0);
    assert_eq!(check(folder.path(), &padded, None), None);
    for at in whole.len()..padded.len() {
        let mut changed = padded.clone();
        changed[at] ^= 0xff;
        let torn = check(folder.path(), &changed, None).expect("all events are whole");
        assert_eq!((torn.at, torn.bytes), (whole.len() as u64, (at - whole.len()) as u64 + 1));
    }
}

/// It is read to some point, and opened at that point, or neither for the same reason.
fn check(folder: &Path, bytes: &[u8], tag: Option<Tag>) -> Option<TornTail> {
    let path = super::folder::file(folder, 1);
    fs::write(&path, bytes).unwrap();
    let (read_before, error) = read(folder, tag);
    let limits = LogOptions { tag, ..limits(SyncPolicy::Never, 1 << 20) };
    let opened = Writer::open(Box::new(Forgetful::default()), folder, limits);
    match (opened, error) {
        (Ok((mut writer, torn)), None) => {
            assert_eq!(writer.events().0, read_before);
            let cut = torn.as_ref().map_or(0, |torn| torn.bytes);
            let left = fs::metadata(&path).unwrap().len();
            let trailing = bytes.iter().rev().take_while(|byte| **byte == 0).count() as u64;
            assert!(
                left.max(format::size_with(tag).into()) + cut + trailing >= bytes.len() as u64,
                "all that is gone is told"
            );
            writer.append(&mut records(read_before..read_before + 1)).unwrap();
            assert!(matches!(read(folder, tag), (now, None) if now == read_before + 1));
            torn
        }
        (Err(OpenError::Read(_)), Some(_)) => {
            assert_eq!(fs::read(&path).unwrap(), bytes, "what is refused is not touched");
            None
        }
        (opened, error) => panic!("opened {:?}, read {error:?}", opened.map(|(_, torn)| torn)),
    }
}

/// Wherever the disk fails, all that was acknowledged is there afterwards, and nothing is synced twice.
#[test]
fn a_disk_that_fails_fails_the_handler_and_loses_nothing_acknowledged() {
    for good in 3..40 {
        // The second runtime, where each job has a thread of its own.
        Smol::new().block_on(fails_after(good));
    }
}

async fn fails_after(good: u64) {
    let folder = tempfile::tempdir().unwrap();
    let disk = Forgetful::failing_after(good);
    let limits = limits(SyncPolicy::EachEvent, 300);
    let log = PersistenceHandler::on(Box::new(disk.clone()), folder.path().to_owned(), limits).unwrap();
    let mut owner = genserver::Probe::<crate::values::HandlerGone>::new();
    let manager = Manager::start().await.unwrap();
    manager.add_async_handler(log).owned_by(owner.sender()).await.unwrap();
    let mut acknowledged = 0;
    while manager.sync_notify(event(acknowledged)).await.is_ok() {
        acknowledged += 1;
    }
    // No one sends another event, and the owner is told all the same.
    let Ok(genserver::Letter::Message(gone)) = owner.recv().await else { panic!("the owner is told") };
    let why = gone.to_string();
    assert!(why.contains("log.000") || why.contains("could not sync"), "{why}");
    assert!(why.contains("takes no more events"), "{why}");
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
