//! What fuzzers have found on their way, read again without a fuzzer, also with changes.
//!
//! `FUZZ_RUNS=1000000 cargo test -p fuzz` makes so many changes for each target, and `FUZZ_SEED` draws others.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::random::Random;
use crate::{TARGETS, Target};

/// An environment variable with a number.
fn number(variable: &str, ordinary: u64) -> u64 {
    std::env::var(variable).map_or(ordinary, |number| number.parse().expect("it is a number"))
}

/// The inputs of a target, in the order of their names.
fn inputs(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("each target has a corpus").map(|it| it.expect("it is there").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("it is a file")).collect()
}

/// Another input, made of these as a fuzzer would.
fn changed(inputs: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = random.one(inputs).clone();
    for _ in 0..=random.below(4) {
        let place = random.below(input.len() + 1);
        match random.below(5) {
            0 => input.insert(place, random.next().to_le_bytes()[0]),
            1 => input.truncate(place),
            2 => {
                let other = random.one(inputs);
                let from = random.below(other.len() + 1);
                input.splice(place..place, other[from..].iter().copied());
            }
            _ if place < input.len() => input[place] ^= 1 << random.below(8),
            _ => input.push(random.next().to_le_bytes()[0]),
        }
    }
    input
}

fn check(name: &str) {
    let target = crate::find(name);
    let (inputs, seed) = (inputs(target), number("FUZZ_SEED", 20_261_201));
    let mut random = Random(seed);
    let changes = (0..number("FUZZ_RUNS", 3_000)).map(|_| changed(&inputs, &mut random));
    for input in inputs.iter().cloned().chain(changes) {
        let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
        assert!(outcome.is_ok(), "FUZZ_SEED={seed}, the target {name} with \"{}\"", input.escape_ascii());
    }
}

#[test]
fn a_session_of_lines_takes_any_bytes() {
    check("lines");
}

#[test]
fn a_session_of_resp_takes_any_bytes() {
    check("resp");
}

#[test]
fn a_log_takes_any_change_of_its_files() {
    check("log");
}

#[test]
fn the_prompt_takes_any_line() {
    check("prompt");
}

#[test]
fn an_import_takes_any_bytes() {
    check("import");
}

#[test]
fn each_target_has_a_program() {
    let programs = include_str!("../Cargo.toml");
    for target in TARGETS {
        assert!(programs.contains(&format!("name = \"fuzz_{}\"", target.name)), "{}", target.name);
    }
}
