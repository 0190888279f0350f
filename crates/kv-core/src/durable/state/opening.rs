//! Opening a folder: it is refused if less can be read than was acknowledged.

use std::path::Path;

use super::originals::Originals;
use crate::durable::engine::{Engine, NotOpened};
use crate::durable::error::OpenError;
use crate::durable::folder::{Folder, io_error};
use crate::durable::journal::{Journals, Stop};
use crate::durable::manifests;

/// Opens the database, and returns it with the sequence of its last batch.
pub(super) fn open_engine(folder: &Folder) -> Result<(Engine, u64), OpenError> {
    let database = folder.database();
    if !folder.is_made() {
        let engine = Engine::open(&database).map_err(not_opened(folder))?;
        return Ok((engine, 0));
    }
    if let Some(damage) = manifests::damage(&database).map_err(io_error(&database))? {
        return Err(damaged(folder.path())(damage));
    }
    let journals = Journals::read(&database).map_err(io_error(&database))?;
    let acknowledged = folder.acknowledged();
    if let Some(last) = journals.last.filter(|last| *last < acknowledged) {
        return Err(damaged(folder.path())(missing(&journals, last, acknowledged)));
    }
    let originals = Originals::keep(folder, &journals)?;
    match open_checked(folder, &journals, acknowledged) {
        Ok(opened) => {
            originals.discard()?;
            Ok(opened)
        }
        Err(error) => {
            originals.put_back()?;
            Err(error)
        }
    }
}

fn open_checked(folder: &Folder, journals: &Journals, acknowledged: u64) -> Result<(Engine, u64), OpenError> {
    let database = folder.database();
    journals.cut().map_err(io_error(&database))?;
    let engine = Engine::open(&database).map_err(not_opened(folder))?;
    let damaged = damaged(folder.path());
    let sequence = engine.sequence().map_err(&damaged)?;
    if sequence < acknowledged {
        return Err(damaged(missing(journals, sequence, acknowledged)));
    }
    let is_whole = journals.last.is_none_or(|last| last == sequence);
    if !is_whole || !journals.are_in(|key| engine.get(key)).map_err(&damaged)? {
        let first = journals.ends.first().map(|(path, _)| path.display().to_string());
        return Err(damaged(format!(
            "the first commit in {} came under a number that another has",
            first.unwrap_or_default()
        )));
    }
    Ok((engine, sequence))
}

/// Where the damage is, and what is missing because of it.
fn missing(journals: &Journals, found: u64, acknowledged: u64) -> String {
    let missing = acknowledged - found;
    let place = match (&journals.stop, journals.ends.last()) {
        (Some(Stop { journal, offset, why }), _) => {
            format!("{} cannot be read from byte {offset} on ({why})", journal.display())
        }
        (None, Some((journal, end))) => format!("{} ends at byte {end}", journal.display()),
        (None, None) => "it has no journal".to_owned(),
    };
    format!("{place}, and of {acknowledged} commits {missing} are missing")
}

/// The error of a database that cannot be opened.
pub(super) fn not_opened(folder: &Folder) -> impl Fn(NotOpened) -> OpenError {
    move |why| match why {
        NotOpened::Refused(cause) => OpenError::Io { path: folder.database(), cause },
        NotOpened::Damaged(why) => {
            let database = folder.database();
            damaged(folder.path())(format!("the database in {} cannot be opened: {why}", database.display()))
        }
    }
}

pub(super) fn damaged(folder: &Path) -> impl Fn(String) -> OpenError + use<> {
    let folder = folder.to_owned();
    move |what| OpenError::Damaged { folder: folder.clone(), what }
}
