//! Calls: asking a server, and waiting for its answer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::client::as_server::AsServer;
use crate::client::server_ref::ServerRef;
use crate::client::target::Target;
use crate::node;
use crate::node::current;
use crate::node::cut;
use crate::node::process_ref::NotFound;
use crate::node::reply::{Slot, Unanswered, Waiting, erased};
use crate::node::subject::Subject;
use crate::process::deadlock::{self, Watch};
use crate::process::kit::{self, Kit};
use crate::process::spare;
use crate::process::work::{self, Done, Job, Rescue};
use crate::process::{Envelope, Parcel, Refused, RoomWait, Sent, parcel};
use crate::server::GenServer;
use crate::server::caller::Caller;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

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
        /// The server that was called.
        server: Subject,
        /// How long was waited.
        after: Duration,
    },
    /// There is no such process: it had ended before the call, or nobody has the name.
    #[error("{server} is not running, so the request was not carried out; start it, or look it up again")]
    #[doc(alias = "noproc")]
    NoProc {
        /// The server that was called.
        server: Subject,
    },
    /// The server ended before it answered.
    #[error("{server} ended before it answered: {reason}; whether it carried the request out is not known")]
    Exit {
        /// The server that was called.
        server: Subject,
        /// Why it ended.
        reason: Reason,
    },
    /// The server lives, but dropped the caller without an answer.
    #[error(
        "{server} dropped the caller without an answer; one of its callbacks forgets to reply, or gave up what was asked: look for its reports"
    )]
    NoReply {
        /// The server that was called.
        server: Subject,
    },
    /// The mailbox was full for as long as the call could wait. The request was not taken.
    #[error(
        "the mailbox of {server} stayed full for {after:?}, so the request was not taken; send less, or give it a larger mailbox"
    )]
    Overloaded {
        /// The server that was called.
        server: Subject,
        /// How long was waited for room.
        after: Duration,
    },
    /// A process called itself, and would have waited for ever.
    #[error("{server} called itself; a callback has the state at hand, so use it directly, or `cast` to itself")]
    #[doc(alias = "calling_self")]
    CallingSelf {
        /// The server that was called.
        server: Subject,
    },
    /// The call would have closed a cycle of processes that all wait for one another. The request is withdrawn, unless the
    /// server has begun with it.
    #[error(
        "{server} waits for this process, so the call would never be answered: {}; let one of them `cast`, or keep its `Caller` and answer later",
        deadlock::Arrows(cycle)
    )]
    Cycle {
        /// The server that was called.
        server: Subject,
        /// The cycle: the caller, the process that was called, and on to the one that waits for the caller.
        cycle: Vec<Subject>,
    },
    /// `call_blocking` was used on a thread that runs tasks, where the answer might never come.
    #[error(
        "{server} was called with `call_blocking` on a thread that runs tasks; use `call` and `.await` here, or a thread of its own"
    )]
    WouldBlock {
        /// The server that was called.
        server: Subject,
    },
    /// The name belongs to a server of another type.
    #[error("{server} is a {found}, not a {wanted}; the name belongs to another server than you expect")]
    WrongServer {
        /// The server that was called.
        server: Subject,
        /// The type of the server that has the name.
        found: &'static str,
        /// The type that was called.
        wanted: &'static str,
    },
}

impl CallError {
    /// The server that was called.
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

impl CallError {
    pub(crate) fn into_server(self) -> Subject {
        self.server().clone()
    }

    /// A call to `server` that would have closed a cycle.
    pub(crate) fn cycle(server: Subject, cycle: &[Pid]) -> Self {
        let subject = |pid: &Pid| match node::find(*pid) {
            Some(process) => process.head().subject(),
            None => Subject { pid: *pid, name: None },
        };
        Self::Cycle { server, cycle: cycle.iter().map(subject).collect() }
    }
}

impl CallError {
    /// The same for a request that is no call.
    pub(crate) fn into_not_found(self) -> NotFound {
        match self {
            Self::WrongServer { server, found, wanted } => NotFound::WrongServer { server, found, wanted },
            other => NotFound::Nobody(other.server().clone()),
        }
    }
}

/// A call under way, made by [`ServerRef::call`] or [`AsServer::call`].
///
/// `T` is what is called: a `&ServerRef`, or the [`Lookup`](crate::Lookup) of anything else that refers to a server, which happens
/// when the call is first polled.
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
pub struct Call<T: AsServer, R: Send + 'static, F> {
    target: T,
    asking: Asking<T::Server, R, F>,
}

/// All of a call but the server.
struct Asking<S: GenServer, R: Send + 'static, F> {
    make: Option<F>,
    timeout: Option<Duration>,
    allows_cycle: bool,
    /// Whether a request that found the server dead is kept, to be sent to the next one.
    keeps_unsent: bool,
    /// Through which the answer will come, once the request has been sent.
    slot: Option<Arc<Slot<R>>>,
    /// What few calls need. Boxed, so that every other call stays small.
    aside: Option<Box<Aside<S, R>>>,
}

/// What only some calls have.
enum Aside<S: GenServer, R> {
    /// The mailbox was full.
    NoRoom(NoRoom<S, R>),
    /// The server had ended. The request goes to the next one, or is dropped with the call.
    Unsent(Parcel<S>, Arc<Slot<R>>),
    /// A call of a process is watched for cycles while it waits.
    Watched(#[expect(dead_code, reason = "it watches until it is dropped")] Watch),
}

/// A request that waits for room in a full mailbox, or whose error waits.
struct NoRoom<S: GenServer, R> {
    call: Parcel<S>,
    slot: Arc<Slot<R>>,
    deadline: Option<Instant>,
    room: Option<RoomWait<S>>,
    /// The call has failed, but the process that called has to end. An executor inside its callback polls on.
    failed: Option<CallError>,
}

impl<T: AsServer, R: Send + 'static, F> Call<T, R, F> {
    pub(crate) fn new(target: T, make: F) -> Self {
        let asking = Asking {
            make: Some(make),
            timeout: Some(CALL_TIMEOUT),
            allows_cycle: false,
            keeps_unsent: false,
            slot: None,
            aside: None,
        };
        Self { target, asking }
    }

    /// Sets the timeout, on the clock of the server's runtime; it is five seconds unless set. It covers the wait for room in a full
    /// mailbox, and the wait for a restart if the reference waits for one.
    ///
    /// If the caller runs the server itself, and the callback blocks its thread beyond the timeout, the call returns late, with
    /// the answer. That happens to the first two or three callers of a server whose callbacks are long, unless it was started
    /// with [`inline(false)`](crate::Start::inline); after that, its callers queue, and the timeout holds. [`ServerRef::call`]
    /// has the rules.
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
    ///
    /// A server whose callbacks block, here for a lock:
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # use std::sync::Mutex;
    /// use std::time::Duration;
    /// use genserver::CallError;
    ///
    /// static FILE: Mutex<()> = Mutex::new(());
    /// # #[derive(Default)]
    /// # struct Writer;
    /// # struct Write(Caller<()>);
    /// # server! { Writer, Write, Never, Never;
    ///
    /// async fn handle_call(&mut self, Write(caller): Write, _cx: &mut Cx<Self>) -> Outcome<Self> {
    ///     let _locked = FILE.lock();
    ///     std::thread::sleep(Duration::from_millis(20));
    ///     Next::reply(caller, ())
    /// }
    /// # }
    ///
    /// # #[tokio::main(worker_threads = 2)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let writer = genserver::start::<Writer>(()).await?;
    /// let soon = Duration::from_millis(5);
    /// // These two run the callback themselves, and it returns when it returns.
    /// assert_eq!(writer.call(Write).timeout(soon).await, Ok(()));
    /// assert_eq!(writer.call(Write).timeout(soon).await, Ok(()));
    ///
    /// // The second was timed, so this one waits for the server's own task, and no longer than it wants.
    /// let locked = FILE.lock();
    /// assert!(matches!(writer.call(Write).timeout(soon).await, Err(CallError::Timeout { .. })));
    /// # drop(locked);
    /// # Ok(())
    /// # }
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.asking.timeout = Some(timeout);
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
        self.asking.timeout = None;
        self
    }

    /// Waits even if that closes a cycle of processes that wait for one another.
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
        self.asking.allows_cycle = true;
        self
    }

    pub(crate) fn target(&self) -> &T {
        &self.target
    }
}

impl<S: GenServer, R: Send + 'static, F> Asking<S, R, F> {
    fn after(&self) -> Duration {
        self.timeout.unwrap_or_default()
    }

    /// Maps a missing answer to the caller's error.
    fn error(&self, server: &ServerRef<S>, why: Unanswered) -> CallError {
        let subject = server.subject();
        match why {
            Unanswered::Exit(reason) => CallError::Exit { server: subject, reason },
            Unanswered::Timeout => CallError::Timeout { server: subject, after: self.after() },
            Unanswered::Cycle(cycle) => CallError::cycle(subject, &cycle),
            // The server may have ended between the drop of the caller and now; then its reason says more.
            Unanswered::NoReply => match server.process().ended_with() {
                Some(reason) => CallError::Exit { server: subject, reason },
                None => CallError::NoReply { server: subject },
            },
        }
    }
}

/// The slot, for a server that does not have it in its list of waiters.
fn unlisted<R: Send + 'static>(slot: &Arc<Slot<R>>) -> Option<Arc<dyn Waiting>> {
    (!slot.is_listed()).then(|| erased(slot))
}

/// Nothing in a call is ever pinned: what is polled lies in the server.
impl<T: AsServer, R: Send + 'static, F> Unpin for Call<T, R, F> {}

impl<S, R, F> Asking<S, R, F>
where
    S: GenServer,
    R: Send + 'static,
    F: FnOnce(Caller<R>) -> S::Call,
{
    /// Sends the request, and runs the server if it is idle and the thread is one of its runtime. The answer, if it is there.
    #[inline]
    fn send(&mut self, server: &ServerRef<S>, cx: &mut Context<'_>) -> Poll<Result<R, CallError>> {
        let process = server.process();
        if current::is(process.head.pid) {
            return Poll::Ready(Err(CallError::CallingSelf { server: server.subject() }));
        }
        let inline = process.may_be_run_by_callers()
            && ready!(process.head.home.runtime().poll_inline(cx))
            && current::may_nest();
        self.send_with(server, work::perform_call::<S>, inline, cx)
    }

    /// The same with the callback's future as a type parameter: it has no name.
    #[inline]
    fn send_with<B>(
        &mut self,
        server: &ServerRef<S>,
        perform: impl FnOnce(Rescue<S>, S::Call) -> B,
        inline: bool,
        cx: &Context<'_>,
    ) -> Poll<Result<R, CallError>>
    where
        B: Future<Output = Done<S>> + Send + 'static,
    {
        let process = server.process();
        let Some(make) = self.make.take() else { return Poll::Pending };
        // A kit is for a callback that may run here; a call that only queues needs a slot.
        if !inline {
            return self.queue(server, make, cx);
        }
        let mut kit = Kit::<B, R>::take();
        let call = make(Caller::new(Arc::clone(kit.slot(process.head.pid))));
        // `make` is the user's code, so it has run before the lock is taken (rule 3 of `process::mail`).
        let mail = process.mail.lock();
        let left = if mail.may_run_call() {
            let run = process.run_call(mail, call, &mut kit.place, perform);
            // The callback that ran may have ended the process that called it, by its own end for instance.
            if !cut::is_cut(cx)
                && let Some(reply) = kit.take_reply()
            {
                kit.put();
                return Poll::Ready(Ok(reply));
            }
            run.err()
        } else {
            let queued = process.queue_lightly(mail, call, true, kit.is_listed());
            if queued.is_ok()
                && let Some(slot) = kit.take_slot()
            {
                kit.put();
                return self.wait_lightly(server, slot, cx);
            }
            queued.err()
        };
        let slot = kit.take_slot();
        kit.put();
        self.send_slowly(server, left, slot, true, cx)
    }

    /// Queues the request for a server that this thread may not run.
    #[inline]
    fn queue(&mut self, server: &ServerRef<S>, make: F, cx: &Context<'_>) -> Poll<Result<R, CallError>> {
        let process = server.process();
        let slot = kit::slot(process.head.pid);
        let call = make(Caller::new(Arc::clone(&slot)));
        match process.queue_lightly(process.mail.lock(), call, false, slot.is_listed()) {
            Ok(()) => self.wait_lightly(server, slot, cx),
            Err(call) => self.send_slowly(server, Some(call), Some(slot), false, cx),
        }
    }

    /// Waits for the answer to a call that was simply queued.
    #[inline]
    fn wait_lightly(
        &mut self,
        server: &ServerRef<S>,
        slot: Arc<Slot<R>>,
        cx: &Context<'_>,
    ) -> Poll<Result<R, CallError>> {
        let process = server.process();
        // Read when the call has to wait, and not before: a look at the clock costs as much as a call to an idle server.
        let now = process.head.home.runtime().now();
        let deadline = self.timeout.and_then(|timeout| now.checked_add(timeout));
        // The answer may have come since the call was queued: then there is no wait, and no alarm to set.
        let waits = slot.wait(cx, deadline);
        self.slot = Some(slot);
        if !waits {
            return self.poll_sent(server, cx);
        }
        if let (Some(deadline), Some(timeout)) = (deadline, self.timeout) {
            process.watch_call(now, deadline, timeout);
        }
        Poll::Pending
    }

    /// Sends a request to a server that is not simply idle, or waits for a callback that has begun and not answered yet.
    #[inline(never)]
    fn send_slowly(
        &mut self,
        server: &ServerRef<S>,
        call: Option<S::Call>,
        slot: Option<Arc<Slot<R>>>,
        inline: bool,
        cx: &Context<'_>,
    ) -> Poll<Result<R, CallError>> {
        let process = server.process();
        let slot = slot.unwrap_or_else(|| Arc::new(Slot::new(process.head.pid)));
        let mut call = call.and_then(|call| parcel(Envelope::Call(call, None)));
        let sent = if call.is_some() {
            process.send_call(process.mail.lock(), &mut call, unlisted(&slot), inline)
        } else {
            Ok(Sent::Ran)
        };
        if matches!(sent, Ok(Sent::Ran))
            && !cut::is_cut(cx)
            && let Some(reply) = slot.take_reply()
        {
            spare::put_slot(slot);
            return Poll::Ready(Ok(reply));
        }
        // Read when the call has to wait, and not before: a look at the clock costs as much as a call to an idle server.
        let now = process.head.home.runtime().now();
        let deadline = self.timeout.and_then(|timeout| now.checked_add(timeout));
        match sent {
            Ok(Sent::Ran) => {
                if !process.await_answer(unlisted(&slot), now) {
                    // The server ended with this very call: the slot may not know why yet.
                    slot.fill(Err(Unanswered::Exit(process.ended_with().unwrap_or(Reason::NoProc))));
                }
            }
            Ok(Sent::Queued | Sent::AwaitsEnd) => {}
            Err(Refused::Dead) => return self.refused_by_the_dead(server, call, slot, cx),
            Err(Refused::Full) => {
                let waiting = NoRoom { call, slot, deadline, room: None, failed: None };
                self.aside = Some(Box::new(Aside::NoRoom(waiting)));
                return self.poll_room(server, cx);
            }
        }
        self.wait(server, slot, now, deadline, cx)
    }

    /// Fails because the server had ended. The request is kept if there may be another server for it.
    #[cold]
    fn refused_by_the_dead(
        &mut self,
        server: &ServerRef<S>,
        call: Parcel<S>,
        slot: Arc<Slot<R>>,
        cx: &Context<'_>,
    ) -> Poll<Result<R, CallError>> {
        let error = CallError::NoProc { server: server.subject() };
        if !self.keeps_unsent || cut::is_cut(cx) {
            return self.fail(server, error, cx);
        }
        self.aside = Some(Box::new(Aside::Unsent(call, slot)));
        Poll::Ready(Err(error))
    }

    /// Sends what another server had not taken. Its slot was not in that server's list, and nobody has filled it.
    fn resend(&mut self, server: &ServerRef<S>, cx: &Context<'_>) -> Poll<Result<R, CallError>> {
        let Some(Aside::Unsent(call, slot)) = self.aside.take().map(|aside| *aside) else { return Poll::Pending };
        slot.reopen(server.pid());
        let call = match call {
            Some(Job::Message(Envelope::Call(call, _))) => Some(call),
            _ => None,
        };
        self.send_slowly(server, call, Some(slot), false, cx)
    }

    /// Waits for the answer to a request that has been sent.
    fn wait(
        &mut self,
        server: &ServerRef<S>,
        slot: Arc<Slot<R>>,
        now: Instant,
        deadline: Option<Instant>,
        cx: &Context<'_>,
    ) -> Poll<Result<R, CallError>> {
        let process = server.process();
        let watch = Watch::sent(process.head.pid, self.allows_cycle);
        let answer = slot.poll(cx, deadline);
        self.aside = None;
        if let Poll::Ready(answer) = answer {
            return Poll::Ready(self.finish(server, answer));
        }
        if let Some(mut watch) = watch {
            if let Err(cycle) = watch.begin(process.head.pid, || erased(&slot)) {
                slot.close();
                return self.fail(server, CallError::cycle(server.subject(), &cycle), cx);
            }
            self.aside = Some(Box::new(Aside::Watched(watch)));
        }
        self.slot = Some(slot);
        if let Some(deadline) = deadline {
            process.watch_call(now, deadline, deadline.saturating_duration_since(now));
        }
        Poll::Pending
    }

    /// Goes by the answer: the slot is done with, and there is nothing left to give up.
    fn finish(&mut self, server: &ServerRef<S>, answer: Result<R, Unanswered>) -> Result<R, CallError> {
        self.slot = None;
        self.aside = None;
        answer.map_err(|why| self.error(server, why))
    }

    /// Ends with an error that no slot has brought; not if the process that called has to end.
    #[cold]
    fn fail(&mut self, server: &ServerRef<S>, error: CallError, cx: &Context<'_>) -> Poll<Result<R, CallError>> {
        self.slot = None;
        self.aside = None;
        if !cut::is_cut(cx) {
            return Poll::Ready(Err(error));
        }
        let slot = Arc::new(Slot::new(server.pid()));
        let failed = NoRoom { call: None, slot, deadline: None, room: None, failed: Some(error) };
        self.aside = Some(Box::new(Aside::NoRoom(failed)));
        Poll::Pending
    }

    /// Goes on with a call that waits for its answer.
    #[inline]
    fn poll_sent(&mut self, server: &ServerRef<S>, cx: &Context<'_>) -> Poll<Result<R, CallError>> {
        let Some(slot) = &self.slot else { return self.poll_aside(server, cx) };
        // A slot that was watched for cycles is not used again: a thread that found a cycle may be about to fill it.
        if self.aside.is_some() {
            return self.poll_slot(server, cx);
        }
        // After the answer was seen: an exit that was sent before it is seen, too.
        if slot.is_done() && cut::is_cut(cx) {
            return Poll::Pending;
        }
        let Some(reply) = slot.take_reply() else { return self.poll_slot(server, cx) };
        if let Some(slot) = self.slot.take() {
            spare::put_slot(slot);
        }
        Poll::Ready(Ok(reply))
    }

    /// Goes on with a call that has not been sent yet, or is over.
    #[cold]
    fn poll_aside(&mut self, server: &ServerRef<S>, cx: &Context<'_>) -> Poll<Result<R, CallError>> {
        if self.aside.is_some() { self.poll_room(server, cx) } else { Poll::Pending }
    }

    #[cold]
    fn poll_slot(&mut self, server: &ServerRef<S>, cx: &Context<'_>) -> Poll<Result<R, CallError>> {
        let Some(slot) = &self.slot else { return Poll::Pending };
        slot.poll_again(cx).map(|answer| self.finish(server, answer))
    }

    /// Waits for room in a full mailbox, until the deadline.
    fn poll_room(&mut self, server: &ServerRef<S>, cx: &Context<'_>) -> Poll<Result<R, CallError>> {
        let process = server.process();
        loop {
            let Some(Aside::NoRoom(waiting)) = self.aside.as_deref_mut() else { return Poll::Pending };
            if let Some(error) = waiting.failed.take() {
                self.aside = None;
                return Poll::Ready(Err(error));
            }
            let sent = match &waiting.room {
                Some(room) if room.poll(cx).is_pending() => {
                    let runtime = process.head.home.runtime();
                    if waiting.deadline.is_none_or(|deadline| deadline > runtime.now()) {
                        return Poll::Pending;
                    }
                    return self.fail(
                        server,
                        CallError::Overloaded { server: server.subject(), after: self.after() },
                        cx,
                    );
                }
                Some(_) => {
                    if cut::is_cut(cx) {
                        return Poll::Pending;
                    }
                    if let Some(room) = waiting.room.take() {
                        room.leave();
                    }
                    process.send_promised(&mut waiting.call, unlisted(&waiting.slot))
                }
                None => process.send_call(process.mail.lock(), &mut waiting.call, unlisted(&waiting.slot), false),
            };
            match sent {
                Err(Refused::Full) => {
                    waiting.room = process.wait_for_room();
                    if let (Some(room), Some(deadline)) = (&mut waiting.room, waiting.deadline) {
                        room.wake_at(deadline);
                    }
                }
                Err(Refused::Dead) => {
                    // It was alive when the call came, so its reason says more than that it is not there.
                    let reason = process.ended_with().unwrap_or(Reason::NoProc);
                    return self.fail(server, CallError::Exit { server: server.subject(), reason }, cx);
                }
                Ok(_) => {
                    let (slot, deadline) = (Arc::clone(&waiting.slot), waiting.deadline);
                    let now = process.head.home.runtime().now();
                    return self.wait(server, slot, now, deadline, cx);
                }
            }
        }
    }
}

impl<T, R, F> Future for Call<T, R, F>
where
    T: AsServer + Target<ServerRef<<T as AsServer>::Server>>,
    R: Send + 'static,
    F: FnOnce(Caller<R>) -> <T::Server as GenServer>::Call,
{
    type Output = Result<R, CallError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { target, asking } = self.get_mut();
        if cut::is_cut(cx) {
            return Poll::Pending;
        }
        if T::IS_LOOKED_UP {
            return poll_looked_up(target, asking, cx);
        }
        let server = ready!(target.poll_found(cx, &mut asking.timeout))?;
        if asking.make.is_some() { asking.send(server, cx) } else { asking.poll_sent(server, cx) }
    }
}

/// Polls a call to a server that is looked up: again, for as long as no server has taken the request.
fn poll_looked_up<T, R, F>(
    target: &mut T,
    asking: &mut Asking<T::Server, R, F>,
    cx: &mut Context<'_>,
) -> Poll<Result<R, CallError>>
where
    T: AsServer + Target<ServerRef<<T as AsServer>::Server>>,
    R: Send + 'static,
    F: FnOnce(Caller<R>) -> <T::Server as GenServer>::Call,
{
    asking.keeps_unsent = true;
    loop {
        let server = ready!(target.poll_found(cx, &mut asking.timeout))?;
        let polled = if asking.make.is_some() {
            asking.send(server, cx)
        } else if matches!(asking.aside.as_deref(), Some(Aside::Unsent(..))) {
            asking.resend(server, cx)
        } else {
            asking.poll_sent(server, cx)
        };
        match polled {
            Poll::Ready(Err(CallError::NoProc { .. })) if target.look_again() => {}
            polled => return polled,
        }
    }
}

/// Dropping a call gives the answer up, never the request.
impl<S: GenServer, R: Send + 'static, F> Drop for Asking<S, R, F> {
    fn drop(&mut self) {
        if let Some(slot) = &self.slot {
            slot.close();
        }
    }
}

impl<T: AsServer + fmt::Debug, R: Send + 'static, F> fmt::Debug for Call<T, R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("server", &self.target).finish_non_exhaustive()
    }
}
