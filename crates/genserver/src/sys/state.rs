//! The state of a server: reading and changing it, and suspending or ending the server.

use super::{Status, SysRequest};
use crate::client::as_server::AsServer;
use crate::node::process_ref::AsProcess;
use crate::process::drop_caught;
use crate::values::reason::Reason;

/// Returns a clone of the state, as it is between two callbacks.
///
/// # Errors
///
/// [`SysError::CallbackFailed`](super::SysError::CallbackFailed) if the clone panics; and, like every request, if the server is
/// not running, ends, or does not answer in time.
pub fn get_state<T: AsServer>(server: &T) -> SysRequest<T::Server>
where
    T::Server: Clone,
{
    SysRequest::typed("get_state", server, |inspected| Ok(inspected.server().clone()))
}

/// Reads the state in place, and returns the result of `look`: [`get_state`] for a state that is not `Clone`.
///
/// # Errors
///
/// [`SysError::CallbackFailed`](super::SysError::CallbackFailed) if `look` panics; otherwise like every request.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// use genserver::sys;
///
/// let counter = genserver::start::<Counter>(7).await?;
/// assert_eq!(sys::with_state(&counter, |counter| counter.0).await?, 7);
/// # }
/// ```
#[doc(alias = "get_state")]
pub fn with_state<T, R, F>(server: &T, look: F) -> SysRequest<R>
where
    T: AsServer,
    R: Send + 'static,
    F: FnOnce(&T::Server) -> R + Send + 'static,
{
    SysRequest::typed("with_state", server, |inspected| Ok(look(inspected.server())))
}

/// Replaces the state by the result of `replace` on a clone of it, and returns a clone of the new one.
///
/// If `replace` panics, nothing changes: the server goes on with the old state.
///
/// # Errors
///
/// [`SysError::CallbackFailed`](super::SysError::CallbackFailed) if `replace` panics; otherwise like every request.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// use genserver::sys;
///
/// let counter = genserver::start::<Counter>(7).await?;
/// assert_eq!(sys::replace_state(&counter, |old| Counter(old.0 * 6)).await?, Counter(42));
/// # }
/// ```
pub fn replace_state<T, F>(server: &T, replace: F) -> SysRequest<T::Server>
where
    T: AsServer,
    T::Server: Clone,
    F: FnOnce(T::Server) -> T::Server + Send + 'static,
{
    SysRequest::typed("replace_state", server, |inspected| {
        let new = replace(inspected.server().clone());
        let answer = new.clone();
        let old = std::mem::replace(inspected.server(), new);
        // The new state is in place, so a panic in the drop of the old one is not a failure of the replacement.
        drop_caught(old);
        Ok(answer)
    })
}

/// Changes the state in place, and returns what `update` returns: [`replace_state`] for a state that is not `Clone`.
///
/// If `update` panics, the server lives on with the state as the panic left it, which may be half changed. Where that matters,
/// let `update` first do what can fail, or use [`replace_state`].
///
/// # Errors
///
/// [`SysError::CallbackFailed`](super::SysError::CallbackFailed) if `update` panics; otherwise like every request.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// use genserver::sys;
///
/// let counter = genserver::start::<Counter>(7).await?;
/// let before = sys::update_state(&counter, |counter| std::mem::take(&mut counter.0)).await?;
/// assert_eq!(before, 7);
/// # }
/// ```
#[doc(alias = "replace_state")]
pub fn update_state<T, R, F>(server: &T, update: F) -> SysRequest<R>
where
    T: AsServer,
    R: Send + 'static,
    F: FnOnce(&mut T::Server) -> R + Send + 'static,
{
    SysRequest::typed("update_state", server, |inspected| Ok(update(inspected.server())))
}

/// Makes the server hold back everything but the requests of this module and the order to stop, until
/// [`resume`].
///
/// It is not counted: a server that was suspended twice is resumed once. What arrives meanwhile keeps its order and its place
/// in the mailbox, and callers go on waiting until their timeouts.
///
/// # Errors
///
/// Like every request, if the server is not running, ends, or does not answer in time.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// use genserver::sys;
///
/// let counter = genserver::start::<Counter>(1).await?;
/// sys::suspend(&counter).await?;
/// counter.cast(Add(1))?;
/// assert_eq!(sys::get_status(&counter).await?.mailbox, 1, "it is held back");
/// sys::resume(&counter).await?;
/// assert_eq!(counter.call(Call::Get).await?, 2);
/// # }
/// ```
pub fn suspend<T: AsProcess>(server: &T) -> SysRequest<()> {
    SysRequest::untyped("suspend", server, |inspected| {
        inspected.suspend(true);
        Ok(())
    })
}

/// Lets a suspended server go on. It has no effect on a server that is not suspended.
///
/// # Errors
///
/// Like every request.
pub fn resume<T: AsProcess>(server: &T) -> SysRequest<()> {
    SysRequest::untyped("resume", server, |inspected| {
        inspected.suspend(false);
        Ok(())
    })
}

/// Returns the status of the server, with its state as its
/// [`format_status`](crate::GenServer::format_status) shows it.
///
/// # Errors
///
/// Like every request. A formatter that panics is not an error: a fixed text is shown in place of the state.
///
/// # Examples
///
/// ```
/// # use genserver::{Cx, GenServer, Init, Never, sys};
/// # use genserver_doc::quiet::*;
/// # genserver_doc::run! {
/// let quiet = genserver::start::<Quiet>(()).await?;
/// let status = sys::get_status(&quiet).await?;
/// assert_eq!(status.pid, quiet.pid());
/// assert!(status.state.ends_with("Quiet"));
/// # }
/// ```
pub fn get_status<T: AsProcess>(server: &T) -> SysRequest<Status> {
    SysRequest::untyped("get_status", server, |inspected| Ok(inspected.status()))
}

/// Orders the server to stop with `reason`, and returns without waiting for the end.
///
/// Unlike after [`stop`](crate::ServerRef::stop), terminate has not begun when this returns.
///
/// # Errors
///
/// Like every request.
pub fn terminate<T: AsProcess>(server: &T, reason: impl Into<Reason>) -> SysRequest<()> {
    let reason = reason.into();
    SysRequest::untyped("terminate", server, |inspected| {
        inspected.stop(reason);
        Ok(())
    })
}
