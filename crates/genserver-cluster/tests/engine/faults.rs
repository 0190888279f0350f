//! What holds of the model when everything goes wrong, and that everything does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use genserver::sim::{self, Client, Sim, sometimes};
use genserver::time;
use genserver_cluster::engine::model::{Faults, Member, Model};
use genserver_cluster::engine::{
    ChangeError, Engine, EngineError, Position, RequestError, Retention, Revision, WatchEvent,
};

use crate::facts::LONG;

const ANSWER_WITHIN: Duration = Duration::from_millis(50);
const STALE: Duration = Duration::from_millis(40);

/// Everything goes wrong.
fn all() -> Faults {
    let few = Duration::from_millis(5);
    Faults::new().latency(few).stale(STALE).late_leases(STALE).late_subscriptions(few).lost(10).unanswered(5)
}

fn model(faults: Faults) -> Model {
    let model = Model::new();
    model.set_answer_within(ANSWER_WITHIN);
    model.set_faults(faults);
    model
}

/// The member of a client, which is cut off now and then.
fn member(model: &Model, client: &Client) -> Member {
    model.member(&client.number().to_string())
}

fn disturb(model: &Model, client: &Client) {
    let name = client.number().to_string();
    match client.draw(0..8) {
        5 => model.rejoin(&name),
        6 => model.isolate(&[&name], STALE),
        7 => model.cut(&name),
        _ => (),
    }
}

/// Everything is well again.
async fn heal(model: &Model, sim: &Sim<'_>) {
    model.set_faults(Faults::new());
    (0..4).for_each(|number| model.rejoin(&number.to_string()));
    // All that was on its way has arrived by then.
    time::sleep(4 * ANSWER_WITHIN).await;
    sim.settle().await;
}

/// Whether a change was made: nothing if that is not known.
fn is_made<T>(changed: &Result<T, ChangeError>) -> Result<bool, EngineError> {
    match changed {
        Ok(_) => Ok(true),
        Err(ChangeError::Conflict) => Ok(false),
        Err(ChangeError::Engine(error)) => Err(error.clone()),
        Err(other) => panic!("{other}"),
    }
}

/// From this value to that one.
type Swap = (Option<u64>, Option<u64>);

fn text(value: u64) -> bytes::Bytes {
    value.to_string().into()
}

fn number(value: &[u8]) -> u64 {
    str::from_utf8(value).unwrap().parse().unwrap()
}

#[test]
fn changes_of_a_key_are_made_once_in_some_order_and_those_that_are_refused_are_not_made() {
    sim::check(async |sim| {
        let model = model(all());
        let history = sim.history(None, |value: &mut Option<u64>, (from, to): &Swap| {
            let is_it = value == from;
            if is_it {
                *value = *to;
            }
            is_it
        });
        let never = Mutex::new(BTreeSet::new());
        sim.clients(3, async |client| {
            let engine = member(&model, &client);
            for turn in 0..5 {
                disturb(&model, &client);
                let new = client.number() as u64 * 10 + turn;
                let found = engine.get("t.k").await.ok().flatten();
                let from = found.as_ref().map(|entry| number(&entry.value));
                let to = (client.draw(0..4) > 0).then_some(new);
                let swap = async {
                    let changed = match (&found, to) {
                        (None, _) => engine.create("t.k", text(new), LONG).await.map(drop),
                        (Some(entry), Some(_)) => engine.update("t.k", text(new), LONG, entry.revision).await.map(drop),
                        (Some(entry), None) => engine.delete("t.k", entry.revision).await,
                    };
                    sometimes!(changed == Err(ChangeError::Conflict), "a change is refused");
                    is_made(&changed)
                };
                let to = if found.is_none() { Some(new) } else { to };
                let made = history.record((from, to), swap).await;
                sometimes!(made == Err(EngineError::Unanswered), "a change is not answered");
                if matches!(made, Err(EngineError::Unreachable(_))) {
                    sometimes!(true, "the engine is not reached");
                    never.lock().unwrap().insert(new);
                }
            }
        })
        .await;
        heal(&model, sim).await;
        let last = model.member("3").get("t.k").await.unwrap().map(|entry| number(&entry.value));
        let is_last = model.member("3").create("t.k", text(99), LONG).await.is_err();
        assert_eq!(is_last, last.is_some());
        assert!(last.is_none_or(|last| !never.lock().unwrap().contains(&last)), "{last:?} was not made, and is there");
        let seen = history.record((last, last), async { Ok::<_, EngineError>(true) }).await;
        assert_eq!(seen, Ok(true));
    });
}

#[test]
fn an_unanswered_change_was_made_or_was_not_made_or_is_made_later() {
    sim::check(async |sim| {
        let model = model(Faults::new().latency(Duration::from_millis(5)).unanswered(2));
        let (a, b) = (model.member("a"), model.member("b"));
        if a.create("t.k", "1".into(), LONG).await == Err(EngineError::Unanswered.into()) {
            model.set_faults(Faults::new());
            let then = b.get("t.k").await.unwrap();
            time::sleep(4 * ANSWER_WITHIN).await;
            sim.settle().await;
            let later = b.get("t.k").await.unwrap();
            sometimes!(then.is_some(), "it was made");
            sometimes!(later.is_none(), "it was not made");
            sometimes!(then.is_none() && later.is_some(), "it is made later");
            assert!(then.is_none() || then == later);
        }
    });
}

#[test]
fn what_is_read_is_no_older_than_was_said() {
    sim::check(async |sim| {
        let model = model(Faults::new().stale(STALE));
        let (a, b) = (model.member("a"), model.member("b"));
        let mut made = BTreeMap::from([(time::now(), None)]);
        let mut last = a.create("t.k", text(0), LONG).await.unwrap();
        for value in 1..6 {
            time::sleep(Duration::from_millis(sim.draw(0..30))).await;
            made.insert(time::now(), Some(last));
            let read = b.get("t.k").await.unwrap().map(|entry| entry.revision);
            let read_at = time::now();
            let mut since = made.iter().filter(|(at, _)| **at + STALE <= read_at).map(|(_, revision)| *revision);
            let oldest = since.next_back().flatten();
            assert!(read >= oldest, "{read:?} was read, and {oldest:?} is older than {STALE:?}");
            sometimes!(read != Some(last), "a read is stale");
            last = a.update("t.k", text(value), LONG, last).await.unwrap();
        }
    });
}

#[test]
fn a_member_in_the_minority_reads_what_was_true_and_then_nothing() {
    sim::check(async |_sim| {
        let model = model(Faults::new());
        let (a, b) = (model.member("a"), model.member("b"));
        let first = a.create("t.k", text(1), LONG).await.unwrap();
        model.isolate(&["b"], STALE);
        a.update("t.k", text(2), LONG, first).await.unwrap();
        let began = time::now();
        let read = b.get("t.k").await;
        sometimes!(read.is_ok(), "it reads what was true");
        assert!(read.is_err() || read.is_ok_and(|entry| entry.is_some_and(|entry| entry.revision == first)));
        let changed = b.update("t.k", text(3), LONG, first).await;
        sometimes!(changed == Err(EngineError::Unanswered.into()), "its change is not answered");
        sometimes!(matches!(changed, Err(ChangeError::Engine(EngineError::Unreachable(_)))), "its change is refused");
        assert!(matches!(changed, Err(ChangeError::Engine(_))), "{changed:?}");
        time::sleep(STALE.saturating_sub(time::now() - began)).await;
        assert!(b.get("t.k").await.is_err());
        model.rejoin("b");
        assert_eq!(b.get("t.k").await.unwrap().unwrap().value, text(2));
    });
}

#[test]
fn a_key_ends_at_its_time_to_live_or_later_by_no_more_than_was_said() {
    let time_to_live = Duration::from_millis(100);
    sim::check(async |sim| {
        let model = model(Faults::new().late_leases(STALE));
        let a = model.member("a");
        let mut watch = model.member("b").watch("t.").await.unwrap();
        let revision = a.create("t.k", text(1), time_to_live).await.unwrap();
        time::sleep(Duration::from_millis(sim.draw(0..100))).await;
        let (sent, renewed) = (time::now(), a.update("t.k", text(2), time_to_live, revision).await);
        assert!(renewed.is_ok());
        while !matches!(watch.next().await.unwrap(), WatchEvent::Gone(..)) {}
        let lasted = time::now() - sent;
        sometimes!(lasted == time_to_live, "it ends at its time to live");
        sometimes!(lasted > time_to_live, "it ends later");
        assert!((time_to_live..=time_to_live + STALE).contains(&lasted), "{lasted:?}");
    });
}

#[test]
fn a_watch_tells_every_change_in_order_or_is_lost() {
    sim::check(async |sim| {
        let model = model(all());
        let made = Mutex::new(BTreeMap::new());
        let bodies = sim.clients(3, async |client| {
            let engine = member(&model, &client);
            if client.number() == 0 {
                return watches(&engine).await;
            }
            let mut last = None;
            for turn in 0..6 {
                disturb(&model, &client);
                if client.draw(0..4) == 0 {
                    // Also the member that watches.
                    model.isolate(&["0"], STALE);
                    time::sleep(Duration::from_millis(client.draw(0..20))).await;
                    model.rejoin("0");
                }
                let (key, value) = (format!("t.{}", client.number()), text(turn));
                let changed = match last {
                    None => engine.create(&key, value, LONG).await,
                    Some(last) => engine.update(&key, value, LONG, last).await,
                };
                if let Ok(revision) = changed {
                    made.lock().unwrap().insert(revision, (key, turn));
                    last = Some(revision);
                }
            }
            Seen::default()
        });
        let seen = bodies.await.swap_remove(0);
        sometimes!(seen.is_lost, "a watch is lost");
        let made = made.into_inner().unwrap();
        let told = seen.changes.keys().next_back().copied();
        for (revision, change) in
            made.iter().filter(|(revision, _)| **revision > seen.began && Some(**revision) <= told)
        {
            let later = seen.changes.range(revision..).find(|(_, (key, _))| *key == change.0);
            sometimes!(seen.changes.contains_key(revision), "a change is told");
            if let Some(told) = seen.changes.get(revision) {
                assert_eq!(told, change);
            }
            // One of another key may be told before the later one of this key is.
            let is_left = made.range(revision..).skip(1).any(|(_, (key, _))| *key == change.0);
            sometimes!(later.is_some() && !seen.changes.contains_key(revision), "a later change is told instead");
            assert!(later.is_some() || is_left, "a change was not told: {revision} {change:?}");
        }
        sometimes!(!seen.is_lost && made.keys().next_back().is_some_and(|last| Some(*last) <= told), "all is told");
    });
}

/// What a watch has told.
#[derive(Default)]
struct Seen {
    /// The last change that it began with.
    began: Revision,
    changes: BTreeMap<Revision, (String, u64)>,
    is_lost: bool,
}

async fn watches(engine: &Member) -> Seen {
    let mut seen = Seen::default();
    let Ok(mut watch) = engine.watch("t.").await else { return seen };
    let (mut is_current, mut last) = (false, Revision::default());
    // Longer than the others need.
    let until = time::now() + 20 * ANSWER_WITHIN;
    loop {
        let left = until.saturating_duration_since(time::now());
        let Ok(event) = time::timeout(left, watch.next()).await else { return seen };
        match event.unwrap() {
            WatchEvent::Set(key, entry) if is_current => {
                assert!(entry.revision > last, "a change was told behind a later one");
                last = entry.revision;
                seen.changes.insert(entry.revision, (key, number(&entry.value)));
            }
            WatchEvent::Set(_, entry) => seen.began = seen.began.max(entry.revision),
            WatchEvent::Gone(..) => (),
            WatchEvent::Current => {
                is_current = true;
                last = seen.began;
            }
            WatchEvent::Lost => {
                seen.is_lost = true;
                assert_eq!(watch.next().await, None, "a lost watch ends");
                return seen;
            }
        }
    }
}

#[test]
fn messages_are_lost_but_neither_doubled_nor_put_in_another_order() {
    sim::check(async |sim| {
        let model = model(all());
        let got = sim.clients(3, async |client| {
            let engine = member(&model, &client);
            if client.number() == 0 {
                return receives(&engine).await;
            }
            for turn in 0..6 {
                disturb(&model, &client);
                time::sleep(Duration::from_millis(client.draw(0..5))).await;
                let number = client.number() as u64 * 10 + turn;
                let published = engine.publish("t.s", text(number)).await;
                sometimes!(published.is_err(), "a member that knows that it is cut off publishes nothing");
            }
            Vec::new()
        });
        let got = got.await.swap_remove(0);
        for of in [10..20, 20..30] {
            let its: Vec<u64> = got.iter().copied().filter(|number| of.contains(number)).collect();
            assert!(its.is_sorted_by(|one, next| one < next), "{its:?}");
            sometimes!(its.len() == 6, "all messages arrive");
            sometimes!(its.len() < 6, "a message is lost");
        }
    });
}

async fn receives(engine: &Member) -> Vec<u64> {
    let mut got = Vec::new();
    let Ok(mut subscription) = engine.subscribe("t.s").await else { return got };
    while let Ok(Some(message)) = time::timeout(10 * ANSWER_WITHIN, subscription.next()).await {
        got.push(number(&message.payload));
    }
    got
}

#[test]
fn no_responders_means_that_nobody_has_got_the_request() {
    sim::check(async |sim| {
        let model = model(all());
        let got = Mutex::new(BTreeSet::new());
        let asked = sim.clients(2, async |client| {
            let engine = member(&model, &client);
            let mut refused = BTreeSet::new();
            if client.number() == 0 {
                let Ok(mut subscription) = engine.subscribe("t.s").await else { return refused };
                while let Ok(Some(message)) = time::timeout(4 * ANSWER_WITHIN, subscription.next()).await {
                    got.lock().unwrap().insert(number(&message.payload));
                    if let Some(reply_to) = message.reply_to {
                        let _ = engine.publish(&reply_to, message.payload).await;
                    }
                }
                return refused;
            }
            for turn in 0..5 {
                disturb(&model, &client);
                match engine.request("t.s", text(turn), ANSWER_WITHIN).await {
                    Ok(answer) => assert_eq!(answer, text(turn), "that is the answer to another request"),
                    Err(RequestError::NoResponders) => drop(refused.insert(turn)),
                    Err(RequestError::TimedOut) => sometimes!(true, "a request times out"),
                    Err(_) => sometimes!(true, "a request is not sent"),
                }
            }
            refused
        });
        let refused = asked.await.swap_remove(1);
        sometimes!(!refused.is_empty(), "there are no responders");
        let got = got.into_inner().unwrap();
        assert!(refused.is_disjoint(&got), "{refused:?} were said to have no responder; {got:?} arrived");
        sim.settle().await;
    });
}

#[test]
fn a_member_that_is_cut_off_notices_and_its_streams_end() {
    sim::check(async |sim| {
        let model = model(Faults::new());
        let a = model.member("a");
        let mut watch = a.watch("t.").await.unwrap();
        let mut subscription = a.subscribe("t.s").await.unwrap();
        assert_eq!(watch.next().await, Some(WatchEvent::Current));
        model.cut("a");
        time::sleep(Duration::from_millis(sim.draw(0..100))).await;
        let read = a.get("t.k").await;
        sometimes!(read == Err(EngineError::Unanswered), "it does not know yet");
        sometimes!(matches!(read, Err(EngineError::Unreachable(_))), "it has noticed");
        assert!(read.is_err());
        assert_eq!(watch.next().await, Some(WatchEvent::Lost));
        assert_eq!(watch.next().await, None);
        assert_eq!(subscription.next().await, None);
        assert!(matches!(a.get("t.k").await, Err(EngineError::Unreachable(_))));
        model.rejoin("a");
        assert_eq!(a.get("t.k").await, Ok(None));
        // What is made anew is not ended by what was before.
        let mut subscription = a.subscribe("t.s").await.unwrap();
        time::sleep(4 * ANSWER_WITHIN).await;
        assert_eq!(subscription.next().now_or_never(), None);
    });
}

#[test]
fn a_log_has_every_acknowledged_entry_in_order_and_none_of_a_stale_writer() {
    sim::check(async |sim| {
        let model = model(all());
        let acknowledged = Mutex::new(BTreeMap::new());
        sim.clients(3, async |client| {
            let engine = member(&model, &client);
            let mut last = Position::default();
            for turn in 0..4 {
                disturb(&model, &client);
                let value = client.number() as u64 * 10 + turn;
                if let Ok(entries) = engine.read("t.log", last, 100).await {
                    last = entries.last().map_or(last, |entry| entry.position);
                }
                if let Ok(position) = engine.append("t.log", text(value), last).await {
                    let before = acknowledged.lock().unwrap().insert(position, (last, value));
                    assert_eq!(before, None);
                    last = position;
                }
            }
        })
        .await;
        heal(&model, sim).await;
        let log = model.member("3").read("t.log", Position::default(), 100).await.unwrap();
        let mut before = Position::default();
        let acknowledged = acknowledged.into_inner().unwrap();
        let mut found = 0;
        for entry in &log {
            if let Some((last, value)) = acknowledged.get(&entry.position) {
                assert_eq!((*last, *value), (before, number(&entry.entry)), "{log:?}");
                found += 1;
            }
            before = entry.position;
        }
        assert_eq!(found, acknowledged.len(), "{log:?}");
        sometimes!(log.len() > acknowledged.len(), "an entry was written that nobody was told of");
        sometimes!(log.len() > 3, "several entries are written");
    });
}

#[test]
fn a_stream_has_every_confirmed_event_once_and_its_followers_are_told_all_in_order() {
    sim::check(async |sim| {
        let model = model(Faults::new());
        let open = model.member("3").open_stream("t.events", Retention::default()).await;
        assert_eq!(open, Ok(Position::default()));
        model.set_faults(all());
        let confirmed = Mutex::new(BTreeMap::new());
        let told = sim.clients(3, async |client| {
            let engine = member(&model, &client);
            if client.number() == 0 {
                return follows(&model, &engine, &client).await;
            }
            for turn in 0..5 {
                disturb(&model, &client);
                let value = client.number() as u64 * 10 + turn;
                // Each is tried again, and is one event all the same.
                for _try in 0..3 {
                    let added = engine.add("t.events", &value.to_string(), text(value)).await;
                    sometimes!(added == Err(EngineError::Unanswered), "an event is not answered");
                    if let Ok(position) = added {
                        let before = confirmed.lock().unwrap().insert(position, value);
                        assert!(before.is_none_or(|before| before == value), "{before:?} was at {position}");
                        break;
                    }
                }
            }
            BTreeMap::new()
        });
        let told = told.await.swap_remove(0);
        heal(&model, sim).await;
        let last = model.member("3").open_stream("t.events", Retention::default()).await.unwrap();
        let events = model.member("3").follow("t.events", Position::default()).await.unwrap();
        let count = usize::try_from(last.0).unwrap();
        let there: BTreeMap<_, _> = events.take(count).map(|it| (it.position, number(&it.event))).collect().await;
        assert_eq!(there.values().collect::<BTreeSet<_>>().len(), there.len(), "there is a double");
        for (position, value) in &*confirmed.lock().unwrap() {
            assert_eq!(there.get(position), Some(value));
        }
        assert!(told.iter().all(|(position, value)| there.get(position) == Some(value)), "{told:?} of {there:?}");
        sometimes!(told.len() == 10, "all is told while things go wrong");
        sometimes!(there.len() > confirmed.lock().unwrap().len(), "one was added that was not confirmed");
    });
}

/// Follows a stream for as long as the others need, and says what it was told: no position was left out.
async fn follows(model: &Model, engine: &Member, client: &Client) -> BTreeMap<Position, u64> {
    let mut told = BTreeMap::new();
    let until = time::now() + 20 * ANSWER_WITHIN;
    let mut last = Position::default();
    while time::now() < until {
        disturb(model, client);
        let Ok(mut events) = engine.follow("t.events", last).await else {
            time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        while let Ok(Some(event)) = time::timeout(4 * ANSWER_WITHIN, events.next()).await {
            assert_eq!(event.position.0, last.0 + 1);
            last = event.position;
            told.insert(last, number(&event.event));
        }
        sometimes!(true, "a follower begins anew");
    }
    told
}
