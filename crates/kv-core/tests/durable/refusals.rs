//! What the system refuses: a full disk, a folder that may only be read, a folder of somebody else.
//!
//! A small disk is a file system in memory, which only root may mount. Elsewhere these tests say so and pass.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kv_core::{Bucket, Durable, LimitError, OpenError, Store, WriteError};

use super::{closed, open};

/// A file system of its own, until this is dropped.
struct Mount {
    folder: tempfile::TempDir,
}

impl Mount {
    /// Nothing if this process may not mount.
    fn new(options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = Self { folder };
        mount.mount(&["-t", "tmpfs", "-o", options, "tmpfs"]).then_some(mount)
    }

    fn mount(&self, args: &[&str]) -> bool {
        let output = Command::new("mount").args(args).arg(self.path()).output();
        let is_done = output.as_ref().is_ok_and(|output| output.status.success());
        if !is_done {
            println!("skipped: this needs to mount a file system, and may not: {output:?}");
        }
        is_done
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).output();
    }
}

/// Fills what is left, and returns the file that does.
fn fill(folder: &Path) -> std::path::PathBuf {
    let filler = folder.join("filler");
    // It fails when nothing is left.
    let _ = fs::write(&filler, vec![1; 64 << 20]);
    filler
}

#[tokio::test]
async fn a_key_that_is_too_long_for_the_database_is_refused_and_no_other_change_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let shopping = store.create("shopping").await.unwrap();
    let (long, longest) = (vec![b'k'; 65_527], vec![b'k'; 65_526]);
    // All in one batch.
    let puts = (shopping.put("milk", "1"), shopping.put(long, "2"), shopping.put(longest.clone(), "3"));
    let (milk, refused, kept) = futures::join!(puts.0, puts.1, puts.2);
    assert_eq!(refused, Err(WriteError::Limit(LimitError::Key { bytes: 65_527, max: 65_526 })));
    assert_eq!((milk, kept), (Ok(()), Ok(())));
    store.stop().await.unwrap();

    let store = open(folder.path()).await;
    let shopping = store.lookup("shopping").unwrap();
    assert_eq!(shopping.get("milk").await.unwrap(), Some("1".into()));
    assert_eq!(shopping.get(longest).await.unwrap(), Some("3".into()));
    store.stop().await.unwrap();
}

/// The bucket that was started in the place of one that was killed.
async fn again(store: &Store, killed: Bucket) -> Bucket {
    loop {
        let bucket = store.create("shopping").await.unwrap();
        if bucket != killed {
            return bucket;
        }
        genserver::yield_now().await;
    }
}

// On a clock that stands still until nobody has anything to do: the storage is tried again after a second, and the few bytes of a try
// may fit where a value does not.
#[tokio::test(start_paused = true)]
async fn a_full_disk_refuses_changes_and_loses_nothing_and_works_again_when_there_is_room() {
    let Some(disk) = Mount::new("size=2m") else { return };
    let folder = disk.path().join("store");
    let store = open(&folder).await;
    let mut shopping = store.create("shopping").await.unwrap();
    let mut answered = Vec::new();
    let mut refused = Vec::new();
    for round in 0..3 {
        let filler = fill(disk.path());
        for number in 0..200 {
            let key = format!("key {round} {number}");
            match shopping.put(key.clone(), vec![b'x'; 5_000]).await {
                Ok(()) => answered.push(key),
                Err(WriteError::Storage(error)) => {
                    assert!(error.to_string().contains("No space left on device"), "{error}");
                    assert_eq!(shopping.get(key.clone()).await.unwrap(), None);
                    refused.push(key);
                }
                Err(other) => panic!("the store stays up: {other}"),
            }
            if refused.len() > 3 * (round + 1) {
                break;
            }
        }
        assert!(refused.len() > 3 * round, "the disk is full");
        assert_eq!(shopping.len().await.unwrap(), answered.len(), "reads go on");
        shopping.kill();
        shopping = again(&store, shopping).await;
        assert_eq!(shopping.len().await.unwrap(), answered.len(), "a bucket that crashes is loaded");
        assert!(store.storage_error().is_some());
        fs::remove_file(filler).unwrap();
        // It finds out by itself, in all rounds but one: there a client is first.
        while round > 0 && store.storage_error().is_some() {
            genserver::time::sleep(Duration::from_millis(10)).await;
        }
        let key = format!("key {round}");
        shopping.put(key.clone(), "there is room").await.unwrap();
        answered.push(key);
    }
    store.stop().await.unwrap();
    closed(&folder).await;

    let filler = fill(disk.path());
    match Durable::open(&folder).await {
        Ok(_) => {}
        Err(OpenError::Io { cause, .. }) => assert_eq!(cause.kind(), std::io::ErrorKind::StorageFull),
        Err(other) => panic!("a full disk does not mean damage: {other}"),
    }
    fs::remove_file(filler).unwrap();
    let store = open(&folder).await;
    let shopping = store.create("shopping").await.unwrap();
    for key in &answered {
        assert!(shopping.get(key.clone()).await.unwrap().is_some(), "{key} was answered, and is lost");
    }
    assert_eq!(shopping.len().await.unwrap(), answered.len(), "what was refused has never been");
    store.stop().await.unwrap();
}

#[tokio::test]
async fn a_folder_that_may_only_be_read_is_refused_by_name() {
    let Some(disk) = Mount::new("size=2m") else { return };
    let folder = disk.path().join("store");
    let store = open(&folder).await;
    store.create("shopping").await.unwrap().put("milk", "1").await.unwrap();
    store.stop().await.unwrap();
    closed(&folder).await;
    assert!(disk.mount(&["-o", "remount,ro"]));
    let refused = Durable::open(&folder).await.unwrap_err();
    assert!(
        matches!(&refused, OpenError::Io { cause, .. } if cause.kind() == std::io::ErrorKind::ReadOnlyFilesystem),
        "{refused}"
    );
    let new = Durable::open(disk.path().join("new")).await.unwrap_err();
    assert!(matches!(&new, OpenError::Io { .. }), "{new}");

    assert!(disk.mount(&["-o", "remount,rw"]));
    let store = open(&folder).await;
    assert_eq!(store.create("shopping").await.unwrap().get("milk").await.unwrap(), Some("1".into()));
    store.stop().await.unwrap();
}

const FOLDER: &str = "KV_CORE_FORBIDDEN_FOLDER";

/// Opens a folder that it may not open: for the test below, which starts it as nobody.
#[tokio::test]
async fn says_that_it_may_not_open_the_folder() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let refused = Durable::open(folder).await.unwrap_err();
    assert!(
        matches!(&refused, OpenError::Io { cause, .. } if cause.kind() == std::io::ErrorKind::PermissionDenied),
        "{refused}"
    );
    println!("refused: {refused}");
}

#[tokio::test]
async fn a_folder_of_somebody_else_is_refused_by_name() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("store");
    drop(Durable::open(&folder).await.unwrap());
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "refusals::says_that_it_may_not_open_the_folder", "--nocapture"]).env(FOLDER, &folder);
    // Modes do not count for root.
    let is_root = fs::read_dir(&folder).is_ok();
    if is_root {
        program.uid(65_534).gid(65_534);
    }
    let output = program.output();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    match output {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("cannot be used: Permission denied"), "{output:?}");
        }
        Err(error) => println!("skipped: this program cannot be started as nobody: {error}"),
    }
    drop(Durable::open(&folder).await.unwrap());
}
