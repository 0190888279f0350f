//! What a handler's callback can see and do of its manager.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use genserver::{Pid, ProcessRef};
use parking_lot::Mutex;

use super::hold::{HeldEvent, Hold};
use super::refusals::Refusals;
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
    turn: Arc<Turn>,
    /// Whose it is. The plain handlers of a manager share one.
    handler: Option<Arc<HandlerId>>,
    of: PhantomData<fn(E, I)>,
}

/// What the contexts of a manager share.
///
/// Each handler has a context of its own: the future of its callback borrows it until the event is done with, though it was
/// ready at once. The manager uses the contexts one after the other, so nothing here has to be ordered.
struct Turn {
    process: ProcessRef,
    /// A [`NotifyMode`].
    mode: AtomicU8,
    hibernates: AtomicBool,
    /// Whether `held` is set.
    is_held: AtomicBool,
    /// Set once a handler holds the event.
    held: Mutex<Option<Arc<HeldEvent>>>,
    /// The handler whose init runs.
    initialising: Mutex<Option<HandlerId>>,
    refusals: Arc<Refusals>,
}

impl Turn {
    #[cold]
    fn take_held_event(&self) -> Option<Arc<HeldEvent>> {
        self.is_held.store(false, Ordering::Relaxed);
        self.held.lock().take()
    }
}

impl<E: Event, I: Event> HandlerCx<E, I> {
    pub(crate) fn new(process: ProcessRef) -> Self {
        let refusals = Arc::new(Refusals::new(process.subject()));
        let turn = Turn {
            process,
            mode: AtomicU8::new(NotifyMode::default() as u8),
            hibernates: AtomicBool::new(false),
            is_held: AtomicBool::new(false),
            held: Mutex::new(None),
            initialising: Mutex::new(None),
            refusals,
        };
        Self { turn: Arc::new(turn), handler: None, of: PhantomData }
    }

    /// The context of one handler of the same manager.
    pub(crate) fn of_handler(&self, handler: HandlerId) -> Self {
        Self { turn: Arc::clone(&self.turn), handler: Some(Arc::new(handler)), of: PhantomData }
    }

    /// The refusals of the manager's handlers.
    #[inline]
    pub(crate) fn refusals(&self) -> &Arc<Refusals> {
        &self.turn.refusals
    }

    /// The process of the manager.
    pub(crate) fn process(&self) -> &ProcessRef {
        &self.turn.process
    }

    #[inline]
    pub(crate) fn set_mode(&self, mode: NotifyMode) {
        self.turn.mode.store(mode as u8, Ordering::Relaxed);
        self.take_held_event();
    }

    /// Sets the handler that is about to be initialised, or none.
    pub(crate) fn set_initialising(&self, handler: Option<HandlerId>) {
        *self.turn.initialising.lock() = handler;
    }

    /// The handler whose init runs, if it is an `H`.
    #[cfg(feature = "persistence")]
    pub(crate) fn handler<H: 'static>(&self) -> Option<HandlerRef<H>> {
        let handler = self.turn.initialising.lock();
        let id = handler.as_ref().filter(|id| id.is::<H>())?.id();
        Some(id.map_or_else(HandlerRef::new, |id| HandlerRef::with_id(id.clone())))
    }

    /// Takes the current event, if a handler holds it.
    #[inline]
    pub(crate) fn take_held_event(&self) -> Option<Arc<HeldEvent>> {
        if self.turn.is_held.load(Ordering::Relaxed) { self.turn.take_held_event() } else { None }
    }

    /// Whether a callback has asked for hibernation since this was last called.
    #[inline]
    pub(crate) fn take_hibernates(&self) -> bool {
        let hibernates = self.turn.hibernates.load(Ordering::Relaxed);
        if hibernates {
            self.turn.hibernates.store(false, Ordering::Relaxed);
        }
        hibernates
    }

    /// The pid of the manager.
    pub fn pid(&self) -> Pid {
        self.turn.process.pid()
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
        let mode = self.turn.mode.load(Ordering::Relaxed);
        [NotifyMode::Ack, NotifyMode::Sync].into_iter().find(|it| *it as u8 == mode).unwrap_or_default()
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
        self.turn.hibernates.store(true, Ordering::Relaxed);
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
        self.turn.is_held.store(true, Ordering::Relaxed);
        let mut held = self.turn.held.lock();
        let held = held.get_or_insert_with(|| Arc::new(HeldEvent::new(&self.turn.refusals)));
        Hold::new(held, self.handler.clone())
    }
}

impl<E: Event, I: Event> fmt::Debug for HandlerCx<E, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerCx").field("manager", &self.pid()).field("mode", &self.mode()).finish_non_exhaustive()
    }
}
