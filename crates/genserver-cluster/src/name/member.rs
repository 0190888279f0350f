//! What the keepers of one member have in common: who they are, and which names they have.
//!
//! # Rules
//!
//! - M1: A member has one keeper for a name at most. A claim that finds a keeper of its own member alive asks nobody else.
//! - M2: A claim begins when nothing of the earlier one is alive, neither keeper nor server. So what an earlier claim of this member
//!   has left in the engine belongs to nobody.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use genserver::{KILL_GRACE, ProcessRef, time};
use parking_lot::Mutex;

use crate::name::error::StartNamedError;
use crate::space::Space;

/// A member: it is the same from the start of its program to the end, whatever is started anew in it.
pub(crate) struct Member {
    pub(crate) space: Space,
    /// Its name, for people.
    pub(crate) id: Arc<str>,
    /// Tells it from others of that name.
    pub(crate) incarnation: u64,
    claims: AtomicU64,
    /// Whether its process runs. Without it nothing is claimed: nobody would give the name back at the end.
    is_running: AtomicBool,
    /// Who keeps which name. Bounded by the names that are kept: what has ended is swept.
    keepers: Mutex<BTreeMap<Arc<str>, Kept>>,
}

/// A name that is kept, or was.
struct Kept {
    claim: u64,
    keeper: ProcessRef,
    /// The server, once it has started.
    server: Option<ProcessRef>,
}

impl Kept {
    /// Whether something of it is there, if only its terminate.
    fn is_there(&self) -> bool {
        !self.keeper.has_ended() || self.server.as_ref().is_some_and(|server| !server.has_ended())
    }
}

impl Member {
    pub(crate) fn new(space: Space, id: Arc<str>) -> Self {
        // Only compared for equality, so it does not decide what a simulation does.
        let incarnation = RandomState::new().hash_one(&id);
        Self {
            space,
            id,
            incarnation,
            claims: AtomicU64::new(1),
            is_running: AtomicBool::new(false),
            keepers: Mutex::default(),
        }
    }

    /// Says whether the process of the member runs.
    pub(crate) fn set_running(&self, is_running: bool) {
        // Under the lock, so that a name is either refused or found by `keepers`.
        let _keepers = self.keepers.lock();
        self.is_running.store(is_running, Ordering::Relaxed);
    }

    /// Whether the process of the member runs.
    pub(crate) fn is_running(&self) -> bool {
        self.is_running.load(Ordering::Relaxed)
    }

    /// Makes `keeper` the only one of a name: M1 and M2.
    ///
    /// # Errors
    ///
    /// [`StartNamedError::AlreadyStarted`] if another keeper or its server is alive, [`StartNamedError::NotRunning`] if the member is
    /// not.
    pub(crate) async fn reserve(
        self: &Arc<Self>,
        name: &Arc<str>,
        keeper: ProcessRef,
    ) -> Result<Reservation, StartNamedError> {
        // Its keeper was killed, and it has not heard of that yet.
        let orphan =
            self.keepers.lock().get(name).filter(|kept| kept.keeper.has_ended()).and_then(|kept| kept.server.clone());
        if let Some(orphan) = orphan {
            orphan.kill();
            // By M2 the claim fails if it is still there.
            let _ = time::timeout(KILL_GRACE, orphan.ended()).await;
        }
        let mut keepers = self.keepers.lock();
        if !self.is_running() {
            return Err(StartNamedError::NotRunning { name: Arc::clone(name) });
        }
        if keepers.get(name).is_some_and(Kept::is_there) {
            return Err(StartNamedError::AlreadyStarted { name: Arc::clone(name), member: Arc::clone(&self.id) });
        }
        if keepers.len().is_power_of_two() {
            keepers.retain(|_, kept| kept.is_there());
        }
        let claim = self.claims.fetch_add(1, Ordering::Relaxed);
        keepers.insert(Arc::clone(name), Kept { claim, keeper, server: None });
        Ok(Reservation { member: Arc::clone(self), name: Arc::clone(name), claim })
    }

    /// The processes that keep a name.
    pub(crate) fn keepers(&self) -> Vec<ProcessRef> {
        self.keepers.lock().values().map(|kept| kept.keeper.clone()).collect()
    }
}

/// The place of a keeper among those of its member. Dropped, it is free, unless the server is still there.
pub(crate) struct Reservation {
    member: Arc<Member>,
    name: Arc<str>,
    pub(crate) claim: u64,
}

impl Reservation {
    /// Notes the server that the keeper has started.
    pub(crate) fn note_server(&self, server: ProcessRef) {
        if let Some(kept) = self.member.keepers.lock().get_mut(&self.name).filter(|kept| kept.claim == self.claim) {
            kept.server = Some(server);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut keepers = self.member.keepers.lock();
        let is_over = |kept: &Kept| kept.claim == self.claim && kept.server.as_ref().is_none_or(ProcessRef::has_ended);
        if keepers.get(&self.name).is_some_and(is_over) {
            keepers.remove(&self.name);
        }
    }
}
