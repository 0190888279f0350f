//! Whatever refers to one server of a known type: a reference, a name, a client.

use crate::client::call::CallError;
use crate::client::named::Named;
use crate::client::server_ref::ServerRef;
use crate::server::GenServer;

/// Whatever refers to one server of a known type: a reference, a name, or a client type of your own.
///
/// It is what [`call_all`](crate::call_all), [`cast_all`](crate::cast_all) and the functions of [`sys`](crate::sys) take. A name is
/// looked up when they use it.
///
/// # Examples
///
/// A client type that can be looked into like the server that it hides:
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::{AsServer, CallError, ServerRef, sys};
///
/// struct Tickets(ServerRef<Counter>);
///
/// impl AsServer for Tickets {
///     type Server = Counter;
///
///     fn as_server(&self) -> Result<ServerRef<Counter>, CallError> {
///         self.0.as_server()
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tickets = Tickets(genserver::start::<Counter>(7).await?);
/// assert_eq!(sys::with_state(&tickets, |counter| counter.0).await?, 7);
/// # Ok(())
/// # }
/// ```
pub trait AsServer {
    /// The type of the server.
    type Server: GenServer;

    /// The server.
    ///
    /// # Errors
    ///
    /// [`CallError::NoProc`] if it is a name that nobody has, [`CallError::WrongServer`] if a server of another type has it.
    fn as_server(&self) -> Result<ServerRef<Self::Server>, CallError>;
}

impl<S: GenServer> AsServer for ServerRef<S> {
    type Server = S;

    fn as_server(&self) -> Result<ServerRef<S>, CallError> {
        Ok(self.clone())
    }
}

impl<S: GenServer> AsServer for Named<S> {
    type Server = S;

    fn as_server(&self) -> Result<ServerRef<S>, CallError> {
        self.resolve()
    }
}

impl<T: AsServer + ?Sized> AsServer for &T {
    type Server = T::Server;

    fn as_server(&self) -> Result<ServerRef<Self::Server>, CallError> {
        (**self).as_server()
    }
}
