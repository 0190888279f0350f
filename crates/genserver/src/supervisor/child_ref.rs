//! References to a child that stay good over its restarts.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::place::Place;
use super::waiting::WaitingChildRef;
use crate::{CallError, Caller, CastError, GenServer, ProcessRef, Request, ServerRef};

/// How long a call waits, unless it says otherwise: OTP's five seconds.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a child cannot be reached.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::supervisor::{ChildError, ChildSpec, Supervisor};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
/// let counter = spec.reference();
/// assert!(matches!(counter.current(), Err(ChildError::NotStarted { id }) if id == counter.id()));
/// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
///
/// counter.current()?.kill();
/// assert!(matches!(counter.current(), Err(ChildError::Restarting { .. })));
/// supervisor.terminate_child("counter").await?;
/// assert!(matches!(counter.current(), Err(ChildError::Stopped { .. })));
/// supervisor.delete_child("counter").await?;
/// assert!(matches!(counter.current(), Err(ChildError::Gone { .. })));
/// # supervisor.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChildError {
    /// Its supervisor has not started it yet.
    #[error("the child {id} has not been started yet; use it once its supervisor has started, or through `waiting`")]
    NotStarted {
        /// What the child is called.
        id: String,
    },
    /// It has ended, and its supervisor is about to start it again.
    #[error("the child {id} is being restarted; try again soon, or through `waiting`, which waits for it")]
    Restarting {
        /// What the child is called.
        id: String,
    },
    /// It does not run, and is not started again unless somebody asks for it.
    #[error("the child {id} is stopped; start it with `restart_child`")]
    Stopped {
        /// What the child is called.
        id: String,
    },
    /// It never runs again: its supervisor has ended or forgotten it.
    #[error("the child {id} is gone for good; whoever needs another one has to start it")]
    Gone {
        /// What the child is called.
        id: String,
    },
}

/// Why a call to a child has no answer.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::supervisor::{ChildCallError, ChildError, ChildRef, ChildSpec, Supervisor};
///
/// /// What a client that can do without an answer makes of the errors.
/// async fn count(counter: &ChildRef<Counter>) -> Option<u64> {
///     match counter.call(Call::Get).await {
///         Ok(count) => Some(count),
///         // It was not asked: that can be done again.
///         Err(ChildCallError::Child(ChildError::Restarting { .. })) => counter.waiting().call(Call::Get).await.ok(),
///         // It was asked, and may have done it.
///         Err(_) => None,
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(7));
/// let counter = spec.reference();
/// assert_eq!(count(&counter).await, None);
/// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
/// counter.current()?.kill();
/// assert_eq!(count(&counter).await, Some(7));
/// # supervisor.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChildCallError {
    /// The child could not be reached, so the request was not carried out.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// The child was asked, and did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The child was not there for as long as the call could wait. The request was not sent.
    #[error(
        "the child {id} was not there for {after:?}, so it was not asked; allow the call more time, or see why it keeps ending"
    )]
    Timeout {
        /// What the child is called.
        id: String,
        /// How long was waited.
        after: Duration,
    },
}

/// Why a child did not take a message. It is inside, so that nothing is lost.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # fn main() {
/// use genserver::supervisor::{ChildCastError, ChildError, ChildSpec};
///
/// let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(7)).reference();
/// match counter.cast(Add(3)) {
///     Err(ChildCastError::Child { message: Add(3), error: ChildError::Gone { .. } }) => {}
///     other => panic!("its spec was dropped: {other:?}"),
/// }
/// # }
/// ```
pub enum ChildCastError<M> {
    /// The child could not be reached.
    Child {
        /// The message.
        message: M,
        /// Why it could not.
        error: ChildError,
    },
    /// The child was reached, and did not take it.
    Cast(CastError<M>),
}

/// A child of a supervisor, whichever process it is at the moment: looked up anew at every use.
///
/// It is taken from a spec with [`ChildSpec::reference`](super::ChildSpec::reference), or from a supervisor with
/// [`Supervisor::child`](super::Supervisor::child), and stays good for as long as the supervisor has the child. It keeps nobody
/// alive. If the supervisor itself is restarted, it has other children, and the references to the old ones say that they are
/// gone; what is to be found after that has a name: see [`Named`](crate::Named).
///
/// Between the end of the child and its next start, what is done through this fails at once with
/// [`ChildError::Restarting`]. What is done through [`waiting`](ChildRef::waiting) waits for the child instead.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::supervisor::{ChildSpec, Supervisor};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
/// let counter = spec.reference();
/// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
///
/// counter.cast(Add(5))?;
/// assert_eq!(counter.call(Call::Get).await?, 5);
///
/// counter.current()?.kill();
/// assert_eq!(counter.waiting().call(Call::Get).await?, 0);
/// # supervisor.stop().await?;
/// # Ok(())
/// # }
/// ```
pub struct ChildRef<S: GenServer, H = ServerRef<S>> {
    pub(super) place: Arc<Place>,
    types: PhantomData<fn() -> (S, H)>,
}

impl<S: GenServer, H: From<ServerRef<S>>> ChildRef<S, H> {
    pub(super) fn new(place: Arc<Place>) -> Self {
        Self { place, types: PhantomData }
    }

    /// What the child is called.
    pub fn id(&self) -> &str {
        self.place.id()
    }

    /// The child as it is now: a reference to its server, or what that is made into.
    ///
    /// It is one process: after the next restart it is a reference to nobody.
    ///
    /// # Errors
    ///
    /// [`ChildError`] if it does not run.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(7));
    /// let counter = spec.reference();
    /// assert!(counter.current().is_err());
    /// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
    /// let before = counter.current()?;
    /// before.kill();
    /// assert_ne!(counter.waiting().current().await?, before);
    /// # supervisor.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn current(&self) -> Result<H, ChildError> {
        self.server().map(H::from)
    }

    /// The same reference, giving another client type.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    /// use genserver::ServerRef;
    ///
    /// struct Tickets(ServerRef<Counter>);
    ///
    /// impl From<ServerRef<Counter>> for Tickets {
    ///     fn from(counter: ServerRef<Counter>) -> Self {
    ///         Tickets(counter)
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(7));
    /// let counter = spec.reference();
    /// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
    /// let tickets: Tickets = counter.handle().current()?;
    /// assert_eq!(tickets.0.call(Call::Get).await?, 7);
    /// # supervisor.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn handle<K: From<ServerRef<S>>>(&self) -> ChildRef<S, K> {
        ChildRef::new(Arc::clone(&self.place))
    }

    fn server(&self) -> Result<ServerRef<S>, ChildError> {
        self.place.current().map(|process| server(&process))
    }

    /// Asks the child: see [`ServerRef::call`].
    ///
    /// # Errors
    ///
    /// [`ChildCallError::Child`] if it does not run, and then the request was not carried out; otherwise as
    /// [`ServerRef::call`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(7));
    /// let counter = spec.reference();
    /// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
    /// assert_eq!(counter.call(Call::Get).await?, 7);
    /// # supervisor.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn call<R: Send + 'static>(&self, make: impl FnOnce(Caller<R>) -> S::Call) -> Result<R, ChildCallError> {
        self.call_timeout(make, CALL_TIMEOUT).await
    }

    /// The same, waiting for `timeout` instead of five seconds.
    ///
    /// # Errors
    ///
    /// As [`call`](ChildRef::call).
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use std::time::Duration;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(7));
    /// let counter = spec.reference();
    /// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
    /// assert_eq!(counter.call_timeout(Call::Get, Duration::from_millis(100)).await?, 7);
    /// # supervisor.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn call_timeout<R: Send + 'static>(
        &self,
        make: impl FnOnce(Caller<R>) -> S::Call,
        timeout: Duration,
    ) -> Result<R, ChildCallError> {
        poll_fn(crate::poll_alive).await;
        let server = self.server()?;
        match server.call(make).timeout(timeout).await {
            // It ended after it was looked up.
            Err(CallError::NoProc { .. }) => Err(self.place.ended().into()),
            answered => Ok(answered?),
        }
    }

    /// Asks the child, and leaves the answer for later: see [`ServerRef::send_request`].
    ///
    /// # Errors
    ///
    /// [`ChildError`] if it does not run.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(7));
    /// let counter = spec.reference();
    /// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
    /// let request = counter.send_request(Call::Get)?;
    /// assert_eq!(request.await?, 7);
    /// # supervisor.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_request<R: Send + 'static>(
        &self,
        make: impl FnOnce(Caller<R>) -> S::Call,
    ) -> Result<Request<R>, ChildError> {
        Ok(self.server()?.send_request(make))
    }

    /// Tells the child: see [`ServerRef::cast`].
    ///
    /// # Errors
    ///
    /// The message comes back if the child does not run, or its mailbox is full.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(7));
    /// let counter = spec.reference();
    /// let refused = counter.cast(Add(1)).unwrap_err();
    /// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
    /// counter.cast(refused.into_inner())?;
    /// assert_eq!(counter.call(Call::Get).await?, 8);
    /// # supervisor.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cast(&self, cast: S::Cast) -> Result<(), ChildCastError<S::Cast>> {
        match self.server() {
            Ok(server) => server.cast(cast).map_err(|refused| self.refused(refused)),
            Err(error) => Err(ChildCastError::Child { message: cast, error }),
        }
    }

    /// Sends the child a plain message: see [`ServerRef::send`].
    ///
    /// # Errors
    ///
    /// As [`cast`](ChildRef::cast).
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(7));
    /// let counter = spec.reference();
    /// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
    /// counter.send(Double)?;
    /// assert_eq!(counter.call(Call::Get).await?, 14);
    /// # supervisor.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn send(&self, info: S::Info) -> Result<(), ChildCastError<S::Info>> {
        match self.server() {
            Ok(server) => server.send(info).map_err(|refused| self.refused(refused)),
            Err(error) => Err(ChildCastError::Child { message: info, error }),
        }
    }

    fn refused<M>(&self, refused: CastError<M>) -> ChildCastError<M> {
        match refused {
            CastError::NoProc { message, .. } => ChildCastError::Child { message, error: self.place.ended() },
            full @ CastError::Full { .. } => ChildCastError::Cast(full),
        }
    }

    /// The same child for calls that wait while it is being restarted.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let spec = ChildSpec::server("counter", || genserver::start_link::<Counter>(7));
    /// let counter = spec.reference();
    /// let supervisor = Supervisor::one_for_one().child(spec).start().await?;
    /// counter.current()?.kill();
    /// assert!(counter.call(Call::Get).await.is_err());
    /// assert_eq!(counter.waiting().call(Call::Get).await?, 7);
    /// # supervisor.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn waiting(&self) -> WaitingChildRef<S, H> {
        WaitingChildRef::new(self.clone())
    }
}

/// The server in a child of a known type.
pub(super) fn server<S: GenServer>(process: &ProcessRef) -> ServerRef<S> {
    process.downcast().expect("a reference to a child is of the type of its spec")
}

impl<S: GenServer, H> Clone for ChildRef<S, H> {
    fn clone(&self) -> Self {
        Self { place: Arc::clone(&self.place), types: PhantomData }
    }
}

impl<S: GenServer, H> fmt::Debug for ChildRef<S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChildRef({})", self.place.id())
    }
}

impl<M> ChildCastError<M> {
    /// The message that was not taken.
    pub fn into_inner(self) -> M {
        match self {
            Self::Child { message, .. } => message,
            Self::Cast(refused) => refused.into_inner(),
        }
    }
}

impl<M> fmt::Display for ChildCastError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Child { error, .. } => error.fmt(f),
            Self::Cast(refused) => refused.fmt(f),
        }
    }
}

/// The message need not be printable.
impl<M> fmt::Debug for ChildCastError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Child { error, .. } => f.debug_struct("Child").field("error", error).finish_non_exhaustive(),
            Self::Cast(refused) => f.debug_tuple("Cast").field(refused).finish(),
        }
    }
}

impl<M> Error for ChildCastError<M> {}
