//! Writing a store as lines of JSON.

use std::io;

use futures::io::{AsyncWrite, AsyncWriteExt};

use super::Transferred;
use super::line::Line;
use crate::{Bucket, BucketName, SnapshotError, Store};

/// How many names the store is asked for at a time.
const NAMES: usize = 256;

/// Why an export is not complete.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// There is no such bucket.
    #[error("there is no bucket {bucket:?} to be exported; leave it out, or create it")]
    NotFound {
        /// Its name.
        bucket: String,
    },
    /// A bucket did not give all its entries.
    #[error("the bucket {bucket:?} is not exported to its end: {why}; export it again")]
    Bucket {
        /// Its name.
        bucket: BucketName,
        /// Why.
        why: SnapshotError,
    },
    /// The lines were not taken.
    #[error("the export could not be written: {0}")]
    Write(#[from] io::Error),
}

impl Store {
    /// Writes all buckets as lines of JSON, and returns how much that was. [`import`](Store::import) reads them.
    ///
    /// Each bucket is as it was at one point in time, while its clients go on: see [`Bucket::snapshot`]. Two buckets may be of
    /// different times. Only a page of entries is in memory at a time. `progress` is called after each page.
    ///
    /// The first line says the format, and the last one that nothing is missing. Between them is a line for each entry, and one for each
    /// bucket that is empty. Bytes that are not UTF-8 are written as `{"base64": "..."}`, and the time at which an entry expires in
    /// milliseconds since 1970:
    ///
    /// ```text
    /// {"format":"kv export","version":1}
    /// {"bucket":"holidays"}
    /// {"bucket":"shopping","key":"milk","value":"1"}
    /// {"end":true}
    /// ```
    ///
    /// # Errors
    ///
    /// [`ExportError`] if not everything was written.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Store;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = Store::start().await?;
    /// store.create("shopping").await?.put("milk", "1").await?;
    /// let mut lines = Vec::new();
    /// store.export(&mut lines, |_| {}).await?;
    ///
    /// let other = Store::start().await?;
    /// let imported = other.import(&lines[..], |_| {}).await?;
    /// assert_eq!((imported.buckets, imported.entries), (1, 1));
    /// assert_eq!(other.create("shopping").await?.get("milk").await?, Some("1".into()));
    /// # store.stop().await?;
    /// # other.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn export(
        &self,
        writer: impl AsyncWrite + Unpin,
        progress: impl FnMut(&Transferred),
    ) -> Result<Transferred, ExportError> {
        let mut export = Export::begin(writer, progress).await?;
        let mut after: Option<BucketName> = None;
        loop {
            let names = self.names(after.as_deref(), NAMES);
            for name in &names {
                // One that has ended since need not be there.
                if let Some(bucket) = self.lookup(name) {
                    export.bucket(name, &bucket).await?;
                }
            }
            after = names.into_iter().nth(NAMES - 1);
            if after.is_none() {
                return export.end().await;
            }
        }
    }

    /// Writes these buckets as lines of JSON: see [`export`](Store::export).
    ///
    /// # Errors
    ///
    /// [`ExportError`] if not everything was written. If a bucket is not there, nothing was.
    pub async fn export_buckets(
        &self,
        names: &[&str],
        writer: impl AsyncWrite + Unpin,
        progress: impl FnMut(&Transferred),
    ) -> Result<Transferred, ExportError> {
        let mut buckets = Vec::new();
        for name in names {
            let found = BucketName::new(name).ok().and_then(|valid| Some((valid, self.lookup(name)?)));
            buckets.push(found.ok_or_else(|| ExportError::NotFound { bucket: (*name).to_owned() })?);
        }
        let mut export = Export::begin(writer, progress).await?;
        for (name, bucket) in &buckets {
            export.bucket(name, bucket).await?;
        }
        export.end().await
    }
}

/// An export in progress.
struct Export<W, P> {
    writer: W,
    progress: P,
    done: Transferred,
    lines: Vec<u8>,
}

impl<W: AsyncWrite + Unpin, P: FnMut(&Transferred)> Export<W, P> {
    async fn begin(writer: W, progress: P) -> Result<Self, ExportError> {
        let mut export = Self { writer, progress, done: Transferred::default(), lines: Vec::new() };
        Line::Format.write(&mut export.lines);
        export.write().await?;
        Ok(export)
    }

    async fn bucket(&mut self, name: &BucketName, bucket: &Bucket) -> Result<(), ExportError> {
        let mut snapshot = bucket.snapshot();
        let before = self.done.entries;
        let failed = |why| ExportError::Bucket { bucket: name.clone(), why };
        while let Some(page) = snapshot.next_page().await.map_err(failed)? {
            for entry in page {
                Line::Entry(name.clone(), entry).write(&mut self.lines);
                self.done.entries += 1;
            }
            self.write().await?;
        }
        if self.done.entries == before {
            Line::Bucket(name.clone()).write(&mut self.lines);
        }
        self.done.buckets += 1;
        self.write().await
    }

    async fn write(&mut self) -> Result<(), ExportError> {
        self.writer.write_all(&self.lines).await?;
        self.done.bytes += self.lines.len() as u64;
        self.lines.clear();
        (self.progress)(&self.done);
        Ok(())
    }

    async fn end(mut self) -> Result<Transferred, ExportError> {
        Line::End.write(&mut self.lines);
        self.write().await?;
        self.writer.flush().await?;
        Ok(self.done)
    }
}
