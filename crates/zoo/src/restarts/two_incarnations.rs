//! A door with two keepers.
//!
//! A keeper that ends says so first, then signs the book, and gives back the key. Its employer hires the next one as soon as it hears of the end, and the next one
//! finds the key taken. Two keepers are alive, and each believes to be the only one. Users see "address already in use" after a restart, now and
//! then. Tests pass, because the key is back before the next keeper comes.
//!
//! - **Class**: bad interleaving.
//! - **Source**: kameo, pull request 387: the next incarnation could start while the one before was still in its `on_stop`.
//! - **Mended**: the employer hires the next one when the process of the last has ended, which a monitor tells.

use genserver::agent::Agent;
use genserver::sim::Sim;
use genserver::{Cx, Init, Probe, ProbeRef, Reason};

use crate::Version;

/// How many hold the key.
type Key = Agent<u32>;

/// How many have left.
type Book = Agent<u32>;

struct Keeper {
    key: Key,
    book: Book,
    employer: ProbeRef<()>,
}

#[genserver::server]
impl Keeper {
    async fn init(key: Key, book: Book, employer: ProbeRef<()>) -> Result<Init<Self>, Reason> {
        key.update(|holders| *holders += 1).await?;
        Ok(Init::Run(Self { key, book, employer }))
    }

    async fn terminate(&mut self, _reason: &Reason, _cx: &mut Cx<Self>) {
        self.employer.send(()).unwrap();
        self.book.update(|left| *left += 1).await.unwrap();
        self.key.update(|holders| *holders -= 1).await.unwrap();
    }
}

/// A keeper is told to go, and the next one comes.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let key = sim.start_supervised(Agent::start_link(|| 0)).await;
    let book = sim.start_supervised(Agent::start_link(|| 0)).await;
    let mut employer = Probe::<()>::new();
    let hire = |employer: &Probe<()>| genserver::start::<Keeper>((key.clone(), book.clone(), employer.sender()));
    let first = hire(&employer).await.unwrap();
    let reference = employer.monitor(&first);
    let ending = first.stop();
    let told = async {
        employer.expect_message().await;
        if !version.is_broken() {
            employer.expect_down(reference).await;
        }
        hire(&employer).await.unwrap();
        assert_eq!(key.get(|holders| *holders).await, Ok(1), "two keepers have the key");
    };
    let (ended, ()) = futures::join!(ending, told);
    ended.unwrap();
}
