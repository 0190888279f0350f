//! The facts, of NATS, and what only a real server does. Each test has a server of its own.

use std::time::Duration;

use async_nats::jetstream;
use futures::StreamExt;
use genserver::time;
use genserver_cluster::engine::nats::{Nats, Options};
use genserver_cluster::engine::{ChangeError, Engine, EngineError, Position, RequestError, Retention, WatchEvent};

use crate::facts::{LONG, System};

// A server that a test starts.
mod server;
// Servers that ask who connects.
mod secured;

use server::Server;

impl System for Server {
    type Member = Nats;

    /// The shortest that NATS has.
    const LEASE: Duration = Duration::from_secs(1);

    async fn member(&self, _name: &str) -> Nats {
        Nats::connect(self.address()).await.unwrap()
    }
}

/// Runs a test with a server, or says that it is skipped.
fn check(fact: impl AsyncFn(Server)) {
    let Some(server) = Server::start() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(fact(server));
}

hold_to_the_facts!(check);

#[test]
fn a_time_to_live_is_rounded_up_to_whole_seconds() {
    check(async |server| {
        let a = server.member("a").await;
        let mut watch = a.watch("t.").await.unwrap();
        let sent = time::now();
        a.create("t.short", "1".into(), Duration::from_millis(1)).await.unwrap();
        a.create("t.long", "1".into(), Duration::from_millis(1001)).await.unwrap();
        let mut gone = Vec::new();
        while gone.len() < 2 {
            if let Some(WatchEvent::Gone(key, _)) = watch.next().await {
                gone.push((key, time::now() - sent));
            }
        }
        assert!(gone[0].0 == "t.short" && gone[0].1 >= Duration::from_secs(1), "{gone:?}");
        assert!(gone[1].0 == "t.long" && gone[1].1 >= Duration::from_secs(2), "{gone:?}");
    });
}

#[test]
fn without_a_server_nothing_is_reached_and_with_it_again_all_goes_on() {
    check(async |mut server| {
        let a = server.member("a").await;
        let revision = a.create("t.k", "1".into(), LONG).await.unwrap();
        let position = a.append("t.log", "1".into(), Position::default()).await.unwrap();
        let mut watch = a.watch("t.").await.unwrap();
        let mut subscription = a.subscribe("t.s").await.unwrap();
        server.stop();
        // Both end, so the loss is known.
        while watch.next().await != Some(WatchEvent::Lost) {}
        assert_eq!(watch.next().await, None);
        assert_eq!(subscription.next().await, None);
        let unreachable = |error| matches!(error, EngineError::Unreachable(_));
        assert!(unreachable(a.get("t.k").await.unwrap_err()));
        assert!(unreachable(a.publish("t.s", "1".into()).await.unwrap_err()));
        assert!(unreachable(a.subscribe("t.s").await.map(|_| ()).unwrap_err()));
        assert!(unreachable(a.watch("t.").await.map(|_| ()).unwrap_err()));
        assert!(unreachable(a.read("t.log", Position::default(), 9).await.unwrap_err()));
        for changed in [
            a.create("t.l", "1".into(), LONG).await.map(|_| ()),
            a.update("t.k", "2".into(), LONG, revision).await.map(|_| ()),
            a.delete("t.k", revision).await,
            a.append("t.log", "2".into(), position).await.map(|_| ()),
            a.snapshot("t.log", "2".into(), position).await.map(|_| ()),
        ] {
            assert!(matches!(changed, Err(ChangeError::Engine(EngineError::Unreachable(_)))), "{changed:?}");
        }
        let asked = a.request("t.s", "1".into(), LONG).await;
        assert!(matches!(asked, Err(RequestError::Engine(EngineError::Unreachable(_)))), "{asked:?}");
        server.restart();
        // Its client connects again by itself; there is nothing that tells it.
        while a.get("t.k").await.is_err() {
            time::sleep(Duration::from_millis(10)).await;
        }
        // Nothing of all that was made.
        assert_eq!(a.get("t.l").await, Ok(None));
        assert_eq!(a.read("t.log", Position::default(), 9).await.unwrap().len(), 1);
        a.update("t.k", "3".into(), LONG, revision).await.unwrap();
        a.append("t.log", "2".into(), position).await.unwrap();
    });
}

#[test]
fn a_change_of_a_server_that_stands_still_is_unanswered_and_may_be_made_later() {
    check(async |server| {
        let a = Options::new().answer_within(Duration::from_millis(300)).connect(server.address()).await.unwrap();
        let b = server.member("b").await;
        let revision = a.create("t.k", "1".into(), LONG).await.unwrap();
        server.freeze();
        assert_eq!(a.update("t.k", "2".into(), LONG, revision).await, Err(EngineError::Unanswered.into()));
        assert_eq!(a.get("t.k").await, Err(EngineError::Unanswered));
        assert_eq!(a.request("t.s", "1".into(), Duration::from_millis(100)).await, Err(RequestError::TimedOut));
        assert_eq!(a.subscribe("t.s").await.map(|_| ()), Err(EngineError::Unanswered));
        server.thaw();
        let mut watch = b.watch("t.").await.unwrap();
        while !matches!(watch.next().await, Some(WatchEvent::Set(_, entry)) if entry.value == "2") {}
        assert_eq!(a.update("t.k", "3".into(), LONG, revision).await, Err(ChangeError::Conflict));
    });
}

#[test]
fn a_follower_that_is_not_read_holds_a_bounded_number_of_bytes() {
    const EVENTS: u64 = 30;
    check(async |server| {
        let a = server.member("a").await;
        let retention = Retention { events: EVENTS, bytes: 100 << 20, age: LONG };
        a.open_stream("t.events", retention).await.unwrap();
        for number in 0..EVENTS {
            a.add("t.events", &number.to_string(), vec![0; 900_000].into()).await.unwrap();
        }
        let mut events = a.follow("t.events", Position::default()).await.unwrap();
        events.next().await.unwrap();
        let context = jetstream::new(async_nats::connect(server.address()).await.unwrap());
        let stream = context.get_stream("EVENTS_genserver~t~events").await.unwrap();
        // The server sends until what it was asked for is sent.
        let sent = loop {
            let follower = stream.consumers().next().await.unwrap().unwrap();
            let sent = follower.delivered.consumer_sequence;
            if follower.num_waiting == 0 || sent == EVENTS {
                break sent;
            }
        };
        assert!((2..10).contains(&sent), "{sent}");
        let rest: Vec<_> = events.take(29).collect().await;
        assert_eq!(rest.last().unwrap().position, Position(EVENTS));
    });
}

#[test]
fn nothing_is_reached_where_no_server_is() {
    check(async |mut server| {
        server.stop();
        let connected = Nats::connect(server.address()).await;
        assert!(matches!(connected, Err(EngineError::Unreachable(_))), "{connected:?}");
    });
}

#[test]
fn a_message_that_is_too_large_is_refused() {
    check(async |server| {
        let a = server.member("a").await;
        let large = bytes::Bytes::from(vec![0; 2 << 20]);
        assert!(matches!(a.publish("t.s", large.clone()).await, Err(EngineError::Refused(_))));
        let created = a.create("t.k", large.clone(), LONG).await;
        assert!(matches!(created, Err(ChangeError::Engine(EngineError::Refused(_)))), "{created:?}");
        let asked = a.request("t.s", large, LONG).await;
        assert!(matches!(asked, Err(RequestError::Engine(EngineError::Refused(_)))), "{asked:?}");
    });
}

#[test]
fn members_of_another_name_have_other_keys() {
    check(async |server| {
        let a = server.member("a").await;
        let other = Options::new().name("other").replicas(1).connect(server.address()).await.unwrap();
        a.create("t.k", "1".into(), LONG).await.unwrap();
        assert_eq!(other.get("t.k").await, Ok(None));
        assert!(matches!(Options::new().name("a.b").connect(server.address()).await, Err(EngineError::Refused(_))));
    });
}
