//! One owner of a name at a time, whatever happens.

use std::time::Duration;

use genserver::sim::{self, Client, Sim, sometimes};
use genserver::{Reason, time};
use genserver_cluster::StartNamedError;
use genserver_cluster::engine::model::Faults;

use super::cart::{Call, CartArgs, Oracle, Slow, Which};
use super::shop::{MEMBERS, NAME, Shop, TIME_TO_LIVE};

/// For how long the faults go on.
const TROUBLE: Duration = Duration::from_secs(8);

/// How long a caller waits.
const CALL: Duration = Duration::from_millis(400);

fn millis(client: &Client, most: u64) -> Duration {
    Duration::from_millis(client.draw(0..most))
}

fn faults(sim: &Sim<'_>) -> Faults {
    let latency = Duration::from_millis(*sim.pick(&[0, 10, 200]));
    let stale = Duration::from_millis(*sim.pick(&[0, 500, 3_000]));
    let late_leases = Duration::from_millis(*sim.pick(&[0, 0, 700]));
    let faults = Faults::new().latency(latency).stale(stale).late_leases(late_leases);
    faults.lost(*sim.pick(&[0, 0, 8])).unanswered(*sim.pick(&[0, 3, 10]))
}

/// Wants the name, has it for a while, and gives it back.
async fn owns(sim: &Sim<'_>, client: &Client, shop: &Shop, member: usize) {
    while sim.elapsed() < TROUBLE {
        let init_takes = if client.draw(0..4) == 0 { millis(client, 2_000) } else { Duration::ZERO };
        let lingers = client.draw(0..3) == 0;
        let args = CartArgs { init_takes, lingers, ..shop.args(member) };
        let started = shop.start(member, args).await;
        sometimes!(matches!(started, Err(StartNamedError::AlreadyStarted { .. })), "another has the name");
        sometimes!(
            matches!(started, Err(StartNamedError::Engine { .. })),
            "a name is not claimed, because nothing is answered"
        );
        sometimes!(matches!(started, Err(StartNamedError::Lost { .. })), "a name is lost while its server starts");
        let Ok(cart) = started else {
            time::sleep(Duration::from_millis(1) + millis(client, 400)).await;
            continue;
        };
        let ended = time::timeout(millis(client, 3_000), cart.server().ended()).await;
        if matches!(ended, Ok(Reason::NoConnection | Reason::Killed)) {
            sometimes!(true, "an owner loses its name");
            shop.oracle.has_ended(MEMBERS[member]);
        }
        if lingers || client.draw(0..2) == 0 {
            let _ = cart.stop().await;
        } else {
            let _ = cart.call(Call::End).await;
            cart.ended().await;
        }
    }
}

/// Asks which server has the name.
async fn asks(sim: &Sim<'_>, client: &Client, shop: &Shop) {
    while sim.elapsed() < TROUBLE {
        let cart = shop.cart(*client.pick(&[0, 1, 2]));
        let (began, newest) = (time::now(), shop.oracle.newest());
        let answer = if client.draw(0..3) == 0 {
            cart.call(Slow { millis: client.draw(0..200) }).timeout(CALL).await
        } else {
            cart.call(Which).timeout(CALL).await
        };
        shop.oracle.check();
        let took = time::now() - began;
        assert!(took <= CALL + Duration::from_millis(1), "a call took {took:?}");
        sometimes!(answer.is_ok(), "a call is answered");
        if let Ok(number) = answer {
            assert!(number >= newest, "{number} answers a call that began when {newest} had started");
        }
        time::sleep(Duration::from_millis(1) + millis(client, 300)).await;
    }
}

/// Cuts members off, kills them, and lets them come back.
async fn troubles(sim: &Sim<'_>, client: &Client, shop: &Shop) {
    while sim.elapsed() < TROUBLE {
        time::sleep(millis(client, 1_500)).await;
        let member = *client.pick(&[0, 1, 2]);
        match client.draw(0..6) {
            0 | 1 => shop.model.cut(MEMBERS[member]),
            2 => shop.model.isolate(&[MEMBERS[member]], Duration::from_secs(2)),
            3 => {
                shop.crash(member);
                time::sleep(millis(client, 1_000)).await;
                shop.restart(member).await;
            }
            _ => shop.rejoin_all(),
        }
    }
}

/// When the faults are over, a name can be had and called again.
async fn recovers(shop: &Shop) {
    shop.model.set_faults(Faults::new());
    shop.rejoin_all();
    // A create that nobody waits for may be made within twice the time that an answer takes, and its key has to end.
    time::sleep(3 * TIME_TO_LIVE).await;
    let cart = shop.start(0, shop.args(0)).await.expect("the name is free");
    for member in 0..MEMBERS.len() {
        let answer = shop.cart(member).call(Which).timeout(CALL).await;
        assert_eq!(answer, Ok(shop.oracle.newest()), "member {member} finds it");
    }
    let owner = shop.cluster(1).whereis(NAME).await.unwrap().expect("it has an owner");
    assert_eq!((owner.member.as_str(), owner.fence), (MEMBERS[0], cart.fence()));
    // It is free at once.
    cart.stop().await.unwrap();
    shop.start(1, shop.args(1)).await.expect("it was given back");
}

async fn one_at_a_time(sim: &Sim<'_>) {
    let shop = Shop::open(Oracle::default()).await;
    shop.model.set_faults(faults(sim));
    let owners = MEMBERS.len();
    sim.clients(owners + 3, async |client| match client.number() {
        member if member < owners => owns(sim, &client, &shop, member).await,
        number if number == owners => troubles(sim, &client, &shop).await,
        _ => asks(sim, &client, &shop).await,
    })
    .await;
    shop.oracle.check();
    recovers(&shop).await;
    shop.oracle.check();
    shop.close().await;
}

#[test]
fn a_name_has_one_owner_at_a_time() {
    sim::check(one_at_a_time);
}
