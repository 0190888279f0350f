//! Who keeps a lease, and ends the server when that is over: a process beside the keeper, so that nothing that the keeper waits for
//! holds up a renewal.
//!
//! # Rules
//!
//! - G1: It is linked with its keeper and traps exits. It ends when the lease is over, with [`Reason::NoConnection`], and the keeper
//!   hears of that.
//! - G2: If the keeper is killed, it kills the server and gives the name back, because the keeper cannot. A server that is in its init
//!   may still be there for a while, so then the name ends by itself.
//! - G3: When the lease is over, the server gets an exit signal at once, and is killed at half of the margin.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use genserver::{KILL_GRACE, Letter, Never, Probe, ProcessRef, Reason, StartError, spawn_link_labelled, time};
use parking_lot::Mutex;

use crate::name::tenant::Tenant;

/// How long the engine is waited for when a name is given back.
const GIVE_BACK_WITHIN: Duration = Duration::from_secs(1);

/// The server that is to end with the lease.
#[derive(Clone, Default)]
pub(super) struct Ward(Arc<Mutex<Server>>);

#[derive(Clone, Default)]
enum Server {
    /// There is none yet.
    #[default]
    None,
    /// It is in its init. Nobody knows its process.
    Starts,
    Runs(ProcessRef),
}

impl Ward {
    pub(super) fn starts(&self) {
        *self.0.lock() = Server::Starts;
    }

    pub(super) fn runs(&self, server: ProcessRef) {
        *self.0.lock() = Server::Runs(server);
    }

    fn get(&self) -> Server {
        self.0.lock().clone()
    }
}

/// Starts the guardian of a lease, linked with the keeper that calls this.
pub(super) fn start(tenant: Arc<Tenant>, ward: Ward) -> Result<ProcessRef, StartError> {
    let label = format!("guardian of {}", tenant.name());
    let guardian = spawn_link_labelled(label, move |mut me: Probe<Never>| async move {
        me.trap_exits(true);
        guard(me, &tenant, &ward).await
    })?;
    Ok(guardian.process_ref())
}

async fn guard(mut me: Probe<Never>, tenant: &Tenant, ward: &Ward) -> Result<(), Reason> {
    let keep = Box::pin(tenant.keep());
    match select(keep, Box::pin(exit(&mut me))).await {
        Either::Left(_) => end(tenant, ward).await,
        // By G2.
        Either::Right(_) => match ward.get() {
            Server::Starts => {}
            Server::None => give_back(tenant).await,
            Server::Runs(server) => {
                server.kill();
                if time::timeout(KILL_GRACE, server.ended()).await.is_ok() {
                    give_back(tenant).await;
                }
            }
        },
    }
    Err(Reason::NoConnection)
}

/// Returns when the keeper has ended.
async fn exit(me: &mut Probe<Never>) {
    while !matches!(me.recv().await, Ok(Letter::Exit(_)) | Err(_)) {}
}

/// Gives the name back, as far as the engine answers soon.
pub(super) async fn give_back(tenant: &Tenant) {
    // What is left ends by itself.
    let _ = time::timeout(GIVE_BACK_WITHIN, tenant.give_back()).await;
}

/// By G3.
async fn end(tenant: &Tenant, ward: &Ward) {
    let Server::Runs(server) = ward.get() else { return };
    server.exit(Reason::NoConnection);
    if time::timeout(tenant.times().margin() / 2, server.ended()).await.is_err() {
        server.kill();
    }
}
