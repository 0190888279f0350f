//! Calls: asking a server, and waiting for its answer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::caller::Caller;
use crate::current;
use crate::deadlock::{self, Watch};
use crate::process::{Envelope, Line, Parcel, Refused, Sent, Subject, parcel};
use crate::reason::Reason;
use crate::reply::{Answer, Lane, Slot, Unanswered, erased};
use crate::server::GenServer;
use crate::server_ref::ServerRef;

/// OTP's default: a call waits five seconds.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a call has no answer: one variant for each thing a caller can do about it.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genserver::CallError;
///
/// let counter = genserver::start::<Counter>(1).await?;
/// counter.stop().await?;
/// match counter.call(Call::Get).await {
///     Err(CallError::NoProc { server }) => println!("{server} has to be started again"),
///     other => panic!("{other:?}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No answer came in time. The request is not withdrawn: the server may still carry it out.
    #[error(
        "{server} did not answer within {after:?}; it may still carry the request out: ask it again, or allow the call more time with `timeout`"
    )]
    Timeout {
        /// Who was called.
        server: Subject,
        /// How long was waited.
        after: Duration,
    },
    /// There is no such process: it had ended before the call, or nobody has the name.
    #[error("{server} is not running, so the request was not carried out; start it, or look it up again")]
    #[doc(alias = "noproc")]
    NoProc {
        /// Who was called.
        server: Subject,
    },
    /// The server ended before it answered.
    #[error("{server} ended before it answered: {reason}; whether it carried the request out is not known")]
    Exit {
        /// Who was called.
        server: Subject,
        /// Why it ended.
        reason: Reason,
    },
    /// The server lives, but dropped the caller without an answer.
    #[error(
        "{server} dropped the caller without an answer; one of its callbacks forgets to reply, or gave up what was asked: look for its reports"
    )]
    NoReply {
        /// Who was called.
        server: Subject,
    },
    /// The mailbox was full for as long as the call could wait. The request was not taken.
    #[error(
        "the mailbox of {server} stayed full for {after:?}, so the request was not taken; send less, or give it a larger mailbox"
    )]
    Overloaded {
        /// Who was called.
        server: Subject,
        /// How long was waited for room.
        after: Duration,
    },
    /// A process called itself, and would have waited for ever.
    #[error("{server} called itself; a callback has the state at hand, so use it directly, or `cast` to itself")]
    #[doc(alias = "calling_self")]
    CallingSelf {
        /// Who was called.
        server: Subject,
    },
    /// The call would have closed a circle of processes that all wait for one another. The request is withdrawn, unless the
    /// server has begun with it.
    #[error(
        "{server} waits for this process, so the call would never be answered: {}; let one of them `cast`, or keep its `Caller` and answer later",
        deadlock::Arrows(cycle)
    )]
    Cycle {
        /// Who was called.
        server: Subject,
        /// The circle: who called, who was called, and on to the one that waits for who called.
        cycle: Vec<Subject>,
    },
    /// A call that blocks its thread was made on one that runs tasks, where the answer might never come.
    #[error(
        "{server} was called with `call_blocking` on a thread that runs tasks; use `call` and `.await` here, or a thread of its own"
    )]
    WouldBlock {
        /// Who was called.
        server: Subject,
    },
    /// The name belongs to a server of another type.
    #[error("{server} is a {found}, not a {wanted}; the name belongs to another server than you expect")]
    WrongServer {
        /// Who was called.
        server: Subject,
        /// The type of the server that has the name.
        found: &'static str,
        /// The type that was called.
        wanted: &'static str,
    },
}

impl CallError {
    /// Who was called.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// counter.stop().await?;
    /// let error = counter.call(Call::Get).await.unwrap_err();
    /// assert_eq!(error.server().pid, counter.pid());
    /// # Ok(())
    /// # }
    /// ```
    pub fn server(&self) -> &Subject {
        match self {
            Self::Timeout { server, .. }
            | Self::NoProc { server }
            | Self::Exit { server, .. }
            | Self::NoReply { server }
            | Self::Overloaded { server, .. }
            | Self::CallingSelf { server }
            | Self::Cycle { server, .. }
            | Self::WouldBlock { server }
            | Self::WrongServer { server, .. } => server,
        }
    }
}

/// A call under way, made by [`ServerRef::call`].
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// let counter = genserver::start::<Counter>(1).await?;
/// let call = counter.call(Call::Get).timeout(Duration::from_secs(1));
/// counter.cast(Add(1))?;
/// // The call is sent here, behind the cast.
/// assert_eq!(call.await?, 2);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is sent until the call is awaited"]
pub struct Call<'a, S: GenServer, R: Send + 'static, F> {
    server: &'a ServerRef<S>,
    make: Option<F>,
    timeout: Option<Duration>,
    stage: Stage<S, R>,
    deadline: Option<Instant>,
    allows_cycle: bool,
}

enum Stage<S: GenServer, R> {
    Unsent,
    /// The mailbox was full. Boxed, so that every other call stays small.
    NoRoom(Box<NoRoom<S, R>>),
    Sent(Arc<Slot<R>>, Watch),
}

/// A request that waits for room in a full mailbox.
struct NoRoom<S: GenServer, R> {
    call: Parcel<S>,
    slot: Arc<Slot<R>>,
    line: Option<Line<S>>,
}

impl<'a, S: GenServer, R: Send + 'static, F> Call<'a, S, R, F> {
    pub(crate) fn new(server: &'a ServerRef<S>, make: F) -> Self {
        Self {
            server,
            make: Some(make),
            timeout: Some(CALL_TIMEOUT),
            stage: Stage::Unsent,
            deadline: None,
            allows_cycle: false,
        }
    }

    /// Waits for so long instead of five seconds, on the clock of the server's runtime. The time for room in a full mailbox is
    /// part of it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let counter = genserver::start::<Counter>(1).await?;
    /// assert_eq!(counter.call(Call::Get).timeout(Duration::from_millis(100)).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Waits for as long as the server lives: OTP's `infinity`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let counter = genserver::start::<Counter>(1).await?;
    /// assert_eq!(counter.call(Call::Get).no_timeout().await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "infinity")]
    pub fn no_timeout(mut self) -> Self {
        self.timeout = None;
        self
    }

    /// Waits even if that closes a circle of processes that wait for one another.
    ///
    /// Without this, such a call fails with [`CallError::Cycle`]. It is for a callback that waits for several things at once, of
    /// which another will come.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
    /// # struct Greeter;
    /// # impl GenServer for Greeter {
    /// #     type Args = ();
    /// #     type Call = Caller<&'static str>;
    /// #     type Cast = Never;
    /// #     type Info = Never;
    /// #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Greeter) }
    /// #     async fn handle_call(&mut self, caller: Caller<&'static str>, _cx: &mut Cx<Self>) -> Outcome<Self> {
    /// #         Next::reply(caller, "hello")
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let greeter = genserver::start::<Greeter>(()).await?;
    /// assert_eq!(greeter.call(|caller| caller).allow_cycle().await?, "hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_cycle(mut self) -> Self {
        self.allows_cycle = true;
        self
    }

    pub(crate) fn server(&self) -> &ServerRef<S> {
        self.server
    }

    fn subject(&self) -> Subject {
        self.server.process().head.subject()
    }

    fn after(&self) -> Duration {
        self.timeout.unwrap_or_default()
    }

    /// What an answer that is none means to the caller.
    fn error(&self, why: Unanswered) -> CallError {
        let server = self.subject();
        match why {
            Unanswered::Exit(reason) => CallError::Exit { server, reason },
            Unanswered::Timeout => CallError::Timeout { server, after: self.after() },
            Unanswered::Cycle(circle) => CallError::cycle(server, &circle),
            // The server may have ended between the drop of the caller and now; then its reason says more.
            Unanswered::NoReply => match self.server.process().ended_with() {
                Some(reason) => CallError::Exit { server, reason },
                None => CallError::NoReply { server },
            },
        }
    }
}

/// Nothing in a call is ever pinned: what is polled lies in the server.
impl<S: GenServer, R: Send + 'static, F> Unpin for Call<'_, S, R, F> {}

impl<S, R, F> Call<'_, S, R, F>
where
    S: GenServer,
    R: Send + 'static,
    F: FnOnce(Caller<R>) -> S::Call,
{
    /// Sends the request, and runs the server if it is idle and the thread is one of its runtime. The answer, if it is there.
    #[inline]
    fn send(&mut self, cx: &mut Context<'_>) -> Poll<Result<R, CallError>> {
        let process = self.server.process();
        if current::pid() == Some(process.head.pid) {
            return Poll::Ready(Err(CallError::CallingSelf { server: self.subject() }));
        }
        let runtime = process.head.home.runtime();
        let inline = runtime.is_current();
        if inline {
            ready!(runtime.poll_budget(cx));
        }
        let Some(make) = self.make.take() else { return Poll::Pending };
        if !inline {
            let slot = Arc::new(Slot::new(process.head.pid));
            let mut call = parcel(Envelope::Call(make(Caller::new(Arc::clone(&slot))), None));
            let sent = process.send_call(&mut call, || Some(erased(&slot)), inline);
            return self.note_sent(sent, call, slot);
        }
        let (lane, twin) = Lane::new(process.head.pid);
        let mut call = parcel(Envelope::Call(make(Caller::new(twin)), None));
        let (sent, answer) = lane.run(|| process.send_call(&mut call, Lane::<R>::open_slot, inline));
        match answer {
            Answer::Here(answer) => Poll::Ready(Ok(answer)),
            Answer::Awaited(slot) => self.note_sent(sent, call, slot),
            Answer::Lost => Poll::Ready(Err(CallError::NoReply { server: self.subject() })),
        }
    }

    /// Goes by what became of the message.
    fn note_sent(
        &mut self,
        sent: Result<Sent, Refused>,
        call: Parcel<S>,
        slot: Arc<Slot<R>>,
    ) -> Poll<Result<R, CallError>> {
        let process = self.server.process();
        let now = process.head.home.runtime().now();
        match sent {
            Ok(Sent::Ran) => {
                if !process.await_answer(erased(&slot), now) {
                    // The server ended with this very call: the slot may not know why yet.
                    slot.fill(Err(Unanswered::Exit(process.ended_with().unwrap_or(Reason::NoProc))));
                }
            }
            Ok(Sent::Queued | Sent::AwaitsEnd) => {}
            Err(Refused::Dead) => return Poll::Ready(Err(CallError::NoProc { server: self.subject() })),
            Err(Refused::Full) => {
                self.set_deadline(now);
                self.stage = Stage::NoRoom(Box::new(NoRoom { call, slot, line: None }));
                return Poll::Pending;
            }
        }
        self.set_deadline(now);
        self.stage = Stage::Sent(slot, Watch::sent(process.head.pid, self.allows_cycle));
        Poll::Pending
    }

    fn set_deadline(&mut self, now: Instant) {
        if self.deadline.is_none() {
            self.deadline = self.timeout.and_then(|timeout| now.checked_add(timeout));
        }
    }

    /// Waits for room in a full mailbox, until the deadline.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<R, CallError>> {
        let process = self.server.process();
        loop {
            let Stage::NoRoom(waiting) = &mut self.stage else { return Poll::Pending };
            let sent = match &waiting.line {
                Some(line) if line.poll(cx).is_pending() => {
                    let runtime = process.head.home.runtime();
                    if self.deadline.is_none_or(|deadline| deadline > runtime.now()) {
                        return Poll::Pending;
                    }
                    self.stage = Stage::Unsent;
                    return Poll::Ready(Err(CallError::Overloaded { server: self.subject(), after: self.after() }));
                }
                Some(_) => {
                    if let Some(line) = waiting.line.take() {
                        line.leave();
                    }
                    process.send_promised(&mut waiting.call, erased(&waiting.slot))
                }
                None => process.send_call(&mut waiting.call, || Some(erased(&waiting.slot)), false),
            };
            match sent {
                Err(Refused::Full) => {
                    waiting.line = process.stand_in_line();
                    if let (Some(line), Some(deadline)) = (&mut waiting.line, self.deadline) {
                        line.wake_at(deadline);
                    }
                }
                Err(Refused::Dead) => {
                    // It was alive when the call came, so its reason says more than that it is not there.
                    let reason = process.ended_with().unwrap_or(Reason::NoProc);
                    self.stage = Stage::Unsent;
                    return Poll::Ready(Err(CallError::Exit { server: self.subject(), reason }));
                }
                Ok(_) => {
                    let watch = Watch::sent(process.head.pid, self.allows_cycle);
                    self.stage = Stage::Sent(Arc::clone(&waiting.slot), watch);
                    return Poll::Pending;
                }
            }
        }
    }
}

impl<S, R, F> Future for Call<'_, S, R, F>
where
    S: GenServer,
    R: Send + 'static,
    F: FnOnce(Caller<R>) -> S::Call,
{
    type Output = Result<R, CallError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        match this.stage {
            Stage::Unsent => {
                let polled = this.send(cx);
                if polled.is_ready() || matches!(this.stage, Stage::Unsent) {
                    return polled;
                }
            }
            Stage::NoRoom(..) | Stage::Sent(..) => {}
        }
        if matches!(this.stage, Stage::NoRoom(..)) {
            let polled = this.poll_room(cx);
            if polled.is_ready() {
                return polled;
            }
        }
        let Stage::Sent(slot, watch) = &mut this.stage else { return Poll::Pending };
        match slot.poll(cx, this.deadline) {
            Poll::Ready(answer) => {
                // The slot is done with: there is nothing left to give up.
                this.stage = Stage::Unsent;
                Poll::Ready(answer.map_err(|why| this.error(why)))
            }
            Poll::Pending => {
                if let Err(circle) = watch.begin(this.server.pid(), || erased(slot)) {
                    slot.close();
                    return Poll::Ready(Err(CallError::cycle(this.subject(), &circle)));
                }
                if let Some(deadline) = this.deadline {
                    this.server.process().watch_deadline(deadline);
                }
                Poll::Pending
            }
        }
    }
}

/// Dropping a call gives the answer up, never the request.
impl<S: GenServer, R: Send + 'static, F> Drop for Call<'_, S, R, F> {
    fn drop(&mut self) {
        if let Stage::Sent(slot, _) = &self.stage {
            slot.close();
        }
    }
}

impl<S: GenServer, R: Send + 'static, F> fmt::Debug for Call<'_, S, R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("server", self.server).finish_non_exhaustive()
    }
}
