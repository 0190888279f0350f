//! How reports are made: from what is there when a process ends, before any of it is dropped.

use std::any::type_name;
use std::fmt;

use super::render::shown;
use super::{Crashed, LastMessage, Report, Terminated, Unexpected, Who};
use crate::context::Cx;
use crate::info::Callback;
use crate::node;
use crate::pid::Pid;
use crate::process::mail::{Body, Ending};
use crate::process::{AnyProcess, Process};
use crate::reason::Reason;
use crate::server::GenServer;
use crate::sys::{Message, Shown};

impl<S: GenServer> Process<S> {
    /// Reports the end of this server, if it is one to be reported and anybody listens. Called outside of any lock.
    pub(crate) fn report_end(&self, body: &Body<S>, ending: &Ending) {
        if ending.by_signal || ending.reason.is_normal_set() || !self.head.home.node().hub().is_heard() {
            return;
        }
        self.report_abnormal_end(body, ending);
    }

    #[cold]
    fn report_abnormal_end(&self, body: &Body<S>, ending: &Ending) {
        let callback = Callback::of(ending.last);
        let in_init = callback == Some(Callback::Init);
        let actor = body.actor.as_ref();
        let (kept, log) = actor.map(|actor| actor.cx.kept_events()).unwrap_or_default();
        let message = callback.map(|callback| kept.unwrap_or_else(|| message_type::<S>(callback).to_owned()));
        let plain = shown(&ending.reason);
        let formatted = Shown { state: String::new(), message, reason: Some(plain.clone()), log }
            .format(actor.and_then(|actor| actor.server.as_ref()));
        // A reason that the formatter rewrote is not to be seen, so it is not handed out either.
        let reason = match formatted.reason {
            Some(reason) if reason == plain => ending.reason.clone(),
            Some(reason) => Reason::term(reason),
            None => Reason::term("not shown"),
        };
        let hub = self.head.home.node().hub();
        if !in_init {
            let client = ending.unanswered.iter().find_map(|caller| caller.client());
            hub.publish(&Report::Terminated(Terminated {
                process: Who::new(&self.head),
                server: type_name::<S>(),
                last_message: callback.zip(formatted.message).map(|(callback, text)| LastMessage { callback, text }),
                client: client.filter(|_| callback == Some(Callback::Call)).map(who),
                state: formatted.state,
                log: formatted.log,
                reason: reason.clone(),
            }));
        }
        hub.publish(&Report::Crashed(crash(self, type_name::<S>(), in_init, reason)));
    }
}

/// Reports the end of a process without a server, and returns the reason.
pub(crate) fn crashed(process: &dyn AnyProcess, entry: &'static str, reason: Reason) -> Reason {
    let hub = process.head().home.node().hub();
    if !reason.is_normal_set() && hub.is_heard() {
        hub.publish(&Report::Crashed(crash(process, entry, false, reason.clone())));
    }
    reason
}

fn crash(process: &dyn AnyProcess, entry: &'static str, in_init: bool, reason: Reason) -> Crashed {
    let seen = process.info();
    Crashed {
        process: Who { pid: seen.pid, name: seen.name, label: seen.label },
        entry,
        in_init,
        reason,
        ancestors: process.head().ancestors().iter().copied().map(who).collect(),
        links: seen.links.into_iter().map(who).collect(),
        mailbox: seen.mailbox,
        traps_exits: seen.traps_exits,
    }
}

/// A process by its pid: with its name, if it lives.
pub(super) fn who(pid: Pid) -> Who {
    node::find(pid).map_or(Who { pid, name: None, label: None }, |process| Who::new(process.head()))
}

fn message_type<S: GenServer>(callback: Callback) -> &'static str {
    match callback {
        Callback::Call => type_name::<S::Call>(),
        Callback::Cast => type_name::<S::Cast>(),
        Callback::Info => type_name::<S::Info>(),
        Callback::Init | Callback::Idle | Callback::Terminate => "none",
    }
}

impl<S: GenServer> Cx<S> {
    /// Reports a message that this server has no use for: `Unexpected message in NAME`.
    ///
    /// It is for the last arm of a `match`, where OTP's callbacks have their catch-all. Without a subscriber, and without
    /// `tracing`, the message is not even printed. A message for which [`handle_info`](GenServer::handle_info) was not written is
    /// reported as [`format_message`](GenServer::format_message) shows it, which without that callback is its type.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::{Cx, GenServer, Init, Never, Next, Node, Outcome};
    /// use genserver::report::Report;
    ///
    /// struct Lamp { on: bool }
    ///
    /// impl GenServer for Lamp {
    ///     # type Args = ();
    ///     # type Call = Never;
    ///     # type Cast = Never;
    ///     type Info = &'static str;
    ///     # async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Lamp { on: false }) }
    ///     // ...
    ///     async fn handle_info(&mut self, info: &'static str, cx: &mut Cx<Self>) -> Outcome<Self> {
    ///         match info {
    ///             "on" => self.on = true,
    ///             "off" => self.on = false,
    ///             other => cx.unexpected(&other),
    ///         }
    ///         Next::wait()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut reports = Node::program().reports();
    /// let lamp = genserver::start::<Lamp>(()).await?;
    /// lamp.send("dim")?;
    /// let Some(Report::Unexpected(report)) = reports.next().await else { unreachable!() };
    /// assert_eq!(report.message, r#""dim""#);
    /// # Ok(())
    /// # }
    /// ```
    pub fn unexpected(&self, message: &dyn fmt::Debug) {
        if self.process.head.home.node().hub().is_heard() {
            self.report_unexpected(shown(&format_args!("{message:?}")));
        }
    }

    /// The same for an info, which need not be `Debug`.
    pub(crate) fn unexpected_info(&self, info: &S::Info) {
        if self.process.head.home.node().hub().is_heard() {
            self.report_unexpected(Message::<S>::Info(info).show());
        }
    }

    #[cold]
    fn report_unexpected(&self, message: String) {
        let head = &self.process.head;
        let report = Unexpected { process: Who::new(head), server: type_name::<S>(), message };
        head.home.node().hub().publish(&Report::Unexpected(report));
    }
}
