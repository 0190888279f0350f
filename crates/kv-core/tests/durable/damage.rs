//! Damaged files: every byte of a small store's folder is flipped, and every file cut at every byte. The folder is then opened with
//! all that was answered, or refused as it is; and a repair keeps a prefix of the commits.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use kv_core::{BucketName, Commit, Durable, DurableMode, Entry, Fence, OpenError, Storage, StorageChange};

/// What the folder has after each commit: buckets with their entries.
type Content = BTreeMap<String, BTreeMap<Bytes, Bytes>>;

/// The files of a folder, by their paths in it.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A store with a log of about 4 KiB, with keys that are written again and removed, and a bucket that is removed. Returns its files,
/// and what it has had after each write, from the first on.
async fn small(mode: DurableMode) -> (Files, Vec<Content>) {
    let folder = tempfile::tempdir().unwrap();
    let storage = Durable::options(folder.path()).mode(mode).open().await.unwrap();
    let mut contents = vec![Content::new()];
    let mut fences = BTreeMap::<&str, Fence>::new();
    for bucket in ["shopping", "travel", "gone"] {
        let loaded = storage.load(&name(bucket)).await.unwrap();
        fences.insert(bucket, loaded.fence);
        let mut content = contents.last().unwrap().clone();
        content.insert(bucket.to_owned(), BTreeMap::new());
        contents.push(content);
    }
    for number in 0..24_u8 {
        let bucket = ["shopping", "travel", "gone"][usize::from(number) % 3];
        let mut content = contents.last().unwrap().clone();
        let mut changes = Vec::new();
        for key in [number % 5, number % 7] {
            let key = Bytes::from(format!("key {key}"));
            let entries = content.get_mut(bucket).unwrap();
            if number % 4 == 3 {
                entries.remove(&key);
                changes.push(StorageChange::Delete(key));
            } else {
                let value = Bytes::from(format!("value {number} of {bucket}"));
                entries.insert(key.clone(), value.clone());
                changes.push(StorageChange::Put(Entry::new(key, value)));
            }
        }
        let commit = Commit { bucket: name(bucket), fence: fences[bucket], changes };
        assert!(storage.commit(vec![commit]).await.iter().all(Result::is_ok));
        contents.push(content);
    }
    storage.remove(&name("gone"), fences["gone"]).await.unwrap();
    let mut content = contents.last().unwrap().clone();
    content.remove("gone");
    // Its entries go in a write of their own, and so does the record that they have to.
    contents.extend([content.clone(), content]);
    drop(storage);
    (read(folder.path()), contents)
}

fn name(bucket: &str) -> BucketName {
    BucketName::new(bucket).unwrap()
}

/// The files, without the zeros at the end of a journal.
fn read(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for file in fs::read_dir(at).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = trimmed(&path, fs::read(&path).unwrap());
            files.insert(path.strip_prefix(folder).unwrap().to_owned(), bytes);
        }
    }
    files
}

fn write(folder: &Path, files: &Files) {
    let _ = fs::remove_dir_all(folder);
    for (path, bytes) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// All that a storage has, as a store that starts on it would find it.
async fn content(storage: &Durable) -> Result<Content, kv_core::StorageError> {
    let mut content = Content::new();
    for bucket in storage.buckets(None, 100).await? {
        let loaded = storage.load(&bucket).await?;
        let entries = loaded.entries.into_iter().map(|entry| (entry.key, entry.value)).collect();
        content.insert(bucket.as_ref().to_owned(), entries);
    }
    Ok(content)
}

/// Where the files of a test lie: in memory if possible, because every open syncs.
fn place() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// What has to stay: not what names the process that has used the folder, and not the zeros at the end of a journal.
fn what_stays(files: &Files) -> Files {
    let stays = files.iter().filter(|(path, _)| !path.ends_with("lock"));
    stays.map(|(path, bytes)| (path.clone(), trimmed(path, bytes.clone()))).collect()
}

fn trimmed(path: &Path, mut bytes: Vec<u8>) -> Vec<u8> {
    if is_journal(path) {
        let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        bytes.truncate(len);
    }
    bytes
}

#[derive(Default, Debug)]
struct Counted {
    whole: u64,
    refused: u64,
    repaired: u64,
    not_repaired: BTreeMap<PathBuf, u64>,
    /// The damaged file, if the folder has it and the others as they were.
    written: Option<PathBuf>,
}

/// Opens a folder with this file damaged. `acknowledged` is the least of the contents that has to be there.
async fn judge(
    folder: &Path,
    damaged: &Path,
    files: &Files,
    contents: &[Content],
    acknowledged: usize,
    what: &str,
    counted: &mut Counted,
) {
    // A folder that was refused is as it was, but for the file.
    if counted.written.take().as_deref() == Some(damaged) {
        fs::write(folder.join(damaged), &files[damaged]).unwrap();
    } else {
        write(folder, files);
    }
    let refused = match Durable::open(folder).await {
        Ok(storage) => {
            match content(&storage).await {
                Ok(content) => assert!(contents[acknowledged..].contains(&content), "{what}: it has {content:#?}"),
                // A table is only read when it is needed.
                Err(error) => assert!(error.to_string().starts_with("the storage failed"), "{what}: {error}"),
            }
            counted.whole += 1;
            return;
        }
        Err(refused) => refused,
    };
    counted.refused += 1;
    let is_named =
        matches!(&refused, OpenError::Damaged { .. } | OpenError::OtherFormat { .. } | OpenError::NotAStore { .. });
    assert!(is_named, "{what}: {refused:?}");
    assert_eq!(what_stays(&read(folder)), what_stays(files), "{what}: a refused folder is as it was: {refused}");
    // A repair starts the engine, which takes longer than all the rest.
    if !matches!(refused, OpenError::Damaged { .. }) || counted.refused % 32 != 1 {
        counted.written = Some(damaged.to_owned());
        return;
    }
    match Durable::repair(folder).await {
        Ok(report) => {
            let content = content(&Durable::open(folder).await.unwrap()).await.unwrap();
            let kept = usize::try_from(report.kept).unwrap();
            assert_eq!(content, contents[kept], "{what}: it keeps what comes before the damage: {report:?}");
            let dropped = acknowledged.saturating_sub(kept);
            assert_eq!(usize::try_from(report.dropped).unwrap(), dropped, "{what}: {report:?}");
            counted.repaired += 1;
        }
        Err(OpenError::Damaged { .. }) => {
            *counted.not_repaired.entry(PathBuf::from(what.split(' ').next().unwrap())).or_default() += 1;
        }
        Err(other) => panic!("{what}: the repair fails: {other}"),
    }
}

/// Cuts each file at each byte, and flips a bit in each byte, a different one from byte to byte.
async fn everywhere(is_of_interest: impl Fn(&Path) -> bool, mode: DurableMode) -> Counted {
    let (files, contents) = small(mode).await;
    let acknowledged = contents.len() - 1;
    let place = place();
    let folder = place.path().join("store");
    let mut counted = Counted::default();
    for (path, bytes) in files.iter().filter(|(path, _)| is_of_interest(path)) {
        println!("{}: {} bytes", path.display(), bytes.len());
        // The engine itself has a checksum for each block of a table, so that a few places are enough.
        let step = if path.components().any(|part| part.as_os_str() == "tables") { 37 } else { 1 };
        for at in (0..bytes.len()).step_by(step) {
            let mut damaged = files.clone();
            damaged.get_mut(path).unwrap().truncate(at);
            let what = format!("{} cut at byte {at}", path.display());
            judge(&folder, path, &damaged, &contents, acknowledged, &what, &mut counted).await;
            let bit = at % 8;
            damaged.insert(path.clone(), bytes.clone());
            damaged.get_mut(path).unwrap()[at] ^= 1 << bit;
            let what = format!("{} with bit {bit} of byte {at} flipped", path.display());
            judge(&folder, path, &damaged, &contents, acknowledged, &what, &mut counted).await;
        }
    }
    println!("{counted:?}");
    counted
}

fn is_journal(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "jnl")
}

#[tokio::test]
async fn a_journal_that_is_damaged_anywhere_is_refused_and_repaired_up_to_there() {
    let counted = everywhere(is_journal, DurableMode::Sync).await;
    assert!(counted.refused > 4_000 && counted.repaired > 100 && counted.not_repaired.is_empty(), "{counted:?}");
    // Commits that were not synced one by one are known when the folder is closed.
    let counted = everywhere(is_journal, DurableMode::Buffered).await;
    assert!(counted.refused > 4_000 && counted.repaired > 100, "{counted:?}");
}

#[tokio::test]
async fn a_file_of_the_folder_that_is_damaged_anywhere_is_refused_or_makes_no_difference() {
    let counted = everywhere(|path| !is_journal(path), DurableMode::Sync).await;
    assert!(counted.refused > 100, "{counted:?}");
}
