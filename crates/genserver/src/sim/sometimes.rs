//! What has to happen in some run of a check: a scenario that never meets it does not test it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

thread_local! {
    /// What the check that this thread runs knows. Nothing outside a check.
    static COVERAGE: RefCell<Option<Coverage>> = const { RefCell::new(None) };
}

/// Notes whether something happens in this run, which has to happen in some run of the check.
///
/// At the end of a [`check`](crate::sim::check) of at least 256 runs, each condition must have been true in some run. If one was
/// looked at and was always false, the check fails with its text and its place: `never happened in 256 runs: a worker is killed
/// (tests/workers.rs:31)`. A smaller check and one of a recipe do not look at this.
///
/// It may stand in the test, and in the program: outside a check it does nothing, and does not look at the condition. Without the
/// feature `sim` it is there, too, and is compiled to nothing.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// use genserver::sim::{self, Faults};
///
/// sim::check(async |sim| {
///     let counter = sim.start_supervised(genserver::start_link::<Counter>(0)).await;
///     sim.faults(Faults::new().kill::<Counter>());
///     let asks = async |_client| counter.call(Call::Get).await;
///     let answers = sim.clients(3, asks).await;
///     // If no fault ever hit a call, the test would not be about faults.
///     let is_hit = answers.iter().any(Result::is_err);
///     sim::sometimes!(is_hit, "a client gets no answer");
/// });
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __sometimes {
    ($condition:expr, $what:literal $(,)?) => {
        if $crate::sim::notes_what_happens() {
            let place = ::core::concat!(::core::file!(), ":", ::core::line!());
            $crate::sim::note_what_happens($condition, $what, place);
        }
    };
}

/// Whether a check wants to know. For [`sometimes!`](crate::sim::sometimes).
#[doc(hidden)]
#[must_use]
pub fn notes_what_happens() -> bool {
    COVERAGE.with_borrow(Option::is_some)
}

/// Notes whether this condition is true. For [`sometimes!`](crate::sim::sometimes).
#[doc(hidden)]
pub fn note_what_happens(is_true: bool, what: &'static str, place: &'static str) {
    COVERAGE.with_borrow(|coverage| {
        if let Some(Coverage(conditions)) = coverage {
            *conditions.borrow_mut().entry((place, what)).or_default() |= is_true;
        }
    });
}

/// Each condition that the runs of a check have come by: where it stands, its text, and whether it was ever true.
#[derive(Clone, Default)]
pub(super) struct Coverage(Rc<RefCell<BTreeMap<(&'static str, &'static str), bool>>>);

impl Coverage {
    /// Notes the conditions that this thread comes by, until the guard is dropped.
    pub(super) fn note(&self) -> Noting {
        COVERAGE.set(Some(self.clone()));
        Noting(())
    }

    /// What never happened in so many runs, as text; nothing if everything did.
    pub(super) fn missed(&self, runs: u64) -> Option<String> {
        let conditions = self.0.borrow();
        let missed = conditions.iter().filter(|(_, was_true)| !**was_true);
        let lines = missed.map(|((place, what), _)| format!("never happened in {runs} runs: {what} ({place})"));
        let text = lines.collect::<Vec<_>>().join("\n");
        Some(text).filter(|text| !text.is_empty())
    }
}

/// Ends what [`note`](Coverage::note) began.
pub(super) struct Noting(());

impl Drop for Noting {
    fn drop(&mut self) {
        drop(COVERAGE.take());
    }
}
