//! The end of all faults: waiting until everything has recovered.

use std::fmt::Write as _;
use std::time::Duration;

use crate::{Node, Status};

use super::failure;
use super::world::World;

/// Ends the faults, and waits until the world is quiet.
///
/// # Panics
///
/// If it is not within this time.
pub(super) async fn heal(world: &World, node: &Node, within: Duration) {
    world.heal();
    let end = world.elapsed() + within;
    loop {
        world.settle().await;
        // Others may have waited for the same, and have gone on first.
        if world.ready_and_elapsed().0 > 0 {
            continue;
        }
        if is_quiet(node) {
            return;
        }
        match world.next_due().filter(|at| *at <= end) {
            Some(at) => world.sleep_until(at).await,
            None => break,
        }
    }
    let mut text = format!("not everything has recovered within {within:?} of the end of the faults");
    if world.next_due().is_none() {
        // Writing to a string does not fail.
        let _ = write!(text, ", and nothing is due that could change that");
    }
    panic!("{text}{}", failure::processes(node));
}

/// Whether no server is in a callback or has a message to handle, and no process is about to end. Then no supervisor is about to
/// restart a child either: it would be in a callback.
fn is_quiet(node: &Node) -> bool {
    let is_waiting = |status| matches!(status, Status::Waiting | Status::Hibernated | Status::Suspended);
    node.process_list().iter().all(|process| is_waiting(process.status))
}
