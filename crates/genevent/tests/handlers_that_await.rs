//! Handlers that await: what becomes of a callback's future, in whichever poll it is ready or fails.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::alloc::System;
use std::future::{Future, pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use genevent::{AsyncHandler, HandlerCaller, HandlerCx, HandlerRef, Manager, React, Reaction};
use genserver::Never;
use parking_lot::Mutex;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::sync::Notify;
use tokio::task::yield_now;

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// When a callback panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Never,
    /// Before it has made a future.
    AtOnce,
    InItsFirstPoll,
    InItsSecondPoll,
    /// When its future is dropped, which was ready at once.
    AfterItsFirstPoll,
    /// The same, and it was not.
    AfterItsSecondPoll,
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "it does not want to be dropped");
    }
}

type Log = Arc<Mutex<Vec<(&'static str, u32)>>>;

/// Writes down what it sees, and panics at its time.
struct Writer {
    name: &'static str,
    waits: bool,
    log: Log,
}

/// A number, and who is to panic.
type Event = (u32, &'static str, When);

impl Writer {
    fn handle(&mut self, &(number, name, when): &Event) -> impl Future<Output = Reaction<Event>> + Send {
        let when = if name == self.name { when } else { When::Never };
        assert!(when != When::AtOnce, "it panics at once");
        let kept = matches!(when, When::AfterItsFirstPoll | When::AfterItsSecondPoll).then(|| Bomb);
        let mut waits = self.waits || matches!(when, When::InItsSecondPoll | When::AfterItsSecondPoll);
        poll_fn(move |task| {
            let _ = &kept;
            assert!(when != When::InItsFirstPoll, "it panics in its first poll");
            if std::mem::take(&mut waits) {
                task.waker().wake_by_ref();
                return Poll::Pending;
            }
            assert!(when != When::InItsSecondPoll, "it panics in its second poll");
            self.log.lock().push((self.name, number));
            Poll::Ready(React::stay())
        })
    }
}

impl AsyncHandler<Event> for Writer {
    type Call = Never;

    fn handle_event(
        &mut self,
        event: &Event,
        _cx: &mut HandlerCx<Event>,
    ) -> impl Future<Output = Reaction<Event>> + Send {
        self.handle(event)
    }
}

/// A manager with writers of these names; those that are written large wait.
async fn writers(names: &[&'static str]) -> (Manager<Event>, Log) {
    let (manager, log) = (Manager::start().await.unwrap(), Log::default());
    for name in names {
        let waits = name.chars().all(char::is_uppercase);
        manager.add_async_handler(Writer { name, waits, log: log.clone() }).id(*name).await.unwrap();
    }
    (manager, log)
}

#[tokio::test]
async fn a_panic_is_its_handlers_alone_whenever_it_comes() {
    use When::{AfterItsFirstPoll, AfterItsSecondPoll, AtOnce, InItsFirstPoll, InItsSecondPoll};
    for when in [AtOnce, InItsFirstPoll, InItsSecondPoll, AfterItsFirstPoll, AfterItsSecondPoll] {
        for names in [["a", "b", "c"], ["A", "b", "C"]] {
            let (manager, log) = writers(&names).await;
            manager.sync_notify((1, "b", when)).await.unwrap();
            let left = [names[2], names[0]].map(|name| HandlerRef::<Writer>::with_id(name).id());
            assert_eq!(manager.which_handlers().await.unwrap(), left, "{when:?}");
            manager.sync_notify((2, "", When::Never)).await.unwrap();
            let mut seen = log.lock().clone();
            seen.retain(|(name, _)| *name != "b");
            assert_eq!(seen, [(names[0], 1), (names[2], 1), (names[0], 2), (names[2], 2)], "{when:?}");
        }
    }
}

#[tokio::test]
async fn an_event_reaches_those_that_wait_and_those_that_do_not_in_their_order() {
    let names = ["a", "B", "C", "d", "e", "F"];
    let (manager, log) = writers(&names).await;
    for number in 0..3 {
        manager.notify((number, "", When::Never)).unwrap();
    }
    manager.sync_notify((3, "", When::Never)).await.unwrap();
    let expected: Vec<_> = (0..4).flat_map(|number| names.map(|name| (name, number))).collect();
    assert_eq!(*log.lock(), expected);
}

/// Keeps so many bytes while it waits.
struct Large<const BYTES: usize>(u64);

impl<const BYTES: usize> AsyncHandler<u8> for Large<BYTES> {
    type Call = Never;

    async fn handle_event(&mut self, event: &u8, _cx: &mut HandlerCx<u8>) -> Reaction<u8> {
        let mut bytes = [*event; BYTES];
        yield_now().await;
        bytes[BYTES - 1] += 1;
        self.0 += bytes.iter().copied().map(u64::from).sum::<u64>();
        React::stay()
    }
}

#[tokio::test]
async fn a_future_of_any_size_is_awaited_where_it_was_polled() {
    let manager = Manager::start().await.unwrap();
    let small = manager.add_async_handler(Large::<8>(0)).await.unwrap();
    let large = manager.add_async_handler(Large::<10_000>(0)).await.unwrap();
    manager.sync_notify(1).await.unwrap();
    manager.sync_notify(2).await.unwrap();
    assert_eq!(manager.remove_handler(&small).await.unwrap().0, 3 * 8 + 2);
    assert_eq!(manager.remove_handler(&large).await.unwrap().0, 3 * 10_000 + 2);
}

/// Waits forever, and holds something meanwhile.
struct Stuck(Arc<Notify>);

impl AsyncHandler<Arc<()>> for Stuck {
    type Call = Never;

    async fn handle_event(&mut self, event: &Arc<()>, _cx: &mut HandlerCx<Arc<()>>) -> Reaction<Arc<()>> {
        let _held = Arc::clone(event);
        self.0.notify_one();
        pending().await
    }
}

#[tokio::test]
async fn a_killed_manager_drops_the_future_that_waits() {
    let (manager, held, waits) = (Manager::start().await.unwrap(), Arc::new(()), Arc::new(Notify::new()));
    manager.add_async_handler(Stuck(Arc::clone(&waits))).await.unwrap();
    manager.notify(Arc::clone(&held)).unwrap();
    waits.notified().await;
    assert_eq!(Arc::strong_count(&held), 3);
    manager.process_ref().kill();
    while !manager.process_ref().has_ended() {
        yield_now().await;
    }
    assert_eq!(Arc::strong_count(&held), 1);
}

/// Leaves at the next event, and answers the caller that it has kept.
struct Shy(Option<HandlerCaller<Bomb>>);

struct Ask(HandlerCaller<Bomb>);

impl AsyncHandler<u8> for Shy {
    type Call = Ask;

    async fn handle_event(&mut self, _event: &u8, _cx: &mut HandlerCx<u8>) -> Reaction<u8> {
        match self.0.take() {
            Some(caller) => React::reply_leave(caller, Bomb),
            None => React::stay(),
        }
    }

    async fn handle_call(&mut self, Ask(caller): Ask, _cx: &mut HandlerCx<u8>) -> Reaction<u8> {
        self.0 = Some(caller);
        React::stay()
    }
}

#[tokio::test]
async fn an_answer_that_panics_because_nobody_waits_for_it_harms_nobody() {
    let manager = Manager::start().await.unwrap();
    let shy = manager.add_async_handler(Shy(None)).await.unwrap();
    let other = manager.add_async_handler(Large::<8>(0)).await.unwrap();
    let asked = tokio::time::timeout(std::time::Duration::ZERO, manager.call_async_handler(&shy, Ask)).await;
    assert!(asked.is_err(), "the caller has gone");
    manager.sync_notify(1).await.unwrap();
    assert_eq!(manager.which_handlers().await.unwrap(), [other.id()]);
    assert_eq!(manager.remove_handler(&other).await.unwrap().0, 9);
}

/// Is done at its first poll, with something that it might have waited for.
struct Ready(Arc<tokio::sync::Mutex<u64>>);

impl AsyncHandler<u64> for Ready {
    type Call = Never;

    async fn handle_event(&mut self, event: &u64, _cx: &mut HandlerCx<u64>) -> Reaction<u64> {
        *self.0.lock().await += event;
        React::stay()
    }
}

/// The other tests of the program allocate too, so the fewest of many rounds count.
#[tokio::test]
async fn an_event_to_handlers_that_do_not_wait_allocates_nothing() {
    let (manager, sum) = (Manager::start().await.unwrap(), Arc::default());
    for id in 0..10 {
        manager.add_async_handler(Ready(Arc::clone(&sum))).id(id).await.unwrap();
    }
    let mut fewest = usize::MAX;
    for _ in 0..1_000 {
        let before = COUNTED.stats().allocations;
        manager.sync_notify(1).await.unwrap();
        fewest = fewest.min(COUNTED.stats().allocations - before);
    }
    assert_eq!(fewest, 0);
    assert_eq!(*sum.lock().await, 10_000);
}
