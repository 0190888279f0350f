//! One server in the whole cluster: every member has a candidate, and one of them has the name.
//!
//! # Rules
//!
//! - U1: A candidate claims the name when it reads that nobody has it, and three times within a time to live whatever it reads, because
//!   that may be old.
//! - U2: The server ends when its candidate is told to stop, and the other way round: with the reason of the server, so that a crash
//!   counts as one of the child. A name that is lost counts as nothing: the candidate waits for its turn again.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use genserver::{Exit, Letter, Never, Probe, Reason, time};

use crate::cluster::{Cluster, NamedServer};
use crate::name::StartNamedError;
use crate::wire::messages::Clustered;

/// At least this often a candidate looks whether the name is free.
const LOOK_WITHIN: Duration = Duration::from_millis(800);

/// Waits for the name, has the server, and ends with it.
pub(super) async fn stand<S: Clustered>(
    mut me: Probe<Never>,
    cluster: Cluster,
    name: Arc<str>,
    args: Arc<dyn Fn() -> S::Args + Send + Sync>,
) -> Result<(), Reason> {
    me.trap_exits(true);
    loop {
        let turn = Box::pin(turn::<S>(&cluster, &name, &*args));
        let server = match select(turn, Box::pin(told_to_stop(&mut me))).await {
            Either::Left((server, _)) => server?,
            Either::Right((exit, _)) => return Err(exit.reason),
        };
        let told = match select(Box::pin(server.ended()), Box::pin(told_to_stop(&mut me))).await {
            Either::Left((Reason::NoConnection, _)) => continue,
            Either::Left((reason, _)) => return Err(reason),
            Either::Right((exit, _)) => exit,
        };
        // It has what time the supervisor gives, and then ends by the link.
        let _ = server.stop_with(told.reason.clone()).await;
        return Err(told.reason);
    }
}

/// Returns the server when the name was ours to take.
async fn turn<S: Clustered>(
    cluster: &Cluster,
    name: &Arc<str>,
    args: &(dyn Fn() -> S::Args + Send + Sync),
) -> Result<NamedServer<S>, Reason> {
    let time_to_live = cluster.time_to_live();
    let mut claims_at = time::now();
    loop {
        // By U1.
        if time::now() >= claims_at || matches!(cluster.whereis(name).await, Ok(None)) {
            match cluster.start_named::<S>(Arc::clone(name), args()).link().await {
                Ok(server) => return Ok(server),
                Err(StartNamedError::Server(error)) => return Err(error.into()),
                Err(error @ StartNamedError::NotRunning { .. }) => return Err(error.into()),
                Err(_) => claims_at = time::now() + time_to_live / 3,
            }
        }
        time::sleep((time_to_live / 15).min(LOOK_WITHIN)).await;
    }
}

/// Returns when its supervisor tells it to stop. The exits of its keepers come here, too, and are known already.
async fn told_to_stop(me: &mut Probe<Never>) -> Exit {
    let parent = me.process_ref().info().parent;
    loop {
        match me.recv().await {
            Ok(Letter::Exit(exit)) if Some(exit.from) == parent => return exit,
            Ok(_) => {}
            Err(reason) => return Exit { from: me.pid(), reason },
        }
    }
}
