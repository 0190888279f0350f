//! A folder for tests that write thousands of files.

use std::path::Path;

/// A folder in memory, where the system has one: what the tests write there need not be safe.
pub(super) fn memory_folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}
