//! Reports as `tracing` events, and callbacks as spans. Without the feature all of this does nothing.
//!
//! A callback's span belongs to the trace of the code that sent the message:
//!
//! 1. The sender of a call waits for the answer. So the span of the callback is a child of the sender's.
//! 2. Nobody waits for the callback of a cast, an info or a `Down`. Its span is a root, and follows from the sender's. If it were a
//!    child, it would keep the sender's open; and servers that cast to one another would keep every span open that they ever had.
//! 3. What a timer brings is a root. A link would keep the span that set the timer open until then.
//!
//! A call that its caller runs finds the sender's span as the current one. Everything that is queued carries it along, if there
//! is one and a subscriber wants spans of callbacks (see `process::carried`).
//!
//! The first check is whether anything subscribes, which reads one number. So a program that enables the feature without a
//! subscriber pays only for that.

#[cfg(feature = "tracing")]
pub(crate) use on::{Scope, SentBy};
#[cfg(feature = "tracing")]
pub(super) use on::{emit, is_on};

#[cfg(not(feature = "tracing"))]
pub(crate) use off::{Scope, SentBy};
#[cfg(not(feature = "tracing"))]
pub(super) use off::{emit, is_on};

#[cfg(feature = "tracing")]
mod on {
    //! With the feature.

    use tracing::level_filters::LevelFilter;
    use tracing::span::Id;
    use tracing::{Level, Span};

    use crate::node::any_process::Head;
    use crate::report::any_report::Report;
    use crate::report::custom::CustomReport;
    use crate::report::cycle::CycleRefused;
    use crate::report::level;
    use crate::report::supervised::Supervised;
    use crate::report::who::Who;
    use crate::sync::barrier;
    use crate::values::info::Callback;
    use crate::values::shown::shown;

    /// Returns whether a report of this level has a subscriber.
    pub(crate) fn is_on(level: level::Level) -> bool {
        LevelFilter::current() >= filter(level)
    }

    fn filter(level: level::Level) -> LevelFilter {
        match level {
            level::Level::Error => LevelFilter::ERROR,
            level::Level::Warning => LevelFilter::WARN,
            level::Level::Info => LevelFilter::INFO,
            level::Level::Debug => LevelFilter::DEBUG,
        }
    }

    /// Emits a report as an event.
    pub(crate) fn emit(report: &Report) {
        if !is_on(report.level()) {
            return;
        }
        let process = report.process().to_string();
        match report {
            Report::Terminated(report) => tracing::error!(
                target: "genserver",
                process,
                server = report.server,
                label = report.process.label,
                reason = shown(&report.reason),
                state = report.state,
                last_message = report.last_message.as_ref().map(ToString::to_string),
                client = report.client.as_ref().map(ToString::to_string),
                "server terminating"
            ),
            Report::Crashed(report) => tracing::error!(
                target: "genserver",
                process,
                entry = report.entry,
                label = report.process.label,
                reason = shown(&report.reason),
                ancestors = names(&report.ancestors),
                links = names(&report.links),
                mailbox = report.mailbox,
                in_init = report.in_init,
                "process crashed"
            ),
            Report::Unexpected(report) => tracing::warn!(
                target: "genserver",
                process,
                server = report.server,
                message_received = report.message,
                "unexpected message"
            ),
            Report::Overflowed(report) => tracing::warn!(
                target: "genserver",
                process,
                server = report.server,
                label = report.process.label,
                dropped = report.dropped,
                ends = report.ends,
                "mailbox overflowed"
            ),
            Report::LongSchedule(report) => tracing::warn!(
                target: "genserver",
                process,
                server = report.server,
                label = report.process.label,
                callback = report.callback.to_string(),
                blocked = ?report.blocked,
                times = report.times,
                "callback blocked its thread"
            ),
            Report::CycleRefused(report) => cycle_refused(&process, report),
            Report::Supervised(report) => supervised(&process, report),
            Report::Custom(report) => custom(&process, report),
            Report::TaskFailed(report) => tracing::error!(
                target: "genserver",
                process,
                label = report.process.label,
                started_by = report.started_by.as_ref().map(ToString::to_string),
                function = report.function,
                reason = shown(&report.reason),
                "task terminating"
            ),
        }
    }

    /// The level in a macro has to be known at compile time, so there is one event for each.
    macro_rules! event_at {
        ($level:expr, $($fields:tt)*) => {
            match $level {
                level::Level::Error => tracing::event!(target: "genserver", Level::ERROR, $($fields)*),
                level::Level::Warning => tracing::event!(target: "genserver", Level::WARN, $($fields)*),
                level::Level::Info => tracing::event!(target: "genserver", Level::INFO, $($fields)*),
                level::Level::Debug => tracing::event!(target: "genserver", Level::DEBUG, $($fields)*),
            }
        };
    }

    fn cycle_refused(process: &str, report: &CycleRefused) {
        tracing::warn!(
            target: "genserver",
            process,
            label = report.process.label,
            cycle = names(&report.cycle),
            "call refused: it would have closed a cycle"
        );
    }

    fn supervised(process: &str, report: &Supervised) {
        event_at!(
            report.event.level(),
            process,
            label = report.process.label,
            child = report.child.id,
            pid = report.child.pid.map(|pid| pid.to_string()),
            runs = report.child.runs,
            restart = report.child.restart,
            shutdown = report.child.shutdown,
            kind = report.child.kind,
            significant = report.child.significant,
            reason = report.reason.as_ref().map(|reason| shown(reason)),
            "supervisor {}",
            report.event
        );
    }

    /// The details go into one text, because `tracing` would have to know their names at compile time.
    fn custom(process: &str, report: &CustomReport) {
        let details: Vec<String> = report.details.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        event_at!(
            report.level,
            process,
            label = report.process.label,
            details = details.join(", "),
            reason = report.reason.as_ref().map(|reason| shown(reason)),
            "{} {}",
            report.kind,
            report.what
        );
    }

    fn names(all: &[Who]) -> String {
        all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Asks a subscriber, which is foreign code: `None` if it panics, and that goes no further.
    fn asked<T>(ask: impl FnOnce() -> T) -> Option<T> {
        let mut answer = None;
        barrier::caught(|| answer = Some(ask()));
        answer
    }

    /// What tells the subscriber when it is dropped, if there is any: a span, or that it is entered.
    #[derive(Debug)]
    pub(crate) struct Telling<T>(Option<T>);

    impl<T> Drop for Telling<T> {
        #[inline]
        fn drop(&mut self) {
            if let Some(value) = self.0.take() {
                barrier::drop_caught(value);
            }
        }
    }

    /// The span of one callback. It is entered whenever the callback is polled, on any task.
    #[derive(Debug)]
    pub(crate) struct Scope(Telling<Span>);

    impl Scope {
        pub(crate) const NONE: Self = Self(Telling(None));

        /// Returns whether a subscriber may want spans.
        #[inline]
        pub(crate) fn is_on() -> bool {
            LevelFilter::current() >= LevelFilter::INFO
        }

        /// Makes the span of a callback, if a subscriber wants it. Without `sent_by`, the code that runs here has sent the message.
        #[inline]
        pub(crate) fn begin(head: &Head, callback: Callback, sent_by: Option<&mut SentBy>) -> Self {
            if Self::is_on() { Self::make(head, callback, sent_by) } else { Self::NONE }
        }

        #[cold]
        fn make(head: &Head, callback: Callback, sent_by: Option<&mut SentBy>) -> Self {
            let sender = match sent_by {
                None => SentBy::here(true).0.take(),
                Some(sent_by) => sent_by.0.take(),
            };
            if !is_wanted() {
                return Self::NONE;
            }
            let waits = sender.as_ref().is_some_and(|sender| sender.waits);
            let sender = sender.as_ref().and_then(|sender| sender.span.0.as_ref()?.id());
            // The parent is always given: the task that runs a queued message may be anyone's, and is not part of its work.
            let parent = sender.clone().filter(|_| waits);
            let span = asked(|| span_of(callback, parent.as_ref(), &head.title()));
            let span = Telling(span.filter(|span| !span.is_disabled()));
            if let (Some(span), Some(sender), false) = (&span.0, sender, waits) {
                barrier::caught(|| {
                    span.follows_from(sender);
                });
            }
            Self(span)
        }

        /// Enters the span until the guard is dropped.
        #[inline]
        pub(crate) fn enter(&self) -> Option<Telling<tracing::span::Entered<'_>>> {
            self.0.0.as_ref().map(|span| Telling(asked(|| span.enter())))
        }
    }

    /// Makes the span of a callback. Its name is fixed where it is made, so each callback has a place.
    fn span_of(callback: Callback, parent: Option<&Id>, process: &str) -> Span {
        macro_rules! span {
            ($name:literal) => {
                tracing::span!(target: "genserver::callback", parent: parent.cloned(), Level::INFO, $name, process)
            };
        }
        match callback {
            Callback::Init => span!("init"),
            Callback::Call => span!("handle_call"),
            Callback::Cast => span!("handle_cast"),
            Callback::Info => span!("handle_info"),
            Callback::Idle => span!("handle_idle"),
            Callback::Terminate => span!("terminate"),
        }
    }

    /// Returns whether a subscriber wants spans of callbacks.
    fn is_wanted() -> bool {
        asked(|| tracing::span_enabled!(target: "genserver::callback", Level::INFO)).unwrap_or(false)
    }

    /// The span of the code that sent a message, if it has one.
    #[derive(Debug)]
    // Boxed, because each server has space for one, and few messages come with one.
    pub(crate) struct SentBy(Option<Box<Sender>>);

    #[derive(Debug)]
    struct Sender {
        span: Telling<Span>,
        /// Whether it waits until the message is handled.
        waits: bool,
    }

    impl SentBy {
        pub(crate) const NONE: Self = Self(None);

        /// The code that runs here. Called without a lock: a subscriber is foreign code.
        #[cold]
        pub(crate) fn here(waits: bool) -> Self {
            if !is_wanted() {
                return Self(None);
            }
            let span = asked(Span::current).filter(|span| !span.is_none());
            Self(span.map(|span| Box::new(Sender { span: Telling(Some(span)), waits })))
        }

        pub(crate) fn is_known(&self) -> bool {
            self.0.is_some()
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    //! Without the feature.

    use crate::node::any_process::Head;
    use crate::report::any_report::Report;
    use crate::report::level::Level;
    use crate::values::info::Callback;

    pub(crate) fn is_on(_level: Level) -> bool {
        false
    }

    pub(crate) fn emit(_report: &Report) {}

    /// The span of one callback: empty.
    #[derive(Debug)]
    pub(crate) struct Scope;

    impl Scope {
        pub(crate) const NONE: Self = Self;

        #[inline]
        pub(crate) fn is_on() -> bool {
            false
        }

        #[inline]
        pub(crate) fn begin(_head: &Head, _callback: Callback, _sent_by: Option<&mut SentBy>) -> Self {
            Self
        }

        #[inline]
        #[expect(clippy::unused_self, reason = "with the feature it is needed")]
        pub(crate) fn enter(&self) -> Entered {
            Entered
        }
    }

    /// The guard that is dropped when a poll ends: empty.
    pub(crate) struct Entered;

    /// The code that sent a message: not known.
    #[derive(Debug)]
    pub(crate) struct SentBy;

    impl SentBy {
        pub(crate) const NONE: Self = Self;

        #[inline]
        pub(crate) fn here(_waits: bool) -> Self {
            Self
        }
    }
}
