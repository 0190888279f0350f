//! Streams of tasks: order, bounds, failures, and what is left when a stream ends early.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::fmt::Debug;
use std::future::pending;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::poll_immediate;
use futures::{StreamExt, stream};
use genserver::task::{AsyncStream, ItemTimedOut, ItemTimeout, async_stream, async_stream_of, or_exit};
use genserver::time::{now, sleep};
use genserver::{Node, Probe, ProcessRef, Reason, spawn};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn limit(limit: usize) -> NonZeroUsize {
    NonZeroUsize::new(limit).unwrap()
}

fn slip(message: &str) {
    panic!("{message}");
}

/// Gives every task time to do what it can.
async fn settle() {
    sleep(ms(1)).await;
}

/// Counts what runs at the same time.
#[derive(Clone, Default)]
struct Gauge(Arc<[AtomicUsize; 3]>);

/// Something that runs.
struct Run(Gauge);

impl Gauge {
    fn enter(&self) -> Run {
        let [running, most, started] = &*self.0;
        let running = running.fetch_add(1, Ordering::SeqCst) + 1;
        most.fetch_max(running, Ordering::SeqCst);
        started.fetch_add(1, Ordering::SeqCst);
        Run(self.clone())
    }

    fn running(&self) -> usize {
        self.0[0].load(Ordering::SeqCst)
    }

    fn most(&self) -> usize {
        self.0[1].load(Ordering::SeqCst)
    }

    fn started(&self) -> usize {
        self.0[2].load(Ordering::SeqCst)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.0.0[0].fetch_sub(1, Ordering::SeqCst);
    }
}

/// Sleeps this many milliseconds for each item, and counts.
fn sleepers<I>(millis: I, gauge: &Gauge) -> AsyncStream<stream::Iter<I::IntoIter>, u64>
where
    I: IntoIterator<Item = u64>,
{
    let gauge = gauge.clone();
    async_stream(millis, move |millis| {
        let run = gauge.enter();
        async move {
            let _run = run;
            sleep(ms(millis)).await;
            millis
        }
    })
}

fn values<T, E: Debug>(results: Vec<Result<T, E>>) -> Vec<T> {
    results.into_iter().map(Result::unwrap).collect()
}

/// A process that consumes, and that plain code can observe.
fn consumer(traps: bool) -> Probe<()> {
    let mut consumer = Probe::new();
    consumer.trap_exits(traps);
    consumer
}

fn is_timeout(reason: &Reason, expected: Duration) -> bool {
    reason.downcast_ref::<ItemTimedOut>().is_some_and(|timed_out| timed_out.after == expected)
}

#[tokio::test(start_paused = true)]
async fn rat_055_results_come_in_order_and_never_more_tasks_run_than_may() {
    let slowest_first = [80, 10, 40, 20, 30, 5, 1, 60];
    for most in [1, 2, 4, 8, 16] {
        let gauge = Gauge::default();
        let results = sleepers(slowest_first, &gauge).max_concurrency(limit(most)).collect().await;
        assert_eq!(values(results), slowest_first);
        assert_eq!(gauge.most(), most.min(8));

        let gauge = Gauge::default();
        let results = sleepers(slowest_first, &gauge).max_concurrency(limit(most)).ordered(false).collect().await;
        let mut results = values(results);
        assert!(most < 8 || results.is_sorted());
        assert_eq!(gauge.most(), most.min(8));
        results.sort_unstable();
        assert_eq!(results, [1, 5, 10, 20, 30, 40, 60, 80]);
    }
    assert!(sleepers([], &Gauge::default()).next().await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_more_tasks_run_than_may_on_two_threads() {
    for ordered in [true, false] {
        let gauge = Gauge::default();
        let runs = gauge.clone();
        let numbers = async_stream(0..1000_u32, move |number| {
            let run = runs.enter();
            async move {
                let _run = run;
                tokio::task::yield_now().await;
                number
            }
        });
        let mut numbers = values(numbers.max_concurrency(limit(3)).ordered(ordered).collect().await);
        assert!(gauge.most() <= 3);
        if !ordered {
            numbers.sort_unstable();
        }
        assert!(numbers.into_iter().eq(0..1000));
    }
}

#[tokio::test]
async fn rat_056_the_reason_of_an_item_that_fails_comes_in_its_place() {
    let run = || {
        async_stream(0..4, |number| {
            or_exit(async move {
                match number {
                    1 => Err(Reason::term("exit")),
                    2 => panic!("crash"),
                    3 => Err(Reason::Normal),
                    _ => Ok(number),
                }
            })
        })
    };
    let check = |results: Vec<Result<i32, Reason>>| {
        let text = |result: Result<i32, Reason>| result.map_err(|reason| reason.to_string());
        let results: Vec<_> = results.into_iter().map(text).collect();
        let err = |text: &str| Err(text.to_owned());
        assert_eq!(results, [Ok(0), err("exit"), err("panicked: crash"), err("normal")]);
    };
    check(run().collect().await);

    let mut consumer = consumer(true);
    check(consumer.scope(run().collect()).await);
    settle().await;
    assert!(consumer.flush().is_empty());
    assert!(consumer.process_ref().info().links.is_empty());
}

#[tokio::test]
async fn a_function_that_panics_before_its_first_await_fails_its_item_alone() {
    let halves = async_stream([2, 1, 4], |number| {
        assert!(number % 2 == 0, "{number} is odd");
        async move { number / 2 }
    });
    let halves: Vec<_> = halves.collect().await;
    assert_eq!((&halves[0], &halves[2]), (&Ok(1), &Ok(2)));
    assert_eq!(halves[1].as_ref().unwrap_err().to_string(), "panicked: 1 is odd");
}

#[tokio::test]
async fn a_crash_takes_a_consumer_along_that_does_not_trap_exits() {
    let consumer = spawn(|_me: Probe<()>| async {
        let mut results = async_stream([1, 2], |number| async move {
            if number == 2 {
                slip("crash");
            }
            number
        });
        assert_eq!(results.next().await, Some(Ok(1)));
        // The link ends it, wherever it waits.
        pending::<()>().await;
    });
    assert_eq!(consumer.unwrap().process_ref().ended().await.to_string(), "panicked: crash");
}

#[tokio::test(start_paused = true)]
async fn rat_057_an_item_that_takes_too_long_ends_the_stream_or_is_killed_alone() {
    for traps in [false, true] {
        let mut consumer = consumer(traps);
        let gauge = Gauge::default();
        let run = || sleepers([10, 1000, 20, 30], &gauge).max_concurrency(limit(4)).timeout(ms(100));

        let begun = now();
        let results: Vec<_> = consumer.scope(run().collect()).await;
        assert!(matches!(&results[..], [Ok(10), Err(reason)] if is_timeout(reason, ms(100))), "{results:?}");
        assert_eq!((now() - begun).as_millis(), 100);

        let results: Vec<_> = consumer.scope(run().on_timeout(ItemTimeout::KillTask).collect()).await;
        let [Ok(10), Err(reason), Ok(20), Ok(30)] = &results[..] else { panic!("{results:?}") };
        assert!(is_timeout(reason, ms(100)));

        let zipped = run().on_timeout(ItemTimeout::KillTask).zip_input_on_exit();
        let results: Vec<_> = consumer.scope(zipped.collect()).await;
        let [Ok(10), Err((1000, reason)), Ok(20), Ok(30)] = &results[..] else { panic!("{results:?}") };
        assert!(is_timeout(reason, ms(100)));

        settle().await;
        assert_eq!(gauge.running(), 0);
        assert!(consumer.is_alive());
        assert!(consumer.process_ref().info().links.is_empty());
        consumer.trap_exits(true);
        assert!(consumer.flush().is_empty());
    }
    let unlimited: Vec<_> = sleepers([60_000], &Gauge::default()).no_timeout().collect().await;
    assert_eq!(unlimited, [Ok(60_000)]);
}

#[tokio::test(start_paused = true)]
async fn a_time_out_ends_a_stream_together_with_what_still_runs() {
    let gauge = Gauge::default();
    let endless = std::iter::once(1000).chain(std::iter::repeat(150));
    let mut results = sleepers(endless, &gauge).max_concurrency(limit(2)).timeout(ms(200)).ordered(false);
    assert_eq!(results.next().await, Some(Ok(150)));
    assert!(results.next().await.unwrap().is_err());
    assert_eq!(results.next().await, None);
    assert_eq!(results.next().await, None);
    settle().await;
    assert_eq!(gauge.running(), 0);
}

/// The number of processes of a node, except the consumer.
fn others(node: &Node, consumer: &ProcessRef) -> usize {
    node.process_list().iter().filter(|info| info.pid != consumer.pid()).count()
}

#[tokio::test(start_paused = true)]
async fn rat_058_a_stream_that_is_dropped_early_leaves_nothing() {
    for traps in [false, true] {
        let node = Node::new();
        let mut consumer = Probe::<()>::on(&node);
        consumer.trap_exits(traps);
        let gauge = Gauge::default();
        let endless = sleepers(std::iter::once(0).chain(std::iter::repeat(1_000_000)), &gauge);
        let first = endless.max_concurrency(limit(4)).take(1).collect::<Vec<_>>();
        assert_eq!(consumer.scope(first).await, [Ok(0)]);
        assert!(consumer.process_ref().info().links.is_empty(), "at once");

        settle().await;
        assert_eq!((gauge.running(), gauge.started()), (0, 4));
        assert_eq!(others(&node, &consumer.process_ref()), 0);
        assert!(consumer.is_alive());
        consumer.trap_exits(true);
        assert!(consumer.flush().is_empty());
    }
}

#[tokio::test]
async fn rat_060_whatever_ends_first_the_other_side_is_cleaned_up() {
    let cleanup = Arc::new(());
    // A stream that has to clean something up.
    let resource = || {
        let held = Arc::clone(&cleanup);
        stream::repeat(()).map(move |()| Arc::strong_count(&held))
    };
    let numbers = || async_stream_of(resource(), |_| async { 1 });

    // The outer halts, the inner halts, one of two zipped halts, and one panics.
    assert_eq!(numbers().take(2).collect::<Vec<_>>().await, [Ok(1), Ok(1)]);
    let inner = async_stream_of(resource().take(2), |_| async { 2 });
    assert_eq!(inner.collect::<Vec<_>>().await, [Ok(2), Ok(2)]);
    let zipped = numbers().zip(numbers().take(1));
    assert_eq!(zipped.collect::<Vec<_>>().await, [(Ok(1), Ok(1))]);
    let nested = async_stream_of(numbers(), |number| async move { number.unwrap() + 1 });
    assert_eq!(nested.take(1).collect::<Vec<_>>().await, [Ok(2)]);
    let consumer = spawn({
        let numbers = numbers();
        move |_me: Probe<()>| numbers.take(1).for_each(|_| async { slip("in the consumer") })
    });
    consumer.unwrap().process_ref().ended().await;
    assert_eq!(Arc::strong_count(&cleanup), 1);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_consumer_ends_its_tasks() {
    for traps in [false, true] {
        let gauge = Gauge::default();
        let sleepers = sleepers(std::iter::repeat(1_000_000), &gauge).max_concurrency(limit(3)).no_timeout();
        let consumer = spawn(move |mut me: Probe<()>| async move {
            me.trap_exits(traps);
            sleepers.for_each(|_| async {}).await;
        })
        .unwrap();
        settle().await;
        assert_eq!(gauge.running(), 3);
        consumer.kill();
        settle().await;
        assert_eq!(gauge.running(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_taken_or_run_before_somebody_waits() {
    let gauge = Gauge::default();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let items = (1..).inspect(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let mut results = sleepers(items, &gauge).max_concurrency(limit(2));
    settle().await;
    assert_eq!(taken.load(Ordering::SeqCst), 0);
    assert_eq!(results.next().await, Some(Ok(1)));
    sleep(ms(100)).await;
    assert_eq!(taken.load(Ordering::SeqCst), 2, "the third waits until somebody wants another result");
    assert_eq!(results.next().await, Some(Ok(2)));
}

#[tokio::test(start_paused = true)]
async fn results_behind_a_slow_item_wait_within_a_bound() {
    let gauge = Gauge::default();
    let items = std::iter::once(1000).chain(std::iter::repeat(1));
    let mut results = sleepers(items, &gauge).max_concurrency(limit(3));
    assert_eq!(results.next().await, Some(Ok(1000)));
    assert!(gauge.started() <= 1 + 2 * 3, "{} were started", gauge.started());
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_dropped_loses_no_result() {
    let gauge = Gauge::default();
    let mut results = sleepers([10, 20], &gauge).max_concurrency(limit(2));
    assert!(poll_immediate(results.next()).await.is_none());
    sleep(ms(30)).await;
    assert_eq!(results.next().await, Some(Ok(10)));
    assert!(poll_immediate(results.next()).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn items_may_come_as_a_stream_that_takes_its_time() {
    let items = stream::unfold(0, |number| async move {
        sleep(ms(10)).await;
        (number < 3).then_some((number, number + 1))
    });
    let begun = now();
    let results = async_stream_of(items, |number| async move {
        sleep(ms(10)).await;
        number
    });
    let results: Vec<_> = results.max_concurrency(limit(2)).collect().await;
    assert_eq!(results, [Ok(0), Ok(1), Ok(2)]);
    assert_eq!((now() - begun).as_millis(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_place_is_free_only_when_the_late_task_has_ended() {
    let gauge = Gauge::default();
    let results = sleepers([1000, 1000, 1000, 1], &gauge).max_concurrency(limit(1)).timeout(ms(10));
    let results: Vec<_> = results.on_timeout(ItemTimeout::KillTask).collect().await;
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 3);
    assert_eq!((gauge.most(), gauge.started()), (1, 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_dropped_anywhere_leaves_nothing_on_two_threads() {
    let node = Node::new();
    let gauge = Gauge::default();
    for round in 0..500_usize {
        let runs = gauge.clone();
        let consumer = Probe::<()>::on(&node);
        let results = async_stream_of(stream::iter(0_usize..), move |number| {
            let run = runs.enter();
            async move {
                let _run = run;
                for _ in 0..number % 3 {
                    tokio::task::yield_now().await;
                }
                number
            }
        });
        let results = results.max_concurrency(limit(1 + round % 4)).ordered(round % 2 == 0);
        let taken = consumer.scope(results.take(round % 7).collect::<Vec<_>>()).await;
        assert_eq!(taken.len(), round % 7);
        assert!(consumer.process_ref().info().links.is_empty());
        assert!(consumer.is_alive());
    }
    while !node.process_list().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(gauge.running(), 0);
}
