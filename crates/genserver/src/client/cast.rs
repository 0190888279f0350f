//! Casts: messages without an answer.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::client::as_server::AsServer;
use crate::client::server_ref::ServerRef;
use crate::client::target::Target;
use crate::node::any_process::Head;
use crate::node::cut;
use crate::node::subject::Subject;
use crate::process::{Envelope, Refused, SpaceWait};
use crate::server::GenServer;

/// Why a message was not taken. It is inside, so that nothing is lost.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// use genserver::CastError;
///
/// let counter = genserver::start::<Counter>(0).mailbox(1).await?;
/// counter.cast(Add(1))?;
/// assert!(matches!(counter.cast(Add(2)), Err(CastError::Full { message: Add(2), .. })));
///
/// counter.stop().await?;
/// assert!(matches!(counter.cast(Add(3)), Err(CastError::NoProc { message: Add(3), .. })));
/// # }
/// ```
pub enum CastError<M> {
    /// The process has ended, is ending, or never existed.
    NoProc {
        /// The message.
        message: M,
        /// The process that it was for.
        server: Subject,
    },
    /// The mailbox holds as many messages as it may.
    Full {
        /// The message.
        message: M,
        /// The process that it was for.
        server: Subject,
    },
}

impl<M> CastError<M> {
    pub(crate) fn new<S: GenServer>(
        (refused, message): (Refused, Envelope<S>),
        unpack: impl FnOnce(Envelope<S>) -> M,
        head: &Head,
    ) -> Self {
        let (message, server) = (unpack(message), head.subject());
        match refused {
            Refused::Dead => Self::NoProc { message, server },
            Refused::Full => Self::Full { message, server },
        }
    }

    /// The message that was not taken.
    pub fn into_inner(self) -> M {
        match self {
            Self::NoProc { message, .. } | Self::Full { message, .. } => message,
        }
    }

    /// The same error about another message: for a client whose messages are packed on their way to its server.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::{CastError, ServerRef};
    ///
    /// /// Adds, and gives the number back if it cannot.
    /// fn add(counter: &ServerRef<Counter>, more: u64) -> Result<(), CastError<u64>> {
    ///     counter.cast(Add(more)).map_err(|refused| refused.map(|Add(more)| more))
    /// }
    ///
    /// # genserver_doc::run! {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// counter.stop().await?;
    /// assert_eq!(add(&counter, 2).unwrap_err().into_inner(), 2);
    /// # }
    /// ```
    pub fn map<N>(self, unpack: impl FnOnce(M) -> N) -> CastError<N> {
        match self {
            Self::NoProc { message, server } => CastError::NoProc { message: unpack(message), server },
            Self::Full { message, server } => CastError::Full { message: unpack(message), server },
        }
    }

    /// Whether waiting for space would help.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # genserver_doc::run! {
    /// let counter = genserver::start::<Counter>(0).mailbox(1).await?;
    /// counter.cast(Add(1))?;
    /// let refused = counter.cast(Add(1)).unwrap_err();
    /// assert!(refused.is_full());
    /// counter.cast_wait(refused.into_inner()).await?;
    /// assert_eq!(counter.call(Call::Get).await?, 2);
    /// # }
    /// ```
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. })
    }
}

/// Written by hand, so that a message need not be `Debug` to be given back.
impl<M> fmt::Debug for CastError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, server) = match self {
            Self::NoProc { server, .. } => ("NoProc", server),
            Self::Full { server, .. } => ("Full", server),
        };
        f.debug_struct(name).field("server", server).finish_non_exhaustive()
    }
}

impl<M> fmt::Display for CastError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProc { server, .. } => {
                write!(
                    f,
                    "{server} is not running, so the message was not taken; look it up again, or drop the message"
                )
            }
            Self::Full { server, .. } => {
                write!(
                    f,
                    "the mailbox of {server} is full, so the message was not taken; wait for space with `cast_wait`, or drop the message"
                )
            }
        }
    }
}

impl<M> Error for CastError<M> {}

/// A cast that waits for space.
///
/// # Cancel safety
///
/// Dropping it before it is ready means that the message was not sent.
#[must_use = "nothing is sent until this is awaited"]
pub struct CastWait<T: AsServer> {
    target: T,
    cast: Option<<T::Server as GenServer>::Cast>,
    wait: Option<SpaceWait<T::Server>>,
}

impl<T: AsServer> CastWait<T> {
    pub(crate) fn new(target: T, cast: <T::Server as GenServer>::Cast) -> Self {
        Self { target, cast: Some(cast), wait: None }
    }
}

impl<T: AsServer> Unpin for CastWait<T> {}

impl<T> Future for CastWait<T>
where
    T: AsServer + Target<ServerRef<<T as AsServer>::Server>>,
{
    type Output = Result<(), CastError<<T::Server as GenServer>::Cast>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            if let Some(wait) = &this.wait {
                ready!(wait.poll(cx));
            }
            if cut::is_cut(cx) {
                return Poll::Pending;
            }
            let found = ready!(this.target.poll_found(cx, &mut None));
            let Some(cast) = this.cast.take() else { return Poll::Pending };
            let process = match found {
                Ok(server) => server.process(),
                Err(nobody) => {
                    return Poll::Ready(Err(CastError::NoProc { message: cast, server: nobody.into_server() }));
                }
            };
            let message = Envelope::Cast(cast);
            let sent = match this.wait.take() {
                Some(wait) => {
                    wait.leave();
                    process.push_promised(message)
                }
                None => process.push_if_space(message),
            };
            match sent {
                Ok(()) => return Poll::Ready(Ok(())),
                Err((Refused::Full, message)) => {
                    this.cast = Some(unpack_cast(message));
                    this.wait = process.wait_for_space();
                }
                Err(refused) => {
                    let refused = CastError::new(refused, unpack_cast, &process.head);
                    if !this.target.look_again() {
                        return Poll::Ready(Err(refused));
                    }
                    this.cast = Some(refused.into_inner());
                }
            }
        }
    }
}

/// Takes a cast out of the envelope that was refused.
pub(crate) fn unpack_cast<S: GenServer>(message: Envelope<S>) -> S::Cast {
    match message {
        Envelope::Cast(cast) => cast,
        _ => unreachable!("what is refused is what was sent"),
    }
}

/// Takes an info out of the envelope that was refused.
pub(crate) fn unpack_info<S: GenServer>(message: Envelope<S>) -> S::Info {
    match message {
        Envelope::Info(info) => info,
        _ => unreachable!("what is refused is what was sent"),
    }
}

impl<T: AsServer + fmt::Debug> fmt::Debug for CastWait<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CastWait").field("server", &self.target).finish_non_exhaustive()
    }
}
