//! One message for many servers.

use std::borrow::Borrow;

use crate::call::CallError;
use crate::caller::Caller;
use crate::cast::CastError;
use crate::current;
use crate::pid::Pid;
use crate::request::{Deadline, Request, Requests};
use crate::server::GenServer;
use crate::server_ref::ServerRef;

/// Tells every one of these servers something, and waits for none: OTP's `abcast`.
///
/// `make` makes the message for each, in order. What could not be delivered comes back, each with the server that did not take
/// it; the list is empty if all did.
///
/// # Examples
///
/// ```
/// # use genserver::{Caller, Cx, GenServer, Init, Next, Outcome};
/// # struct Lamp(bool);
/// # struct IsOn(Caller<bool>);
/// # #[derive(Clone, Copy)]
/// # enum Lit { On }
/// # impl GenServer for Lamp {
/// #     type Args = ();
/// #     type Call = IsOn;
/// #     type Cast = Lit;
/// #     type Info = genserver::Never;
/// #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Lamp(false)) }
/// #     async fn handle_call(&mut self, IsOn(caller): IsOn, _cx: &mut Cx<Self>) -> Outcome<Self> { Next::reply(caller, self.0) }
/// #     async fn handle_cast(&mut self, Lit::On: Lit, _cx: &mut Cx<Self>) -> Outcome<Self> { self.0 = true; Next::wait() }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let lamps = [genserver::start::<Lamp>(()).await?, genserver::start::<Lamp>(()).await?];
/// let refused = genserver::cast_all(&lamps, |_| Lit::On);
/// assert!(refused.is_empty());
/// assert!(lamps[0].call(IsOn).await? && lamps[1].call(IsOn).await?);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "abcast")]
pub fn cast_all<S: GenServer>(
    servers: impl IntoIterator<Item: Borrow<ServerRef<S>>>,
    mut make: impl FnMut(&ServerRef<S>) -> S::Cast,
) -> Vec<CastError<S::Cast>> {
    let mut tell = |server: &ServerRef<S>| server.cast(make(server)).err();
    servers.into_iter().filter_map(|server| tell(server.borrow())).collect()
}

/// What came of [`call_all`]: everybody who was asked is in one of the lists, in the order of asking.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// let counters = [genserver::start::<Counter>(1).await?, genserver::start::<Counter>(2).await?];
/// counters[0].stop().await?;
/// let counts = genserver::call_all(&counters, Call::Get, Duration::from_secs(1)).await;
/// assert_eq!(counts.answered, [(counters[1].pid(), 2)]);
/// assert_eq!(counts.failed[0].0, counters[0].pid());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
#[doc(alias = "multi_call")]
pub struct Answers<R> {
    /// Who answered, and what.
    pub answered: Vec<(Pid, R)>,
    /// Who did not, and why.
    pub failed: Vec<(Pid, CallError)>,
}

impl<R> Answers<R> {
    /// The answers alone, if everybody answered.
    ///
    /// # Errors
    ///
    /// The first failure, if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/counter.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let counters = [genserver::start::<Counter>(1).await?, genserver::start::<Counter>(2).await?];
    /// let counts = genserver::call_all(&counters, Call::Get, Duration::from_secs(1)).await;
    /// assert_eq!(counts.all()?, [1, 2]);
    /// # Ok(())
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

/// Asks all of these servers at once, and waits until each has answered or the deadline has come: OTP's `multi_call`.
///
/// The deadline is one for all. Whoever has not answered by then, has ended or is not running is in the list of those who
/// failed; an answer that comes later vanishes.
///
/// # Cancel safety
///
/// If it is dropped the answers are given up, never the requests.
///
/// # Examples
///
/// ```
/// # use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
/// # struct Voter(bool);
/// # struct Vote(Caller<bool>);
/// # impl GenServer for Voter {
/// #     type Args = bool;
/// #     type Call = Vote;
/// #     type Cast = Never;
/// #     type Info = Never;
/// #     async fn init(mind: bool, _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Voter(mind)) }
/// #     async fn handle_call(&mut self, Vote(caller): Vote, _cx: &mut Cx<Self>) -> Outcome<Self> { Next::reply(caller, self.0) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// let mut voters = Vec::new();
/// for mind in [true, false, true] {
///     voters.push(genserver::start::<Voter>(mind).await?);
/// }
/// voters[1].stop().await?;
///
/// let votes = genserver::call_all(&voters, Vote, Duration::from_secs(1)).await;
/// assert_eq!(votes.answered, [(voters[0].pid(), true), (voters[2].pid(), true)]);
/// assert_eq!(votes.failed[0].0, voters[1].pid());
/// # Ok(())
/// # }
/// ```
#[doc(alias = "multi_call")]
pub async fn call_all<S: GenServer, R: Send + 'static>(
    servers: impl IntoIterator<Item: Borrow<ServerRef<S>>>,
    make: impl FnMut(Caller<R>) -> S::Call,
    deadline: impl Into<Deadline>,
) -> Answers<R> {
    let (servers, requests) = ask_all(servers, make);
    gather(servers, requests, deadline.into()).await
}

/// Sends the requests, each labelled with its place.
fn ask_all<S: GenServer, R: Send + 'static>(
    servers: impl IntoIterator<Item: Borrow<ServerRef<S>>>,
    mut make: impl FnMut(Caller<R>) -> S::Call,
) -> (Vec<ServerRef<S>>, Requests<usize, R>) {
    let servers: Vec<ServerRef<S>> = servers.into_iter().map(|server| server.borrow().clone()).collect();
    let ask = |server: &ServerRef<S>| {
        if current::pid() == Some(server.pid()) {
            return Request::failed(CallError::CallingSelf { server: server.process().head.subject() });
        }
        server.send_request(&mut make)
    };
    let requests = servers.iter().map(ask).enumerate().collect();
    (servers, requests)
}

async fn gather<S: GenServer, R: Send + 'static>(
    servers: Vec<ServerRef<S>>,
    mut requests: Requests<usize, R>,
    deadline: Deadline,
) -> Answers<R> {
    let Some(first) = servers.first() else { return Answers::default() };
    let now = first.process().head.home.runtime().now();
    let until = deadline.since(now);
    let mut answers: Vec<Option<Result<R, CallError>>> = servers.iter().map(|_| None).collect();
    while let Ok((place, answer)) = requests.receive(until).await {
        answers[place] = Some(answer);
    }
    let mut sorted = Answers::default();
    for (server, answer) in servers.iter().zip(answers) {
        let head = &server.process().head;
        match answer.unwrap_or_else(|| Err(CallError::Timeout { server: head.subject(), after: until.after(now) })) {
            Ok(answer) => sorted.answered.push((head.pid, answer)),
            Err(error) => sorted.failed.push((head.pid, error)),
        }
    }
    sorted
}
