//! Agents by name: resolved at every use, so they survive restarts.

use std::fmt;
use std::future::poll_fn;

use super::{Agent, AgentServer, Function};
use crate::{AsProcess, AsServer, CallError, CastError, Name, Named, Pid, ProcessRef, ServerRef, StopError};

/// An agent by its name, looked up anew at every use: what [`Named`] is for servers.
///
/// It is valid before the agent starts, and goes on being valid when a supervisor has started it again. Made by
/// [`Agent::named`]; for a name in another node, from a [`Named`].
///
/// # Examples
///
/// ```
/// use genserver::agent::{Agent, NamedAgent};
/// use genserver::{CallError, Named, Node};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::new();
/// let counter: NamedAgent<u32> = Named::on(&node, "counter").into();
/// assert!(matches!(counter.get(|count| *count).await, Err(CallError::NoProc { .. })));
///
/// Agent::start(|| 7_u32).name("counter").on(&node).await?;
/// assert_eq!(counter.get(|count| *count).await?, 7);
/// # Ok(())
/// # }
/// ```
pub struct NamedAgent<S: Send + 'static> {
    named: Named<AgentServer<S>>,
}

impl<S: Send + 'static> NamedAgent<S> {
    /// The name.
    pub fn name(&self) -> &Name {
        self.named.name()
    }

    /// The agent that has the name now, for a call's options.
    ///
    /// # Errors
    ///
    /// [`CallError::NoProc`] if nobody has it, [`CallError::WrongServer`] if it is no agent with such a state.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use genserver::agent::Agent;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let started = Agent::start(|| 7_u32).name("asked in haste").await?;
    /// let counter = Agent::<u32>::named("asked in haste");
    /// let count = counter.resolve()?.get(|count| *count).timeout(Duration::from_millis(50)).await?;
    /// # assert_eq!(count, 7);
    /// # started.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "whereis")]
    pub fn resolve(&self) -> Result<Agent<S>, CallError> {
        self.named.resolve().map(Agent::from)
    }

    /// Shows the state to a function, and returns what that returns: see [`Agent::get`].
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve), and then as [`Agent::get`].
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::agent::Agent;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// Agent::start(|| vec!["eggs", "milk"]).name("read by name").await?;
    /// let list = Agent::<Vec<&str>>::named("read by name");
    /// assert_eq!(list.get(|items| items.contains(&"milk")).await?, true);
    /// # list.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get<R: Send + 'static>(
        &self,
        function: impl FnOnce(&S) -> R + Send + 'static,
    ) -> Result<R, CallError> {
        poll_fn(crate::poll_alive).await;
        self.resolve()?.get(function).await
    }

    /// Lets a function change the state, and waits until it has: see [`Agent::update`].
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::agent::Agent;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// Agent::start(|| 20).name("changed by name").await?;
    /// let number = Agent::<i32>::named("changed by name");
    /// number.update(|number| *number += 1).await?;
    /// assert_eq!(number.get(|number| *number).await?, 21);
    /// # number.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update(&self, function: impl FnOnce(&mut S) + Send + 'static) -> Result<(), CallError> {
        poll_fn(crate::poll_alive).await;
        self.resolve()?.update(function).await
    }

    /// Lets a function change the state, and returns what that returns: see [`Agent::get_and_update`].
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::agent::Agent;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// Agent::start(|| vec!["eggs", "milk"]).name("taken from by name").await?;
    /// let list = Agent::<Vec<&str>>::named("taken from by name");
    /// assert_eq!(list.get_and_update(Vec::pop).await?, Some("milk"));
    /// assert_eq!(list.get(Vec::len).await?, 1);
    /// # list.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_and_update<R: Send + 'static>(
        &self,
        function: impl FnOnce(&mut S) -> R + Send + 'static,
    ) -> Result<R, CallError> {
        poll_fn(crate::poll_alive).await;
        self.resolve()?.get_and_update(function).await
    }

    /// Lets a function change the state, and waits for nothing: see [`Agent::cast`].
    ///
    /// # Errors
    ///
    /// The function comes back if no such agent has the name, or its mailbox is full.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::agent::Agent;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let hits = Agent::<u64>::named("hits");
    /// assert!(hits.cast(|hits| *hits += 1).is_err(), "there is no such agent yet");
    ///
    /// Agent::start(|| 0_u64).name("hits").await?;
    /// hits.cast(|hits| *hits += 1)?;
    /// assert_eq!(hits.get(|hits| *hits).await?, 1);
    /// # hits.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cast(&self, function: impl FnOnce(&mut S) + Send + 'static) -> Result<(), CastError<Function<S>>> {
        self.named.cast(Function::quiet(function))
    }

    /// Stops the agent that has the name, with the reason `normal`: see [`Agent::stop`].
    ///
    /// # Errors
    ///
    /// As [`Agent::stop`]; [`StopError::NoProc`] if nobody has the name.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::StopError;
    /// use genserver::agent::Agent;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// Agent::start(|| 0).name("to be stopped").await?;
    /// let number = Agent::<i32>::named("to be stopped");
    /// number.stop().await?;
    /// assert!(matches!(number.stop().await, Err(StopError::NoProc { .. })));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stop(&self) -> Result<(), StopError> {
        self.named.stop().await
    }
}

impl<S: Send + 'static> From<Named<AgentServer<S>>> for NamedAgent<S> {
    fn from(named: Named<AgentServer<S>>) -> Self {
        Self { named }
    }
}

impl<S: Send + 'static> AsProcess for NamedAgent<S> {
    fn as_process(&self) -> Option<ProcessRef> {
        self.named.as_process()
    }

    fn pid_or_nobody(&self) -> Pid {
        self.named.pid_or_nobody()
    }
}

impl<S: Send + 'static> AsServer for NamedAgent<S> {
    type Server = AgentServer<S>;

    fn as_server(&self) -> Result<ServerRef<AgentServer<S>>, CallError> {
        self.named.resolve()
    }
}

impl<S: Send + 'static> Clone for NamedAgent<S> {
    fn clone(&self) -> Self {
        Self { named: self.named.clone() }
    }
}

impl<S: Send + 'static> fmt::Debug for NamedAgent<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NamedAgent({})", self.name())
    }
}
