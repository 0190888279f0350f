//! `LIST` and `BUCKETS`: the items of a list, page by page.
//!
//! - L1: a session lists at most one page in a turn. Then the others on its thread have theirs, however long the list is.

use std::borrow::Cow;

use bytes::Bytes;
use futures::io::AsyncWrite;
use genserver::yield_now;
use kv_core::KeyPage;

use super::line_protocol::LineSession;
use super::replies::ReplyError;
use crate::answer;
use crate::batch::{Refusal, stored};

/// How many keys to ask a bucket for at once, and how many names the store.
const PAGE: usize = 256;

const NO_LIMIT: &str = "the limit is not a whole number; write how many items to list at most, as in 100";
const GONE: &str = "the bucket has ended, so the rest of its keys is not listed; list them again";
const NOT_UTF_8: &str = "the names of buckets are UTF-8, and a word of this line is not; leave it out";

/// What is still to be listed.
struct Listing {
    /// What the items begin with.
    prefix: Bytes,
    after: Option<Bytes>,
    /// How many items at most.
    left: usize,
}

impl Listing {
    /// Of the optional arguments of a command, of which any may be missing.
    fn of(optional: &[Cow<'_, [u8]>]) -> Result<Self, Refusal> {
        let argument = |at: usize| optional.get(at).map(|word| stored(word.clone()));
        let left = match argument(1).filter(|limit| !limit.is_empty()) {
            Some(limit) => std::str::from_utf8(&limit).ok().and_then(|limit| limit.parse().ok()),
            None => Some(usize::MAX),
        };
        let left = left.ok_or_else(|| Refusal::Error(NO_LIMIT.to_owned()))?;
        Ok(Self { prefix: argument(0).unwrap_or_default(), after: argument(2), left })
    }

    /// The item that is the prefix itself, if it has its place in the list. From then on the list goes on behind it.
    fn first(&mut self) -> Option<Bytes> {
        let has_place = !self.prefix.is_empty() && self.after.as_ref().is_none_or(|after| *after < self.prefix);
        if !has_place || self.left == 0 {
            return None;
        }
        self.after = Some(self.prefix.clone());
        Some(self.prefix.clone())
    }

    /// How many items to ask for next. Zero if there are no more to be listed.
    fn page(&self) -> usize {
        self.left.min(PAGE)
    }

    /// Takes the next page, and returns what of it belongs to the list.
    fn take<T: AsRef<[u8]>>(&mut self, mut page: Vec<T>) -> Vec<T> {
        let found = page.len();
        let belonging = page.iter().take_while(|item| item.as_ref().starts_with(&self.prefix)).count();
        page.truncate(belonging);
        self.left -= belonging;
        if belonging < found || found < PAGE {
            self.left = 0;
        }
        self.after = page.last().map(|item| Bytes::copy_from_slice(item.as_ref()));
        page
    }
}

/// Why a list ends early.
enum ListEnd {
    /// The client is told.
    Refused(Refusal),
    Reply(ReplyError),
}

impl From<ReplyError> for ListEnd {
    fn from(error: ReplyError) -> Self {
        Self::Reply(error)
    }
}

impl From<Refusal> for ListEnd {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<W: AsyncWrite + Unpin> LineSession<'_, W> {
    pub(super) async fn list(&mut self, name: &[u8], optional: &[Cow<'_, [u8]>]) -> Result<(), ReplyError> {
        let listed = self.list_keys(name, optional).await;
        self.end_list(listed)
    }

    pub(super) async fn buckets(&mut self, optional: &[Cow<'_, [u8]>]) -> Result<(), ReplyError> {
        let listed = self.list_buckets(optional).await;
        self.end_list(listed)
    }

    async fn list_keys(&mut self, name: &[u8], optional: &[Cow<'_, [u8]>]) -> Result<(), ListEnd> {
        let mut listing = Listing::of(optional)?;
        let bucket = self.store.bucket(name).ok_or(Refusal::NotFound)?;
        // After the first keys it is too late to answer that there is no such bucket.
        let mut is_late = false;
        if let Some(first) = listing.first()
            && bucket.has(first.clone()).await?
        {
            is_late = true;
            listing.left -= 1;
            self.item(&first).await?;
        }
        while listing.page() > 0 {
            let page = KeyPage { after: listing.after.clone(), limit: listing.page() };
            let keys = match bucket.keys(page).await {
                Err(Refusal::NotFound) if is_late => Err(Refusal::Error(GONE.to_owned())),
                keys => keys,
            };
            for key in listing.take(keys?) {
                is_late = true;
                self.item(&key).await?;
            }
            // An idle bucket answers within the turn of its client, so waiting for it does not end the turn (L1).
            yield_now().await;
        }
        Ok(())
    }

    async fn list_buckets(&mut self, optional: &[Cow<'_, [u8]>]) -> Result<(), ListEnd> {
        let mut listing = Listing::of(optional)?;
        if let Some(first) = listing.first()
            && self.store.contains(&first).await?
        {
            listing.left -= 1;
            self.item(&first).await?;
        }
        while listing.page() > 0 {
            let after = listing.after.as_deref().map(std::str::from_utf8).transpose();
            let after = after.map_err(|_not_utf_8| Refusal::Error(NOT_UTF_8.to_owned()))?;
            let names = self.store.names(after, listing.page()).await?;
            for name in listing.take(names.iter().map(|name| name.as_bytes()).collect()) {
                self.item(name).await?;
            }
            // No message is sent for a name (L1).
            yield_now().await;
        }
        Ok(())
    }

    async fn item(&mut self, item: &[u8]) -> Result<(), ReplyError> {
        self.replies.item(item).await?;
        self.replies.space().await
    }

    fn end_list(&mut self, listed: Result<(), ListEnd>) -> Result<(), ReplyError> {
        let out = self.replies.short();
        match listed {
            Ok(()) => out.extend(answer::DONE),
            Err(ListEnd::Refused(refusal)) => refusal.write(out),
            Err(ListEnd::Reply(error)) => return Err(error),
        }
        Ok(())
    }
}
