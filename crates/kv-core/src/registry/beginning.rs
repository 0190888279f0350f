//! How a registry begins: it takes over the names of the one before it, and creates the buckets that the storage keeps.
//!
//! - G1: A registry that continues answers requests between two pages of names. A page is so short that nobody waits a millisecond
//!   for it.
//! - G2: There is at most one bucket that was started and is not in the table: the last that was started. The registry that started
//!   it ended too early.

use std::time::Duration;

use genserver::{Cx, Pid, Reason};

use super::server::{InfoKind, RegistryInfo, RegistryServer, RegistryStorage, watch};
use crate::BucketName;

/// What a registry does next that continues where another has ended.
#[derive(Debug)]
pub(super) enum Beginning {
    /// It ends the bucket that no name leads to.
    Stray,
    /// It monitors the buckets in the table, after this name.
    Watch(Option<BucketName>),
    /// It creates the buckets that the storage keeps, after this name.
    Create(Option<BucketName>),
}

/// How many buckets are monitored at a time, ...
const WATCHED: usize = 256;
/// ... and how many are created, while others wait, ...
const CREATED: usize = 32;
/// ... and while nobody can.
const CREATED_AT_START: usize = 1_000;

impl RegistryServer {
    /// Does what is next. Requests have their turn before what is after that (G1).
    pub(super) async fn begin(&mut self, beginning: Beginning, cx: &mut Cx<Self>) -> Result<(), Reason> {
        if let Some(next) = self.begin_page(beginning, cx).await? {
            // Not `send`, which a full mailbox refuses.
            cx.this().send_after(Duration::ZERO, RegistryInfo(InfoKind::Begin(next)));
        }
        Ok(())
    }

    /// Returns what is to be done after it, if anything.
    async fn begin_page(&mut self, now: Beginning, cx: &mut Cx<Self>) -> Result<Option<Beginning>, Reason> {
        let next = match now {
            Beginning::Stray => {
                self.end_stray(cx.pid()).await;
                Some(Beginning::Watch(None))
            }
            Beginning::Watch(after) => match self.watch_page(after.as_ref(), cx) {
                Some(last) => Some(Beginning::Watch(Some(last))),
                None => Some(Beginning::Create(None)),
            },
            Beginning::Create(after) => {
                self.create_page(after, CREATED, cx).await?.map(|last| Beginning::Create(Some(last)))
            }
        };
        Ok(next)
    }

    /// Creates all buckets of the storage.
    pub(super) async fn create_all_kept(&mut self, cx: &mut Cx<Self>) -> Result<(), Reason> {
        let mut after = None;
        loop {
            after = self.create_page(after, CREATED_AT_START, cx).await?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Creates buckets of the storage. Returns the last name, if there may be more.
    async fn create_page(
        &mut self,
        after: Option<BucketName>,
        limit: usize,
        cx: &mut Cx<Self>,
    ) -> Result<Option<BucketName>, Reason> {
        let Some(RegistryStorage { storage, .. }) = self.storage.clone() else { return Ok(None) };
        // Without it there is not one bucket to be created, and the start fails.
        self.buckets.current().await.map_err(Reason::from)?;
        let page = storage.buckets(after.as_ref(), limit).await.map_err(Reason::from)?;
        let last = page.last().cloned();
        for name in page {
            // It is there already, so no limit is in its way.
            self.shared.keep(name.clone());
            self.create(name, None, cx).await;
        }
        Ok(last)
    }

    /// Monitors buckets of the registry before this one. Returns the last name, if there may be more.
    fn watch_page(&self, after: Option<&BucketName>, cx: &mut Cx<Self>) -> Option<BucketName> {
        let page = self.table.page(after.map(|name| &**name), WATCHED);
        let last = page.last().cloned();
        for name in page {
            // Those that this registry has started have a monitor. Their processes are younger than its own.
            if let Some(bucket) = self.table.get(&name)
                && bucket.pid().number() < cx.pid().number()
            {
                watch(name, &bucket, cx);
            }
        }
        last
    }

    /// Ends the bucket that no name leads to (G2). It comes before all requests, because they may start buckets.
    async fn end_stray(&self, me: Pid) {
        let Ok(buckets) = self.buckets.current().await else { return };
        // The supervisor answers when it has done what the registry before this one has asked for. What it answers does not matter.
        let _ = buckets.child_entry(&me).await;
        let Some((name, bucket)) = self.shared.last_started() else { return };
        if self.table.get(&name).is_none_or(|known| known.pid() != bucket.pid()) {
            bucket.exit(Reason::Shutdown);
        }
    }
}
