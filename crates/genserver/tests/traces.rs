//! Traces: the span of a callback belongs to the trace of the code that sent the message.
#![cfg(all(feature = "tokio", feature = "tracing"))]
#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test, with its line")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use genserver::{Caller, Cx, Down, GenServer, Init, Never, Next, Node, Outcome, Reason, ServerRef, Start};
use tracing::span::{Attributes, Id};
use tracing::{Event, Instrument as _, Span, Subscriber, info_span};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// Notes each span of a callback when it is made, as `CALLBACK in PARENT` or `CALLBACK after SENDER`, and each span that closes.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Notes {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        let span = cx.span(id).unwrap();
        if attributes.metadata().target() == "genserver::callback" {
            self.note(format!("{} in {}", span.name(), span.parent().map_or("no span", |parent| parent.name())));
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, cx: Context<'_, S>) {
        let called = |id| cx.span(id).unwrap().name();
        self.note(format!("{} after {}", called(id), called(follows)));
    }

    fn on_close(&self, id: Id, cx: Context<'_, S>) {
        self.note(format!("{} closes", cx.span(&id).unwrap().name()));
    }
}

impl Notes {
    /// Subscribes on this thread, on which the whole test runs.
    fn subscribe() -> (Self, tracing::subscriber::DefaultGuard) {
        let notes = Self::default();
        let subscriber = Registry::default().with(notes.clone());
        (notes, tracing::subscriber::set_default(subscriber))
    }
}

/// Answers, in the end, and notes under which span its callbacks run.
struct Worker {
    notes: Notes,
}

enum Ask {
    Now(Caller<()>),
    /// Awaits in between.
    Later(Caller<()>),
    /// The same, and does not look at its span.
    Blindly(Caller<()>),
    /// Asks this other one, and answers then.
    Next(ServerRef<Worker>, Caller<()>),
    /// Asks this other one to ask this one, which would close a cycle.
    Around(ServerRef<Worker>, Caller<()>),
    Watch(ServerRef<Worker>, Caller<()>),
    TimerIn(Duration, Caller<()>),
}

impl GenServer for Worker {
    type Args = Notes;
    type Call = Ask;
    type Cast = ();
    type Info = &'static str;

    async fn init(notes: Notes, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self { notes })
    }

    async fn handle_call(&mut self, ask: Ask, cx: &mut Cx<Self>) -> Outcome<Self> {
        let own = Span::current().id();
        match ask {
            Ask::Now(caller) => Next::reply(caller, ()),
            Ask::Later(caller) => {
                tokio::task::yield_now().await;
                assert_eq!(Span::current().id(), own, "it is entered at each poll");
                Next::reply(caller, ())
            }
            Ask::Blindly(caller) => {
                tokio::task::yield_now().await;
                Next::reply(caller, ())
            }
            Ask::Next(other, caller) => {
                other.call(Ask::Later).await?;
                assert_eq!(Span::current().id(), own);
                Next::reply(caller, ())
            }
            Ask::Around(other, caller) => {
                let me = cx.this();
                other.call(|caller| Ask::Next(me, caller)).await.unwrap_err();
                Next::reply(caller, ())
            }
            Ask::Watch(other, caller) => {
                cx.monitor(&other, |_: Down| "down");
                Next::reply(caller, ())
            }
            Ask::TimerIn(delay, caller) => {
                cx.send_after(delay, "timer");
                Next::reply(caller, ())
            }
        }
    }

    async fn handle_cast(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::wait()
    }

    async fn handle_info(&mut self, what: &'static str, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.notes.note(format!("{what} came"));
        Next::wait()
    }
}

fn worker(notes: &Notes) -> Start<Worker> {
    Node::new().start::<Worker>(notes.clone())
}

/// Does it in a span of that name.
async fn within<T>(name: &'static str, work: impl Future<Output = T>) -> T {
    let is_request = name == "request";
    let span = if is_request { info_span!(parent: None, "request") } else { info_span!(parent: None, "another") };
    work.instrument(span).await
}

#[tokio::test]
async fn the_callback_of_a_call_is_a_child_of_its_caller_s_span_on_both_paths() {
    for inline in [true, false] {
        let (notes, _subscribed) = Notes::subscribe();
        let server = within("request", async { worker(&notes).inline(inline).await.unwrap() }).await;
        assert_eq!(notes.take(), ["init in request", "init closes", "request closes"]);
        within("request", server.call(Ask::Now)).await.unwrap();
        assert_eq!(notes.take(), ["handle_call in request", "handle_call closes", "request closes"]);
        within("request", server.call(Ask::Later)).await.unwrap();
        assert_eq!(notes.take(), ["handle_call in request", "handle_call closes", "request closes"], "{inline}");
        server.call(Ask::Now).await.unwrap();
        assert_eq!(notes.take(), ["handle_call in no span", "handle_call closes"]);
    }
}

#[tokio::test]
async fn a_trace_goes_through_server_after_server() {
    for inline in [true, false] {
        let (notes, _subscribed) = Notes::subscribe();
        let last = worker(&notes).inline(inline).await.unwrap();
        let first = worker(&notes).inline(inline).await.unwrap();
        notes.take();
        within("request", first.call(|caller| Ask::Next(last, caller))).await.unwrap();
        let made = ["handle_call in request", "handle_call in handle_call"];
        let closed = ["handle_call closes", "handle_call closes", "request closes"];
        assert_eq!(notes.take(), [&made[..], &closed[..]].concat());
    }
}

#[tokio::test]
async fn the_callbacks_of_casts_and_infos_are_roots_that_follow_from_their_sender_s_span() {
    let (notes, _subscribed) = Notes::subscribe();
    let server = worker(&notes).await.unwrap();
    notes.take();
    within("request", async {
        server.cast(()).unwrap();
        server.send("an info").unwrap();
        server.cast_wait(()).await.unwrap();
    })
    .await;
    server.cast(()).unwrap();
    within("another", server.call(Ask::Now)).await.unwrap();
    let handled: Vec<_> = notes.take().into_iter().filter(|line| !line.ends_with("closes")).collect();
    let expected = [
        "handle_cast in no span",
        "handle_cast after request",
        "handle_info in no span",
        "handle_info after request",
        "an info came",
        "handle_cast in no span",
        "handle_cast after request",
        "handle_cast in no span",
        "handle_call in another",
    ];
    assert_eq!(handled, expected);
}

#[tokio::test]
async fn messages_of_several_senders_do_not_share_their_traces() {
    let (notes, _subscribed) = Notes::subscribe();
    let server = worker(&notes).inline(false).await.unwrap();
    notes.take();
    let request = within("request", server.call(Ask::Now));
    let another = within("another", server.call(Ask::Now));
    let (request, anonymous, another) = tokio::join!(request, server.call(Ask::Now), another);
    request.and(anonymous).and(another).unwrap();
    let mut made: Vec<_> = notes.take().into_iter().filter(|line| line.contains(" in ")).collect();
    made.sort();
    assert_eq!(made, ["handle_call in another", "handle_call in no span", "handle_call in request"]);
}

#[tokio::test]
async fn the_terminate_of_a_stop_is_a_child_and_a_down_is_a_root() {
    for inline in [true, false] {
        let (notes, _subscribed) = Notes::subscribe();
        let watched = worker(&notes).inline(inline).await.unwrap();
        let watcher = worker(&notes).inline(inline).await.unwrap();
        watcher.call(|caller| Ask::Watch(watched.clone(), caller)).await.unwrap();
        notes.take();
        within("request", watched.stop()).await.unwrap();
        watcher.call(Ask::Now).await.unwrap();
        let lines = notes.take();
        assert_eq!(lines[..2], ["terminate in request", "terminate closes"]);
        assert!(lines.contains(&"handle_info in no span".to_owned()), "{lines:?}");
        assert!(lines.contains(&"down came".to_owned()), "{lines:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_timer_does_not_keep_the_span_open_that_set_it() {
    let (notes, _subscribed) = Notes::subscribe();
    let server = worker(&notes).await.unwrap();
    notes.take();
    within("request", server.call(|caller| Ask::TimerIn(Duration::from_mins(1), caller))).await.unwrap();
    assert_eq!(notes.take(), ["handle_call in request", "handle_call closes", "request closes"]);
    genserver::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(notes.take(), ["handle_info in no span", "timer came", "handle_info closes"]);
}

/// Casts to itself for ever.
struct Restless;

impl GenServer for Restless {
    type Args = ();
    type Call = Never;
    type Cast = u32;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }

    async fn handle_cast(&mut self, left: u32, cx: &mut Cx<Self>) -> Outcome<Self> {
        if left == 0 {
            return Next::stop(genserver::Reason::Normal);
        }
        let me = cx.this();
        me.cast(left - 1)?;
        Next::wait()
    }
}

#[tokio::test]
async fn a_server_that_casts_to_itself_keeps_one_span_open() {
    let (notes, _subscribed) = Notes::subscribe();
    let restless = Node::new().start::<Restless>(()).await.unwrap();
    notes.take();
    restless.cast(100).unwrap();
    restless.ended().await;
    let lines = notes.take();
    let (mut open, mut most) = (0_u32, 0);
    for line in &lines {
        open = open + u32::from(line.contains(" in ")) - u32::from(line.ends_with("closes"));
        most = most.max(open);
    }
    assert_eq!((open, most), (0, 2), "{lines:?}");
}

#[tokio::test]
async fn what_comes_back_is_the_message_that_was_sent() {
    let (notes, _subscribed) = Notes::subscribe();
    let server = worker(&notes).mailbox(1).await.unwrap();
    within("request", async {
        server.cast(()).unwrap();
        assert!(server.cast(()).unwrap_err().is_full());
        assert!(server.send("an info").unwrap_err().is_full());
        // Waits for space, and then its turn.
        server.call(Ask::Now).await.unwrap();
    })
    .await;
    let handled: Vec<_> = notes.take().into_iter().filter(|line| line.contains("handle_call in")).collect();
    assert_eq!(handled, ["handle_call in request"]);
    server.stop().await.unwrap();
    within("request", async { server.cast(()).unwrap_err() }).await;
}

#[tokio::test]
async fn a_subscriber_that_does_not_want_callbacks_gets_none() {
    struct Others;

    impl<S: Subscriber> Layer<S> for Others {
        fn enabled(&self, metadata: &tracing::Metadata<'_>, _cx: Context<'_, S>) -> bool {
            metadata.target() != "genserver::callback"
        }
    }

    let notes = Notes::default();
    let _subscribed = tracing::subscriber::set_default(Registry::default().with(notes.clone()).with(Others));
    let server = worker(&notes).await.unwrap();
    within("request", async {
        server.cast(()).unwrap();
        server.call(Ask::Now).await.unwrap();
    })
    .await;
    assert_eq!(notes.take(), ["request closes"]);
}

#[tokio::test]
async fn a_call_that_was_refused_because_of_a_cycle_leaves_no_trace() {
    let (notes, _subscribed) = Notes::subscribe();
    // Queued, so that it is the second call that closes the cycle, and is withdrawn.
    let first = worker(&notes).inline(false).await.unwrap();
    let second = worker(&notes).inline(false).await.unwrap();
    within("request", first.call(|caller| Ask::Around(second, caller))).await.unwrap();
    notes.take();
    // Behind the call that was withdrawn.
    first.cast(()).unwrap();
    first.call(Ask::Now).await.unwrap();
    let made: Vec<_> = notes.take().into_iter().filter(|line| !line.ends_with("closes")).collect();
    assert_eq!(made, ["handle_cast in no span", "handle_call in no span"]);
}

/// What is done to a subscriber that panics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Done {
    New,
    Follows,
    Enter,
    Exit,
    Close,
    Event,
}

/// Panics at one of them, if it is about a callback or a report.
struct Panicking(Done);

impl Panicking {
    fn check(&self, done: Done, target: &str) {
        assert!(done != self.0 || !target.starts_with("genserver"), "the subscriber panics at {done:?}");
    }

    fn check_span<S: Subscriber + for<'a> LookupSpan<'a>>(&self, done: Done, id: &Id, cx: &Context<'_, S>) {
        self.check(done, cx.metadata(id).unwrap().target());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Panicking {
    fn on_new_span(&self, attributes: &Attributes<'_>, _id: &Id, _cx: Context<'_, S>) {
        self.check(Done::New, attributes.metadata().target());
    }

    fn on_follows_from(&self, id: &Id, _follows: &Id, cx: Context<'_, S>) {
        self.check_span(Done::Follows, id, &cx);
    }

    fn on_enter(&self, id: &Id, cx: Context<'_, S>) {
        self.check_span(Done::Enter, id, &cx);
    }

    fn on_exit(&self, id: &Id, cx: Context<'_, S>) {
        self.check_span(Done::Exit, id, &cx);
    }

    fn on_close(&self, id: Id, cx: Context<'_, S>) {
        self.check_span(Done::Close, &id, &cx);
    }

    fn on_event(&self, event: &Event<'_>, _cx: Context<'_, S>) {
        self.check(Done::Event, event.metadata().target());
    }
}

#[tokio::test]
async fn a_subscriber_that_panics_harms_no_server() {
    for done in [Done::New, Done::Follows, Done::Enter, Done::Exit, Done::Close, Done::Event] {
        let subscriber = Registry::default().with(Panicking(done));
        let _subscribed = tracing::subscriber::set_default(subscriber);
        for inline in [true, false] {
            let server = worker(&Notes::default()).inline(inline).await.unwrap();
            within("request", async {
                server.call(Ask::Now).await.unwrap();
                server.call(Ask::Blindly).await.unwrap();
                server.cast_wait(()).await.unwrap();
                server.call(Ask::Now).await.unwrap();
            })
            .await;
            assert!(server.is_alive(), "{done:?}");
            // Its report is an event.
            server.stop().reason(Reason::term("wrong")).await.unwrap();
        }
    }
}
