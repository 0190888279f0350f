//! The errors of a stream.

use std::time::Duration;

use genserver::{CallError, Reason};

/// An item of a stream that is not an event.
///
/// # Examples
///
/// A consumer that continues after missed events, and stops at any other error:
///
/// ```
/// use futures::StreamExt;
/// use genevent::{Manager, StreamError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().await?;
/// let mut events = manager.stream().buffer(2);
/// events.subscribe().await?;
/// for number in 1..=5 {
///     manager.notify(number)?;
/// }
/// manager.stop().await?;
///
/// let (mut sum, mut lost) = (0, 0);
/// while let Some(next) = events.next().await {
///     match next {
///         Ok(number) => sum += number,
///         Err(StreamError::Lagged { missed }) => lost += missed,
///         Err(error) => return Err(error.into()),
///     }
/// }
/// assert_eq!((sum, lost), (4 + 5, 3));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// Events were dropped at this point, because the consumer was too slow. The stream goes on.
    #[error(
        "{missed} events were dropped, because this consumer is too slow; take them faster, or use a larger `buffer`, or `LagPolicy::Wait`"
    )]
    Lagged {
        /// How many.
        missed: u64,
    },
    /// The buffer was full, and the stream has ended because of it.
    #[error(
        "the stream was ended, because its consumer is too slow; take events faster, or use a larger `buffer`, or another `LagPolicy`"
    )]
    TooSlow,
    /// No event arrived within the timeout, and the stream has ended.
    #[error("there was no event for {after:?}; allow more time with `timeout`, or ask for the stream again")]
    Timeout {
        /// The timeout.
        after: Duration,
    },
    /// An event's `clone` panicked, and the stream has ended.
    #[error(
        "the event's `clone` {reason}, so the stream was ended, and no one else is affected; put the event in an `Arc`, or fix its `clone`"
    )]
    Uncopied {
        /// The panic.
        reason: Reason,
    },
    /// The manager was not running, so the stream never began.
    #[error(transparent)]
    NotStarted(CallError),
    /// The manager was killed or has crashed.
    #[error(
        "the event manager is gone: {reason}; events may have been lost: ask the manager that is started in its place for a stream"
    )]
    Died {
        /// Why it ended.
        reason: Reason,
    },
}
