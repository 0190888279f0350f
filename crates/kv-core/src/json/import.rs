//! Reading a store from lines of JSON.

use std::io;

use futures::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use super::Transferred;
use super::line::Line;
use crate::storage::Entry;
use crate::{Bucket, BucketName, CreateError, Expiry, Operation, Store, WriteError};

/// How many entries are put at a time, ...
const ENTRIES: usize = 256;

/// ... and bytes of lines, but for a single line that has more.
const BYTES: u64 = 1 << 20;

/// The longest line.
const LINE_MAX: u64 = 1 << 30;

/// Why an import is not complete.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A line is not as it should be.
    #[error(
        "line {line} {what}; all lines before it are imported; mend it, and import everything again, which does no harm"
    )]
    Line {
        /// Its number, from one.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The lines end before the export did. Its last line is `{"end":true}`.
    #[error(
        "the export was cut off after line {line}: `{{\"end\":true}}` does not follow; the lines that are there are imported; export the rest again"
    )]
    CutOff {
        /// The number of the last line.
        line: u64,
    },
    /// A bucket could not be created.
    #[error("{why}; all lines before line {line} are imported; import everything again, which does no harm")]
    Create {
        /// The number of a line that needs it.
        line: u64,
        /// Why.
        why: CreateError,
    },
    /// Entries could not be put.
    #[error(
        "the last entries up to line {line}, of the bucket {bucket:?}, are not imported: {why}; import everything again, which does no harm"
    )]
    Put {
        /// The bucket.
        bucket: BucketName,
        /// The number of a line, with or after the last of them.
        line: u64,
        /// Why.
        why: WriteError,
    },
    /// The lines could not be read.
    #[error("the import could not be read: {0}; the lines before that are imported")]
    Read(#[from] io::Error),
}

impl Store {
    /// Reads what [`export`](Store::export) wrote, and returns how much that was. `progress` is called after some entries.
    ///
    /// Buckets that are not there are created. In one that is there, the entries are put beside those that it has; a key that it has gets
    /// the new value. Entries are put 256 at a time: all of them, or none.
    ///
    /// # Errors
    ///
    /// [`ImportError`] at the first line that is not as it should be, or if the last line is missing. Everything before that is imported.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the first part is imported. Everything can be imported again.
    pub async fn import(
        &self,
        reader: impl AsyncBufRead + Unpin,
        progress: impl FnMut(&Transferred),
    ) -> Result<Transferred, ImportError> {
        let (done, waiting) = (Transferred::default(), Vec::new());
        let mut import =
            Import { store: self, progress, done, line: 0, bucket: None, waiting, bytes: 0, is_at_end: false };
        let read = import.read(reader).await;
        // Also before an error: what comes before that line is imported.
        import.put().await?;
        read.map(|()| import.done)
    }
}

/// An import in progress.
struct Import<'a, P> {
    store: &'a Store,
    progress: P,
    done: Transferred,
    // The number of the line that was read last.
    line: u64,
    bucket: Option<(BucketName, Bucket)>,
    // For the bucket.
    waiting: Vec<Entry>,
    bytes: u64,
    // Whether the last line was read.
    is_at_end: bool,
}

impl<P: FnMut(&Transferred)> Import<'_, P> {
    async fn read(&mut self, mut reader: impl AsyncBufRead + Unpin) -> Result<(), ImportError> {
        let mut text = Vec::new();
        loop {
            text.clear();
            let read = (&mut reader).take(LINE_MAX).read_until(b'\n', &mut text).await? as u64;
            if read == 0 && self.line > 0 {
                return if self.is_at_end { Ok(()) } else { Err(ImportError::CutOff { line: self.line }) };
            }
            self.line += 1;
            self.bytes += read;
            match self.line(&text, read).map_err(|what| ImportError::Line { line: self.line, what })? {
                Line::Format => {}
                Line::End => self.is_at_end = true,
                Line::Bucket(bucket) => self.enter(bucket).await?,
                Line::Entry(bucket, entry) => {
                    self.enter(bucket).await?;
                    self.waiting.push(entry);
                }
            }
            if self.waiting.len() >= ENTRIES || self.bytes >= BYTES {
                self.put().await?;
            }
        }
    }

    /// What a line says, if it may stand there.
    fn line(&self, text: &[u8], read: u64) -> Result<Line, String> {
        if read >= LINE_MAX {
            return Err(format!("has more than {LINE_MAX} bytes"));
        }
        let line = Line::read(text)?;
        match (self.line, &line) {
            _ if self.is_at_end => Err("comes after the end of the export".to_owned()),
            (1, Line::Format) | (2.., Line::Bucket(_) | Line::Entry(..) | Line::End) => Ok(line),
            (2.., Line::Format) => Err("says the format once more".to_owned()),
            _ => Err("does not say the format of an export".to_owned()),
        }
    }

    /// Makes this the bucket of the entries that come.
    async fn enter(&mut self, name: BucketName) -> Result<(), ImportError> {
        if self.bucket.as_ref().is_some_and(|(now, _)| *now == name) {
            return Ok(());
        }
        self.put().await?;
        let line = self.line;
        let bucket = self.store.create(&name).await.map_err(|why| ImportError::Create { line, why })?;
        self.bucket = Some((name, bucket));
        self.done.buckets += 1;
        Ok(())
    }

    /// Puts what waits.
    async fn put(&mut self) -> Result<(), ImportError> {
        let entries = std::mem::take(&mut self.waiting);
        if let Some((name, bucket)) = self.bucket.as_ref().filter(|_| !entries.is_empty()) {
            let (count, line) = (entries.len() as u64, self.line);
            let failed = |why| ImportError::Put { bucket: name.clone(), line, why };
            bucket.apply(entries.into_iter().flat_map(puts).collect()).await.map_err(failed)?;
            self.done.entries += count;
        }
        self.done.bytes += std::mem::take(&mut self.bytes);
        (self.progress)(&self.done);
        Ok(())
    }
}

/// What puts an entry into a bucket. If its time is over, it is gone at once.
fn puts(Entry { key, value, expires }: Entry) -> impl Iterator<Item = Operation> {
    let expire = expires.map(|at| Operation::Expire(key.clone(), Expiry::At(at)));
    std::iter::once(Operation::Put(key, value)).chain(expire)
}
