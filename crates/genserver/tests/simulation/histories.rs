//! Histories of clients: those of a server are right in every run, and those of a cache beside it are not.

use genserver::sim::{self, History, Sim};
use genserver::{CallError, ServerRef};

use crate::{Account, Call, failure};

#[derive(Clone, Debug)]
enum Op {
    Set(u64),
    Balance,
}

/// What an account does.
fn of_an_account(sim: &Sim<'_>) -> History<u64, Op, Option<u64>> {
    sim.history(0, |balance, op| match op {
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
        let history = of_an_account(sim);
        sim.clients(3, async |client| {
            for _ in 0..5 {
                let op = if client.draw(0..2) == 0 { Op::Balance } else { Op::Set(client.draw(0..100)) };
                history.record(op.clone(), ask(&account, op)).await.unwrap();
            }
        })
        .await;
    });
}

/// A client that remembers what it has set last, and answers from that.
#[test]
fn a_cache_that_others_do_not_know_of_is_found_out() {
    let message = failure(|| {
        sim::check(async |sim: &Sim<'_>| {
            let account = sim.start_supervised(genserver::start_link::<Account>(0)).await;
            let history = of_an_account(sim);
            sim.clients(2, async |client| {
                let cache = client.number() as u64 + 1;
                let set = ask(&account, Op::Set(cache));
                history.record(Op::Set(cache), set).await.unwrap();
                // Another client may have set it since.
                sim::point("behind the set").await;
                let cached = async { Ok::<_, CallError>(Some(cache)) };
                history.record(Op::Balance, cached).await.unwrap();
            })
            .await;
        });
    });
    assert!(message.contains("no order of these 4 operations explains what was seen"), "{message}");
    assert!(message.contains("client 0 <"), "{message}");
    assert!(message.contains("at \"behind the set\""), "the point is named in its step: {message}");
}
