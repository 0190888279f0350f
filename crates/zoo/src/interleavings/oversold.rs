//! A shop that sells its last cake twice.
//!
//! The shop looks whether it has a cake, lets a task take the payment, and counts the cake off when the payment is there. It goes on handling
//! orders meanwhile, which is what the task is for; but the second order finds the same cake. Users pay for what does not exist. Tests pass,
//! because a payment in a test takes no time.
//!
//! - **Class**: bad interleaving.
//! - **Source**: state that is read before an asynchronous step and used after it; the class is that of arXiv 1706.07372.
//! - **Mended**: the cake is set aside before the payment begins.

use genserver::sim::Sim;
use genserver::task::Task;
use genserver::{Caller, Init, ServerRef};

use crate::{Version, all, pause};

struct Shop {
    version: Version,
    this: Option<ServerRef<Shop>>,
    cakes: i32,
}

#[genserver::server]
impl Shop {
    fn init(version: Version) -> Init<Self> {
        Init::Run(Self { version, this: None, cakes: 1 })
    }

    #[call]
    fn open(&mut self, this: ServerRef<Shop>) {
        self.this = Some(this);
    }

    /// Answers whether the customer gets a cake.
    #[call]
    fn order(&mut self, caller: Caller<bool>) {
        if self.cakes <= 0 {
            caller.reply(false);
            return;
        }
        if !self.version.is_broken() {
            self.cakes -= 1;
        }
        let this = self.this.clone().unwrap();
        // The payment.
        Task::start_link(async move { this.cast(ShopCast::Paid(caller)).unwrap() }).unwrap();
    }

    #[cast]
    fn paid(&mut self, customer: Caller<bool>) {
        if self.version.is_broken() {
            self.cakes -= 1;
        }
        customer.reply(true);
    }

    #[call]
    fn cakes(&self) -> i32 {
        self.cakes
    }
}

/// Two customers, the second of which comes a little later.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let shop = sim.start_supervised(genserver::start_link::<Shop>(version)).await;
    shop.call(|caller| ShopCall::Open(shop.clone(), caller)).await.unwrap();
    let customers = [0, 4].map(|late| {
        let shop = shop.clone();
        Task::spawn(async move {
            pause(late).await;
            shop.call(ShopCall::Order).await.unwrap()
        })
    });
    all(customers).await;
    assert_eq!(shop.call(ShopCall::Cakes).await, Ok(0), "more cakes were sold than there are");
}
