//! Groups, as each member sees them.

use std::collections::BTreeMap;
use std::time::Duration;

use genserver::sim::{self, Client, Sim, sometimes};
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, ServerRef, time};
use genserver_cluster::engine::model::Faults;
use genserver_cluster::{Clustered, Messages, Remote};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::cart::Oracle;
use super::shop::{MEMBERS, Shop, TIME_TO_LIVE};

/// For how long the faults go on.
const TROUBLE: Duration = Duration::from_secs(6);

const GROUP: &str = "porters";

/// Says on which member it is.
struct Porter(usize);

#[derive(Serialize, Deserialize)]
struct Where;

impl Remote<Where> for Porter {
    type Reply = usize;

    fn local(Where: Where, caller: Caller<usize>) -> Caller<usize> {
        caller
    }
}

impl Clustered for Porter {
    fn messages() -> Messages<Self> {
        Messages::new("test.porter", 1).call::<Where>("where")
    }
}

impl GenServer for Porter {
    type Args = usize;
    type Call = Caller<usize>;
    type Cast = Never;
    type Info = Never;

    async fn init(member: usize, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(member))
    }

    async fn handle_call(&mut self, caller: Caller<usize>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, self.0)
    }
}

/// Servers of one member, and how often each is in the group.
type Joined = Mutex<BTreeMap<u64, (ServerRef<Porter>, usize)>>;

fn faults(sim: &Sim<'_>) -> Faults {
    let latency = Duration::from_millis(*sim.pick(&[0, 10, 200]));
    let stale = Duration::from_millis(*sim.pick(&[0, 500, 2_000]));
    Faults::new().latency(latency).stale(stale).unanswered(*sim.pick(&[0, 3, 10]))
}

/// Starts, joins, leaves and ends servers of a member.
async fn works(sim: &Sim<'_>, client: &Client, shop: &Shop, joined: &Joined) {
    let member = client.number();
    let cluster = shop.cluster(member);
    let mut last = 0;
    while sim.elapsed() < TROUBLE {
        time::sleep(Duration::from_millis(1 + client.draw(0..600))).await;
        let chosen = joined.lock().keys().copied().nth(*client.pick(&[0, 1, 2]));
        match (client.draw(0..4), chosen) {
            (0, _) | (_, None) => {
                let porter = genserver::start::<Porter>(member).await.unwrap();
                cluster.join(GROUP, &porter).await.unwrap();
                last += 1;
                joined.lock().insert(last, (porter, 1));
            }
            (1, Some(chosen)) => {
                let (porter, _) = joined.lock()[&chosen].clone();
                cluster.join(GROUP, &porter).await.unwrap();
                joined.lock().entry(chosen).and_modify(|(_, times)| *times += 1);
            }
            (2, Some(chosen)) => {
                let (porter, times) = joined.lock()[&chosen].clone();
                assert_eq!(cluster.leave(GROUP, &porter), times > 0, "it knows how often it has joined");
                joined.lock().entry(chosen).and_modify(|(_, times)| *times = times.saturating_sub(1));
            }
            (_, Some(chosen)) => {
                let ended = joined.lock().remove(&chosen);
                if let Some((porter, _)) = ended {
                    porter.stop().await.unwrap();
                }
            }
        }
        let now: usize = joined.lock().values().map(|(_, times)| times).sum();
        assert_eq!(cluster.local_group_members::<Porter>(GROUP).len(), now, "its own are always those that there are");
    }
}

/// Cuts members off, and lets them come back.
async fn troubles(sim: &Sim<'_>, client: &Client, shop: &Shop) {
    while sim.elapsed() < TROUBLE {
        time::sleep(Duration::from_millis(client.draw(0..1_500))).await;
        let member = *client.pick(&MEMBERS);
        match client.draw(0..4) {
            0 => shop.model.cut(member),
            1 => shop.model.isolate(&[member], Duration::from_secs(2)),
            _ => shop.rejoin_all(),
        }
    }
}

async fn agrees_at_last(sim: &Sim<'_>) {
    let shop = Shop::open(Oracle::default()).await;
    shop.model.set_faults(faults(sim));
    let joined: Vec<Joined> = MEMBERS.iter().map(|_| Joined::default()).collect();
    for member in 0..MEMBERS.len() {
        // It need not be there yet.
        let _ = shop.cluster(member).group_members::<Porter>(GROUP).await;
    }
    sim.clients(MEMBERS.len() + 1, async |client| match joined.get(client.number()) {
        Some(joined) => works(sim, &client, &shop, joined).await,
        None => troubles(sim, &client, &shop).await,
    })
    .await;
    shop.model.set_faults(Faults::new());
    shop.rejoin_all();
    // What is late is there by then, members are up again, and their keys are written.
    time::sleep(3 * TIME_TO_LIVE).await;
    let there: usize =
        joined.iter().flat_map(|joined| joined.lock().clone().into_values()).map(|(_, times)| times).sum();
    sometimes!(there > 3, "there are several in the group");
    for member in 0..MEMBERS.len() {
        let seen = shop.cluster(member).group_members::<Porter>(GROUP).await.unwrap();
        assert_eq!(seen.len(), there, "member {member} sees all");
        for porter in seen {
            let answer = porter.call(Where).timeout(Duration::from_secs(1)).await.unwrap();
            let its_member = porter.name().split('/').next().unwrap();
            assert_eq!(MEMBERS[answer], its_member, "it is the one that was joined");
        }
    }
    shop.close().await;
}

#[test]
fn all_members_see_the_same_groups_when_the_faults_are_over() {
    sim::check(agrees_at_last);
}
