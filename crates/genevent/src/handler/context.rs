//! What a handler's callback can see and do of its manager.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use genserver::{Pid, ProcessRef};

use super::hold::{HeldEvent, Hold};
#[cfg(feature = "persistence")]
use crate::values::HandlerRef;
use crate::values::{Event, HandlerId, NotifyMode};

/// A handler's view of the manager that runs it: every callback gets it.
///
/// # Examples
///
/// A handler may notify its own manager. That event comes after the current one.
///
/// ```
/// use genevent::{Handler, HandlerCx, Manager, React, Reaction};
/// use genserver::Never;
///
/// struct Countdown;
///
/// impl Handler<u8> for Countdown {
///     type Call = Never;
///
///     fn handle_event(&mut self, event: &u8, cx: &mut HandlerCx<u8>) -> Reaction<u8> {
///         if let (Some(less), Some(manager)) = (event.checked_sub(1), cx.manager()) {
///             manager.notify(less)?;
///         }
///         React::stay()
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = Manager::start().await?;
/// # manager.add_handler(Countdown).await?;
/// # manager.sync_notify(3).await?;
/// # manager.stop().await?;
/// # Ok(())
/// # }
/// ```
pub struct HandlerCx<E: Event, I: Event = genserver::Never> {
    process: ProcessRef,
    mode: NotifyMode,
    hibernates: bool,
    /// Set once a handler holds the event.
    held: Option<Arc<HeldEvent>>,
    /// The handler whose init runs.
    initialising: Option<HandlerId>,
    of: PhantomData<fn(E, I)>,
}

impl<E: Event, I: Event> HandlerCx<E, I> {
    pub(crate) fn new(process: ProcessRef) -> Self {
        Self { process, mode: NotifyMode::Async, hibernates: false, held: None, initialising: None, of: PhantomData }
    }

    /// The process of the manager.
    pub(crate) fn process(&self) -> &ProcessRef {
        &self.process
    }

    pub(crate) fn set_mode(&mut self, mode: NotifyMode) {
        self.mode = mode;
        self.held = None;
    }

    /// Sets the handler that is about to be initialised, or none.
    pub(crate) fn set_initialising(&mut self, handler: Option<HandlerId>) {
        self.initialising = handler;
    }

    /// The handler whose init runs, if it is an `H`.
    #[cfg(feature = "persistence")]
    pub(crate) fn handler<H: 'static>(&self) -> Option<HandlerRef<H>> {
        let id = self.initialising.as_ref().filter(|id| id.is::<H>())?.id();
        Some(id.map_or_else(HandlerRef::new, |id| HandlerRef::with_id(id.clone())))
    }

    /// Takes the current event, if a handler holds it.
    pub(crate) fn take_held_event(&mut self) -> Option<Arc<HeldEvent>> {
        self.held.take()
    }

    /// Whether a callback has asked for hibernation since this was last called.
    pub(crate) fn take_hibernates(&mut self) -> bool {
        std::mem::take(&mut self.hibernates)
    }

    /// The pid of the manager.
    pub fn pid(&self) -> Pid {
        self.process.pid()
    }

    /// How the current event was sent. A handler that passes the event on can pass it on in the same way.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Handler, HandlerCx, Manager, NotifyMode, React, Reaction};
    /// use genserver::Never;
    ///
    /// /// Saves when a sender waits for it, and otherwise when there is enough to save.
    /// #[derive(Default)]
    /// struct Drafts {
    ///     unsaved: u32,
    ///     saves: u32,
    /// }
    ///
    /// impl Handler<()> for Drafts {
    ///     type Call = Never;
    ///
    ///     fn handle_event(&mut self, (): &(), cx: &mut HandlerCx<()>) -> Reaction<()> {
    ///         self.unsaved += 1;
    ///         if cx.mode() == NotifyMode::Sync || self.unsaved == 10 {
    ///             (self.unsaved, self.saves) = (0, self.saves + 1);
    ///         }
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let drafts = manager.add_handler(Drafts::default()).await?;
    /// for _ in 0..5 {
    ///     manager.notify(())?;
    /// }
    /// manager.sync_notify(()).await?;
    /// assert_eq!(manager.remove_handler(&drafts).await?.saves, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn mode(&self) -> NotifyMode {
        self.mode
    }

    /// Makes the manager hibernate after this message: for callbacks that return something else than
    /// [`React::hibernate`](crate::React::hibernate). OTP's `{ok, State, hibernate}` of init.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Handler, HandlerCx, Manager, React, Reaction};
    /// use genserver::{Never, Reason, Status};
    ///
    /// struct Rare;
    ///
    /// impl Handler<String> for Rare {
    ///     type Call = Never;
    ///
    ///     fn init(&mut self, cx: &mut HandlerCx<String>) -> Result<(), Reason> {
    ///         cx.hibernate();
    ///         Ok(())
    ///     }
    ///
    ///     fn handle_event(
    ///         &mut self,
    ///         _event: &String,
    ///         _cx: &mut HandlerCx<String>,
    ///     ) -> Reaction<String> {
    ///         React::hibernate()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// manager.add_handler(Rare).await?;
    /// assert_eq!(manager.server().info().status, Status::Hibernated);
    /// # Ok(())
    /// # }
    /// ```
    pub fn hibernate(&mut self) {
        self.hibernates = true;
    }

    /// Keeps the event unfinished after the callback has returned: see [`Hold`].
    ///
    /// Only the sender of a [`sync_notify`](crate::Manager::sync_notify) waits for it, but any event can be held.
    ///
    /// # Examples
    ///
    /// A handler that has another thread send its events:
    ///
    /// ```
    ///
    /// use std::thread;
    /// use genevent::{Handler, HandlerCx, Manager, React, Reaction};
    /// use genserver::Never;
    ///
    /// struct Uploads;
    ///
    /// impl Handler<&'static str> for Uploads {
    ///     type Call = Never;
    ///
    ///     fn handle_event(
    ///         &mut self,
    ///         photo: &&'static str,
    ///         cx: &mut HandlerCx<&'static str>,
    ///     ) -> Reaction<&'static str> {
    ///         let (photo, hold) = (*photo, cx.hold());
    ///         thread::spawn(move || {
    ///             println!("sends {photo}");
    ///             hold.done();
    ///         });
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// manager.add_handler(Uploads).await?;
    /// manager.sync_notify("the dog").await?;
    /// // Here the other thread is done with it.
    /// # Ok(())
    /// # }
    /// ```
    pub fn hold(&mut self) -> Hold {
        Hold::new(self.held.get_or_insert_default())
    }
}

impl<E: Event, I: Event> fmt::Debug for HandlerCx<E, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerCx").field("manager", &self.pid()).field("mode", &self.mode).finish_non_exhaustive()
    }
}
