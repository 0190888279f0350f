//! Servers whose callbacks block their thread: which task runs them, and that none of their clients is held up.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(
    clippy::disallowed_methods,
    reason = "what is tested is how tasks and timers of Tokio get on beside a server"
)]

use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use futures::executor::block_on;
use futures::future::{Either, select};
use genserver::report::{LongSchedule, Report, Reports};
use genserver::{CallError, Callback, Caller, Next, Node, Reason, ServerRef, Status, StopError, sys};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{sleep, timeout};

use crate::clock::Clock;
use crate::flavours::soon;
use crate::inline::on_a_plain_thread;
use crate::puppet::{Act, Log, Puppet, Told, act, answer, slow, waiting};

const LONG: Duration = Duration::from_millis(20);
const SHORT: Duration = Duration::from_micros(1);

/// A server, and the clock of its callbacks.
struct Stage {
    clock: Arc<Clock>,
    node: Node,
    server: ServerRef<Puppet>,
}

impl Stage {
    async fn new() -> Self {
        let (clock, node) = Clock::new();
        let server = node.start::<Puppet>(waiting(&Log::default())).await.unwrap();
        Self { clock, node, server }
    }

    /// A call whose callback takes this long. Returns whether its caller ran it.
    async fn call(&self, takes: Duration) -> bool {
        let clock = Arc::clone(&self.clock);
        let called = self.server.call(move |caller| {
            act(move |_, _| {
                clock.spend(takes);
                // The test itself is not a task.
                Next::reply(caller, tokio::task::try_id().is_none())
            })
        });
        called.await.unwrap()
    }

    /// The same, this many times.
    async fn calls(&self, takes: Duration, times: usize) -> Vec<bool> {
        let mut here = Vec::new();
        for _ in 0..times {
            here.push(self.call(takes).await);
        }
        here
    }
}

#[tokio::test(start_paused = true)]
async fn from_its_third_call_on_a_long_server_runs_in_its_own_task() {
    let stage = Stage::new().await;
    assert_eq!(stage.calls(LONG, 4).await, [true, true, false, false], "the second call is the first that is timed");
}

#[tokio::test(start_paused = true)]
async fn one_callback_that_took_a_moment_is_the_systems_doing_and_two_in_a_row_are_not() {
    let moment = Duration::from_millis(1);
    let stage = Stage::new().await;
    let here = stage.calls(moment, 5).await;
    assert_eq!(here, [true, true, true, false, false], "the second call and the third are timed");
    let stage = Stage::new().await;
    stage.calls(SHORT, 1).await;
    assert!(stage.call(moment).await);
    assert_eq!(stage.calls(SHORT, 100).await, [true; 100]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_becomes_long_is_found_out_by_its_64th_turn() {
    let stage = Stage::new().await;
    assert_eq!(stage.calls(SHORT, 1000).await, [true; 1000]);
    let here = stage.calls(LONG, 80).await;
    let held_up = here.iter().take_while(|here| **here).count();
    assert!(held_up <= 64, "{held_up} callers were held up");
    assert!(here[held_up..].iter().all(|here| !here));
}

#[tokio::test(start_paused = true)]
async fn a_long_server_that_is_short_again_is_run_by_its_callers_again() {
    let stage = Stage::new().await;
    stage.calls(LONG, 10).await;
    assert_eq!(stage.calls(SHORT, 6).await, [false, false, false, false, true, true]);
    // The next turn is timed again, because the one before was long.
    stage.call(LONG).await;
    assert!(!stage.call(LONG).await);
    let here = stage.calls(SHORT, 20).await;
    assert_eq!(here.iter().take_while(|here| !**here).count(), 8, "it takes more the second time");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_long_is_trusted_again_bit_by_bit() {
    let stage = Stage::new().await;
    let becomes_long_and_short_again = async || {
        while stage.call(LONG).await {}
        let mut shorts = 0;
        while !stage.call(SHORT).await {
            shorts += 1;
        }
        shorts
    };
    let mut shorts = Vec::new();
    for _ in 0..6 {
        shorts.push(becomes_long_and_short_again().await);
    }
    assert_eq!(shorts, [4, 8, 16, 32, 64, 64]);
    // Each sample halves it, once the samples are as rare as they get: that is the 64th turn, and every 64th.
    stage.calls(SHORT, 2 * 64).await;
    assert_eq!(becomes_long_and_short_again().await, 16);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_alternates_stays_in_its_own_task() {
    for shorts in 1..4 {
        let stage = Stage::new().await;
        stage.calls(LONG, 2).await;
        for _ in 0..100 {
            assert_eq!(stage.calls(SHORT, shorts).await, vec![false; shorts]);
            assert!(!stage.call(LONG).await);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_long_now_and_then_does_not_change_often() {
    for shorts in 4..40 {
        let stage = Stage::new().await;
        let mut here = Vec::new();
        for _ in 0..100 {
            here.extend(stage.calls(SHORT, shorts).await);
            here.push(stage.call(LONG).await);
        }
        let changes = here.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(changes * 16 <= here.len(), "{changes} changes in {} calls, one in {shorts} long", here.len());
    }
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_awaits_is_not_long() {
    let stage = Stage::new().await;
    for _ in 0..20 {
        let (go, gone) = oneshot::channel::<()>();
        let called = stage.server.call(|caller| {
            slow(move |_, _| {
                Box::pin(async move {
                    gone.await.unwrap();
                    Next::reply(caller, ())
                })
            })
        });
        let (called, ()) = tokio::join!(called, async {
            yield_now().await;
            stage.clock.spend(LONG);
            go.send(()).unwrap();
        });
        called.unwrap();
    }
    assert!(stage.call(SHORT).await);
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_blocks_after_an_await_is_long_until_whole_callbacks_are_short() {
    let stage = Stage::new().await;
    for _ in 0..10 {
        let clock = Arc::clone(&stage.clock);
        let called = stage.server.call(move |caller| {
            slow(move |_, _| {
                Box::pin(async move {
                    yield_now().await;
                    clock.spend(LONG);
                    // Short polls after the long one, more than a server has to have short callbacks.
                    for _ in 0..8 {
                        yield_now().await;
                    }
                    Next::reply(caller, ())
                })
            })
        });
        called.await.unwrap();
    }
    assert_eq!(stage.calls(SHORT, 5).await, [false, false, false, false, true]);
}

#[tokio::test(start_paused = true)]
async fn a_short_server_looks_at_the_clock_in_one_turn_of_64() {
    let stage = Stage::new().await;
    stage.calls(SHORT, 640).await;
    let before = stage.clock.looks();
    stage.calls(SHORT, 6400).await;
    assert_eq!(stage.clock.looks() - before, 200, "before and after each 64th callback");
    assert!(!stage.server.info().has_task);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_called_once_does_not_look_at_the_clock() {
    let stage = Stage::new().await;
    let before = stage.clock.looks();
    for _ in 0..10 {
        let server = stage.node.start::<Puppet>(waiting(&Log::default())).await.unwrap();
        server.call(|caller| answer(caller, ())).await.unwrap();
        server.stop().await.unwrap();
    }
    assert_eq!(stage.clock.looks(), before);
}

/// Blocks the threads that enter it until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    blocked: u32,
    is_open: bool,
}

impl Gate {
    /// Blocks this thread. If the gate is opened only after something was held up, the test fails after this time instead of
    /// hanging.
    fn block(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        state.blocked += 1;
        changed.notify_all();
        let (_state, waited) =
            changed.wait_timeout_while(state, Duration::from_secs(30), |state| !state.is_open).unwrap();
        assert!(!waited.timed_out(), "somebody is held up by the callback, and does not open the gate");
    }

    fn open(&self) {
        self.0.0.lock().unwrap().is_open = true;
        self.0.1.notify_all();
    }

    /// Waits until a thread blocks here.
    async fn is_reached(&self) {
        while self.0.0.lock().unwrap().blocked == 0 {
            yield_now().await;
        }
    }
}

const TIMEOUT: Duration = Duration::from_millis(5);

impl Stage {
    /// A server that is known to be long.
    async fn long() -> Self {
        let stage = Self::new().await;
        let server = stage.server.clone();
        for _ in 0..2 {
            server.call(|caller| stage.long_answer(caller)).await.unwrap();
        }
        stage
    }

    /// A callback that takes long by its clock, and answers.
    fn long_answer(&self, caller: Caller<()>) -> Act {
        let clock = Arc::clone(&self.clock);
        act(move |_, _| {
            clock.spend(LONG);
            Next::reply(caller, ())
        })
    }

    /// A callback that takes long, and blocks its thread until the gate is open.
    fn block(&self, gate: &Gate) -> impl FnOnce(Caller<()>) -> Act + Send + use<> {
        let (clock, gate) = (Arc::clone(&self.clock), gate.clone());
        move |caller| {
            act(move |_, _| {
                gate.block();
                clock.spend(LONG);
                Next::reply(caller, ())
            })
        }
    }
}

/// Calls repeatedly. Each timeout comes while the callback blocks, because the caller that timed out opens the gate.
async fn deadlines_are_kept(stage: Arc<Stage>) {
    for round in 0..30 {
        let gate = Gate::default();
        let call = stage.server.call(stage.block(&gate));
        match round % 3 {
            0 => {
                let late = call.timeout(TIMEOUT).await;
                assert!(matches!(late, Err(CallError::Timeout { .. })), "{late:?}");
            }
            1 => assert!(timeout(TIMEOUT, call.no_timeout()).await.is_err()),
            _ => match select(call.no_timeout(), pin!(sleep(TIMEOUT))).await {
                Either::Left((called, _)) => panic!("{called:?}"),
                Either::Right(((), _)) => {}
            },
        }
        gate.open();
        // The next round begins when the timer wakes this task, and nothing else is awake.
        while stage.server.info().status != Status::Waiting {
            sleep(TIMEOUT).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_holds_whatever_a_long_server_does() {
    soon(deadlines_are_kept(Arc::new(Stage::long().await))).await;
}

/// The worker that the timer wakes runs both this task and the server's, unless the other is woken to help it; and only the
/// other can look at the timers then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_of_a_task_holds_whatever_a_long_server_does() {
    let stage = Arc::new(Stage::long().await);
    soon(tokio::spawn(deadlines_are_kept(stage))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_of_a_thread_that_blocks_on_a_call_holds() {
    let stage = Arc::new(Stage::long().await);
    for handle in [None, Some(Handle::current())] {
        let gate = Gate::default();
        let (this, opens) = (Arc::clone(&stage), gate.clone());
        let called = on_a_plain_thread(move || {
            let call = this.server.call(this.block(&opens)).timeout(TIMEOUT);
            match handle {
                None => block_on(call),
                Some(handle) => handle.block_on(call),
            }
        });
        let late = soon(called).await;
        assert!(matches!(late, Err(CallError::Timeout { .. })), "{late:?}");
        gate.open();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_in_another_runtime_holds() {
    let stage = Arc::new(Stage::long().await);
    let gate = Gate::default();
    let (this, opens) = (Arc::clone(&stage), gate.clone());
    let called = on_a_plain_thread(move || {
        let other = Builder::new_current_thread().enable_all().build().unwrap();
        let call = this.server.call(this.block(&opens)).no_timeout();
        other.block_on(async { timeout(TIMEOUT, call).await.is_err() })
    });
    assert!(soon(called).await);
    gate.open();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_server_holds_up_none_of_its_clients() {
    let stage = Stage::long().await;
    let (server, gate) = (stage.server.clone(), Gate::default());
    let blocks = stage.block(&gate);
    let blocked = tokio::spawn({
        let server = server.clone();
        async move { server.call(blocks).no_timeout().await }
    });
    gate.is_reached().await;
    soon(async {
        server.cast(act(|_, _| Next::wait())).unwrap();
        let late = server.call(|caller| answer(caller, ())).timeout(TIMEOUT).await;
        assert!(matches!(late, Err(CallError::Timeout { .. })), "{late:?}");
        let status = timeout(TIMEOUT, sys::get_status(&server)).await;
        assert!(status.is_err(), "{status:?}");
        let late = server.stop().timeout(TIMEOUT).await;
        assert!(matches!(late, Err(StopError::Timeout { .. })), "{late:?}");
        server.exit(Reason::term("enough"));
        server.kill();
        assert!(timeout(TIMEOUT, server.ended()).await.is_err(), "a callback that does not await runs to its end");
    })
    .await;
    gate.open();
    assert_eq!(soon(server.ended()).await, Reason::term("enough"));
    // It was carried out; its caller gets the answer or the end.
    drop(soon(blocked).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_is_not_held_up_by_the_terminate_of_an_idle_long_server() {
    let stage = Stage::long().await;
    let gate = Gate::default();
    let curtain = gate.clone();
    let prepared = stage.server.call(|caller| {
        let clock = Arc::clone(&stage.clock);
        act(move |puppet, _| {
            clock.spend(LONG);
            puppet.curtain = Some(Box::new(move || {
                curtain.block();
                Box::pin(async {})
            }));
            Next::reply(caller, ())
        })
    });
    prepared.await.unwrap();
    let late = soon(stage.server.stop().timeout(TIMEOUT)).await;
    assert!(matches!(late, Err(StopError::Timeout { .. })), "{late:?}");
    gate.open();
    assert_eq!(soon(stage.server.ended()).await, Reason::Normal);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_a_long_server_leave_the_threads_to_others() {
    let stage = Stage::long().await;
    let other = stage.node.start::<Puppet>(waiting(&Log::default())).await.unwrap();
    let gate = Gate::default();
    let mut callers = JoinSet::new();
    for _ in 0..16 {
        let (server, blocks) = (stage.server.clone(), stage.block(&gate));
        callers.spawn(async move { server.call(blocks).no_timeout().await });
    }
    gate.is_reached().await;
    // The callback blocks one thread; the callers that wait for it block none.
    let mut others = JoinSet::new();
    for number in 0..16 {
        let other = other.clone();
        others.spawn(async move { other.call(|caller| answer(caller, number)).await });
    }
    soon(async {
        while let Some(called) = others.join_next().await {
            called.unwrap().unwrap();
        }
    })
    .await;
    gate.open();
    while let Some(called) = soon(callers.join_next()).await {
        assert_eq!(called.unwrap(), Ok(()));
    }
}

/// The reports of long callbacks, the only reports here.
fn reported(reports: &mut Reports) -> Vec<LongSchedule> {
    let next = || match reports.try_next()? {
        Report::LongSchedule(report) => Some(report),
        other => panic!("{other:?}"),
    };
    std::iter::from_fn(next).collect()
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_blocked_its_thread_is_reported_with_its_name() {
    let (clock, node) = Clock::new();
    let server = node.start::<Puppet>(waiting(&Log::default())).name("slowcoach").label("slow").await.unwrap();
    let stage = Stage { clock, node, server };
    let mut reports = stage.node.reports();
    let blocked = Duration::from_millis(250);
    stage.calls(blocked, 1).await;
    assert_eq!(reported(&mut reports), [], "the first callback is not timed");
    stage.calls(blocked, 1).await;
    let report = reported(&mut reports).pop().unwrap();
    assert_eq!(report.process.pid, stage.server.pid());
    assert_eq!((report.callback, report.blocked, report.times), (Callback::Call, blocked, 1));
    assert_eq!(
        Report::LongSchedule(report).to_string(),
        format!(
            "Callback of slowcoach <1> blocked its thread\n  server: {}\n  label: slow\n  callback: handle_call\n  \
             blocked: 250ms\n  times: 1",
            std::any::type_name::<Puppet>()
        )
    );

    // Now all of its callbacks are timed; the second, the fourth and so on are reported.
    let blocks = || {
        let clock = Arc::clone(&stage.clock);
        act(move |puppet, _| {
            clock.spend(blocked);
            puppet.curtain = Some(Box::new(move || {
                clock.spend(blocked);
                Box::pin(async {})
            }));
            Next::wait()
        })
    };
    stage.server.cast(blocks()).unwrap();
    stage.server.send(Told::Act(blocks())).unwrap();
    assert_eq!(stage.server.stop().await, Ok(()));
    let callbacks: Vec<_> = reported(&mut reports).into_iter().map(|report| report.callback).collect();
    assert_eq!(callbacks, [Callback::Cast, Callback::Terminate]);
}

#[tokio::test(start_paused = true)]
async fn a_server_of_long_callbacks_makes_few_reports() {
    let stage = Stage::new().await;
    let mut reports = stage.node.reports();
    // The first is not timed.
    stage.calls(Duration::from_millis(101), 101).await;
    let times: Vec<_> = reported(&mut reports).into_iter().map(|report| report.times).collect();
    assert_eq!(times, [1, 2, 4, 8, 16, 32, 64]);
}

#[tokio::test(start_paused = true)]
async fn what_blocks_between_two_awaits_is_reported_and_not_their_sum() {
    let stage = Stage::new().await;
    let mut reports = stage.node.reports();
    for blocked in [60, 60, 60, 120] {
        let clock = Arc::clone(&stage.clock);
        let called = stage.server.call(move |caller| {
            slow(move |_, _| {
                Box::pin(async move {
                    for _ in 0..2 {
                        clock.spend(Duration::from_millis(blocked));
                        yield_now().await;
                    }
                    Next::reply(caller, ())
                })
            })
        });
        called.await.unwrap();
    }
    let blocked: Vec<_> = reported(&mut reports).into_iter().map(|report| report.blocked).collect();
    assert_eq!(blocked, [Duration::from_millis(120); 2]);
}

#[tokio::test(start_paused = true)]
async fn a_node_says_how_long_is_long() {
    let stage = Stage::new().await;
    let mut reports = stage.node.reports();
    stage.calls(Duration::from_millis(100), 2).await;
    assert_eq!(reported(&mut reports), [], "as long as it may be");
    stage.node.long_schedule(Duration::from_millis(10));
    stage.call(Duration::from_millis(11)).await;
    assert_eq!(reported(&mut reports).len(), 1);
    stage.node.long_schedule(Duration::MAX);
    stage.call(Duration::from_hours(1)).await;
    assert_eq!(reported(&mut reports), []);
}

#[tokio::test(start_paused = true)]
async fn a_server_in_its_own_task_is_timed_too() {
    let (clock, node) = Clock::new();
    let server = node.start::<Puppet>(waiting(&Log::default())).inline(false).await.unwrap();
    let stage = Stage { clock, node, server };
    let mut reports = stage.node.reports();
    assert_eq!(stage.calls(Duration::from_millis(200), 3).await, [false; 3]);
    assert_eq!(reported(&mut reports).len(), 2);
    // And it is its own however short its callbacks are.
    assert_eq!(stage.calls(SHORT, 20).await, [false; 20]);
}
