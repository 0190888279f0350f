//! Supervisors whose children are killed at any step: how often they restart, in which order, and how they end.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use genserver::sim::{self, Faults, Sim, sometimes};
use genserver::supervisor::{ChildSpec, Supervisor, SupervisorSpec};
use genserver::{Pid, Probe, Reason, time};

use crate::worker::{Entry, Ledger, NAP, Plan, What, Worker, steps};

/// Adds so many workers, with these numbers as ids, whose init takes some steps.
fn with_workers(spec: SupervisorSpec, ledger: &Ledger, count: u64) -> SupervisorSpec {
    (0..count).fold(spec, |spec, id| {
        let plan = Plan::new(id, ledger).traps().steps(1);
        spec.child(ChildSpec::server(format!("worker {id}"), move || genserver::start_link::<Worker>(plan.begin())))
    })
}

/// When workers have ended.
fn ends(entries: &[Entry]) -> Vec<Instant> {
    entries.iter().filter(|entry| entry.what == What::Over).map(|entry| entry.at).collect()
}

fn count(entries: &[Entry], what: &What) -> usize {
    entries.iter().filter(|entry| entry.what == *what).count()
}

/// The place of the first end that is one too many: as many as are allowed have come before it within the time.
fn one_too_many(ends: &[Instant], max_restarts: usize, within: Duration) -> Option<usize> {
    (0..ends.len()).find(|last| {
        let recent = ends[..*last].iter().filter(|end| ends[*last].duration_since(**end) <= within).count();
        recent >= max_restarts
    })
}

#[test]
fn a_supervisor_restarts_as_often_as_it_may_and_not_once_more() {
    sim::check(async |sim| {
        const WITHIN: Duration = Duration::from_millis(100);
        let ledger = Ledger::default();
        let max_restarts = usize::try_from(sim.draw(0..4)).unwrap();
        let spec = Supervisor::one_for_one().max_restarts(u32::try_from(max_restarts).unwrap()).within(WITHIN);
        let mut probe = Probe::<()>::new();
        let supervisor = with_workers(spec, &ledger, 2).start().await.unwrap();
        let reference = probe.monitor(&supervisor);
        sim.faults(Faults::swarm().kill::<Worker>().panic::<Worker>().at_most(5));
        for _ in 0..12 {
            // A multiple of a quarter of the time, so that ends at its very edge are among them.
            time::sleep(Duration::from_millis(25 * sim.draw(0..3))).await;
            steps(4).await;
        }
        sim.heal(Duration::from_secs(1)).await;
        let entries = ledger.entries();
        let is_over = one_too_many(&ends(&entries), max_restarts, WITHIN);
        let starts = count(&entries, &What::Start);
        sometimes!(is_over.is_some(), "one restart too many is due");
        sometimes!(is_over.is_none() && starts > 2, "the restarts are not too many");
        if let Some(last) = is_over {
            assert_eq!(probe.expect_down(reference).await.reason, Reason::Shutdown);
            assert_eq!(starts, 2 + last, "{max_restarts} restarts are allowed");
        } else {
            assert!(supervisor.is_alive(), "{max_restarts} restarts are allowed");
            assert_eq!(starts, 2 + ends(&entries).len(), "each end is a restart");
            assert_eq!(supervisor.count_children().await.unwrap().active, 2);
        }
    });
}

/// Which children are there, as the ledger has it; and what was last started.
#[derive(Default)]
struct Alive {
    children: BTreeSet<u64>,
    started: Option<Started>,
}

/// The child that was started last.
#[derive(Clone, Copy, Debug)]
struct Started {
    id: u64,
    /// Whether its init has done its work. It may have failed all the same.
    is_up: bool,
    is_over: bool,
}

impl Alive {
    fn see(&mut self, entry: &Entry, may_follow: impl Fn(Option<Started>, u64) -> bool) {
        match entry.what {
            What::Start => {
                assert!(may_follow(self.started, entry.id), "{} starts after {:?}", entry.id, self.started);
                let later: Vec<&u64> = self.children.range(entry.id..).collect();
                assert!(later.is_empty(), "{} starts while {later:?} are there", entry.id);
                self.children.insert(entry.id);
                self.started = Some(Started { id: entry.id, is_up: false, is_over: false });
            }
            What::Up => self.started = Some(Started { id: entry.id, is_up: true, is_over: false }),
            What::Over => {
                assert!(self.children.remove(&entry.id));
                if let Some(started) = self.started.as_mut().filter(|started| started.id == entry.id) {
                    started.is_over = true;
                }
            }
            _ => {}
        }
    }
}

/// Three children, killed now and then, until the supervisor is stopped. Returns what happened, up to the stop and after it.
async fn killed_and_stopped(sim: &Sim<'_>, spec: SupervisorSpec) -> (Vec<Entry>, Vec<Entry>) {
    let ledger = Ledger::default();
    let supervisor = with_workers(spec.max_restarts(1000), &ledger, 3).start().await.unwrap();
    sim.faults(Faults::new().kill::<Worker>().panic::<Worker>().stall::<Worker>(NAP).at_most(4));
    for _ in 0..10 {
        steps(4).await;
    }
    sim.heal(Duration::from_secs(1)).await;
    let before = ledger.entries();
    supervisor.stop().await.unwrap();
    let after = ledger.entries().split_off(before.len());
    (before, after)
}

fn assert_reverse_ends(after: &[Entry]) {
    let ends: Vec<u64> = after.iter().filter(|entry| entry.what == What::Over).map(|entry| entry.id).collect();
    assert_eq!(ends, [2, 1, 0], "the last first");
    let terminated: Vec<(u64, &What)> = after.iter().map(|entry| (entry.id, &entry.what)).collect();
    let expected = [What::Terminate(Reason::Shutdown), What::Gone, What::Over];
    let expected: Vec<(u64, &What)> = [2, 1, 0].iter().flat_map(|id| expected.iter().map(|what| (*id, what))).collect();
    assert_eq!(terminated, expected, "each ends before the next is told to");
}

#[test]
fn one_for_all_ends_all_in_reverse_and_starts_all_in_order() {
    sim::check(async |sim| {
        let (before, after) = killed_and_stopped(sim, Supervisor::one_for_all()).await;
        let mut alive = Alive::default();
        for entry in &before {
            alive.see(entry, |last, next| match last {
                None | Some(Started { id: 2, .. }) => next == 0,
                // One that ends in its init is tried again, with all others.
                Some(last) => next == last.id + 1 && last.is_up || next == 0 && last.is_over,
            });
        }
        assert_eq!(alive.children.len(), 3, "all are there again");
        sometimes!(count(&before, &What::Start) > 3, "a child is restarted");
        assert_reverse_ends(&after);
    });
}

#[test]
fn rest_for_one_restarts_those_that_were_started_later_and_no_others() {
    sim::check(async |sim| {
        let (before, after) = killed_and_stopped(sim, Supervisor::rest_for_one()).await;
        let mut alive = Alive::default();
        for entry in &before {
            alive.see(entry, |last, next| match last {
                None => next == 0,
                Some(Started { id: 2, .. }) => true,
                Some(last) => next == last.id + 1 && last.is_up || next <= last.id && last.is_over,
            });
        }
        assert_eq!(alive.children.len(), 3, "all are there again");
        // Nobody but a supervisor ends one in an orderly way, and only for one that was started before it.
        for (place, entry) in before.iter().enumerate() {
            if matches!(entry.what, What::Terminate(_)) {
                let is_due = before[..place].iter().any(|cause| cause.id < entry.id && cause.what == What::Over);
                assert!(is_due, "{} was ended although nothing before it had", entry.id);
            }
        }
        sometimes!(count(&before, &What::Start) > 3, "a child is restarted");
        assert_reverse_ends(&after);
    });
}

/// A kill and a stop at once: each incarnation terminates once at most, and nothing is started after the stop has returned.
#[test]
fn a_stop_ends_every_child_once_whatever_is_killed_meanwhile() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let spec = with_workers(Supervisor::one_for_one().max_restarts(1000), &ledger, 3);
        let supervisor = spec.start().await.unwrap();
        sim.faults(Faults::swarm().kill::<Worker>().panic::<Worker>().stall::<Worker>(NAP).at_most(5));
        steps(sim.draw(0..10)).await;
        supervisor.stop().await.unwrap();
        let entries = ledger.entries();
        let begun: Vec<Pid> = entries.iter().filter(|entry| entry.what == What::Init).map(|entry| entry.pid).collect();
        for pid in &begun {
            let own: Vec<&What> = entries.iter().filter(|entry| entry.pid == *pid).map(|entry| &entry.what).collect();
            let terminated = own.iter().filter(|what| matches!(what, What::Terminate(_))).count();
            assert!(terminated <= 1, "{own:?}");
            assert_eq!(own.last(), Some(&&What::Gone), "it is there although its supervisor has ended: {own:?}");
        }
        sim.heal(Duration::from_secs(1)).await;
        time::sleep(Duration::from_secs(1)).await;
        assert_eq!(ledger.entries().len(), entries.len(), "nothing happens after the stop");
        // Only the test and its probes are left, if there are any.
        let left = sim.node().process_list();
        assert!(left.iter().all(|process| process.server == "genserver::Probe"), "{left:?}");
    });
}
