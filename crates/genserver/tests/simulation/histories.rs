//! Histories of clients: those of a server are right in every run, and those of a cache beside it are not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use genserver::sim::{self, History, Sim};
use genserver::task::Task;
use genserver::{CallError, ServerRef};

use crate::{Account, Call, failure};

#[derive(Clone, Debug)]
enum Op {
    Set(u64),
    Balance,
}

/// What an account does.
fn model() -> History<u64, Op, Option<u64>> {
    History::new(0, |balance, op| match op {
        Op::Set(new) => {
            *balance = *new;
            None
        }
        Op::Balance => Some(*balance),
    })
}

async fn ask(account: &ServerRef<Account>, op: Op) -> Result<Option<u64>, CallError> {
    match op {
        Op::Set(balance) => account.call(|caller| Call::Set(balance, caller)).await.map(|()| None),
        Op::Balance => account.call(Call::Balance).await.map(Some),
    }
}

#[test]
fn a_server_is_linearizable() {
    sim::check(async |sim: &Sim<'_>| {
        let account = sim.start_supervised(genserver::start_link::<Account>(0)).await;
        let history = model();
        let clients = [1, 2, 3].map(|client| {
            let (account, history) = (account.clone(), history.clone());
            let ops: Vec<Op> = (0..5)
                .map(|number| if sim.draw(0..2) == 0 { Op::Balance } else { Op::Set(client * 10 + number) })
                .collect();
            Task::spawn(async move {
                for op in ops {
                    history.record(op.clone(), ask(&account, op)).await.unwrap();
                }
            })
        });
        for client in clients {
            client.await.unwrap();
        }
        history.assert_linearizable();
    });
}

/// A client that remembers what it has set last, and answers from that.
#[test]
fn a_cache_that_others_do_not_know_of_is_found_out() {
    let message = failure(|| {
        sim::check(async |sim: &Sim<'_>| {
            let account = sim.start_supervised(genserver::start_link::<Account>(0)).await;
            let history = model();
            let clients = [1, 2].map(|client| {
                let (account, history, cache) = (account.clone(), history.clone(), Arc::new(AtomicU64::new(0)));
                Task::spawn(async move {
                    let set = ask(&account, Op::Set(client));
                    history.record(Op::Set(client), set).await.unwrap();
                    cache.store(client, Ordering::Relaxed);
                    // Another client may have set it since.
                    let cached = async { Ok::<_, CallError>(Some(cache.load(Ordering::Relaxed))) };
                    genserver::time::sleep(std::time::Duration::from_millis(1)).await;
                    history.record(Op::Balance, cached).await.unwrap();
                })
            });
            for client in clients {
                client.await.unwrap();
            }
            history.assert_linearizable();
        });
    });
    assert!(message.contains("no order of these 4 operations explains what was seen"), "{message}");
}
