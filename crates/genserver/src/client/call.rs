//! Calls: asking a server, and waiting for its answer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::client::as_server::{AsServer, CallOf};
use crate::client::server_ref::ServerRef;
use crate::client::target::Target;
#[cfg(feature = "sim")]
use crate::node::any_process::AnyProcess as _;
use crate::node::any_process::Tied as _;
use crate::node::current;
use crate::node::cut;
use crate::node::reply::{Slot, Unanswered, Waiting, erased};
use crate::node::subject::Subject;
use crate::process::cache;
use crate::process::call_slots::{self, CallSlots};
use crate::process::cold::drop_cold;
use crate::process::deadlock::Watch;
use crate::process::noted;
use crate::process::vtable::Vtable;
use crate::process::work::{self, Done, Job, Rescue};
use crate::process::{Envelope, Outgoing, Refused, Sent, SpaceWait, outgoing};
#[cfg(feature = "sim")]
use crate::runtime::simulated::{self, Server};
use crate::server::GenServer;
use crate::server::caller::Caller;
use crate::values::reason::Reason;

// Why a call has no answer.
mod error;

pub use error::CallError;

/// How long a call waits unless it has a timeout of its own, and a [task](crate::task) is awaited: five seconds, as in OTP.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// A call under way, made by [`ServerRef::call`] or [`AsServer::call`].
///
/// `T` is what is called: a `&ServerRef`, or the [`Lookup`](crate::Lookup) of anything else that refers to a server, which happens
/// when the call is first polled.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// use std::time::Duration;
///
/// let counter = genserver::start::<Counter>(1).await?;
/// let call = counter.call(Call::Get).timeout(Duration::from_secs(1));
/// counter.cast(Add(1))?;
/// // The call is sent here, behind the cast.
/// assert_eq!(call.await?, 2);
/// # }
/// ```
#[must_use = "nothing is sent until the call is awaited"]
pub struct Call<T: AsServer, R: Send + 'static, F> {
    target: T,
    make: Option<F>,
    timeout: Option<Duration>,
    allows_cycle: bool,
    /// The slot of the answer, once the request has been sent.
    slot: Option<Arc<Slot<R>>>,
    /// What few calls need. Boxed, so that every other call stays small.
    rare: Option<Box<RareState<T::Server, R>>>,
}

/// What only some calls have.
enum RareState<S: GenServer, R> {
    /// The mailbox was full.
    MailboxFull(WaitingCall<S, R>),
    /// The call has failed, but the process that called has to end. An executor inside its callback polls on.
    Failed(CallError),
    /// The server had ended. The request goes to the next one, or is dropped with the call.
    Unsent(Outgoing<S>, Arc<Slot<R>>),
    /// A call of a process is watched for cycles while it waits.
    Watched(#[expect(dead_code, reason = "it watches until it is dropped")] Watch),
}

/// A request that waits for space in a full mailbox.
struct WaitingCall<S: GenServer, R> {
    call: Outgoing<S>,
    slot: Arc<Slot<R>>,
    deadline: Option<Instant>,
    wait: Option<SpaceWait<S>>,
}

impl<T: AsServer, R: Send + 'static, F> Call<T, R, F> {
    pub(crate) fn new(target: T, make: F) -> Self {
        Self { target, make: Some(make), timeout: Some(CALL_TIMEOUT), allows_cycle: false, slot: None, rare: None }
    }

    /// Sets the timeout, on the clock of the server's runtime; it is five seconds unless set. It covers the wait for space in a full
    /// mailbox, and the wait for a restart if the reference waits for one.
    ///
    /// If the caller runs the server itself, and the callback blocks its thread beyond the timeout, the call returns late, with
    /// the answer. That happens to the first two or three callers of a server whose callbacks are long, unless it was started
    /// with [`inline(false)`](crate::Start::inline); after that, its callers queue, and the timeout holds. [`ServerRef::call`]
    /// has the rules.
    ///
    /// # Examples
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
    /// // The second was timed. So this one waits for the server's own task, until its timeout.
    /// let locked = FILE.lock();
    /// assert!(matches!(writer.call(Write).timeout(soon).await, Err(CallError::Timeout { .. })));
    /// # drop(locked);
    /// # Ok(())
    /// # }
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Waits for as long as the server lives: OTP's `infinity`.
    #[doc(alias = "infinity")]
    pub fn no_timeout(mut self) -> Self {
        self.timeout = None;
        self
    }

    /// Waits even if that closes a cycle of processes that wait for one another.
    ///
    /// Without this, such a call fails with [`CallError::Cycle`]. It is for a callback that waits for several things at once, of
    /// which another will come.
    pub fn allow_cycle(mut self) -> Self {
        self.allows_cycle = true;
        self
    }

    pub(crate) fn target(&self) -> &T {
        &self.target
    }

    /// What makes the message, if the call has not been sent.
    pub(crate) fn take_make(&mut self) -> Option<F> {
        self.make.take()
    }
}

/// The slot, for a server that does not have it in its list of waiters.
fn unlisted<R: Send + 'static>(slot: &Arc<Slot<R>>) -> Option<Arc<dyn Waiting>> {
    (!slot.is_listed()).then(|| erased(slot))
}

// Nothing in a call is ever pinned: what is polled lies in the server.
impl<T: AsServer, R: Send + 'static, F> Unpin for Call<T, R, F> {}

impl<T, R, F> Call<T, R, F>
where
    T: AsServer + Target<ServerRef<<T as AsServer>::Server>>,
    R: Send + 'static,
    F: FnOnce(Caller<R>) -> CallOf<T>,
{
    fn subject(&self) -> Subject {
        self.target.found().process().head.subject()
    }

    fn after(&self) -> Duration {
        self.timeout.unwrap_or_default()
    }

    /// How long it may wait from now on.
    #[inline]
    fn limit(&self) -> Option<Duration> {
        #[cfg(feature = "sim")]
        if let Some(timeout) = self.timeout {
            let process = self.target.found().process();
            let server = Server::new::<T::Server>(process.head.pid);
            // A call to a server that has ended does not wait for anything.
            let limit = simulated::ask(|sim| process.is_alive().then(|| sim.call_timeout(server, timeout)));
            return limit.flatten().or(self.timeout);
        }
        self.timeout
    }

    /// Maps a missing answer to the caller's error.
    fn error(&self, why: Unanswered) -> CallError {
        let server = self.subject();
        match why {
            Unanswered::Exit(reason) => CallError::Exit { server, reason },
            Unanswered::Timeout => CallError::Timeout { server, after: self.after() },
            Unanswered::Cycle(cycle) => CallError::cycle(server, &cycle),
            // The server may have ended between the drop of the caller and now; then its reason says more.
            Unanswered::NoReply => match self.target.found().process().ended_with() {
                Some(reason) => CallError::Exit { server, reason },
                None => CallError::NoReply { server },
            },
        }
    }

    /// Sends the request, and runs the server if it is idle and the thread is one of its runtime. The answer, if it is there.
    #[inline]
    fn send(&mut self, cx: &mut Context<'_>) -> Poll<Result<R, CallError>> {
        let process = self.target.found().process();
        if current::is(process.head.pid) {
            return Poll::Ready(Err(CallError::CallingSelf { server: self.subject() }));
        }
        let inline = process.may_be_run_by_callers()
            && ready!(process.head.home.runtime().poll_inline(cx))
            && current::may_nest();
        self.send_with(work::perform_call::<T::Server>, inline, cx)
    }

    /// Does the work of `send`. It is apart because the callback's future has no name and must be a type parameter.
    #[inline]
    fn send_with<B>(
        &mut self,
        perform: impl FnOnce(Rescue<T::Server>, CallOf<T>) -> B,
        inline: bool,
        cx: &Context<'_>,
    ) -> Poll<Result<R, CallError>>
    where
        B: Future<Output = Done<T::Server>> + Send + 'static,
    {
        let process = self.target.found().process();
        let Some(make) = self.make.take() else { return Poll::Pending };
        // A call that only queues needs no slot for a callback.
        if !inline {
            return self.queue(make, cx);
        }
        let mut slots = CallSlots::<B, R>::take();
        let caller = Caller::new(Arc::clone(slots.answer(process.head.pid)));
        let id = caller.id();
        let call = make(caller);
        noted::call_arrival::<T::Server>(process.head.pid, id, &call);
        // `make` is the user's code, so it has run before the lock is taken (rule 3 of `process::mail`).
        let mail = process.mail.lock();
        let left = if mail.may_run_call() {
            let run = process.run_call(mail, call, &mut slots.callback, perform);
            // The callback that ran may have ended the process that called it, by its own end for instance.
            if !cut::is_cut(cx)
                && let Some(reply) = slots.take_reply()
            {
                slots.put();
                return Poll::Ready(Ok(reply));
            }
            run.err()
        } else {
            let queued = process.queue_lightly(mail, call, true, slots.is_listed());
            if queued.is_ok()
                && let Some(slot) = slots.take_answer()
            {
                slots.put();
                return self.wait_lightly(slot, cx);
            }
            queued.err()
        };
        let slot = slots.take_answer();
        slots.put();
        self.send_slowly(left, slot, true, cx)
    }

    /// Queues the request for a server that this thread may not run.
    #[inline]
    fn queue(&mut self, make: F, cx: &Context<'_>) -> Poll<Result<R, CallError>> {
        let process = self.target.found().process();
        let slot = call_slots::answer_slot(process.head.pid);
        let call = make(Caller::new(Arc::clone(&slot)));
        noted::call_arrival::<T::Server>(process.head.pid, slot.call(), &call);
        match process.queue_lightly(process.mail.lock(), call, false, slot.is_listed()) {
            Ok(()) => self.wait_lightly(slot, cx),
            Err(call) => self.send_slowly(Some(call), Some(slot), false, cx),
        }
    }

    /// Waits for the answer to a call that was simply queued.
    #[inline]
    fn wait_lightly(&mut self, slot: Arc<Slot<R>>, cx: &Context<'_>) -> Poll<Result<R, CallError>> {
        let process = self.target.found().process();
        // Read when the call has to wait, and not before: a look at the clock costs as much as a call to an idle server.
        let now = process.head.home.runtime().now();
        let timeout = self.limit();
        let deadline = timeout.and_then(|timeout| now.checked_add(timeout));
        // The answer may have come since the call was queued: then there is no wait, and no alarm to set.
        let waits = slot.wait(cx, deadline);
        self.slot = Some(slot);
        if !waits {
            return self.poll_sent(cx);
        }
        if let (Some(deadline), Some(timeout)) = (deadline, timeout) {
            process.watch_call(now, deadline, timeout);
        }
        Poll::Pending
    }

    /// Sends a request to a server that is not simply idle, or waits for a callback that has begun and not answered yet.
    #[inline(never)]
    fn send_slowly(
        &mut self,
        call: Option<CallOf<T>>,
        slot: Option<Arc<Slot<R>>>,
        inline: bool,
        cx: &Context<'_>,
    ) -> Poll<Result<R, CallError>> {
        let process = self.target.found().process();
        let slot = slot.unwrap_or_else(|| Arc::new(Slot::new(process.head.pid)));
        let mut call = call.and_then(|call| outgoing(Envelope::Call(call, None).traced(true)));
        let sent = if call.is_some() {
            Vtable::send_call(process, process.mail.lock(), &mut call, unlisted(&slot), inline)
        } else {
            Ok(Sent::Ran)
        };
        if matches!(sent, Ok(Sent::Ran))
            && !cut::is_cut(cx)
            && let Some(reply) = slot.take_reply()
        {
            cache::put_slot(slot);
            return Poll::Ready(Ok(reply));
        }
        // Read when the call has to wait, and not before: a look at the clock costs as much as a call to an idle server.
        let now = process.head.home.runtime().now();
        let deadline = self.limit().and_then(|timeout| now.checked_add(timeout));
        if sent.is_err() {
            noted::refusal(process.head.pid);
        }
        match sent {
            Ok(Sent::Ran) => {
                if !process.await_answer(unlisted(&slot), now) {
                    // The server ended with this very call: the slot may not know why yet.
                    slot.fill(Err(Unanswered::Exit(process.ended_with().unwrap_or(Reason::NoProc))));
                }
            }
            Ok(Sent::Queued | Sent::AwaitsEnd) => {}
            Err(Refused::Dead) => return self.refused_by_the_dead(call, slot, cx),
            Err(Refused::Full) => {
                let waiting = WaitingCall { call, slot, deadline, wait: None };
                self.rare = Some(Box::new(RareState::MailboxFull(waiting)));
                return self.poll_space(cx);
            }
        }
        self.wait(slot, now, deadline, cx)
    }

    /// Fails because the server had ended. The request is kept if there may be another server for it.
    #[cold]
    fn refused_by_the_dead(
        &mut self,
        call: Outgoing<T::Server>,
        slot: Arc<Slot<R>>,
        cx: &Context<'_>,
    ) -> Poll<Result<R, CallError>> {
        let error = CallError::NoProc { server: self.subject() };
        if !self.target.needs_look_up() || cut::is_cut(cx) {
            return self.fail(error, cx);
        }
        self.rare = Some(Box::new(RareState::Unsent(call, slot)));
        Poll::Ready(Err(error))
    }

    /// Sends what another server had not taken. Its slot was not in that server's list, and nobody has filled it.
    fn resend(&mut self, cx: &Context<'_>) -> Poll<Result<R, CallError>> {
        let Some(RareState::Unsent(call, slot)) = self.rare.take().map(|rare| *rare) else { return Poll::Pending };
        slot.redirect(self.target.found().pid());
        let call = match call {
            Some(Job::Message(message)) => match message.into_inner() {
                Envelope::Call(call, _) => Some(call),
                _ => None,
            },
            _ => None,
        };
        if let Some(call) = &call {
            noted::call_arrival::<T::Server>(self.target.found().process().head.pid, slot.call(), call);
        }
        self.send_slowly(call, Some(slot), false, cx)
    }

    /// Polls a call to a server that is looked up: again, for as long as no server has taken the request.
    fn poll_looked_up(&mut self, cx: &mut Context<'_>) -> Poll<Result<R, CallError>> {
        loop {
            ready!(self.target.poll_found(cx, &mut self.timeout))?;
            let polled = if self.make.is_some() {
                self.send(cx)
            } else if matches!(self.rare.as_deref(), Some(RareState::Unsent(..))) {
                self.resend(cx)
            } else {
                self.poll_sent(cx)
            };
            match polled {
                Poll::Ready(Err(CallError::NoProc { .. })) if self.target.look_again() => {}
                Poll::Ready(failed @ Err(_)) => {
                    // A request that was kept in vain is dropped before its caller hears of it.
                    self.rare = None;
                    return Poll::Ready(failed);
                }
                polled => return polled,
            }
        }
    }

    /// Waits for the answer to a request that has been sent.
    fn wait(
        &mut self,
        slot: Arc<Slot<R>>,
        now: Instant,
        deadline: Option<Instant>,
        cx: &Context<'_>,
    ) -> Poll<Result<R, CallError>> {
        let process = self.target.found().process();
        let watch = Watch::sent(process.head.pid, self.allows_cycle);
        let answer = slot.poll(cx, deadline);
        self.rare = None;
        if let Poll::Ready(answer) = answer {
            return Poll::Ready(self.finish(answer));
        }
        if let Some(mut watch) = watch {
            if let Err(cycle) = watch.begin(process.head.pid, || erased(&slot)) {
                slot.close();
                return self.fail(CallError::cycle(self.subject(), &cycle), cx);
            }
            self.rare = Some(Box::new(RareState::Watched(watch)));
        }
        self.slot = Some(slot);
        if let Some(deadline) = deadline {
            process.watch_call(now, deadline, deadline.saturating_duration_since(now));
        }
        Poll::Pending
    }

    /// Goes by the answer: the slot is done with, and there is nothing left to give up.
    fn finish(&mut self, answer: Result<R, Unanswered>) -> Result<R, CallError> {
        self.slot = None;
        self.rare = None;
        answer.map_err(|why| self.error(why))
    }

    /// Ends with an error that no slot has brought; not if the process that called has to end.
    #[cold]
    fn fail(&mut self, error: CallError, cx: &Context<'_>) -> Poll<Result<R, CallError>> {
        self.slot = None;
        self.rare = None;
        if !cut::is_cut(cx) {
            return Poll::Ready(Err(error));
        }
        self.rare = Some(Box::new(RareState::Failed(error)));
        Poll::Pending
    }

    /// Goes on with a call that waits for its answer.
    #[inline]
    fn poll_sent(&mut self, cx: &Context<'_>) -> Poll<Result<R, CallError>> {
        let Some(slot) = &self.slot else { return self.poll_unsent(cx) };
        // A slot that was watched for cycles is not used again: a thread that found a cycle may be about to fill it.
        if self.rare.is_some() {
            return self.poll_slot(cx);
        }
        // After the answer was seen: an exit that was sent before it is seen, too.
        if slot.is_done() && cut::is_cut(cx) {
            return Poll::Pending;
        }
        let Some(reply) = slot.take_reply() else { return self.poll_slot(cx) };
        if let Some(slot) = self.slot.take() {
            cache::put_slot(slot);
        }
        Poll::Ready(Ok(reply))
    }

    /// Goes on with a call that has not been sent yet, or is over.
    #[cold]
    fn poll_unsent(&mut self, cx: &Context<'_>) -> Poll<Result<R, CallError>> {
        match self.rare.take_if(|rare| matches!(**rare, RareState::Failed(_))).map(|rare| *rare) {
            Some(RareState::Failed(error)) => Poll::Ready(Err(error)),
            _ => self.poll_space(cx),
        }
    }

    #[cold]
    fn poll_slot(&mut self, cx: &Context<'_>) -> Poll<Result<R, CallError>> {
        let Some(slot) = &self.slot else { return Poll::Pending };
        slot.poll_again(cx).map(|answer| self.finish(answer))
    }

    /// Waits for space in a full mailbox, until the deadline.
    fn poll_space(&mut self, cx: &Context<'_>) -> Poll<Result<R, CallError>> {
        let process = self.target.found().process();
        loop {
            let Some(RareState::MailboxFull(waiting)) = self.rare.as_deref_mut() else { return Poll::Pending };
            let sent = match &waiting.wait {
                Some(wait) if wait.poll(cx).is_pending() => {
                    let runtime = process.head.home.runtime();
                    if waiting.deadline.is_none_or(|deadline| deadline > runtime.now()) {
                        return Poll::Pending;
                    }
                    return self.fail(CallError::Overloaded { server: self.subject(), after: self.after() }, cx);
                }
                Some(_) => {
                    if cut::is_cut(cx) {
                        return Poll::Pending;
                    }
                    if let Some(wait) = waiting.wait.take() {
                        wait.leave();
                    }
                    if let Some(Job::Message(message)) = &waiting.call
                        && let Envelope::Call(call, _) = message.inner()
                    {
                        noted::call_arrival::<T::Server>(process.head.pid, waiting.slot.call(), call);
                    }
                    process.send_promised(&mut waiting.call, unlisted(&waiting.slot))
                }
                None => {
                    let slot = unlisted(&waiting.slot);
                    Vtable::send_call(process, process.mail.lock(), &mut waiting.call, slot, false)
                }
            };
            match sent {
                Err(Refused::Full) => {
                    waiting.wait = process.wait_for_space();
                    if let (Some(wait), Some(deadline)) = (&mut waiting.wait, waiting.deadline) {
                        wait.wake_at(deadline);
                    }
                }
                Err(Refused::Dead) => {
                    // It was alive when the call came, so its reason says more than that it is not there.
                    let reason = process.mail.lock().doom.clone().unwrap_or(Reason::NoProc);
                    return self.fail(CallError::Exit { server: self.subject(), reason }, cx);
                }
                Ok(_) => {
                    let (slot, deadline) = (Arc::clone(&waiting.slot), waiting.deadline);
                    let now = process.head.home.runtime().now();
                    return self.wait(slot, now, deadline, cx);
                }
            }
        }
    }
}

impl<T, R, F> Future for Call<T, R, F>
where
    T: AsServer + Target<ServerRef<<T as AsServer>::Server>>,
    R: Send + 'static,
    F: FnOnce(Caller<R>) -> CallOf<T>,
{
    type Output = Result<R, CallError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if cut::is_cut(cx) {
            return Poll::Pending;
        }
        if this.target.needs_look_up() {
            return this.poll_looked_up(cx);
        }
        if this.make.is_some() { this.send(cx) } else { this.poll_sent(cx) }
    }
}

// Dropping a call gives the answer up, never the request.
impl<T: AsServer, R: Send + 'static, F> Drop for Call<T, R, F> {
    #[inline]
    fn drop(&mut self) {
        // A call that was answered has neither, and its drop is inlined into the caller: so the rest is not.
        if let Some(slot) = self.slot.take() {
            give_up(slot);
        }
        if let Some(rare) = self.rare.take() {
            drop_cold(rare);
        }
    }
}

#[cold]
fn give_up<R: Send + 'static>(slot: Arc<Slot<R>>) {
    slot.close();
    drop(slot);
}

impl<T: AsServer + fmt::Debug, R: Send + 'static, F> fmt::Debug for Call<T, R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("server", &self.target).finish_non_exhaustive()
    }
}
