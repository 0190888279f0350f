//! The states of servers: each is asked once, and a reader does not wait for it.
//!
//! A request of `sys` stays in the mailbox of a server that does not come to it. So there is one for each server at most, and
//! all readers wait for that, each for a moment (rule 4 of the folder).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use genserver::sys::{self, Status, SysError};
use genserver::{AsProcess as _, Pid};

use super::clock::Moment;

/// For how long a reader waits for a state. A server that is not busy answers in microseconds.
const PATIENCE: Duration = Duration::from_millis(200);

/// How many servers may be asked and not have answered. They hold one small message each.
const ASKED_MAX: usize = 1024;

type Answer = Result<Arc<Status>, Arc<SysError>>;

/// The requests that are not answered yet.
#[derive(Clone, Default)]
pub(crate) struct States {
    asked: Arc<Mutex<BTreeMap<Pid, Asked>>>,
}

#[derive(Clone)]
struct Asked {
    since: Instant,
    answer: Shared<BoxFuture<'static, Answer>>,
}

impl States {
    /// The status of a server, or a sentence about why there is none.
    pub(crate) async fn of(&self, pid: Pid) -> Result<Arc<Status>, String> {
        loop {
            let Some(Asked { since, answer }) = self.ask(pid) else {
                return Err(format!("not asked, because {ASKED_MAX} other processes have not answered yet"));
            };
            let was_asked_before = Moment::now().since(since) > PATIENCE;
            let Ok(answer) = tokio::time::timeout(PATIENCE, answer).await else {
                let seconds = Moment::now().since(since).as_secs_f64();
                return Err(format!("no answer for {seconds:.1} s: it is in a callback, see its state in the table"));
            };
            self.lock().remove(&pid);
            // An answer to an earlier reader says what was so when it was given, which may be long ago.
            if !was_asked_before || answer.is_err() {
                return answer.map_err(|error| error.to_string());
            }
        }
    }

    /// The request to a server: the one that is under way, or a new one.
    fn ask(&self, pid: Pid) -> Option<Asked> {
        let mut asked = self.lock();
        if let Some(known) = asked.get(&pid) {
            return Some(known.clone());
        }
        if asked.len() >= ASKED_MAX {
            // Those that have ended no longer count. Their answers are dropped after the lock is.
            let ended: Vec<Pid> = asked.keys().filter(|pid| pid.as_process().is_none()).copied().collect();
            let gone: Vec<_> = ended.iter().filter_map(|pid| asked.remove(pid)).collect();
            if gone.is_empty() {
                return None;
            }
        }
        let request = sys::get_status(&pid).no_timeout();
        let answer = request.map(|answer| answer.map(Arc::new).map_err(Arc::new)).boxed().shared();
        let new = Asked { since: Moment::now().instant, answer };
        asked.insert(pid, new.clone());
        Some(new)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Pid, Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
