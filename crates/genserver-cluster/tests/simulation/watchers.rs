//! Those who watch a server of another member hear of its end in time.

use std::time::Duration;

use genserver::sim::{self, Sim};
use genserver::{Reason, time};
use genserver_cluster::StandInError;
use genserver_cluster::engine::model::Faults;

use super::cart::{End, Oracle};
use super::shop::{MEMBERS, NAME, Shop, TIME_TO_LIVE};

/// What travelling takes.
const LATENCY: Duration = Duration::from_millis(10);

/// When a watcher knows at the latest that a machine is gone.
const DOWN_WITHIN: Duration = TIME_TO_LIVE.saturating_add(Duration::from_secs(1));

/// How a watched server ends, as its watcher sees it.
#[derive(Clone, Copy, Debug)]
enum How {
    Stopped,
    EndsItself,
    MachineIsGone,
    MemberIsStopped,
    WatcherIsCutOff,
    OwnerIsCutOff,
}

impl How {
    const ALL: [Self; 6] = [
        Self::Stopped,
        Self::EndsItself,
        Self::MachineIsGone,
        Self::MemberIsStopped,
        Self::WatcherIsCutOff,
        Self::OwnerIsCutOff,
    ];
}

async fn hears_of_the_end(sim: &Sim<'_>) {
    let shop = Shop::open(Oracle::default()).await;
    shop.model.set_faults(Faults::new().latency(LATENCY));
    let missing = shop.cart(1).stand_in().await;
    assert!(matches!(missing, Err(StandInError::NoProc { .. })), "{missing:?}");
    let cart = shop.start(0, shop.args(0)).await.unwrap();
    let watchers = [shop.cart(1).stand_in().await.unwrap(), shop.cart(2).stand_in().await.unwrap()];
    assert_eq!(watchers[0].fence(), cart.fence());
    time::sleep(Duration::from_millis(sim.draw(0..6_000))).await;
    assert!(watchers.iter().all(|watcher| watcher.process_ref().is_alive()), "nobody has ended");

    let how = *sim.pick(&How::ALL);
    let began = time::now();
    let (reason, within) = match how {
        How::Stopped => {
            cart.stop().await.unwrap();
            (Reason::Normal, Duration::from_millis(100))
        }
        How::EndsItself => {
            let answer = shop.cart(1).call(End).await;
            assert!(answer.is_err(), "{answer:?}");
            (Reason::term("sold out".to_owned()), Duration::from_millis(100))
        }
        How::MachineIsGone => {
            shop.crash(0);
            (Reason::NoConnection, DOWN_WITHIN)
        }
        How::MemberIsStopped => {
            shop.cluster(0).stop().await.unwrap();
            (Reason::Shutdown, Duration::from_millis(100))
        }
        How::WatcherIsCutOff => {
            shop.model.cut(MEMBERS[1]);
            (Reason::NoConnection, DOWN_WITHIN)
        }
        How::OwnerIsCutOff => {
            shop.model.cut(MEMBERS[0]);
            (Reason::NoConnection, DOWN_WITHIN)
        }
    };
    assert_eq!(watchers[0].process_ref().ended().await, reason, "{how:?}");
    let took = time::now() - began;
    assert!(took <= within, "{how:?}: it took {took:?}");
    if matches!(how, How::WatcherIsCutOff) {
        assert!(watchers[1].process_ref().is_alive() && cart.is_alive(), "the server lives on");
    } else {
        assert_eq!(watchers[1].process_ref().ended().await, reason, "{how:?}");
        assert!(time::now() - began <= within, "{how:?}: the other took longer");
    }
    shop.oracle.check();
    shop.close().await;
}

#[test]
fn a_watcher_hears_of_every_end_in_time() {
    sim::check(hears_of_the_end);
}

/// A killed member's name can be had within its time to live and a little.
async fn is_free_in_time(sim: &Sim<'_>) {
    let shop = Shop::open(Oracle::default()).await;
    shop.model.set_faults(Faults::new().latency(LATENCY));
    shop.start(0, shop.args(0)).await.unwrap();
    time::sleep(Duration::from_millis(sim.draw(0..3_000))).await;
    shop.crash(0);
    let began = time::now();
    while shop.start(1, shop.args(1)).await.is_err() {
        time::sleep(Duration::from_millis(100)).await;
    }
    let took = time::now() - began;
    assert!(took <= TIME_TO_LIVE + Duration::from_secs(2), "it took {took:?}");
    shop.close().await;
}

#[test]
fn the_name_of_a_killed_member_is_free_within_its_time_to_live() {
    sim::check(is_free_in_time);
}

/// A singleton runs once, and elsewhere when its machine is gone.
async fn is_taken_over(sim: &Sim<'_>) {
    let shop = Shop::open(Oracle::default()).await;
    shop.model.set_faults(Faults::new().latency(LATENCY));
    for member in 0..MEMBERS.len() {
        shop.stand(member).await;
    }
    time::sleep(Duration::from_millis(1_000 + sim.draw(0..3_000))).await;
    assert_eq!(shop.oracle.newest(), 1, "it runs once");
    let owner = shop.cluster(0).whereis(NAME).await.unwrap().unwrap().member;
    let owner = MEMBERS.iter().position(|member| **member == owner).unwrap();
    shop.crash(owner);
    let began = time::now();
    while shop.oracle.newest() == 1 {
        time::sleep(Duration::from_millis(10)).await;
        let took = time::now() - began;
        assert!(took <= TIME_TO_LIVE + Duration::from_secs(2), "it is not taken over after {took:?}");
    }
    time::sleep(TIME_TO_LIVE).await;
    assert_eq!(shop.oracle.newest(), 2, "it stays where it is");
    shop.oracle.check();
    shop.close().await;
}

#[test]
fn a_singleton_is_taken_over_in_time() {
    sim::check(is_taken_over);
}
