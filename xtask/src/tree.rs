//! A copy of the workspace under `target`, in which faults are planted and compiled.
//!
//! Its place is always the same, so that only what changes is compiled again, also by the next run; and nobody's files change
//! under their hands.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::workspace::File;
use crate::{Failure, Result};

/// Makes the copy in this folder what these files are. One that is the same is not touched: cargo would compile it again.
pub(crate) fn copy(root: &Path, files: &[File]) -> Result {
    files.iter().try_for_each(|file| write(&root.join(&file.path), &file.text))?;
    remove_others(root, &paths(root, files))
}

fn paths(root: &Path, files: &[File]) -> BTreeSet<PathBuf> {
    files.iter().map(|file| root.join(&file.path)).collect()
}

/// Writes a file with the folders that it lies in, unless it is there and the same.
pub(crate) fn write(path: &Path, text: &str) -> Result {
    if fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    let folder = path.parent().expect("a file lies in a folder");
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
    written.map_err(|error| failure("write", path, &error))
}

/// Removes every file below `folder` that is not among these: one that the workspace no longer has.
fn remove_others(folder: &Path, these: &BTreeSet<PathBuf>) -> Result {
    let entries = fs::read_dir(folder).map_err(|error| failure("read", folder, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| failure("read", folder, &error))?.path();
        if path.is_dir() {
            remove_others(&path, these)?;
        } else if !these.contains(&path) {
            fs::remove_file(&path).map_err(|error| failure("remove", &path, &error))?;
        }
    }
    Ok(())
}

fn failure(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot {what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    //! In a folder of their own.

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-tree-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("the system has space for a folder");
        folder
    }

    #[test]
    fn a_file_that_is_the_same_is_not_written_again() {
        let folder = folder("same");
        let path = folder.join("a/b.rs");
        write(&path, "text").expect("it is written");
        let written = fs::metadata(&path).and_then(|it| it.modified()).expect("the system tells");
        write(&path, "text").expect("it is there");
        assert_eq!(fs::metadata(&path).and_then(|it| it.modified()).expect("the system tells"), written);
        write(&path, "other").expect("it is written over");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "other");
        fs::remove_dir_all(folder).expect("nobody else uses it");
    }

    #[test]
    fn a_file_that_the_workspace_no_longer_has_is_removed() {
        let folder = folder("gone");
        for name in ["a/kept.rs", "a/gone.rs"] {
            write(&folder.join(name), "").expect("it is written");
        }
        remove_others(&folder, &BTreeSet::from([folder.join("a/kept.rs")])).expect("it is removed");
        assert!(folder.join("a/kept.rs").exists() && !folder.join("a/gone.rs").exists());
        fs::remove_dir_all(folder).expect("nobody else uses it");
    }
}
