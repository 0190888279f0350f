//! What every reference to one server can do, written once: a reference, a name, a child, or a type of your own.

use std::sync::Arc;

use crate::client::call::Call;
use crate::client::cast::{CastError, CastWait};
use crate::client::named::Named;
use crate::client::request::Request;
use crate::client::server_ref::ServerRef;
use crate::client::stop::{Ended, Stop};
use crate::client::target::{Lookup, WaitForServer};
use crate::node::find_error::FindError;
use crate::node::process_ref::ProcessRef;
use crate::server::GenServer;
use crate::server::caller::Caller;

/// A reference to one server of a known type: a [`ServerRef`], a name, a supervisor's child, or a client type of your own.
///
/// The methods are the same for all of them, with the same options and the same errors. A [`ServerRef`] has them without an import.
/// Every other reference is looked up at each use, when the operation is first polled: so it survives the restart of its server.
///
/// [`call_all`](crate::call_all), [`cast_all`](crate::cast_all) and the functions of [`sys`](crate::sys) take references of all
/// kinds, too.
///
/// # Examples
///
/// A client that does not care how it finds its server:
///
/// ```
/// # use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
/// # struct Account(u64);
/// # struct Balance(Caller<u64>);
/// # struct Deposit(u64);
/// # impl GenServer for Account {
/// #     type Args = u64;
/// #     type Call = Balance;
/// #     type Cast = Deposit;
/// #     type Info = Never;
/// #     async fn init(first: u64, _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Account(first)) }
/// #     async fn handle_call(&mut self, Balance(caller): Balance, _cx: &mut Cx<Self>) -> Outcome<Self> { Next::reply(caller, self.0) }
/// #     async fn handle_cast(&mut self, Deposit(amount): Deposit, _cx: &mut Cx<Self>) -> Outcome<Self> { self.0 += amount; Next::wait() }
/// # }
/// use genserver::supervisor::{ChildSpec, Supervisor};
/// use genserver::{AsServer, CallError, CastError, Named};
/// use std::time::Duration;
///
/// struct Bank<R>(R);
///
/// impl<R: AsServer<Server = Account>> Bank<R> {
///     fn deposit(&self, amount: u64) -> Result<(), CastError<Deposit>> {
///         self.0.cast(Deposit(amount))
///     }
///
///     async fn balance(&self) -> Result<u64, CallError> {
///         self.0.call(Balance).timeout(Duration::from_secs(1)).await
///     }
/// }
///
/// # genserver_doc::run! {
/// let start = || genserver::start_link::<Account>(100).name("account");
/// let account = ChildSpec::server("account", start);
/// let child = account.reference();
/// let supervisor = Supervisor::one_for_one().child(account).start().await?;
///
/// let by_reference = Bank(child.current()?);
/// let by_name = Bank(Named::<Account>::new("account"));
/// let by_child = Bank(child.waiting());
/// by_name.deposit(5)?;
/// assert_eq!(by_reference.balance().await?, 105);
///
/// // The supervisor starts another account. Only the reference still means the old process.
/// child.current()?.kill();
/// assert_eq!(by_child.balance().await?, 100);
/// assert_eq!(by_name.balance().await?, 100);
/// assert!(matches!(by_reference.balance().await, Err(CallError::NoProc { .. })));
/// # supervisor.stop().await?;
/// # }
/// ```
///
/// A client type that is itself such a reference, so that [`sys`](crate::sys) can look into the server that it hides:
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::{AsServer, FindError, ServerRef, sys};
///
/// struct Tickets(ServerRef<Counter>);
///
/// impl AsServer for Tickets {
///     type Server = Counter;
///
///     fn as_server(&self) -> Result<ServerRef<Counter>, FindError> {
///         self.0.as_server()
///     }
/// }
///
/// # genserver_doc::run! {
/// let tickets = Tickets(genserver::start::<Counter>(7).await?);
/// assert_eq!(sys::with_state(&tickets, |counter| counter.0).await?, 7);
/// # }
/// ```
pub trait AsServer {
    /// The type of the server.
    type Server: GenServer;

    /// The server as it is now.
    ///
    /// # Errors
    ///
    /// [`FindError::NoProc`] if there is none, [`FindError::WrongServer`] if the name belongs to a server of another type.
    fn as_server(&self) -> Result<ServerRef<Self::Server>, FindError>;

    /// Returns a future of the next server, or `None`, the default, if this reference does not wait for a restart.
    ///
    /// A type of your own that wraps such a reference passes this on, as it does [`as_server`](AsServer::as_server).
    fn wait_for_server(&self) -> Option<WaitForServer<'_, Self::Server>> {
        None
    }

    /// The process, whatever runs in it: what [`stop`](AsServer::stop) and [`ended`](AsServer::ended) are about.
    #[doc(hidden)]
    fn find_any_process(&self) -> Result<ProcessRef, FindError> {
        self.as_server().map(|server| server.process_ref())
    }

    /// The reference itself, if no lookup is needed.
    #[doc(hidden)]
    fn at_hand(&self) -> Option<&ServerRef<Self::Server>> {
        None
    }

    /// Asks the server, and waits for the answer: see [`ServerRef::call`].
    ///
    /// # Errors
    ///
    /// As [`as_server`](AsServer::as_server), and then as [`ServerRef::call`]. After [`CallError::NoProc`](crate::CallError::NoProc) the request was not
    /// carried out, also when a reference that waits for its server has waited in vain.
    ///
    /// # Cancel safety
    ///
    /// Dropping the call gives up the answer, never the request: once it was sent the server carries it out.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # genserver_doc::run! {
    /// use genserver::{AsServer, CallError, Named};
    /// use std::time::Duration;
    ///
    /// let counter = Named::<Counter>::new("called");
    /// assert!(matches!(counter.call(Call::Get).await, Err(CallError::NoProc { .. })));
    ///
    /// genserver::start::<Counter>(1).name("called").await?;
    /// assert_eq!(counter.call(Call::Get).timeout(Duration::from_millis(100)).await?, 1);
    /// # }
    /// ```
    fn call<R, F>(&self, make: F) -> Call<Lookup<'_, Self>, R, F>
    where
        Self: Sized,
        R: Send + 'static,
        F: FnOnce(Caller<R>) -> CallOf<Self>,
    {
        Call::new(Lookup::new(self), make)
    }

    /// Asks the server, and leaves the answer for later: see [`ServerRef::send_request`].
    ///
    /// It is looked up at once and never waited for. Sending never fails: if there is no server, that is the answer.
    fn send_request<R, F>(&self, make: F) -> Request<R>
    where
        Self: Sized,
        R: Send + 'static,
        F: FnOnce(Caller<R>) -> CallOf<Self>,
    {
        match self.as_server() {
            Ok(server) => server.send_request(make),
            Err(nobody) => Request::failed(nobody.into()),
        }
    }

    /// Tells the server something, and waits for nothing: see [`ServerRef::cast`].
    ///
    /// # Errors
    ///
    /// The message comes back if there is no such server, or its mailbox is full.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # genserver_doc::run! {
    /// use genserver::{AsServer, Named};
    ///
    /// let counter = Named::<Counter>::new("told");
    /// let Add(one) = counter.cast(Add(1)).unwrap_err().into_inner();
    /// genserver::start::<Counter>(1).name("told").await?;
    /// counter.cast(Add(one))?;
    /// # }
    /// ```
    fn cast(&self, cast: CastOf<Self>) -> Result<(), CastError<CastOf<Self>>> {
        // Without a clone of what is there already.
        if let Some(server) = self.at_hand() {
            return server.cast(cast);
        }
        match self.as_server() {
            Ok(server) => server.cast(cast),
            Err(nobody) => Err(CastError::NoProc { message: cast, server: nobody.into_server() }),
        }
    }

    /// Tells the server something, waiting for space in its mailbox if there is none: see [`ServerRef::cast_wait`].
    ///
    /// # Errors
    ///
    /// The message comes back if there is no such server.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it is ready, the message was not sent.
    fn cast_wait(&self, cast: CastOf<Self>) -> CastWait<Lookup<'_, Self>>
    where
        Self: Sized,
    {
        CastWait::new(Lookup::new(self), cast)
    }

    /// Sends a plain message, which goes to `handle_info`: see [`ServerRef::send`].
    ///
    /// # Errors
    ///
    /// As [`cast`](AsServer::cast).
    #[doc(alias = "!")]
    fn send(&self, info: InfoOf<Self>) -> Result<(), CastError<InfoOf<Self>>> {
        // Without a clone of what is there already.
        if let Some(server) = self.at_hand() {
            return server.send(info);
        }
        match self.as_server() {
            Ok(server) => server.send(info),
            Err(nobody) => Err(CastError::NoProc { message: info, server: nobody.into_server() }),
        }
    }

    /// Orders the server to stop with the reason `normal`, and waits until everybody has been told: see [`ServerRef::stop`].
    ///
    /// A name stops the process that has it, whatever runs there, as in OTP.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`]; [`StopError::NoProc`](crate::StopError::NoProc) if there is none.
    ///
    /// # Cancel safety
    ///
    /// Dropping it does not withdraw the order.
    fn stop(&self) -> Stop<Lookup<'_, Self, ProcessRef>>
    where
        Self: Sized,
    {
        Stop::new(Lookup::new(self))
    }

    /// Waits for the end of the server as it is now, and returns its reason: [`Reason::NoProc`](crate::Reason::NoProc) if there is
    /// none.
    ///
    /// # Cancel safety
    ///
    /// It can be dropped and made again at any time.
    fn ended(&self) -> Ended<Lookup<'_, Self, ProcessRef>>
    where
        Self: Sized,
    {
        Ended::new(Lookup::new(self))
    }
}

/// What a server is asked.
pub(crate) type CallOf<T> = <<T as AsServer>::Server as GenServer>::Call;

/// What a server is told.
pub(crate) type CastOf<T> = <<T as AsServer>::Server as GenServer>::Cast;

/// What a server is sent.
type InfoOf<T> = <<T as AsServer>::Server as GenServer>::Info;

impl<S: GenServer> AsServer for ServerRef<S> {
    type Server = S;

    fn as_server(&self) -> Result<ServerRef<S>, FindError> {
        Ok(self.clone())
    }

    #[inline]
    fn at_hand(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<S: GenServer> AsServer for Named<S> {
    type Server = S;

    fn as_server(&self) -> Result<ServerRef<S>, FindError> {
        self.resolve()
    }

    fn find_any_process(&self) -> Result<ProcessRef, FindError> {
        self.process()
    }
}

/// A pointer to a reference is looked up like the reference.
macro_rules! behind_a_pointer {
    ($($pointer:ty),*) => {$(
        impl<T: AsServer + ?Sized> AsServer for $pointer {
            type Server = T::Server;

            fn as_server(&self) -> Result<ServerRef<Self::Server>, FindError> {
                (**self).as_server()
            }

            fn wait_for_server(&self) -> Option<WaitForServer<'_, Self::Server>> {
                (**self).wait_for_server()
            }

            fn find_any_process(&self) -> Result<ProcessRef, FindError> {
                (**self).find_any_process()
            }

            #[inline]
            fn at_hand(&self) -> Option<&ServerRef<Self::Server>> {
                (**self).at_hand()
            }
        }
    )*};
}

behind_a_pointer!(&T, Box<T>, Arc<T>);
