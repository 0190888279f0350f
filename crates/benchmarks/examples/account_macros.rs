//! The account of `docs/MACRO.md`, with the macro of genserver.

use genserver::Init;

struct Account {
    balance: u64,
}

#[derive(Debug, PartialEq)]
struct Overdrawn;

#[genserver::server(client = Bank)]
impl Account {
    fn init(balance: u64) -> Init<Self> {
        Init::Run(Account { balance })
    }

    #[call]
    fn balance(&self) -> u64 {
        self.balance
    }

    #[call]
    fn withdraw(&mut self, amount: u64) -> Result<u64, Overdrawn> {
        self.balance = self.balance.checked_sub(amount).ok_or(Overdrawn)?;
        Ok(self.balance)
    }

    #[cast]
    fn deposit(&mut self, amount: u64) {
        self.balance += amount;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bank = Bank::new(genserver::start::<Account>(10).await?);
    bank.deposit(5)?;
    assert_eq!(bank.withdraw(12).await?, Ok(3));
    assert_eq!(bank.withdraw(12).await?, Err(Overdrawn));
    assert_eq!(bank.balance().await?, 3);
    Ok(())
}
