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
    println!("us: microseconds of processor time that the program takes for one put, of both cores together");
    println!("a thread: the engine called by a thread of its own; a task: by a task of the writers' runtime\n");
    let head = ["writers", "kv-core", "a thread", "ratio", "a task", "ratio", "us: kv-core", "a thread", "a task"];
    println!("{}{:>22}", head.map(|name| format!("{name:>12}")).concat(), "Redis, always (TCP)");
    for writers in WRITERS {
        let mut measured: [Vec<Speed>; 4] = Default::default();
        for _ in 0..ROUNDS {
            measured[0].push(store::Kept::open().await?.measure(writers).await);
            measured[1].push(engine::Direct::open()?.measure(writers).await);
            measured[2].push(engine::FromTask::open()?.measure(writers).await);
            if let Some(redis) = &redis {
                measured[3].push(redis.connect(writers).await?.measure(writers).await);
            }
        }
        let [ours, thread, task] = [0, 1, 2].map(|subject| Speed::median(&measured[subject]));
        let redis =
            if measured[3].is_empty() { "-".to_owned() } else { format!("{:.0}", Speed::median(&measured[3]).puts) };
        let [to_thread, to_task] = [&thread, &task].map(|engine| format!("{:.2}", ours.puts / engine.puts));
        let [ours_puts, thread_puts, task_puts] = [&ours, &thread, &task].map(|it| format!("{:.0}", it.puts));
        let micros = [ours, thread, task].map(|speed| format!("{:>12.1}", speed.micros)).concat();
        println!(
            "{writers:>12}{ours_puts:>12}{thread_puts:>12}{to_thread:>12}{task_puts:>12}{to_task:>12}{micros}{redis:>22}"
        );
    }
    drop(redis);
    million::measure().await
}

trait Measure: Subject + Sized + Send + Sync + 'static {
    /// Puts with so many writers.
    async fn measure(self, writers: usize) -> Speed {
        let subject = std::sync::Arc::new(self);
        let (begin, used) = (Instant::now(), processor_time());
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
        let used = processor_time().saturating_sub(used);
        Speed {
            puts: f64::from(puts) / begin.elapsed().as_secs_f64(),
            micros: used.as_secs_f64() * 1e6 / f64::from(puts),
        }
    }
}

impl<S: Subject + Send + Sync + 'static> Measure for S {}

/// How fast puts were.
struct Speed {
    /// How many were safe in a second.
    puts: f64,
    /// How much processor time this program took for each, in microseconds.
    micros: f64,
}

impl Speed {
    fn median(of: &[Self]) -> Self {
        let middle = |figure: fn(&Self) -> f64| median(of.iter().map(figure).collect());
        Self { puts: middle(|speed| speed.puts), micros: middle(|speed| speed.micros) }
    }
}

/// The processor time that all threads of this program have taken.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}
