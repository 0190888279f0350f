//! Counts what calls and casts of the given subjects allocate, a line of JSON each: `benchmarks` starts it.
#![expect(clippy::print_stdout, reason = "printing is what the program is for")]

use std::alloc::System;
use std::env;

use benchmarks::allocations::Counted;
use benchmarks::contenders;
use benchmarks::options::scratch;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn counting() -> usize {
    let stats = ALLOCATOR.stats();
    stats.allocations + stats.reallocations
}

fn main() {
    let wanted: Vec<String> = env::args().skip(1).collect();
    for mut contender in contenders::all(&scratch()) {
        let subject = contender.id().to_owned();
        if !wanted.contains(&subject) {
            continue;
        }
        if let Some(allocations) = contender.allocations(counting) {
            let line = Counted { subject, allocations };
            println!("{}", serde_json::to_string(&line).expect("numbers can be written"));
        }
    }
}
