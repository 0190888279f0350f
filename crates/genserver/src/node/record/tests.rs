//! What is noted of messages, answers, names and ends, in a simulation in its usual order.
#![cfg(feature = "sim")]

use std::cell::RefCell;

use super::*;
use crate::sim::{self, Sim};
use crate::{Caller, Cx, GenServer, Init, Never, Next, Outcome, Probe, ServerRef};

struct Shop;

enum Ask {
    Price(Caller<u64>),
    Order(Caller<u64>),
}

impl GenServer for Shop {
    type Args = ();
    type Call = Ask;
    type Cast = u8;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }

    async fn handle_call(&mut self, ask: Ask, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match ask {
            Ask::Price(caller) | Ask::Order(caller) => Next::reply(caller, 1),
        }
    }

    async fn handle_cast(&mut self, _cast: u8, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::wait()
    }
}

/// What is noted while the test does something to a shop.
fn noted(level: Level, test: &impl AsyncFn(&ServerRef<Shop>)) -> (Pid, Vec<Event>) {
    let noted = RefCell::new(None);
    sim::replay("0/", async |_sim: &Sim<'_>| {
        let shop = crate::start::<Shop>(()).name("shop").await.unwrap();
        let recording = begin(level);
        test(&shop).await;
        noted.replace(Some((shop.pid(), take())));
        drop(recording);
        shop.kill();
    });
    noted.into_inner().unwrap()
}

/// The kinds of what came to the shop.
fn kinds(test: &impl AsyncFn(&ServerRef<Shop>)) -> Vec<u64> {
    let (shop, events) = noted(Level::Races, test);
    let kind = |event| match event {
        Event::Arrived { at, kind, .. } if at == shop => Some(kind),
        _ => None,
    };
    events.into_iter().filter_map(kind).collect()
}

#[test]
fn nothing_is_noted_unless_it_is_wanted() {
    let (_, events) = noted(Level::Off, &async |shop| assert_eq!(shop.call(Ask::Price).await, Ok(1)));
    assert_eq!(events, []);
}

#[test]
fn a_call_comes_begins_and_is_answered() {
    let (shop, events) = noted(Level::Races, &async |shop| assert_eq!(shop.call(Ask::Price).await, Ok(1)));
    let words: Vec<&str> = events
        .iter()
        .map(|event| match event {
            Event::Arrived { at, what: Arrival::Call, text: None, .. } if *at == shop => "arrived",
            Event::Entered { pid, depth: 1 } if *pid == shop => "entered",
            Event::Began { pid, callback: Callback::Call, text: None } if *pid == shop => "began",
            Event::Replied { from, text: None, .. } if *from == shop => "replied",
            _ => "something else",
        })
        .collect();
    assert_eq!(words, ["arrived", "entered", "began", "replied"]);
    let Some(Event::Arrived { from: client, .. }) = events.first() else { panic!("it came from the test") };
    assert!(matches!(events.last(), Some(Event::Replied { to, .. }) if to == client));
}

#[test]
fn an_answer_has_the_id_of_its_call() {
    let (_, events) = noted(Level::Races, &async |shop| {
        shop.call(Ask::Price).await.unwrap();
        shop.call(Ask::Price).await.unwrap();
    });
    let asked = |event: &Event| match event {
        Event::Arrived { what: Arrival::Call, call, .. } => Some(*call),
        _ => None,
    };
    let answered = |event: &Event| match event {
        Event::Replied { call, answered, .. } => Some((*call, *answered)),
        _ => None,
    };
    let calls: Vec<CallId> = events.iter().filter_map(asked).collect();
    let [first, second] = calls[..] else { panic!("{events:?}") };
    assert!(CallId::NONE < first && first < second);
    assert_eq!(events.iter().filter_map(answered).collect::<Vec<_>>(), [(first, first), (second, second)]);
}

#[test]
fn a_down_is_noted_when_it_comes_and_when_it_is_taken() {
    let (shop, events) = noted(Level::Races, &async |shop| {
        let mut probe = Probe::<u8>::new();
        let reference = probe.monitor(shop);
        probe.sender().send(1).unwrap();
        shop.kill();
        probe.sender().send(2).unwrap();
        probe.expect_down(reference).await;
        probe.monitor(shop);
    });
    let words: Vec<String> = events
        .iter()
        .filter_map(|event| match event {
            Event::Monitored { pid, is_refused, .. } if *pid == shop => Some(format!("monitored {is_refused}")),
            Event::DownCame { from, is_queued, .. } if *from == shop => Some(format!("came {is_queued}")),
            Event::DownTaken { behind, .. } => Some(format!("taken {behind}")),
            _ => None,
        })
        .collect();
    // The first message is not behind it.
    assert_eq!(words, ["monitored false", "came true", "taken 1", "monitored true", "came true"]);
}

#[test]
fn two_messages_are_of_one_kind_if_they_are_the_same_variant() {
    // In one step: what is noted is taken at its end.
    let once = async |shop: &ServerRef<Shop>| {
        shop.call(Ask::Price).await.unwrap();
        shop.call(Ask::Order).await.unwrap();
        shop.cast(7).unwrap();
    };
    let mut different = kinds(&once);
    assert_eq!(different, kinds(&once));
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), 3);
}

#[test]
fn a_variant_does_not_depend_on_the_type_and_a_kind_does() {
    let kinds = [Arrival::Cast.kind_of::<Shop, _>(&Some(7)), Arrival::Cast.kind_of::<u8, _>(&Some("text"))];
    assert_ne!(kinds[0], kinds[1]);
    assert_eq!(variant(kinds[0]), variant(kinds[1]));
    let others = [Arrival::Cast.kind_of::<Shop, _>(&None::<u8>), Arrival::Info.kind_of::<Shop, _>(&Some(7))];
    assert!(others.iter().all(|other| variant(*other) != variant(kinds[0])), "{kinds:x?} {others:x?}");
}

#[test]
fn a_message_to_a_server_that_has_ended_is_refused() {
    let (shop, events) = noted(Level::Texts, &async |shop| {
        shop.kill();
        shop.cast(7).unwrap_err();
        assert!(shop.call(Ask::Price).await.is_err());
    });
    let ended = |event: &Event| matches!(event, Event::Ended { pid, reason } if *pid == shop && reason.is_some());
    assert!(events.iter().any(|event| matches!(event, Event::Arrived { what: Arrival::Kill, .. })), "{events:?}");
    assert!(events.iter().any(ended), "{events:?}");
    let refused = events.iter().filter(|event| matches!(event, Event::Refused { at, .. } if *at == shop)).count();
    assert_eq!(refused, 2, "{events:?}");
}

#[test]
fn a_name_that_is_looked_up_given_and_released_is_one_name() {
    let (shop, events) = noted(Level::Races, &async |shop| {
        assert!(crate::whereis("other").is_none());
        assert_eq!(crate::whereis("shop"), Some(shop.process_ref()));
        shop.kill();
        Probe::<()>::new().register("shop").unwrap();
    });
    let names: Vec<(u64, Pid)> = events
        .iter()
        .filter_map(|event| if let Event::Name { name, pid, .. } = event { Some((*name, *pid)) } else { None })
        .collect();
    let [(other, nobody), (own, owner), rest @ ..] = &names[..] else { panic!("{names:?}") };
    assert_ne!(other, own);
    assert_eq!((*nobody, *owner), (Pid::NOBODY, shop));
    assert!(rest.len() > 1 && rest.iter().all(|(name, _)| name == own), "{names:?}");
}

#[test]
fn a_letter_has_its_type_for_a_text() {
    let (_, events) = noted(Level::Texts, &async |_shop| {
        let mut probe = Probe::<u8>::new();
        probe.sender().send(1).unwrap();
        assert_eq!(probe.expect_message().await, 1);
    });
    let letter =
        |event: &Event| matches!(event, Event::Arrived { what: Arrival::Letter, text: Some(text), .. } if text == "u8");
    assert!(events.iter().any(letter), "{events:?}");
}
