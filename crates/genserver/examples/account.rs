//! An account whose messages and client are written by `#[genserver::server]`: its client survives the account's restart.

use std::error::Error;
use std::time::Duration;

use genserver::supervisor::{ChildSpec, Restart, Supervisor};
use genserver::{AsServer, Caller, Init, Named, Next, Outcome, Reason};

/// The money of one person, and those who wait for more.
#[derive(Debug)]
struct Account {
    balance: u64,
    waiting: Vec<(u64, Caller<u64>)>,
}

/// There is not enough money in the account.
#[derive(Debug, PartialEq, Eq)]
struct Overdrawn;

#[genserver::server(client = Bank)]
impl Account {
    fn init(first: u64) -> Init<Self> {
        Init::Run(Account { balance: first, waiting: Vec::new() })
    }

    /// Puts money in.
    #[cast]
    fn deposit(&mut self, amount: u64) {
        self.balance += amount;
        for (_, caller) in self.waiting.extract_if(.., |(wanted, _)| *wanted <= self.balance) {
            caller.reply(self.balance);
        }
    }

    /// Takes money out, and returns what is left.
    #[call]
    fn withdraw(&mut self, amount: u64) -> Result<u64, Overdrawn> {
        self.balance = self.balance.checked_sub(amount).ok_or(Overdrawn)?;
        Ok(self.balance)
    }

    /// Waits until there is so much money in it, and returns the balance.
    #[call]
    fn wait_for(&mut self, amount: u64, caller: Caller<u64>) {
        if amount <= self.balance {
            caller.reply(self.balance);
        } else {
            self.waiting.push((amount, caller));
        }
    }

    /// Closes the account for good, if it is empty.
    #[cast]
    fn close(&mut self) -> Outcome<Self> {
        if self.balance == 0 { Next::stop(Reason::Normal) } else { Next::wait() }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    session().await
}

async fn session() -> Result<(), Box<dyn Error>> {
    let account = ChildSpec::server("account", || genserver::start_link::<Account>(10).name("account"));
    let account = account.restart(Restart::Transient);
    let child = account.reference();
    let supervisor = Supervisor::one_for_one().child(account).start().await?;

    // The client finds the account by its name, at each use.
    let bank = Bank::new(Named::<Account>::new("account"));
    bank.deposit(5)?;
    assert_eq!(bank.withdraw(12).await?, Ok(3));
    assert_eq!(bank.withdraw(12).await?, Err(Overdrawn));

    // The options of a call are the caller's: a timeout, or the answer later.
    let rich = bank.wait_for(100).send_request();
    bank.deposit(100)?;
    assert_eq!(rich.await?, 103);
    assert_eq!(bank.wait_for(1).timeout(Duration::from_secs(1)).await?, 103);

    // The account crashes, and its supervisor starts another one. Over the waiting child, the client waits for that.
    child.current()?.kill();
    assert_eq!(Bank::new(child.waiting()).withdraw(1).await?, Ok(9));
    assert_eq!(bank.withdraw(1).await?, Ok(8));

    let last = bank.as_server()?;
    assert_eq!(bank.withdraw(8).await?, Ok(0));
    bank.close()?;
    assert_eq!(last.ended().await, Reason::Normal);
    supervisor.stop().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn the_session_runs() {
        super::session().await.expect("every step of it succeeds");
    }
}
