//! Many clients and everything that can happen to a call, all at once: every call ends, and no server has two pollers.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use genserver::{CallError, Caller, Cx, GenServer, Init, Next, Outcome, Reason, ServerRef, start};
use tokio::task::{JoinSet, yield_now};

/// How many calls there are, and how many clients share them.
const CALLS: u64 = 200_000;
const CLIENTS: u64 = 16;
/// How many servers they call. One that has ended is replaced.
const SERVERS: u64 = 5;

/// What happens elsewhere: answers and wakes from a thread outside every runtime.
type Elsewhere = std::sync::mpsc::Sender<Box<dyn FnOnce() + Send>>;

struct Victim {
    inside: AtomicBool,
    elsewhere: Elsewhere,
    kept: Vec<Caller<u64>>,
}

enum Call {
    Reply(Caller<u64>),
    ReplyAfterAwait(Caller<u64>),
    ReplyAfterForeignWake(Caller<u64>),
    ReplyFromElsewhere(Caller<u64>),
    Forget(Caller<u64>),
    ForgetElsewhere(Caller<u64>),
    Keep(Caller<u64>),
    Stop(Caller<u64>),
    StopWithoutReply(Caller<u64>),
    Fail(Caller<u64>),
    Panic(Caller<u64>),
    PanicAtAwait(Caller<u64>),
    AskAnother(Caller<u64>, ServerRef<Victim>),
}

impl Victim {
    fn enter(&self) {
        assert!(!self.inside.swap(true, SeqCst), "two callbacks of one server at once");
    }

    fn leave(&self) {
        self.inside.store(false, SeqCst);
    }

    async fn bounce(&self) {
        let mut bounced = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut bounced, true) {
                return Poll::Ready(());
            }
            let waker: Waker = cx.waker().clone();
            let _ = self.elsewhere.send(Box::new(move || waker.wake()));
            Poll::Pending
        })
        .await;
    }
}

impl GenServer for Victim {
    type Args = Elsewhere;
    type Call = Call;
    type Cast = u64;
    type Info = u64;

    async fn init(args: Elsewhere, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Victim { inside: AtomicBool::new(false), elsewhere: args, kept: Vec::new() })
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.enter();
        for kept in self.kept.drain(..) {
            kept.reply(2);
        }
        let outcome = match call {
            Call::Reply(caller) => Next::reply(caller, 1),
            Call::ReplyAfterAwait(caller) => {
                yield_now().await;
                Next::reply(caller, 1)
            }
            Call::ReplyAfterForeignWake(caller) => {
                self.bounce().await;
                Next::reply(caller, 1)
            }
            Call::ReplyFromElsewhere(caller) => {
                let _ = self.elsewhere.send(Box::new(move || caller.reply(3)));
                Next::wait()
            }
            Call::Forget(caller) => {
                drop(caller);
                Next::wait()
            }
            Call::ForgetElsewhere(caller) => {
                let _ = self.elsewhere.send(Box::new(move || drop(caller)));
                Next::wait()
            }
            Call::Keep(caller) => {
                self.kept.push(caller);
                Next::idle(Duration::from_micros(100))
            }
            Call::Stop(caller) => Next::stop_reply(Reason::Normal, caller, 4),
            Call::StopWithoutReply(caller) => {
                drop(caller);
                Next::stop(Reason::term("stopped"))
            }
            Call::Fail(_caller) => Err(Reason::term("failed")),
            Call::Panic(_caller) => {
                self.leave();
                std::panic::resume_unwind(Box::new("panicked"))
            }
            Call::PanicAtAwait(_caller) => {
                yield_now().await;
                self.leave();
                std::panic::resume_unwind(Box::new("panicked late"))
            }
            Call::AskAnother(caller, another) => {
                // Two that call each other at the same time would wait forever.
                let _ = another.call(Call::Reply).timeout(Duration::from_millis(1)).await;
                Next::reply(caller, 5)
            }
        };
        self.leave();
        outcome
    }

    async fn handle_cast(&mut self, cast: u64, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.enter();
        if cast.is_multiple_of(2) {
            yield_now().await;
        }
        self.leave();
        Next::wait()
    }

    async fn handle_info(&mut self, info: u64, cx: &mut Cx<Self>) -> Outcome<Self> {
        self.handle_cast(info, cx).await
    }

    async fn handle_idle(&mut self, _cx: &mut Cx<Self>) -> Outcome<Self> {
        for kept in self.kept.drain(..) {
            kept.reply(6);
        }
        Next::wait()
    }

    async fn terminate(&mut self, reason: &Reason, _cx: &mut Cx<Self>) {
        self.enter();
        if *reason == Reason::term("failed") {
            yield_now().await;
        }
        self.leave();
    }
}

/// A small generator whose numbers depend only on the seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

struct World {
    servers: Vec<Mutex<ServerRef<Victim>>>,
    elsewhere: Elsewhere,
}

impl World {
    fn server(&self, number: u64) -> ServerRef<Victim> {
        self.servers[usize::try_from(number).unwrap()].lock().unwrap().clone()
    }

    async fn replace(&self, number: u64) {
        let fresh = start::<Victim>(self.elsewhere.clone()).await.unwrap();
        let mut place = self.servers[usize::try_from(number).unwrap()].lock().unwrap();
        let before = std::mem::replace(&mut *place, fresh);
        drop(place);
        // Another client may have been faster.
        before.kill();
    }
}

fn draw(dice: &mut Dice, another: ServerRef<Victim>) -> impl FnOnce(Caller<u64>) -> Call + use<> {
    let kind = dice.below(200);
    move |caller| match kind {
        0..20 => Call::ReplyAfterAwait(caller),
        20..40 => Call::ReplyAfterForeignWake(caller),
        40..60 => Call::ReplyFromElsewhere(caller),
        60..65 => Call::Forget(caller),
        65..70 => Call::ForgetElsewhere(caller),
        70..75 => Call::Keep(caller),
        75 => Call::Stop(caller),
        76 => Call::StopWithoutReply(caller),
        77 => Call::Fail(caller),
        78 => Call::Panic(caller),
        79 => Call::PanicAtAwait(caller),
        80 => Call::AskAnother(caller, another),
        _ => Call::Reply(caller),
    }
}

async fn client(world: Arc<World>, seed: u64, ended: Arc<AtomicU64>) {
    let mut dice = Dice(seed);
    for _ in 0..CALLS / CLIENTS {
        let number = dice.below(SERVERS);
        let server = world.server(number);
        let another = world.server((number + 1) % SERVERS);
        let make = draw(&mut dice, another);
        match dice.below(50) {
            0 => {
                // Sent, and then dropped.
                let mut call = Box::pin(server.call(make));
                let _ = std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
            }
            1 => {
                let _ = server.cast(dice.below(10));
                let _ = server.call(make).no_timeout().await;
            }
            2 => {
                let _ = server.send(dice.below(10));
                let _ = server.call(make).timeout(Duration::from_millis(5)).await;
            }
            _ => match server.call(make).no_timeout().await {
                Ok(_) | Err(CallError::Exit { .. } | CallError::NoReply { .. } | CallError::NoProc { .. }) => {}
                other => panic!("{other:?}"),
            },
        }
        ended.fetch_add(1, SeqCst);
        if !server.is_alive() && world.server(number) == server {
            world.replace(number).await;
        }
    }
}

async fn every_call_ends() {
    let (elsewhere, jobs) = std::sync::mpsc::channel::<Box<dyn FnOnce() + Send>>();
    let mut servers = Vec::new();
    for _ in 0..SERVERS {
        servers.push(Mutex::new(start::<Victim>(elsewhere.clone()).await.unwrap()));
    }
    let world = Arc::new(World { servers, elsewhere });
    let over = Arc::new(AtomicBool::new(false));
    let (killing, over_there) = (Arc::clone(&world), Arc::clone(&over));
    #[expect(clippy::disallowed_methods, reason = "a thread outside every runtime")]
    let foreign = std::thread::spawn(move || {
        let mut dice = Dice(99);
        while !over_there.load(SeqCst) {
            if let Ok(job) = jobs.recv_timeout(Duration::from_millis(1)) {
                job();
            }
            match dice.below(300) {
                0 => killing.server(dice.below(SERVERS)).kill(),
                1 => killing.server(dice.below(SERVERS)).exit(Reason::term("exit from elsewhere")),
                _ => {}
            }
        }
        // Nothing that is still pending here may be waited for.
        drop(killing);
        for job in jobs {
            job();
        }
    });
    let ended = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for seed in 1..=CLIENTS {
        clients.spawn(client(Arc::clone(&world), seed * 7919, Arc::clone(&ended)));
    }
    let all = async {
        while let Some(client) = clients.join_next().await {
            client.unwrap();
        }
    };
    let finished = tokio::time::timeout(Duration::from_mins(2), all).await;
    assert!(finished.is_ok(), "only {} calls of {CALLS} ended", ended.load(SeqCst));
    over.store(true, SeqCst);
    for number in 0..SERVERS {
        world.server(number).kill();
        world.server(number).ended().await;
    }
    drop(world);
    foreign.join().unwrap();
}

#[tokio::test]
async fn every_call_of_200_000_ends_on_one_thread() {
    every_call_ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_of_200_000_ends_on_two_threads() {
    every_call_ends().await;
}
