//! What happens when the buffer of a stream is full.

/// What happens when the buffer of a stream is full, because its consumer is too slow.
///
/// # Examples
///
/// ```
/// use futures::StreamExt;
/// use genevent::{LagPolicy, Manager, StreamError};
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
    /// Drops the oldest event in the buffer and counts it. At that point the consumer gets
    /// [`StreamError::Lagged`](crate::StreamError::Lagged) with the exact number. No one else is affected.
    #[default]
    DropOldest,
    /// Makes the manager wait for space, and everyone else with it: nothing is lost, and the slowest consumer sets the
    /// pace. Events queue up in the manager's mailbox, which is bounded too. A deadline, such as that of
    /// [`sync_notify_within`](crate::Manager::sync_notify_within), ends the sender's wait but not this one, because the
    /// event would be lost.
    Wait,
    /// Ends the stream with [`StreamError::TooSlow`](crate::StreamError::TooSlow), after the events in the buffer.
    End,
}
