//! The process of a name: it claims the name, starts the server under it, and gives the name back when the server has ended.
//!
//! ```text
//!   keeper ---- server       the user's
//!      | \----- responder   hands requests to the server, and sends the answers
//!      \------- renewer     renews the lease, and ends the server when that is over
//! ```
//!
//! All are linked with the keeper, which traps exits.
//!
//! # Rules
//!
//! - K1: The name is claimed before its server starts, and given back after its server has ended.
//! - K2: When one of the others ends, the keeper ends the rest, and then itself with the same reason: that of the server, or
//!   [`Reason::NoConnection`] if the lease was lost.
//! - K3: It tells others why the server has ended, and then gives the name back. Neither takes longer than a second.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use genserver::{Cx, Exit, GenServer, Init, KILL_GRACE, Never, Next, Outcome, ProcessRef, Reason, ServerRef, time};
use parking_lot::Mutex;

use crate::engine::Revision;
use crate::name::error::StartNamedError;
use crate::name::lease_client::LeaseClient;
use crate::name::member::{Member, Reservation};
use crate::name::owner_record::OwnerRecord;
use crate::name::renewer::{self, LeasedServer};
use crate::name::responder;
use crate::wire;
use crate::wire::messages::Clustered;

/// How long a server has to end in order when its keeper is told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(4);

/// The process that keeps a name and the server `S` under it.
pub(crate) struct Keeper<S: Clustered> {
    lease: Arc<LeaseClient>,
    server: ServerRef<S>,
    fence: Revision,
    responder: ProcessRef,
    renewer: ProcessRef,
    /// Freed when everything has ended.
    _reservation: Reservation,
}

/// What a keeper is started with.
pub(crate) struct KeeperArgs<S: Clustered> {
    pub(crate) member: Arc<Member>,
    pub(crate) name: Arc<str>,
    pub(crate) server: S::Args,
    /// Where the server is put once it has started.
    pub(crate) started: Started<S>,
}

/// The server that a keeper has started, and its fence.
pub(crate) type Started<S> = Arc<Mutex<Option<(ServerRef<S>, Revision)>>>;

impl<S: Clustered> Keeper<S> {
    async fn begin(args: KeeperArgs<S>, me: ProcessRef) -> Result<Self, StartNamedError> {
        let KeeperArgs { member, name, mut server, started } = args;
        let reservation = member.reserve(&name, me).await?;
        let lease = Arc::new(LeaseClient::new(member.space.clone(), name, record::<S>(&member, reservation.claim)));
        let fence = lease.claim().await?;
        S::set_fence(&mut server, fence);
        let leased = LeasedServer::default();
        let renewer = renewer::start(Arc::clone(&lease), leased.clone())?;
        let up = async {
            let requests = responder::subscribe(&*lease).await;
            // By L3: this machine may have stood still since the name was claimed, and its renewer with it.
            if !lease.may_serve() {
                return Err(StartNamedError::Lost { name: Arc::clone(lease.name()) });
            }
            leased.starts();
            let server = genserver::start_link::<S>(server).default_label(Arc::clone(lease.name())).await?;
            leased.runs(server.process_ref());
            Ok::<_, StartNamedError>((requests, server))
        };
        let up = match select(Box::pin(up), renewer.ended()).await {
            Either::Left((up, _)) => up,
            // A server whose init has not ended is killed with its start.
            Either::Right(_) => Err(StartNamedError::Lost { name: Arc::clone(lease.name()) }),
        };
        let (requests, server) = match up {
            Ok(up) => up,
            Err(error) => {
                stop_renewer(&renewer).await;
                renewer::give_back(&lease).await;
                return Err(error);
            }
        };
        reservation.note_server(server.process_ref());
        let responder = responder::start(Arc::clone(&lease), server.clone(), fence, requests)?;
        *started.lock() = Some((server.clone(), fence));
        Ok(Self { lease, server, fence, responder, renewer, _reservation: reservation })
    }

    /// Ends the server, if it has not ended. By L3 it is gone when the lease is over. Returns the reason of its end.
    async fn end_server(&self, reason: &Reason) -> Reason {
        let stop = self.server.stop().reason(reason.clone()).timeout(STOP_WITHIN);
        if *reason == Reason::NoConnection {
            // The renewer has sent it the signal already, or was killed.
            self.server.exit(Reason::NoConnection);
        } else {
            let _ = select(stop, self.renewer.ended()).await;
        }
        // One that is in its terminate is not alive, and has not ended.
        if !self.server.process_ref().has_ended() {
            let _ = time::timeout(self.lease.times().margin() / 2, self.server.ended()).await;
            self.server.kill();
        }
        let ended = time::timeout(KILL_GRACE, self.server.ended()).await;
        ended.unwrap_or(Reason::Killed)
    }

    /// Tells the others why the server has ended.
    async fn publish_end(&self, reason: &Reason) {
        let subject = self.lease.space().down_subject(self.lease.name(), self.fence);
        let publish = self.lease.space().engine.publish(&subject, wire::encode_reason(reason));
        // Those who do not hear of it see that the key is gone.
        let _ = time::timeout(PUBLISH_WITHIN, publish).await;
    }
}

/// How long the engine is waited for when the end of a server is published.
const PUBLISH_WITHIN: Duration = Duration::from_secs(1);

/// Ends the renewer, so that the lease is renewed no more and the keeper can give it back.
async fn stop_renewer(renewer: &ProcessRef) {
    renewer.kill();
    renewer.ended().await;
}

fn record<S: Clustered>(member: &Member, claim: u64) -> OwnerRecord {
    let messages = S::messages();
    OwnerRecord {
        member: member.id.to_string(),
        incarnation: member.incarnation,
        claim,
        server: messages.server().to_owned(),
        version: messages.version(),
        time_to_live: u64::try_from(member.space.time_to_live.as_millis()).unwrap_or(u64::MAX),
        fence: None,
    }
}

impl<S: Clustered> GenServer for Keeper<S> {
    type Args = KeeperArgs<S>;
    type Call = Never;
    type Cast = Never;
    type Info = Exit;

    async fn init(args: KeeperArgs<S>, cx: &mut Cx<Self>) -> Init<Self> {
        cx.trap_exits(|exit| exit);
        match Self::begin(args, cx.process_ref()).await {
            Ok(keeper) => Init::Run(keeper),
            // The starter gets the error, and nothing that is linked with the keeper dies of it.
            Err(error) => Init::Fail(error.into()),
        }
    }

    async fn handle_info(&mut self, exit: Exit, _cx: &mut Cx<Self>) -> Outcome<Self> {
        let ours = [self.server.pid(), self.responder.pid(), self.renewer.pid()];
        let is_responder_of_ended = exit.from == self.responder.pid() && self.server.process_ref().has_ended();
        // By K2. The exit of a server that has ended is on its way.
        if ours.contains(&exit.from) && !is_responder_of_ended { Next::stop(exit.reason) } else { Next::wait() }
    }

    async fn terminate(&mut self, reason: &Reason, _cx: &mut Cx<Self>) {
        let ended = self.end_server(reason).await;
        // Callers hear of the end before the name is free.
        let _ = time::timeout(self.lease.times().pause(), self.responder.ended()).await;
        stop_renewer(&self.renewer).await;
        self.publish_end(&ended).await;
        renewer::give_back(&self.lease).await;
    }
}
