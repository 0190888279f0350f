//! References to any process that takes messages of one type, without its server type.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::client::cast::CastError;
use crate::client::named::Named;
use crate::client::server_ref::ServerRef;
use crate::node::any_process::AnyProcess;
use crate::node::find_error::FindError;
use crate::node::process_ref::{AsProcess, ProcessRef};
use crate::process::{Envelope, Lazy};
use crate::server::GenServer;
use crate::values::pid::Pid;

// The same for calls.
mod calls;

pub use calls::{CallRecipient, RecipientCall};

/// A destination for messages of type `M`: a server of any type, or a probe.
///
/// Make one with [`ServerRef::recipient`] or [`ServerRef::info_recipient`], or from a [`ProbeRef`](crate::ProbeRef). It is cheap
/// to clone, can be sent and shared, and does not keep its process alive. A recipient that is made by [`Named::recipient`] looks
/// the name up for every message, and so survives restarts.
///
/// The function that turns `M` into the server's own message runs in the server, when the message is handled. Therefore `M` can
/// be given back if it is refused. If the function panics, that counts as a panic of the server's callback.
///
/// # Examples
///
/// Two crates can have servers that send each other messages without naming each other. The first says what it sends, but not
/// to which server:
///
/// ```
/// # use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
/// mod thermometer {
///     use genserver::{Cx, GenServer, Init, Never, Next, Outcome, Recipient};
///
///     pub struct Celsius(pub f32);
///
///     /// Sends every measurement to a recipient.
///     pub struct Thermometer(Recipient<Celsius>);
///
///     impl GenServer for Thermometer {
///         type Args = Recipient<Celsius>;
///         type Cast = f32;
/// #       type Call = Never;
/// #       type Info = Never;
///         // ...
/// #       async fn init(told: Recipient<Celsius>, _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Self(told)) }
///
///         async fn handle_cast(
///             &mut self,
///             measured: f32,
///             _cx: &mut Cx<Self>,
///         ) -> Outcome<Self> {
///             self.0.send(Celsius(measured))?;
///             Next::wait()
///         }
///     }
/// }
///
/// mod heating {
///     use super::thermometer::Celsius;
/// #   use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
///
///     pub enum Cast {
///         Measured(Celsius),
///         // ...
///     }
/// #   pub struct Heating(bool);
/// #   impl GenServer for Heating {
/// #       type Args = ();
/// #       type Call = Caller<bool>;
/// #       type Cast = Cast;
/// #       type Info = Never;
/// #       async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Self(false)) }
/// #       async fn handle_call(&mut self, caller: Caller<bool>, _cx: &mut Cx<Self>) -> Outcome<Self> { Next::reply(caller, self.0) }
/// #       async fn handle_cast(&mut self, Cast::Measured(celsius): Cast, _cx: &mut Cx<Self>) -> Outcome<Self> {
/// #           self.0 = celsius.0 < 20.0;
/// #           Next::wait()
/// #       }
/// #   }
/// }
///
/// # use heating::Heating;
/// # use thermometer::Thermometer;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let heating = genserver::start::<Heating>(()).await?;
/// let told = heating.recipient(heating::Cast::Measured);
/// let thermometer = genserver::start::<Thermometer>(told).await?;
/// thermometer.cast(12.5)?;
/// # thermometer.stop().await?;
/// # assert!(heating.call(|caller| caller).await?);
/// # Ok(())
/// # }
/// ```
pub struct Recipient<M: Send + 'static> {
    takes: Arc<dyn Takes<M>>,
}

/// A process that takes messages of type `M`.
pub(crate) trait Takes<M>: Send + Sync {
    fn take(&self, message: M) -> Result<(), CastError<M>>;
    /// The process; `None` if it is a name that is not registered.
    fn process(&self) -> Option<Arc<dyn AnyProcess>>;
    /// The process as text for people.
    fn title(&self) -> String;
}

impl<M: Send + 'static> Recipient<M> {
    fn of<S, F>(to: Destination<S>, into: F) -> Self
    where
        S: GenServer,
        F: Fn(M) -> Envelope<S> + Send + Sync + 'static,
    {
        Self { takes: Arc::new(Addressed { to, into: Arc::new(into) }) }
    }

    /// A recipient for a process that runs no server.
    pub(crate) fn taken_by(takes: impl Takes<M> + 'static) -> Self {
        Self { takes: Arc::new(takes) }
    }

    /// Sends the message without waiting.
    ///
    /// # Errors
    ///
    /// The message comes back if the process has ended, if the name is not registered, or if the mailbox is full.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let adder = counter.recipient(Add);
    /// adder.send(2)?;
    /// assert_eq!(counter.call(Call::Get).await?, 3);
    ///
    /// counter.stop().await?;
    /// assert_eq!(adder.send(2).unwrap_err().into_inner(), 2);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "!")]
    pub fn send(&self, message: M) -> Result<(), CastError<M>> {
        self.takes.take(message)
    }

    /// The pid of the process; [`Pid::NOBODY`] if the recipient is a name that is not registered.
    pub fn pid(&self) -> Pid {
        self.takes.process().map_or(Pid::NOBODY, |process| process.head().pid)
    }

    /// Returns whether it takes messages. This is false from the moment its end begins, and so while terminate runs.
    ///
    /// OTP's `is_process_alive` is still true then: it is the opposite of [`ProcessRef::has_ended`].
    #[doc(alias = "is_process_alive")]
    pub fn is_alive(&self) -> bool {
        self.takes.process().is_some_and(|process| process.is_alive())
    }

    /// The process, to monitor or to stop it; `None` if the recipient is a name that is not registered.
    pub fn process_ref(&self) -> Option<ProcessRef> {
        self.takes.process().map(ProcessRef::new)
    }
}

/// A server: held by reference, or looked up by name at each use.
enum Destination<S: GenServer> {
    Held(ServerRef<S>),
    Named(Named<S>),
}

impl<S: GenServer> Destination<S> {
    fn find(&self) -> Result<Cow<'_, ServerRef<S>>, FindError> {
        match self {
            Self::Held(server) => Ok(Cow::Borrowed(server)),
            Self::Named(name) => name.resolve().map(Cow::Owned),
        }
    }

    fn process(&self) -> Option<Arc<dyn AnyProcess>> {
        let server = self.find().ok()?;
        Some(server.process().erased())
    }

    fn title(&self) -> String {
        match self {
            Self::Held(server) => server.process().head.title(),
            Self::Named(name) => name.name().to_string(),
        }
    }
}

/// A server, and the function that makes its message.
struct Addressed<S: GenServer, F> {
    to: Destination<S>,
    into: Arc<F>,
}

impl<S, M, F> Takes<M> for Addressed<S, F>
where
    S: GenServer,
    M: Send + 'static,
    F: Fn(M) -> Envelope<S> + Send + Sync + 'static,
{
    fn take(&self, message: M) -> Result<(), CastError<M>> {
        let server = match self.to.find() {
            Ok(server) => server,
            Err(nobody) => return Err(CastError::NoProc { message, server: nobody.server().clone() }),
        };
        let process = server.process();
        let letter = Box::new(Letter { message, into: Arc::clone(&self.into) });
        let unpack = |refused: Envelope<S>| match refused {
            Envelope::Lazy(lazy) => match lazy.into_any().downcast::<Letter<M, F>>() {
                Ok(letter) => letter.message,
                Err(_) => unreachable!("what is refused is what was sent"),
            },
            _ => unreachable!("what is refused is what was sent"),
        };
        let pushed = process.push(Envelope::Lazy(letter));
        pushed.map_err(|refused| CastError::new(refused, unpack, &process.head))
    }

    fn process(&self) -> Option<Arc<dyn AnyProcess>> {
        self.to.process()
    }

    fn title(&self) -> String {
        self.to.title()
    }
}

/// A message on its way to a server, not yet turned into the server's own type.
struct Letter<M, F> {
    message: M,
    into: Arc<F>,
}

impl<S, M, F> Lazy<S> for Letter<M, F>
where
    S: GenServer,
    M: Send + 'static,
    F: Fn(M) -> Envelope<S> + Send + Sync + 'static,
{
    fn open(self: Box<Self>) -> Envelope<S> {
        (self.into)(self.message)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl<S: GenServer> ServerRef<S> {
    /// Makes a recipient of `M` out of the server; `into` turns each `M` into a cast. See [`Recipient`].
    ///
    /// A variant of the server's own enum is such a function. If the server's cast type is `M` itself, pass
    /// [`identity`](std::convert::identity).
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let lengths = counter.recipient(|text: String| Add(text.len() as u64));
    /// lengths.send("four".to_owned())?;
    /// assert_eq!(counter.call(Call::Get).await?, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn recipient<M: Send + 'static>(&self, into: impl Fn(M) -> S::Cast + Send + Sync + 'static) -> Recipient<M> {
        Recipient::of(Destination::Held(self.clone()), move |message| Envelope::Cast(into(message)))
    }

    /// Makes a recipient of `M` out of the server; `into` turns each `M` into a message for `handle_info`. See [`Recipient`].
    pub fn info_recipient<M: Send + 'static>(
        &self,
        into: impl Fn(M) -> S::Info + Send + Sync + 'static,
    ) -> Recipient<M> {
        Recipient::of(Destination::Held(self.clone()), move |message| Envelope::Info(into(message)))
    }
}

impl<S: GenServer> Named<S> {
    /// Makes a recipient of `M` out of the name; `into` turns each `M` into a cast. See [`ServerRef::recipient`].
    ///
    /// The name is looked up for each message.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Named;
    ///
    /// let adder = Named::<Counter>::new("restarted").recipient(Add);
    /// assert_eq!(adder.send(1).unwrap_err().into_inner(), 1);
    ///
    /// let counter = genserver::start::<Counter>(1).name("restarted").await?;
    /// adder.send(1)?;
    /// assert_eq!(counter.call(Call::Get).await?, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn recipient<M: Send + 'static>(&self, into: impl Fn(M) -> S::Cast + Send + Sync + 'static) -> Recipient<M> {
        Recipient::of(Destination::Named(self.clone()), move |message| Envelope::Cast(into(message)))
    }

    /// Makes a recipient of `M` out of the name; `into` turns each `M` into a message for `handle_info`. See
    /// [`ServerRef::info_recipient`].
    ///
    /// The name is looked up for each message.
    pub fn info_recipient<M: Send + 'static>(
        &self,
        into: impl Fn(M) -> S::Info + Send + Sync + 'static,
    ) -> Recipient<M> {
        Recipient::of(Destination::Named(self.clone()), move |message| Envelope::Info(into(message)))
    }
}

impl<M: Send + 'static> AsProcess for Recipient<M> {
    fn as_process(&self) -> Option<ProcessRef> {
        self.process_ref()
    }
}

impl<M: Send + 'static> Clone for Recipient<M> {
    fn clone(&self) -> Self {
        Self { takes: Arc::clone(&self.takes) }
    }
}

impl<M: Send + 'static> fmt::Debug for Recipient<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.takes.title())
    }
}

const fn assert_send_sync<T: Send + Sync>() {}
const _: () = assert_send_sync::<Recipient<std::cell::Cell<u8>>>();
