//! The caller of a request, as the server sees it: where the answer goes.

use std::fmt;
use std::sync::Arc;

use crate::node::current;
use crate::node::record::{self, CallId, Event};
use crate::node::reply::{Slot, Unanswered};
use crate::values::pid::Pid;

/// The caller who waits for the answer to a call: OTP's `From`.
///
/// A server answers with [`Next::reply`](crate::Next::reply), or later and from anywhere with [`reply`](Caller::reply). A
/// `Caller` can be kept in the state, put into another message, or moved to a task. Answering consumes it, so there is no second
/// answer.
///
/// Dropping it without an answer fails the call: with [`CallError::NoReply`](crate::CallError::NoReply) if the server lives on,
/// with the exit reason if the callback that dropped it ends the server. The end of the server ends the call too, wherever the
/// `Caller` is kept.
///
/// # Examples
///
/// A server that answers once it has what was asked for:
///
/// ```
/// use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
///
/// #[derive(Default)]
/// struct Mailbox {
///     waiting: Vec<Caller<String>>,
/// }
/// struct Receive(Caller<String>);
/// struct Deliver(String);
///
/// impl GenServer for Mailbox {
///     type Args = ();
///     type Call = Receive;
///     type Cast = Deliver;
///     type Info = Never;
///
///     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
///         Init::Run(Self::default())
///     }
///
///     async fn handle_call(
///         &mut self,
///         Receive(caller): Receive,
///         _cx: &mut Cx<Self>,
///     ) -> Outcome<Self> {
///         self.waiting.push(caller);
///         Next::wait()
///     }
///
///     async fn handle_cast(
///         &mut self,
///         Deliver(letter): Deliver,
///         _cx: &mut Cx<Self>,
///     ) -> Outcome<Self> {
///         for caller in self.waiting.drain(..) {
///             caller.reply(letter.clone());
///         }
///         Next::wait()
///     }
/// }
///
/// # genserver_doc::run! {
/// let mailbox = genserver::start::<Mailbox>(()).await?;
/// let deliver = async { mailbox.cast(Deliver("hello".to_owned())) };
/// let (letter, delivered) = futures::join!(mailbox.call(Receive), deliver);
/// assert_eq!(letter?, "hello");
/// delivered?;
/// # }
/// ```
#[doc(alias = "from")]
#[must_use = "dropping a caller without an answer fails its call"]
pub struct Caller<R: Send + 'static> {
    /// Empty only after the answer was given.
    slot: Option<Arc<Slot<R>>>,
    call: CallId,
}

impl<R: Send + 'static> Caller<R> {
    pub(crate) fn new(slot: Arc<Slot<R>>) -> Self {
        Self { call: slot.call(), slot: Some(slot) }
    }

    /// Which call it belongs to.
    #[inline]
    pub(crate) fn id(&self) -> CallId {
        self.call
    }

    /// Answers the call, from any task or thread: OTP's `reply/2`.
    ///
    /// If the caller no longer waits, the answer is dropped.
    #[inline]
    pub fn reply(mut self, reply: R) {
        if let Some(slot) = self.slot.take() {
            slot.fill_for(self.call, Ok(reply));
        }
    }

    /// Returns whether the caller no longer waits: the call timed out or was dropped.
    ///
    /// # Examples
    ///
    /// A server that drops callers who gave up:
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # use std::time::Duration;
    /// # #[derive(Default)]
    /// # struct Queue(Vec<Caller<()>>);
    /// # enum Call { Wait(Caller<()>), Waiting(Caller<usize>) }
    /// # server! { Queue, Call, Never, Never;
    /// async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
    ///     self.0.retain(|caller| !caller.is_gone());
    ///     match call {
    ///         Call::Wait(caller) => self.0.push(caller),
    ///         Call::Waiting(caller) => caller.reply(self.0.len()),
    ///     }
    ///     Next::wait()
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let queue = genserver::start::<Queue>(()).await?;
    /// assert!(queue.call(Call::Wait).timeout(Duration::from_secs(1)).await.is_err());
    /// assert_eq!(queue.call(Call::Waiting).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_gone(&self) -> bool {
        self.slot.as_ref().is_none_or(|slot| slot.is_done())
    }

    /// The server that has to answer.
    pub fn server(&self) -> Option<Pid> {
        self.slot.as_ref().map(|slot| slot.home())
    }
}

// Inside a callback of the server that has to answer, the drop is only noted (rule 10 of `process::mail`); it is settled once
// it is known whether the server lives on. Anywhere else the call fails now, unless the server is just ending, in which case
// its reason follows.
impl<R: Send + 'static> Drop for Caller<R> {
    #[inline]
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            Self::forget(slot, self.call);
        }
    }
}

impl<R: Send + 'static> Caller<R> {
    #[cold]
    fn forget(slot: Arc<Slot<R>>, call: CallId) {
        let home = slot.home();
        record::note(|| Event::Unanswered { call, pid: home });
        if current::pid() == Some(home) {
            current::note_unanswered(home, slot);
        } else if !crate::node::is_ending(home) {
            slot.fill_for(call, Err(Unanswered::NoReply));
        }
    }
}

impl<R: Send + 'static> fmt::Debug for Caller<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("is_gone", &self.is_gone()).finish_non_exhaustive()
    }
}
