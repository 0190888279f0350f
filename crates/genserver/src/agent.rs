//! Agents: processes that hold a value, and run the functions that clients send.
//!
//! ```
//! use genserver::agent::Agent;
//!
//! # genserver_doc::run! {
//! let list = Agent::start(Vec::new).await?;
//! list.update(|items| items.push("eggs")).await?;
//! assert_eq!(list.get(|items| items.clone()).await?, ["eggs"]);
//! # }
//! ```
//!
//! An agent is the smallest server: it has a state and no messages of its own. A client sends a function, the agent
//! runs it on its state, and sends back the result. It has everything that a process has: a name, links, monitors, a place under
//! a supervisor, an end that others are told of. But it cannot receive messages: it takes no `Down`s and no timers. If you need
//! them, write a [`GenServer`](crate::GenServer).
//!
//! # Reading and changing
//!
//! [`get`](Agent::get) passes the state to a function, [`update`](Agent::update) lets a function change it, and
//! [`get_and_update`](Agent::get_and_update) does both. [`cast`](Agent::cast) changes the state without waiting. The first
//! three are calls: they wait five seconds by default, and end with a [`CallError`](crate::CallError) if there is no
//! answer.
//!
//! ```
//! use std::time::Duration;
//! use genserver::agent::Agent;
//!
//! # genserver_doc::run! {
//! let stack = Agent::start(|| vec![1, 2, 3]).await?;
//! assert_eq!(stack.get_and_update(|items| items.pop()).await?, Some(3));
//! stack.cast(|items| items.clear())?;
//! assert_eq!(stack.get(|items| items.len()).timeout(Duration::from_secs(1)).await?, 0);
//! stack.stop().await?;
//! # }
//! ```
//!
//! # The client side and the agent side
//!
//! The function runs in the agent. It has to own what it needs, and cannot borrow from the caller:
//!
//! ```
//! use std::collections::HashMap;
//! use genserver::agent::{Agent, AgentServer};
//! use genserver::{CallError, ServerRef, Start};
//!
//! /// `KV.Bucket`
//! #[derive(Clone, Debug)]
//! pub struct Bucket(Agent<HashMap<String, i64>>);
//!
//! impl Bucket {
//!     pub fn start() -> Start<AgentServer<HashMap<String, i64>>, Self> {
//!         Agent::start(HashMap::new).handle()
//!     }
//!
//!     pub async fn get(&self, key: &str) -> Result<Option<i64>, CallError> {
//!         // This runs in the client.
//!         let key = key.to_owned();
//!         self.0.get(move |items| {
//!             // This runs in the agent.
//!             items.get(&key).copied()
//!         })
//!         .await
//!         // This runs in the client again.
//!     }
//!
//!     pub async fn put(&self, key: &str, value: i64) -> Result<(), CallError> {
//!         let key = key.to_owned();
//!         self.0.update(move |items| {
//!             items.insert(key, value);
//!         })
//!         .await
//!     }
//!
//!     pub async fn delete(&self, key: &str) -> Result<Option<i64>, CallError> {
//!         let key = key.to_owned();
//!         self.0.get_and_update(move |items| items.remove(&key)).await
//!     }
//! }
//!
//! /// Lets a start return a `Bucket`: see [`Start::handle`].
//! impl From<ServerRef<AgentServer<HashMap<String, i64>>>> for Bucket {
//!     fn from(server: ServerRef<AgentServer<HashMap<String, i64>>>) -> Self {
//!         Bucket(server.into())
//!     }
//! }
//!
//! # genserver_doc::run! {
//! let shopping = Bucket::start().name("shopping").await?;
//! shopping.put("milk", 3).await?;
//! assert_eq!(shopping.get("milk").await?, Some(3));
//! assert_eq!(shopping.delete("milk").await?, Some(3));
//! assert_eq!(shopping.get("milk").await?, None);
//! # }
//! ```
//!
//! # Slow functions
//!
//! While a function runs, the agent does nothing else, so all other clients wait. A function that computes for long also
//! occupies the thread, and if the agent was idle, that is the thread of the caller. So copy out what is needed, compute in the
//! client, and put the result back:
//!
//! ```
//! # use genserver::agent::Agent;
//! # fn expensive(numbers: &[u64]) -> u64 { numbers.iter().sum() }
//! # genserver_doc::run! {
//! # let numbers = Agent::start(|| vec![1, 2, 3]).await?;
//! // All clients wait for this:
//! let sum = numbers.get(|numbers| expensive(numbers)).await?;
//!
//! // No other client waits for this:
//! let copy = numbers.get(|numbers| numbers.clone()).await?;
//! let sum = expensive(&copy);
//! # assert_eq!(sum, 6);
//! # }
//! ```
//!
//! A value that is read often and changed rarely is cheap to copy out as an `Arc`. If a function has to be slow, start the agent
//! with [`inline(false)`](Start::inline): then the function runs on a task of its own. A call that has timed out is not
//! withdrawn: its function still runs when its turn comes.
//!
//! # A function that panics
//!
//! The agent ends, with the panic as its reason, and the state is lost. The caller gets the reason in a
//! [`CallError::Exit`](crate::CallError::Exit), and so do all callers that were waiting; nothing unwinds into them. Links and
//! monitors are notified as usual. If the function of a start panics, the start fails.
//!
//! # When (not) to use an agent
//!
//! Whatever a function in an agent does, it can do under a lock too, and a lock is faster. **If state only has to be shared, use
//! a [`Mutex`](std::sync::Mutex)**: for a map of statistics, a cache, a counter that several tasks increase.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//!
//! let hits = Arc::new(Mutex::new(0_u64));
//! *hits.lock().expect("no code panics under it") += 1;
//! # assert_eq!(*hits.lock().expect("no code panics under it"), 1);
//! ```
//!
//! On one thread of an AMD EPYC, reading a number takes 6 nanoseconds behind a mutex of `parking_lot`, 23 behind Tokio's mutex, 55
//! in an agent, and 116 in a hand-written actor with a channel: medians of one client, measured by
//!
//! ```text
//! cargo xtask bench --only "get, 1 client"
//! ```
//!
//! Use an agent for state with a lifecycle: others find it by name or monitor it, and when it crashes, it crashes alone and
//! starts afresh under a supervisor instead of being poisoned. A call to an idle agent runs on the caller's own task, so
//! this costs no task switch.
//!
//! Every function can do everything with the state, so its rules are spread over all the places that write one. Keep
//! them together in one client type, like `Bucket` above. When the rules grow, when the state must react to the end of
//! another process, or when something has to happen later, write a [`GenServer`](crate::GenServer): its messages say what can be
//! done.

use std::fmt;
use std::marker::PhantomData;

use crate::{
    AsProcess, AsServer, Call, Caller, CastError, FindError, Lookup, Name, Named, Pid, ProcessRef, ServerRef, Start,
    Stop, WaitForServer,
};

// The server behind the handle.
mod server;

pub use server::{AgentServer, Function};

/// A call in progress to an agent that `T` refers to: see [`Call`].
pub type AgentCall<'a, T, R, F> = Call<Lookup<'a, T>, R, F>;

/// An agent: see the [module](self).
///
/// It is cheap to clone and can be sent and shared, whatever the type of the state. It does not keep the agent alive, and
/// dropping it does not end the agent.
///
/// `T` says how the agent is found. A start returns a reference to one process. [`named`](Agent::named) makes one that looks a
/// name up at every use, and `From` makes one of anything else that refers to a server, such as a
/// [`ChildRef`](crate::supervisor::ChildRef). Those can be made before the agent starts, and reach its successor after a
/// restart.
///
/// # Examples
///
/// ```
/// use genserver::agent::Agent;
///
/// # genserver_doc::run! {
/// let groceries = Agent::<Vec<&str>, _>::named("groceries");
///
/// let first = Agent::start(|| vec!["eggs"]).name("groceries").await?;
/// assert_eq!(groceries.get(Vec::len).await?, 1);
/// first.stop().await?;
///
/// let second = Agent::start(Vec::<&str>::new).name("groceries").await?;
/// assert_eq!(groceries.get(Vec::len).await?, 0);
/// # second.stop().await?;
/// # }
/// ```
pub struct Agent<S: Send + 'static, T = ServerRef<AgentServer<S>>> {
    server: T,
    state: PhantomData<fn(S)>,
}

impl<S: Send + 'static> Agent<S> {
    /// Starts an agent with the state that `first` returns: OTP's `Agent.start/2`.
    ///
    /// `first` runs in the new process, and the start waits for it. This returns a builder; set options and await it.
    ///
    /// # Errors
    ///
    /// The awaited start returns a [`StartError`](crate::StartError): [`Failed`](crate::StartError::Failed) if `first` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::StartError;
    /// use genserver::agent::Agent;
    ///
    /// # genserver_doc::run! {
    /// let shopping = Agent::start(Vec::<String>::new).name("shopping").await?;
    /// assert_eq!(shopping.name(), Some(&"shopping".into()));
    ///
    /// let failed = Agent::<u8>::start(|| panic!("no paper")).await.unwrap_err();
    /// let StartError::Failed { reason, .. } = failed else { unreachable!() };
    /// assert_eq!(reason.to_string(), "panicked: no paper");
    /// # shopping.stop().await?;
    /// # }
    /// ```
    pub fn start(first: impl FnOnce() -> S + Send + 'static) -> Start<AgentServer<S>, Self> {
        crate::start::<AgentServer<S>>(Box::new(first)).handle()
    }

    /// Starts an agent linked to the process that runs on this thread: OTP's `Agent.start_link/2`.
    ///
    /// # Errors
    ///
    /// As [`start`](Agent::start); and [`StartError::NotAProcess`](crate::StartError::NotAProcess) from plain code.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::Probe;
    /// use genserver::agent::Agent;
    ///
    /// # genserver_doc::run! {
    /// let shell = Probe::<()>::new();
    /// let agent = shell.scope(async { Agent::start_link(|| 0).await }).await?;
    /// assert_eq!(agent.server().info().links, [shell.pid()]);
    /// # }
    /// ```
    pub fn start_link(first: impl FnOnce() -> S + Send + 'static) -> Start<AgentServer<S>, Self> {
        Self::start(first).link()
    }

    /// Returns the agent with that name. The name is looked up at every use.
    ///
    /// The name is one of the current [`Node`](crate::Node); for another node's, use `Agent::from(Named::on(&node, name))`.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::agent::Agent;
    ///
    /// # genserver_doc::run! {
    /// Agent::start(Vec::<&str>::new).name("to do").await?;
    ///
    /// let to_do = Agent::<Vec<&str>>::named("to do");
    /// to_do.update(|items| items.push("eggs")).await?;
    /// assert_eq!(to_do.get(|items| items.len()).await?, 1);
    /// # to_do.stop().await?;
    /// # }
    /// ```
    pub fn named(name: impl Into<Name>) -> Agent<S, Named<AgentServer<S>>> {
        Named::new(name).into()
    }
}

impl<S: Send + 'static, T: AsServer<Server = AgentServer<S>>> Agent<S, T> {
    /// Passes the state to a function, and returns the function's result: OTP's `Agent.get/2,3`.
    ///
    /// The function runs in the agent. This returns a call, which is sent when it is awaited and waits five seconds; see
    /// [`timeout`](Call::timeout), [`no_timeout`](Call::no_timeout) and, on a thread that runs no tasks,
    /// [`blocking`](Call::blocking).
    ///
    /// # Errors
    ///
    /// The awaited call returns a [`CallError`](crate::CallError): the agent is not running, ended (as it does if the function
    /// panics), did not handle the call in time, or is the calling process itself.
    ///
    /// # Cancel safety
    ///
    /// Dropping the call abandons the answer. Once the call was sent, the function runs.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::CallError;
    /// use genserver::agent::Agent;
    ///
    /// # genserver_doc::run! {
    /// let agent = Agent::start(|| [1, 2, 3]).await?;
    /// assert_eq!(agent.get(|numbers| numbers[1]).await?, 2);
    ///
    /// let failed = agent.get(|numbers| numbers[numbers.len()]).await;
    /// assert!(matches!(failed, Err(CallError::Exit { .. })));
    /// assert!(!agent.is_alive());
    /// # }
    /// ```
    pub fn get<R, F>(&self, function: F) -> AgentCall<'_, T, R, impl FnOnce(Caller<R>) -> Function<S> + use<S, T, R, F>>
    where
        R: Send + 'static,
        F: FnOnce(&S) -> R + Send + 'static,
    {
        self.get_and_update(move |state| function(state))
    }

    /// Lets a function change the state, and waits until that is done: OTP's `Agent.update/2,3`.
    ///
    /// # Errors
    ///
    /// As [`get`](Agent::get).
    ///
    /// # Cancel safety
    ///
    /// As [`get`](Agent::get).
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::agent::Agent;
    ///
    /// # genserver_doc::run! {
    /// let agent = Agent::start(|| 20).await?;
    /// agent.update(|number| *number += 1).await?;
    /// agent.update(|number| *number *= 2).await?;
    /// assert_eq!(agent.get(|number| *number).await?, 42);
    /// # }
    /// ```
    pub fn update<F>(&self, function: F) -> AgentCall<'_, T, (), impl FnOnce(Caller<()>) -> Function<S> + use<S, T, F>>
    where
        F: FnOnce(&mut S) + Send + 'static,
    {
        self.get_and_update(function)
    }

    /// Lets a function change the state, and returns the function's result: OTP's `Agent.get_and_update/2,3`.
    ///
    /// # Errors
    ///
    /// As [`get`](Agent::get).
    ///
    /// # Cancel safety
    ///
    /// As [`get`](Agent::get).
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::agent::Agent;
    ///
    /// # genserver_doc::run! {
    /// let tickets = Agent::start(|| 1..).await?;
    /// assert_eq!(tickets.get_and_update(Iterator::next).await?, Some(1));
    /// assert_eq!(tickets.get_and_update(Iterator::next).await?, Some(2));
    /// # }
    /// ```
    pub fn get_and_update<R, F>(
        &self,
        function: F,
    ) -> AgentCall<'_, T, R, impl FnOnce(Caller<R>) -> Function<S> + use<S, T, R, F>>
    where
        R: Send + 'static,
        F: FnOnce(&mut S) -> R + Send + 'static,
    {
        AsServer::call(&self.server, move |caller| Function::answering(caller, function))
    }

    /// Lets a function change the state, without waiting: OTP's `Agent.cast/2`.
    ///
    /// `Ok` does not mean that the function runs: the agent may end first.
    ///
    /// # Errors
    ///
    /// The function comes back if the agent has ended or its mailbox is full. OTP returns `ok` in both cases; for that, write
    /// `let _ = agent.cast(..)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::agent::Agent;
    ///
    /// # genserver_doc::run! {
    /// let agent = Agent::start(|| 0).mailbox(1).await?;
    /// agent.cast(|number| *number += 1)?;
    ///
    /// let refused = agent.cast(|number| *number += 1).unwrap_err();
    /// agent.server().cast_wait(refused.into_inner()).await?;
    /// assert_eq!(agent.get(|number| *number).await?, 2);
    /// # }
    /// ```
    pub fn cast(&self, function: impl FnOnce(&mut S) + Send + 'static) -> Result<(), CastError<Function<S>>> {
        self.server.cast(Function::quiet(function))
    }

    /// Stops the agent with the reason `normal`, and waits until all its watchers have been notified: OTP's `Agent.stop/1,3`.
    ///
    /// The order waits its turn after the functions in the mailbox. See [`ServerRef::stop`].
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it does not withdraw the order.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::agent::Agent;
    ///
    /// # genserver_doc::run! {
    /// let agent = Agent::start(|| 0).await?;
    /// agent.stop().await?;
    /// assert!(!agent.is_alive());
    /// # }
    /// ```
    pub fn stop(&self) -> Stop<Lookup<'_, T, ProcessRef>> {
        AsServer::stop(&self.server)
    }

    /// What the agent is found by. It is a server, so [`sys`](crate::sys), exits, and all else that a server can do work with
    /// it.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::agent::{Agent, AgentServer};
    /// use genserver::sys;
    ///
    /// # genserver_doc::run! {
    /// let agent = Agent::start(|| 20).await?;
    /// sys::replace_state(agent.server(), |AgentServer(number)| AgentServer(number + 1)).await?;
    /// assert_eq!(agent.get(|number| *number).await?, 21);
    /// # }
    /// ```
    pub fn server(&self) -> &T {
        &self.server
    }
}

impl<S: Send + 'static> Agent<S> {
    /// The pid.
    pub fn pid(&self) -> Pid {
        self.server.pid()
    }

    /// The name it was started with, if any.
    pub fn name(&self) -> Option<&Name> {
        self.server.name()
    }

    /// Returns whether it takes functions. False from the moment its end begins.
    pub fn is_alive(&self) -> bool {
        self.server.is_alive()
    }

    /// An untyped reference to the agent.
    pub fn process_ref(&self) -> ProcessRef {
        self.server.process_ref()
    }
}

impl<S: Send + 'static, T: AsServer<Server = AgentServer<S>>> From<T> for Agent<S, T> {
    fn from(server: T) -> Self {
        Self { server, state: PhantomData }
    }
}

impl<S: Send + 'static, T: AsProcess> AsProcess for Agent<S, T> {
    fn as_process(&self) -> Option<ProcessRef> {
        self.server.as_process()
    }

    fn pid_or_nobody(&self) -> Pid {
        self.server.pid_or_nobody()
    }
}

impl<S: Send + 'static, T: AsServer<Server = AgentServer<S>>> AsServer for Agent<S, T> {
    type Server = AgentServer<S>;

    fn as_server(&self) -> Result<ServerRef<AgentServer<S>>, FindError> {
        self.server.as_server()
    }

    fn wait_for_server(&self) -> Option<WaitForServer<'_, AgentServer<S>>> {
        self.server.wait_for_server()
    }

    fn find_any_process(&self) -> Result<ProcessRef, FindError> {
        self.server.find_any_process()
    }
}

impl<S: Send + 'static, T: Clone> Clone for Agent<S, T> {
    fn clone(&self) -> Self {
        Self { server: self.server.clone(), state: PhantomData }
    }
}

/// Two agents are equal if their references are: two `ServerRef`s are if they refer to one process.
impl<S: Send + 'static, T: PartialEq> PartialEq for Agent<S, T> {
    fn eq(&self, other: &Self) -> bool {
        self.server == other.server
    }
}

impl<S: Send + 'static, T: Eq> Eq for Agent<S, T> {}

impl<S: Send + 'static, T: fmt::Debug> fmt::Debug for Agent<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Agent").field(&self.server).finish()
    }
}
