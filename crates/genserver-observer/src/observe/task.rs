//! The task that looks at the node, and how others ask it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use genserver::report::{Report, Reports as Subscription};
use genserver::{Node, Pid};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};

use super::clock::Moment;
use super::reports::Reports;
use super::sample::{Row, Sample};
use super::states::States;
use super::{table, tree, troubles};
use crate::data::{Kind, ProcessDetail, ProcessPage, ProcessQuery, ProcessRow, ReportRow, Summary, Tie, Tiles};

/// How old a sample may be for a request, and how often streams get one.
const EVERY: Duration = Duration::from_secs(1);

/// How soon after the last frame a report is shown to the streams: earlier than the next sample.
const NEWS_AFTER: Duration = Duration::from_millis(250);

/// A frame for news takes time in proportion to the sample, so a sample that took long has fewer: it is a tenth of the time at most.
const NEWS_SHARE: u32 = 10;

/// How many reports are kept before the next request has its turn: as many as wait at most. A program in trouble may report without
/// end.
const REPORTS_AT_ONCE: usize = 1024;

/// For how long a sample is kept when no stream is open: the next one says more beside it.
const KEPT_FOR: Duration = Duration::from_secs(5);

/// How many requests may wait for the task.
const QUEUE: usize = 256;

/// How many links and waiting processes of one process are shown.
const TIES_SHOWN: usize = 100;

/// What the streams send: JSON, made once for all of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    /// Replaced only when it has changed, as the others are.
    pub(crate) tiles: Arc<str>,
    pub(crate) troubles: Arc<str>,
    pub(crate) tree: Arc<str>,
    /// The number of the last report.
    pub(crate) reports: u64,
}

type Request = Box<dyn FnOnce(&mut Observed) + Send>;

/// Asks the task. A clone asks the same one, and the task ends with the last.
#[derive(Clone)]
pub(crate) struct Watch {
    requests: mpsc::Sender<Request>,
    frames: watch::Receiver<Frame>,
    pub(crate) states: States,
    /// How many streams are open. The task samples while there is one.
    streams: Arc<AtomicUsize>,
}

/// Makes the task that looks at `node`, and what asks it.
pub(crate) fn watch(node: Node, reports: Subscription) -> (Watch, impl Future<Output = ()> + Send) {
    let (requests, asked) = mpsc::channel(QUEUE);
    let (publish, frames) = watch::channel(Frame::default());
    let streams = Arc::new(AtomicUsize::new(0));
    let observed = Observed {
        node,
        sample: None,
        reports: Reports::default(),
        news: false,
        published: Moment::now().instant,
        publish,
        streams: Arc::clone(&streams),
    };
    (Watch { requests, frames, states: States::default(), streams }, run(observed, asked, reports))
}

async fn run(mut observed: Observed, mut asked: mpsc::Receiver<Request>, mut subscription: Subscription) {
    let mut reports_go_on = true;
    loop {
        // Reports that have come are kept first, so that an answer knows what was reported before it was asked.
        for report in std::iter::from_fn(|| subscription.try_next()).take(REPORTS_AT_ONCE) {
            observed.keep(&report);
        }
        observed.reports.dropped = subscription.dropped();
        observed.look_for_streams();
        let report = async { if reports_go_on { subscription.next().await } else { std::future::pending().await } };
        let request = tokio::time::timeout(observed.until_next(), asked.recv());
        // A request goes first: there may be a next report at any time.
        let next = match select(std::pin::pin!(request), std::pin::pin!(report)).await {
            Either::Left((request, _)) => Either::Left(request),
            Either::Right((report, _)) => Either::Right(report),
        };
        match next {
            Either::Left(Ok(Some(request))) => request(&mut observed),
            Either::Left(Ok(None)) => return,
            // It is time for the next frame, or for nothing to be kept.
            Either::Left(Err(_)) => {}
            Either::Right(Some(report)) => observed.keep(&report),
            Either::Right(None) => reports_go_on = false,
        }
    }
}

/// What the task knows.
struct Observed {
    node: Node,
    sample: Option<Sample>,
    reports: Reports,
    /// Whether a report has come since the last frame.
    news: bool,
    /// When the last frame was made.
    published: Instant,
    publish: watch::Sender<Frame>,
    streams: Arc<AtomicUsize>,
}

impl Observed {
    fn is_looked_at(&self) -> bool {
        self.streams.load(Ordering::Relaxed) > 0
    }

    fn keep(&mut self, report: &Report) {
        self.reports.keep(report);
        self.news = true;
    }

    /// How long until something is due without a request.
    fn until_next(&self) -> Duration {
        let Some(sample) = &self.sample else {
            // The first sample is made for a request.
            return Duration::from_hours(1);
        };
        let now = Moment::now();
        let age = now.since(sample.moment.instant);
        if !self.is_looked_at() {
            return KEPT_FOR.saturating_sub(age);
        }
        let news_after = if self.news { NEWS_AFTER.max(sample.took * NEWS_SHARE) } else { EVERY };
        EVERY.saturating_sub(age).min(news_after.saturating_sub(now.since(self.published)))
    }

    /// Makes the next frame for the streams if it is time, and drops a sample that nobody looks at.
    fn look_for_streams(&mut self) {
        if !self.until_next().is_zero() {
            return;
        }
        if !self.is_looked_at() {
            self.sample = None;
        } else if !self.refresh() {
            self.publish_news();
        }
    }

    /// Takes a new sample if the last one is older than a second. The streams get it too. Returns whether it has taken one.
    fn refresh(&mut self) -> bool {
        let now = Moment::now();
        if self.sample.as_ref().is_some_and(|sample| now.since(sample.moment.instant) < EVERY) {
            return false;
        }
        let sample = Sample::take(&self.node, self.sample.as_ref());
        self.sample = Some(sample);
        if self.is_looked_at() {
            self.publish();
        }
        true
    }

    /// A sample that is not older than a second.
    fn fresh(&mut self) -> &Sample {
        self.refresh();
        self.sample.as_ref().expect("it was taken just now, if it was not there")
    }

    /// Sends the streams what the last sample and the reports say.
    fn publish(&mut self) {
        let frame = self.frame();
        self.send(frame);
    }

    /// Sends the streams what reports say. The numbers on top come with the next sample.
    fn publish_news(&mut self) {
        let tiles = Arc::clone(&self.publish.borrow().tiles);
        let frame = Frame { tiles, ..self.frame() };
        self.send(frame);
    }

    fn send(&mut self, frame: Frame) {
        self.publish.send_replace(frame);
        self.news = false;
        self.published = Moment::now().instant;
    }

    fn frame(&self) -> Frame {
        let Summary { tiles, troubles, tree } =
            self.sample.as_ref().map(|sample| self.summary(sample)).unwrap_or_default();
        let before = self.publish.borrow().clone();
        Frame {
            tiles: same_or(before.tiles, json(&tiles)),
            troubles: same_or(before.troubles, json(&troubles)),
            tree: same_or(before.tree, json(&tree)),
            reports: self.reports.last(),
        }
    }

    fn summary(&self, sample: &Sample) -> Summary {
        let troubles = troubles::find(sample, &self.reports);
        let (tree, top) = tree::grow(sample, &self.reports, &troubles);
        let rows = &sample.rows;
        let tiles = Tiles {
            at: sample.moment.date,
            processes: rows.len(),
            top,
            rate: rows.iter().map(|row| row.rate).sum(),
            queued: rows.iter().map(|row| row.info.mailbox).sum(),
            refused: rows.iter().map(|row| row.info.refused + row.info.dropped).sum(),
            restarts: self.reports.restarts_in_a_minute(sample.moment).values().map(|told| told.times).sum(),
            cycles: self.reports.cycles,
            reports_dropped: self.reports.dropped,
            sampling_ms: sample.took.as_secs_f64() * 1000.0,
            streams: self.streams.load(Ordering::Relaxed),
        };
        Summary { tiles, troubles, tree }
    }
}

/// The earlier text if it is the same, so that a stream sees by its address that nothing has changed.
fn same_or(before: Arc<str>, now: Arc<str>) -> Arc<str> {
    if before == now { before } else { now }
}

/// A value as JSON. Every value here has only text and numbers as keys, so this does not fail.
pub(crate) fn json(value: &impl Serialize) -> Arc<str> {
    serde_json::to_string(value).unwrap_or_default().into()
}

/// The task is gone, and its thread with it.
#[derive(Debug)]
pub(crate) struct Gone;

impl Watch {
    async fn ask<R: Send + 'static>(&self, ask: impl FnOnce(&mut Observed) -> R + Send + 'static) -> Result<R, Gone> {
        let (answer, answered) = oneshot::channel();
        let request: Request = Box::new(move |observed| {
            // A reader that has gone needs no answer.
            let _ = answer.send(ask(observed));
        });
        self.requests.send(request).await.map_err(|_gone| Gone)?;
        answered.await.map_err(|_gone| Gone)
    }

    pub(crate) async fn summary(&self) -> Result<Summary, Gone> {
        self.ask(|observed| {
            observed.refresh();
            observed.sample.as_ref().map(|sample| observed.summary(sample)).unwrap_or_default()
        })
        .await
    }

    pub(crate) async fn page(&self, query: ProcessQuery) -> Result<ProcessPage, Gone> {
        self.ask(move |observed| table::page(observed.fresh(), &query)).await
    }

    /// The reports with a greater number than `after`.
    pub(crate) async fn reports(&self, after: u64) -> Result<Vec<ReportRow>, Gone> {
        self.ask(move |observed| observed.reports.after(after)).await
    }

    /// The pid with this number.
    pub(crate) async fn pid(&self, number: u64) -> Result<Option<Pid>, Gone> {
        self.ask(move |observed| observed.fresh().find(number).map(|row| row.info.pid)).await
    }

    /// Everything that is seen of a process from outside, and its pid.
    pub(crate) async fn outside(&self, number: u64) -> Result<Option<(Pid, ProcessDetail)>, Gone> {
        self.ask(move |observed| {
            let sample = observed.fresh();
            let row = sample.find(number)?;
            Some((row.info.pid, detail(row, sample)))
        })
        .await
    }

    /// The event managers with their rows: at most so many.
    pub(crate) async fn managers(&self, limit: usize) -> Result<Vec<(Pid, ProcessRow)>, Gone> {
        self.ask(move |observed| {
            let sample = observed.fresh();
            let managers = sample.rows.iter().filter(|row| row.kind == Kind::EventManager).take(limit);
            managers.map(|row| (row.info.pid, row.show(Moment::now()))).collect()
        })
        .await
    }

    /// Opens a stream, if fewer than `limit` are open.
    pub(crate) async fn open(&self, limit: usize) -> Result<Option<Stream>, Gone> {
        let one_more = |open: usize| (open < limit).then_some(open + 1);
        if self.streams.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_err() {
            return Ok(None);
        }
        let stream = Stream { watch: self.clone() };
        // The first frame is made now, and not when the last sample is a second old: there may be none.
        self.ask(|observed| {
            if !observed.refresh() {
                observed.publish();
            }
        })
        .await?;
        Ok(Some(stream))
    }
}

fn detail(row: &Row, sample: &Sample) -> ProcessDetail {
    let tie = |pid: &Pid| Tie { pid: pid.number(), title: sample.title(*pid) };
    let ties = |pids: Option<&Vec<Pid>>| pids.into_iter().flatten().take(TIES_SHOWN).map(tie).collect();
    ProcessDetail {
        row: row.show(Moment::now()),
        parent: row.info.parent.as_ref().map(tie),
        links: ties(Some(&row.info.links)),
        waits_for: ties(sample.waits_for.get(&row.info.pid)),
        waited_for_by: ties(sample.waited_for_by.get(&row.info.pid)),
        traps_exits: row.info.traps_exits,
        has_task: row.info.has_task,
        ..ProcessDetail::default()
    }
}

/// An open stream of frames. It is counted until it is dropped.
pub(crate) struct Stream {
    watch: Watch,
}

impl Stream {
    /// The frame there is now.
    pub(crate) fn now(&mut self) -> Frame {
        self.watch.frames.borrow_and_update().clone()
    }

    /// The next frame; `None` when the task has ended.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        self.watch.frames.changed().await.ok()?;
        Some(self.now())
    }

    pub(crate) async fn reports(&self, after: u64) -> Vec<ReportRow> {
        self.watch.reports(after).await.unwrap_or_default()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.watch.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    //! When the node is sampled.

    use super::*;

    /// When the last sample was taken, if it is still kept.
    async fn sampled(watch: &Watch) -> Option<Instant> {
        watch.ask(|observed| observed.sample.as_ref().map(|sample| sample.moment.instant)).await.expect("it runs")
    }

    #[tokio::test]
    async fn nothing_is_sampled_while_nobody_looks() {
        let node = Node::new();
        let (watch, observing) = watch(node.clone(), node.reports());
        let looking = async {
            assert_eq!(sampled(&watch).await, None, "nobody has looked yet");
            let stream = watch.open(1).await.expect("it runs").expect("it is the first");
            let first = sampled(&watch).await.expect("a stream looks");
            while sampled(&watch).await == Some(first) {}
            drop(stream);
            let last = sampled(&watch).await.expect("a stream looked a moment ago");
            while let Some(kept) = sampled(&watch).await {
                assert_eq!(kept, last, "it is kept for a while, and no other is taken");
            }
        };
        match select(std::pin::pin!(observing), std::pin::pin!(looking)).await {
            Either::Left(_) => unreachable!("it runs as long as it is asked"),
            Either::Right(((), _)) => {}
        }
    }
}
