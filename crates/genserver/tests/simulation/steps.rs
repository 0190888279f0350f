//! What a step is: its budget, what is refused in it, and what is due at one instant.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use genserver::task::Task;
use genserver::{CallError, Caller, Cx, GenServer, Init, Never, Next, Outcome, Probe, sim, time, yield_now};

use crate::check_256;
use crate::worker::{Ask, Kind, Ledger, Plan, Worker, steps};

/// In the usual order a caller runs an idle server itself, so each of its calls is over at once.
#[test]
fn a_client_that_calls_again_and_again_lets_others_go_on() {
    sim::replay("0/", async |_sim| {
        let ledger = Ledger::default();
        let server = genserver::start::<Worker>(Plan::new(0, &ledger)).await.unwrap();
        let is_done = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&is_done);
        Task::start(async move { done.store(true, Ordering::Relaxed) }).unwrap();
        while !is_done.load(Ordering::Relaxed) {
            server.call(|caller| Ask(Kind::Reply, 0, caller)).await.unwrap();
        }
        server.stop().await.unwrap();
    });
}

/// Some seeds run the task of the highest priority. That may be the one that waits for another in this way.
#[test]
fn a_task_that_looks_again_and_again_lets_others_go_on() {
    sim::check(async |_sim| {
        let is_done = Arc::new(AtomicBool::new(false));
        let looks = [(); 3].map(|()| {
            let is_done = Arc::clone(&is_done);
            Task::spawn(async move {
                while !is_done.load(Ordering::Relaxed) {
                    steps(1).await;
                }
            })
        });
        steps(3).await;
        is_done.store(true, Ordering::Relaxed);
        for look in looks {
            look.await.unwrap();
        }
    });
}

/// Answers after a step.
struct Slow;

impl GenServer for Slow {
    type Args = ();
    type Call = Caller<()>;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }

    async fn handle_call(&mut self, caller: Caller<()>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        time::sleep(Duration::from_millis(1)).await;
        Next::reply(caller, ())
    }
}

/// There is one thread, so nothing could answer.
#[test]
fn a_call_that_would_block_the_thread_of_the_simulation_is_refused() {
    sim::check(async |_sim| {
        let server = genserver::start::<Slow>(()).await.unwrap();
        let refused = server.call_blocking(|caller| caller);
        assert!(matches!(refused, Err(CallError::WouldBlock { .. })), "{refused:?}");
        assert_eq!(server.call(|caller| caller).await, Ok(()));
    });
}

#[test]
fn what_is_due_at_one_instant_comes_in_any_order() {
    let orders = RefCell::new(BTreeSet::new());
    check_256(async |_sim| {
        let mut probe = Probe::<u8>::new();
        let at = time::now() + Duration::from_secs(1);
        for number in 0..3 {
            let sender = probe.sender();
            let sleeper = async move {
                time::sleep_until(at).await;
                sender.send(number).unwrap();
            };
            Task::start(sleeper).unwrap();
            // It sleeps before the next does.
            time::sleep(Duration::from_millis(1)).await;
        }
        let mut order = Vec::new();
        for _ in 0..3 {
            order.push(probe.recv().await.unwrap());
        }
        orders.borrow_mut().insert(format!("{order:?}"));
    });
    assert_eq!(orders.borrow().len(), 6, "{orders:?}");
}

#[test]
fn a_task_that_looks_again_and_again_for_time_to_pass_sees_it_pass() {
    sim::replay("0/", async |sim| {
        let begin = time::now();
        let other = Task::spawn(time::sleep(Duration::from_secs(1)));
        while time::now().duration_since(begin) < Duration::from_secs(1) {
            yield_now().await;
        }
        other.await.unwrap();
        assert_eq!(sim.elapsed(), Duration::from_secs(1));
    });
}
