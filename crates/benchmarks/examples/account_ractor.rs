//! The account of `docs/MACRO.md`, with ractor's macro.
#![expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_self,
    reason = "the macro gives each method the actor and its state by reference"
)]

use ractor::{Actor, ActorProcessingErr, ActorRef, call_t};

struct Account;

#[derive(Debug, PartialEq)]
struct Overdrawn;

#[ractor::actor(message = enum AccountMessage, state = u64, arguments = u64)]
impl Account {
    async fn pre_start(
        &self,
        _myself: ActorRef<AccountMessage>,
        balance: u64,
    ) -> Result<u64, ActorProcessingErr> {
        Ok(balance)
    }

    #[ractor::rpc(Balance)]
    fn balance(&self, balance: &u64) -> u64 {
        *balance
    }

    #[ractor::rpc(Withdraw(amount, reply))]
    fn withdraw(&self, amount: u64, balance: &mut u64) -> Result<u64, Overdrawn> {
        *balance = balance.checked_sub(amount).ok_or(Overdrawn)?;
        Ok(*balance)
    }

    #[ractor::message(Deposit(amount))]
    fn deposit(&self, amount: u64, balance: &mut u64) {
        *balance += amount;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (account, _task) = Actor::spawn(None, Account, 10).await?;
    account.cast(AccountMessage::Deposit(5))?;
    assert_eq!(call_t!(account, AccountMessage::Withdraw, 5000, 12)?, Ok(3));
    assert_eq!(
        call_t!(account, AccountMessage::Withdraw, 5000, 12)?,
        Err(Overdrawn)
    );
    assert_eq!(call_t!(account, AccountMessage::Balance, 5000)?, 3);
    Ok(())
}
