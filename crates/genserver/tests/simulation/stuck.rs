//! Runs that go on no more, and what is said of them.

use genserver::sim::{self, Sim};
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, ServerRef};

use crate::{Account, failure};

/// Asks the next one before it answers, and takes no notice of cycles.
struct Asks(Option<ServerRef<Asks>>);

enum Call {
    Meet(ServerRef<Asks>, Caller<()>),
    Ask(Caller<()>),
}

impl GenServer for Asks {
    type Args = ();
    type Call = Call;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(None))
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        let caller = match call {
            Call::Meet(next, caller) => {
                self.0 = Some(next);
                caller
            }
            Call::Ask(caller) => {
                if let Some(next) = &self.0 {
                    next.call(Call::Ask).no_timeout().allow_cycle().await?;
                }
                caller
            }
        };
        Next::reply(caller, ())
    }
}

async fn two_that_ask_each_other(sim: &Sim<'_>) -> [ServerRef<Asks>; 2] {
    let first = sim.start_supervised(genserver::start_link::<Asks>(()).name("first")).await;
    let second = sim.start_supervised(genserver::start_link::<Asks>(()).name("second")).await;
    for (one, next) in [(&first, &second), (&second, &first)] {
        one.call(|caller| Call::Meet(next.clone(), caller)).await.unwrap();
    }
    [first, second]
}

#[test]
fn a_cycle_of_calls_that_nobody_refuses_is_named() {
    let message = failure(|| {
        sim::check(async |sim| {
            let [first, _second] = two_that_ask_each_other(sim).await;
            first.call(Call::Ask).no_timeout().await.unwrap();
        });
    });
    let cycle = "\n  a cycle: first <3> waits for second <4>, second <4> waits for first <3>\n";
    assert!(message.contains(cycle), "{message}");
}

#[test]
fn a_stop_waits_for_the_server_that_does_not_end() {
    let message = failure(|| {
        sim::check(async |sim| {
            let [first, _second] = two_that_ask_each_other(sim).await;
            sim.clients(2, async |client| {
                if client.number() == 0 {
                    first.call(Call::Ask).no_timeout().await.unwrap();
                } else {
                    sim.settle().await;
                    first.stop().await.unwrap();
                }
            })
            .await;
        });
    });
    assert!(message.contains("\n  client 1 <6> waits for first <3>\n"), "{message}");
}

#[test]
fn a_run_that_is_stuck_says_which_process_waits_for_which() {
    let message = failure(|| {
        sim::check(async |sim| {
            let account = sim.start_supervised(genserver::start_link::<Account>(0).name("account")).await;
            let other = sim.start_supervised(genserver::start_link::<Account>(0).name("other")).await;
            sim.clients(2, async |client| {
                if client.number() == 0 {
                    account.call(crate::Call::Forget).no_timeout().await.unwrap();
                } else {
                    let calls = [account.call(crate::Call::Forget), other.call(crate::Call::Forget)];
                    futures::future::join_all(calls.map(|call| call.no_timeout().into_future())).await;
                }
            })
            .await;
        });
    });
    assert!(message.contains("\n  client 0 <5> waits for account <3>\n"), "{message}");
    assert!(message.contains("\n  client 1 <6> waits for account <3>, other"), "{message}");
}
