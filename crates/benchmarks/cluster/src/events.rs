//! Events from one publisher to many: a topic, beside a stream of JetStream that is published to and consumed as its page shows it.
//!
//! A topic removes doubles, so it is compared with events that have ids, too. The publisher waits for the confirmations of 256 events at a time. A figure is how many events a second were published and read by
//! all consumers.

use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::consumer::pull::Config as Pull;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer};
use async_nats::jetstream::{self, stream};
use bytes::Bytes;
use futures::future::try_join_all;
use futures::stream::{Stream, StreamExt as _, TryStreamExt as _, iter};
use genserver_cluster::Cluster;
use genserver_cluster::engine::nats::Nats;
use genserver_cluster::events::{ClusterEvent, Topic};
use serde::{Deserialize, Serialize};

use crate::measure::{Begun, Half, head, row};
use crate::{Outcome, ROUNDS};

/// How many events are published in one half of a round.
const EVENTS: u32 = 20_000;

/// How many are under way at a time.
const UNDER_WAY: usize = 256;

const CONSUMERS: [usize; 2] = [1, 8];

/// An event of about a hundred bytes.
#[derive(Serialize, Deserialize)]
struct Order {
    number: u32,
    text: String,
}

impl ClusterEvent for Order {
    const NAME: &str = "bench.order";
    const VERSION: u32 = 1;
}

/// How events are consumed.
#[derive(Clone, Copy, Debug)]
enum How {
    /// From now on.
    New,
    /// Behind what was confirmed. Each event is confirmed.
    Confirmed,
}

pub(crate) async fn measure(address: &str) -> Outcome {
    let publisher = Cluster::over(Nats::connect(address).await?).start().await?;
    let bare = jetstream::new(async_nats::connect(address).await?);
    println!();
    head("events, one publisher");
    let kinds = [
        (How::New, false, "that begin now"),
        (How::New, true, "that begin now; bare has ids"),
        (How::Confirmed, false, "that confirm"),
        (How::Confirmed, true, "that confirm; bare has ids"),
    ];
    for (how, has_ids, what) in kinds {
        for consumers in CONSUMERS {
            let (mut our_halves, mut bare_halves) = (Vec::new(), Vec::new());
            // Each consumer is a member with a connection of its own.
            let others = try_join_all((0..consumers).map(|_| Nats::connect(address))).await?;
            let others = try_join_all(others.into_iter().map(|it| Cluster::over(it).start())).await?;
            let clients = try_join_all((0..consumers).map(|_| async_nats::connect(address))).await?;
            let clients: Vec<_> = clients.into_iter().map(jetstream::new).collect();
            for round in 0..ROUNDS {
                let name = format!("{how:?}-{has_ids}-{consumers}-{round}");
                our_halves.push(ours(&publisher, &others, &name, how).await?);
                bare_halves.push(directly(&bare, &clients, &name, how, has_ids).await?);
            }
            row(&format!("{consumers} consumers {what}"), &our_halves, &bare_halves);
        }
    }
    Ok(())
}

fn text() -> String {
    "x".repeat(100)
}

async fn ours(publisher: &Cluster, members: &[Cluster], name: &str, how: How) -> Outcome<Half> {
    let mut consumers = Vec::new();
    for (number, member) in members.iter().enumerate() {
        let topic: Topic<Order> = member.topic(name);
        consumers.push(match how {
            How::New => tokio::spawn(consume(topic.events().await?)),
            How::Confirmed => {
                let mut reader = topic.reader(format!("reader-{number}")).await?;
                tokio::spawn(async move {
                    for _ in 0..EVENTS {
                        reader.next().await.ok_or("it has ended")??;
                        reader.confirm();
                    }
                    reader.close().await?;
                    Ok(())
                })
            }
        });
    }
    let topic: Topic<Order> = publisher.topic(name);
    let begun = Begun::now();
    let published = iter(0..EVENTS).map(|number| {
        let topic = topic.clone();
        async move { topic.publish(&Order { number, text: text() }).await }
    });
    published.buffered(UNDER_WAY).try_for_each(async |_| Ok(())).await?;
    for consumer in consumers {
        consumer.await??;
    }
    Ok(begun.done(EVENTS.into()))
}

async fn directly(
    publisher: &jetstream::Context,
    clients: &[jetstream::Context],
    name: &str,
    how: How,
    has_ids: bool,
) -> Outcome<Half> {
    let subject = format!("bare.{name}");
    let config = stream::Config {
        name: format!("bare-{name}"),
        subjects: vec![subject.clone()],
        max_messages: 100_000,
        max_bytes: 64 << 20,
        ..stream::Config::default()
    };
    publisher.create_stream(config).await?;
    let mut consumers = Vec::new();
    for (number, client) in clients.iter().enumerate() {
        let stream = client.get_stream(format!("bare-{name}")).await?;
        let config = match how {
            How::New => Pull { ack_policy: AckPolicy::None, memory_storage: true, ..Pull::default() },
            How::Confirmed => Pull { durable_name: Some(format!("reader-{number}")), ..Pull::default() },
        };
        let consumer: PullConsumer = stream.create_consumer(config).await?;
        let messages = consumer.stream().max_messages_per_batch(500).messages().await?;
        consumers.push(match how {
            How::New => tokio::spawn(consume(messages)),
            How::Confirmed => tokio::spawn(async move {
                let mut messages = messages;
                for _ in 0..EVENTS {
                    messages.next().await.ok_or("it has ended")??.ack().await?;
                }
                Ok(())
            }),
        });
    }
    let begun = Begun::now();
    let published = iter(0..EVENTS).map(|number| {
        let (publisher, subject) = (publisher.clone(), subject.clone());
        let event = Bytes::from(format!("{number:08} {}", text()));
        let mut headers = HeaderMap::new();
        if has_ids {
            headers.insert(NATS_MESSAGE_ID, format!("{number:032}"));
        }
        async move { publisher.publish_with_headers(subject, headers, event).await?.await }
    });
    published.buffered(UNDER_WAY).try_for_each(async |_| Ok(())).await?;
    for consumer in consumers {
        consumer.await??;
    }
    Ok(begun.done(EVENTS.into()))
}

/// Takes all events.
async fn consume<T, X: Into<Box<dyn std::error::Error + Send + Sync>>>(
    events: impl Stream<Item = Result<T, X>>,
) -> Outcome {
    let taken = events
        .take(EVENTS as usize)
        .map_err(Into::into)
        .try_fold(0, async |taken, _| Ok::<u32, Box<dyn std::error::Error + Send + Sync>>(taken + 1));
    let taken = taken.await?;
    if taken == EVENTS { Ok(()) } else { Err(format!("{taken} events were read").into()) }
}
