//! Nothing that was published is lost, whatever happens to members, links and the engine.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use futures::StreamExt;
use genserver::sim::{self, Client, Sim, sometimes};
use genserver::time;
use genserver_cluster::Cluster;
use genserver_cluster::engine::Position;
use genserver_cluster::engine::model::{Faults, Model};
use genserver_cluster::events::{ClusterEvent, EventsError, Reader, Topic};
use serde::{Deserialize, Serialize};

/// For how long the faults go on.
const TROUBLE: Duration = Duration::from_secs(6);

const MEMBERS: [&str; 3] = ["a", "b", "c"];

const READER: &str = "billing";

#[derive(Serialize, Deserialize)]
struct Order(u64);

impl ClusterEvent for Order {
    const NAME: &str = "shop.order";
    const VERSION: u32 = 1;
}

/// The topic, as a member sees it.
async fn orders(model: &Model, member: &str) -> Topic<Order> {
    let options = Cluster::over(model.member(member)).name_space("shop").member(member);
    options.time_to_live(Duration::from_millis(1_500)).start().await.unwrap().topic("orders")
}

/// What was seen.
#[derive(Default)]
struct Seen {
    /// What was published and confirmed, and where.
    published: BTreeMap<u64, Position>,
    /// What readers have got, by its position.
    read: BTreeMap<Position, (u64, String)>,
    /// The last that a reader knows to be confirmed: it was closed without an error.
    confirmed: Position,
}

fn millis(client: &Client, most: u64) -> Duration {
    Duration::from_millis(client.draw(0..most))
}

fn faults(sim: &Sim<'_>) -> Faults {
    let latency = Duration::from_millis(*sim.pick(&[0, 10, 100]));
    let stale = Duration::from_millis(*sim.pick(&[0, 500, 2_000]));
    Faults::new().latency(latency).stale(stale).unanswered(*sim.pick(&[0, 3, 10]))
}

/// Publishes events whose numbers grow.
async fn publishes(sim: &Sim<'_>, client: &Client, model: &Model, seen: &Mutex<Seen>) {
    let topic = orders(model, MEMBERS[client.number()]).await;
    for turn in 0.. {
        if sim.elapsed() >= TROUBLE {
            return;
        }
        let number = client.number() as u64 * 1_000 + turn;
        let published = topic.publish(&Order(number)).await;
        sometimes!(published.is_err(), "an event is not published");
        if let Ok(position) = published {
            let mut seen = seen.lock().unwrap();
            let is_in_order = seen.published.range(number - turn..number).all(|(_, before)| *before < position);
            assert!(is_in_order, "{number} is published at {position}, before one that was published earlier");
            seen.published.insert(number, position);
        }
        time::sleep(Duration::from_millis(1) + millis(client, 300)).await;
    }
}

/// Reads some events with a reader, and notes them. Returns the last that it has confirmed, unless another has the name.
async fn reads(sim: &Sim<'_>, client: &Client, reader: &mut Reader<Order>, seen: &Mutex<Seen>) -> Option<Position> {
    let mut last = reader.position();
    let mut confirmed = last;
    while sim.elapsed() < TROUBLE {
        let Ok(next) = time::timeout(Duration::from_millis(200), reader.next()).await else { continue };
        match next.unwrap() {
            Ok(received) => {
                assert_eq!(received.position.0, last.0 + 1, "a position is left out, or comes twice");
                last = received.position;
                let is = (received.event.0, received.id);
                let before = seen.lock().unwrap().read.insert(last, is.clone());
                sometimes!(before.is_some(), "an event is read again");
                assert!(before.is_none_or(|before| before == is), "there was another event");
                if client.draw(0..3) > 0 {
                    reader.confirm();
                    confirmed = last;
                }
            }
            Err(EventsError::TakenOver { .. }) => {
                sometimes!(true, "a reader is taken over");
                return None;
            }
            Err(other) => panic!("{other}"),
        }
        if client.draw(0..8) == 0 {
            break;
        }
    }
    Some(confirmed)
}

/// Reads, ends in many ways, and begins again.
async fn reads_again(sim: &Sim<'_>, client: &Client, model: &Model, seen: &Mutex<Seen>) {
    let topic = orders(model, MEMBERS[client.number()]).await;
    while sim.elapsed() < TROUBLE {
        let began = seen.lock().unwrap().confirmed;
        let Ok(mut reader) = topic.reader(READER).await else {
            sometimes!(true, "a reader does not begin");
            continue;
        };
        assert!(reader.position() >= began, "a confirmation of {began} is lost: it begins at {}", reader.position());
        let confirmed = reads(sim, client, &mut reader, seen).await;
        if let Some(confirmed) = confirmed.filter(|_| client.draw(0..2) == 0)
            && reader.close().await.is_ok()
        {
            sometimes!(true, "a reader is closed");
            let mut seen = seen.lock().unwrap();
            seen.confirmed = seen.confirmed.max(confirmed);
        }
        time::sleep(Duration::from_millis(1) + millis(client, 200)).await;
    }
}

async fn troubles(sim: &Sim<'_>, client: &Client, model: &Model) {
    while sim.elapsed() < TROUBLE {
        time::sleep(millis(client, 1_000)).await;
        let member = *client.pick(&MEMBERS);
        match client.draw(0..5) {
            0 | 1 => model.cut(member),
            2 => model.isolate(&[member], Duration::from_secs(1)),
            _ => rejoin_all(model),
        }
    }
}

fn rejoin_all(model: &Model) {
    for member in MEMBERS {
        model.rejoin(member);
    }
}

/// When the faults are over, the last reader gets all that was not confirmed.
async fn reads_the_rest(model: &Model, seen: &Mutex<Seen>) {
    model.set_faults(Faults::new());
    rejoin_all(model);
    // What was held up has arrived by then.
    time::sleep(Duration::from_secs(10)).await;
    let topic = orders(model, "a").await;
    let mut reader = topic.reader(READER).await.unwrap();
    let last = topic.publish(&Order(u64::MAX)).await.unwrap();
    let mut at = reader.position();
    while at < last {
        let received = reader.next().await.unwrap().unwrap();
        assert_eq!(received.position.0, at.0 + 1);
        at = received.position;
        seen.lock().unwrap().read.insert(at, (received.event.0, received.id));
    }
}

async fn nothing_is_lost(sim: &Sim<'_>) {
    let model = Model::new();
    let seen = Mutex::new(Seen::default());
    model.set_answer_within(Duration::from_millis(400));
    // The first reader begins before the first event.
    drop(orders(&model, "a").await.reader(READER).await.unwrap());
    model.set_faults(faults(sim));
    sim.clients(5, async |client| match client.number() {
        0 | 1 => publishes(sim, &client, &model, &seen).await,
        2 => reads_again(sim, &client, &model, &seen).await,
        3 => troubles(sim, &client, &model).await,
        _ => {
            // A second reader of the same name, now and then.
            let topic = orders(&model, "b").await;
            while sim.elapsed() < TROUBLE {
                time::sleep(millis(&client, 1_500)).await;
                if let Ok(mut reader) = topic.reader(READER).await {
                    reads(sim, &client, &mut reader, &seen).await;
                }
            }
        }
    })
    .await;
    reads_the_rest(&model, &seen).await;
    let seen = seen.into_inner().unwrap();
    for (number, position) in &seen.published {
        let read = seen.read.get(position).map(|(number, _)| number);
        assert_eq!(read, Some(number), "what was published at {position} was not read");
    }
    sometimes!(seen.read.len() > seen.published.len() + 1, "an event is read whose publisher does not know of it");
    // No try is held up for as long as ids are known.
    let ids: BTreeMap<_, _> = seen.read.iter().map(|(position, (_, id))| (id, position)).collect();
    assert_eq!(ids.len(), seen.read.len(), "one publish has made two events");
}

#[test]
fn what_is_published_is_read_in_order_and_nothing_is_lost() {
    sim::check(nothing_is_lost);
}
