//! Locks by key: one holder at a time, in the order of asking, whatever happens to the holder or to those who wait.
#![expect(clippy::disallowed_methods, reason = "several tasks contend on purpose")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::poll_immediate;
use genserver::registry::UniqueRegistry;
use genserver::{Probe, Reason, spawn, time};
use tokio::task::yield_now;

type Rooms = UniqueRegistry<&'static str>;

const TICK: Duration = Duration::from_millis(10);

fn locked(rooms: &Rooms) -> bool {
    !format!("{rooms:?}").contains("locks: 0")
}

#[tokio::test(start_paused = true)]
async fn rat_028_a_lock_is_one_tasks_at_a_time_in_the_order_of_asking() {
    let rooms = Rooms::unique();
    let mut probe = Probe::<u32>::new();
    let first = rooms.lock("a").await;
    for number in 1..=3 {
        let (rooms, told) = (rooms.clone(), probe.sender());
        tokio::spawn(async move {
            let _guard = rooms.lock("a").await;
            told.send(number).unwrap();
            time::sleep(TICK).await;
        });
        yield_now().await;
    }
    let _another = rooms.lock("b").await;
    probe.expect_none(TICK).await;
    drop(first);
    for number in 1..=3 {
        assert_eq!(probe.expect_message().await, number);
        assert!(probe.try_recv().is_none(), "two have it");
    }
}

#[tokio::test(start_paused = true)]
async fn rat_029_a_lock_passes_on_when_its_holder_fails_or_a_waiter_leaves() {
    let rooms = Rooms::unique();
    // The holder panics.
    let guard = rooms.lock("a").await;
    let panicking = tokio::spawn(async move {
        let _guard = guard;
        panic!("it does");
    });
    assert!(panicking.await.is_err());
    assert!(!locked(&rooms));

    // The holder is killed; a waiter has left in between.
    let held = rooms.clone();
    let holder = spawn(move |mut me: Probe<()>| async move {
        let _guard = held.lock("a").await;
        let _ = me.recv().await;
    })
    .unwrap();
    yield_now().await;
    let mut first = Box::pin(rooms.lock("a"));
    let mut second = rooms.lock("a");
    assert!(poll_immediate(&mut first).await.is_none());
    assert!(poll_immediate(&mut second).await.is_none());
    drop(first);
    holder.kill();
    assert_eq!(holder.process_ref().ended().await, Reason::Killed);
    let guard = second.await;

    // A waiter is killed.
    let waits = rooms.clone();
    let waiter = spawn(move |_me: Probe<()>| async move { drop(waits.lock("a").await) }).unwrap();
    yield_now().await;
    waiter.kill();
    assert_eq!(waiter.process_ref().ended().await, Reason::Killed);
    drop(guard);
    drop(rooms.lock("a").await);
    assert!(!locked(&rooms));
}

#[tokio::test]
async fn a_lock_given_to_a_waiter_that_leaves_goes_to_the_next() {
    let rooms = Rooms::unique();
    let guard = rooms.lock("a").await;
    let (mut first, mut second) = (rooms.lock("a"), rooms.lock("a"));
    assert!(poll_immediate(&mut first).await.is_none());
    assert!(poll_immediate(&mut second).await.is_none());
    drop(guard);
    assert!(poll_immediate(&mut second).await.is_none(), "the first has it, though it does not know");
    drop(first);
    let guard = poll_immediate(&mut second).await.unwrap();
    assert!(locked(&rooms));
    drop(guard);
    assert!(!locked(&rooms));
}

#[tokio::test]
async fn a_lock_that_was_never_awaited_locks_nothing() {
    let rooms = Rooms::unique();
    drop(rooms.lock("a"));
    assert!(!locked(&rooms));
    assert!(poll_immediate(rooms.lock("a")).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_that_lock_leave_and_panic_never_meet_and_leave_nothing() {
    let rooms = Rooms::unique();
    let inside = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
    let mut tasks = Vec::new();
    for task in 0_usize..16 {
        let (rooms, inside) = (rooms.clone(), Arc::clone(&inside));
        tasks.push(tokio::spawn(async move {
            for round in 0..500 {
                let which = (task + round) % 2;
                let mut lock = rooms.lock(["a", "b"][which]);
                if round % 3 == 0 {
                    // Leaves the line if it does not get the lock at once.
                    let Some(guard) = poll_immediate(&mut lock).await else { continue };
                    drop(guard);
                    continue;
                }
                let guard = lock.await;
                assert_eq!(inside[which].fetch_add(1, Ordering::SeqCst), 0, "two have it");
                yield_now().await;
                inside[which].fetch_sub(1, Ordering::SeqCst);
                drop(guard);
            }
            assert!(task % 4 != 0, "some end by a panic");
        }));
    }
    for (number, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.is_err(), number % 4 == 0);
    }
    assert!(!locked(&rooms));
}
