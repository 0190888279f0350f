//! Members that stand still for a while, as a machine does that is suspended: an old server may be there when the next one starts, but
//! nobody is answered by it.

use std::time::Duration;

use genserver::sim::{self, Client, Faults, Sim, sometimes};
use genserver::time;
use genserver_cluster::engine::model;

use super::cart::{Oracle, Which};
use super::shop::{MEMBERS, Shop, TIME_TO_LIVE};

const TROUBLE: Duration = Duration::from_secs(8);
const CALL: Duration = Duration::from_millis(400);

fn pause(client: &Client, most: u64) -> Duration {
    Duration::from_millis(1 + client.draw(0..most))
}

/// Has the name as long as it can.
async fn owns(sim: &Sim<'_>, client: &Client, shop: &Shop) {
    let member = client.number();
    while sim.elapsed() < TROUBLE {
        if let Ok(cart) = shop.start(member, shop.args(member)).await {
            let _ = time::timeout(TROUBLE, cart.ended()).await;
            let _ = cart.stop().await;
        }
        time::sleep(pause(client, 100)).await;
    }
}

/// Cuts one member off after the other.
async fn troubles(sim: &Sim<'_>, client: &Client, shop: &Shop) {
    while sim.elapsed() < TROUBLE {
        time::sleep(pause(client, 2_000)).await;
        let member = *client.pick(&MEMBERS);
        shop.model.cut(member);
        time::sleep(pause(client, 3_000)).await;
        shop.model.rejoin(member);
    }
}

/// Asks which server has the name.
async fn asks(sim: &Sim<'_>, client: &Client, shop: &Shop) {
    while sim.elapsed() < TROUBLE {
        let (cart, newest) = (shop.cart(client.number() % MEMBERS.len()), shop.oracle.newest());
        let answer = cart.call(Which).timeout(CALL).await;
        shop.oracle.check();
        sometimes!(newest > 1 && answer.is_ok(), "a later owner answers");
        if let Ok(number) = answer {
            assert!(number >= newest, "{number} answers a call that began although a later one has started: {newest}");
        }
        time::sleep(pause(client, 100)).await;
    }
}

async fn nobody_is_answered_by_an_old_owner(sim: &Sim<'_>) {
    let shop = Shop::open(Oracle::of_members_that_stand_still()).await;
    shop.model.set_faults(model::Faults::new().latency(Duration::from_millis(5)));
    sim.faults(Faults::new().late_timers(2 * TIME_TO_LIVE));
    let owners = MEMBERS.len();
    sim.clients(owners + 4, async |client| match client.number() {
        member if member < owners => owns(sim, &client, &shop).await,
        number if number == owners => troubles(sim, &client, &shop).await,
        _ => asks(sim, &client, &shop).await,
    })
    .await;
    sim.faults(Faults::new());
    shop.oracle.check();
    shop.close().await;
}

#[test]
fn an_owner_that_stood_still_answers_nobody() {
    sim::check(nobody_is_answered_by_an_old_owner);
}
