//! Timers: when they fire, what they send, and that nothing arrives after a cancel.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::time::{Duration, Instant};

use genserver::{
    Caller, Cx, GenServer, Init, Letter, Next, Outcome, Probe, ProbeRef, ServerRef, Timer, TimerRef, start,
};

use crate::puppet::{self, Begin, Heard, Info, Plan, Puppet, Tell, ms, now, sleep};

async fn puppet(probe: &mut Probe<Heard>) -> ServerRef<Puppet> {
    let server = start::<Puppet>(Plan::new(Begin::Run).told(probe.sender())).await.unwrap();
    probe.expect_message().await;
    server
}

/// Sets its own timers as it is told to, and reports what they send.
struct Clock(ProbeRef<u32>);

enum Ask {
    After(Duration, u32, Caller<TimerRef>),
    /// At the instant when this much time has passed.
    At(Duration, u32, Caller<(TimerRef, Instant)>),
    Every(Duration, u32, Caller<TimerRef>),
    Read(TimerRef, Caller<Option<Duration>>),
    Cancel(TimerRef, Caller<Option<Duration>>),
    /// Lets the time of a timer go by in a callback, and cancels it then.
    OversleepAndCancel(Duration, Caller<Option<Duration>>),
}

impl GenServer for Clock {
    type Args = ProbeRef<u32>;
    type Call = Ask;
    type Cast = Duration;
    type Info = u32;

    async fn init(told: ProbeRef<u32>, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(told))
    }

    async fn handle_call(&mut self, ask: Ask, cx: &mut Cx<Self>) -> Outcome<Self> {
        match ask {
            Ask::After(delay, text, caller) => Next::reply(caller, cx.send_after(delay, text)),
            Ask::At(delay, text, caller) => {
                let at = cx.now() + delay;
                let timer = cx.send_at(at, text);
                Next::reply(caller, (timer, at))
            }
            Ask::Every(period, text, caller) => Next::reply(caller, cx.send_every(period, move || text)),
            Ask::Read(timer, caller) => Next::reply(caller, cx.read_timer(timer)),
            Ask::Cancel(timer, caller) => Next::reply(caller, cx.cancel_timer(timer)),
            Ask::OversleepAndCancel(delay, caller) => {
                let timer = cx.send_after(delay, 99);
                sleep(delay * 3).await;
                Next::reply(caller, cx.cancel_timer(timer))
            }
        }
    }

    /// Is busy for this long.
    async fn handle_cast(&mut self, long: Duration, _cx: &mut Cx<Self>) -> Outcome<Self> {
        sleep(long).await;
        Next::wait()
    }

    async fn handle_info(&mut self, text: u32, _cx: &mut Cx<Self>) -> Outcome<Self> {
        let _ = self.0.send(text);
        Next::wait()
    }
}

#[tokio::test(start_paused = true)]
async fn pl_032_a_timer_tells_what_is_left_until_it_fires() {
    let mut probe = Probe::<Heard>::new();
    let server = puppet(&mut probe).await;
    let begun = now();
    let timer = server.send_after(ms(10), Info::Text(1));
    sleep(ms(4)).await;
    assert_eq!(timer.read(), Some(ms(6)));
    assert_eq!(probe.try_recv(), None);
    assert_eq!(probe.expect_message().await, Heard::Text(1));
    assert!(begun.elapsed() >= ms(10), "never early");
    assert_eq!((timer.read(), timer.cancel()), (None, None), "it has fired");

    let timer = server.send_after(ms(10), Info::Text(2));
    sleep(ms(3)).await;
    assert_eq!(timer.cancel(), Some(ms(7)));
    assert_eq!((timer.read(), timer.cancel()), (None, None), "it was called off");
    probe.expect_none(ms(50)).await;

    // The same from inside, after a time and at an instant.
    let mut told = Probe::<u32>::new();
    let clock = start::<Clock>(told.sender()).await.unwrap();
    let timer = clock.call(|caller| Ask::After(ms(10), 1, caller)).await.unwrap();
    sleep(ms(4)).await;
    assert_eq!(clock.call(|caller| Ask::Read(timer, caller)).await, Ok(Some(ms(6))));
    assert_eq!(told.expect_message().await, 1);
    assert_eq!(clock.call(|caller| Ask::Read(timer, caller)).await, Ok(None));
    assert_eq!(clock.call(|caller| Ask::Cancel(timer, caller)).await, Ok(None));

    let (timer, at) = clock.call(|caller| Ask::At(ms(20), 2, caller)).await.unwrap();
    assert_eq!(told.expect_message().await, 2);
    assert!(now().into_std() >= at, "never early");
    assert_eq!(clock.call(|caller| Ask::Cancel(timer, caller)).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn pl_033_nothing_arrives_after_a_cancel() {
    let mut told = Probe::<u32>::new();
    let clock = start::<Clock>(told.sender()).await.unwrap();
    let timer = clock.call(|caller| Ask::After(ms(10), 1, caller)).await.unwrap();
    assert_eq!(clock.call(|caller| Ask::Cancel(timer, caller)).await, Ok(Some(ms(10))));
    // It was due, and its signal queued, when it was cancelled.
    let left = clock.call(|caller| Ask::OversleepAndCancel(ms(10), caller)).await;
    assert_eq!(left, Ok(Some(Duration::ZERO)));
    told.expect_none(ms(100)).await;

    let every = clock.call(|caller| Ask::Every(ms(10), 5, caller)).await.unwrap();
    assert_eq!([told.expect_message().await, told.expect_message().await], [5, 5]);
    assert!(clock.call(|caller| Ask::Cancel(every, caller)).await.unwrap().is_some());
    told.expect_none(ms(100)).await;
}

/// The clock sleeps until the first when the second is set.
#[tokio::test(start_paused = true)]
async fn a_timer_that_is_due_before_the_one_that_was_set_first_is_not_late() {
    let mut told = Probe::<u32>::new();
    let clock = start::<Clock>(told.sender()).await.unwrap();
    clock.call(|caller| Ask::After(ms(30_000), 2, caller)).await.unwrap();
    sleep(ms(10)).await;
    let begun = now();
    clock.call(|caller| Ask::After(ms(1_000), 1, caller)).await.unwrap();
    assert_eq!(told.recv().await, Ok(Letter::Message(1)));
    assert_eq!(begun.elapsed(), ms(1_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_from_outside_is_either_cancelled_or_delivered() {
    let mut probe = Probe::<Heard>::new();
    let server = puppet(&mut probe).await;
    let mut delivered = Vec::new();
    for text in 0..300_u32 {
        let delay = Duration::from_micros(u64::from(text % 16) * 150);
        let timer = server.send_after(delay, Info::Text(text));
        sleep(ms(1)).await;
        if timer.cancel().is_none() {
            delivered.push(Letter::Message(Heard::Text(text)));
        }
    }
    // The last of them may have fired, and be on its way.
    for letter in delivered {
        assert_eq!(probe.expect(|_| true).await, letter);
    }
    server.call(puppet::Ask::Ping).await.unwrap();
    assert_eq!(probe.flush(), []);
}

#[tokio::test(start_paused = true)]
async fn an_interval_keeps_its_grid_and_leaves_out_what_is_missed() {
    let mut told = Probe::<u32>::new();
    let clock = start::<Clock>(told.sender()).await.unwrap();
    let begun = now();
    clock.call(|caller| Ask::Every(ms(10), 1, caller)).await.unwrap();
    clock.cast(ms(35)).unwrap();
    told.expect_message().await;
    let late = begun.elapsed();
    assert!(late >= ms(35) && late < ms(40), "one tick waited: {late:?}");
    told.expect_message().await;
    let next = begun.elapsed();
    assert!(next >= ms(40) && next < ms(50), "on the grid again: {next:?}");
}

#[tokio::test(start_paused = true)]
async fn timers_of_the_dead_bring_nothing_and_end_nothing() {
    let mut probe = Probe::<Heard>::new();
    let server = puppet(&mut probe).await;
    let timer = server.send_after(ms(10), Info::Text(1));
    server.stop().await.unwrap();
    probe.flush();
    sleep(ms(20)).await;
    assert_eq!((timer.cancel(), probe.try_recv()), (None, None));

    // The clock serves others after a message's destructor has panicked on it.
    let bomb = start::<Bomb>(()).await.unwrap();
    bomb.send_after(ms(10), Fuse);
    bomb.stop().await.unwrap();
    sleep(ms(20)).await;
    let other = puppet(&mut probe).await;
    other.send_after(ms(10), Info::Text(2));
    assert_eq!(probe.expect_message().await, Heard::Text(2));
    other.cast(Tell::Text(3)).unwrap();
    assert_eq!(probe.expect_message().await, Heard::Text(3));
}

struct Bomb;

/// A message that cannot even be dropped.
struct Fuse;

impl Drop for Fuse {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "boom");
    }
}

impl GenServer for Bomb {
    type Args = ();
    type Call = genserver::Never;
    type Cast = genserver::Never;
    type Info = Fuse;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }
}

#[tokio::test(start_paused = true)]
async fn a_delay_beyond_all_clocks_is_only_long() {
    let mut probe = Probe::<Heard>::new();
    let server = puppet(&mut probe).await;
    let timer = server.send_after(Duration::MAX, Info::Text(1));
    probe.expect_none(Duration::from_secs(100)).await;
    let years = timer.cancel().unwrap().as_secs() / Duration::from_hours(365 * 24).as_secs();
    assert!((29..=30).contains(&years), "{years} years");
}

#[tokio::test(start_paused = true)]
async fn a_timer_to_a_server_that_has_ended_has_nothing_left() {
    let mut probe = Probe::<Heard>::new();
    for ask in [Timer::read, Timer::cancel] {
        let server = puppet(&mut probe).await;
        let timer = server.send_after(ms(10), Info::Text(1));
        assert_eq!(timer.read(), Some(ms(10)));
        server.kill();
        assert_eq!(ask(&timer), None);
    }
}
