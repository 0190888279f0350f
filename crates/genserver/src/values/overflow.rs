//! The overflow policy of a mailbox: what happens to a message that finds it full.

/// What happens to a cast or a plain message that finds the mailbox full: see [`Start::overflow`](crate::Start::overflow).
///
/// Calls and [`cast_wait`](crate::ServerRef::cast_wait) wait for space under every policy, and signals (replies, exits, `Down`s,
/// timers, orders to stop, requests of [`sys`](crate::sys)) are never refused. Nothing is lost silently: the sender of a message
/// that is given back gets an error, and a message that is dropped is counted in
/// [`ProcessInfo::dropped`](crate::ProcessInfo::dropped) and [reported](crate::report::Report::Overflowed).
///
/// To drop the newest instead of the oldest, ignore the error: `let _ = server.cast(..)`. It is counted in
/// [`ProcessInfo::refused`](crate::ProcessInfo::refused).
///
/// # Examples
///
/// A display that shows the latest measurements, and has no use for old ones:
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
/// # #[derive(Default)]
/// # struct Display(Vec<u32>);
/// # server! { Display, Caller<Vec<u32>>, u32, Never;
/// # async fn handle_call(&mut self, caller: Caller<Vec<u32>>, _cx: &mut Cx<Self>) -> Outcome<Self> { Next::reply(caller, self.0.clone()) }
/// # async fn handle_cast(&mut self, measured: u32, _cx: &mut Cx<Self>) -> Outcome<Self> { self.0.push(measured); Next::wait() }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let display = genserver::start::<Display>(()).mailbox(3).overflow(Overflow::DropOldest);
/// let display = display.await?;
/// for measured in 1..=10 {
///     display.cast(measured)?;
/// }
/// assert_eq!(display.info().dropped, 7);
/// assert_eq!(display.call(|caller| caller).await?, [8, 9, 10]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "backpressure")]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Overflow {
    /// The message comes back to its sender as [`CastError::Full`](crate::CastError::Full).
    #[default]
    GiveBack,
    /// The message replaces the oldest waiting cast or plain message, which is dropped and counted.
    ///
    /// Calls are never dropped. If only calls are waiting, the message comes back. There are two more limits: the messages
    /// that a suspended server holds back are kept, and the search for the oldest cast stops after a thousand calls.
    DropOldest,
    /// The server ends with [`Reason::Overloaded`](crate::Reason::Overloaded), as if by an exit signal of that reason.
    ///
    /// Use it for a server that should start again with an empty mailbox rather than work through a long one. The waiting
    /// messages are dropped, callers get the reason, and terminate does not run.
    Stop,
}

/// How many messages a mailbox holds by default.
pub const MAILBOX_DEFAULT: u32 = 65_536;
