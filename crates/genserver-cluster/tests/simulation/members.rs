//! Who is up, as each member sees it.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use genserver::sim::{self, Client, Sim, sometimes};
use genserver::time;
use genserver_cluster::engine::model::Faults;
use genserver_cluster::{MemberEvent, MemberInfo, MemberMonitor};

use super::cart::Oracle;
use super::shop::{MEMBERS, Shop, TIME_TO_LIVE};

/// For how long the faults go on.
const TROUBLE: Duration = Duration::from_secs(8);

/// When a member that is gone is down at the latest.
const DOWN_WITHIN: Duration = TIME_TO_LIVE.saturating_add(Duration::from_secs(1));

/// When something is told at the latest, whatever has happened.
const TOLD_WITHIN: Duration = Duration::from_mins(1);

/// Follows a monitor, and fails if it is told that what is up comes up, or that what is down goes down.
struct Told {
    events: MemberMonitor,
    up: BTreeSet<MemberInfo>,
}

impl Told {
    fn of(shop: &Shop, member: usize) -> Self {
        Self { events: shop.cluster(member).monitor_members(), up: BTreeSet::new() }
    }

    fn note(&mut self, event: MemberEvent) {
        match event {
            MemberEvent::Up(member) => assert!(self.up.insert(member.clone()), "{member:?} is up twice"),
            MemberEvent::Down(member) => assert!(self.up.remove(&member), "{member:?} is down twice"),
        }
    }

    /// What is told until now.
    fn catch_up(&mut self) {
        while let Some(event) = self.events.next().now_or_never().flatten() {
            self.note(event);
        }
    }

    /// Waits until exactly these are up.
    async fn until(&mut self, wanted: &BTreeSet<MemberInfo>) {
        self.catch_up();
        while self.up != *wanted {
            let event = time::timeout(TOLD_WITHIN, self.events.next()).await;
            let event = event.unwrap_or_else(|_| panic!("{:?} are up, and not {wanted:?}", self.up)).unwrap();
            self.note(event);
            self.catch_up();
        }
    }
}

fn all(shop: &Shop) -> BTreeSet<MemberInfo> {
    (0..MEMBERS.len()).map(|member| shop.cluster(member).member_info()).collect()
}

/// One member goes, in one of the ways in which members go, and comes back.
async fn comes_and_goes(sim: &Sim<'_>) {
    let shop = Shop::open(Oracle::default()).await;
    shop.model.set_faults(Faults::new().latency(Duration::from_millis(10)));
    let mut told = [Told::of(&shop, 1), Told::of(&shop, 2)];
    for told in &mut told {
        told.until(&all(&shop)).await;
    }
    time::sleep(Duration::from_millis(sim.draw(0..6_000))).await;
    let gone = shop.cluster(0).member_info();
    let mut rest = all(&shop);
    rest.remove(&gone);
    let began = time::now();
    let way = sim.draw(0..3);
    let within = match way {
        0 => {
            shop.cluster(0).stop().await.unwrap();
            Duration::from_millis(100)
        }
        1 => {
            shop.crash(0);
            DOWN_WITHIN
        }
        _ => {
            shop.model.cut(MEMBERS[0]);
            DOWN_WITHIN
        }
    };
    for told in &mut told {
        told.until(&rest).await;
    }
    let took = time::now() - began;
    assert!(took <= within, "it took {took:?}, and may take {within:?}");
    if way == 2 {
        shop.model.rejoin(MEMBERS[0]);
    } else {
        shop.restart(0).await;
    }
    for told in &mut told {
        told.until(&all(&shop)).await;
    }
    shop.close().await;
}

#[test]
fn a_member_that_goes_is_down_in_time_and_up_again_when_it_is_back() {
    sim::check(comes_and_goes);
}

/// This member loses the engine.
async fn loses_the_engine(sim: &Sim<'_>) {
    let shop = Shop::open(Oracle::default()).await;
    shop.model.set_faults(Faults::new().latency(Duration::from_millis(10)));
    let mut told = Told::of(&shop, 0);
    told.until(&all(&shop)).await;
    time::sleep(Duration::from_millis(sim.draw(0..6_000))).await;
    let began = time::now();
    if sim.draw(0..2) == 0 {
        shop.model.cut(MEMBERS[0]);
    } else {
        shop.model.isolate(&[MEMBERS[0]], Duration::from_secs(1));
    }
    told.until(&BTreeSet::new()).await;
    let took = time::now() - began;
    assert!(took <= DOWN_WITHIN, "it took {took:?}");
    assert!(shop.cluster(0).members().await.is_err());
    shop.rejoin_all();
    told.until(&all(&shop)).await;
    assert_eq!(shop.cluster(0).members().await.unwrap().len(), MEMBERS.len());
    shop.close().await;
}

#[test]
fn for_a_member_without_the_engine_all_are_down_until_it_is_back() {
    sim::check(loses_the_engine);
}

fn faults(sim: &Sim<'_>) -> Faults {
    let latency = Duration::from_millis(*sim.pick(&[0, 10, 200]));
    let stale = Duration::from_millis(*sim.pick(&[0, 500, 3_000]));
    let late_leases = Duration::from_millis(*sim.pick(&[0, 0, 700]));
    Faults::new().latency(latency).stale(stale).late_leases(late_leases).unanswered(*sim.pick(&[0, 3, 10]))
}

/// Cuts members off, kills them, and lets them come back.
async fn troubles(sim: &Sim<'_>, client: &Client, shop: &Shop) {
    while sim.elapsed() < TROUBLE {
        time::sleep(Duration::from_millis(client.draw(0..1_500))).await;
        let member = *client.pick(&[0, 1, 2]);
        match client.draw(0..5) {
            0 => shop.model.cut(MEMBERS[member]),
            1 => shop.model.isolate(&[MEMBERS[member]], Duration::from_secs(2)),
            // The first is not killed, so that it is told of everything.
            2 if member > 0 => {
                shop.crash(member);
                shop.restart(member).await;
            }
            _ => shop.rejoin_all(),
        }
    }
}

/// Whatever has happened, all see the same when it is over.
async fn agrees_at_last(sim: &Sim<'_>) {
    let shop = Shop::open(Oracle::default()).await;
    shop.model.set_faults(faults(sim));
    let mut told = Told::of(&shop, 0);
    sim.clients(2, async |client| match client.number() {
        0 => troubles(sim, &client, &shop).await,
        _ => {
            while sim.elapsed() < TROUBLE {
                let _ = shop.cluster(0).members().await;
                time::sleep(Duration::from_millis(1 + client.draw(0..500))).await;
            }
        }
    })
    .await;
    shop.model.set_faults(Faults::new());
    shop.rejoin_all();
    told.catch_up();
    sometimes!(told.up != all(&shop), "it sees others than there are at first");
    told.until(&all(&shop)).await;
    for member in 0..MEMBERS.len() {
        Told::of(&shop, member).until(&all(&shop)).await;
    }
    shop.close().await;
}

#[test]
fn all_members_see_the_same_when_the_faults_are_over() {
    sim::check(agrees_at_last);
}
