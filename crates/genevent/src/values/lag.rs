//! What happens to the consumer of a stream that is too slow.

/// What happens to a consumer that is slower than the events are, when its buffer is full.
///
/// # Examples
///
/// ```
/// use futures::StreamExt;
/// use genevent::{LagPolicy, Manager, StreamError};
///
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().await?;
/// let mut newest = manager.stream().buffer(1);
/// let mut all_or_none = manager.stream().buffer(1).lag(LagPolicy::End);
/// newest.subscribe().await?;
/// all_or_none.subscribe().await?;
/// manager.notify("one")?;
/// manager.notify("two")?;
/// manager.stop().await?;
///
/// let newest: Vec<_> = newest.collect().await;
/// assert_eq!(newest, [Err(StreamError::Lagged { missed: 1 }), Ok("two")]);
/// let all_or_none: Vec<_> = all_or_none.collect().await;
/// assert_eq!(all_or_none, [Ok("one"), Err(StreamError::TooSlow)]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LagPolicy {
    /// The oldest event in the buffer is dropped, and counted: the consumer finds
    /// [`StreamError::Lagged`](crate::StreamError::Lagged) where there were events, with their exact number. Nobody else is affected.
    #[default]
    DropOldest,
    /// The manager waits for room, and with the manager everybody else: nothing is lost, and the slowest consumer sets the
    /// pace. Events queue up in the manager's mailbox, which has a bound of its own. A deadline, such as that of
    /// [`sync_notify_within`](crate::Manager::sync_notify_within), ends the sender's wait, and not this one: the event would be lost.
    Wait,
    /// The stream ends, with [`StreamError::TooSlow`](crate::StreamError::TooSlow), after what is in the buffer.
    End,
}
