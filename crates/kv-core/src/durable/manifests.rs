//! The manifests of the database, which say which tables it has. The engine writes a checksum of each, and does not look at it: of
//! some damage it panics, and of other damage it knows fewer tables.

use std::fs;
use std::io;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_128;

/// What is damaged, in words; nothing if all manifests are as they were written. Writes nothing.
pub(super) fn damage(database: &Path) -> io::Result<Option<String>> {
    // The engine would make another database in the place of one without this file.
    let version = database.join("version");
    if !version.try_exists()? {
        return Ok(Some(format!("the file {} is missing", version.display())));
    }
    let mut count = 0;
    for keyspace in fs::read_dir(database.join("keyspaces"))? {
        let keyspace = keyspace?.path();
        if keyspace.is_dir() {
            count += 1;
            if let Some(damage) = damage_in(&keyspace)? {
                return Ok(Some(damage));
            }
        }
    }
    // That of the engine, and ours.
    Ok((count < 2).then(|| format!("{} has {count} folders, and should have 2", database.join("keyspaces").display())))
}

fn damage_in(keyspace: &Path) -> io::Result<Option<String>> {
    let current = keyspace.join("current");
    // A number, the checksum of the manifest with this number, and the kind of checksum.
    let content = match fs::read(&current) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Some(format!("the file {} is missing", current.display())));
        }
        content => content?,
    };
    let Some((number, rest)) = content.split_first_chunk::<8>() else {
        return Ok(Some(format!("{} has {} bytes, and should have 25", current.display(), content.len())));
    };
    let manifest = keyspace.join(format!("v{}", u64::from_le_bytes(*number)));
    let checksum = match fs::read(&manifest) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Some(format!("{} names {}, which is missing", current.display(), manifest.display())));
        }
        manifest => xxh3_128(&manifest?).to_le_bytes(),
    };
    let is_whole = rest.len() == 17 && rest[..16] == checksum && rest[16] == 0;
    let contradict = || format!("{} does not have the checksum that {} says", manifest.display(), current.display());
    Ok((!is_whole).then(contradict))
}
