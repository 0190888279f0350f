//! Events with replay: what was sold is kept in a log on disk, and the stock is made from that log when the program starts again.
//!
//! ```text
//! $ cargo run -p genevent --example events_with_replay
//! first run: 0 events replayed, {}
//! then: {"eggs": 8}
//! second run: 2 events replayed, {"eggs": 8}
//! third run: 3 events replayed, {"eggs": 8, "milk": 3}
//! ```
//!
//! The stock is one handler, and knows nothing of the disk; the log is another. At a start the log is replayed into the stock
//! before either gets a new event, so the stock sees every event once, and in order. The log is what counts: a stock that is
//! computed in another way tomorrow is made from the same events.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::{Write as _, stdout};
use std::path::Path;

use futures::TryStreamExt;
use genevent::persistence::replay;
use genevent::{Handler, HandlerCaller, HandlerCx, HandlerRef, Manager, PersistenceHandler, React, Reaction};
use serde::{Deserialize, Serialize};

/// What happens in the shop. Variants may be added at the end.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Event {
    Delivered { what: String, pieces: u32 },
    Sold { what: String, pieces: u32 },
}

fn delivered(what: &str, pieces: u32) -> Event {
    Event::Delivered { what: what.to_owned(), pieces }
}

fn sold(what: &str, pieces: u32) -> Event {
    Event::Sold { what: what.to_owned(), pieces }
}

/// How many pieces there are of what.
#[derive(Clone, Debug, Default)]
struct Stock(BTreeMap<String, u32>);

impl Stock {
    /// The only place that says what an event means: for new ones and for those of the log.
    fn apply(&mut self, event: &Event) {
        match event {
            Event::Delivered { what, pieces } => *self.0.entry(what.clone()).or_default() += pieces,
            Event::Sold { what, pieces } => *self.0.entry(what.clone()).or_default() -= pieces,
        }
    }
}

/// Returns the stock as text.
struct Show(HandlerCaller<String>);

impl Handler<Event> for Stock {
    type Call = Show;

    fn handle_event(&mut self, event: &Event, _cx: &mut HandlerCx<Event>) -> Reaction<Event> {
        self.apply(event);
        React::stay()
    }

    fn handle_call(&mut self, Show(caller): Show, _cx: &mut HandlerCx<Event>) -> Reaction<Event> {
        React::reply(caller, format!("{:?}", self.0))
    }
}

/// The shop while the program runs.
struct Shop {
    events: Manager<Event>,
    stock: HandlerRef<Stock>,
}

impl Shop {
    /// Opens the log, makes the stock from it, and then takes events.
    async fn open(folder: &Path) -> Result<(Self, u64), Box<dyn Error>> {
        // From here on nobody else appends to it.
        let log = PersistenceHandler::open(folder).await?;
        let replayed = log.position().written;
        let apply = |mut stock: Stock, event| async move {
            stock.apply(&event);
            Ok(stock)
        };
        let stock = replay(folder).into_stream().try_fold(Stock::default(), apply).await?;

        let events = Manager::start().await?;
        events.add_async_handler(log).await?;
        let stock = events.add_handler(stock).await?;
        Ok((Self { events, stock }, replayed))
    }

    async fn show(&self) -> Result<String, Box<dyn Error>> {
        Ok(self.events.call(&self.stock, Show).await?)
    }
}

/// Three runs of the program, of which the first is killed.
async fn session(folder: &Path) -> Result<String, Box<dyn Error>> {
    let mut seen = String::new();
    let (shop, replayed) = Shop::open(folder).await?;
    writeln!(seen, "first run: {replayed} events replayed, {}", shop.show().await?)?;
    for event in [delivered("eggs", 12), sold("eggs", 4)] {
        // When this returns, the event is on the disk.
        shop.events.sync_notify(event).await?;
    }
    writeln!(seen, "then: {}", shop.show().await?)?;
    // No handler is told of this, and none can write anything more.
    shop.events.process_ref().kill();
    shop.events.process_ref().ended().await;

    let (shop, replayed) = Shop::open(folder).await?;
    writeln!(seen, "second run: {replayed} events replayed, {}", shop.show().await?)?;
    // Its sender does not wait for the disk; the stop below does.
    shop.events.notify(delivered("milk", 3))?;
    shop.events.stop().await?;

    let (shop, replayed) = Shop::open(folder).await?;
    writeln!(seen, "third run: {replayed} events replayed, {}", shop.show().await?)?;
    shop.events.stop().await?;
    Ok(seen)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    stdout().write_all(session(folder.path()).await?.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The session that the page shows.
    fn shown() -> String {
        let page = include_str!("events_with_replay.rs").lines().skip_while(|line| !line.contains("$ cargo run"));
        let lines = page.skip(1).map_while(|line| line.strip_prefix("//! ").filter(|line| *line != "```"));
        lines.flat_map(|line| [line, "\n"]).collect()
    }

    #[tokio::test]
    async fn a_stock_is_the_same_after_a_kill_and_after_a_stop() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        assert_eq!(session(folder.path()).await.expect("it starts"), shown());
    }
}
