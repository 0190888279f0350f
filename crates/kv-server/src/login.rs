//! Logging in: one password for a server, checked at a bounded cost, and more slowly after failures.
//!
//! - L1: no command of a client is executed before its login, but those that log in or leave.
//! - L2: at most [`VERIFIED_AT_ONCE`] checks run at once, on threads that may be blocked. So failed logins take neither the threads of
//!   sessions nor unbounded memory. The others wait, and each address has its turn after the other, so a flood from one delays another by
//!   no more than a check.
//! - L3: whether an attempt has to wait is decided when its check is due, so that attempts that come all at once are counted too.
//! - L4: an attempt is answered, however long its check and its delay take. Time that passes so counts only after that: a client that
//!   has sent many attempts at once gets no more time for them.
//! - L5: nothing here holds a password longer than its check, and nothing that can be printed holds one at all.

use std::fmt;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::{Either, select};
use genserver::report::{CustomReport, Level, Report};
use genserver::{NotRun, current_process, run_blocking, time};

use crate::drain::Drain;
use crate::limits::Limits;
use crate::password::{HashPasswordError, Password, PasswordHash};
use crate::session::deadline::Deadline;
use crate::session::end::SessionEnd;

// Where failures come from, and how long the next attempt waits.
mod failures;
// Whose check is next.
mod turns;
// What remains of a password in buffers.
mod wipe;

pub(crate) use failures::Source;
use failures::{Failures, Wait};
use turns::{Turn, Turns};
pub(crate) use wipe::wipe;

/// How many passwords are checked at once. Each check takes the memory that its hash says, by default 19 MiB.
const VERIFIED_AT_ONCE: usize = 2;

/// What a client is told that sends a command before its login.
pub(crate) const NOT_LOGGED_IN: &str = "log in first: send AUTH and the password";

/// How the next text begins.
pub(crate) const TOO_LATE: &str = "no login within";

/// What a client is told that takes too long.
pub(crate) fn too_late(limits: &Limits) -> String {
    let Limits { login, before_login, .. } = limits;
    format!("{TOO_LATE} {login:?} and {before_login} bytes; connect again, and send AUTH and the password first")
}

/// The password of a server, for all of its sessions.
pub(crate) struct Door {
    hash: PasswordHash,
    failures: Mutex<Failures>,
    turns: Turns,
}

impl Door {
    pub(crate) fn new(hash: PasswordHash) -> Self {
        Self { hash, failures: Mutex::default(), turns: Turns::new(VERIFIED_AT_ONCE) }
    }

    fn failures(&self) -> MutexGuard<'_, Failures> {
        // Nothing under this lock panics.
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks a password when its turn comes. `None` is one that is wrong for another reason, and counts as well.
    async fn check(&self, password: Option<Password>, source: Source) -> Result<(), LoginRefusal> {
        let mut turn = self.turns.take(source).await;
        let wait = self.failures().arrive(source, time::now());
        match wait {
            Wait::None => {}
            Wait::For(delay) => {
                // Others need not wait behind this one.
                drop(turn);
                time::sleep(delay).await;
                turn = self.turns.take(source).await;
            }
            Wait::TooLong(left) => return Err(LoginRefusal::TooMany(left)),
        }
        let is_right = match password {
            Some(password) => self.verify(password, turn).await?,
            None => false,
        };
        if is_right {
            self.failures().forget(source);
            return Ok(());
        }
        let is_news = self.failures().add(source, time::now());
        if is_news {
            report(source);
        }
        Err(LoginRefusal::Wrong)
    }

    async fn verify(&self, password: Password, turn: Turn) -> Result<bool, LoginRefusal> {
        let hash = self.hash.clone();
        let verified = run_blocking(move || {
            // Until the work is done, also if its session is killed meanwhile (L2).
            let _turn = turn;
            hash.verify(&password)
        });
        Ok(verified.await??)
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Door(..)")
    }
}

/// Tells an operator. A session that is not a process tells nobody.
fn report(source: Source) {
    let Some(session) = current_process() else { return };
    session.report(Level::Warning, |me| {
        let what = "logins fail again and again; someone tries passwords, or a client has an old one";
        Report::Custom(CustomReport::new(me, Level::Warning, "Session", what).with("from", source.to_string()))
    });
}

/// Why an attempt did not log in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginRefusal {
    #[error("this server has no password, so everyone who reaches it can do everything; go on without AUTH")]
    NoPassword,
    #[error("wrong password; check it, and send AUTH again")]
    Wrong,
    /// The password was not checked.
    #[error("too many failed logins from this address; try again in {} s", .0.as_secs() + 1)]
    TooMany(Duration),
    /// The same.
    #[error("the server is about to stop; log in again later")]
    Draining,
    /// The same.
    #[error("the password could not be checked: {0}")]
    Hash(#[from] HashPasswordError),
    /// The same.
    #[error("the password could not be checked: {0}")]
    NotRun(#[from] NotRun),
}

/// The login of one client.
pub(crate) struct Login {
    /// Without a password there is no door.
    door: Option<Arc<Door>>,
    source: Source,
    drain: Drain,
    is_in: bool,
    /// How much it may send, and how long it may take, before it is in.
    limits: (usize, Duration),
    /// How many bytes may still come before the login, ...
    left: usize,
    /// ... and until when.
    deadline: Deadline,
}

impl Login {
    pub(crate) fn new(door: Option<Arc<Door>>, peer: Option<IpAddr>, drain: Drain, limits: &Limits) -> Self {
        let mut login = Self {
            is_in: true,
            door,
            source: Source::of(peer),
            drain,
            limits: (limits.before_login, limits.login),
            left: 0,
            deadline: Deadline::default(),
        };
        login.log_out();
        login
    }

    /// Whether the client may do what clients do (L1).
    pub(crate) fn is_in(&self) -> bool {
        self.is_in
    }

    /// Makes the client log in again, if there is a password.
    pub(crate) fn log_out(&mut self) {
        self.is_in = self.door.is_none();
        self.left = self.limits.0;
        self.deadline.take_back();
    }

    /// Whether the server has a password.
    pub(crate) fn has_password(&self) -> bool {
        self.door.is_some()
    }

    /// Logs in. A client that is in stays in, whatever comes of it.
    ///
    /// # Errors
    ///
    /// Why not.
    pub(crate) async fn log_in(&mut self, password: &[u8]) -> Result<(), LoginRefusal> {
        self.attempt(Password::new(password).ok()).await
    }

    /// Fails as with a wrong password: the user does not exist.
    pub(crate) async fn fail(&mut self) -> LoginRefusal {
        match self.attempt(None).await {
            Ok(()) | Err(LoginRefusal::NoPassword) => LoginRefusal::Wrong,
            Err(refusal) => refusal,
        }
    }

    async fn attempt(&mut self, password: Option<Password>) -> Result<(), LoginRefusal> {
        let door = self.door.as_ref().ok_or(LoginRefusal::NoPassword)?;
        let checked = pin!(door.check(password, self.source));
        match select(checked, self.drain.told()).await {
            Either::Left((checked, _)) => checked?,
            // It may be a minute before its turn comes, and a server waits for seconds.
            Either::Right(((), _)) => return Err(LoginRefusal::Draining),
        }
        self.is_in = true;
        Ok(())
    }

    /// Why the session ends after an attempt, if it does (L4).
    pub(crate) fn end(&self) -> Option<SessionEnd> {
        (!self.is_in && self.deadline.is_over()).then_some(SessionEnd::NotLoggedIn)
    }

    /// How many bytes may be read now, if the client is not in.
    pub(crate) fn allowance(&self) -> Option<usize> {
        (!self.is_in).then_some(self.left)
    }

    /// Counts what was read.
    pub(crate) fn count(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
    }

    /// Ready when a client that is not in has used up its bytes or its time.
    pub(crate) fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_in {
            return Poll::Pending;
        }
        if self.left == 0 {
            return Poll::Ready(());
        }
        self.deadline.set(self.limits.1);
        self.deadline.poll(cx)
    }
}
