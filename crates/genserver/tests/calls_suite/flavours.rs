//! Runs one test on one thread and on two, and ends a test that hangs.

use std::future::Future;
use std::time::Duration;

/// The same test on one thread and on two.
macro_rules! on_both_flavours {
    ($($name:ident)*) => {$(
        mod $name {
            #[tokio::test]
            async fn on_one_thread() {
                super::soon(super::$name()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_two_threads() {
                super::soon(super::$name()).await;
            }
        }
    )*};
}

/// A test that hangs fails.
pub(crate) async fn soon<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), test).await.expect("the test hangs")
}
