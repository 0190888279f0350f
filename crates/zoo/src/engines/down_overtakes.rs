//! The news of an end that comes before the last words.
//!
//! A worker sends its results through a relay, which passes them on in order. That it has ended is told directly, which is quicker. A watcher may
//! hear of the end while a result is still in the relay; it believes that it has them all. Users get a total without the last item. Tests pass,
//! because the relay is idle in them.
//!
//! - **Class**: engine.
//! - **Source**: planted in our own engine: a `Down` before the last message.
//! - **Mended**: the news goes the same way as the results.

use genserver::sim::Sim;
use genserver::task::Task;
use genserver::{Init, Probe, ProbeRef, ServerRef};

use crate::{Version, pause};

#[derive(Debug, PartialEq)]
enum News {
    Result(u32),
    Ended,
}

struct Relay {
    watcher: ProbeRef<News>,
}

#[genserver::server]
impl Relay {
    fn init(watcher: ProbeRef<News>) -> Init<Self> {
        Init::Run(Self { watcher })
    }

    #[cast]
    fn pass(&mut self, news: News) {
        self.watcher.send(news).unwrap();
    }
}

async fn worker(relay: ServerRef<Relay>, watcher: ProbeRef<News>, version: Version) {
    for result in [1, 2] {
        relay.cast(RelayCast::Pass(News::Result(result))).unwrap();
        pause(2).await;
    }
    if version.is_broken() {
        watcher.send(News::Ended).unwrap();
    } else {
        relay.cast(RelayCast::Pass(News::Ended)).unwrap();
    }
}

/// A worker with two results, and then it ends.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let mut watcher = Probe::<News>::new();
    let relay = sim.start_supervised(genserver::start_link::<Relay>(watcher.sender())).await;
    Task::start(worker(relay, watcher.sender(), version)).unwrap();
    for result in [1, 2] {
        assert_eq!(watcher.expect_message().await, News::Result(result), "the end came before the last result");
    }
    assert_eq!(watcher.expect_message().await, News::Ended);
}
