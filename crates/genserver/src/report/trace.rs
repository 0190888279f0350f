//! Reports as `tracing` events, and callbacks as spans. Without the feature all of this does nothing.
//!
//! The first check is whether anything subscribes, which reads one number. So a program that enables the feature without a
//! subscriber pays only for that.

#[cfg(feature = "tracing")]
pub(crate) use on::Scope;
#[cfg(feature = "tracing")]
pub(super) use on::{emit, is_on};

#[cfg(not(feature = "tracing"))]
pub(crate) use off::Scope;
#[cfg(not(feature = "tracing"))]
pub(super) use off::{emit, is_on};

#[cfg(feature = "tracing")]
mod on {
    //! With the feature.

    use tracing::level_filters::LevelFilter;
    use tracing::{Level, Span};

    use crate::node::any_process::Head;
    use crate::report::any_report::Report;
    use crate::report::custom::CustomReport;
    use crate::report::cycle::CycleRefused;
    use crate::report::level;
    use crate::report::supervised::Supervised;
    use crate::report::who::Who;
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

    /// The span of one callback. It is entered whenever the callback is polled, on any task.
    #[derive(Debug)]
    pub(crate) struct Scope(Option<Span>);

    impl Scope {
        pub(crate) const NONE: Self = Self(None);

        /// Returns whether a subscriber may want spans.
        #[inline]
        pub(crate) fn is_on() -> bool {
            LevelFilter::current() >= LevelFilter::INFO
        }

        /// Makes the span of a callback, if a subscriber wants it.
        #[inline]
        pub(crate) fn begin(head: &Head, callback: &'static str) -> Self {
            if Self::is_on() { Self::make(head, callback) } else { Self::NONE }
        }

        #[cold]
        fn make(head: &Head, callback: &'static str) -> Self {
            // The span has no parent: the task that runs the server may be anyone's, and the callback is not part of its work.
            let span = tracing::span!(
                target: "genserver::callback",
                parent: None,
                Level::INFO,
                "callback",
                process = head.title(),
                callback
            );
            Self((!span.is_disabled()).then_some(span))
        }

        /// Enters the span until the guard is dropped.
        #[inline]
        pub(crate) fn enter(&self) -> Option<tracing::span::Entered<'_>> {
            self.0.as_ref().map(Span::enter)
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    //! Without the feature.

    use crate::node::any_process::Head;
    use crate::report::any_report::Report;
    use crate::report::level::Level;

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
        pub(crate) fn begin(_head: &Head, _callback: &'static str) -> Self {
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
}
