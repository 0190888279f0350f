//! What a supervisor does when a child has ended: which children it restarts, how often, and when it gives up.
//!
//! 1. A child that has ended in a way that its restart kind allows is forgotten, or stays as stopped. If it was significant, the
//!    supervisor may end (see [`AutoShutdown`]).
//! 2. Any other child is restarted. Each attempt counts, whether or not it succeeds; one too many, and the supervisor ends.
//! 3. If others are to be restarted along with it, those that run are ended first, the last first; a temporary one is forgotten.
//!    Then all are started, in order.
//! 4. If one of them does not start, it is marked as restarting, those after it stay as stopped, and the supervisor sets a
//!    timer to try again, which goes through its mailbox. So requests that have arrived meanwhile are answered before the
//!    next attempt, and an order to stop need not wait until the supervisor gives up.
//! 5. The next attempt is made on behalf of the child that did not start.

use std::time::Duration;

use super::child::ChildState;
use super::children::Watched;
use super::policy::{AutoShutdown, Restart, Strategy};
use super::server::{Event, Server, SupervisorInfo};
use crate::report::{Report, Supervised, SupervisorEvent};
use crate::{Cx, Next, Outcome, ProcessRef, Reason, StartError};

/// The child with this number has ended by itself.
pub(super) async fn child_ended(
    server: &mut Server,
    number: u64,
    told: Reason,
    cx: &mut Cx<Server>,
) -> Outcome<Server> {
    let watched = &mut server.children[number];
    let reason = watched.child.reason_of_end(told).await;
    let info = watched.child.info();
    let (restart_kind, significant) = (info.restart, info.significant);
    if restart_kind == Restart::Permanent || !reason.is_normal_set() {
        watched.report(SupervisorEvent::ChildTerminated, Some(reason.clone()), cx);
    }
    watched.monitor = None;
    if restart_kind.is_due(&reason) {
        watched.child.restarting();
        return restart(server, number, cx).await;
    }
    server.forget(number);
    if significant && is_over(server) { Next::stop(Reason::Shutdown) } else { Next::wait() }
}

/// Returns whether the end of a significant child, which has just happened, ends its supervisor.
fn is_over(server: &Server) -> bool {
    match server.auto_shutdown {
        AutoShutdown::Never => false,
        AutoShutdown::AnySignificant => true,
        AutoShutdown::AllSignificant => !server.children.iter().any(|watched| {
            let child = &watched.child;
            child.info().significant && child.state() != &ChildState::Stopped
        }),
    }
}

/// Tries to restart the child with this number, along with the children that its strategy adds.
pub(super) async fn restart(server: &mut Server, number: u64, cx: &mut Cx<Server>) -> Outcome<Server> {
    if !server.intensity.allows(cx.now()) {
        let watched = &mut server.children[number];
        watched.report(SupervisorEvent::Shutdown, Some(Reason::term("reached_max_restart_intensity")), cx);
        watched.child.stopped();
        return Next::stop(Reason::Shutdown);
    }
    let (first, last) = match server.strategy {
        Strategy::OneForOne => (number, number),
        Strategy::RestForOne => (number, u64::MAX),
        Strategy::OneForAll => (0, u64::MAX),
    };
    if server.strategy != Strategy::OneForOne {
        shut_down_from(server, first, cx).await;
    }
    if let Err(failed) = start_range(server, first, last, cx).await {
        try_again(failed, cx);
    }
    Next::wait()
}

/// Ends the running children from `first` on, the last first.
async fn shut_down_from(server: &mut Server, first: u64, cx: &mut Cx<Server>) {
    for number in server.children.backwards_to(first) {
        let watched = &mut server.children[number];
        watched.shut_down_to_restart(cx).await;
        if watched.child.info().restart == Restart::Temporary {
            server.children.remove(number);
        }
    }
}

/// Starts the children in order, up to the first that does not start: returns its id.
async fn start_range(server: &mut Server, first: u64, last: u64, cx: &mut Cx<Server>) -> Result<(), String> {
    for watched in server.children.range_mut(first, last) {
        match watched.start(SupervisorEvent::Progress, cx).await {
            Ok(_) => {}
            Err(StartError::Ignored { .. }) => watched.child.stopped(),
            Err(error) => {
                watched.report(SupervisorEvent::StartError, Some(error.into()), cx);
                watched.child.restarting();
                return Err(watched.child.info().id.to_string());
            }
        }
    }
    Ok(())
}

/// Sets a timer to try again later (rule 4).
///
/// A timer gives every other task a turn before: the child may fail to start because another process, which is about to end,
/// still holds its name. And unlike a message, a timer is never refused.
fn try_again(id: String, cx: &mut Cx<Server>) {
    cx.send_after(Duration::ZERO, SupervisorInfo(Event::TryAgain(id)));
}

impl Watched {
    /// Starts the child, monitors it, and reports that as `event`.
    pub(super) async fn start(
        &mut self,
        event: SupervisorEvent,
        cx: &mut Cx<Server>,
    ) -> Result<ProcessRef, StartError> {
        let process = self.child.start().await?;
        self.pid = Some(process.pid());
        let number = self.number;
        self.monitor = Some(cx.monitor(&process, move |down| SupervisorInfo(Event::Down(number, down))));
        self.report(event, None, cx);
        Ok(process)
    }

    /// Ends the child, and reports an unexpected end.
    pub(super) async fn shut_down(&mut self, cx: &mut Cx<Server>) {
        self.unwatch(cx);
        let unexpected = self.child.shut_down().await;
        self.report_shutdown(unexpected, cx);
    }

    /// The same for a child that is about to be restarted.
    async fn shut_down_to_restart(&mut self, cx: &mut Cx<Server>) {
        self.unwatch(cx);
        let unexpected = self.child.shut_down_to_restart().await;
        self.report_shutdown(unexpected, cx);
    }

    fn unwatch(&mut self, cx: &mut Cx<Server>) {
        if let Some(monitor) = self.monitor.take() {
            cx.demonitor(monitor);
        }
    }

    fn report_shutdown(&self, unexpected: Option<Reason>, cx: &Cx<Server>) {
        if unexpected.is_some() {
            self.report(SupervisorEvent::ShutdownError, unexpected, cx);
        }
    }

    pub(super) fn report(&self, event: SupervisorEvent, reason: Option<Reason>, cx: &Cx<Server>) {
        cx.report(event.level(), |me| {
            let child = self.child.info().offender(self.pid.filter(|_| event != SupervisorEvent::StartError));
            Report::Supervised(Supervised::new(me, event, child, reason))
        });
    }
}
