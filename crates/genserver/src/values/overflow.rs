//! What a server does with a message for which its mailbox has no room.

/// What becomes of a cast or a plain message for which a mailbox has no room: see [`Start::overflow`](crate::Start::overflow).
///
/// Calls and [`cast_wait`](crate::ServerRef::cast_wait) wait for room whatever this says, and signals (replies, exits, `Down`s,
/// timers, orders to stop, requests of [`sys`](crate::sys)) are never refused. Nothing is lost in silence: what is given back is
/// an error at its sender, what is dropped is counted in [`ProcessInfo::dropped`](crate::ProcessInfo::dropped) and
/// [reported](crate::report::Report::Overflowed).
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
/// let display = genserver::start::<Display>(()).mailbox(3).overflow(Overflow::DropOldest).await?;
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
    /// It comes back to its sender as [`CastError::Full`](crate::CastError::Full).
    #[default]
    GiveBack,
    /// It takes the place of the oldest cast or plain message that waits, which is dropped and counted.
    ///
    /// Never dropped are calls. If nothing but calls waits, the message comes back. Beyond that there are two limits: what a
    /// suspended server holds back is kept, and behind more than a thousand calls nobody looks for the oldest cast.
    DropOldest,
    /// The server ends, with [`Reason::Overloaded`](crate::Reason::Overloaded), as if by an exit signal of that reason.
    ///
    /// For a server that had better begin anew with an empty mailbox than work through a long one. What waits is dropped with it,
    /// callers get the reason, and terminate does not run.
    Stop,
}

/// How many messages a mailbox holds unless told otherwise.
pub const MAILBOX_DEFAULT: u32 = 65_536;
