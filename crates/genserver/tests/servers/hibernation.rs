//! Hibernation: when a server releases its memory, what wakes it, and what does not.
#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test, with its line")]

use std::time::Duration;

use genserver::{Caller, Cx, GenServer, Init, Next, Node, Outcome, ServerRef, Status, sys};

#[derive(Clone)]
struct Sleeper {
    /// A caller that an info answers later.
    open: Open,
}

/// A caller is not `Clone`; a copy of the state has none.
#[derive(Default)]
struct Open(Option<Caller<&'static str>>);

impl Clone for Open {
    fn clone(&self) -> Self {
        Self(None)
    }
}

enum Call {
    Ping(Caller<&'static str>),
    ReplyAndHibernate(Caller<&'static str>),
    HibernateUnanswered(Caller<&'static str>),
}

enum Cast {
    Nothing,
    /// Hibernates when this timer fires.
    TimerToSleep(Duration),
    /// Sets this idle timeout when the timer fires, and hibernates after it.
    TimerToSilence(Duration, Duration),
}

enum Info {
    Nothing,
    Answer,
    Sleep,
    Silence(Duration),
}

impl GenServer for Sleeper {
    type Args = bool;
    type Call = Call;
    type Cast = Cast;
    type Info = Info;

    async fn init(asleep: bool, _cx: &mut Cx<Self>) -> Init<Self> {
        let server = Sleeper { open: Open::default() };
        if asleep { Init::RunHibernate(server) } else { Init::Run(server) }
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Ping(caller) => Next::reply(caller, "pong"),
            Call::ReplyAndHibernate(caller) => Next::reply_hibernate(caller, "good night"),
            Call::HibernateUnanswered(caller) => {
                self.open.0 = Some(caller);
                Next::hibernate()
            }
        }
    }

    async fn handle_cast(&mut self, cast: Cast, cx: &mut Cx<Self>) -> Outcome<Self> {
        match cast {
            Cast::Nothing => {}
            Cast::TimerToSleep(delay) => {
                cx.send_after(delay, Info::Sleep);
            }
            Cast::TimerToSilence(delay, silence) => {
                cx.send_after(delay, Info::Silence(silence));
            }
        }
        Next::wait()
    }

    async fn handle_info(&mut self, info: Info, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match info {
            Info::Nothing => {}
            Info::Answer => {
                if let Some(caller) = self.open.0.take() {
                    caller.reply("at last");
                }
            }
            Info::Sleep => return Next::hibernate(),
            Info::Silence(silence) => return Next::idle(silence),
        }
        Next::wait()
    }

    async fn handle_idle(&mut self, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::hibernate()
    }
}

const SECOND: Duration = Duration::from_secs(1);

async fn sleeper(asleep: bool) -> ServerRef<Sleeper> {
    Node::new().start::<Sleeper>(asleep).await.unwrap()
}

fn status(server: &ServerRef<Sleeper>) -> Status {
    server.info().status
}

/// Lets the server's task run until nothing is left to do.
async fn settle(server: &ServerRef<Sleeper>) {
    while !matches!(status(server), Status::Waiting | Status::Hibernated) {
        tokio::task::yield_now().await;
    }
}

/// Moves the clock, and lets all tasks do what is due.
async fn pass(time: Duration) {
    // A sleep that was set after everything that is due by then ends after it.
    #[expect(clippy::disallowed_methods, reason = "the paused clock of the test")]
    tokio::time::sleep(time).await;
    tokio::task::yield_now().await;
}

#[tokio::test(start_paused = true)]
async fn gs_124_a_hibernating_server_answers_a_call() {
    let server = sleeper(true).await;
    assert_eq!(status(&server), Status::Hibernated);
    assert_eq!(server.call(Call::Ping).await.unwrap(), "pong");
    assert_eq!(status(&server), Status::Waiting);
}

#[tokio::test(start_paused = true)]
async fn gs_125_a_message_wakes_a_hibernating_server_to_reply() {
    let server = sleeper(false).await;
    assert_eq!(server.call(Call::ReplyAndHibernate).await.unwrap(), "good night");
    assert_eq!(status(&server), Status::Hibernated);

    let mut open = Box::pin(server.call(Call::HibernateUnanswered));
    assert!(futures::poll!(&mut open).is_pending());
    assert_eq!(status(&server), Status::Hibernated);
    server.send(Info::Answer).unwrap();
    assert_eq!(open.await.unwrap(), "at last");
    settle(&server).await;
    assert_eq!(status(&server), Status::Waiting);
}

#[tokio::test(start_paused = true)]
async fn gs_126_a_timer_can_hibernate_now_or_after_silence() {
    let server = sleeper(false).await;
    server.cast(Cast::TimerToSleep(SECOND)).unwrap();
    settle(&server).await;
    assert_eq!(status(&server), Status::Waiting);
    pass(SECOND).await;
    assert_eq!(status(&server), Status::Hibernated);

    server.cast(Cast::TimerToSilence(SECOND, SECOND)).unwrap();
    pass(SECOND).await;
    assert_eq!(status(&server), Status::Waiting);
    pass(SECOND).await;
    assert_eq!(status(&server), Status::Hibernated);
}

#[tokio::test(start_paused = true)]
async fn gs_127_suspension_does_not_end_hibernation() {
    let server = sleeper(true).await;
    sys::suspend(&server).await.unwrap();
    assert_eq!(status(&server), Status::Suspended);
    sys::resume(&server).await.unwrap();
    assert_eq!(status(&server), Status::Hibernated);
}

#[tokio::test(start_paused = true)]
async fn gs_128_silence_hibernates_the_server_again() {
    for inline in [true, false] {
        check_silence(inline).await;
    }
}

/// The case, for a server that callers may run and for one that only its task runs.
async fn check_silence(inline: bool) {
    const SILENCE: Duration = Duration::from_millis(100);
    const ALMOST: Duration = Duration::from_millis(99);
    let server = Node::new().start::<Sleeper>(false).hibernate_after(SILENCE).inline(inline).await.unwrap();
    settle(&server).await;
    assert_eq!(status(&server), Status::Waiting);
    pass(SILENCE).await;
    assert_eq!(status(&server), Status::Hibernated);

    let hibernates_again = async || {
        settle(&server).await;
        assert_eq!(status(&server), Status::Waiting);
        pass(ALMOST).await;
        assert_eq!(status(&server), Status::Waiting);
        pass(Duration::from_millis(1)).await;
        assert_eq!(status(&server), Status::Hibernated);
    };
    server.call(Call::Ping).await.unwrap();
    hibernates_again().await;
    server.cast(Cast::Nothing).unwrap();
    hibernates_again().await;
    server.send(Info::Nothing).unwrap();
    hibernates_again().await;

    let _ = sys::get_state(&server).await.unwrap();
    settle(&server).await;
    assert_eq!(status(&server), Status::Hibernated, "a look at the state does not keep it awake");
}
