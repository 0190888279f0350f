//! A supervisor that restarts its child once more than it may.
//!
//! A supervisor may restart a child twice within a second. It looks whether it has done so more than twice, and if not, restarts and counts. So it
//! restarts three times. Users wait longer for a failure that should have been told upwards. Tests pass, because a child in a test crashes once.
//!
//! - **Class**: engine.
//! - **Source**: planted in our own supervisor: the intensity is off by one.
//! - **Mended**: it looks whether it has done so twice already.
//! - **Faults**: the child is killed three times.

use std::time::{Duration, Instant};

use genserver::sim::{Faults, Sim};
use genserver::{Cx, Down, Init, Next, Outcome};

use crate::{Version, pause};

const RESTARTS_MAX: usize = 2;
const WITHIN: Duration = Duration::from_secs(1);

struct Child;

#[genserver::server]
impl Child {
    fn init() -> Init<Self> {
        Init::Run(Self)
    }
}

struct Parent {
    version: Version,
    starts: usize,
    restarts: Vec<Instant>,
}

#[genserver::server(client = ParentClient)]
impl Parent {
    fn init(version: Version) -> Init<Self> {
        Init::Run(Self { version, starts: 0, restarts: Vec::new() })
    }

    #[call]
    async fn start(&mut self, cx: &mut Cx<Self>) {
        self.starts += 1;
        // One that is killed before it is up is not started again; that would only make the program longer.
        if let Ok(child) = genserver::start::<Child>(()).await {
            cx.monitor(&child, |down| down);
        }
    }

    #[call]
    fn starts(&self) -> usize {
        self.starts
    }

    async fn handle_info(&mut self, _down: Down, cx: &mut Cx<Self>) -> Outcome<Self> {
        let now = cx.now();
        self.restarts.retain(|restart| now.duration_since(*restart) <= WITHIN);
        let restarts = self.restarts.len();
        let is_allowed = if self.version.is_broken() { restarts <= RESTARTS_MAX } else { restarts < RESTARTS_MAX };
        if is_allowed {
            self.restarts.push(now);
            self.start(cx).await;
        }
        Next::wait()
    }
}

/// A child that is killed up to four times.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let parent = ParentClient::new(sim.start_supervised(genserver::start_link::<Parent>(version)).await);
    parent.start().await.unwrap();
    sim.faults(Faults::new().kill::<Child>().at_most(4));
    pause(30).await;
    sim.heal(WITHIN).await;
    let starts = parent.starts().await.unwrap();
    assert!(starts <= 1 + RESTARTS_MAX, "the child was started {starts} times");
}
