//! Bytes per idle server: so many of them in a process of their own, which has nothing else to do.

use std::env;
use std::fs;
use std::hint::black_box;
use std::process::{self, Command};

use crate::subjects::{Ask, Subject};

/// The hidden argument under which the program measures one subject in a process of its own.
pub const FLAG: &str = "--idle-bytes";

/// The heading of the table.
pub const TITLE: &str = "bytes of an idle server";

/// With how many servers the bytes of one are measured.
pub const COUNTS: [(u32, &str); 2] = [(100_000, "bytes idle, 100,000"), (1_000_000, "bytes idle, 1,000,000")];

/// A subject that needs more than this gives up, before the machine has to.
const LIMIT: u64 = 4_000_000_000;

/// After how many servers to look whether it is too much.
const CHUNK: usize = 10_000;

/// Has a child process start the servers, and divides by their number what that process grew by.
pub fn per_server(subject: &str, servers: u32) -> Option<f64> {
    let program = env::current_exe().ok()?;
    let output = Command::new(program).args([FLAG, subject, &servers.to_string()]).output().ok()?;
    let bytes: u64 = str::from_utf8(&output.stdout).ok()?.trim().parse().ok()?;
    u32::try_from(bytes / u64::from(servers)).ok().map(f64::from)
}

/// How much this process grows by when it starts the servers and has each answer one call.
///
/// What the starter holds of them is not counted: it gets its space beforehand.
pub(crate) async fn idle<S: Subject>(servers: usize) -> Option<u64> {
    let (first, keep) = S::start().await;
    black_box(S::call(&first, Ask::Plain).await);
    S::stop(first, keep).await;

    // Behind a black box, or the compiler asks for zeroed pages, which are not there until used.
    let mut held = black_box(Vec::with_capacity(servers));
    held.resize_with(servers, || None);

    let before = resident(process::id())?;
    let mut after = before;
    for places in held.chunks_mut(CHUNK) {
        for place in places {
            let (server, keep) = S::start().await;
            black_box(S::call(&server, Ask::Plain).await);
            *place = Some((server, keep));
        }
        after = resident(process::id())?;
        if after > LIMIT {
            return None;
        }
    }
    drop(black_box(held));
    after.checked_sub(before)
}

/// How much this process grows by when it creates so many empty buckets in one store, names and all.
pub(crate) async fn empty_buckets(buckets: usize) -> Option<u64> {
    let store = kv_core::Store::start().await.ok()?;
    store.create("the first").await.ok()?.stop().await.ok()?;
    let before = resident(process::id())?;
    for number in 0..buckets {
        store.create(&format!("bucket {number}")).await.ok()?;
    }
    resident(process::id())?.checked_sub(before)
}

/// The resident bytes of a process, where the system tells.
pub(crate) fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}
