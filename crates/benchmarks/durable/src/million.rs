//! A million keys in a folder: how long it takes to open them, and what they take of memory.

use std::time::Instant;

use kv_core::{Durable, Operation, Store};

use crate::Outcome;
use crate::redis::Redis;

const KEYS: usize = 1_000_000;
const BATCH: usize = 1_000;

pub(crate) async fn measure() -> Outcome {
    let folder = tempfile::tempdir_in(".")?;
    let path = folder.path().join("store");
    let store = Store::options().storage(Durable::open(&path).await?).start().await?;
    let bucket = store.create("shopping").await?;
    let begin = Instant::now();
    for batch in 0..KEYS / BATCH {
        let put =
            |number: usize| Operation::Put(format!("{:016}", batch * BATCH + number).into(), vec![b'v'; 100].into());
        bucket.apply((0..BATCH).map(put).collect()).await?;
    }
    println!("\na million keys of 16 bytes with values of 100, in one bucket");
    let batch = begin.elapsed() / u32::try_from(KEYS / BATCH)?;
    println!("  written in batches of {BATCH}, each synced: {batch:.1?} a batch");
    store.stop().await?;
    drop((store, bucket));

    let before = resident()?;
    let begin = Instant::now();
    let storage = Durable::open(&path).await?;
    let opened = begin.elapsed();
    let store = Store::options().storage(storage).start().await?;
    let bucket = store.create("shopping").await?;
    assert_eq!(bucket.len().await?, KEYS);
    println!("  opened in {opened:.0?}, answered the first read after {:.0?}", begin.elapsed());
    println!("  grew by {} MiB (the process had {before} MiB left of writing)", resident()?.saturating_sub(before));
    store.stop().await?;
    if let Ok(redis) = Redis::start(&[]).await {
        println!("  Redis, one hash: {} MiB resident", of_redis(&redis).await?);
    }
    Ok(())
}

async fn of_redis(redis: &Redis) -> Outcome<usize> {
    let connections = redis.connect(1).await?;
    let mut answer = vec![0; 16_384];
    let script =
        "for i = 0, 999999 do redis.call('HSET', 'shopping', string.format('%016d', i), string.rep('v', 100)) end";
    connections.ask(0, &[b"EVAL", script.as_bytes(), b"0"], &mut answer).await?;
    let read = connections.ask(0, &[b"INFO", b"memory"], &mut answer).await?;
    let text = String::from_utf8_lossy(&answer[..read]).into_owned();
    let bytes = text.lines().find_map(|line| line.strip_prefix("used_memory_rss:")).ok_or("no used_memory_rss")?;
    Ok(bytes.trim().parse::<usize>()? >> 20)
}

/// The resident memory of this process, in MiB.
fn resident() -> Outcome<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<usize>()? >> 10)
}
