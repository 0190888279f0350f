//! Tests whose processes end with them: the order, how a failing test ends, and what its message says.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use genserver::agent::Agent;
use genserver::supervised::TestSupervisor;
use genserver::supervisor::{ChildSpec, Shutdown};
use genserver::{
    Caller, Cx, Exit, GenServer, Init, Named, Next, Node, Outcome, Probe, Reason, ServerRef, Start, StartError,
    current_process, start, start_link, supervised, time, whereis,
};
use parking_lot::Mutex;

/// Reports when and why it ends, and ends as it is told to.
struct Mourned {
    name: &'static str,
    diary: Diary,
    ends: Ends,
}

type Diary = Arc<Mutex<Vec<String>>>;

#[derive(Clone, Copy)]
enum Ends {
    Well,
    /// Terminate awaits something that never comes.
    Never,
}

enum Tell {
    Panic,
}

impl GenServer for Mourned {
    type Args = (&'static str, Diary, Ends);
    type Call = Caller<&'static str>;
    type Cast = Tell;
    type Info = Exit;

    async fn init((name, diary, ends): Self::Args, cx: &mut Cx<Self>) -> Init<Self> {
        cx.trap_exits(|exit| exit);
        Init::Run(Self { name, diary, ends })
    }

    async fn handle_call(&mut self, caller: Caller<&'static str>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, self.name)
    }

    async fn handle_cast(&mut self, cast: Tell, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match cast {
            Tell::Panic => panic!("{} fell over", self.name),
        }
    }

    async fn terminate(&mut self, reason: &Reason, _cx: &mut Cx<Self>) {
        if matches!(self.ends, Ends::Never) {
            std::future::pending::<()>().await;
        }
        // Its end takes time, and is waited for.
        tokio::task::yield_now().await;
        self.diary.lock().push(format!("{}: {reason}", self.name));
    }
}

fn mourned(name: &'static str, diary: &Diary) -> Start<Mourned> {
    start_link((name, Arc::clone(diary), Ends::Well)).label(name)
}

fn read(diary: &Diary) -> Vec<String> {
    diary.lock().clone()
}

/// The message of a test that fails.
async fn failure(test: impl AsyncFnOnce(&TestSupervisor)) -> String {
    let payload = AssertUnwindSafe(supervised(test)).catch_unwind().await.expect_err("the test is to fail");
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).expect("a text")
}

#[tokio::test]
async fn the_last_started_stops_first_and_everybody_is_waited_for() {
    let diary = Diary::default();
    let returned = supervised(async |test| {
        for name in ["first", "second", "third"] {
            test.start_supervised(mourned(name, &diary)).await;
        }
        7
    });
    assert_eq!(returned.await, 7);
    assert_eq!(read(&diary), ["third: shutdown", "second: shutdown", "first: shutdown"]);
}

#[tokio::test]
async fn a_test_that_panics_goes_on_panicking_when_all_have_stopped() {
    let diary = Diary::default();
    let said = failure(async |test| {
        test.start_supervised(mourned("first", &diary)).await;
        test.start_supervised(mourned("second", &diary)).await;
        panic!("it is {}", "wrong");
    });
    assert_eq!(said.await, "it is wrong");
    assert_eq!(read(&diary), ["second: shutdown", "first: shutdown"]);
}

#[tokio::test]
async fn a_panic_without_a_text_is_resumed_unchanged() {
    let test = supervised(async |_test| std::panic::panic_any(7_u8));
    let payload: Box<dyn std::any::Any + Send> = AssertUnwindSafe(test).catch_unwind().await.unwrap_err();
    assert_eq!(payload.downcast_ref::<u8>(), Some(&7));
}

#[tokio::test]
async fn an_error_is_returned_when_all_have_stopped() {
    let diary = Diary::default();
    let returned: Result<(), StartError> = supervised(async |test| {
        test.start_supervised(mourned("first", &diary)).await;
        start_link::<Mourned>(("second", Arc::clone(&diary), Ends::Well)).name("taken").await?;
        start::<Mourned>(("third", Arc::clone(&diary), Ends::Well)).name("taken").await?;
        Ok(())
    })
    .await;
    assert!(matches!(returned, Err(StartError::AlreadyStarted { .. })), "{returned:?}");
    // The second was linked only to the test, and ended with it.
    let mut read = read(&diary);
    read.sort();
    assert_eq!(read, ["first: shutdown", "second: shutdown"]);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_end_within_five_seconds_is_killed() {
    let diary = Diary::default();
    let begun = time::now();
    let server = supervised(async |test| {
        test.start_supervised(mourned("first", &diary)).await;
        test.start_supervised(start::<Mourned>(("second", Arc::clone(&diary), Ends::Never))).await
    })
    .await;
    assert_eq!((time::now() - begun).as_secs(), 5);
    assert!(!server.is_alive());
    assert_eq!(read(&diary), ["first: shutdown"]);
}

#[tokio::test]
async fn whatever_else_lives_in_the_node_is_shut_down() {
    let mut left = None;
    supervised(async |_test| {
        left = Some(Agent::start(|| ()).name("left behind").await.unwrap());
    })
    .await;
    assert!(!left.unwrap().is_alive());
}

#[tokio::test]
async fn two_tests_use_one_name_at_once() {
    async fn counts(test: &TestSupervisor, first: u8) {
        let agent = test.start_supervised(Agent::start_link(move || first).name("counter")).await;
        tokio::task::yield_now().await;
        assert_eq!(Agent::<u8>::named("counter").get(|count| *count).await, Ok(first));
        assert_eq!(whereis("counter"), Some(agent.process_ref()));
        assert_eq!(test.node().whereis("counter"), Some(agent.process_ref()));
        assert_eq!(Node::program().whereis("counter"), None);
    }
    tokio::join!(supervised(async |test| counts(test, 1).await), supervised(async |test| counts(test, 2).await));
}

#[tokio::test(start_paused = true)]
async fn a_child_may_crash_in_a_test_that_passes() {
    supervised(async |test| {
        let mut probe = Probe::<()>::new();
        let server = test.start_supervised(mourned("first", &Diary::default())).await;
        let reference = probe.monitor(&server);
        server.cast(Tell::Panic).unwrap();
        assert!(matches!(probe.expect_down(reference).await.reason, Reason::Panic(_)));
    })
    .await;
}

#[tokio::test]
async fn a_test_that_fails_says_which_children_ended_badly() {
    let diary = Diary::default();
    let said = failure(async |test| {
        let fallen = test.start_supervised(mourned("first", &diary).name("the fallen")).await;
        let killed = test.start_supervised(mourned("second", &diary)).await;
        let stopped = test.start_supervised(mourned("third", &diary)).await;
        fallen.cast(Tell::Panic).unwrap();
        fallen.ended().await;
        killed.kill();
        stopped.stop().await.unwrap();
        panic!("it is wrong");
    })
    .await;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[..2], ["it is wrong", "while the test ran:"]);
    assert!(lines[2].starts_with("- the fallen first <"), "{said}");
    assert!(lines[2].ends_with("::Mourned) ended: panicked: first fell over"), "{said}");
    assert!(lines[3].ends_with("::Mourned) ended: killed"), "{said}");
    assert!(lines[4].starts_with("- Server the fallen <") && lines[4].ends_with("terminating"), "{said}");
    assert!(!said.contains("third"), "{said}");
}

#[tokio::test]
async fn a_test_ends_with_a_process_it_is_linked_to() {
    let diary = Diary::default();
    let said = failure(async |test| {
        test.start_supervised(mourned("first", &diary)).await;
        let linked = mourned("second", &diary).await.unwrap();
        assert_eq!(linked.info().parent, current_process().map(|test| test.pid()));
        linked.cast(Tell::Panic).unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    assert!(said.starts_with("a process ended badly that the test is linked to: panicked: second fell over"), "{said}");
    assert_eq!(read(&diary), ["second: panicked: second fell over", "first: shutdown"]);
}

/// The body finishes in the very poll in which it is cut off, and still does not pass.
#[tokio::test]
async fn a_test_does_not_pass_by_not_looking() {
    let said = failure(async |_test| {
        let linked = mourned("first", &Diary::default()).await.unwrap();
        linked.cast(Tell::Panic).unwrap();
        let _ = linked.call(|caller| caller).await;
    });
    assert!(said.await.starts_with("a process ended badly that the test is linked to: "));
}

#[tokio::test]
async fn a_start_that_fails_fails_the_test() {
    let said = failure(async |test| {
        test.start_supervised(Agent::<u8>::start(|| panic!("no paper"))).await;
    })
    .await;
    assert!(said.starts_with("start_supervised: init of process <"), "{said}");
    assert!(said.contains("failed: panicked: no paper"), "{said}");
}

#[tokio::test]
async fn stop_supervised_waits_for_the_end_of_one() {
    let diary = Diary::default();
    supervised(async |test| {
        let first = test.start_supervised(mourned("first", &diary).name("one")).await;
        test.start_supervised(mourned("second", &diary)).await;
        test.stop_supervised(&first).await;
        assert_eq!(read(&diary), ["first: shutdown"]);
        assert_eq!(Named::<Mourned>::new("one").resolve().ok(), None);
        test.stop_supervised(&first).await;
        test.start_supervised(mourned("third", &diary).name("one")).await;
    })
    .await;
    assert_eq!(read(&diary), ["first: shutdown", "third: shutdown", "second: shutdown"]);
}

#[tokio::test]
async fn stop_supervised_refuses_a_stranger() {
    let stranger = Agent::start(|| ()).await.unwrap();
    let said = failure(async |test| test.stop_supervised(&stranger).await).await;
    assert!(said.starts_with("stop_supervised stops what start_supervised started"), "{said}");
    assert!(stranger.is_alive());
}

#[tokio::test(start_paused = true)]
async fn a_test_that_is_dropped_leaves_nothing_running() {
    let diary = Diary::default();
    let mut ended = None;
    let test = supervised(async |test| {
        let server = test.start_supervised(mourned("first", &diary)).await;
        let agent = Agent::start(|| ()).await.unwrap();
        ended = Some((server.ended(), agent.server().ended()));
        std::future::pending::<()>().await;
    });
    time::timeout(Duration::from_secs(1), test).await.unwrap_err();
    let (server, agent) = ended.unwrap();
    assert_eq!((server.await, agent.await), (Reason::Shutdown, Reason::Shutdown));
    assert_eq!(read(&diary), ["first: shutdown"]);
}

#[tokio::test(start_paused = true)]
async fn a_child_spec_says_how_its_child_is_stopped() {
    let diary = Diary::default();
    let begun = time::now();
    supervised(async |test| {
        let kept = Arc::clone(&diary);
        let slow = ChildSpec::server("slow", move || start::<Mourned>(("slow", Arc::clone(&kept), Ends::Never)));
        test.start_supervised(slow.shutdown(Shutdown::After(Duration::from_mins(1)))).await;
        let process = ChildSpec::process("process", |mut me: Probe<u8>| async move { me.recv().await.map(drop) });
        let process = test.start_supervised(process.shutdown(Shutdown::BrutalKill)).await;
        let mut probe = Probe::<()>::new();
        let reference = probe.monitor(&process);
        test.stop_supervised(&process).await;
        assert_eq!(probe.expect_down(reference).await.reason, Reason::Killed);
    })
    .await;
    assert_eq!((time::now() - begun).as_secs(), 60);
}

/// A client type of its own, such as a library has.
struct Client(ServerRef<Mourned>);

impl From<ServerRef<Mourned>> for Client {
    fn from(server: ServerRef<Mourned>) -> Self {
        Self(server)
    }
}

#[tokio::test]
async fn a_start_gives_its_client_type() {
    supervised(async |test| {
        let client: Client = test.start_supervised(mourned("first", &Diary::default()).handle()).await;
        assert_eq!(client.0.call(|caller| caller).await, Ok("first"));
    })
    .await;
}

#[tokio::test]
async fn tests_leave_no_task_behind() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for _ in 0..10 {
        supervised(async |test| {
            let agent = test.start_supervised(Agent::start(|| 7)).await;
            assert_eq!(agent.get(|number| *number).await, Ok(7));
        })
        .await;
    }
    // A process that was ordered to end does so in its next turn.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(tasks(), before);
}
