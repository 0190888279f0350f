//! Allocations per call, per cast and per event in steady state, counted by a program with a counting allocator.

use std::env;
use std::hint::black_box;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::subjects::{Ask, Cast, Subject};

/// The program that counts. It is another than the one that takes times, because counting takes time.
const PROGRAM: &str = "count-allocations";

/// The heading of the table.
pub const TITLE: &str = "steady state";

/// The rows of the table.
pub const WORKLOADS: [&str; 4] =
    ["allocations per call", "allocations per cast", "allocations, 1,024 plain", "allocations, 1,024 async"];

const MESSAGES: u32 = 10_000;

/// Says how often the program has allocated until now.
pub type Counting = fn() -> usize;

/// What the messages of one subject allocate.
#[derive(Debug, Clone, Copy)]
pub struct Allocations {
    /// Allocations per call.
    pub call: f64,
    /// Allocations per cast.
    pub cast: f64,
}

/// A line of what the counting program prints.
#[derive(Debug, Serialize, Deserialize)]
pub struct Counted {
    /// Whose messages they are.
    pub subject: String,
    /// The row.
    pub workload: String,
    /// What one of them allocates.
    pub allocations: f64,
}

/// Has the counting program count for these subjects.
///
/// # Errors
///
/// Says why there is nothing to read.
pub fn counted(subjects: &[&str]) -> Result<Vec<Counted>, String> {
    build()?;
    let path = env::current_exe().map_err(|error| error.to_string())?.with_file_name(PROGRAM);
    let output =
        Command::new(&path).args(subjects).output().map_err(|error| format!("{PROGRAM} does not run: {error}"))?;
    str::from_utf8(&output.stdout)
        .map_err(|error| error.to_string())?
        .lines()
        .map(|line| serde_json::from_str(line).map_err(|error| error.to_string()))
        .collect()
}

/// Under cargo, brings the counting program up to date; otherwise both were built together.
fn build() -> Result<(), String> {
    let Ok(cargo) = env::var("CARGO") else {
        return Ok(());
    };
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--bin", PROGRAM]);
    build.args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]);
    if !cfg!(debug_assertions) {
        build.args(["--profile", "bench"]);
    }
    let built = build.output().map_err(|error| error.to_string())?;
    if built.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&built.stderr).into_owned()) }
}

/// Counts what calls and casts allocate once as many of them have gone before.
pub(crate) async fn steady<S: Subject>(counting: Counting) -> Allocations {
    let (server, keep) = S::start().await;
    calls::<S>(&server).await;
    casts::<S>(&server).await;

    let before = counting();
    calls::<S>(&server).await;
    let between = counting();
    casts::<S>(&server).await;
    let after = counting();

    S::stop(server, keep).await;
    Allocations { call: per_message(before, between), cast: per_message(between, after) }
}

fn per_message(before: usize, after: usize) -> f64 {
    let allocated = u32::try_from(after - before).expect("a message allocates a few times");
    f64::from(allocated) / f64::from(MESSAGES)
}

async fn calls<S: Subject>(server: &S::Server) {
    for _ in 0..MESSAGES {
        black_box(S::call(server, Ask::Plain).await);
    }
}

/// Ends with a call, so that the server has handled them all.
async fn casts<S: Subject>(server: &S::Server) {
    for _ in 0..MESSAGES {
        S::cast(server, Cast::Add(1)).await;
    }
    black_box(S::call(server, Ask::Plain).await);
}
