//! A race that a test meets once in a thousand runs, found by the simulator, shown, and mended.
//!
//! Two clients deposit money. The first version of the client reads the balance and then writes it, so a deposit can be lost. The
//! second leaves the sum to the account.

use std::io::{Write as _, stdout};
use std::panic::{AssertUnwindSafe, catch_unwind};

use genserver::task::Task;
use genserver::{CallError, Caller, Cx, GenServer, Init, Never, Next, Outcome, ServerRef, sim};

struct Account(u64);

enum Call {
    Balance(Caller<u64>),
    SetBalance(u64, Caller<()>),
    Deposit(u64, Caller<u64>),
}

impl GenServer for Account {
    type Args = u64;
    type Call = Call;
    type Cast = Never;
    type Info = Never;

    async fn init(balance: u64, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Account(balance))
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Balance(caller) => Next::reply(caller, self.0),
            Call::SetBalance(balance, caller) => {
                self.0 = balance;
                Next::reply(caller, ())
            }
            Call::Deposit(amount, caller) => {
                self.0 += amount;
                Next::reply(caller, self.0)
            }
        }
    }
}

/// Wrong: between the two calls another client may do the same.
async fn read_and_write(account: ServerRef<Account>, amount: u64) -> Result<(), CallError> {
    let balance = account.call(Call::Balance).await?;
    account.call(|caller| Call::SetBalance(balance + amount, caller)).await
}

/// Right: what belongs together is one call.
async fn deposit(account: ServerRef<Account>, amount: u64) -> Result<(), CallError> {
    account.call(|caller| Call::Deposit(amount, caller)).await.map(drop)
}

/// Two clients, and what there is when both have ended.
async fn no_deposit_is_lost<F>(sim: &sim::Sim<'_>, client: fn(ServerRef<Account>, u64) -> F)
where
    F: Future<Output = Result<(), CallError>> + Send + 'static,
{
    let account = sim.start_supervised(genserver::start_link::<Account>(0)).await;
    let clients = [1, 2].map(|amount| Task::spawn(client(account.clone(), amount)));
    for client in clients {
        client.await.expect("a client does not crash").expect("the account answers");
    }
    assert_eq!(account.call(Call::Balance).await, Ok(3));
}

fn main() -> std::io::Result<()> {
    // In a test one would write only this, and read the message.
    let check = || sim::check(async |sim| no_deposit_is_lost(sim, read_and_write).await);
    let payload = catch_unwind(AssertUnwindSafe(check)).expect_err("a deposit is lost in some runs");
    let message = payload.downcast_ref::<String>().expect("the message is a text");

    sim::check(async |sim| no_deposit_is_lost(sim, deposit).await);
    writeln!(stdout(), "{message}\n\nthe second version loses none in 256 runs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "the smallest run found:")]
    fn reading_and_then_writing_loses_a_deposit() {
        sim::check(async |sim| no_deposit_is_lost(sim, read_and_write).await);
    }

    #[test]
    fn one_call_loses_none() {
        sim::check(async |sim| no_deposit_is_lost(sim, deposit).await);
    }
}
