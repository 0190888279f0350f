//! What is counted for the `metrics` facade. Without the feature all of this does nothing.
//!
//! 1. A *meter* is what all servers of one type count together. The type is the only label that says whose a series is, so the
//!    number of series is bounded by the code. A process keeps a reference to the meter of its type.
//! 2. A message is counted in its own process. What has come together is added to the counters when the process is timed anyway
//!    (see `process::pace`), when it ends, and on [`update_metrics`](crate::Node::update_metrics).
//! 3. Keys are kept, with their hashes. The handles that a recorder gives for them are not: a recorder may be installed later, or
//!    for one thread only, and gets what is counted from then on, or on that thread. Handles are asked for so seldom that a call
//!    does not become slower by it.
//! 4. The recorder is foreign code: it is called without a lock, and its panic goes no further.

#[cfg(feature = "metrics")]
pub(crate) use on::{Counts, Meter};

#[cfg(not(feature = "metrics"))]
pub(crate) use off::Meter;

#[cfg(feature = "metrics")]
mod on {
    //! With the feature.

    use std::collections::BTreeMap;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
    use std::time::Duration;

    use metrics::{IntoF64, Key, Label, Level, Metadata, Recorder, Unit, with_recorder};
    use parking_lot::Mutex;

    use crate::sync::barrier;
    use crate::values::info::Callback;
    use crate::values::reason::Reason;

    /// The meters, by the types of their servers. The model checker does not see this lock: it outlives every execution of a model.
    static METERS: Mutex<BTreeMap<&'static str, &'static TypeMeter>> = Mutex::new(BTreeMap::new());

    /// The address of the recorder that was told last what the names mean.
    static DESCRIBED: AtomicUsize = AtomicUsize::new(0);

    const METADATA: Metadata<'static> = Metadata::new("genserver", Level::INFO, Some("genserver"));

    /// The meter of a process.
    #[derive(Clone, Copy)]
    pub(crate) struct Meter(&'static TypeMeter);

    /// What all servers of a type count together.
    struct TypeMeter {
        server: &'static str,
        /// How many of them live.
        live: AtomicI64,
        count: Key,
        handled: [Key; 3],
        refused: Key,
        dropped: Key,
        restarts: Key,
        /// One for each kind of reason, once a process has ended with one of it.
        exits: [OnceLock<Key>; Reason::KINDS.len()],
        mailbox_size: Key,
        mailbox_time: Key,
        durations: [Key; TIMED.len()],
    }

    /// What a process has counted.
    #[derive(Clone, Copy, Default)]
    pub(crate) struct Counts {
        /// Calls, casts and infos.
        pub(crate) handled: [u64; 3],
        pub(crate) refused: u64,
        pub(crate) dropped: u64,
    }

    impl Counts {
        /// Sets what was counted so far, and returns what is new in it.
        pub(crate) fn advance(&mut self, now: Self) -> Self {
            let before = std::mem::replace(self, now);
            let mut new = now;
            for (new, before) in new.handled.iter_mut().zip(before.handled) {
                *new = new.saturating_sub(before);
            }
            new.refused = new.refused.saturating_sub(before.refused);
            new.dropped = new.dropped.saturating_sub(before.dropped);
            new
        }
    }

    impl Meter {
        /// Returns the meter of a type, and counts a process of it that is about to be made. Called without a lock (rule 4).
        pub(crate) fn of(server: &'static str) -> Self {
            let mut meters = METERS.lock();
            // Never freed: the number of types is bounded by the code.
            let meter = *meters.entry(server).or_insert_with(|| Box::leak(Box::new(TypeMeter::new(server))));
            drop(meters);
            meter.live.fetch_add(1, Ordering::Relaxed);
            let meter = Self(meter);
            meter.show_live();
            meter
        }

        /// A process has ended.
        pub(crate) fn ended(self, reason: &Reason) {
            self.discarded();
            let label = ("reason", reason.kind());
            let key = &self.0.exits[reason.kind_number()];
            count(key.get_or_init(|| series(self.0.server, "genserver.exits", Some(label))), 1);
        }

        /// A process goes away that never ran.
        pub(crate) fn discarded(self) {
            self.0.live.fetch_sub(1, Ordering::Relaxed);
            self.show_live();
        }

        /// A process was started in the place of another.
        pub(crate) fn restarted(self) {
            count(&self.0.restarts, 1);
        }

        /// Adds what a process has counted.
        pub(crate) fn add(self, new: &Counts) {
            let keys = self.0.handled.iter().chain([&self.0.refused, &self.0.dropped]);
            for (key, new) in keys.zip(new.handled.into_iter().chain([new.refused, new.dropped])) {
                // Mostly one of them has moved.
                if new > 0 {
                    count(key, new);
                }
            }
        }

        /// A callback took so long.
        pub(crate) fn ran(self, callback: Callback, took: Duration) {
            if let Some(place) = TIMED.iter().position(|timed| *timed == callback) {
                sample(&self.0.durations[place], took);
            }
        }

        /// A message has waited behind so many others, and this long.
        pub(crate) fn waited(self, behind: u32, waited: Duration) {
            sample(&self.0.mailbox_size, behind);
            sample(&self.0.mailbox_time, waited);
        }

        /// Shows how many processes of each type live, to a recorder that may not have been there when the last one was started.
        pub(crate) fn show_all() {
            // A new recorder may lie at the address of one that is gone, and has not been told either.
            DESCRIBED.store(0, Ordering::Relaxed);
            let meters: Vec<Self> = METERS.lock().values().map(|meter| Self(meter)).collect();
            meters.into_iter().for_each(Self::show_live);
        }

        #[expect(clippy::cast_precision_loss, reason = "fewer processes live than a float counts exactly")]
        fn show_live(self) {
            with_described(|recorder| {
                recorder.register_gauge(&self.0.count, &METADATA).set(self.0.live.load(Ordering::Relaxed) as f64);
            });
        }
    }

    fn count(key: &Key, new: u64) {
        with_described(|recorder| recorder.register_counter(key, &METADATA).increment(new));
    }

    fn sample(key: &Key, value: impl IntoF64) {
        with_described(|recorder| recorder.register_histogram(key, &METADATA).record(value));
    }

    /// Uses the present recorder, which has been told what the names mean (rule 4).
    fn with_described(record: impl FnOnce(&dyn Recorder)) {
        barrier::caught(|| {
            with_recorder(|recorder| {
                let address = std::ptr::from_ref(recorder).cast::<()>().addr();
                if DESCRIBED.load(Ordering::Relaxed) != address {
                    DESCRIBED.store(address, Ordering::Relaxed);
                    describe(recorder);
                }
                record(recorder);
            });
        });
    }

    impl TypeMeter {
        fn new(server: &'static str) -> Self {
            let key = |name| series(server, name, None);
            let callback = |name, callback: Callback| series(server, name, Some(("callback", callback.name())));
            Self {
                server,
                live: AtomicI64::new(0),
                count: key("genserver.process.count"),
                handled: [Callback::Call, Callback::Cast, Callback::Info]
                    .map(|it| callback("genserver.messages.handled", it)),
                refused: key("genserver.messages.refused"),
                dropped: key("genserver.messages.dropped"),
                restarts: key("genserver.restarts"),
                exits: [const { OnceLock::new() }; Reason::KINDS.len()],
                mailbox_size: key("genserver.mailbox.size"),
                mailbox_time: key("genserver.mailbox.time"),
                durations: TIMED.map(|it| callback("genserver.callback.duration", it)),
            }
        }
    }

    /// A series of a type of server.
    fn series(server: &'static str, name: &'static str, label: Option<(&'static str, &'static str)>) -> Key {
        let labels = std::iter::once(("server", server)).chain(label);
        Key::from_parts(name, labels.map(|(name, value)| Label::from_static_parts(name, value)).collect::<Vec<_>>())
    }

    /// The callbacks that are timed. Init is not: it runs once, so every start would have to look at the clock.
    const TIMED: [Callback; 5] = [Callback::Call, Callback::Cast, Callback::Info, Callback::Idle, Callback::Terminate];

    /// Tells the recorder what each name means.
    fn describe(recorder: &dyn Recorder) {
        let counter = |name: &'static str, what: &'static str| {
            recorder.describe_counter(name.into(), Some(Unit::Count), what.into());
        };
        let histogram = |name: &'static str, unit, what: &'static str| {
            recorder.describe_histogram(name.into(), Some(unit), what.into());
        };
        recorder.describe_gauge("genserver.process.count".into(), Some(Unit::Count), "Processes that live.".into());
        counter("genserver.messages.handled", "Messages handled.");
        counter("genserver.messages.refused", "Messages given back because the mailbox was full.");
        counter("genserver.messages.dropped", "Messages dropped to make space for others.");
        counter("genserver.exits", "Ends of processes.");
        counter("genserver.restarts", "Processes that a supervisor started in the place of another.");
        histogram("genserver.mailbox.size", Unit::Count, "Messages that waited when another was queued; sampled.");
        histogram("genserver.mailbox.time", Unit::Seconds, "How long a queued message waited; sampled.");
        histogram(
            "genserver.callback.duration",
            Unit::Seconds,
            "How long a callback took, its awaits included; sampled.",
        );
    }
}

#[cfg(not(feature = "metrics"))]
mod off {
    //! Without the feature.

    use crate::values::reason::Reason;

    /// The meter of a process: nothing.
    #[derive(Clone, Copy)]
    pub(crate) struct Meter;

    #[expect(clippy::unused_self, reason = "with the feature it is needed")]
    impl Meter {
        #[inline]
        pub(crate) fn of(_server: &'static str) -> Self {
            Self
        }

        #[inline]
        pub(crate) fn ended(self, _reason: &Reason) {}

        #[inline]
        pub(crate) fn discarded(self) {}

        #[inline]
        pub(crate) fn restarted(self) {}
    }
}
