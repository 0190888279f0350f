//! `kv export`, `kv import` and `kv repair`: a store in a folder, from beginning to end.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::io::{AllowStdIo, AsyncBufRead, AsyncWrite};
use indicatif::{ProgressBar, ProgressStyle};
use kv_core::{Durable, ExportError, ImportError, Transferred};

use crate::exit::{Exit, Failure, say};
use crate::place::{self, Place};

/// Writes the buckets, or all of them, to the file or to standard output.
pub(crate) async fn export(place: &Place, buckets: Vec<OsString>, output: Option<PathBuf>) -> Result<(), Failure> {
    let names: Result<Vec<String>, _> = buckets.into_iter().map(OsString::into_string).collect();
    let names = names.map_err(|name| Failure::new(Exit::Usage, format_args!("{} is not UTF-8", name.display())))?;
    let store = place.open().await?;
    let writer: Box<dyn AsyncWrite + Unpin> = match &output {
        Some(path) => Box::new(AllowStdIo::new(BufWriter::new(File::create(path).map_err(unwritable(path))?))),
        None => Box::new(AllowStdIo::new(BufWriter::new(io::stdout()))),
    };
    let bar = bar("exporting");
    let exported = if names.is_empty() {
        store.export(writer, |done| show(&bar, done)).await
    } else {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        store.export_buckets(&names, writer, |done| show(&bar, done)).await
    };
    bar.finish_and_clear();
    let stopped = store.stop().await.map_err(|error| Failure::new(Exit::Server, error));
    let done = exported.map_err(not_exported)?;
    stopped?;
    say(format_args!("exported {}", text(&done)));
    Ok(())
}

fn not_exported(error: ExportError) -> Failure {
    match error {
        ExportError::NotFound { .. } => Failure::new(Exit::NotFound, error),
        // The reader of a pipe may have had enough.
        ExportError::Write(error) => error.into(),
        _ => Failure::new(Exit::Server, error),
    }
}

/// Reads what was exported, from the file or, for `-`, from standard input.
pub(crate) async fn import(place: &Place, input: &Path) -> Result<(), Failure> {
    let reader: Box<dyn AsyncBufRead + Unpin> = if input == Path::new("-") {
        Box::new(AllowStdIo::new(BufReader::new(io::stdin())))
    } else {
        let unreadable = |error| Failure::new(Exit::Io, format_args!("{} cannot be read: {error}", input.display()));
        Box::new(AllowStdIo::new(BufReader::new(File::open(input).map_err(unreadable)?)))
    };
    let store = place.open().await?;
    let bar = bar("importing");
    let imported = store.import(reader, |done| show(&bar, done)).await;
    bar.finish_and_clear();
    let stopped = store.stop().await.map_err(|error| Failure::new(Exit::Server, error));
    let done = imported.map_err(|error| {
        let exit = match &error {
            ImportError::Line { .. } | ImportError::CutOff { .. } => Exit::Damaged,
            ImportError::Read(_) => Exit::Io,
            _ => Exit::Server,
        };
        Failure::new(exit, format_args!("{}: {error}", input.display()))
    })?;
    stopped?;
    say(format_args!("imported {}", text(&done)));
    Ok(())
}

/// Repairs the folder, and says what was dropped.
pub(crate) async fn repair(place: &Place) -> Result<(), Failure> {
    let folder = place.folder().ok_or_else(|| Failure::new(Exit::Usage, "a store in memory needs no repair"))?;
    // A folder that is not there would be made.
    if !folder.exists() {
        let message = format_args!("there is no store in {}; name its folder with --data", folder.display());
        return Err(Failure::new(Exit::NotFound, message));
    }
    let bar = bar("repairing");
    let repaired = Durable::repair(folder).await;
    bar.finish_and_clear();
    let report = repaired.map_err(|error| place::refused(&error))?;
    let (kept, dropped) = (report.kept, report.dropped);
    say(format_args!("kept {kept} commits, dropped {dropped}; the files as they were: {}", report.originals.display()));
    Ok(())
}

fn unwritable(path: &Path) -> impl Fn(io::Error) -> Failure {
    move |error| Failure::new(Exit::Io, format_args!("{} cannot be written: {error}", path.display()))
}

/// Shows on a terminal that something goes on; elsewhere nothing.
fn bar(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_prefix(what);
    let style = ProgressStyle::with_template("{spinner} {prefix} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn show(bar: &ProgressBar, done: &Transferred) {
    bar.set_message(text(done));
}

fn text(done: &Transferred) -> String {
    format!("{} buckets, {} entries, {} bytes", done.buckets, done.entries, done.bytes)
}
