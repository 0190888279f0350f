//! Keeping of a damaged folder what comes before the damage.

use std::fs;
use std::path::Path;

use super::opening::{damaged, not_opened};
use super::originals::Originals;
use crate::durable::engine::Engine;
use crate::durable::error::{OpenError, RepairReport};
use crate::durable::folder::{Folder, io_error};
use crate::durable::journal::Journals;
use crate::durable::manifests;

/// See [`Durable::repair`](crate::Durable::repair).
pub(in crate::durable) fn repair(path: &Path) -> Result<RepairReport, OpenError> {
    let folder = Folder::open(path)?;
    if !folder.is_made() {
        return Err(OpenError::NotAStore { folder: path.to_owned() });
    }
    let originals = Originals::keep_for_good(&folder)?;
    let kept = match cut_off(&folder).or_else(|error| rebuilt(&folder, &originals, error)) {
        Ok(kept) => kept,
        Err(error) => {
            originals.put_back()?;
            return Err(error);
        }
    };
    let dropped = folder.acknowledged().saturating_sub(kept);
    folder.acknowledge(kept).map_err(io_error(path))?;
    Ok(RepairReport { kept, dropped, originals: originals.path().to_owned() })
}

/// Cuts the damage off the journals, and returns the sequence of the last batch before it.
fn cut_off(folder: &Folder) -> Result<u64, OpenError> {
    let database = folder.database();
    if let Some(damage) = manifests::damage(&database).map_err(io_error(&database))? {
        return Err(damaged(folder.path())(damage));
    }
    let journals = Journals::read(&database).map_err(io_error(&database))?;
    journals.cut().map_err(io_error(&database))?;
    let engine = Engine::open(&database).map_err(not_opened(folder))?;
    let damaged = damaged(folder.path());
    let sequence = engine.sequence().map_err(&damaged)?;
    if journals.last.is_some_and(|last| last != sequence)
        || !journals.are_in(|key| engine.get(key)).map_err(&damaged)?
    {
        return Err(damaged("its tables and its journals contradict each other".to_owned()));
    }
    Ok(sequence)
}

/// Makes the database anew, if its journals go back to its first batch: then they have all that was in it.
fn rebuilt(folder: &Folder, originals: &Originals, error: OpenError) -> Result<u64, OpenError> {
    let database = folder.database();
    let journals = Journals::read(originals.path()).map_err(io_error(originals.path()))?;
    let (Some(1), Some(last)) = (journals.first, journals.last) else { return Err(error) };
    fs::remove_dir_all(&database).map_err(io_error(&database))?;
    let engine = Engine::open(&database).map_err(not_opened(folder))?;
    let damaged = damaged(folder.path());
    for batch in journals.batches() {
        let batch = batch.map_err(io_error(originals.path()))?;
        engine.write(&batch.writes, batch.sequence, false).map_err(&damaged)?;
    }
    engine.sync().map_err(&damaged)?;
    Ok(last)
}
