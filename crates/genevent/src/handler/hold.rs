//! An event that stays unfinished after its callback has returned.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use genserver::Caller;
use parking_lot::Mutex;

/// Keeps an event unfinished: made by [`HandlerCx::hold`](crate::HandlerCx::hold).
///
/// Use it in a handler that hands part of its work to someone else and goes on to the next event. A sender that used
/// [`sync_notify`](crate::Manager::sync_notify) waits until every hold on its event is [done](Self::done). The manager does
/// not wait.
///
/// Dropping a hold means that the work will never be done. The sender gets
/// [`CallError::NoReply`](genserver::CallError::NoReply) instead of a false acknowledgement.
///
/// # Examples
///
/// A handler that ships its events two at a time:
///
/// ```
/// use genevent::{Handler, HandlerCx, Hold, Manager, React, Reaction};
/// use genserver::Never;
///
/// #[derive(Default)]
/// struct Pairs(Vec<Hold>);
///
/// impl Handler<&'static str> for Pairs {
///     type Call = Never;
///
///     fn handle_event(
///         &mut self,
///         _event: &&'static str,
///         cx: &mut HandlerCx<&'static str>,
///     ) -> Reaction<&'static str> {
///         self.0.push(cx.hold());
///         if self.0.len() == 2 {
///             // ... the parcel goes ...
///             self.0.drain(..).for_each(Hold::done);
///         }
///         React::stay()
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().await?;
/// manager.add_handler(Pairs::default()).await?;
/// let (tea, milk) = futures::join!(manager.sync_notify("tea"), manager.sync_notify("milk"));
/// assert!(tea.is_ok() && milk.is_ok());
/// # Ok(())
/// # }
/// ```
#[must_use = "dropping it tells the sender that the work will never be done"]
pub struct Hold {
    sender: Arc<HeldEvent>,
    done: bool,
}

/// The sender of an event, and whether all holds on it are done. Dropping the last hold drops this, which answers the
/// sender.
#[derive(Default)]
pub(crate) struct HeldEvent {
    /// Empty until every handler has had its turn. Stays empty if the sender does not wait.
    caller: Mutex<Option<Caller<()>>>,
    lost: AtomicBool,
}

impl Hold {
    pub(crate) fn new(sender: &Arc<HeldEvent>) -> Self {
        Self { sender: Arc::clone(sender), done: false }
    }

    /// Marks the handler's work on the event as done.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Handler, HandlerCx, Manager, React, Reaction};
    /// use genserver::{CallError, Never};
    ///
    /// /// Ships what fits into a letter.
    /// struct Post;
    ///
    /// impl Handler<&'static str> for Post {
    ///     type Call = Never;
    ///
    ///     fn handle_event(
    ///         &mut self,
    ///         event: &&'static str,
    ///         cx: &mut HandlerCx<&'static str>,
    ///     ) -> Reaction<&'static str> {
    ///         let hold = cx.hold();
    ///         if event.len() < 10 {
    ///             hold.done();
    ///         }
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// manager.add_handler(Post).await?;
    /// manager.sync_notify("tea").await?;
    /// let refused = manager.sync_notify("a grand piano").await;
    /// assert!(matches!(refused, Err(CallError::NoReply { .. })));
    /// # Ok(())
    /// # }
    /// ```
    pub fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if !self.done {
            self.sender.lost.store(true, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").finish_non_exhaustive()
    }
}

impl HeldEvent {
    /// Called when every handler has had its turn: from here on the answer depends on the holds alone.
    pub(crate) fn answer_when_done(self: Arc<Self>, caller: Caller<()>) {
        *self.caller.lock() = Some(caller);
    }
}

impl Drop for HeldEvent {
    fn drop(&mut self) {
        // Dropping a caller tells it that no reply will come. Relaxed: the `Arc`'s count orders the store before this load.
        if let Some(caller) = self.caller.get_mut().take()
            && !*self.lost.get_mut()
        {
            caller.reply(());
        }
    }
}
