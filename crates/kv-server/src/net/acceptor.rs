//! The process that accepts connections, and the processes that serve them.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use genserver::dynamic_supervisor::{self, DynamicSupervisor};
use genserver::report::{CustomReport, Level, Report};
use genserver::supervisor::{ChildRef, ChildSpec, Restart, Shutdown};
use genserver::{Never, Probe, ProcessRef, Reason, time};

use super::address::Address;
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

/// For how long after a report of trouble another one would tell nothing new.
const TOLD_FOR: Duration = Duration::from_mins(1);

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
                let accepting = pin!(self.accept(&listener, me.process_ref()));
                if let Either::Left((crash, _)) = select(accepting, pin!(me.recv())).await {
                    return crash;
                }
                let accepted = self.accept_the_rest(&listener).await;
                self.socket.close();
                return accepted;
            }
            Ok(())
        }
    }

    /// Returns only if it cannot continue.
    async fn accept(&self, listener: &Listener, me: ProcessRef) -> Result<(), Reason> {
        let mut trouble = Trouble::default();
        loop {
            match listener.accept().await {
                Ok(accepted) => {
                    trouble.pause = None;
                    self.welcome(accepted).await?;
                }
                Err(error) if is_one_clients(&error) => {}
                Err(error) => {
                    if trouble.is_news() {
                        report(&me, &self.socket.address, &error);
                    }
                    time::sleep(trouble.next_pause()).await;
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
            let accepting = pin!(listener.accept());
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
            accepted.refuse(&self.refusal());
            return Ok(());
        };
        let mut session = Some((Connection { accepted, place }, Arc::clone(&self.service)));
        let session = ChildSpec::process("session", move |me: Probe<Never>| {
            let (connection, service) = session.take().expect("a temporary child is started once");
            connection.serve(service, me)
        });
        let session = session.restart(Restart::Temporary).shutdown(Shutdown::After(self.drain));
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
}

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

/// A series of failed accepts.
#[derive(Default)]
struct Trouble {
    /// The last pause, if the last accept failed.
    pause: Option<Duration>,
    told: Option<Instant>,
}

impl Trouble {
    /// Whether a report is due.
    fn is_news(&mut self) -> bool {
        let now = time::now();
        let is_news = self.told.is_none_or(|told| now.duration_since(told) >= TOLD_FOR);
        if is_news {
            self.told = Some(now);
        }
        is_news
    }

    fn next_pause(&mut self) -> Duration {
        let (shortest, longest) = PAUSES;
        *self.pause.insert(self.pause.map_or(shortest, |pause| (pause * 2).min(longest)))
    }
}

fn report(me: &ProcessRef, address: &Address, error: &io::Error) {
    me.report(Level::Warning, |me| {
        let what = "cannot accept connections; it goes on trying, and those who come have to wait";
        let told = CustomReport::new(me, Level::Warning, "Acceptor", what);
        let told = told.with("address", address.to_string()).with("error", error.to_string());
        // The usual cause, and the only one that an operator can fix.
        Report::Custom(told.with("descriptors allowed", descriptors::allowed().to_string()))
    });
}

/// Whether a failed accept concerns only the connection that was to be accepted.
fn is_one_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}
