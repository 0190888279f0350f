//! A key of one member that is kept in the engine, with a value that may change. No other member wants it.

use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use genserver::{Letter, Never, Probe, Reason, time};

use crate::engine::{ChangeError, EngineError, Revision};
use crate::members::notify::Listener;
use crate::name::lease::Times;
use crate::space::Space;

/// How long the engine is waited for when a key is removed at the end. What is left ends by itself.
const REMOVE_WITHIN: Duration = Duration::from_secs(1);

/// A key, and what is known of it.
pub(crate) struct KeptKey {
    pub(crate) space: Space,
    pub(crate) key: String,
    /// How long it outlives this member, if it is not removed.
    pub(crate) time_to_live: Duration,
    last: Last,
}

/// The last change of a key.
#[derive(Clone, Copy)]
enum Last {
    /// It is not there.
    None,
    At(Revision),
    /// It is on its way, or it was not answered.
    Unknown,
}

impl KeptKey {
    pub(crate) fn new(space: Space, key: String, time_to_live: Duration) -> Self {
        Self { space, key, time_to_live, last: Last::None }
    }

    /// Keeps the key with what `value` returns, and writes it anew when `changed` is listener. Until there is a value, there is no key.
    ///
    /// What is not wanted any more has another value, and no end: a create that was not answered may still be made behind a delete.
    ///
    /// It removes the key and ends when the process gets an exit signal.
    pub(crate) async fn keep(
        mut self,
        mut me: Probe<Never>,
        mut changed: Listener,
        value: impl Fn() -> Result<Option<Bytes>, EngineError>,
    ) -> Result<(), Reason> {
        me.trap_exits(true);
        let keeping = Box::pin(self.go_on(&mut changed, value));
        let told = match select(keeping, Box::pin(exit(&mut me))).await {
            Either::Left((never, _)) => match never {},
            Either::Right((reason, _)) => reason,
        };
        let _ = time::timeout(REMOVE_WITHIN, self.remove_at_last()).await;
        Err(told)
    }

    async fn go_on(&mut self, changed: &mut Listener, value: impl Fn() -> Result<Option<Bytes>, EngineError>) -> Never {
        loop {
            let is_kept = match value() {
                Ok(Some(value)) => self.put(value).await,
                Ok(None) => Ok(()),
                Err(_) => Err(()),
            };
            let pause = if is_kept.is_ok() {
                Times { time_to_live: self.time_to_live }.renewal()
            } else {
                self.times().pause()
            };
            select(time::sleep(pause), Box::pin(changed.notified())).await;
        }
    }

    /// Writes a value.
    async fn put(&mut self, value: Bytes) -> Result<(), ()> {
        let last = self.find().await?;
        let (space, key, time_to_live) = (&self.space, &self.key, self.time_to_live);
        let change = async {
            match last {
                Some(last) => space.engine.update(key, value, time_to_live, last).await,
                None => space.engine.create(key, value, time_to_live).await,
            }
        };
        let changed = time::timeout(self.times().patience(), change).await;
        self.last = Last::At(answered(changed)?);
        Ok(())
    }

    /// Deletes the key, if it is there.
    async fn remove(&mut self) -> Result<(), ()> {
        let was_known = matches!(self.last, Last::At(_));
        if let Some(last) = self.find().await? {
            let deleted = time::timeout(self.times().patience(), self.space.engine.delete(&self.key, last)).await;
            // Who has changed it since then is the next process of this member.
            let is_of_next = was_known && matches!(deleted, Ok(Err(ChangeError::Conflict)));
            if !is_of_next {
                answered(deleted)?;
            }
        }
        self.last = Last::None;
        Ok(())
    }

    async fn remove_at_last(&mut self) {
        while self.remove().await.is_err() {
            time::sleep(self.times().pause()).await;
        }
    }

    /// The revision to change, which is not known from now on. What is read of it may be old: then the change conflicts.
    async fn find(&mut self) -> Result<Option<Revision>, ()> {
        match std::mem::replace(&mut self.last, Last::Unknown) {
            Last::None => Ok(None),
            Last::At(revision) => Ok(Some(revision)),
            Last::Unknown => {
                let entry = time::timeout(self.times().patience(), self.space.engine.get(&self.key)).await;
                Ok(entry.map_err(drop)?.map_err(drop)?.map(|entry| entry.revision))
            }
        }
    }

    fn times(&self) -> Times {
        Times { time_to_live: self.space.time_to_live }
    }
}

/// A change that was confirmed.
fn answered<T, E>(changed: Result<Result<T, ChangeError>, E>) -> Result<T, ()> {
    changed.map_err(drop)?.map_err(drop)
}

/// Returns the reason with which somebody ends this process.
async fn exit(me: &mut Probe<Never>) -> Reason {
    loop {
        match me.recv().await {
            Ok(Letter::Exit(exit)) => return exit.reason,
            Ok(_) => {}
            Err(reason) => return reason,
        }
    }
}
