//! Mailboxes with a bound, while their server is killed: what is taken, what comes back, and what is dropped.

use std::time::Duration;

use genserver::sim::{self, Faults, sometimes};
use genserver::{CallError, CastError, Overflow, ServerRef, start};

use crate::worker::{Ask, Kind, Ledger, Plan, Worker, is_fault, steps};

const BOUND: usize = 3;

/// Casts some numbers. Returns those that were taken, and how many came back because of the bound.
async fn caster(worker: &ServerRef<Worker>, numbers: std::ops::Range<u64>, waits: bool) -> (Vec<u64>, u64) {
    let (mut taken, mut full) = (Vec::new(), 0);
    for number in numbers {
        let cast = if waits { worker.cast_wait(number).await } else { worker.cast(number) };
        match cast {
            Ok(()) => taken.push(number),
            Err(CastError::Full { message, .. }) => {
                assert_eq!((message, waits), (number, false));
                full += 1;
            }
            Err(CastError::NoProc { message, .. }) => assert_eq!(message, number),
        }
        assert!(worker.info().mailbox <= BOUND, "{}", worker.info());
        steps(1).await;
    }
    (taken, full)
}

/// Promise 8, and that nothing is lost silently.
#[test]
fn a_mailbox_keeps_its_bound_and_loses_nothing_that_it_has_taken() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let plan = Plan::new(0, &ledger).steps(2);
        let worker = start::<Worker>(plan).mailbox(u32::try_from(BOUND).unwrap()).await.unwrap();
        sim.faults(Faults::new().kill::<Worker>().panic::<Worker>().full_mailboxes::<Worker>().at_most(2));
        let casters = sim.clients(3, async |client| {
            let first = client.number() as u64 * 100;
            caster(&worker, first..first + 5, client.number() == 2).await
        });
        let call = worker.call(|caller| Ask(Kind::Slow, 1000, caller));
        let (casters, call) = futures::join!(casters, call.into_future());
        let full = casters.iter().map(|(_, full)| full).sum::<u64>();
        let taken: Vec<u64> = casters.into_iter().flat_map(|(taken, _)| taken).collect();
        sim.heal(Duration::from_secs(1)).await;
        assert_eq!(sim.elapsed(), Duration::ZERO, "who waits for space does not wait for a dead server");
        assert_eq!(worker.info().refused, full);
        sometimes!(full > 0, "a cast comes back because of the bound");
        let is_killed = match call {
            Ok(_) => worker.stop().await.is_err(),
            Err(CallError::Exit { reason, .. }) => is_fault(&reason),
            Err(CallError::NoProc { .. }) => true,
            Err(other) => panic!("{other}"),
        };
        sometimes!(is_killed, "the worker is killed");
        let handled = ledger.handled(worker.pid());
        for sender in 0..3 {
            let of = |numbers: &[u64]| -> Vec<u64> {
                numbers.iter().copied().filter(|number| number / 100 == sender).collect()
            };
            let (handled, taken) = (of(&handled), of(&taken));
            // In order. Its end loses what waits; nothing else does.
            assert!(taken.starts_with(&handled), "{handled:?} of {taken:?}");
            assert!(is_killed || handled == taken, "{handled:?} of {taken:?}");
        }
    });
}

#[test]
fn a_mailbox_that_drops_the_oldest_counts_what_it_drops() {
    sim::check(async |sim| {
        let ledger = Ledger::default();
        let plan = Plan::new(0, &ledger).steps(1);
        let start = start::<Worker>(plan).mailbox(u32::try_from(BOUND).unwrap()).overflow(Overflow::DropOldest);
        let worker = start.await.unwrap();
        sim.faults(Faults::new().full_mailboxes::<Worker>());
        let casters = sim.clients(2, async |client| {
            let first = client.number() as u64 * 100;
            caster(&worker, first..first + 6, false).await
        });
        let mut taken = 0;
        for (numbers, full) in casters.await {
            assert_eq!(full, 0, "none comes back");
            taken += numbers.len() as u64;
        }
        // It works on what is left, or has done so.
        steps(sim.draw(0..10)).await;
        let dropped = worker.info().dropped;
        worker.stop().await.unwrap();
        let handled = ledger.handled(worker.pid());
        assert_eq!((taken, handled.len() as u64 + dropped), (12, 12), "each is handled, or counted");
        for sender in 0..2 {
            assert!(handled.iter().filter(|number| **number / 100 == sender).is_sorted(), "{handled:?}");
        }
        sometimes!(dropped > 0, "the oldest is dropped");
    });
}
