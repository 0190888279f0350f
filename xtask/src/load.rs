//! `cargo xtask test --under-load`: the tests beside a machine that has other things to do.
//!
//! A test that depends on how fast the machine is fails here, and passes when one runs it alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cargo::Cargo;
use crate::{Failure, Result};

/// The flag that asks for it; a number may follow, of how many times the tests run.
const FLAG: &str = "--under-load";

/// Threads that compute and never wait: several for each processor that a test is likely to have.
const LOOPS: usize = 8;

/// How often the arguments ask for it, if they do, and the arguments after that.
pub(crate) fn asked(args: &[String]) -> Option<(usize, &[String])> {
    let (flag, rest) = args.split_first()?;
    (flag == FLAG).then_some(())?;
    let times = rest.first().and_then(|times| times.parse().ok());
    Some(times.map_or((1, rest), |times| (times, &rest[1..])))
}

/// Compiles with `build`, then runs `tests` so many times beside busy loops. All rounds run, also when one has failed.
pub(crate) fn run(build: &Cargo, tests: &Cargo, times: usize) -> Result {
    build.run()?;
    let load = Load::start();
    let mut failed = 0;
    for round in 1..=times {
        println!("under load: round {round} of {times}");
        failed += usize::from(tests.run().is_err());
    }
    drop(load);
    if failed == 0 { Ok(()) } else { Err(Failure::new(format!("{failed} of {times} rounds under load failed"))) }
}

/// Threads that keep the machine busy until this is dropped.
struct Load {
    over: Arc<AtomicBool>,
}

impl Load {
    #[expect(clippy::disallowed_methods, reason = "the point is to take the machine's time")]
    fn start() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        for _ in 0..LOOPS {
            let over = Arc::clone(&over);
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Self { over }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    //! How it is asked for.

    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<(usize, usize)>) {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        assert_eq!(asked(&args).map(|(times, rest)| (times, rest.len())), expected);
    }

    #[test]
    fn the_number_of_rounds_may_be_left_out() {
        check("--under-load", Some((1, 0)));
        check("--under-load 10", Some((10, 0)));
        check("--under-load 10 --package genserver", Some((10, 2)));
        check("--under-load gs_045", Some((1, 1)));
        check("gs_045", None);
        check("", None);
    }
}
