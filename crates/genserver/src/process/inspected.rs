//! A server between two callbacks, as the requests of `sys` inspect it.

use std::sync::Arc;

use crate::node::any_process::{AnyProcess as _, Head};
use crate::process::body::Body;
use crate::process::mail::Process;
use crate::process::work::Actor;
use crate::server::GenServer;
use crate::server::debug::Debug;
use crate::server::show::{Shown, Status};
use crate::values::reason::Reason;

/// The server between two callbacks, as a request finds it.
pub(crate) struct Inspected<'a, S: GenServer> {
    pub(crate) process: &'a Arc<Process<S>>,
    pub(crate) body: &'a mut Body<S>,
    /// Set by a request that ends the server.
    pub(crate) stop: Option<Reason>,
}

impl<S: GenServer> Inspected<'_, S> {
    fn actor(&mut self) -> &mut Actor<S> {
        self.body.actor.as_mut().expect("between two callbacks the actor is here")
    }

    pub(crate) fn server(&mut self) -> &mut S {
        self.actor().server.as_mut().expect("requests wait until init has made the server")
    }
}

/// The same without the type of the server: what a request can do with any of them.
pub(crate) trait AnyInspected {
    fn head(&self) -> &Head;
    /// What is switched on.
    fn debug(&mut self) -> &mut Option<Box<Debug>>;
    fn status(&mut self) -> Status;
    fn suspend(&mut self, suspended: bool);
    /// Ends the server when the request is done.
    fn stop(&mut self, reason: Reason);
}

impl<S: GenServer> AnyInspected for Inspected<'_, S> {
    fn head(&self) -> &Head {
        &self.process.head
    }

    fn debug(&mut self) -> &mut Option<Box<Debug>> {
        &mut self.actor().cx.debug
    }

    fn status(&mut self) -> Status {
        let seen = self.process.info();
        let suspended = self.body.is_suspended();
        let actor = self.actor();
        let (_, log) = actor.cx.kept_events();
        // Formatted here, where no callback runs: `format_status` is the user's code, and is caught.
        let shown = Shown { log, ..Shown::default() }.format(actor.server.as_ref());
        Status {
            pid: seen.pid,
            name: seen.name,
            label: seen.label,
            server: seen.server,
            suspended,
            parent: seen.parent,
            mailbox: seen.mailbox,
            links: seen.links,
            log: shown.log,
            state: shown.state,
            details: shown.details,
        }
    }

    fn suspend(&mut self, suspended: bool) {
        if suspended || self.body.cold.is_some() {
            self.body.cold().suspended = suspended;
        }
    }

    fn stop(&mut self, reason: Reason) {
        self.stop = Some(reason);
    }
}
