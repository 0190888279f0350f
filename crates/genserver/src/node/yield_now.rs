//! Letting other tasks of the runtime go on.

use std::future::poll_fn;
use std::task::{Poll, ready};

use crate::node::current_home;
use crate::node::cut::poll_alive;

/// Lets the other tasks of the runtime go on, once.
///
/// Those are the tasks that are ready, and those for which something has come at a socket or a timer. It is for a long
/// computation, which would otherwise keep a thread of the runtime to itself; and it is an await, so a process that is killed
/// ends here. In a server the next message still waits until the callback has returned.
///
/// # Cancel safety
///
/// Dropping it has no other effect.
///
/// # Examples
///
/// ```
/// use genserver::task::Task;
/// use genserver::yield_now;
///
/// # genserver_doc::run! {
/// let sum = Task::spawn(async {
///     let mut sum = 0_u64;
///     for part in (0_u64..100_000).collect::<Vec<_>>().chunks(1000) {
///         sum += part.iter().sum::<u64>();
///         yield_now().await;
///     }
///     sum
/// });
/// assert_eq!(sum.await?, 4_999_950_000);
/// # }
/// ```
pub async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|cx| {
        ready!(poll_alive(cx));
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        match current_home() {
            Some(home) => home.runtime().wake_after_others(cx),
            None => cx.waker().wake_by_ref(),
        }
        Poll::Pending
    })
    .await;
}
