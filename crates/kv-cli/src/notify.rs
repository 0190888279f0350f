//! What `kv serve` tells the service manager: that it is ready, what it does, and that it is alive.
//!
//! The messages are those of systemd, `sd_notify(3)`. Without `NOTIFY_SOCKET` in the environment nothing is sent.

use std::fmt::Display;
use std::time::Duration;

use kv_core::genserver::{Ack, Never, Probe, StartError, start_process, time};
use kv_server::net::Address;
use kv_server::prompt::visible;
use sd_notify::NotifyState;

use crate::exit::say;

/// What it is doing; `systemctl status` shows it.
pub(crate) fn doing(what: impl Display) {
    tell(&[NotifyState::Status(&line(what))]);
}

/// All addresses listen.
pub(crate) fn ready(addresses: &[Address]) {
    let addresses: Vec<String> = addresses.iter().map(Address::to_string).collect();
    tell(&[NotifyState::Ready, NotifyState::Status(&line(format_args!("listening on {}", addresses.join(", "))))]);
}

/// It ends.
pub(crate) fn stopping(why: impl Display) {
    tell(&[NotifyState::Stopping, NotifyState::Status(&line(why))]);
}

/// Says at half the time that the service manager allows that the program is alive, if it wants to know.
///
/// A process says so, like those that serve: if the runtime is stuck, it is silent, and the service manager starts another program.
pub(crate) async fn keep_alive() -> Result<(), StartError> {
    let Some(allowed) = sd_notify::watchdog_enabled() else { return Ok(()) };
    let saying = async move |_me: Probe<Never>, ack: Ack<()>| {
        ack.ready(());
        say_alive(allowed / 2).await;
    };
    start_process(saying).label("watchdog").await.map(drop)
}

async fn say_alive(every: Duration) {
    loop {
        tell(&[NotifyState::Watchdog]);
        time::sleep(every).await;
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        say(format_args!("the service manager cannot be told at NOTIFY_SOCKET: {error}"));
    }
}

/// One line: a path with a line end in it would be a message of its own.
fn line(what: impl Display) -> String {
    visible(what.to_string().as_bytes()).replace('\n', " ")
}
