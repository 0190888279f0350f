//! Work that blocks its thread: where it runs, and what happens to it.

use std::panic::AssertUnwindSafe;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures::FutureExt;
use genserver::{run_blocking, time};

#[tokio::test]
async fn blocking_work_runs_beside_the_tasks_of_one_thread() {
    let (sender, receiver) = mpsc::channel();
    let work = run_blocking(move || (receiver.recv(), thread::current().id()));
    // The work waits for what this thread sends, so on this thread it would never end.
    sender.send(7).unwrap();
    let (received, on) = work.await.unwrap();
    assert_eq!(received, Ok(7));
    assert_ne!(on, thread::current().id());
}

#[tokio::test]
async fn blocking_work_that_nobody_awaits_is_done() {
    let (sender, receiver) = futures::channel::oneshot::channel();
    drop(run_blocking(move || sender.send(7)));
    assert_eq!(receiver.await, Ok(7));
}

#[tokio::test]
async fn a_panic_in_blocking_work_resumes_at_its_await() {
    let panic = AssertUnwindSafe(run_blocking(|| panic!("no paper"))).catch_unwind().await.unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"no paper"));
}

#[tokio::test(start_paused = true)]
async fn time_that_is_paused_does_not_pass_while_blocking_work_is_done() {
    let (sender, receiver) = mpsc::channel::<()>();
    let before = time::now();
    let work = run_blocking(move || receiver.recv());
    drop(sender);
    assert!(time::timeout(Duration::from_millis(1), work).await.is_ok());
    assert_eq!(time::now(), before);
}

#[test]
fn work_that_a_runtime_drops_is_an_error_at_its_await() {
    let gone = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let handle = gone.handle().clone();
    drop(gone);
    let work = {
        let _inside = handle.enter();
        run_blocking(|| ())
    };
    let unrun = futures::executor::block_on(work).unwrap_err();
    assert!(unrun.to_string().starts_with("no runtime has run"));
}

#[cfg(feature = "smol")]
#[test]
fn the_second_runtime_has_a_thread_for_each_work() {
    let runtime = genserver::runtime::Smol::new();
    let done = runtime.block_on(async {
        let (sender, receiver) = mpsc::channel();
        let waits = run_blocking(move || receiver.recv());
        run_blocking(move || sender.send(7)).await.unwrap().unwrap();
        waits.await.unwrap()
    });
    assert_eq!(done, Ok(7));
}
