//! The server behind an agent: its state, and its messages, which are functions.

use std::fmt;

use crate::{Caller, Cx, GenServer, Init, Never, Next, Outcome};

/// The server of an [`Agent`](super::Agent), with its state.
///
/// Use it where an agent is a server: [`sys::get_state`](crate::sys::get_state) and similar functions return it, a
/// supervisor's child may name it, and `probe.start_link::<AgentServer<u8>>(Box::new(|| 0))` starts one.
///
/// # Examples
///
/// ```
/// use genserver::agent::{Agent, AgentServer};
/// use genserver::supervisor::{ChildRef, ChildSpec, Supervisor};
/// use genserver::sys;
///
/// struct Shop {
///     stock: ChildRef<AgentServer<u32>, Agent<u32>>,
/// }
///
/// # genserver_doc::run! {
/// let stock = ChildSpec::server("stock", || Agent::start_link(|| 12));
/// let shop = Shop { stock: stock.reference() };
/// let supervisor = Supervisor::one_for_one().child(stock).start().await?;
///
/// let stock = shop.stock.current()?;
/// stock.update(|pieces| *pieces -= 2).await?;
/// assert_eq!(sys::get_state(stock.server()).await?, AgentServer(10));
/// # supervisor.stop().await?;
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentServer<S>(
    /// The state.
    pub S,
);

/// A function on its way to an agent: the message that [`Agent::get`](super::Agent::get), [`Agent::cast`](super::Agent::cast)
/// and similar functions send.
///
/// One box holds the function, its captures, and the destination of the answer.
pub struct Function<S: Send + 'static>(Run<S>);

type Run<S> = Box<dyn FnOnce(&mut S) -> Outcome<AgentServer<S>> + Send>;

impl<S: Send + 'static> Function<S> {
    /// A function whose result is the answer to a call. If it panics, its caller is dropped and so gets the reason.
    pub(super) fn answering<R: Send + 'static>(
        caller: Caller<R>,
        function: impl FnOnce(&mut S) -> R + Send + 'static,
    ) -> Self {
        Self(Box::new(move |state| {
            let answer = function(state);
            Next::reply(caller, answer)
        }))
    }

    /// A function whose result is not awaited.
    pub(super) fn quiet(function: impl FnOnce(&mut S) + Send + 'static) -> Self {
        Self(Box::new(move |state| {
            function(state);
            Next::wait()
        }))
    }
}

impl<S: Send + 'static> fmt::Debug for Function<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").finish_non_exhaustive()
    }
}

impl<S: Send + 'static> GenServer for AgentServer<S> {
    type Args = Box<dyn FnOnce() -> S + Send>;
    type Call = Function<S>;
    type Cast = Function<S>;
    type Info = Never;

    async fn init(first: Self::Args, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(first()))
    }

    async fn handle_call(&mut self, Function(run): Function<S>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        run(&mut self.0)
    }

    async fn handle_cast(&mut self, Function(run): Function<S>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        run(&mut self.0)
    }
}
