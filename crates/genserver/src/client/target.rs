//! The target of an operation: a server at hand, or one that is looked up when the operation is first polled.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::client::as_server::AsServer;
use crate::client::server_ref::ServerRef;
use crate::client::time;
use crate::node;
use crate::node::alarm;
use crate::node::find_error::FindError;
use crate::node::process_ref::ProcessRef;
use crate::process::cold::drop_cold;
use crate::runtime::Sleep;
use crate::server::GenServer;

/// The target of an operation: `P` itself, or the lookup of one.
pub trait Target<P> {
    /// Returns whether the target has to be looked up first. For a `ServerRef` this is a constant, so its calls do not pay for
    /// the question.
    fn needs_look_up(&self) -> bool;

    /// The target, as soon as it is found. The time spent waiting for it is taken off the timeout.
    fn poll_found(&mut self, cx: &mut Context<'_>, timeout: &mut Option<Duration>) -> Poll<Result<&P, FindError>>;

    /// Forgets what was found, because it has ended, so that the next poll looks it up again. Returns false if this target does not
    /// wait for the next server.
    fn look_again(&mut self) -> bool;

    /// What was found.
    ///
    /// # Panics
    ///
    /// If it was not found yet.
    fn found(&self) -> &P;
}

impl<S: GenServer> Target<ServerRef<S>> for &ServerRef<S> {
    #[inline]
    fn needs_look_up(&self) -> bool {
        false
    }

    #[inline]
    fn poll_found(
        &mut self,
        _cx: &mut Context<'_>,
        _timeout: &mut Option<Duration>,
    ) -> Poll<Result<&ServerRef<S>, FindError>> {
        Poll::Ready(Ok(self))
    }

    fn look_again(&mut self) -> bool {
        false
    }

    #[inline]
    fn found(&self) -> &ServerRef<S> {
        self
    }
}

impl Target<Self> for ProcessRef {
    #[inline]
    fn needs_look_up(&self) -> bool {
        false
    }

    fn poll_found(&mut self, _cx: &mut Context<'_>, _timeout: &mut Option<Duration>) -> Poll<Result<&Self, FindError>> {
        Poll::Ready(Ok(self))
    }

    fn look_again(&mut self) -> bool {
        false
    }

    fn found(&self) -> &Self {
        self
    }
}

/// A server that is looked up when the operation on it is first polled: the target of what [`AsServer`]'s methods return.
///
/// You never construct this.
pub struct Lookup<'a, T: AsServer + ?Sized, P = ServerRef<<T as AsServer>::Server>> {
    by: &'a T,
    /// Nothing yet; for a reference, nothing ever.
    progress: Option<Progress<'a, T::Server, P>>,
}

// Nothing of it is pinned: a wait has a box of its own.
impl<T: AsServer + ?Sized, P> Unpin for Lookup<'_, T, P> {}

enum Progress<'a, S: GenServer, P> {
    /// It is not there, and the operation waits for it.
    Waiting(Box<Wait<'a, S>>),
    Found(P),
}

// An operation on a server at hand is dropped everywhere, so what has to be dropped of a lookup is dropped out of line.
impl<T: AsServer + ?Sized, P> Drop for Lookup<'_, T, P> {
    #[inline]
    fn drop(&mut self) {
        if let Some(progress) = self.progress.take() {
            drop_cold(progress);
        }
    }
}

/// A wait for a server that is not there yet.
struct Wait<'a, S: GenServer> {
    server: WaitForServer<'a, S>,
    /// What the operation fails with if the server does not come in time.
    nobody: FindError,
    /// When the wait began, and what ends it; nothing if the operation has no timeout.
    limit: Option<(Instant, Sleep)>,
}

/// A wait for a server: see [`AsServer::wait_for_server`].
pub type WaitForServer<'a, S> = Pin<Box<dyn Future<Output = Result<ServerRef<S>, FindError>> + Send + 'a>>;

/// What can be looked up: the server, or the process it runs in.
pub trait Find<T: AsServer + ?Sized>: Sized {
    /// The reference itself, if it is what is looked for: then nothing is cloned.
    fn at_hand(by: &T) -> Option<&Self>;
    /// Looks it up.
    ///
    /// # Errors
    ///
    /// As [`AsServer::as_server`].
    fn find(by: &T) -> Result<Self, FindError>;
    /// What is looked up, of a server that was waited for.
    fn from_server(server: ServerRef<T::Server>) -> Self;
}

impl<T: AsServer + ?Sized> Find<T> for ServerRef<T::Server> {
    #[inline]
    fn at_hand(by: &T) -> Option<&Self> {
        by.at_hand()
    }

    fn find(by: &T) -> Result<Self, FindError> {
        by.as_server()
    }

    fn from_server(server: Self) -> Self {
        server
    }
}

impl<T: AsServer + ?Sized> Find<T> for ProcessRef {
    fn at_hand(_by: &T) -> Option<&Self> {
        None
    }

    fn find(by: &T) -> Result<Self, FindError> {
        by.find_any_process()
    }

    fn from_server(server: ServerRef<T::Server>) -> Self {
        server.process_ref()
    }
}

impl<T: AsServer + ?Sized, P> AsServer for Lookup<'_, T, P> {
    type Server = T::Server;

    fn as_server(&self) -> Result<ServerRef<T::Server>, FindError> {
        self.by.as_server()
    }
}

impl<T: AsServer + fmt::Debug + ?Sized, P> fmt::Debug for Lookup<'_, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lookup").field(&self.by).finish()
    }
}

impl<'a, T: AsServer + ?Sized, P: Find<T>> Lookup<'a, T, P> {
    pub(crate) fn new(by: &'a T) -> Self {
        Self { by, progress: None }
    }

    /// Begins to wait, if this is a reference that waits.
    fn poll_look_up(&mut self, cx: &mut Context<'_>, timeout: &mut Option<Duration>) -> Poll<Result<&P, FindError>> {
        loop {
            match &mut self.progress {
                None => {
                    self.progress = Some(match P::find(self.by) {
                        Ok(found) => Progress::Found(found),
                        Err(nobody) => Progress::Waiting(self.wait(nobody, *timeout)?),
                    });
                }
                Some(Progress::Waiting(wait)) => {
                    let found = ready!(wait.poll(cx, timeout))?;
                    self.progress = Some(Progress::Found(P::from_server(found)));
                }
                Some(Progress::Found(_)) => break,
            }
        }
        Poll::Ready(Ok(self.found()))
    }

    fn wait(&self, nobody: FindError, timeout: Option<Duration>) -> Result<Box<Wait<'a, T::Server>>, FindError> {
        let Some(server) = self.by.wait_for_server() else { return Err(nobody) };
        let limit = match (timeout, node::current_home()) {
            (None, _) => None,
            (Some(timeout), Some(home)) => {
                let now = home.runtime().now();
                Some((now, time::sleep_in(&home, alarm::after(&home, timeout))))
            }
            // Outside a runtime there is no clock to limit the wait.
            (Some(_), None) => return Err(nobody),
        };
        Ok(Box::new(Wait { server, nobody, limit }))
    }
}

impl<S: GenServer> Wait<'_, S> {
    fn poll(&mut self, cx: &mut Context<'_>, timeout: &mut Option<Duration>) -> Poll<Result<ServerRef<S>, FindError>> {
        if let Poll::Ready(found) = self.server.as_mut().poll(cx) {
            if let (Some((begun, _)), Some(timeout), Some(home)) = (&self.limit, timeout, node::current_home()) {
                *timeout = timeout.saturating_sub(home.runtime().now().saturating_duration_since(*begun));
            }
            return Poll::Ready(found);
        }
        let Some((_, sleep)) = &mut self.limit else { return Poll::Pending };
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Err(self.nobody.clone()))
    }
}

impl<T: AsServer + ?Sized, P: Find<T>> Target<P> for Lookup<'_, T, P> {
    #[inline]
    fn needs_look_up(&self) -> bool {
        P::at_hand(self.by).is_none()
    }

    #[inline]
    fn poll_found(&mut self, cx: &mut Context<'_>, timeout: &mut Option<Duration>) -> Poll<Result<&P, FindError>> {
        // Known when this is compiled, for a reference: nothing is looked up, kept or dropped.
        if let Some(at_hand) = P::at_hand(self.by) {
            return Poll::Ready(Ok(at_hand));
        }
        self.poll_look_up(cx, timeout)
    }

    #[inline]
    fn found(&self) -> &P {
        if let Some(at_hand) = P::at_hand(self.by) {
            return at_hand;
        }
        match &self.progress {
            Some(Progress::Found(found)) => found,
            None | Some(Progress::Waiting(_)) => unreachable!("an operation begins with the lookup"),
        }
    }

    fn look_again(&mut self) -> bool {
        let waits = self.by.wait_for_server().is_some();
        if waits {
            self.progress = None;
        }
        waits
    }
}
