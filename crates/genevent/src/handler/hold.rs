//! An event that stays unfinished after its callback has returned.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use genserver::{Caller, Reason};
use parking_lot::Mutex;

use super::refusals::Refusals;
use crate::values::{HandlerId, NotifyAnswer, NotifyError};

/// Keeps an event unfinished: made by [`HandlerCx::hold`](crate::HandlerCx::hold).
///
/// Use it in a handler that hands part of its work to someone else and goes on to the next event. A sender that used
/// [`sync_notify`](crate::Manager::sync_notify) waits until every hold on its event is [done](Self::done). The manager does
/// not wait.
///
/// A handler whose work has failed [refuses](Self::refuse) the event, and its sender gets the reason. Dropping a hold means
/// that the work will never be done: the sender gets [`CallError::NoReply`](genserver::CallError::NoReply) instead of a false
/// acknowledgement.
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
    /// Who holds it, if that is known.
    handler: Option<Arc<HandlerId>>,
    done: bool,
}

/// The sender of an event, and whether all holds on it are done. Dropping the last hold drops this, which answers the
/// sender.
pub(crate) struct HeldEvent {
    /// Empty until every handler has had its turn. Stays empty if the sender does not wait.
    caller: Mutex<Option<Caller<NotifyAnswer>>>,
    lost: AtomicBool,
    /// The first refusal.
    refused: Mutex<Option<Box<NotifyError>>>,
    refusals: Arc<Refusals>,
    /// How many refusals there were when a handler first held the event.
    before: usize,
}

impl Hold {
    pub(super) fn new(sender: &Arc<HeldEvent>, handler: Option<Arc<HandlerId>>) -> Self {
        Self { sender: Arc::clone(sender), handler, done: false }
    }

    /// Marks the handler's work on the event as done.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Handler, HandlerCx, Manager, NotifyError, React, Reaction};
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
    /// let lost = manager.sync_notify("a grand piano").await;
    /// assert!(matches!(lost, Err(NotifyError::Manager(CallError::NoReply { .. }))));
    /// # Ok(())
    /// # }
    /// ```
    pub fn done(mut self) {
        self.done = true;
    }

    /// Refuses the event: its sender gets [`NotifyError::Refused`] with this reason, once all other holds are gone.
    ///
    /// The error names the handler if it is an [`AsyncHandler`](crate::AsyncHandler). All plain handlers have one context, which
    /// does not know whose turn it is. A second refusal of the same event is dropped, and one of an event that nobody waits for
    /// is heard by nobody: its handler may [report](genserver::report) it.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{AsyncHandler, HandlerCx, Manager, NotifyError, React, Reaction};
    /// use genserver::{Never, Reason};
    ///
    /// /// Ships what fits into a letter.
    /// struct Post;
    ///
    /// impl AsyncHandler<&'static str> for Post {
    ///     type Call = Never;
    ///
    ///     async fn handle_event(
    ///         &mut self,
    ///         event: &&'static str,
    ///         cx: &mut HandlerCx<&'static str>,
    ///     ) -> Reaction<&'static str> {
    ///         let (event, hold) = (*event, cx.hold());
    ///         genserver::task::Task::start(async move {
    ///             if event.len() < 10 {
    ///                 hold.done();
    ///             } else {
    ///                 hold.refuse(Reason::term("too heavy"));
    ///             }
    ///         })?;
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let post = manager.add_async_handler(Post).await?;
    /// manager.sync_notify("tea").await?;
    /// let Err(NotifyError::Refused { handler, reason, .. }) =
    ///     manager.sync_notify("a grand piano").await
    /// else {
    ///     panic!("it is not a letter")
    /// };
    /// assert_eq!((handler, reason), (Some(post.id()), Reason::term("too heavy")));
    /// # Ok(())
    /// # }
    /// ```
    pub fn refuse(mut self, reason: impl Into<Reason>) {
        self.done = true;
        let refusals = &self.sender.refusals;
        refusals.count();
        let handler = self.handler.as_deref().cloned();
        let error = refusals.error(handler, reason.into());
        self.sender.refused.lock().get_or_insert(error);
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
    pub(super) fn new(refusals: &Arc<Refusals>) -> Self {
        Self {
            caller: Mutex::new(None),
            lost: AtomicBool::new(false),
            refused: Mutex::new(None),
            before: refusals.so_far(),
            refusals: Arc::clone(refusals),
        }
    }

    /// Called when every handler has had its turn, and one may have refused the event: from here on the answer depends on the
    /// holds alone.
    pub(crate) fn answer_when_done(self: Arc<Self>, caller: Caller<NotifyAnswer>, refused: Option<Box<NotifyError>>) {
        if refused.is_some() {
            *self.refused.lock() = refused;
        }
        *self.caller.lock() = Some(caller);
    }
}

impl Drop for HeldEvent {
    fn drop(&mut self) {
        // Dropping a caller tells it that no reply will come. Relaxed: the `Arc`'s count orders the store before this load.
        let Some(caller) = self.caller.get_mut().take() else { return };
        let refused = self.refused.get_mut().take();
        if refused.is_some() || !*self.lost.get_mut() {
            caller.reply(self.refusals.answer(self.before, refused));
        }
    }
}
