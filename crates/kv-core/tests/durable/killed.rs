//! Programs that are killed with `kill -9` at a random moment, and what the next one finds.
//!
//! The program is this test program, started again with a folder in its environment. Its tasks write numbers to keys of their own,
//! one after the other, and print each that was answered.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use kv_core::{Durable, DurableMode, Store};

/// How many tasks write.
const TASKS: u64 = 8;

/// The folder of the program, and its mode.
const FOLDER: &str = "KV_CORE_KILLED_FOLDER";
const MODE: &str = "KV_CORE_KILLED_MODE";

fn say(what: &str, task: u64, number: u64) {
    let line = format!("{what} {task} {number}\n");
    // In one write, so that a kill does not leave half a line.
    std::io::stdout().write_all(line.as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
}

/// The program. As a test, without a folder, it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_until_it_is_killed() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let mode = match env::var(MODE).as_deref() {
        Ok("buffered") => DurableMode::Buffered,
        Ok("every") => DurableMode::Every(Duration::from_millis(20)),
        _ => DurableMode::Sync,
    };
    let storage = Durable::options(folder).mode(mode).open().await.unwrap();
    let store = Store::options().storage(storage).start().await.unwrap();
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let bucket = store.create(["shopping", "travel"][usize::try_from(task % 2).unwrap()]).await.unwrap();
        let key = task.to_string();
        let found = bucket.get(key.clone()).await.unwrap().unwrap_or_default();
        let mut number = String::from_utf8(found.to_vec()).unwrap().parse().unwrap_or(0);
        say("found", task, number);
        tasks.push(async move {
            loop {
                number += 1;
                bucket.put(key.clone(), number.to_string()).await.unwrap();
                say("wrote", task, number);
            }
        });
    }
    let _: Vec<()> =
        futures::future::join_all(tasks.into_iter().map(tokio::spawn)).await.into_iter().map(Result::unwrap).collect();
}

/// Some numbers, the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Starts the program, kills it, and compares what it found with what those before it were answered. Returns how many of its own
/// writes were answered.
fn cycle(folder: &Path, mode: &str, chance: &mut Chance, answered: &mut BTreeMap<u64, u64>) -> u64 {
    let mut program = Command::new(env::current_exe().unwrap());
    program.args(["--exact", "killed::writes_until_it_is_killed", "--nocapture"]).env(FOLDER, folder).env(MODE, mode);
    let mut program = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap());
    // At any moment, also while it opens the folder; or after some of its writes.
    let mut left = None;
    if chance.below(4) == 0 {
        thread::sleep(Duration::from_micros(chance.below(30_000)));
        program.kill().unwrap();
    } else {
        left = Some(TASKS + chance.below(100));
    }
    let mut writes = 0;
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap() > 0 {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let (&[what @ ("found" | "wrote"), task, number], true) = (&*words, line.ends_with('\n')) {
            let (task, number): (u64, u64) = (task.parse().unwrap(), number.parse().unwrap());
            let known = answered.get(&task).copied().unwrap_or(0);
            if what == "found" {
                // A task waits for one answer at a time.
                assert!(
                    number == known || number == known + 1,
                    "{mode}: task {task} was answered {known}, and finds {number}"
                );
            } else {
                assert_eq!(number, known + 1);
                writes += 1;
            }
            answered.insert(task, number);
            left = left.map(|left| left - 1);
        }
        if left == Some(0) {
            program.kill().unwrap();
            left = None;
        }
        line.clear();
    }
    let output = program.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{mode}: the program fails by itself: {said}");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&output.status), Some(9), "{mode}: {said}");
    writes
}

fn loses_nothing(cycles: u64) {
    for mode in ["sync", "buffered"] {
        let folder = tempfile::tempdir().unwrap();
        let (mut answered, mut writes, mut chance) = (BTreeMap::new(), 0, Chance(1));
        let began = Instant::now();
        for _ in 0..cycles {
            writes += cycle(&folder.path().join("store"), mode, &mut chance, &mut answered);
        }
        println!("{mode}: {cycles} programs killed in {:?}, {writes} writes answered, none lost", began.elapsed());
        assert!(writes > cycles, "it writes something");
    }
}

#[test]
fn a_program_that_is_killed_loses_nothing_that_was_answered() {
    loses_nothing(100);
}

#[test]
#[ignore = "some minutes: `cargo xtask soak`"]
fn two_thousand_programs_that_are_killed_lose_nothing_that_was_answered() {
    loses_nothing(2_000);
}
