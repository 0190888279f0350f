//! The account of `docs/MACRO.md`, with kameo's macros.

use kameo::prelude::*;

#[derive(Actor)]
struct Account {
    balance: u64,
}

#[derive(Debug, PartialEq)]
struct Overdrawn;

#[messages]
impl Account {
    #[message]
    fn balance(&self) -> u64 {
        self.balance
    }

    #[message]
    fn withdraw(&mut self, amount: u64) -> Result<u64, Overdrawn> {
        self.balance = self.balance.checked_sub(amount).ok_or(Overdrawn)?;
        Ok(self.balance)
    }

    #[message]
    fn deposit(&mut self, amount: u64) {
        self.balance += amount;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let account = Account::spawn(Account { balance: 10 });
    account.tell(Deposit { amount: 5 }).await?;
    assert!(matches!(account.ask(Withdraw { amount: 12 }).await, Ok(3)));
    let overdrawn = account.ask(Withdraw { amount: 12 }).await;
    assert!(matches!(overdrawn, Err(SendError::HandlerError(Overdrawn))));
    assert_eq!(account.ask(Balance).await?, 3);
    Ok(())
}
