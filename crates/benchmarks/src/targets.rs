//! What `genserver` has to reach: the bars that end the work, and the goals beyond them.

use crate::subjects::World;

/// Bar and goal of one row of the tables. Times are ratios to `raw`, the others plain numbers.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The id of the row.
    pub workload: &'static str,
    two_workers: Aim,
    one_thread: Aim,
}

/// A bar and a goal; lower is better.
#[derive(Debug, Clone, Copy)]
pub struct Aim {
    /// What must be reached.
    pub bar: f64,
    /// What we are here for.
    pub goal: f64,
}

impl Target {
    /// The aim on that runtime.
    pub fn on(&self, world: World) -> Aim {
        match world {
            World::TwoWorkers => self.two_workers,
            World::OneThread => self.one_thread,
        }
    }
}

/// Every row that has a target.
pub const TARGETS: [Target; 45] = [
    row("call, 1 client", (0.4, 0.2), (0.6, 0.4)),
    row("call, 2 clients", (0.5, 0.3), (0.7, 0.4)),
    row("call, 16 clients", (1.0, 0.6), (0.8, 0.5)),
    row("call, 256 clients", (1.0, 0.6), (0.8, 0.5)),
    same("call, queued, 16 clients", (1.0, 0.6)),
    same("call, queued, 256 clients", (1.0, 0.6)),
    row("call, awaits once", (1.1, 0.9), (1.1, 0.8)),
    row("cast, 1 producer", (0.7, 0.5), (0.7, 0.5)),
    row("cast, 2 producers", (0.6, 0.3), (0.7, 0.5)),
    row("cast, 16 producers", (0.6, 0.3), (0.7, 0.5)),
    row("ping-pong", (1.0, 0.8), (1.0, 0.7)),
    row("ring of 503", (1.0, 0.8), (1.0, 0.7)),
    row("start + call + stop", (0.4, 0.1), (0.5, 0.1)),
    same("notify, 1 plain", (1.0, 0.7)),
    same("notify, 8 plain", (1.0, 0.7)),
    same("notify, 64 plain", (1.15, 1.0)),
    same("notify, 1,024 plain", (1.15, 1.0)),
    same("notify, 1 async", (2.0, 1.25)),
    same("notify, 8 async", (2.0, 1.25)),
    same("notify, 64 async", (2.0, 1.25)),
    same("notify, 1,024 async", (2.0, 1.25)),
    same("sync_notify, 1 plain", (1.0, 0.7)),
    same("sync_notify, 8 plain", (1.0, 0.7)),
    same("sync_notify, 64 plain", (1.15, 1.0)),
    same("sync_notify, 1,024 plain", (1.15, 1.0)),
    same("sync_notify, 1 async", (2.0, 1.25)),
    same("sync_notify, 8 async", (2.0, 1.25)),
    same("sync_notify, 64 async", (2.0, 1.25)),
    same("sync_notify, 1,024 async", (2.0, 1.25)),
    same("streams, 1 consumer", (1.0, 0.7)),
    same("streams, 8 consumers", (1.0, 0.7)),
    same("streams, 64 consumers", (1.0, 0.7)),
    same("streams, 1,024 consumers", (1.0, 0.7)),
    same("bucket get, 1 task", (0.35, 0.3)),
    same("bucket get, 16 tasks", (0.7, 0.5)),
    same("bucket lookup, 1 task", (2.0, 1.0)),
    same("bucket lookup, 16 tasks", (2.0, 1.0)),
    same("last % of restarts, us", (1_000.0, 100.0)),
    same("bytes idle, 100,000", (400.0, 256.0)),
    same("bytes idle, 1,000,000", (400.0, 256.0)),
    same("bytes per empty bucket", (700.0, 512.0)),
    same("allocations per call", (1.0, 0.0)),
    same("allocations per cast", (0.1, 0.0)),
    same("allocations, 1,024 plain", (0.1, 0.0)),
    same("allocations, 1,024 async", (0.1, 0.0)),
];

const fn row(workload: &'static str, two_workers: (f64, f64), one_thread: (f64, f64)) -> Target {
    Target { workload, two_workers: aim(two_workers), one_thread: aim(one_thread) }
}

const fn same(workload: &'static str, both: (f64, f64)) -> Target {
    row(workload, both, both)
}

const fn aim((bar, goal): (f64, f64)) -> Aim {
    Aim { bar, goal }
}

#[cfg(test)]
mod tests {
    use super::TARGETS;
    use crate::workloads::WORKLOADS;

    #[test]
    fn every_timed_workload_has_a_target() {
        for workload in WORKLOADS {
            assert!(TARGETS.iter().any(|target| target.workload == workload.id), "{} has none", workload.id);
        }
    }
}
