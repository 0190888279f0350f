//! Facts about messages.

use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, join};
use genserver::yield_now;
use genserver_cluster::engine::{Delivery, Engine, RequestError};

use super::{LONG, System};

/// Subscribes, and waits until another member has heard of it (E9).
async fn subscribe(
    engine: &impl Engine,
    subject: &str,
    other: &impl Engine,
) -> impl futures::Stream<Item = Delivery> + Unpin {
    let mut subscription = engine.subscribe(subject).await.unwrap();
    let answers = async {
        let first = subscription.next().await.unwrap();
        engine.publish(&first.reply_to.unwrap(), "here".into()).await.unwrap();
    };
    let asks = async {
        while other.request(subject, "there?".into(), LONG).await == Err(RequestError::NoResponders) {
            yield_now().await;
        }
    };
    join!(answers, asks);
    subscription
}

pub(crate) async fn e8_messages_of_one_member_arrive_in_their_order(system: &impl System) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    let subscription = subscribe(&a, "t.s", &b).await;
    for number in 0..20_u8 {
        b.publish("t.s", Bytes::from(vec![number])).await.unwrap();
    }
    let got: Vec<u8> = subscription.take(20).map(|delivery| delivery.payload[0]).collect().await;
    assert_eq!(got, (0..20).collect::<Vec<u8>>());
}

pub(crate) async fn e8_each_subscription_gets_each_message_once(system: &impl System) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    let mut one = subscribe(&a, "t.s", &b).await;
    let mut two = b.subscribe("t.s").await.unwrap();
    let mut other = b.subscribe("t.s.other").await.unwrap();
    for text in ["1", "2"] {
        b.publish("t.s", text.into()).await.unwrap();
    }
    b.publish("t.s.other", "3".into()).await.unwrap();
    for text in ["1", "2"] {
        let expected = Delivery { payload: text.into(), reply_to: None };
        assert_eq!(one.next().await.unwrap(), expected);
        assert_eq!(two.next().await.unwrap(), expected);
    }
    assert_eq!(other.next().await.unwrap().payload, "3");
}

pub(crate) async fn e8_a_request_gets_the_answer_of_its_subscriber(system: &impl System) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    let mut subscription = subscribe(&a, "t.s", &b).await;
    let answers = async {
        for _ in 0..3 {
            let Delivery { payload, reply_to } = subscription.next().await.unwrap();
            let answer = [&payload[..], b"!"].concat();
            a.publish(&reply_to.unwrap(), answer.into()).await.unwrap();
        }
    };
    let asks = async {
        for text in ["1", "2", ""] {
            assert_eq!(b.request("t.s", text.into(), LONG).await, Ok(Bytes::from(format!("{text}!"))));
        }
    };
    join!(answers, asks);
}

pub(crate) async fn e8_a_request_to_nobody_has_no_responders(system: &impl System) {
    let a = system.member("a").await;
    assert_eq!(a.request("t.s", "1".into(), LONG).await, Err(RequestError::NoResponders));
}

pub(crate) async fn e8_a_request_to_a_subscription_that_was_dropped_has_no_responders(system: &impl System) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    let subscription = subscribe(&a, "t.s", &b).await;
    drop(subscription);
    // The engine may learn of it a moment later, and then nobody answers.
    while b.request("t.s", "1".into(), Duration::from_millis(50)).await != Err(RequestError::NoResponders) {
        yield_now().await;
    }
}

pub(crate) async fn e8_a_request_that_is_not_answered_times_out(system: &impl System) {
    let (a, b) = (system.member("a").await, system.member("b").await);
    let mut subscription = subscribe(&a, "t.s", &b).await;
    let asked = b.request("t.s", "1".into(), Duration::from_millis(200)).await;
    assert_eq!(asked, Err(RequestError::TimedOut));
    let late = subscription.next().await.unwrap();
    // It comes too late for everybody.
    a.publish(&late.reply_to.unwrap(), "late".into()).await.unwrap();
    let asked = b.request("t.s", "2".into(), Duration::from_millis(200)).await;
    assert_eq!(asked, Err(RequestError::TimedOut));
}

pub(crate) async fn e9_a_subscription_is_in_place_for_its_own_member(system: &impl System) {
    let a = system.member("a").await;
    for number in 0..10 {
        let subject = format!("t.s{number}");
        let mut subscription = a.subscribe(&subject).await.unwrap();
        a.publish(&subject, "1".into()).await.unwrap();
        assert_eq!(subscription.next().await.unwrap().payload, "1");
    }
}
