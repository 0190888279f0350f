//! Prometheus: what a collector gets from a program, whose servers do nothing for it.
//!
//! ```text
//! $ cargo run -p genserver --example prometheus --features metrics
//! genserver_exits{server="Divider",reason="panic"} 1
//! genserver_messages_dropped{server="Divider"} 3
//! genserver_messages_handled{server="Divider",callback="handle_call"} 2
//! genserver_process_count{server="Divider"} 1
//! genserver_restarts{server="Divider"} 1
//! ```
//!
//! The program installs the recorder of `metrics-exporter-prometheus`, and calls [`Node::update_metrics`] before it renders. What
//! is rendered is the answer of an endpoint, of whatever the program has for HTTP: the example `mounted` of `genserver-observer` has
//! it in a router of axum. `docs/OBSERVING.md` in the repository lists every name.

use std::error::Error;
use std::io::{Write as _, stdout};

use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::{AsServer, Caller, Cx, GenServer, Init, Never, Next, Node, Outcome, Overflow, start_link};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Divides a hundred, and keeps two casts at most.
struct Divider;

impl GenServer for Divider {
    type Args = ();
    type Call = (u32, Caller<u32>);
    type Cast = u32;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }

    async fn handle_call(&mut self, (by, caller): Self::Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, 100 / by)
    }

    async fn handle_cast(&mut self, _number: u32, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::wait()
    }
}

/// What an endpoint answers.
fn answer(recorder: &PrometheusHandle) -> String {
    Node::program().update_metrics();
    recorder.render()
}

/// Lets a few things go wrong, and returns what a collector is told.
async fn session() -> Result<String, Box<dyn Error>> {
    let recorder = PrometheusBuilder::new().install_recorder()?;

    let spec = ChildSpec::server("divider", || start_link::<Divider>(()).mailbox(2).overflow(Overflow::DropOldest));
    let divider = spec.reference();
    let supervisor = Supervisor::one_for_one().child(spec).start().await?;

    // Dividing by nothing ends the first divider; its supervisor starts another one.
    assert!(divider.call(|caller| (0, caller)).await.is_err());
    assert_eq!(divider.waiting().call(|caller| (4, caller)).await?, 25);
    // No other task runs before the next await, so the casts meet a full mailbox.
    for number in 0..5 {
        divider.cast(number)?;
    }
    let answer = answer(&recorder);
    supervisor.stop().await?;
    Ok(answer)
}

/// The counters and gauges of one type of server, its name without the path.
fn shown_of(answer: &str, server: &str) -> String {
    let is_histogram = |line: &str| ["_duration", "_mailbox_"].iter().any(|it| line.contains(it));
    let is_shown = |line: &&str| line.contains(&format!("::{server}\"")) && !is_histogram(line);
    let mut lines: Vec<String> = answer.lines().filter(is_shown).map(without_path).collect();
    lines.sort();
    lines.concat()
}

fn without_path(line: &str) -> String {
    let (before, rest) = line.split_once("server=\"").unwrap_or((line, ""));
    let name = rest.rsplit("::").next().unwrap_or(rest);
    format!("{before}server=\"{name}\n")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    stdout().write_all(shown_of(&session().await?, "Divider").as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text that the page shows.
    fn shown() -> String {
        let page = include_str!("prometheus.rs").lines().skip_while(|line| !line.contains("$ cargo run"));
        let lines = page.skip(1).map_while(|line| line.strip_prefix("//! ").filter(|line| *line != "```"));
        lines.flat_map(|line| [line, "\n"]).collect()
    }

    #[tokio::test]
    async fn a_crash_a_restart_and_a_full_mailbox_are_counted() {
        assert_eq!(shown_of(&session().await.expect("it starts"), "Divider"), shown());
    }
}
