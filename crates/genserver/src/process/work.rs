//! Callbacks as futures: the slot in which one lives, and what it gives back when it is done.
//!
//! A callback that is not ready at its first poll has to stay where it was polled. So its future is built in a slot on the heap
//! to begin with, which is used again for callback after callback. If the callback has to wait, the slot belongs to its server
//! until it is done; otherwise the thread keeps it (see `cache`). The server's state travels through the slot: in when the
//! callback begins, out when it is done. What travels is kept small, because every message pays for it.
//!
//! There are three futures: a call that its caller runs (`perform_call`), any callback with the messages that follow it in the
//! batch (`perform`), and init (`perform_init`).

use std::any::Any;
use std::cell::Cell;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
#[cfg(feature = "metrics")]
use std::time::Instant;

use pin_project_lite::pin_project;

use crate::node::current;
use crate::process::cache;
use crate::process::envelope::Envelope;
#[cfg(feature = "sim")]
use crate::process::fault::run;
use crate::process::mail::{Doing, LOOK_DOOM};
use crate::process::queue::Queue;
use crate::report::Scope;
use crate::server::GenServer;
use crate::server::context::Cx;
use crate::server::outcome::{Init, Outcome, Step, Then};
use crate::server::show::Message;
use crate::sync::thread_local;
use crate::values::info::Callback;
use crate::values::reason::Reason;

/// Awaits a callback. In a simulation something may go wrong in it.
#[cfg(not(feature = "sim"))]
macro_rules! run {
    ($server:ty, $pid:expr, $callback:ident, $message:expr, $running:expr) => {
        $running.await
    };
}

/// A server's state and its context: what a callback needs.
pub(crate) struct Actor<S: GenServer> {
    /// Empty until init has made it.
    pub(crate) server: Option<S>,
    pub(crate) cx: Cx<S>,
    /// What was taken out of the queue and not handled yet. It is kept here so that a callback's future goes from one message to
    /// the next by itself.
    pub(crate) batch: Queue<S>,
}

impl<S: GenServer> Job<S> {
    /// Which callback it is for.
    fn callback(&self) -> Callback {
        match self {
            Self::Init(_) => Callback::Init,
            Self::Message(Envelope::Call(..)) => Callback::Call,
            Self::Message(Envelope::Cast(_)) => Callback::Cast,
            Self::Message(_) | Self::Continue(_) => Callback::Info,
            Self::Idle => Callback::Idle,
            Self::Terminate(_) => Callback::Terminate,
        }
    }
}

impl<S: GenServer> Actor<S> {
    /// Whether the next message of the batch may be handled before the poller looks at anything.
    #[inline]
    fn may_go_on(&self) -> bool {
        let process = &*self.cx.process;
        // Relaxed: a doom that is missed here is seen one message later. A sender that waits for space is not looked for:
        // the poller wakes it when it takes the lock, a budget of messages later at most (rule 6).
        let looks = process.look.load(Ordering::Relaxed) & LOOK_DOOM != 0 || current::any_unanswered();
        // A span is a callback's, and is begun with it.
        process.budget.load(Ordering::Relaxed) > 0 && !looks && !Scope::is_on()
    }

    /// Counts a message that was taken out of the batch.
    #[inline]
    fn count(&self, doing: Doing) {
        let process = &*self.cx.process;
        // Loads and stores, no atomic subtraction: this thread has the body, so no other writes.
        process.budget.store(process.budget.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
        process.in_batch.store(process.in_batch.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
        process.handled.count(doing);
    }

    /// The next message of the batch, if it is a call.
    #[inline]
    fn next_call(&mut self) -> Option<S::Call> {
        let call = if self.may_go_on() { self.batch.pop_call() } else { None };
        if call.is_some() {
            self.count(Doing::Call);
        }
        call
    }

    /// The next message of the batch, if it is a cast.
    #[inline]
    fn next_cast(&mut self) -> Option<S::Cast> {
        let cast = if self.may_go_on() { self.batch.pop_cast() } else { None };
        if cast.is_some() {
            self.count(Doing::Cast);
        }
        cast
    }

    /// The next message of the batch, of whatever kind, unless the poller has to look at it.
    #[inline]
    fn next(&mut self) -> Option<Envelope<S>> {
        if !self.may_go_on() {
            return None;
        }
        let doing = match self.batch.front()? {
            Envelope::Call(_, None) => Doing::Call,
            Envelope::Cast(_) => Doing::Cast,
            Envelope::Info(_) => Doing::Info,
            // A token is settled, a lazy message opened and a signal translated before the callback: the loop's work.
            Envelope::Call(_, Some(_)) | Envelope::Lazy(_) | Envelope::Signal(_) => return None,
            #[cfg(any(feature = "metrics", feature = "tracing"))]
            Envelope::Carried(_) => return None,
        };
        self.cx.process.set_doing(doing);
        self.count(doing);
        self.batch.pop_front()
    }
}

/// One callback to run.
pub(crate) enum Job<S: GenServer> {
    Message(Envelope<S>),
    Init(Box<S::Args>),
    Continue(S::Info),
    Idle,
    /// For `normal`, if no reason is given.
    Terminate(Option<Box<Reason>>),
}

/// A message that is being sent, in the place where its sender put it; nothing, once it was taken. It is moved from there straight
/// to where it goes, because every further move of it would be felt.
pub(crate) type Outgoing<S> = Option<Job<S>>;

/// Puts a message where [`Process::push`] and [`Process::send_call`] take it from.
#[inline]
#[expect(clippy::unnecessary_wraps, reason = "the function that takes the message leaves nothing behind")]
pub(crate) fn outgoing<S: GenServer>(message: Envelope<S>) -> Outgoing<S> {
    Some(Job::Message(message))
}

/// What came of a callback, when it is not simply to wait for the next message.
pub(crate) enum Verdict<S: GenServer> {
    Terminated,
    /// The signal was called off before it was handled.
    CalledOff,
    /// The server has been made; the step says how it begins, if it does not simply wait.
    Started(Step<S>),
    NotStarted(NotStarted),
    Step(Step<S>),
    Failed(Reason),
    Panicked(Box<dyn Any + Send>),
}

/// How init declined.
pub(crate) enum NotStarted {
    Ignored,
    /// The process ends with the reason.
    Stopped(Reason),
    /// The process ends quietly; only the starter hears the reason.
    Refused(Reason),
}

/// A callback's end: the actor comes back, with a verdict if there is one. Two pointers, so that it travels in registers.
pub(crate) type Done<S> = (Box<Actor<S>>, Option<Box<Verdict<S>>>);

/// What came of polling a callback: its verdict, if there is one.
pub(crate) type Polled<S> = Poll<Option<Box<Verdict<S>>>>;

/// A callback that has to wait, without the type of its future.
pub(crate) trait Work<S: GenServer>: Send {
    /// Polls the callback that was begun.
    fn resume(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Done<S>>;
    /// Puts the slot away once its callback is done.
    fn put_away(self: Pin<Box<Self>>);
    /// Its callback is timed, and began then.
    #[cfg(feature = "metrics")]
    fn time_from(self: Pin<&mut Self>, since: Instant);
    #[cfg(feature = "metrics")]
    fn is_timed(&self) -> bool;
}

/// What came of a callback that was begun.
pub(crate) enum Begun<S: GenServer> {
    Done(Done<S>),
    /// It has to wait, and stays where it was polled.
    Waits(Pin<Box<dyn Work<S>>>),
}

#[cfg(feature = "metrics")]
impl<S: GenServer> Begun<S> {
    /// Notes when the callback began, if it is timed and has to wait.
    #[inline]
    pub(super) fn timed_from(mut self, since: Option<Instant>) -> Self {
        if let (Some(since), Self::Waits(work)) = (since, &mut self) {
            work.as_mut().time_from(since);
        }
        self
    }
}

/// When a callback began that is timed, with the feature `metrics`.
#[cfg(feature = "metrics")]
type Since = Option<Instant>;
#[cfg(not(feature = "metrics"))]
type Since = ();

pin_project! {
    /// The place of one callback's future.
    struct CallbackSlot<F> {
        #[pin]
        future: Option<F>,
        // Whether the thread keeps it for the next callback of the type. Not that of init, which is often larger than any
        // other and runs once.
        kept: bool,
        // The span of the callback, for `tracing`.
        scope: Scope,
        // When the callback began, if it is timed and has to wait.
        since: Since,
    }
}

impl<F> CallbackSlot<F> {
    fn new(kept: bool) -> Pin<Box<Self>> {
        Box::pin(Self { future: None, kept, scope: Scope::NONE, since: Since::default() })
    }
}

impl<S, F> Work<S> for CallbackSlot<F>
where
    S: GenServer,
    F: Future<Output = Done<S>> + Send + 'static,
{
    fn resume(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Done<S>> {
        let this = self.project();
        let polled = poll_in(this.scope, this.future, cx);
        #[cfg(feature = "metrics")]
        if let Poll::Ready((actor, _)) = &polled
            && let Some(since) = this.since.take()
        {
            actor.cx.process.note_duration(since);
        }
        polled
    }

    #[cfg(feature = "metrics")]
    fn time_from(self: Pin<&mut Self>, since: Instant) {
        *self.project().since = Some(since);
    }

    #[cfg(feature = "metrics")]
    fn is_timed(&self) -> bool {
        self.since.is_some()
    }

    fn put_away(self: Pin<Box<Self>>) {
        if self.kept {
            CallbackPlace::put(self);
        }
    }
}

/// Where a callback's slot is kept while it is not in use.
pub(crate) struct CallbackPlace<F>(Option<Pin<Box<CallbackSlot<F>>>>);

impl<F: 'static> CallbackPlace<F> {
    /// Where the thread keeps it.
    const INDEX: usize = cache::callback_index(size_of::<F>());
    /// Where the thread keeps that of an init.
    const INIT_INDEX: usize = cache::init_index(size_of::<F>());

    pub(crate) fn empty() -> Self {
        Self(None)
    }

    /// The place that this thread keeps.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
    #[expect(clippy::unnecessary_box_returns, reason = "the thread keeps boxes")]
    fn take() -> Box<Self> {
        cache::take(Self::INDEX).unwrap_or_else(Self::make)
    }

    #[cold]
    #[expect(clippy::unnecessary_box_returns, reason = "the thread keeps boxes")]
    fn make() -> Box<Self> {
        Box::new(Self::empty())
    }

    /// Keeps a slot that a callback took along and does not need any more.
    fn put(slot: Pin<Box<CallbackSlot<F>>>) {
        let mut place = Self::take();
        place.0 = Some(slot);
        cache::put(Self::INDEX, place);
    }

    /// A slot that came back, or a new one.
    #[cold]
    fn refill(&mut self) -> &mut Pin<Box<CallbackSlot<F>>> {
        let mut place = Self::take();
        let back = place.0.take();
        cache::put(Self::INDEX, place);
        self.0.insert(back.unwrap_or_else(|| CallbackSlot::new(true)))
    }

    /// Builds a callback's future in the slot, and polls it once. A callback that has to wait takes the slot along.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
    pub(super) fn begin<S, I>(
        &mut self,
        perform: impl FnOnce(Rescue<S>, I) -> F,
        callback: Callback,
        mut actor: Box<Actor<S>>,
        input: I,
        was_queued: bool,
        cx: &mut Context<'_>,
    ) -> Begun<S>
    where
        S: GenServer,
        F: Future<Output = Done<S>> + Send + 'static,
    {
        let slot = match &mut self.0 {
            Some(slot) => slot,
            None => self.refill(),
        };
        let mut this = slot.as_mut().project();
        // Begun here and ended when the future is done, so that one span covers all polls of the callback.
        let Cx { process, sent_by, .. } = &mut actor.cx;
        *this.scope = Scope::begin(&process.head, callback, was_queued.then_some(sent_by));
        this.future.set(Some(perform(Rescue::new(actor), input)));
        match poll_in(this.scope, this.future, cx) {
            Poll::Ready(done) => Begun::Done(done),
            Poll::Pending => match self.0.take() {
                Some(slot) => Begun::Waits(slot),
                None => unreachable!("the slot was polled just now"),
            },
        }
    }
}

/// Begins any callback but init, and goes on with the batch.
#[inline]
pub(super) fn begin<S: GenServer>(actor: Box<Actor<S>>, job: Job<S>, cx: &mut Context<'_>) -> Begun<S> {
    begin_in_cached(perform, actor, job, cx)
}

#[inline]
fn begin_in_cached<S, F>(
    perform: impl FnOnce(Rescue<S>, Job<S>) -> F,
    actor: Box<Actor<S>>,
    job: Job<S>,
    cx: &mut Context<'_>,
) -> Begun<S>
where
    S: GenServer,
    F: Future<Output = Done<S>> + Send + 'static,
{
    // Out of the thread's keeping while the callback runs, for that may begin another callback of the same type.
    let mut place = CallbackPlace::take();
    let begun = place.begin(perform, job.callback(), actor, job, true, cx);
    cache::put(CallbackPlace::<F>::INDEX, place);
    begun
}

/// Goes on with a callback that has waited.
#[inline]
pub(super) fn resume<S: GenServer>(mut work: Pin<Box<dyn Work<S>>>, cx: &mut Context<'_>) -> Begun<S> {
    match work.as_mut().resume(cx) {
        Poll::Ready(done) => {
            // The slot goes to the thread that finished the callback, not to the one that began it.
            work.put_away();
            Begun::Done(done)
        }
        Poll::Pending => Begun::Waits(work),
    }
}

/// Begins init.
pub(super) fn begin_init<S: GenServer>(actor: Box<Actor<S>>, args: Box<S::Args>, cx: &mut Context<'_>) -> Begun<S> {
    begin_init_with(perform_init, actor, args, cx)
}

fn begin_init_with<S, F>(
    perform: impl FnOnce(Rescue<S>, Box<S::Args>) -> F,
    actor: Box<Actor<S>>,
    args: Box<S::Args>,
    cx: &mut Context<'_>,
) -> Begun<S>
where
    S: GenServer,
    F: Future<Output = Done<S>> + Send + 'static,
{
    // An init that is larger than callbacks mostly are would be kept for nothing: it runs once.
    if size_of::<F>() > KEPT_INIT {
        return resume(prepare_init(actor, args), cx);
    }
    let mut place = cache::take(CallbackPlace::<F>::INIT_INDEX).unwrap_or_else(CallbackPlace::make);
    let begun = place.begin(perform, Callback::Init, actor, args, false, cx);
    cache::put(CallbackPlace::<F>::INIT_INDEX, place);
    begun
}

/// How large the future of an init may be to be built in a slot that the thread keeps.
const KEPT_INIT: usize = 256;

/// Init, ready to be polled by the task that resumes it.
pub(super) fn prepare_init<S: GenServer>(actor: Box<Actor<S>>, args: Box<S::Args>) -> Pin<Box<dyn Work<S>>> {
    let mut slot = CallbackSlot::new(false);
    let mut this = slot.as_mut().project();
    *this.scope = Scope::begin(&actor.cx.process.head, Callback::Init, None);
    this.future.set(Some(perform_init(Rescue::new(actor), args)));
    slot
}

/// Polls inside the callback's span, which ends with the callback.
#[inline(always)]
#[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
fn poll_in<S: GenServer, F: Future<Output = Done<S>>>(
    scope: &mut Scope,
    future: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<Done<S>> {
    let polled = {
        let _entered = scope.enter();
        poll_behind_barrier(future, cx)
    };
    if polled.is_ready() {
        *scope = Scope::NONE;
    }
    polled
}

/// Polls, and keeps a panic from going any further. The actor survives it: see [`Rescue`].
#[inline(always)]
#[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
fn poll_behind_barrier<S: GenServer, F: Future<Output = Done<S>>>(
    mut future: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<Done<S>> {
    let polled = catch_unwind(AssertUnwindSafe(|| {
        // A future that is done stays until the next callback takes its place. It holds nothing any more.
        match future.as_mut().as_pin_mut() {
            Some(running) => running.poll(cx),
            None => Poll::Pending,
        }
    }));
    match polled {
        Ok(polled) => polled,
        Err(payload) => Poll::Ready(rescued(future, payload)),
    }
}

/// What is left of a callback that panicked.
#[cold]
fn rescued<S: GenServer, F>(mut future: Pin<&mut Option<F>>, payload: Box<dyn Any + Send>) -> Done<S> {
    // The panic has unwound it. What is left must not be polled again.
    future.set(None);
    // `Rescue` has put the actor there while the future was unwound.
    match RESCUED.take().and_then(|actor| actor.downcast::<Actor<S>>().ok()) {
        Some(actor) => (actor, Some(Box::new(Verdict::Panicked(payload)))),
        // The panic came after the callback had given its actor back, out of the drop of something it kept.
        _ => std::panic::resume_unwind(payload),
    }
}

thread_local! {
    static RESCUED: Cell<Option<Box<dyn Any>>> = const { Cell::new(None) };
}

/// Holds the actor while its callback runs. Unwinding drops everything in the callback's future; this keeps the actor, as the
/// panic left it, for terminate.
///
/// It is empty once it is dropped, so what is in it is not dropped a second time: that would be one more call in every callback.
pub(crate) struct Rescue<S: GenServer>(ManuallyDrop<Option<Box<Actor<S>>>>);

impl<S: GenServer> Rescue<S> {
    #[inline]
    fn new(actor: Box<Actor<S>>) -> Self {
        Self(ManuallyDrop::new(Some(actor)))
    }

    /// What a callback needs, once init has made the server.
    #[inline]
    fn parts(&mut self) -> Option<(&mut S, &mut Cx<S>)> {
        let Actor { server, cx, .. } = &mut **self.0.as_mut()?;
        Some((server.as_mut()?, cx))
    }
}

impl<S: GenServer> Drop for Rescue<S> {
    #[inline]
    fn drop(&mut self) {
        if let Some(actor) = self.0.take() {
            rescue(actor);
        }
    }
}

/// Keeps the actor of a callback that is unwound. Out of line, because nearly every callback gives its actor back.
#[cold]
#[inline(never)]
fn rescue<S: GenServer>(actor: Box<Actor<S>>) {
    // Without a panic the callback was dropped while it waited: the process was killed, and its state goes with it.
    if std::thread::panicking() {
        RESCUED.set(Some(actor as Box<dyn Any>));
    }
}

/// Drops an actor that was kept for terminate although there will be none: it was dropped by a thread that is panicking for
/// reasons of its own.
pub(crate) fn discard_rescued() {
    drop(RESCUED.take());
}

#[expect(clippy::manual_async_fn, reason = "an async fn would keep its arguments twice in the future")]
fn perform_init<S: GenServer>(
    mut rescue: Rescue<S>,
    args: Box<S::Args>,
) -> impl Future<Output = Done<S>> + Send + 'static {
    async move {
        let actor = rescue.0.as_mut().expect("the actor is here until the callback is done");
        let verdict = match initialise(actor, *args).await {
            Ok(Step { then: Then::Wait, .. }) => None,
            Ok(step) => Some(Box::new(Verdict::Started(step))),
            Err(not) => Some(Box::new(Verdict::NotStarted(not))),
        };
        (rescue.0.take().expect("the actor is still here"), verdict)
    }
}

async fn initialise<S: GenServer>(actor: &mut Actor<S>, args: S::Args) -> Result<Step<S>, NotStarted> {
    let (server, then) = match run!(S, actor.cx.pid(), Init, None, S::init(args, &mut actor.cx)) {
        Init::Run(server) => (server, Then::Wait),
        Init::RunIdle(server, silence) => (server, Then::Idle(silence)),
        Init::RunHibernate(server) => (server, Then::Hibernate),
        Init::RunThen(server, info) => (server, Then::Continue(info)),
        Init::Ignore => return Err(NotStarted::Ignored),
        Init::Stop(reason) => return Err(NotStarted::Stopped(reason)),
        Init::Fail(reason) => return Err(NotStarted::Refused(reason)),
    };
    actor.server = Some(server);
    Ok(Step { then, replied: false })
}

/// Runs one call, and nothing after it.
#[expect(clippy::manual_async_fn, reason = "an async fn would keep its arguments twice in the future")]
pub(crate) fn perform_call<S: GenServer>(
    mut rescue: Rescue<S>,
    call: S::Call,
) -> impl Future<Output = Done<S>> + Send + 'static {
    async move {
        let verdict = match rescue.parts() {
            Some((server, cx)) => {
                cx.note_message(Callback::Call, Message::Call(&call));
                judged(run!(S, cx.pid(), Call, Some(&call), server.handle_call(call, cx)), cx)
            }
            None => Some(Box::new(Verdict::Terminated)),
        };
        (rescue.0.take().expect("the actor is still here"), verdict)
    }
}

/// Runs one callback, and those of the messages that follow it in the batch, for as long as each simply waits for the next.
///
/// Calls follow calls mostly, and casts casts, so each kind has a loop of its own, which moves nothing but the message.
#[expect(clippy::manual_async_fn, reason = "an async fn would keep its arguments twice in the future")]
fn perform<S: GenServer>(mut rescue: Rescue<S>, mut job: Job<S>) -> impl Future<Output = Done<S>> + Send + 'static {
    async move {
        let verdict = loop {
            let verdict = match job {
                Job::Message(Envelope::Call(mut call, _)) => loop {
                    let Some((server, cx)) = rescue.parts() else { break Some(Box::new(Verdict::Terminated)) };
                    cx.note_message(Callback::Call, Message::Call(&call));
                    let verdict = judged(run!(S, cx.pid(), Call, Some(&call), server.handle_call(call, cx)), cx);
                    if verdict.is_some() {
                        break verdict;
                    }
                    // Found again, not kept: a reference that lived through the callback would take space in every server.
                    match rescue.0.as_mut().and_then(|actor| actor.next_call()) {
                        Some(next) => call = next,
                        None => break None,
                    }
                },
                Job::Message(Envelope::Cast(mut cast)) => loop {
                    let Some((server, cx)) = rescue.parts() else { break Some(Box::new(Verdict::Terminated)) };
                    cx.note_message(Callback::Cast, Message::Cast(&cast));
                    let verdict = judged(run!(S, cx.pid(), Cast, Some(&cast), server.handle_cast(cast, cx)), cx);
                    if verdict.is_some() {
                        break verdict;
                    }
                    match rescue.0.as_mut().and_then(|actor| actor.next_cast()) {
                        Some(next) => cast = next,
                        None => break None,
                    }
                },
                job => {
                    let Some((server, cx)) = rescue.parts() else { break Some(Box::new(Verdict::Terminated)) };
                    cx.note_job(&job);
                    match job {
                        Job::Message(Envelope::Info(info)) | Job::Continue(info) => {
                            judged(run!(S, cx.pid(), Info, Some(&info), server.handle_info(info, cx)), cx)
                        }
                        Job::Message(Envelope::Signal(signal)) => match cx.translate(*signal) {
                            Some(info) => {
                                cx.process.handled.count(Doing::Info);
                                cx.note_message(Callback::Info, Message::Info(&info));
                                judged(run!(S, cx.pid(), Info, Some(&info), server.handle_info(info, cx)), cx)
                            }
                            None => Some(Box::new(Verdict::CalledOff)),
                        },
                        Job::Idle => judged(run!(S, cx.pid(), Idle, None, server.handle_idle(cx)), cx),
                        Job::Terminate(reason) => {
                            let reason = reason.as_deref().unwrap_or(&Reason::Normal);
                            run!(S, cx.pid(), Terminate, None, server.terminate(reason, cx));
                            break None;
                        }
                        // Calls and casts have their loops, init its own future, and a lazy message was opened before.
                        Job::Message(_) | Job::Init(_) => None,
                    }
                }
            };
            if verdict.is_some() {
                break verdict;
            }
            match rescue.0.as_mut().and_then(|actor| actor.next()) {
                Some(message) => job = Job::Message(message),
                None => break None,
            }
        };
        (rescue.0.take().expect("the actor is still here"), verdict)
    }
}

/// Makes the step small: waiting for the next message is nothing at all.
#[inline(always)]
#[expect(clippy::inline_always, reason = "every call passes here, and a call of it costs more than what it does")]
fn judged<S: GenServer>(outcome: Outcome<S>, cx: &mut Cx<S>) -> Option<Box<Verdict<S>>> {
    cx.note_outcome(&outcome);
    match outcome {
        Ok(Step { then: Then::Wait, .. }) => None,
        Ok(step) => Some(Box::new(Verdict::Step(step))),
        Err(reason) => Some(Box::new(Verdict::Failed(reason))),
    }
}
