//! A program of whose runs its test says nothing: what is wrong in one, the simulator finds by itself.
//!
//! `cargo xtask planted` plants faults in the engine for it.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::time::Duration;

use genserver::sim::{self, Faults, Sim, sometimes};
use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::{CallError, ServerRef, start, start_link};

use crate::worker::{Ask, Info, Kind, Ledger, NAP, Plan, Worker};

const TIMEOUT: Duration = Duration::from_secs(1);

/// Clients call a worker in all ways, and another one watches it; a supervisor starts it again until that is too often.
async fn program(sim: &Sim<'_>) {
    let ledger = Ledger::default();
    let plan = Plan::new(0, &ledger).traps().steps(1);
    let child = ChildSpec::server("worker", move || start_link::<Worker>(plan.clone()));
    let worker = child.reference();
    let max_restarts = u32::try_from(sim.draw(1..8)).unwrap();
    let supervisor = Supervisor::one_for_one().max_restarts(max_restarts).within(2 * NAP).child(child);
    let supervisor = supervisor.start().await.unwrap();
    let watcher = start::<Worker>(Plan::new(1, &ledger).steps(1)).await.unwrap();
    sim.faults(Faults::new().kill::<Worker>().stall::<Worker>(NAP).early_timeouts::<Worker>());
    sim.clients(3, async |client| {
        for number in 0..6 {
            let Ok(server): Result<ServerRef<Worker>, _> = worker.waiting().current().await else { return };
            // Any of these may have ended.
            let _ = watcher.send(Info::Watch(server.process_ref()));
            let _ = watcher.cast(number);
            let kind = *client.pick(&Kind::ALL);
            let outcome = server.call(|caller| Ask(kind, number, caller)).timeout(TIMEOUT).await;
            sometimes!(matches!(outcome, Err(CallError::Exit { .. })), "a server ends during a call");
            sometimes!(matches!(outcome, Err(CallError::NoReply { .. })), "a server forgets its caller");
            sometimes!(matches!(outcome, Err(CallError::Timeout { .. })), "a call times out");
        }
    })
    .await;
    sometimes!(!supervisor.is_alive(), "the supervisor gives up");
    sometimes!(supervisor.is_alive() && max_restarts < 3, "there are few restarts");
}

#[test]
fn a_program_is_checked_although_its_test_says_nothing() {
    sim::check(program);
}
