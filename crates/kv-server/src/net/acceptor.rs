//! The process that accepts connections, and the processes that serve them.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use genserver::dynamic_supervisor::{self, DynamicSupervisor};
use genserver::supervisor::{ChildRef, ChildSpec, Restart, Shutdown};
use genserver::{Never, Probe, Reason, time};

use super::connections::{ConnectionSlot, Connections};
use super::descriptors;
use super::incoming::Incoming;
use super::listener::{Accepted, BACKLOG, Listener, Socket, Spoken};
use super::service::Service;
use crate::drain::Drain;

/// The shortest and the longest pause after a failed accept. Without a pause, a process without free descriptors would
/// spin.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// How long an acceptor that is told to stop accepts: the runtime has to look for those that have connected.
const LEAVING: Duration = Duration::from_millis(10);

/// Accepts connections from one socket.
pub(super) struct Acceptor<S> {
    pub(super) socket: Arc<Socket>,
    pub(super) sessions: ChildRef<dynamic_supervisor::DynamicSupervisorServer, DynamicSupervisor>,
    pub(super) connections: Arc<Connections>,
    pub(super) service: Arc<S>,
    /// How long sessions may take to drain.
    pub(super) drain: Duration,
}

// Written by hand, because a service need not implement `Clone`.
impl<S> Clone for Acceptor<S> {
    fn clone(&self) -> Self {
        Self {
            socket: Arc::clone(&self.socket),
            sessions: self.sessions.clone(),
            connections: Arc::clone(&self.connections),
            service: Arc::clone(&self.service),
            drain: self.drain,
        }
    }
}

impl<S: Service> Acceptor<S> {
    /// Accepts until told to stop, then accepts those that had connected before, and closes the socket: clients that come while
    /// sessions drain are refused, and do not wait.
    ///
    /// After a crash the socket stays open for the next acceptor, and clients wait there.
    pub(super) fn run(self, mut me: Probe<Never>) -> impl Future<Output = Result<(), Reason>> + Send {
        // Set before it runs: an earlier order to stop would leave the socket open.
        me.trap_exits(true);
        async move {
            if let Some(listener) = self.socket.listener() {
                let accepting = pin!(self.accept(&listener));
                if let Either::Left((crash, _)) = select(accepting, pin!(me.recv())).await {
                    return crash;
                }
                let accepted = self.accept_the_rest(&listener).await;
                self.socket.close();
                accepted?;
            }
            // What it was told: a supervisor reports any other end as an error.
            Err(Reason::Shutdown)
        }
    }

    /// Returns only if it cannot continue.
    async fn accept(&self, listener: &Listener) -> Result<(), Reason> {
        let mut pauses = Pauses::default();
        loop {
            match self.socket.accept(listener).await {
                Ok(accepted) => {
                    pauses = Pauses::default();
                    self.welcome(accepted).await?;
                }
                Err(error) if is_one_clients(&error) => {}
                Err(error) => {
                    self.report(&error);
                    time::sleep(pauses.next()).await;
                }
            }
        }
    }

    /// Accepts those that wait in the system's queue: they may have sent commands, which have arrived like any other. There are
    /// at most as many as the queue holds, so clients that never stop connecting do not keep the socket open.
    async fn accept_the_rest(&self, listener: &Listener) -> Result<(), Reason> {
        let until = time::now() + LEAVING;
        for _ in 0..BACKLOG {
            // The client first: one that is there is accepted, however late it is.
            let accepting = pin!(self.socket.accept(listener));
            let Either::Left((accepted, _)) = select(accepting, time::sleep_until(until)).await else { break };
            if let Ok(accepted) = accepted {
                self.welcome(accepted).await?;
            }
        }
        Ok(())
    }

    /// Starts a session, or refuses the client because there is no place.
    async fn welcome(&self, accepted: Accepted) -> Result<(), Reason> {
        let Some(place) = self.connections.enter() else {
            self.report_full();
            accepted.refuse(&self.refusal());
            return Ok(());
        };
        let mut session = Some((Connection { accepted, place }, Arc::clone(&self.service)));
        let session = ChildSpec::process("session", move |me: Probe<Never>| {
            let (connection, service) = session.take().expect("a temporary child is started once");
            connection.serve(service, me)
        });
        let session = session.label("session").restart(Restart::Temporary).shutdown(Shutdown::After(self.drain));
        self.sessions.waiting().current().await?.start_child(session).await?;
        Ok(())
    }
}

impl<S> Acceptor<S> {
    /// What a client is told if all places are taken.
    fn refusal(&self) -> String {
        let limit = self.connections.limit();
        match self.socket.spoken {
            Spoken::LinesOrResp => format!("ERROR too many connections: all {limit} are taken; try again later\r\n"),
            // In the words of Redis, which its clients know.
            Spoken::Resp => "-ERR max number of clients reached\r\n".to_owned(),
        }
    }

    /// Tells an operator that there are more clients than places.
    fn report_full(&self) {
        let what = "refuses clients because all places are taken; allow more connections, or look who holds them";
        let limit = self.connections.limit().to_string();
        self.socket.notices.tell(KIND, what, |told| told.with("connections", limit));
    }

    /// Tells an operator that the system gives no connection.
    fn report(&self, error: &io::Error) {
        let what = "cannot accept connections; it goes on trying, and those who come have to wait";
        self.socket.notices.tell(KIND, what, |told| {
            // The usual cause, and the only one that an operator can fix.
            let allowed = descriptors::allowed().to_string();
            told.with("error", error.to_string()).with("descriptors allowed", allowed)
        });
    }
}

/// What kind of process it is, in reports.
const KIND: &str = "Acceptor";

/// A client and its place.
struct Connection {
    accepted: Accepted,
    place: ConnectionSlot,
}

impl Connection {
    /// Serves until the client leaves. An order to stop, which comes as an exit from the supervisor, makes the session
    /// drain. If that takes too long, it is killed.
    fn serve<S: Service>(self, service: Arc<S>, mut me: Probe<Never>) -> impl Future<Output = ()> + Send {
        // Set before it runs: an earlier order to stop would leave commands unanswered.
        me.trap_exits(true);
        async move {
            let Self { accepted, place } = self;
            let drain = Drain::new();
            let serving = pin!(async {
                let (reader, writer) = accepted.open(&drain).await?;
                service.serve(Incoming::new(reader, drain.clone()), writer, drain.clone()).await
            });
            // The outcome concerns only the client: a reset connection has ended, too.
            if let Either::Right((_told, serving)) = select(serving, pin!(me.recv())).await {
                drain.begin();
                drop(serving.await);
            }
            drop(place);
        }
    }
}

/// The pauses of a series of failed accepts.
#[derive(Default)]
struct Pauses(Option<Duration>);

impl Pauses {
    fn next(&mut self) -> Duration {
        let (shortest, longest) = PAUSES;
        *self.0.insert(self.0.map_or(shortest, |pause| (pause * 2).min(longest)))
    }
}

/// Whether a failed accept concerns only the connection that was to be accepted.
fn is_one_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}
