//! Why a reference leads to no server.

use crate::node::subject::Subject;

/// Why a reference leads to no server: the error of [`AsServer::as_server`](crate::AsServer::as_server) and
/// [`Named::resolve`](crate::Named::resolve).
///
/// `?` turns it into a [`CallError`](crate::CallError) with a variant of the same name.
///
/// # Examples
///
/// ```
/// # use genserver_doc::{counter::*, quiet::*};
/// # genserver_doc::run! {
/// use genserver::{FindError, Named};
///
/// let counter = Named::<Counter>::new("found");
/// assert!(matches!(counter.resolve(), Err(FindError::NoProc { .. })));
///
/// let quiet = genserver::start::<Quiet>(()).name("found").await?;
/// match counter.resolve() {
///     Err(FindError::WrongServer { server, .. }) => assert_eq!(server.pid, quiet.pid()),
///     other => panic!("{other:?}"),
/// }
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FindError {
    /// There is no such process: it has ended, or nobody has the name.
    #[error("{server} is not running; start it, or look it up again")]
    NoProc {
        /// What was looked up.
        server: Subject,
    },
    /// The name belongs to a server of another type.
    #[error("{server} is a {found}, not a {wanted}; the name belongs to another server than you expect")]
    WrongServer {
        /// The server that has the name.
        server: Subject,
        /// The type of that server.
        found: &'static str,
        /// The type that was looked up.
        wanted: &'static str,
    },
}

impl FindError {
    /// What was looked up, or the server that has its name.
    pub fn server(&self) -> &Subject {
        match self {
            Self::NoProc { server } | Self::WrongServer { server, .. } => server,
        }
    }

    pub(crate) fn into_server(self) -> Subject {
        match self {
            Self::NoProc { server } | Self::WrongServer { server, .. } => server,
        }
    }
}
