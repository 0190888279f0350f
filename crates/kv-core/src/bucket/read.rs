//! A read of a bucket that is awaited: a call whose answer is one operation's result.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use genserver::{Call, CallError, Caller, ServerRef};

use super::{BucketCall, BucketServer};
use crate::operation::{OperationError, OperationResult};

/// What a bucket answers to one operation.
type Answer = Result<OperationResult, OperationError>;

/// A read of a bucket, to be awaited. It waits five seconds for the answer, unless it is told otherwise.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use kv_core::Bucket;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bucket = Bucket::start().await?;
/// assert_eq!(bucket.get("milk").timeout(Duration::from_millis(100)).await?, None);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is read until this is awaited"]
pub struct BucketRead<'a, R, F> {
    call: Call<&'a ServerRef<BucketServer>, Answer, F>,
    /// Unwraps the result of the operation.
    unwrap: fn(OperationResult) -> R,
}

impl<'a, R, F> BucketRead<'a, R, F> {
    pub(super) fn new(call: Call<&'a ServerRef<BucketServer>, Answer, F>, unwrap: fn(OperationResult) -> R) -> Self {
        Self { call, unwrap }
    }

    /// Sets the timeout: see [`Call::timeout`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.call = self.call.timeout(timeout);
        self
    }

    /// Removes the timeout: see [`Call::no_timeout`].
    pub fn no_timeout(mut self) -> Self {
        self.call = self.call.no_timeout();
        self
    }

    /// Waits even if that closes a cycle of processes: see [`Call::allow_cycle`].
    pub fn allow_cycle(mut self) -> Self {
        self.call = self.call.allow_cycle();
        self
    }
}

impl<R, F: FnOnce(Caller<Answer>) -> BucketCall> Future for BucketRead<'_, R, F> {
    type Output = Result<R, CallError>;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.call).poll(task))?;
        let result = answer.unwrap_or_else(|error| unreachable!("a read stores nothing, and still failed: {error}"));
        Poll::Ready(Ok((self.unwrap)(result)))
    }
}

impl<R, F> fmt::Debug for BucketRead<'_, R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BucketRead").field(&self.call).finish()
    }
}
