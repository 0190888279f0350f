//! What a cluster costs: calls and events on NATS, beside the client of NATS used directly.
//!
//! `cargo xtask bench --cluster` runs it. Both use one server of NATS on the loopback, without replicas, in one run. They take turns, in
//! rounds, so that they meet the same machine; a figure is the median of its rounds, and a ratio is that of the two halves of a round.
#![expect(clippy::print_stdout, reason = "the table is what the program prints")]
#![expect(clippy::disallowed_methods, reason = "a benchmark means the machine's clock and threads")]

// The server of NATS.
mod nats;
// What is measured, and the middle of it.
mod measure;
// Calls to a server by its name, and requests.
mod calls;
// Events from one publisher to many.
mod events;

use std::error::Error;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const ROUNDS: usize = 9;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome {
    let server = nats::Nats::start()?;
    println!("processor: {}; {} rounds, medians (least to most)", processor(), ROUNDS);
    println!(
        "us: microseconds of processor time that this program takes for one, both ends together, without the server of NATS\n"
    );
    calls::measure(server.address()).await?;
    events::measure(server.address()).await
}

/// The name of the processor, as the system says it.
fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = info.lines().filter(|line| line.starts_with("processor")).count();
    format!("{}, {cores} cores", name.map_or("unknown", |(_, name)| name))
}
