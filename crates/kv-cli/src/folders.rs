//! The folders of a person's programs, and which of them are this program's.

use std::io;
use std::path::{Path, PathBuf};

/// Where programs put what need not be copied elsewhere, such as a history. `None` if nothing says where.
pub(crate) fn state() -> Option<PathBuf> {
    ours("XDG_STATE_HOME", ".local/state")
}

/// Where programs put what is the person's own. `None` if nothing says where.
pub(crate) fn data() -> Option<PathBuf> {
    ours("XDG_DATA_HOME", ".local/share")
}

/// A path that is not absolute says nothing: that is the rule for these variables.
fn ours(variable: &str, in_home: &str) -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let named = std::env::var_os(variable).map(PathBuf::from).filter(absolute);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(in_home)).filter(absolute);
    Some(named.or_else(home)?.join("kv"))
}

/// Creates a folder that only its owner can open, unless it exists.
pub(crate) fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}
