//! Which folders are opened, and which are refused.

use std::fs;

use kv_core::{Durable, OpenError};

use super::closed;

#[tokio::test]
async fn a_folder_in_use_is_refused_with_the_pid_of_its_user() {
    let folder = tempfile::tempdir().unwrap();
    let first = Durable::open(folder.path()).await.unwrap();
    let refused = Durable::open(folder.path()).await.unwrap_err();
    assert!(matches!(refused, OpenError::InUse { pid: Some(pid), .. } if pid == std::process::id()), "{refused}");
    drop(first);
    Durable::open(folder.path()).await.unwrap();
}

#[tokio::test]
async fn a_folder_with_other_files_or_of_another_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "all my work").unwrap();
    let refused = Durable::open(folder.path()).await.unwrap_err();
    assert!(matches!(refused, OpenError::NotAStore { .. }), "{refused}");
    assert_eq!(fs::read_to_string(folder.path().join("thesis.tex")).unwrap(), "all my work");

    let folder = tempfile::tempdir().unwrap();
    closed(folder.path()).await;
    fs::write(folder.path().join("format"), "kv-core store 99\n").unwrap();
    let refused = Durable::open(folder.path()).await.unwrap_err();
    assert!(matches!(&refused, OpenError::OtherFormat { found, .. } if found == "kv-core store 99"), "{refused}");
}
