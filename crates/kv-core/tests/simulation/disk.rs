//! A storage on a simulated disk, which behaves as the engine of `Durable` does:
//!
//! - Batches are appended to a log. Without a sync, a power failure leaves some of the last ones in it and tears the next.
//! - A batch that failed may be in the log all the same. The next write first undoes it.
//! - Work that was begun is finished, also if nobody waits for it any more.
//! - Only the last fence of a bucket may change it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use genserver::sim::{Sim, sometimes};
use genserver::time;
use kv_core::{BucketName, Commit, Durability, Entry, Fence, Loaded, Storage, StorageChange, StorageError};
use parking_lot::Mutex;

/// A disk, as a program sees it until the power fails. Its clones are the same disk.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    inside: Arc<Mutex<Inside>>,
    boot: u64,
}

#[derive(Debug)]
struct Inside {
    /// `None` if every batch is synced before it is answered.
    sync_within: Option<Duration>,
    /// How often the power has come back; what began before has ended.
    boot: u64,
    has_power: bool,
    /// One write in so many fails; 0 for none.
    fails: u64,
    /// What was written.
    log: Vec<Batch>,
    /// How many batches a power failure cannot touch.
    synced: usize,
    /// Work that nobody waits for any more, and that has not begun.
    late: Vec<Vec<Commit>>,
    /// Whether the last batch of the log is being written.
    is_busy: bool,
    /// What has to be undone before the next write: the content before a write that failed, and is in the log.
    undo: Option<Content>,
    /// What the log has in it, but for writes that failed.
    content: Content,
    owners: BTreeMap<BucketName, Fence>,
    fences: u64,
    chance: Chance,
}

type Content = BTreeMap<BucketName, BTreeMap<Bytes, Bytes>>;

/// The content after the batch. A real log has the changes; what can be read of it is the same.
type Batch = Content;

/// Numbers that follow from the seed of the simulation. The disk cannot borrow that.
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

impl Disk {
    pub(super) fn new(sim: &Sim<'_>, sync_within: Option<Duration>) -> Self {
        let inside = Inside {
            sync_within,
            boot: 0,
            has_power: true,
            fails: 0,
            log: Vec::new(),
            synced: 0,
            late: Vec::new(),
            is_busy: false,
            undo: None,
            content: Content::new(),
            owners: BTreeMap::new(),
            fences: 0,
            chance: Chance(1 + sim.draw(0..1 << 32)),
        };
        Self { inside: Arc::new(Mutex::new(inside)), boot: 0 }
    }

    /// Lets one write in so many fail; 0 for none.
    pub(super) fn fail(&self, one_in: u64) {
        self.inside.lock().fails = one_in;
    }

    /// Takes the power away, and with it what is not on the disk. From now on everything fails, until the power is back.
    pub(super) fn cut_power(&self) {
        let mut guard = self.inside.lock();
        let inside = &mut *guard;
        let unsynced = inside.log.len() - inside.synced;
        sometimes!(unsynced > 0, "the power fails while something is not synced");
        sometimes!(inside.is_busy, "the power fails while something is written");
        // The last batch that is written is torn, unless all of it has reached the disk.
        let kept = inside.synced + usize::try_from(inside.chance.below(unsynced as u64 + 1)).unwrap();
        inside.log.truncate(kept);
        (inside.has_power, inside.is_busy, inside.undo) = (false, false, None);
    }

    /// Gives the power back, and returns what is left for the next program.
    pub(super) fn restore_power(&self) -> Self {
        let mut guard = self.inside.lock();
        let inside = &mut *guard;
        inside.boot += 1;
        inside.has_power = true;
        inside.content = inside.log.last().cloned().unwrap_or_default();
        inside.synced = inside.log.len();
        inside.owners.clear();
        inside.late.clear();
        inside.fails = 0;
        Self { inside: Arc::clone(&self.inside), boot: inside.boot }
    }

    /// Waits a little, or lets others go first.
    async fn delay(&self) {
        let wait = self.inside.lock().chance.below(4);
        match wait {
            0 => {}
            1 => genserver::yield_now().await,
            more => time::sleep(Duration::from_micros(100 * more)).await,
        }
    }

    /// One write at a time, also after the future of the one before was dropped.
    async fn begin(&self) -> Result<Writing, StorageError> {
        self.delay().await;
        loop {
            {
                let mut inside = self.inside.lock();
                inside.works(self.boot)?;
                if !inside.is_busy {
                    inside.mend();
                    if inside.chance.below(4) == 0 {
                        inside.catch_up();
                    }
                    inside.is_busy = true;
                    return Ok(Writing { disk: self.clone(), batch: None, is_finished: false });
                }
            }
            time::sleep(Duration::from_micros(100)).await;
        }
    }

    /// Writes one batch: it is in the log, and then, or after a sync, what it changes is.
    async fn write(&self, mut writing: Writing, batch: Content) -> Result<(), StorageError> {
        {
            let mut inside = self.inside.lock();
            inside.works(self.boot)?;
            let one_in = inside.fails;
            if one_in > 0 && inside.chance.below(one_in) == 0 {
                if inside.chance.below(2) == 0 {
                    let before = inside.content.clone();
                    inside.undo = Some(before);
                    inside.log.push(batch);
                }
                return Err(StorageError::new("the disk is full"));
            }
            inside.log.push(batch.clone());
            writing.batch = Some(batch);
        }
        self.delay().await;
        writing.finish()?;
        self.delay().await;
        Ok(())
    }
}

/// Work that has not begun. It is done some time, even if nobody waits for it.
struct Waiting {
    disk: Disk,
    commits: Vec<Commit>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let commits = std::mem::take(&mut self.commits);
        let mut inside = self.disk.inside.lock();
        if !commits.is_empty() && inside.works(self.disk.boot).is_ok() {
            sometimes!(true, "the committer is killed before the disk writes");
            inside.late.push(commits);
        }
    }
}

/// Work on the disk, which is finished even if nobody waits for it.
struct Writing {
    disk: Disk,
    batch: Option<Content>,
    /// Others may write, and what they do is not for this to end.
    is_finished: bool,
}

impl Writing {
    fn finish(&mut self) -> Result<(), StorageError> {
        let mut inside = self.disk.inside.lock();
        inside.works(self.disk.boot)?;
        if std::mem::replace(&mut self.is_finished, true) {
            return Ok(());
        }
        inside.is_busy = false;
        if let Some(batch) = self.batch.take() {
            inside.content = batch;
            if inside.sync_within.is_none() {
                inside.synced = inside.log.len();
            }
        }
        Ok(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        sometimes!(self.batch.is_some(), "the committer is killed while the disk writes");
        // Without power there is nothing to finish.
        let _ = self.finish();
    }
}

impl Inside {
    fn works(&self, boot: u64) -> Result<(), StorageError> {
        if self.has_power && self.boot == boot { Ok(()) } else { Err(StorageError::new("the disk has no power")) }
    }

    /// Undoes a write that failed, synced.
    fn mend(&mut self) {
        if let Some(before) = self.undo.take() {
            sometimes!(true, "a write that failed is undone");
            self.log.push(before);
            self.synced = self.log.len();
        }
    }

    /// Does what nobody waits for any more.
    fn catch_up(&mut self) {
        for commits in std::mem::take(&mut self.late) {
            let mut content = self.content.clone();
            if self.apply(commits, &mut content).iter().any(Result::is_ok) {
                self.log.push(content.clone());
                self.content = content;
                if self.sync_within.is_none() {
                    self.synced = self.log.len();
                }
            }
        }
    }

    /// Makes the changes of those commits that may be made.
    fn apply(&self, commits: Vec<Commit>, content: &mut Content) -> Vec<Result<(), StorageError>> {
        let one = |Commit { bucket, fence, changes }| {
            self.owns(&bucket, fence)?;
            let entries = content.entry(bucket).or_default();
            for change in changes {
                match change {
                    StorageChange::Put(entry) => drop(entries.insert(entry.key, entry.value)),
                    StorageChange::Delete(key) => drop(entries.remove(&key)),
                }
            }
            Ok(())
        };
        commits.into_iter().map(one).collect()
    }

    fn owns(&self, bucket: &BucketName, fence: Fence) -> Result<(), StorageError> {
        let is_owner = self.owners.get(bucket) == Some(&fence);
        sometimes!(!is_owner, "a bucket that was loaded again is refused");
        if is_owner { Ok(()) } else { Err(StorageError::not_owner("the bucket was loaded again")) }
    }
}

#[async_trait]
impl Storage for Disk {
    fn durability(&self) -> Durability {
        if self.inside.lock().sync_within.is_none() { Durability::Power } else { Durability::Machine }
    }

    async fn buckets(&self, after: Option<&BucketName>, limit: usize) -> Result<Vec<BucketName>, StorageError> {
        self.delay().await;
        let inside = self.inside.lock();
        inside.works(self.boot)?;
        let names = inside.content.keys().filter(|name| after.is_none_or(|after| *name > after));
        Ok(names.take(limit).cloned().collect())
    }

    async fn load(&self, bucket: &BucketName) -> Result<Loaded, StorageError> {
        let writing = self.begin().await?;
        let (mut content, is_new) = {
            let mut inside = self.inside.lock();
            inside.fences += 1;
            let fence = Fence::new(inside.fences);
            inside.owners.insert(bucket.clone(), fence);
            (inside.content.clone(), !inside.content.contains_key(bucket))
        };
        let entries = content.entry(bucket.clone()).or_default().clone();
        let fence = self.inside.lock().owners[bucket];
        if is_new {
            self.write(writing, content).await?;
        } else {
            drop(writing);
        }
        let entries = entries.into_iter().map(|(key, value)| Entry::new(key, value)).collect();
        Ok(Loaded { fence, entries })
    }

    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<(), StorageError>> {
        let mut waiting = Waiting { disk: self.clone(), commits };
        let writing = match self.begin().await {
            Ok(writing) => writing,
            Err(error) => return vec![Err(error); std::mem::take(&mut waiting.commits).len()],
        };
        let commits = std::mem::take(&mut waiting.commits);
        let (content, results) = {
            let inside = self.inside.lock();
            let mut content = inside.content.clone();
            let results = inside.apply(commits, &mut content);
            (content, results)
        };
        match self.write(writing, content).await {
            Ok(()) => results,
            Err(error) => results.into_iter().map(|result| result.and(Err(error.clone()))).collect(),
        }
    }

    async fn remove(&self, bucket: &BucketName, fence: Fence) -> Result<(), StorageError> {
        let writing = self.begin().await?;
        let mut content = self.inside.lock().content.clone();
        self.inside.lock().owns(bucket, fence)?;
        content.remove(bucket);
        self.write(writing, content).await?;
        self.inside.lock().owners.remove(bucket);
        Ok(())
    }

    fn sync_within(&self) -> Option<Duration> {
        self.inside.lock().sync_within
    }

    async fn sync(&self) -> Result<(), StorageError> {
        let mut writing = self.begin().await?;
        self.delay().await;
        writing.finish()?;
        let mut inside = self.inside.lock();
        inside.synced = inside.log.len();
        Ok(())
    }
}
