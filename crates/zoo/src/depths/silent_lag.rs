//! An audit that misses entries and does not know it.
//!
//! A stream keeps a number of events for a consumer that is slow. When there are more, the oldest are dropped, and the stream says how many it
//! has lost. The audit takes what is an event, and ignores what is not: so it ignores that. Users find gaps in the audit, months later. Tests pass,
//! because the audit is only a little slower than its source: it would have to stand still for a row of events as long as the buffer.
//!
//! - **Class**: message order violation.
//! - **Source**: ractor, issue 225: the output port ignores that its receiver lags, and the messages between are gone.
//! - **Mended**: the source waits for an audit that lags.

use futures::StreamExt;
use genevent::{LagPolicy, Manager, NotifyMode};
use genserver::sim::Sim;
use genserver::task::Task;

use crate::{Version, pause};

const BUFFER: usize = 24;
const EVENTS: usize = 26;

/// Counts the events that it sees.
async fn audit(manager: &Manager<usize>, version: Version) -> Task<usize> {
    let lag = if version.is_broken() { LagPolicy::DropOldest } else { LagPolicy::Wait };
    let mut events = manager.stream().lag(lag).mode(NotifyMode::Async).buffer(BUFFER);
    events.subscribe().await.unwrap();
    Task::spawn(async move {
        let mut seen = 0;
        while let Some(event) = events.next().await {
            if event.is_ok() {
                seen += 1;
            }
            pause(1).await;
        }
        seen
    })
}

/// Some more events than the buffer has places.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let manager = sim.start_supervised(Manager::start_link()).await;
    let audit = audit(&manager, version).await;
    for event in 0..EVENTS {
        manager.ack_notify(event).await.unwrap();
        pause(1).await;
    }
    manager.stop().await.unwrap();
    assert_eq!(audit.await, Ok(EVENTS), "the audit has a gap");
}
