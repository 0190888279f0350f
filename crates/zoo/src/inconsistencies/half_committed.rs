//! A booking of which one half was made.
//!
//! The coordinator of a journey asks the hotel and the airline whether they can; if both can, it tells both to book. The airline has said yes,
//! and waits for a second for the decision. When it hears nothing it takes the decision itself: it had said yes, so it books. But the hotel was
//! late, and the decision is no. Users fly to a place where they have no bed. Tests pass, because the hotel answers in time.
//!
//! - **Class**: memory inconsistency.
//! - **Source**: two-phase commit blocks, and a participant that decides alone is wrong (Gray, *Notes on Data Base Operating Systems*, 1978).
//! - **Mended**: the airline goes on waiting.
//! - **Faults**: timers are late.

use std::time::Duration;

use genserver::sim::{Faults, Sim};
use genserver::{AsServer, Cx, Init, Next, Outcome, time};

use crate::Version;

const PATIENCE: Duration = Duration::from_secs(1);

struct Airline {
    version: Version,
    has_booked: Option<bool>,
}

/// The decision should be here.
struct Late;

#[genserver::server(client = AirlineClient)]
impl Airline {
    fn init(version: Version) -> Init<Self> {
        Init::Run(Self { version, has_booked: None })
    }

    #[call]
    fn can_you(&mut self, cx: &mut Cx<Self>) -> bool {
        cx.send_after(PATIENCE, Late);
        self.has_booked.is_none()
    }

    #[call]
    fn decide(&mut self, is_booked: bool) {
        self.has_booked.get_or_insert(is_booked);
    }

    #[call]
    fn has_booked(&self) -> Option<bool> {
        self.has_booked
    }

    fn handle_info(&mut self, Late: Late) -> Outcome<Self> {
        if self.version.is_broken() {
            self.has_booked.get_or_insert(true);
        }
        Next::wait()
    }
}

/// A hotel that takes a while, and has no bed.
async fn hotel_can() -> bool {
    time::sleep(PATIENCE * 9 / 10).await;
    false
}

/// One journey, of which both halves are booked, or none.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let airline = AirlineClient::new(sim.start_supervised(genserver::start_link::<Airline>(version)).await);
    sim.faults(Faults::new().late_timers(PATIENCE));
    let can_fly = airline.can_you().await.unwrap();
    let is_booked = hotel_can().await && can_fly;
    airline.decide(is_booked).await.unwrap();
    sim.heal(PATIENCE).await;
    time::sleep(PATIENCE * 3).await;
    assert_eq!(airline.has_booked().await, Ok(Some(is_booked)), "one half is booked");
    airline.stop().await.unwrap();
}
