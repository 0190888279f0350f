//! A name that is still taken when all know that its owner has ended.
//!
//! A registrar tells the watchers of a process that it has ended, writes that down, and then frees its name. A watcher that starts a successor
//! at once finds the name taken. Users see a restart that fails with "already registered", and works the second time. Tests pass, because
//! writing it down takes no time.
//!
//! - **Class**: engine.
//! - **Source**: planted in our own engine: a name is free after the watchers are told.
//! - **Mended**: the name is free before anybody is told.

use genserver::agent::Agent;
use genserver::sim::Sim;
use genserver::{Init, Probe, ProbeRef};

use crate::Version;

struct Registrar {
    version: Version,
    /// Whether the one name that there is belongs to a process.
    is_taken: Agent<bool>,
    journal: Agent<u32>,
    watcher: ProbeRef<()>,
}

#[genserver::server]
impl Registrar {
    fn init(is_taken: Agent<bool>, journal: Agent<u32>, watcher: ProbeRef<()>, version: Version) -> Init<Self> {
        Init::Run(Self { version, is_taken, journal, watcher })
    }

    /// The owner of the name has ended.
    #[cast]
    async fn ended(&mut self) {
        if self.version.is_broken() {
            self.watcher.send(()).unwrap();
        }
        self.journal.update(|ends| *ends += 1).await.unwrap();
        self.is_taken.update(|is_taken| *is_taken = false).await.unwrap();
        if !self.version.is_broken() {
            self.watcher.send(()).unwrap();
        }
    }
}

/// The owner of a name ends; the one who hears of it takes the name.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let is_taken = sim.start_supervised(Agent::start_link(|| true)).await;
    let journal = sim.start_supervised(Agent::start_link(|| 0)).await;
    let mut watcher = Probe::<()>::new();
    let args = (is_taken.clone(), journal, watcher.sender(), version);
    let registrar = sim.start_supervised(genserver::start_link::<Registrar>(args)).await;
    registrar.cast(RegistrarCast::Ended).unwrap();
    watcher.expect_message().await;
    let was_taken = is_taken.get_and_update(|is_taken| std::mem::replace(is_taken, true)).await;
    assert_eq!(was_taken, Ok(false), "its owner has ended, and the name is taken");
}
