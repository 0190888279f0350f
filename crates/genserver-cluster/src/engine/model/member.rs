//! The engine, as a member sees it: it sends, and waits for answers that may not come.

use std::fmt;
use std::future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::channel::oneshot;
use futures::stream::{self, BoxStream};
use genserver::time;

use super::driver::Shared;
use super::faults::Fate;
use super::links::{Side, unreachable};
use super::past::Moment;
use super::system::{Due, System, Way};
use crate::engine::subject::{check, check_id, check_prefix};
use crate::engine::{
    ChangeError, Delivery, Engine, EngineError, Entry, LogEntry, Position, RequestError, Retention, Revision,
    StreamedEvent, WatchEvent,
};

/// A [`Model`](super::Model) as one of its members sees it.
#[derive(Clone)]
pub struct Member {
    pub(super) shared: Arc<Shared>,
    pub(super) name: Arc<str>,
}

/// What an operation needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// A majority of the servers.
    Majority,
    /// Any server. One in the minority tells what was true.
    Any,
    /// The server that the member is connected to.
    Connection,
}

/// When an operation has come to the engine.
#[derive(Clone, Copy)]
struct When {
    now: Instant,
    /// What was true then is read.
    as_of: Moment,
}

/// Where the answer to an operation comes.
type Answer<T, E> = oneshot::Receiver<Result<T, E>>;

impl Member {
    /// Lets the engine do something, and waits for its answer.
    async fn ask<T, E>(
        &self,
        needs: Needs,
        does: impl FnOnce(&mut System, When) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<EngineError> + Send + 'static,
    {
        let (answer, within) = self.shared.with(|system| {
            let answer = system.send(&self.name, needs, does);
            (answer, system.answer_within)
        });
        answered(answer?, within).await.unwrap_or_else(|| Err(EngineError::Unanswered.into()))
    }
}

/// The answer, if it comes in time. That it is lost is not known earlier.
async fn answered<T>(answer: oneshot::Receiver<T>, within: Duration) -> Option<T> {
    let comes = async {
        match answer.await {
            Ok(answer) => answer,
            Err(oneshot::Canceled) => future::pending().await,
        }
    };
    time::timeout(within, comes).await.ok()
}

impl System {
    /// Sends an operation on its way.
    fn send<T, E>(
        &mut self,
        member: &Arc<str>,
        needs: Needs,
        does: impl FnOnce(&mut Self, When) -> Result<T, E> + Send + 'static,
    ) -> Result<Answer<T, E>, EngineError>
    where
        T: Send + 'static,
        E: From<EngineError> + Send + 'static,
    {
        if self.side(member) == (Side::Cut { is_noticed: true }) {
            return Err(unreachable(member));
        }
        let (sender, receiver) = oneshot::channel();
        let (there, back) = match self.dice.fate(&self.faults, self.answer_within) {
            Fate::Answered(there, back) => (there, Some(back)),
            Fate::AnswerLost(there) => (there, None),
            Fate::Lost => return Ok(receiver),
        };
        let to = Arc::clone(member);
        let happens = move |system: &mut Self, now: Instant| {
            let result = match system.as_of(&to, needs, now) {
                Ok(as_of) => does(system, When { now, as_of }),
                Err(error) => Err(error.into()),
            };
            match back {
                Some(back) => {
                    system
                        .note(Way::To(to), back, move |system, _| system.afterwards(move || drop(sender.send(result))));
                }
                None => system.afterwards(move || drop((sender, result))),
            }
        };
        let due = Due { way: Way::From(Arc::clone(member)), happens: Box::new(happens) };
        if self.arrives(member, needs) {
            self.note_at(time::now() + there, due);
        } else {
            self.hold_or_lose(member, due);
        }
        Ok(receiver)
    }

    /// Whether an operation gets an answer at all. In a minority, one that needs the majority may get none.
    fn arrives(&self, member: &str, needs: Needs) -> bool {
        match self.side(member) {
            Side::Majority => true,
            Side::Minority { .. } => needs != Needs::Majority || self.dice.way(2) == 1,
            Side::Cut { .. } => false,
        }
    }

    /// The moment of which a member reads what was true.
    pub(super) fn as_of(&self, member: &str, needs: Needs, now: Instant) -> Result<Moment, EngineError> {
        match (self.side(member), needs) {
            (_, Needs::Connection) | (Side::Majority | Side::Cut { .. }, Needs::Majority) => Ok(self.moment(now)),
            (Side::Minority { since, reads_until }, Needs::Any) if now < reads_until => Ok(since),
            (Side::Minority { .. }, _) => Err(EngineError::Unreachable("its servers have no majority".to_owned())),
            (Side::Majority | Side::Cut { .. }, Needs::Any) => {
                let stale = self.dice.up_to(self.faults.stale);
                Ok(self.moment(now.checked_sub(stale).unwrap_or(now)))
            }
        }
    }
}

#[async_trait]
impl Engine for Member {
    async fn create(&self, key: &str, value: Bytes, time_to_live: Duration) -> Result<Revision, ChangeError> {
        check(key)?;
        let key = key.to_owned();
        self.ask(Needs::Majority, move |system, at| system.create(&key, value, time_to_live, at.now)).await
    }

    async fn update(
        &self,
        key: &str,
        value: Bytes,
        time_to_live: Duration,
        last: Revision,
    ) -> Result<Revision, ChangeError> {
        check(key)?;
        let key = key.to_owned();
        self.ask(Needs::Majority, move |system, at| system.update(&key, value, time_to_live, last, at.now)).await
    }

    async fn delete(&self, key: &str, last: Revision) -> Result<(), ChangeError> {
        check(key)?;
        let key = key.to_owned();
        self.ask(Needs::Majority, move |system, at| system.delete(&key, last, at.now)).await
    }

    async fn get(&self, key: &str) -> Result<Option<Entry>, EngineError> {
        check(key)?;
        let key = key.to_owned();
        self.ask(Needs::Any, move |system, at| Ok(system.get(&key, at.as_of))).await
    }

    async fn watch(&self, prefix: &str) -> Result<BoxStream<'static, WatchEvent>, EngineError> {
        check_prefix(prefix)?;
        let (prefix, member) = (prefix.to_owned(), Arc::clone(&self.name));
        let watch = self
            .ask(Needs::Any, move |system, at| Ok::<_, EngineError>(system.watch(&member, &prefix, at.now, at.as_of)));
        Ok(watch.await?.chain(stream::once(future::ready(WatchEvent::Lost))).boxed())
    }

    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), EngineError> {
        check(subject)?;
        self.shared.with(|system| system.try_publish(&self.name, subject, Delivery { payload, reply_to: None }))
    }

    async fn subscribe(&self, subject: &str) -> Result<BoxStream<'static, Delivery>, EngineError> {
        check(subject)?;
        let (subject, member) = (subject.to_owned(), Arc::clone(&self.name));
        let subscribed = self.ask(Needs::Connection, move |system, at| {
            Ok::<_, EngineError>(system.subscribe(&member, &subject, at.now))
        });
        Ok(subscribed.await?.boxed())
    }

    async fn request(&self, subject: &str, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        check(subject)?;
        let answer = self.shared.with(|system| {
            let (inbox, answer) = system.inbox(&self.name);
            system.try_publish(&self.name, subject, Delivery { payload, reply_to: Some(inbox) })?;
            Ok::<_, EngineError>(answer)
        })?;
        answered(answer, timeout).await.unwrap_or(Err(RequestError::TimedOut))
    }

    async fn append(&self, log: &str, entry: Bytes, last: Position) -> Result<Position, ChangeError> {
        check(log)?;
        let log = log.to_owned();
        self.ask(Needs::Majority, move |system, at| system.append(&log, entry, last, false, at.now)).await
    }

    async fn snapshot(&self, log: &str, entry: Bytes, last: Position) -> Result<Position, ChangeError> {
        check(log)?;
        let log = log.to_owned();
        self.ask(Needs::Majority, move |system, at| system.append(&log, entry, last, true, at.now)).await
    }

    async fn read(&self, log: &str, after: Position, limit: usize) -> Result<Vec<LogEntry>, EngineError> {
        check(log)?;
        let log = log.to_owned();
        self.ask(Needs::Any, move |system, at| Ok(system.read(&log, after, limit, at.as_of))).await
    }

    async fn open_stream(&self, stream: &str, retention: Retention) -> Result<Position, EngineError> {
        check(stream)?;
        let stream = stream.to_owned();
        self.ask(Needs::Majority, move |system, at| Ok(system.open_stream(&stream, retention, at.now))).await
    }

    async fn add(&self, stream: &str, id: &str, event: Bytes) -> Result<Position, EngineError> {
        check(stream)?;
        check_id(id)?;
        let (stream, id) = (stream.to_owned(), id.to_owned());
        self.ask(Needs::Majority, move |system, at| system.add(&stream, id, event, at.now)).await
    }

    async fn follow(&self, stream: &str, after: Position) -> Result<BoxStream<'static, StreamedEvent>, EngineError> {
        check(stream)?;
        let name = stream.to_owned();
        self.ask(Needs::Any, move |system, _| system.expect_stream(&name)).await?;
        let state = (self.clone(), stream.to_owned(), after);
        let batches = stream::unfold(state, |(member, name, after)| async move {
            let fetched = member.shared.with(|system| system.fetch(&member.name, &name, after))?;
            let events = fetched.await.ok()?;
            let after = events.last()?.position;
            Some((stream::iter(events), (member, name, after)))
        });
        Ok(batches.flatten().boxed())
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("name", &self.name).finish_non_exhaustive()
    }
}
