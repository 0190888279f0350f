//! A registry of rooms that loses one of them.
//!
//! Who enters a room looks for it in the registry, and if there is none opens it and registers it. Two who enter at the same time both find
//! none. Each opens a room; the second registration replaces the first, and one guest sits alone in a room that nobody can find. Users write
//! messages that nobody gets. Tests pass, because looking and registering follow each other at once.
//!
//! - **Class**: bad interleaving.
//! - **Source**: a process registry was the first program in which PULSE found races (Claessen et al., *Finding Race Conditions in Erlang with
//!   `QuickCheck` and PULSE*, ICFP 2009): operations of it were not atomic. This is a race of that kind, not the same one.
//! - **Mended**: the registry looks and registers in one step, and the second guest closes the room that is not needed.

use std::collections::BTreeMap;

use genserver::agent::Agent;
use genserver::sim::Sim;
use genserver::task::Task;

use crate::{Version, all};

type Room = Agent<Vec<String>>;
type Rooms = BTreeMap<String, Room>;

async fn enter(rooms: Agent<Rooms>, guest: String, version: Version) {
    let mut room = rooms.get(|rooms| rooms.get("kitchen").cloned()).await.unwrap();
    if room.is_none() {
        let opened = Agent::start(Vec::new).await.unwrap();
        let register = move |rooms: &mut Rooms| {
            if version.is_broken() {
                rooms.insert("kitchen".to_owned(), opened.clone());
                return opened;
            }
            rooms.entry("kitchen".to_owned()).or_insert(opened).clone()
        };
        room = Some(rooms.get_and_update(register).await.unwrap());
    }
    room.unwrap().update(move |guests| guests.push(guest)).await.unwrap();
}

/// Two guests enter the same room.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let rooms = sim.start_supervised(Agent::start_link(Rooms::new)).await;
    all(["Ada", "Joe"].map(|guest| Task::spawn(enter(rooms.clone(), guest.to_owned(), version)))).await;
    let room = rooms.get(|rooms| rooms.get("kitchen").cloned()).await.unwrap().unwrap();
    assert_eq!(room.get(Vec::len).await, Ok(2), "a guest is alone in another room");
}
