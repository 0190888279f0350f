//! A session that is renewed in the moment in which it expires.
//!
//! A session expires after ten seconds, unless it is used. Using it starts a new timer. The old timer may have fired just before: its message
//! waits in the mailbox behind the request, and ends the session that was renewed a moment ago. Users are told that they are logged in, and
//! are logged out with the next click. Tests pass, because they do not use a session in its last moment.
//!
//! - **Class**: message order violation.
//! - **Source**: the stale timeout message, which OTP's users flush from the mailbox after `erlang:cancel_timer`.
//! - **Mended**: each timer carries the number of the use that started it, and an older one is ignored.

use std::time::Duration;

use genserver::sim::Sim;
use genserver::{Cx, Init, Next, Outcome, time};

use crate::{Version, pause};

const EXPIRES: Duration = Duration::from_secs(10);

struct Session {
    version: Version,
    is_alive: bool,
    uses: u32,
}

/// The time is over that began with this use.
struct Expired(u32);

#[genserver::server(client = SessionClient)]
impl Session {
    fn init(version: Version, cx: &mut Cx<Self>) -> Init<Self> {
        cx.send_after(EXPIRES, Expired(0));
        Init::Run(Self { version, is_alive: true, uses: 0 })
    }

    /// Whether the session could be used.
    #[call]
    fn touch(&mut self, cx: &mut Cx<Self>) -> bool {
        if self.is_alive {
            self.uses += 1;
            cx.send_after(EXPIRES, Expired(self.uses));
        }
        self.is_alive
    }

    fn handle_info(&mut self, Expired(use_before): Expired) -> Outcome<Self> {
        if use_before == self.uses || self.version.is_broken() {
            self.is_alive = false;
        }
        Next::wait()
    }
}

/// A session is used in its last moment. If it can be, it lives on.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let session = SessionClient::new(sim.start_supervised(genserver::start_link::<Session>(version)).await);
    // Its timer is set first.
    pause(1).await;
    time::sleep(EXPIRES).await;
    let is_renewed = session.touch().await.unwrap();
    sim.settle().await;
    assert_eq!(session.touch().await, Ok(is_renewed), "the session was renewed, and is gone");
}
