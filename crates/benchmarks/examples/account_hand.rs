//! The account of `docs/MACRO.md`, written by hand.

use genserver::{
    CallError, Caller, CastError, Cx, GenServer, Init, Never, Next, Outcome, ServerRef,
};

struct Account {
    balance: u64,
}

#[derive(Debug, PartialEq)]
struct Overdrawn;

enum Call {
    Balance(Caller<u64>),
    Withdraw(u64, Caller<Result<u64, Overdrawn>>),
}

struct Deposit(u64);

impl GenServer for Account {
    type Args = u64;
    type Call = Call;
    type Cast = Deposit;
    type Info = Never;

    async fn init(balance: u64, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Account { balance })
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Balance(caller) => Next::reply(caller, self.balance),
            Call::Withdraw(amount, caller) => match self.balance.checked_sub(amount) {
                Some(left) => {
                    self.balance = left;
                    Next::reply(caller, Ok(left))
                }
                None => Next::reply(caller, Err(Overdrawn)),
            },
        }
    }

    async fn handle_cast(&mut self, Deposit(amount): Deposit, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.balance += amount;
        Next::wait()
    }
}

#[derive(Clone)]
struct Bank(ServerRef<Account>);

impl Bank {
    async fn balance(&self) -> Result<u64, CallError> {
        self.0.call(Call::Balance).await
    }

    async fn withdraw(&self, amount: u64) -> Result<Result<u64, Overdrawn>, CallError> {
        self.0.call(|caller| Call::Withdraw(amount, caller)).await
    }

    fn deposit(&self, amount: u64) -> Result<(), CastError<Deposit>> {
        self.0.cast(Deposit(amount))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bank = Bank(genserver::start::<Account>(10).await?);
    bank.deposit(5)?;
    assert_eq!(bank.withdraw(12).await?, Ok(3));
    assert_eq!(bank.withdraw(12).await?, Err(Overdrawn));
    assert_eq!(bank.balance().await?, 3);
    Ok(())
}
