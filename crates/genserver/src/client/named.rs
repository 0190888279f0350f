//! References by name: resolved at every use, so they survive restarts.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::time::Duration;

use crate::client::call::CallError;
use crate::client::cast::CastError;
use crate::client::request::Request;
use crate::client::server_ref::ServerRef;
use crate::client::stop::StopError;
use crate::node::Node;
use crate::node::cut::poll_alive;
use crate::node::name::Name;
use crate::node::process_ref::NotFound;
use crate::node::process_ref::{AsProcess, ProcessRef};
use crate::node::subject::Subject;
use crate::server::GenServer;
use crate::server::caller::Caller;
use crate::values::pid::Pid;

/// A server by its name: looked up anew at every use.
///
/// It is valid before the server starts, and goes on being valid when another server of the type has taken the name, as
/// after a restart. Every operation that is done through it is one look-up and then what [`ServerRef`] does.
///
/// # Examples
///
/// ```
/// # use genserver::{CallError, Caller, Cx, GenServer, Init, Named, Never, Next, Outcome};
/// # struct Clock;
/// # struct Time(Caller<u32>);
/// # impl GenServer for Clock {
/// #     type Args = ();
/// #     type Call = Time;
/// #     type Cast = Never;
/// #     type Info = Never;
/// #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Clock) }
/// #     async fn handle_call(&mut self, Time(caller): Time, _cx: &mut Cx<Self>) -> Outcome<Self> { Next::reply(caller, 12) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clock = Named::<Clock>::new("clock");
/// assert!(matches!(clock.call(Time).await, Err(CallError::NoProc { .. })));
///
/// genserver::start::<Clock>(()).name("clock").await?;
/// assert_eq!(clock.call(Time).await?, 12);
/// # clock.stop().await?;
/// # Ok(())
/// # }
/// ```
pub struct Named<S: GenServer> {
    name: Name,
    node: Option<Node>,
    of: PhantomData<fn() -> S>,
}

impl<S: GenServer> Named<S> {
    /// The server with that name, in the node of whoever uses this: of the process whose callback runs, of the test inside
    /// [`supervised`](crate::supervised()), or else the program's.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Named;
    ///
    /// let counter = Named::<Counter>::new("made before it starts");
    /// genserver::start::<Counter>(1).name("made before it starts").await?;
    /// assert_eq!(counter.call(Call::Get).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(name: impl Into<Name>) -> Self {
        Self { name: name.into(), node: None, of: PhantomData }
    }

    /// The server with that name in `node`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::{Named, Node};
    ///
    /// let node = Node::new();
    /// node.start::<Quiet>(()).name("quiet").await?;
    /// assert!(Named::<Quiet>::on(&node, "quiet").resolve().is_ok());
    /// assert!(Named::<Quiet>::new("quiet").resolve().is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn on(node: &Node, name: impl Into<Name>) -> Self {
        Self { name: name.into(), node: Some(node.clone()), of: PhantomData }
    }

    /// The name.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # fn main() {
    /// use genserver::Named;
    ///
    /// assert_eq!(Named::<Quiet>::new("quiet").name().to_string(), "quiet");
    /// # }
    /// ```
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Whoever has the name now: OTP's `whereis`.
    ///
    /// # Errors
    ///
    /// [`CallError::NoProc`] if nobody has it, [`CallError::WrongServer`] if a server of another type has it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Named;
    ///
    /// let server = genserver::start::<Quiet>(()).name("resolved").await?;
    /// assert_eq!(Named::<Quiet>::new("resolved").resolve()?, server);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "whereis")]
    pub fn resolve(&self) -> Result<ServerRef<S>, CallError> {
        let Some(process) = self.as_process() else {
            return Err(CallError::NoProc { server: Subject::nobody(&self.name) });
        };
        process.downcast().ok_or_else(|| CallError::WrongServer {
            server: process.process().head().subject(),
            found: process.info().server,
            wanted: std::any::type_name::<S>(),
        })
    }

    /// Asks whoever has the name: see [`ServerRef::call`].
    ///
    /// # Errors
    ///
    /// As [`resolve`](Named::resolve), and then as [`ServerRef::call`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the call gives up the answer, never the request: once it was sent the server carries it out.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Named;
    ///
    /// genserver::start::<Counter>(1).name("called").await?;
    /// assert_eq!(Named::<Counter>::new("called").call(Call::Get).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn call<R: Send + 'static>(&self, make: impl FnOnce(Caller<R>) -> S::Call) -> Result<R, CallError> {
        poll_fn(poll_alive).await;
        self.resolve()?.call(make).await
    }

    /// The same, waiting for `timeout` instead of five seconds.
    ///
    /// # Errors
    ///
    /// As [`call`](Named::call).
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Named::call).
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Named;
    /// use std::time::Duration;
    ///
    /// genserver::start::<Counter>(1).name("called soon").await?;
    /// let counter = Named::<Counter>::new("called soon");
    /// assert_eq!(counter.call_timeout(Call::Get, Duration::from_millis(100)).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn call_timeout<R: Send + 'static>(
        &self,
        make: impl FnOnce(Caller<R>) -> S::Call,
        timeout: Duration,
    ) -> Result<R, CallError> {
        poll_fn(poll_alive).await;
        self.resolve()?.call(make).timeout(timeout).await
    }

    /// Asks whoever has the name now, and leaves the answer for later: see [`ServerRef::send_request`].
    ///
    /// Sending never fails: if nobody has the name, that is the answer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Named;
    ///
    /// genserver::start::<Counter>(1).name("asked").await?;
    /// let request = Named::<Counter>::new("asked").send_request(Call::Get);
    /// assert_eq!(request.await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_request<R: Send + 'static>(&self, make: impl FnOnce(Caller<R>) -> S::Call) -> Request<R> {
        match self.resolve() {
            Ok(server) => server.send_request(make),
            Err(error) => Request::failed(error),
        }
    }

    /// Tells whoever has the name: see [`ServerRef::cast`].
    ///
    /// # Errors
    ///
    /// The message comes back if nobody of the type has the name, or its mailbox is full.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Named;
    ///
    /// let counter = Named::<Counter>::new("told");
    /// assert!(counter.cast(Add(1)).is_err());
    /// genserver::start::<Counter>(1).name("told").await?;
    /// counter.cast(Add(1))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cast(&self, cast: S::Cast) -> Result<(), CastError<S::Cast>> {
        match self.resolve() {
            Ok(server) => server.cast(cast),
            Err(_) => Err(CastError::NoProc { message: cast, server: Subject::nobody(&self.name) }),
        }
    }

    /// Sends whoever has the name a plain message: see [`ServerRef::send`].
    ///
    /// # Errors
    ///
    /// As [`cast`](Named::cast).
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Named;
    ///
    /// genserver::start::<Counter>(1).name("sent to").await?;
    /// Named::<Counter>::new("sent to").send(Double)?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "!")]
    pub fn send(&self, info: S::Info) -> Result<(), CastError<S::Info>> {
        match self.resolve() {
            Ok(server) => server.send(info),
            Err(_) => Err(CastError::NoProc { message: info, server: Subject::nobody(&self.name) }),
        }
    }

    /// Stops whoever has the name, with the reason `normal`: see [`ServerRef::stop`].
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`]; [`StopError::NoProc`] if nobody has the name.
    ///
    /// # Cancel safety
    ///
    /// Dropping it does not withdraw the order.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use genserver::Named;
    ///
    /// genserver::start::<Quiet>(()).name("stopped").await?;
    /// Named::<Quiet>::new("stopped").stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stop(&self) -> Result<(), StopError> {
        poll_fn(poll_alive).await;
        match self.as_process() {
            Some(process) => process.stop().await,
            None => Err(StopError::NoProc { server: Subject::nobody(&self.name) }),
        }
    }
}

impl<S: GenServer> AsProcess for Named<S> {
    fn as_process(&self) -> Option<ProcessRef> {
        match &self.node {
            Some(node) => node.whereis(self.name.clone()),
            None => Node::current().whereis(self.name.clone()),
        }
    }

    fn pid_or_nobody(&self) -> Pid {
        self.as_process().map_or(Pid::NOBODY, |process| process.pid())
    }

    fn find_process(&self) -> Result<ProcessRef, NotFound> {
        Ok(self.resolve().map_err(CallError::into_not_found)?.process_ref())
    }
}

impl<S: GenServer> Clone for Named<S> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), node: self.node.clone(), of: PhantomData }
    }
}

impl<S: GenServer> fmt::Debug for Named<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Named({})", self.name)
    }
}
