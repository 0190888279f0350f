//! Waits other than calls, and the calls that would close a cycle with them.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::{Arc, Weak};

use genserver::{
    CallError, Caller, Cx, GenServer, Init, Never, Next, Outcome, Pid, Probe, ProcessRef, ServerRef, current_pid,
    current_process, declare_wait, start,
};
use tokio::sync::oneshot;
use tokio::task::yield_now;

/// Waits for what it has lent, or asks another pool.
struct Pool {
    asked: usize,
}

enum Call {
    /// How often it was asked.
    Asked(Caller<usize>),
    /// Asks another pool.
    Relay(ServerRef<Pool>, Caller<Result<usize, CallError>>),
}

struct WaitFor(ProcessRef, Weak<()>, oneshot::Receiver<()>);

impl GenServer for Pool {
    type Args = ();
    type Call = Call;
    type Cast = WaitFor;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self { asked: 0 })
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Asked(caller) => {
                self.asked += 1;
                Next::reply(caller, self.asked)
            }
            Call::Relay(to, caller) => Next::reply(caller, to.call(Call::Asked).await),
        }
    }

    async fn handle_cast(&mut self, WaitFor(holder, kept, back): WaitFor, _cx: &mut Cx<Self>) -> Outcome<Self> {
        let _wait = declare_wait(&holder, kept);
        let _ = back.await;
        Next::wait()
    }
}

/// What a holder holds.
struct Held {
    _kept: Arc<()>,
    back: oneshot::Sender<()>,
}

async fn pool() -> ServerRef<Pool> {
    start::<Pool>(()).await.unwrap()
}

/// Marks something as lent, and makes the pool want it back.
fn lend(pool: &ServerRef<Pool>, holder: &Probe<()>) -> Held {
    let ((back, wanted), kept) = (oneshot::channel(), Arc::new(()));
    let wait_for = WaitFor(holder.process_ref(), Arc::downgrade(&kept), wanted);
    pool.cast(wait_for).map_err(|_refused| "the pool is there").unwrap();
    Held { _kept: kept, back }
}

async fn ask(pool: &ServerRef<Pool>, holder: &Probe<()>) -> Result<usize, CallError> {
    holder.scope(async { pool.call(Call::Asked).no_timeout().await }).await
}

#[track_caller]
fn is_cycle(asked: Result<usize, CallError>, expected: &[Pid]) {
    let Err(CallError::Cycle { cycle, .. }) = asked else { panic!("{asked:?}") };
    assert_eq!(cycle.iter().map(|subject| subject.pid).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_call_to_a_server_that_waits_for_the_caller_fails_whichever_comes_first() {
    let (pool, holder) = (pool().await, Probe::new());
    for yields in 0..3 {
        let held = lend(&pool, &holder);
        for _ in 0..yields {
            yield_now().await;
        }
        is_cycle(ask(&pool, &holder).await, &[holder.pid(), pool.pid()]);
        held.back.send(()).unwrap();
    }
    assert_eq!(ask(&pool, &holder).await, Ok(1), "those that failed were not carried out");
}

#[tokio::test]
async fn the_cycle_is_seen_through_others() {
    let (pool, other, holder) = (pool().await, pool().await, Probe::new());
    for yields in 0..3 {
        let _held = lend(&pool, &holder);
        for _ in 0..yields {
            yield_now().await;
        }
        let through = Call::Relay;
        let (to, by) = (pool.clone(), other.clone());
        let asked = holder.scope(async move { by.call(|caller| through(to, caller)).await }).await;
        // Either of the two calls closes the cycle.
        let asked = asked.and_then(|asked| asked);
        assert!(matches!(asked, Err(CallError::Cycle { ref cycle, .. }) if cycle.len() == 3), "{asked:?}");
    }
}

/// What runs in its scope goes on.
#[tokio::test]
async fn a_holder_whose_process_has_ended_is_refused_as_well() {
    let (pool, holder) = (pool().await, Probe::new());
    let _held = lend(&pool, &holder);
    let (asks, pid) = (pool.clone(), holder.pid());
    let asked = holder.scope(async move {
        let (here, process) = (current_pid(), current_process());
        (here, process, asks.call(Call::Asked).no_timeout().await)
    });
    drop(holder);
    let (here, process, asked) = asked.await;
    assert_eq!((here, process), (Some(pid), None));
    is_cycle(asked, &[pid, pool.pid()]);
    assert_eq!(current_pid(), None);
}

#[tokio::test]
async fn a_released_loan_closes_no_cycle_though_the_wait_is_not_over() {
    let (pool, holder) = (pool().await, Probe::new());
    let Held { _kept: kept, back } = lend(&pool, &holder);
    yield_now().await;
    is_cycle(ask(&pool, &holder).await, &[holder.pid(), pool.pid()]);
    drop(kept);
    let asked = ask(&pool, &holder);
    let gives_back = async {
        yield_now().await;
        back.send(()).unwrap();
    };
    assert_eq!(futures::join!(asked, gives_back).0, Ok(1));
}

/// The loan was released before the wait was declared, and the call came between the two.
#[tokio::test]
async fn a_loan_released_before_the_wait_closes_no_cycle() {
    let (pool, holder) = (pool().await, Probe::new());
    let Held { _kept: kept, back } = lend(&pool, &holder);
    drop(kept);
    let gives_back = async {
        yield_now().await;
        back.send(()).unwrap();
    };
    assert_eq!(futures::join!(ask(&pool, &holder), gives_back).0, Ok(1));
}

#[tokio::test]
async fn who_is_not_waited_for_is_not_refused() {
    let (pool, holder, other) = (pool().await, Probe::new(), Probe::new());
    let held = lend(&pool, &holder);
    let gives_back = async {
        yield_now().await;
        held.back.send(()).unwrap();
    };
    // Plain code is not a process, and never part of a cycle.
    let asked = futures::join!(ask(&pool, &other), pool.call(Call::Asked), gives_back);
    assert_eq!((asked.0, asked.1), (Ok(1), Ok(2)));
}

#[tokio::test]
async fn all_calls_of_one_caller_are_refused() {
    let (pool, other, holder) = (pool().await, pool().await, Probe::new());
    let _held = lend(&pool, &holder);
    let three =
        holder.scope(async { futures::join!(pool.call(Call::Asked), pool.call(Call::Asked), other.call(Call::Asked)) });
    let (first, second, third) = three.await;
    is_cycle(first, &[holder.pid(), pool.pid()]);
    is_cycle(second, &[holder.pid(), pool.pid()]);
    assert_eq!(third, Ok(1), "it closes none");
}

#[tokio::test]
async fn two_that_only_declare_are_told_nothing() {
    let (first, second) = (pool().await, pool().await);
    let kept = Arc::new(());
    let wait = |from: &ServerRef<Pool>, to: &ServerRef<Pool>| {
        let (back, wanted) = oneshot::channel();
        let wait_for = WaitFor(to.process_ref(), Arc::downgrade(&kept), wanted);
        from.cast(wait_for).map_err(|_refused| "the pool is there").unwrap();
        back
    };
    let waits = [wait(&first, &second), wait(&second, &first)];
    yield_now().await;
    drop(waits);
    assert_eq!(first.call(Call::Asked).await, Ok(1));
    drop(declare_wait(&first, Arc::downgrade(&kept)));
}
