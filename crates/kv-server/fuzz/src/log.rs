//! The files of an event log, changed: whatever is read was written, and nothing between two events is left out.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;
use std::time::UNIX_EPOCH;

use genevent::persistence::{SyncPolicy, replay};
use genevent::{Manager, PersistenceHandler};
use tempfile::TempDir;

use crate::sessions::block_on;

/// How many events the log has.
const EVENTS: u32 = 12;

/// A file that is longer does not grow any more: each change could double it.
const LONGEST: usize = 4_096;

/// The names and bytes of its files, in order.
type Files = Vec<(String, Vec<u8>)>;

pub(crate) fn run(input: &[u8]) {
    static WHOLE: OnceLock<Files> = OnceLock::new();
    let mut files = WHOLE.get_or_init(|| block_on(write_log())).clone();
    change(&mut files, input);
    let folder = memory_folder();
    for (name, bytes) in &files {
        fs::write(folder.path().join(name), bytes).expect("nothing is in its way");
    }
    let read = read(folder.path());
    // To open it cuts off what is unfinished at most, or changes nothing.
    let opened = block_on(async {
        let log = PersistenceHandler::open(folder.path()).clock(|| UNIX_EPOCH).await;
        let Ok(log) = log else { return false };
        let manager = Manager::<u32>::start().await.expect("nothing is in its way");
        manager.add_async_handler(log).await.expect("nothing is in its way");
        manager.stop().await.expect("it runs");
        true
    });
    if opened {
        assert_eq!(self::read(folder.path()), read, "the same events are there after it was opened");
    }
}

/// The events that are read. They are consecutive: a log may begin later, as it does when its old files were deleted.
fn read(folder: &Path) -> Range<u32> {
    let mut read = 0..0;
    for event in replay::<u32>(folder) {
        let Ok(event) = event else { break };
        if read.is_empty() {
            read = event..event;
        }
        assert_eq!(event, read.end, "each event that is read was written, in this place");
        read.end += 1;
    }
    assert!(read.end <= EVENTS, "{read:?} are events that were written");
    read
}

/// Changes the files as the input says: four bytes are one change.
fn change(files: &mut Files, input: &[u8]) {
    for change in input.chunks_exact(4) {
        let (kind, file) = (change[0] >> 4, usize::from(change[0] & 15) % files.len());
        let bytes = &mut files[file].1;
        if bytes.len() > LONGEST {
            continue;
        }
        let place = usize::from(u16::from_le_bytes([change[1], change[2]])) % (bytes.len() + 1);
        match kind {
            0 => bytes.truncate(place),
            1 => bytes.insert(place, change[3]),
            2 => bytes.extend(std::iter::repeat_n(change[3], place)),
            // A part of the file once more, behind its end, ...
            3 => bytes.extend_from_within(place..),
            // ... or another file's bytes instead.
            4 => {
                let other = files[usize::from(change[3]) % files.len()].1.clone();
                files[file].1 = other;
            }
            5 => {
                bytes.drain(..place);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= change[3];
                }
            }
        }
    }
}

/// Writes a log of several files, and reads their bytes.
async fn write_log() -> Files {
    let folder = memory_folder();
    let log = PersistenceHandler::open(folder.path()).sync(SyncPolicy::EachEvent).rotate_at(200).clock(|| UNIX_EPOCH);
    let manager = Manager::start().await.expect("nothing is in its way");
    manager.add_async_handler(log.await.expect("the folder is new")).await.expect("nothing is in its way");
    for event in 0..EVENTS {
        manager.sync_notify(event).await.expect("the disk has space");
    }
    manager.stop().await.expect("it runs");
    let entries = fs::read_dir(folder.path()).expect("it is there").map(|entry| entry.expect("it can be read"));
    let files = entries.map(|entry| entry.file_name().into_string().expect("it is text")).filter(|name| name != "lock");
    let mut files: Files =
        files.map(|name| (name.clone(), fs::read(folder.path().join(&name)).expect("it is a file"))).collect();
    files.sort();
    files
}

/// A folder in memory, where the system has one: nothing in it needs to be safe.
fn memory_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("nothing is in its way")
}
