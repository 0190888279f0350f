//! Calls and casts to many servers at once.

use std::future::poll_fn;
use std::time::Duration;

use crate::client::as_server::{AsServer, CallOf, CastOf};
use crate::client::call::CallError;
use crate::client::cast::CastError;
use crate::client::request::{Deadline, Request, Requests};
use crate::client::server_ref::ServerRef;
use crate::node::current;
use crate::node::cut::poll_alive;
use crate::node::find_error::FindError;
use crate::server::GenServer;
use crate::server::caller::Caller;
use crate::values::pid::Pid;

/// Casts to each of these servers without waiting: OTP's `abcast`.
///
/// `make` makes the message for each, in order. Casts that could not be delivered come back, each with its server;
/// the list is empty if all were delivered. The servers may be references, names, or clients: see [`AsServer`].
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// let one = genserver::start::<Counter>(1).await?;
/// let two = genserver::start::<Counter>(2).await?;
/// let counters = [one, two];
/// let refused = genserver::cast_all(&counters, |_| Add(10));
/// assert!(refused.is_empty());
/// assert_eq!(counters[1].call(Call::Get).await?, 12);
/// # }
/// ```
#[doc(alias = "abcast")]
pub fn cast_all<T: AsServer>(
    servers: impl IntoIterator<Item = T>,
    mut make: impl FnMut(&T) -> CastOf<T>,
) -> Vec<CastError<CastOf<T>>> {
    let tell = |server: T| {
        let message = make(&server);
        server.cast(message).err()
    };
    servers.into_iter().filter_map(tell).collect()
}

/// The result of [`call_all`]: each server is in one of the lists, in the order of asking.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
#[doc(alias = "multi_call")]
pub struct Answers<R> {
    /// The servers that answered, with their answers.
    pub answered: Vec<(Pid, R)>,
    /// The servers that did not answer, with the errors.
    pub failed: Vec<(Pid, CallError)>,
}

impl<R> Answers<R> {
    /// Returns the answers if every server answered.
    ///
    /// # Errors
    ///
    /// The first failure, if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # genserver_doc::run! {
    /// use std::time::Duration;
    ///
    /// let one = genserver::start::<Counter>(1).await?;
    /// let two = genserver::start::<Counter>(2).await?;
    /// let counters = [one, two];
    /// let counts = genserver::call_all(&counters, Call::Get, Duration::from_secs(1)).await;
    /// assert_eq!(counts.all()?, [1, 2]);
    /// # }
    /// ```
    pub fn all(self) -> Result<Vec<R>, CallError> {
        match self.failed.into_iter().next() {
            Some((_, error)) => Err(error),
            None => Ok(self.answered.into_iter().map(|(_, answer)| answer).collect()),
        }
    }
}

impl<R> Default for Answers<R> {
    fn default() -> Self {
        Self { answered: Vec::new(), failed: Vec::new() }
    }
}

/// Calls all of these servers at once, and waits until each has answered or the deadline has come: OTP's `multi_call`.
///
/// The deadline applies to all. A server that has not answered by then, has ended or is not running is listed under `failed`;
/// an answer that comes later is dropped. The servers may be references, names, or clients: see [`AsServer`]. A name that is
/// not registered fails as [`Pid::NOBODY`].
///
/// # Cancel safety
///
/// Dropping it abandons the answers, but does not withdraw the requests.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// use std::time::Duration;
///
/// let one = genserver::start::<Counter>(1).await?;
/// let two = genserver::start::<Counter>(2).await?;
/// let counters = [one, two];
/// counters[0].stop().await?;
///
/// let counts = genserver::call_all(&counters, Call::Get, Duration::from_secs(1)).await;
/// assert_eq!(counts.answered, [(counters[1].pid(), 2)]);
/// assert_eq!(counts.failed[0].0, counters[0].pid());
/// # }
/// ```
#[doc(alias = "multi_call")]
pub async fn call_all<T: AsServer, R: Send + 'static>(
    servers: impl IntoIterator<Item = T>,
    make: impl FnMut(Caller<R>) -> CallOf<T>,
    deadline: impl Into<Deadline>,
) -> Answers<R> {
    poll_fn(poll_alive).await;
    let asked = ask_all(servers, make);
    gather(asked, deadline.into()).await
}

/// The servers that were asked, and those that could not be.
struct Asked<S: GenServer, R: Send + 'static> {
    members: Vec<Result<ServerRef<S>, FindError>>,
    /// Each request is labelled with the index of its member.
    requests: Requests<usize, R>,
}

/// Sends the requests.
fn ask_all<T: AsServer, R: Send + 'static>(
    servers: impl IntoIterator<Item = T>,
    mut make: impl FnMut(Caller<R>) -> CallOf<T>,
) -> Asked<T::Server, R> {
    let members: Vec<_> = servers.into_iter().map(|server| server.as_server()).collect();
    let ask = |member: &Result<ServerRef<T::Server>, FindError>| match member {
        Ok(server) if current::pid() == Some(server.pid()) => {
            Request::failed(CallError::CallingSelf { server: server.process().head.subject() })
        }
        Ok(server) => server.send_request(&mut make),
        Err(nobody) => Request::failed(nobody.clone().into()),
    };
    let requests = members.iter().map(ask).enumerate().collect();
    Asked { members, requests }
}

async fn gather<S: GenServer, R: Send + 'static>(asked: Asked<S, R>, deadline: Deadline) -> Answers<R> {
    let Asked { members, mut requests } = asked;
    // Without a server there is no answer to wait for, and so no clock to ask.
    let now = members.iter().flatten().next().map(|first| first.process().head.home.runtime().now());
    let until = now.map_or(Deadline::NEVER, |now| deadline.since(now));
    let mut answers: Vec<Option<Result<R, CallError>>> = members.iter().map(|_| None).collect();
    while let Ok((place, answer)) = requests.receive(until).await {
        answers[place] = Some(answer);
    }
    let mut sorted = Answers::default();
    for (member, answer) in members.iter().zip(answers) {
        let pid = member.as_ref().map_or(Pid::NOBODY, ServerRef::pid);
        match (answer, member) {
            (Some(Ok(answer)), _) => sorted.answered.push((pid, answer)),
            (Some(Err(error)), _) => sorted.failed.push((pid, error)),
            (None, Err(nobody)) => sorted.failed.push((pid, nobody.clone().into())),
            (None, Ok(server)) => {
                let after = now.map_or(Duration::ZERO, |now| until.after(now));
                let server = server.process().head.subject();
                sorted.failed.push((pid, CallError::Timeout { server, after }));
            }
        }
    }
    sorted
}
