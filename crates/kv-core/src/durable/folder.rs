//! What stands in the folder beside the database: who uses it, in which format it is, and up to where it must be readable.
//!
//! - F1: `format` is written last when a folder is made. Without it, what is there was never used.
//! - F2: `acknowledged` has a sequence that was synced before it was written. So a database that reads less is damaged, and what
//!   it reads beyond is a gift: the file is not synced, and a power failure may leave an older sequence in it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::OpenError;
use super::layout;

const FORMAT: &str = "kv-core store 1\n";

/// A folder that this process uses, until this is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    // Locked while it is open.
    _lock: File,
    acknowledged: File,
}

impl Folder {
    /// Takes the folder for this process, and makes it if it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        fs::create_dir_all(path).map_err(io_error(path))?;
        let lock = lock(path)?;
        let is_new = !path.join("format").try_exists().map_err(io_error(path))?;
        if is_new {
            make_room(path)?;
        } else {
            check_format(path)?;
        }
        let file = path.join("acknowledged");
        let acknowledged = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&file);
        Ok(Self { path: path.to_owned(), _lock: lock, acknowledged: acknowledged.map_err(io_error(&file))? })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the database is.
    pub(super) fn database(&self) -> PathBuf {
        self.path.join("database")
    }

    /// Whether it has been used before.
    pub(super) fn is_made(&self) -> bool {
        self.path.join("format").exists()
    }

    /// Writes down that the folder is in use from now on (F1).
    pub(super) fn finish(&self) -> Result<(), OpenError> {
        let (file, new) = (self.path.join("format"), self.path.join("format.new"));
        let write = || {
            let mut format = File::create(&new)?;
            format.write_all(FORMAT.as_bytes())?;
            format.sync_all()?;
            // In one step: an empty file after a power failure would be another format.
            fs::rename(&new, &file)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(io_error(&file))?;
        // Or the whole folder may be gone after a power failure. Not every folder may be opened.
        let parent = self.path.canonicalize().ok().and_then(|path| File::open(path.parent()?).ok());
        parent.map_or(Ok(()), |parent| parent.sync_all()).map_err(io_error(&self.path))
    }

    /// The sequence that the database has to have at least. Zero if the file is not readable: it says nothing then.
    pub(super) fn acknowledged(&self) -> u64 {
        let mut both = [0; 16];
        let is_read = self.acknowledged.read_exact_at(&mut both, 0).is_ok();
        let (sequence, check) = (layout::number(&both[..8]), layout::number(&both[8..]));
        // Written twice, the second time inverted: one of two halves may be old after a power failure.
        sequence.filter(|sequence| is_read && check == Some(!sequence)).unwrap_or(0)
    }

    /// Writes down that the database has this sequence, synced (F2).
    pub(super) fn acknowledge(&self, sequence: u64) -> io::Result<()> {
        let mut both = [0; 16];
        both[..8].copy_from_slice(&sequence.to_be_bytes());
        both[8..].copy_from_slice(&(!sequence).to_be_bytes());
        self.acknowledged.write_all_at(&both, 0)
    }
}

/// How long a folder that this very process has open is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// The time between two looks at its lock.
const PAUSE: Duration = Duration::from_millis(5);

/// The lock of the folder, with the pid of this process in it.
///
/// A store that has been stopped closes its folder when the last of its processes is dropped, a moment after `stop` has returned.
/// So a folder of this process is waited for.
#[expect(clippy::disallowed_methods, reason = "the lock is the system's, and this thread is one that may be blocked")]
fn lock(folder: &Path) -> Result<File, OpenError> {
    let mut waited = Duration::ZERO;
    loop {
        match try_lock(folder) {
            Err(OpenError::InUse { pid: Some(pid), .. }) if pid == std::process::id() && waited < PATIENCE => {
                std::thread::sleep(PAUSE);
                waited += PAUSE;
            }
            locked => return locked,
        }
    }
}

fn try_lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join("lock");
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut lock = opened.map_err(io_error(&path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = lock.read_to_string(&mut pid);
            return Err(OpenError::InUse { folder: folder.to_owned(), pid: pid.trim().parse().ok() });
        }
        Err(TryLockError::Error(error)) => return Err(io_error(&path)(error)),
    }
    let write = || {
        lock.set_len(0)?;
        lock.write_all_at(format!("{}\n", std::process::id()).as_bytes(), 0)
    };
    write().map_err(io_error(&path))?;
    Ok(lock)
}

/// Removes what is left of a folder that was not made to its end (F1). Anything else in it is somebody's.
fn make_room(folder: &Path) -> Result<(), OpenError> {
    for file in fs::read_dir(folder).map_err(io_error(folder))? {
        let file = file.map_err(io_error(folder))?;
        match file.file_name().to_str() {
            Some("lock" | "acknowledged" | "format.new") => {}
            Some("database") => fs::remove_dir_all(file.path()).map_err(io_error(&file.path()))?,
            _ => return Err(OpenError::NotAStore { folder: folder.to_owned() }),
        }
    }
    Ok(())
}

fn check_format(folder: &Path) -> Result<(), OpenError> {
    let path = folder.join("format");
    let found = fs::read(&path).map_err(io_error(&path))?;
    if found == FORMAT.as_bytes() {
        return Ok(());
    }
    let found = String::from_utf8_lossy(&found[..found.len().min(80)]).trim().to_owned();
    Err(OpenError::OtherFormat { folder: folder.to_owned(), found, expected: FORMAT.trim_ascii() })
}

pub(super) fn io_error(path: &Path) -> impl Fn(io::Error) -> OpenError + use<> {
    let path = path.to_owned();
    move |cause| OpenError::Io { path: path.clone(), cause }
}
