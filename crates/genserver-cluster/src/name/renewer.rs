//! Who renews a lease, and ends the server when that is over: a process beside the keeper, so that nothing that the keeper waits for
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

use crate::name::lease_client::LeaseClient;

/// How long the engine is waited for when a name is given back.
const GIVE_BACK_WITHIN: Duration = Duration::from_secs(1);

/// The server that is to end with the lease.
#[derive(Clone, Default)]
pub(super) struct LeasedServer(Arc<Mutex<Server>>);

#[derive(Clone, Default)]
enum Server {
    /// There is none yet.
    #[default]
    None,
    /// It is in its init. Nobody knows its process.
    Starts,
    Runs(ProcessRef),
}

impl LeasedServer {
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

/// Starts the renewer of a lease, linked with the keeper that calls this.
pub(super) fn start(lease: Arc<LeaseClient>, leased: LeasedServer) -> Result<ProcessRef, StartError> {
    let label = format!("renewer of {}", lease.name());
    let renewer = spawn_link_labelled(label, move |mut me: Probe<Never>| async move {
        me.trap_exits(true);
        renew(me, &lease, &leased).await
    })?;
    Ok(renewer.process_ref())
}

async fn renew(mut me: Probe<Never>, lease: &LeaseClient, leased: &LeasedServer) -> Result<(), Reason> {
    let keep = Box::pin(lease.keep());
    match select(keep, Box::pin(exit(&mut me))).await {
        Either::Left(_) => end(lease, leased).await,
        // By G2.
        Either::Right(_) => match leased.get() {
            Server::Starts => {}
            Server::None => give_back(lease).await,
            Server::Runs(server) => {
                server.kill();
                if time::timeout(KILL_GRACE, server.ended()).await.is_ok() {
                    give_back(lease).await;
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
pub(super) async fn give_back(lease: &LeaseClient) {
    // What is left ends by itself.
    let _ = time::timeout(GIVE_BACK_WITHIN, lease.give_back()).await;
}

/// By G3.
async fn end(lease: &LeaseClient, leased: &LeasedServer) {
    let Server::Runs(server) = leased.get() else { return };
    server.exit(Reason::NoConnection);
    if time::timeout(lease.times().margin() / 2, server.ended()).await.is_err() {
        server.kill();
    }
}
