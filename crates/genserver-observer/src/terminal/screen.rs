//! The screen, the keys and the signals: what is drawn when, and how it ends.
//!
//! - C1: However this ends, the terminal is as it was: by a key, a signal, an error, a panic, or because the future is dropped.
//! - C2: Keys are heard while the observer does not answer.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures::future::FusedFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _, select_biased};
use tokio::time::{MissedTickBehavior, interval};

use super::client::{AskError, Client};
use super::draw::draw;
use super::keys::Effect;
use super::round::{Question, Round};
use super::view::View;

/// How often the observer is asked. It samples as often.
const EVERY: Duration = Duration::from_secs(1);

/// Why the screen was left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Left {
    /// By a key.
    Key,
    /// By this signal. The program may let it do what it does by default.
    Signal(i32),
}

/// The terminal while it belongs to this (C1).
struct Screen(ratatui::DefaultTerminal);

impl Screen {
    /// Clears the terminal, and restores it before the message of a panic.
    fn take() -> io::Result<Self> {
        ratatui::try_init().map(Self)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // There is nobody to be told.
        drop(ratatui::try_restore());
    }
}

/// A round under way, which gives the client back.
type Asking = Pin<Box<dyn FusedFuture<Output = (Client, Question, Result<Round, AskError>)> + Send>>;

/// Shows the observer until something ends it.
pub(super) async fn run(client: Client, observer: &str) -> io::Result<Left> {
    let mut signals = signals()?.fuse();
    let mut screen = Screen::take()?;
    let mut view = View::new(observer);
    let mut events = EventStream::new().fuse();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut idle, mut asking) = (Some(client), asking(None));
    let mut is_due = true;
    loop {
        let mut is_news = false;
        screen.0.draw(|frame| is_news = draw(frame, &mut view))?;
        is_due |= is_news;
        if is_due && let Some(client) = idle.take() {
            asking = self::asking(Some((client, view.question())));
            is_due = false;
        }
        select_biased! {
            signal = signals.select_next_some() => return Ok(Left::Signal(signal)),
            // Any other event, such as another size, is drawn.
            event = events.select_next_some() => if let Event::Key(key) = event? {
                match view.press(key) {
                    Effect::Leave => return Ok(Left::Key),
                    Effect::Ask => is_due = true,
                    Effect::Nothing => {}
                }
            },
            (client, question, answer) = asking => {
                idle = Some(client);
                is_due |= !view.take(&question, answer);
            },
            _ = ticks.tick().fuse() => is_due = true,
        }
    }
}

/// A round, or one that never ends.
fn asking(what: Option<(Client, Question)>) -> Asking {
    match what {
        Some((client, question)) => Box::pin(question.ask(client).fuse()),
        None => Box::pin(futures::future::pending().fuse()),
    }
}

/// The signals that end a program, from now on.
#[cfg(unix)]
fn signals() -> io::Result<BoxStream<'static, i32>> {
    use tokio::signal::unix::{SignalKind, signal};
    let all = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(|kind| {
        let signals = stream::unfold(signal(kind)?, |mut signal| async { signal.recv().await.map(|()| ((), signal)) });
        Ok(signals.map(move |()| kind.as_raw_value()).boxed())
    });
    let all: io::Result<Vec<_>> = all.into_iter().collect();
    Ok(stream::select_all(all?).boxed())
}

#[cfg(not(unix))]
fn signals() -> io::Result<BoxStream<'static, i32>> {
    Ok(stream::pending().boxed())
}
