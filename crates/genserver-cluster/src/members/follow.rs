//! The changes of keys below a prefix, over as many watches as it takes.

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, stream};
use genserver::time;

use crate::engine::{EngineError, WatchEvent};
use crate::name::lease::Times;
use crate::space::Space;

/// Who follows.
struct Follower {
    space: Space,
    prefix: String,
    watch: Option<BoxStream<'static, WatchEvent>>,
    /// Whether the engine has failed to begin one, so that the next is begun after a pause.
    has_failed: bool,
}

/// What was seen.
pub(crate) struct Seen {
    pub(crate) events: Vec<WatchEvent>,
    /// Whether this is all that was there when a watch began.
    pub(crate) is_all: bool,
}

/// Returns what is there and what has changed, again and again, and why there is nothing to return for now.
pub(crate) fn changes(space: Space, prefix: String) -> impl Stream<Item = Result<Seen, EngineError>> + Send {
    let follower = Follower { space, prefix, watch: None, has_failed: false };
    stream::unfold(follower, |mut follower| async move { Some((follower.next().await, follower)) })
}

impl Follower {
    async fn next(&mut self) -> Result<Seen, EngineError> {
        loop {
            if self.has_failed {
                time::sleep(self.times().pause()).await;
            }
            self.has_failed = true;
            let Some(watch) = &mut self.watch else {
                let begin = time::timeout(self.times().patience(), begin(&self.space, &self.prefix)).await;
                let (watch, there) = begin.unwrap_or(Err(EngineError::Unanswered))?;
                (self.watch, self.has_failed) = (Some(watch), false);
                return Ok(Seen { events: there, is_all: true });
            };
            match watch.next().await {
                Some(event @ (WatchEvent::Set(..) | WatchEvent::Gone(..))) => {
                    self.has_failed = false;
                    return Ok(Seen { events: vec![event], is_all: false });
                }
                Some(WatchEvent::Current) => self.has_failed = false,
                Some(WatchEvent::Lost) | None => self.watch = None,
            }
        }
    }

    fn times(&self) -> Times {
        Times { time_to_live: self.space.time_to_live }
    }
}

/// Begins a watch. Returns it, and what was there.
async fn begin(space: &Space, prefix: &str) -> Result<(BoxStream<'static, WatchEvent>, Vec<WatchEvent>), EngineError> {
    let mut watch = space.engine.watch(prefix).await?;
    let mut there = Vec::new();
    loop {
        match watch.next().await {
            Some(WatchEvent::Current) => return Ok((watch, there)),
            Some(WatchEvent::Lost) | None => return Err(EngineError::Unanswered),
            Some(event) => there.push(event),
        }
    }
}

/// The key of which an event says that it is there.
pub(crate) fn key_of(event: &WatchEvent) -> Option<&str> {
    match event {
        WatchEvent::Set(key, _) => Some(key),
        _ => None,
    }
}
