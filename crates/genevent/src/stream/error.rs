//! What a stream has in the place of an event.

use std::time::Duration;

use genserver::{CallError, Reason};

/// What a stream has in the place of an event.
///
/// # Examples
///
/// A consumer that goes on after events it has missed, and not after anything else:
///
/// ```
/// use futures::StreamExt;
/// use genevent::{Manager, StreamError};
///
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
    /// So many events were dropped here, because the consumer was too slow. The stream goes on.
    #[error(
        "{missed} events were dropped, because this consumer is too slow; take them faster, or use a larger `buffer`, or `LagPolicy::Wait`"
    )]
    Lagged {
        /// How many.
        missed: u64,
    },
    /// The buffer was full, and the stream ends for that.
    #[error(
        "the stream was ended, because its consumer is too slow; take events faster, or use a larger `buffer`, or another `LagPolicy`"
    )]
    TooSlow,
    /// There was no event for so long, and the stream ends for that.
    #[error("there was no event for {after:?}; allow more time with `timeout`, or ask for the stream again")]
    Timeout {
        /// How long.
        after: Duration,
    },
    /// An event could not be copied for this stream, because its `clone` panicked, and the stream ends for that.
    #[error(
        "the event's `clone` {reason}, so the stream was ended, and nobody else is affected; have the event in an `Arc`, or its `clone` not panic"
    )]
    Uncopied {
        /// What happened.
        reason: Reason,
    },
    /// The manager was not there, so the stream never began.
    #[error(transparent)]
    NotStarted(CallError),
    /// The manager ended without an orderly end.
    #[error(
        "the event manager is gone: {reason}; events may have been lost: ask the manager that is started in its place for a stream"
    )]
    Died {
        /// Why.
        reason: Reason,
    },
}
