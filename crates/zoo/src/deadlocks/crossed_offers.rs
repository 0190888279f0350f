//! Two traders who make each other an offer at the same time.
//!
//! A trader that has made an offer waits for the answer, and leaves offers that come meanwhile for later. Two offers cross: each trader
//! waits for the other to answer first. Both still answer every call, look healthy in every list, and never trade again. Tests pass,
//! because one offer usually arrives before the other is made.
//!
//! - **Class**: behavioural deadlock.
//! - **Source**: the class is that of arXiv 1706.07372; telephones call this glare.
//! - **Mended**: when two offers cross, one of the two traders, always the same, answers at once.

use genserver::sim::Sim;
use genserver::task::Task;
use genserver::{Init, ServerRef};

use crate::{Version, all};

struct Trader {
    gives_way: bool,
    peer: Option<ServerRef<Trader>>,
    is_waiting: bool,
    /// Whether an offer was left for later.
    has_offer: bool,
    deals: u32,
}

#[genserver::server]
impl Trader {
    fn init(gives_way: bool) -> Init<Self> {
        Init::Run(Self { gives_way, peer: None, is_waiting: false, has_offer: false, deals: 0 })
    }

    #[call]
    fn meet(&mut self, peer: ServerRef<Trader>) {
        self.peer = Some(peer);
    }

    #[call]
    fn trade(&mut self) {
        self.is_waiting = true;
        self.send(TraderCast::Offer);
    }

    #[cast]
    fn offer(&mut self) {
        if self.is_waiting && !self.gives_way {
            self.has_offer = true;
        } else {
            self.accept();
        }
    }

    #[cast]
    fn accepted(&mut self) {
        self.is_waiting = false;
        self.deals += 1;
        if std::mem::take(&mut self.has_offer) {
            self.accept();
        }
    }

    #[call]
    fn deals(&self) -> u32 {
        self.deals
    }

    fn accept(&mut self) {
        self.deals += 1;
        self.send(TraderCast::Accepted);
    }

    fn send(&self, message: TraderCast) {
        self.peer.as_ref().unwrap().cast(message).unwrap();
    }
}

/// Each trader makes one offer; both offers must become deals.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let first = sim.start_supervised(genserver::start_link::<Trader>(false)).await;
    let second = sim.start_supervised(genserver::start_link::<Trader>(!version.is_broken())).await;
    first.call(|caller| TraderCall::Meet(second.clone(), caller)).await.unwrap();
    second.call(|caller| TraderCall::Meet(first.clone(), caller)).await.unwrap();
    let traders = [first, second];
    all(traders.clone().map(|trader| Task::spawn(async move { trader.call(TraderCall::Trade).await.unwrap() }))).await;
    sim.settle().await;
    for trader in traders {
        assert_eq!(trader.call(TraderCall::Deals).await, Ok(2), "an offer was never answered");
    }
}
