//! The commands about buckets as a whole, and the scan of one, whose reply needs more than its operations.

use bytes::Bytes;
use futures::io::AsyncWrite;
use kv_core::{BucketName, KeyPage};

use super::answer;
use super::gather::LISTED_MAX;
use super::pattern::matches;
use super::reply;
use super::request::{Request, number};
use super::session::RespSession;
use crate::batch::Refusal;
use crate::session::replies::ReplyError;

/// The most keys or names that a scan looks at in one command, whatever its client asks for, ...
const SCANNED_MAX: usize = 1000;
/// ... and how many if it asks for nothing.
const SCANNED: usize = 10;

/// How many names to ask the store for at once.
const NAMES: usize = 256;

/// As how many commands it counts to remove a bucket, whose process ends with it.
const REMOVAL: usize = 16;

/// The options of `SCAN` and `HSCAN`.
struct ScanOptions {
    after: Option<Bytes>,
    pattern: Option<Bytes>,
    count: usize,
    has_values: bool,
    /// Whether buckets are of the type that is asked for.
    is_hash: bool,
}

impl ScanOptions {
    fn matches(&self, text: &[u8]) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| matches(pattern, text))
    }
}

impl<W: AsyncWrite + Unpin> RespSession<'_, W> {
    /// Removes buckets, one after the other. The reply is how many there were.
    pub(super) async fn del(&mut self, request: Request<'_>) {
        let mut removed = Ok(0);
        for name in request.from(1) {
            self.resp.batch.count(REMOVAL).await;
            let Some(bucket) = self.store.bucket(name) else { continue };
            match (bucket.remove().await, &mut removed) {
                (Ok(()), Ok(removed)) => *removed += 1,
                (Err(Refusal::Error(text)), Ok(_)) => {
                    removed = Err(text);
                    // Each of the others might take as long to fail.
                    if self.store.here().is_none() {
                        break;
                    }
                }
                _ => {}
            }
        }
        match removed {
            Ok(removed) => reply::count(removed, self.replies.short()),
            Err(text) => reply::err(&text, self.replies.short()),
        }
    }

    pub(super) async fn exists(&mut self, request: Request<'_>) {
        let mut there = 0;
        for name in request.from(1) {
            self.resp.batch.count(1).await;
            match self.store.contains(name).await {
                Ok(is_there) => there += usize::from(is_there),
                Err(refusal) => return reply::err(refusal.text(), self.replies.short()),
            }
        }
        reply::count(there, self.replies.short());
    }

    pub(super) async fn type_of(&mut self, request: Request<'_>) {
        match self.store.contains(request.get(1)).await {
            Ok(true) => reply::simple("hash", self.replies.short()),
            Ok(false) => reply::simple("none", self.replies.short()),
            Err(refusal) => reply::err(refusal.text(), self.replies.short()),
        }
    }

    pub(super) async fn dbsize(&mut self) {
        match self.count_buckets().await {
            Ok(buckets) => reply::count(buckets, self.replies.short()),
            Err(refusal) => reply::err(refusal.text(), self.replies.short()),
        }
    }

    /// How many buckets there are, without those that the client has deleted.
    pub(super) async fn count_buckets(&mut self) -> Result<usize, Refusal> {
        if let Some(store) = self.store.here() {
            // When it answers, for whichever name, the registry has taken note of all that has ended before. If it does not answer, it
            // is being started again, and counts those.
            drop(store.lookup_ordered("0").await);
            return Ok(store.count());
        }
        let (mut count, mut after) = (0, None::<BucketName>);
        loop {
            let names = self.store.names(after.as_deref(), NAMES).await?;
            count += names.len();
            after = names.get(NAMES - 1).cloned();
            if after.is_none() {
                return Ok(count);
            }
            genserver::yield_now().await;
        }
    }

    /// Lists the names that match.
    pub(super) async fn keys(&mut self, request: Request<'_>) -> Result<(), ReplyError> {
        let (mut found, mut after): (Vec<BucketName>, Option<BucketName>) = (Vec::new(), None);
        loop {
            let names = match self.store.names(after.as_deref(), NAMES).await {
                Ok(names) => names,
                Err(refusal) => {
                    reply::err(refusal.text(), self.replies.short());
                    return Ok(());
                }
            };
            after = names.get(NAMES - 1).cloned();
            found.extend(names.into_iter().filter(|name| matches(request.get(1), name.as_bytes())));
            if after.is_none() {
                break;
            }
            if found.len() > LISTED_MAX {
                let text = format!("more than {LISTED_MAX} buckets match, too many for one reply; use SCAN");
                reply::err(&text, self.replies.short());
                return Ok(());
            }
            // There may be millions, and others wait for this thread.
            genserver::yield_now().await;
        }
        reply::array(found.len(), self.replies.short());
        for name in found {
            reply::bulk(name.as_bytes(), self.replies.short());
            self.replies.space().await?;
        }
        Ok(())
    }

    /// Lists some of the names.
    pub(super) async fn scan(&mut self, request: Request<'_>) -> Result<(), ReplyError> {
        let Some(options) = self.scan_options(request, 1) else { return Ok(()) };
        let after = options.after.as_deref().and_then(|after| std::str::from_utf8(after).ok());
        let names = match self.store.names(after, options.count).await {
            Ok(names) => names,
            Err(refusal) => {
                reply::err(refusal.text(), self.replies.short());
                return Ok(());
            }
        };
        self.scan_cursor(names.get(options.count - 1).map(|last| Bytes::copy_from_slice(last.as_bytes())));
        let found: Vec<_> = names.iter().filter(|name| options.is_hash && options.matches(name.as_bytes())).collect();
        reply::array(found.len(), self.replies.short());
        for name in found {
            reply::bulk(name.as_bytes(), self.replies.short());
            self.replies.space().await?;
        }
        Ok(())
    }

    /// Lists some of the entries of a bucket.
    pub(super) async fn hscan(&mut self, request: Request<'_>) -> Result<(), ReplyError> {
        let Some(options) = self.scan_options(request, 2) else { return Ok(()) };
        let page = KeyPage { after: options.after.clone(), limit: options.count };
        let entries = match self.store.bucket(request.get(1)) {
            Some(bucket) => bucket.entries(page).await,
            None => Err(Refusal::NotFound),
        };
        let entries = match entries {
            Ok(entries) => entries,
            Err(Refusal::NotFound) => Vec::new(),
            Err(Refusal::Error(text)) => {
                reply::err(&text, self.replies.short());
                return Ok(());
            }
        };
        self.scan_cursor(entries.get(options.count - 1).map(|(last, _)| last.clone()));
        let found: Vec<_> = entries.iter().filter(|(key, _)| options.matches(key)).collect();
        reply::array(found.len() * if options.has_values { 2 } else { 1 }, self.replies.short());
        for (key, value) in found {
            answer::bulk(key, self.replies).await?;
            if options.has_values {
                answer::bulk(value, self.replies).await?;
            }
            self.replies.space().await?;
        }
        Ok(())
    }

    /// Begins the reply of a scan, which goes on behind `last`, if that is not the end.
    fn scan_cursor(&mut self, last: Option<Bytes>) {
        let cursor = last.map_or(0, |last| self.resp.cursors.after(last));
        let out = self.replies.short();
        reply::array(2, out);
        reply::bulk(cursor.to_string().as_bytes(), out);
    }

    /// Reads the cursor at this place, and the options behind it. `None` if one is wrong, which the client is told.
    fn scan_options(&mut self, request: Request<'_>, cursor: usize) -> Option<ScanOptions> {
        let options = self.read_scan_options(request, cursor);
        options.map_err(|text| reply::err(&text, self.replies.short())).ok()
    }

    fn read_scan_options(&self, request: Request<'_>, cursor: usize) -> Result<ScanOptions, String> {
        let after = self.resp.cursors.key(request.get(cursor)).map_err(|unknown| unknown.to_string())?;
        let mut options = ScanOptions { after, pattern: None, count: SCANNED, has_values: true, is_hash: true };
        let mut at = cursor + 1;
        let is_hscan = cursor == 2;
        while at < request.len() {
            let argument = request.from(at + 1).next();
            match (request.get(at).to_ascii_uppercase().as_slice(), argument) {
                (b"MATCH", Some(_)) => options.pattern = Some(request.copy(at + 1)),
                (b"COUNT", Some(count)) => {
                    let count = number(count).ok_or("value is not an integer or out of range")?;
                    let count = usize::try_from(count).ok().filter(|count| *count > 0).ok_or("syntax error")?;
                    options.count = count.min(SCANNED_MAX);
                }
                (b"TYPE", Some(name)) if !is_hscan => options.is_hash = name.eq_ignore_ascii_case(b"hash"),
                (b"NOVALUES", _) if is_hscan => {
                    options.has_values = false;
                    at += 1;
                    continue;
                }
                _ => return Err("syntax error".to_owned()),
            }
            at += 2;
        }
        Ok(options)
    }
}
