//! A rate limiter that answers before it knows its limit.
//!
//! The limiter starts with no allowance, and the configuration sends it the limit. Requests that come before the limit are refused. Users see
//! a service that turns away its first customers after some of its starts. Tests pass, because the configuration is read at once there, and
//! its message comes first.
//!
//! - **Class**: message order violation.
//! - **Source**: use before initialisation, the usual example of the class, which is that of arXiv 1706.07372.
//! - **Mended**: the limit is what the limiter is started with.

use genserver::Init;
use genserver::sim::Sim;
use genserver::task::Task;

use crate::{Version, all};

struct Limiter {
    left: u32,
}

#[genserver::server(client = LimiterClient)]
impl Limiter {
    fn init(limit: u32) -> Init<Self> {
        Init::Run(Self { left: limit })
    }

    #[cast]
    fn configure(&mut self, limit: u32) {
        self.left = limit;
    }

    #[call]
    fn allows(&mut self) -> bool {
        let is_allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_allowed
    }
}

/// A limit of ten, and three requests.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let limit = if version.is_broken() { 0 } else { 10 };
    let limiter = LimiterClient::new(sim.start_supervised(genserver::start_link::<Limiter>(limit)).await);
    if version.is_broken() {
        let limiter = limiter.clone();
        Task::start_link(async move { limiter.configure(10).unwrap() }).unwrap();
    }
    let requests = [(); 3].map(|()| {
        let limiter = limiter.clone();
        Task::spawn(async move { limiter.allows().await.unwrap() })
    });
    let allowed = all(requests).await;
    assert!(allowed.iter().all(|is_allowed| *is_allowed), "a request was refused");
}
