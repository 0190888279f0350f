//! What happens to buckets and keys, told to all members.
//!
//! Each member announces what happens in the buckets that it owns, in messages of the engine. Each member listens to all of them, its own
//! too, and has a manager of events for the clients that are connected to it.
//!
//! # Rules
//!
//! - V1: The announcements of a member are numbered, and one process sends them. So a listener that has missed some knows how many.
//! - V2: A message of the engine may be lost. A listener learns of it with the next one of the same member, or not at all if that was the
//!   last. What must not be missed is in the log of the bucket.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::Either;
use futures::stream::{BoxStream, Stream, once, select};
use genevent::{EventStream, LagPolicy, Manager, ManagerServer, NotifyMode, StreamError};
use genserver::supervisor::{ChildError, ChildRef, ChildSpec};
use genserver::{CallError, Never, Probe, Reason, time};
use genserver_cluster::engine::Engine;
use kv_core::{RemoteEvent, Store};

use announcement::Announcement;

// What is sent to the other members.
mod announcement;

/// How many events wait for the announcer, and for each client. Of more, the oldest are lost, and counted.
const WAITING_MAX: usize = 4096;

/// How many events are sent in one message at most.
const EVENTS_MAX: usize = 256;

/// The pause before an engine that does not take a subscription is asked again.
const LISTEN_AGAIN: Duration = Duration::from_millis(500);

/// How many members are remembered. Those that are gone are, too, until there are so many; then all are forgotten.
const MEMBERS_MAX: usize = 1024;

type EventManager = Manager<RemoteEvent, Never, ChildRef<ManagerServer<RemoteEvent>, Manager<RemoteEvent>>>;

/// A manager of events that is a child, and may be started again.
#[derive(Clone)]
pub(crate) struct Events(ChildRef<ManagerServer<RemoteEvent>, Manager<RemoteEvent>>);

impl Events {
    /// A manager, and how it is started.
    pub(crate) fn new(id: &'static str) -> (ChildSpec<ManagerServer<RemoteEvent>, Manager<RemoteEvent>>, Self) {
        let most = u32::try_from(WAITING_MAX).expect("it is small");
        let spec = ChildSpec::server(id, move || Manager::<RemoteEvent>::start_link().mailbox(most));
        let events = Self(spec.reference());
        (spec, events)
    }

    /// Tells those who listen now. It waits for the manager, and not for those who listen: their streams drop the oldest events.
    pub(crate) async fn tell(&self, event: RemoteEvent) {
        // A manager that has ended has told nobody, and its streams say that something may be missing.
        let _ = EventManager::from(self.0.clone()).sync_notify(event).await;
    }

    /// Begins to listen, also to what is told after a restart of the manager. The stream ends with the supervisor.
    pub(crate) async fn stream(&self) -> Result<BoxStream<'static, RemoteEvent>, ChildError> {
        let begun = Listening { events: self.clone(), stream: Some(subscribe(&self.0).await?), has_missed: false };
        Ok(futures::stream::unfold(begun, Listening::next).boxed())
    }
}

/// A stream that goes on with the next manager when one has ended.
struct Listening {
    events: Events,
    stream: Option<EventStream<RemoteEvent>>,
    has_missed: bool,
}

impl Listening {
    async fn next(mut self) -> Option<(RemoteEvent, Self)> {
        loop {
            if std::mem::take(&mut self.has_missed) {
                return Some((RemoteEvent::Missed(None), self));
            }
            if let Some(stream) = &mut self.stream {
                match stream.next().await {
                    Some(Ok(event)) => return Some((event, self)),
                    Some(Err(StreamError::Lagged { missed })) => {
                        return Some((RemoteEvent::Missed(Some(missed)), self));
                    }
                    Some(Err(_)) | None => self.stream = None,
                }
            } else {
                self.stream = Some(subscribe(&self.events.0).await.ok()?);
                self.has_missed = true;
            }
        }
    }
}

/// Returns a stream that has begun. The supervisor limits how often a manager may end while this retries.
async fn subscribe<E: genevent::Event + Clone>(
    manager: &ChildRef<ManagerServer<E>, Manager<E>>,
) -> Result<EventStream<E>, ChildError> {
    loop {
        let manager = manager.waiting().current().await?;
        if let Ok(stream) = listen(&manager).await {
            return Ok(stream);
        }
    }
}

async fn listen<E: genevent::Event + Clone>(manager: &Manager<E>) -> Result<EventStream<E>, CallError> {
    let stream = manager.stream().buffer(WAITING_MAX).lag(LagPolicy::DropOldest);
    let mut stream = stream.mode(NotifyMode::Async);
    stream.subscribe().await?;
    Ok(stream)
}

/// The process of a member that announces what happens in its buckets.
#[derive(Clone)]
pub(crate) struct Announcer {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) subject: String,
    /// What the owners of buckets tell.
    pub(crate) own: Events,
    pub(crate) store: Store,
}

impl Announcer {
    /// Returns when the store has been started again. Its supervisor starts this again, too.
    pub(crate) async fn run(self, mut me: Probe<Never>) -> Result<(), Reason> {
        let buckets = self.own.stream().await?;
        let keys = self.store.key_events().await?;
        let stream = listen(keys.manager()).await?;
        let keys_told = stream.map(|told| match told {
            Ok(event) => Some(RemoteEvent::Key(event)),
            Err(StreamError::Lagged { missed }) => Some(RemoteEvent::Missed(Some(missed))),
            Err(_) => None,
        });
        // The end of either is the end of both.
        let ends = |stream: BoxStream<'static, Option<RemoteEvent>>| stream.chain(once(async { None }));
        let told = select(ends(buckets.map(Some).boxed()), ends(keys_told.boxed()));
        let announcing = pin!(self.announce(told.ready_chunks(EVENTS_MAX)));
        match futures::future::select(announcing, pin!(me.recv())).await {
            Either::Left(((), _)) => Err(Reason::term("the store on this member was started again")),
            Either::Right(_) => Err(Reason::Shutdown),
        }
    }

    async fn announce(&self, told: impl Stream<Item = Vec<Option<RemoteEvent>>>) {
        let mut told = pin!(told);
        // Each start has keys of its own, so this is a number that no other start has.
        let (member, mut number) = (RandomState::new().hash_one(()), 0);
        // What an announcer before this one had not sent is lost.
        for part in Announcement::split(member, number, &[RemoteEvent::Missed(None)]) {
            let _ = self.engine.publish(&self.subject, part).await;
        }
        number += 1;
        while let Some(events) = told.next().await {
            let is_last = events.iter().any(Option::is_none);
            let events: Vec<RemoteEvent> = events.into_iter().flatten().collect();
            for part in Announcement::split(member, number, &events) {
                // By V2. The number goes on, so that those who listen learn of it.
                let _ = self.engine.publish(&self.subject, part).await;
            }
            number += u64::try_from(events.len()).unwrap_or(u64::MAX);
            if is_last {
                return;
            }
        }
    }
}

/// The process of a member that hears what all members announce.
#[derive(Clone)]
pub(crate) struct Listener {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) subject: String,
    /// Where it is told to.
    pub(crate) all: Events,
}

impl Listener {
    /// Listens until it is told to end.
    pub(crate) async fn run(self, mut me: Probe<Never>) -> Result<(), Reason> {
        let listening = pin!(self.listen());
        match futures::future::select(listening, pin!(me.recv())).await {
            Either::Left((never, _)) => match never {},
            Either::Right(_) => Err(Reason::Shutdown),
        }
    }

    async fn listen(&self) -> Never {
        loop {
            if let Ok(mut messages) = self.engine.subscribe(&self.subject).await {
                // What came before is not known.
                self.all.tell(RemoteEvent::Missed(None)).await;
                let mut heard = Heard::default();
                while let Some(message) = messages.next().await {
                    match Announcement::decode(&message.payload) {
                        Ok(announcement) => {
                            for event in heard.take(announcement) {
                                self.all.tell(event).await;
                            }
                        }
                        // Of a member with another version.
                        Err(_) => self.all.tell(RemoteEvent::Missed(None)).await,
                    }
                }
            }
            time::sleep(LISTEN_AGAIN).await;
        }
    }
}

/// The numbers of the next events of each member (V1).
#[derive(Default)]
struct Heard(BTreeMap<u64, u64>);

impl Heard {
    /// The events of an announcement, and how many were missed before it.
    fn take(&mut self, announcement: Announcement) -> impl Iterator<Item = RemoteEvent> {
        let Announcement { member, number, events } = announcement;
        if self.0.len() >= MEMBERS_MAX {
            self.0.clear();
        }
        let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
        let missed = match self.0.insert(member, number.saturating_add(count)) {
            Some(expected) => Some(number.saturating_sub(expected)).filter(|missed| *missed > 0).map(Some),
            // It has announced something before, and whether that was heard is not known any more.
            None if number > 0 => Some(None),
            None => None,
        };
        missed.map(RemoteEvent::Missed).into_iter().chain(events)
    }
}

#[cfg(test)]
mod tests {
    //! What is missed.

    use super::*;

    fn announced(member: u64, number: u64) -> Announcement {
        let created = |name: &str| RemoteEvent::Created(name.parse().unwrap());
        Announcement { member, number, events: vec![created("books"), created("games")] }
    }

    #[test]
    fn a_gap_in_the_numbers_of_a_member_is_told_and_its_size() {
        let mut heard = Heard::default();
        let mut missed = |member, number| match heard.take(announced(member, number)).next() {
            Some(RemoteEvent::Missed(missed)) => missed,
            _ => Some(0),
        };
        assert_eq!(missed(1, 10), None, "it was not heard before");
        assert_eq!(missed(1, 12), Some(0));
        assert_eq!(missed(2, 0), Some(0), "it begins");
        assert_eq!(missed(2, 2), Some(0));
        assert_eq!(missed(1, 17), Some(3));
        assert_eq!(missed(2, 5), Some(1));
    }
}
