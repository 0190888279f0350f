//! What a server reports of itself: its end, a callback that was long, a message that it has no use for.

use std::any::type_name;
use std::fmt;
use std::time::Duration;

use crate::node::record::{self, Event};
use crate::process::Process;
use crate::process::body::{Body, Ending};
use crate::report::{LastMessage, Level, LongSchedule, Report, Terminated, Unexpected, Who, crash};
use crate::server::GenServer;
use crate::server::context::Cx;
use crate::server::show::{Message, Shown};
use crate::values::info::Callback;
use crate::values::reason::Reason;
use crate::values::shown::shown;

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
        let formatted = Shown { message, reason: Some(plain.clone()), log, ..Shown::default() }
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
                client: client.filter(|_| callback == Some(Callback::Call)).map(Who::of),
                state: formatted.state,
                log: formatted.log,
                reason: reason.clone(),
            }));
        }
        hub.publish(&Report::Crashed(crash(self, type_name::<S>(), in_init, reason)));
    }

    /// Reports the callback that just came back or awaits, if it blocked its thread too long. Called outside of any lock.
    pub(crate) fn report_long_schedule(&self, blocked: Duration) {
        let hub = self.head.home.node().hub();
        if blocked <= hub.long_schedule() || !hub.is_heard() {
            return;
        }
        let Some(callback) = Callback::of(self.doing()) else { return };
        let mut mail = self.mail.lock();
        let extras = mail.extras();
        extras.long_schedules += 1;
        let times = extras.long_schedules;
        drop(mail);
        // The first, the second, the fourth: a server that is always slow does not flood the log.
        if times.is_power_of_two() {
            let process = Who::new(&self.head);
            let report = LongSchedule { process, server: type_name::<S>(), callback, blocked, times };
            hub.publish(&Report::LongSchedule(report));
        }
    }
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
    ///     async fn handle_info(
    ///         &mut self,
    ///         info: &'static str,
    ///         cx: &mut Cx<Self>,
    ///     ) -> Outcome<Self> {
    ///         match info {
    ///             "on" => self.on = true,
    ///             "off" => self.on = false,
    ///             other => cx.unexpected(&other),
    ///         }
    ///         Next::wait()
    ///     }
    /// }
    ///
    /// # genserver_doc::run! {
    /// let mut reports = Node::program().reports();
    /// let lamp = genserver::start::<Lamp>(()).await?;
    /// lamp.send("dim")?;
    /// let Some(Report::Unexpected(report)) = reports.next().await else { unreachable!() };
    /// assert_eq!(report.message, r#""dim""#);
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

    /// Publishes a report about this server, made by `make`, if anybody would see one of that level.
    ///
    /// It is for libraries that have their own kinds of servers; what ends a server is reported anyway.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::report::{Level, Offender, Report, Supervised, SupervisorEvent};
    /// # use genserver::{Cx, GenServer, Init, Never, Node};
    /// # struct Watchman;
    /// # impl GenServer for Watchman {
    /// #     type Args = ();
    /// #     type Call = Never;
    /// #     type Cast = Never;
    /// #     type Info = Never;
    /// async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
    ///     let event = SupervisorEvent::Progress;
    ///     cx.report(event.level(), |me| {
    ///         let child = Offender {
    ///             // ...
    ///             # pid: None,
    ///             id: "lantern".to_owned(),
    ///             # runs: "Lantern",
    ///             # restart: "permanent".to_owned(),
    ///             # shutdown: "within 5s".to_owned(),
    ///             # kind: "worker".to_owned(),
    ///             # significant: false,
    ///         };
    ///         Report::Supervised(Supervised::new(me, event, child, None))
    ///     });
    ///     Init::Run(Watchman)
    /// }
    /// # }
    ///
    /// # genserver_doc::run! {
    /// let node = Node::new();
    /// let mut reports = node.reports_from(Level::Info);
    /// node.start::<Watchman>(()).name("watchman").await?;
    /// let report = reports.next().await.ok_or("the node is gone")?;
    /// assert!(report.to_string().starts_with("Supervisor watchman"));
    /// # }
    /// ```
    pub fn report(&self, level: Level, make: impl FnOnce(Who) -> Report) {
        let head = &self.process.head;
        let hub = head.home.node().hub();
        if hub.is_heard_at(level) {
            hub.publish(&make(Who::new(head)));
        }
    }

    /// Notes for a simulation that this server is a supervisor and about to restart a child, or gives up. Its limit is so many
    /// restarts within such a time.
    #[doc(hidden)]
    pub fn note_restart(&self, limit: (u32, Duration), gives_up: bool) {
        record::note(|| Event::Restarts { pid: self.process.head.pid, limit, gives_up });
    }
}
