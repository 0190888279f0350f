//! Plain messages: every handler sees them, as it sees events. That they come in the order of events, and what a handler can
//! answer them with, is in the tests of events too.

use genevent::{Handler, HandlerCx, Manager, React, Reaction};
use genserver::{CastError, Never, Node, Reason};

use super::ms;
use super::puppet::{Act, Double, FLAVOURS, Heir, Note, Puppet, Told, heard, manager, owner, which};

fn send(manager: &super::puppet::Events, told: Told) {
    manager.send(Note::Told(told)).unwrap();
}

#[tokio::test]
async fn ge_109_a_plain_message_has_the_effects_of_an_event() {
    for flavour in FLAVOURS {
        for owned in [false, true] {
            for id in [None, Some(7)] {
                let name = if id.is_some() { "Puppet 7" } else { "Puppet" };
                let told = |why: &str| owned.then(|| format!("{name} has gone: {why}"));
                for (act, goes, why) in [
                    (Act::Leave, "a goes: left", "normal"),
                    (Act::Fail(Reason::term("garbage")), "a goes: failed, garbage", "failed, garbage"),
                    (Act::Panic, "a goes: failed, panicked: a has had enough", "failed, panicked: a has had enough"),
                ] {
                    let (manager, mut probe) = manager().await;
                    let add = flavour.add(&manager, Puppet::new("a", &probe));
                    let add = if owned { add.owned_by(owner(&probe)) } else { add };
                    if let Some(id) = id {
                        add.id(id).await.unwrap()
                    } else {
                        add.await.unwrap()
                    };
                    send(&manager, Told::Number(1));
                    send(&manager, Told::Do("a", act));
                    assert_eq!(which(&manager).await, [""; 0]);
                    let lines = ["a begins", "a sees 1", goes].map(str::to_owned).into_iter().chain(told(why));
                    assert_eq!(heard(&mut probe), lines.collect::<Vec<_>>());
                }
            }
        }
    }
}

#[tokio::test]
async fn ge_109_a_handler_swaps_itself_for_a_plain_message() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        flavour.add(&manager, Puppet::new("a", &probe)).owned_by(owner(&probe)).await.unwrap();
        send(&manager, Told::Do("a", Act::Swap(Heir::Double(Box::new(Double::of("b", &probe))))));
        send(&manager, Told::Number(1));
        send(&manager, Told::Do("b", Act::Panic));
        assert_eq!(which(&manager).await, [""; 0]);
        assert_eq!(
            heard(&mut probe),
            [
                "a begins",
                "a goes: swapped",
                "Puppet has gone: swapped by Double, owned",
                "b begins",
                "b sees 1",
                "b goes: failed, panicked: b has had enough",
                "Double has gone: failed, panicked: b has had enough"
            ]
        );
    }
}

/// One that takes no plain messages.
struct Deaf;

impl Handler<Told, Note> for Deaf {
    type Call = Never;

    fn handle_event(&mut self, _event: &Told, _cx: &mut HandlerCx<Told, Note>) -> Reaction<Told, Note> {
        React::stay()
    }
}

#[tokio::test]
async fn ge_110_a_handler_without_handle_info_stays() {
    let node = Node::new();
    let manager: super::puppet::Events = Manager::start_with_info().on(&node).await.unwrap();
    let mut reports = node.reports();
    manager.add_handler(Deaf).await.unwrap();
    send(&manager, Told::Number(1));
    assert_eq!(manager.which_handlers().await.unwrap().len(), 1);
    assert_eq!(reports.try_next(), None, "as in Elixir");
}

#[tokio::test(start_paused = true)]
async fn a_plain_message_can_be_sent_later() {
    let (manager, mut probe) = manager().await;
    manager.add_handler(Puppet::new("a", &probe)).await.unwrap();
    manager.send_after(ms(100), Note::Told(Told::Number(1)));
    manager.send_after(ms(100), Note::Told(Told::Number(2))).cancel();
    genserver::time::sleep(ms(200)).await;
    assert_eq!(heard(&mut probe), ["a begins", "a sees 1"]);
}

#[tokio::test]
async fn a_plain_message_for_a_dead_manager_comes_back() {
    let (manager, _probe) = manager().await;
    manager.stop().await.unwrap();
    let refused: CastError<Note> = manager.send(Note::Told(Told::Number(1))).unwrap_err();
    assert!(matches!(refused.into_inner(), Note::Told(Told::Number(1))));
}
