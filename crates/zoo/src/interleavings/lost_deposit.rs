//! Two deposits, of which one is lost.
//!
//! A client reads the balance and then writes the new one. Between the two another client does the same, and one of the deposits is written over.
//! The account is short of money, once in some thousand days. Tests pass, because a client's two messages are seldom apart.
//!
//! - **Class**: bad interleaving.
//! - **Source**: the lost update; the class is that of arXiv 1706.07372.
//! - **Mended**: what belongs together is one message.

use genserver::agent::Agent;
use genserver::sim::Sim;
use genserver::task::Task;

use crate::{Version, all};

async fn deposit(account: Agent<u64>, amount: u64, version: Version) {
    if version.is_broken() {
        let balance = account.get(|balance| *balance).await.unwrap();
        account.update(move |sum| *sum = balance + amount).await.unwrap();
    } else {
        account.update(move |sum| *sum += amount).await.unwrap();
    }
}

/// Two deposits at the same time.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let account = sim.start_supervised(Agent::start_link(|| 0)).await;
    all([1, 2].map(|amount| Task::spawn(deposit(account.clone(), amount, version)))).await;
    assert_eq!(account.get(|balance| *balance).await, Ok(3), "a deposit is lost");
}
