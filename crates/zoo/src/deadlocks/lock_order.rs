//! Two transfers between the same two accounts, each of which has locked one of them.
//!
//! A transfer locks the account that it takes from, then the one that it gives to. Milk pays Eggs while Eggs pays Milk: the first has
//! locked Milk, the second has locked Eggs, and each waits for the other's. Users see two transfers that never end, and then all others
//! that touch one of these accounts. Tests pass, because a transfer locks both accounts at once unless another comes between.
//!
//! - **Class**: communication deadlock.
//! - **Source**: the dining philosophers; the class is that of arXiv 1706.07372.
//! - **Mended**: accounts are locked in one order, whatever the direction of the transfer.

use std::collections::{BTreeMap, VecDeque};

use genserver::sim::Sim;
use genserver::task::Task;
use genserver::{Caller, Init};

use crate::{Version, all};

/// Who waits for each lock that is held.
#[derive(Default)]
struct Locks(BTreeMap<&'static str, VecDeque<Caller<()>>>);

#[genserver::server(client = LockClient)]
impl Locks {
    fn init() -> Init<Self> {
        Init::Run(Self::default())
    }

    #[call]
    fn lock(&mut self, account: &'static str, caller: Caller<()>) {
        if let Some(waiting) = self.0.get_mut(account) {
            waiting.push_back(caller);
        } else {
            self.0.insert(account, VecDeque::new());
            caller.reply(());
        }
    }

    #[cast]
    fn unlock(&mut self, account: &'static str) {
        match self.0.get_mut(account).and_then(VecDeque::pop_front) {
            Some(next) => next.reply(()),
            None => drop(self.0.remove(account)),
        }
    }
}

async fn transfer(locks: LockClient, mut accounts: [&'static str; 2], version: Version) {
    if !version.is_broken() {
        accounts.sort_unstable();
    }
    for account in accounts {
        locks.lock(account).no_timeout().await.unwrap();
    }
    for account in accounts {
        locks.unlock(account).unwrap();
    }
}

/// Two transfers in opposite directions; both must end.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let locks = LockClient::new(sim.start_supervised(genserver::start_link::<Locks>(())).await);
    let transfers = [["milk", "eggs"], ["eggs", "milk"]];
    all(transfers.map(|accounts| Task::spawn(transfer(locks.clone(), accounts, version)))).await;
}
