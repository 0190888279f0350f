//! How an event was sent, which is how long its sender waits.

/// How an event was sent, which is how long its sender waits.
///
/// # Examples
///
/// ```
/// use genevent::{Handler, HandlerCx, Manager, NotifyMode, React, Reaction};
/// use genserver::Never;
///
/// #[derive(Default)]
/// struct Modes(Vec<NotifyMode>);
///
/// impl Handler<()> for Modes {
///     type Call = Never;
///
///     fn handle_event(&mut self, (): &(), cx: &mut HandlerCx<()>) -> Reaction<()> {
///         self.0.push(cx.mode());
///         React::stay()
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().await?;
/// let modes = manager.add_handler(Modes::default()).await?;
/// manager.notify(())?;
/// manager.ack_notify(()).await?;
/// manager.sync_notify(()).await?;
/// assert_eq!(
///     manager.remove_handler(&modes).await?.0,
///     [NotifyMode::Async, NotifyMode::Ack, NotifyMode::Sync]
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum NotifyMode {
    /// By [`notify`](crate::Manager::notify): the sender does not wait.
    #[default]
    Async,
    /// By [`ack_notify`](crate::Manager::ack_notify): the sender waits until the manager has taken the event.
    Ack,
    /// By [`sync_notify`](crate::Manager::sync_notify): the sender waits until all handlers are done with the event.
    Sync,
}
