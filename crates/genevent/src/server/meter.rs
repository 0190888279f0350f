//! What a manager counts for the `metrics` facade. Without the feature all of this does nothing.
//!
//! The type of the events is the only label that says whose a series is, so the number of series is bounded by the code. The
//! recorder is foreign code: a panic in it goes no further.

#[cfg(feature = "metrics")]
pub(super) use on::Meter;

#[cfg(not(feature = "metrics"))]
pub(super) use off::Meter;

#[cfg(feature = "metrics")]
mod on {
    //! With the feature.

    use std::any::type_name;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    use genserver::{Cx, GenServer, Reason};
    use metrics::{Key, Label, Level, Metadata, Recorder, Unit, with_recorder};

    use crate::values::TerminateReason;

    /// One event in so many is timed: the first, and then each that completes the period.
    const PERIOD: u8 = 64;

    const METADATA: Metadata<'static> = Metadata::new("genevent", Level::INFO, Some("genevent"));

    /// The address of the recorder that was told last what the names mean.
    static DESCRIBED: AtomicUsize = AtomicUsize::new(0);

    /// What a manager counts.
    pub(in crate::server) struct Meter {
        /// How many events there are up to the next one that is timed, and with it.
        left: u8,
        /// When the delivery began of the one that is timed. It is kept here and not in the future of the callback, which every
        /// event would have to make larger.
        since: Option<Instant>,
        /// The series of the durations; made with the first of them.
        durations: Option<Key>,
    }

    impl Meter {
        pub(in crate::server) fn new() -> Self {
            Self { left: 1, since: None, durations: None }
        }

        /// An event is about to be delivered.
        #[inline]
        pub(in crate::server) fn begin<S: GenServer>(&mut self, cx: &Cx<S>) {
            self.left -= 1;
            if self.left == 0 {
                self.begin_timed(cx);
            }
        }

        #[cold]
        fn begin_timed<S: GenServer>(&mut self, cx: &Cx<S>) {
            self.left = PERIOD;
            self.since = Some(cx.now());
        }

        /// An event of this type has been delivered.
        #[inline]
        pub(in crate::server) fn end<E, S: GenServer>(&mut self, cx: &Cx<S>) {
            if self.left == PERIOD {
                self.end_timed::<E, S>(cx);
            }
        }

        #[cold]
        fn end_timed<E, S: GenServer>(&mut self, cx: &Cx<S>) {
            let Some(since) = self.since.take() else { return };
            let took = cx.now().saturating_duration_since(since);
            let key = self.durations.get_or_insert_with(|| series::<E>("genevent.notify.duration", None));
            with_described(|recorder| recorder.register_histogram(key, &METADATA).record(took));
        }

        /// A handler of events of this type has left.
        pub(in crate::server) fn left<E>(why: &TerminateReason) {
            let reason = match why {
                TerminateReason::Removed(_) => "removed",
                TerminateReason::Swapped(_) => "swapped",
                TerminateReason::Left => "left",
                TerminateReason::Failed(_) => "failed",
                TerminateReason::OwnerEnded(_) => "owner_ended",
                TerminateReason::Stop => "stop",
            };
            count(&series::<E>("genevent.handlers.removed", Some(Label::from_static_parts("reason", reason))));
        }

        /// A handler has refused what it was given.
        pub(in crate::server) fn refused<E>() {
            count(&series::<E>("genevent.refusals", None));
        }
    }

    fn count(key: &Key) {
        with_described(|recorder| recorder.register_counter(key, &METADATA).increment(1));
    }

    /// A series of the managers of events of this type.
    fn series<E>(name: &'static str, label: Option<Label>) -> Key {
        let event = Label::from_static_parts("event", type_name::<E>());
        Key::from_parts(name, std::iter::once(event).chain(label).collect::<Vec<_>>())
    }

    /// Uses the present recorder, which has been told what the names mean.
    fn with_described(record: impl FnOnce(&dyn Recorder)) {
        let used = catch_unwind(AssertUnwindSafe(|| {
            with_recorder(|recorder| {
                let address = std::ptr::from_ref(recorder).cast::<()>().addr();
                if DESCRIBED.swap(address, Ordering::Relaxed) != address {
                    describe(recorder);
                }
                record(recorder);
            });
        }));
        if let Err(payload) = used {
            // A panic's payload may panic when dropped, too; `Reason::caught` guards against that.
            let _ = Reason::caught(payload);
        }
    }

    /// Tells the recorder what each name means.
    fn describe(recorder: &dyn Recorder) {
        let duration = "How long a manager took to deliver an event; sampled.";
        recorder.describe_histogram("genevent.notify.duration".into(), Some(Unit::Seconds), duration.into());
        let removed = "Handlers that have left their manager.";
        recorder.describe_counter("genevent.handlers.removed".into(), Some(Unit::Count), removed.into());
        let refusals = "Events and messages that a handler has refused.";
        recorder.describe_counter("genevent.refusals".into(), Some(Unit::Count), refusals.into());
    }
}

#[cfg(not(feature = "metrics"))]
mod off {
    //! Without the feature.

    use genserver::{Cx, GenServer};

    use crate::values::TerminateReason;

    /// What a manager counts: nothing.
    pub(in crate::server) struct Meter;

    #[expect(clippy::unused_self, reason = "with the feature it is needed")]
    impl Meter {
        #[inline]
        pub(in crate::server) fn new() -> Self {
            Self
        }

        #[inline]
        pub(in crate::server) fn begin<S: GenServer>(&mut self, _cx: &Cx<S>) {}

        #[inline]
        pub(in crate::server) fn end<E, S: GenServer>(&mut self, _cx: &Cx<S>) {}

        #[inline]
        pub(in crate::server) fn left<E>(_why: &TerminateReason) {}

        #[inline]
        pub(in crate::server) fn refused<E>() {}
    }
}
