//! The folder of a log: the names of its files, and its lock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::error::{OpenError, ReadError};

/// The file that is locked while a process appends. The system releases the lock when the process ends, however it ends.
const LOCK: &str = "lock";

/// The file of the [mark](super::mark).
const SYNCED: &str = "synced";

/// The path of the log file with this number: `log.0000001` is the first.
pub(super) fn file(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("log.{number:07}"))
}

/// The path for the tail of a file that was cut off at `at` with whole records in it.
pub(super) fn cut(folder: &Path, number: u64, at: u32) -> PathBuf {
    folder.join(format!("cut.{number:07}.{at}"))
}

/// The path of the file that says how far the log was synced.
pub(super) fn synced(folder: &Path) -> PathBuf {
    folder.join(SYNCED)
}

/// The numbers of the existing files, ascending.
pub(super) fn numbers(folder: &Path) -> Result<Vec<u64>, ReadError> {
    let mut numbers: Vec<u64> = Vec::new();
    for entry in fs::read_dir(folder).map_err(ReadError::io("list", folder))? {
        let name = entry.map_err(ReadError::io("list", folder))?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_prefix("log."));
        let digits = digits.filter(|digits| digits.len() >= 7);
        numbers.extend(digits.and_then(|digits| digits.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    match numbers.windows(2).find(|pair| pair[0] + 1 != pair[1]) {
        Some(gap) => Err(ReadError::Missing { file: file(folder, gap[0] + 1) }),
        None => Ok(numbers),
    }
}

/// The lock of a log: no one else appends while this exists.
#[derive(Debug)]
pub(super) struct FolderLock {
    _lock: File,
    _synced: Option<File>,
}

/// Creates the folder if needed, and locks it.
///
/// Two files are locked: if somebody deletes `lock` while a process appends, the next process makes another and gets it.
pub(super) fn hold(folder: &Path) -> Result<FolderLock, OpenError> {
    fs::create_dir_all(folder).map_err(ReadError::io("make", folder))?;
    let held = || OpenError::Held { folder: folder.to_owned() };
    let lock = locked(&folder.join(LOCK))?.ok_or_else(held)?;
    // Elsewhere nobody can delete the first, and a reader could not read the second.
    let synced = if cfg!(unix) {
        let lost = || OpenError::LockFileLost { folder: folder.to_owned(), lock: folder.join(LOCK) };
        Some(locked(&synced(folder))?.ok_or_else(lost)?)
    } else {
        None
    };
    Ok(FolderLock { _lock: lock, _synced: synced })
}

/// Creates a file if needed, and locks it; `None` if another process has.
fn locked(path: &Path) -> Result<Option<File>, ReadError> {
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let lock = lock.map_err(ReadError::io("open", path))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(ReadError::io("lock", path)(source)),
    }
}

/// Returns when the folder's list of files is on the disk.
#[cfg(unix)]
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Other systems cannot open a folder; there, names are as durable as the files.
#[cfg(not(unix))]
pub(super) fn sync(_folder: &Path) -> io::Result<()> {
    Ok(())
}
