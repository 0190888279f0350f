//! What a durable store costs: puts that survive a power failure, opening a million keys, and their memory.
//!
//! `cargo xtask bench --durable` runs it. Each put is waited for. All subjects run in turn, so that they meet the same disk, and
//! a figure is the median of its rounds.
#![expect(clippy::print_stdout, reason = "the table is what the program prints")]
#![expect(clippy::disallowed_methods, reason = "a benchmark means the machine's clock and threads")]

// The engine, called directly.
mod engine;
// A million keys: opening them, and what they take.
mod million;
// Redis, if there is one.
mod redis;
// The store.
mod store;

use std::error::Error;
use std::time::{Duration, Instant};

use bytes::Bytes;

/// How long a subject is measured in one round.
const TIME: Duration = Duration::from_secs(1);

const ROUNDS: usize = 5;

const WRITERS: [usize; 3] = [1, 8, 64];

/// What a subject does until the time is over.
trait Subject {
    /// Puts one entry, and returns when it is safe.
    fn put(&self, writer: usize, key: Bytes, value: Bytes) -> impl Future<Output = ()> + Send;
}

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome {
    let redis = redis::Redis::start(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let redis = redis.inspect_err(|error| println!("Redis is left out: {error}\n")).ok();
    println!("durable puts a second; 16-byte keys, 100-byte values; medians of {ROUNDS} rounds in one run");
    println!("{:>8} {:>10} {:>10} {:>8} {:>22}", "writers", "kv-core", "engine", "ratio", "Redis, always (TCP)");
    for writers in WRITERS {
        let (mut ours, mut engines, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(store::Kept::open().await?.measure(writers).await);
            engines.push(engine::Direct::open()?.measure(writers).await);
            if let Some(redis) = &redis {
                theirs.push(redis.connect(writers).await?.measure(writers).await);
            }
        }
        let (ours, engine) = (median(ours), median(engines));
        let redis = if theirs.is_empty() { "-".to_owned() } else { format!("{:.0}", median(theirs)) };
        println!("{writers:>8} {ours:>10.0} {engine:>10.0} {:>8.2} {redis:>22}", ours / engine);
    }
    drop(redis);
    million::measure().await
}

trait Measure: Subject + Sized + Send + Sync + 'static {
    /// Puts with so many writers, and returns how many puts a second were safe.
    async fn measure(self, writers: usize) -> f64 {
        let subject = std::sync::Arc::new(self);
        let begin = Instant::now();
        let tasks: Vec<_> = (0..writers)
            .map(|writer| {
                let subject = std::sync::Arc::clone(&subject);
                tokio::spawn(async move {
                    let value = Bytes::from(vec![b'v'; 100]);
                    let mut puts = 0_u32;
                    while begin.elapsed() < TIME {
                        let key = Bytes::from(format!("{writer:04}{puts:012}"));
                        subject.put(writer, key, value.clone()).await;
                        puts += 1;
                    }
                    puts
                })
            })
            .collect();
        let mut puts = 0;
        for task in tasks {
            puts += task.await.expect("a writer does not panic");
        }
        f64::from(puts) / begin.elapsed().as_secs_f64()
    }
}

impl<S: Subject + Send + Sync + 'static> Measure for S {}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}
