//! Counts what calls, casts and events of the given subjects allocate, a line of JSON each: `benchmarks` starts it.
#![expect(clippy::print_stdout, reason = "printing is what the program is for")]

use std::alloc::System;
use std::env;

use benchmarks::allocations::{Counted, WORKLOADS};
use benchmarks::contenders::{self, OURS};
use benchmarks::events;
use benchmarks::options::scratch;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn counting() -> usize {
    let stats = ALLOCATOR.stats();
    stats.allocations + stats.reallocations
}

fn main() {
    let [call, cast, event_to_plain, event_to_async] = WORKLOADS;
    let wanted: Vec<String> = env::args().skip(1).collect();
    for mut contender in contenders::all(&scratch()) {
        let subject = contender.id().to_owned();
        if !wanted.contains(&subject) {
            continue;
        }
        if let Some(allocations) = contender.allocations(counting) {
            print(&subject, call, allocations.call);
            print(&subject, cast, allocations.cast);
        }
        if subject == OURS {
            let [to_plain, to_async] = events::allocations(counting);
            print(&subject, event_to_plain, to_plain);
            print(&subject, event_to_async, to_async);
        }
    }
}

fn print(subject: &str, workload: &str, allocations: f64) {
    let line = Counted { subject: subject.to_owned(), workload: workload.to_owned(), allocations };
    println!("{}", serde_json::to_string(&line).expect("numbers can be written"));
}
