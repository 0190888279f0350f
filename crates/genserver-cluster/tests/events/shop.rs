//! Members of a cluster, and the events that they publish.

use std::time::Duration;

use futures::{Stream, StreamExt};
use genserver_cluster::Cluster;
use genserver_cluster::engine::model::Model;
use genserver_cluster::events::{ClusterEvent, EventsError, Received, Topic};
use serde::{Deserialize, Serialize};

/// An event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Order(pub(super) u64);

impl ClusterEvent for Order {
    const NAME: &str = "shop.order";
    const VERSION: u32 = 1;
}

pub(super) const TOPIC: &str = "orders";

pub(super) async fn member(model: &Model, name: &str) -> Cluster {
    let options = Cluster::over(model.member(name)).name_space("shop").member(name);
    options.time_to_live(Duration::from_millis(1_500)).start().await.unwrap()
}

/// The topic as a member of this name sees it.
pub(super) async fn orders(model: &Model, name: &str) -> Topic<Order> {
    member(model, name).await.topic(TOPIC)
}

/// The numbers of the next orders.
pub(super) async fn take(
    events: &mut (impl Stream<Item = Result<Received<Order>, EventsError>> + Unpin),
    count: usize,
) -> Vec<u64> {
    events.take(count).map(|received| received.unwrap().event.0).collect().await
}
