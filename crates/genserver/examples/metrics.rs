//! Metrics: a server that counts the reports of its node, and reads off other processes how much waits for them, as text for
//! a collector.
//!
//! ```text
//! $ cargo run -p genserver --example metrics 2>/dev/null
//! child_starts_total{child="divider"} 2
//! reports_total{kind="crashed"} 1
//! reports_total{kind="supervised"} 1
//! server_crashes_total{server="Divider"} 1
//! process_mailbox{process="divider"} 2
//! process_dropped_total{process="divider"} 3
//! ```
//!
//! Counters come from [`Node::reports_from`], gauges from [`genserver::ProcessInfo`]. The processes themselves do nothing for
//! either: a report is made where something goes wrong, and what waits in a mailbox is read from outside, also of a process
//! that is stuck.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::{Write as _, stdout};

use genserver::report::{Level, Report, SupervisorEvent};
use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::{
    AsServer, Caller, Cx, GenServer, Init, Never, Next, Node, Outcome, Overflow, ProcessRef, ServerRef, start_link,
};

/// The counters, by the lines they become; and the processes that are looked at when somebody asks.
struct Metrics {
    counters: BTreeMap<String, u64>,
    watched: Vec<ProcessRef>,
}

/// The text for a collector.
struct Render(Caller<String>);

/// Look at this process too.
struct Watch(ProcessRef);

impl GenServer for Metrics {
    type Args = ();
    type Call = Render;
    type Cast = Watch;
    type Info = Report;

    async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
        let reports = cx.node().reports_from(Level::Info);
        cx.attach(reports, |report| report);
        Init::Run(Self { counters: BTreeMap::new(), watched: Vec::new() })
    }

    async fn handle_call(&mut self, Render(caller): Render, _cx: &mut Cx<Self>) -> Outcome<Self> {
        let rendered = self.render().expect("a string takes whatever is written");
        Next::reply(caller, rendered)
    }

    async fn handle_cast(&mut self, Watch(process): Watch, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.watched.push(process);
        Next::wait()
    }

    async fn handle_info(&mut self, report: Report, _cx: &mut Cx<Self>) -> Outcome<Self> {
        *self.counters.entry(counter(&report)).or_default() += 1;
        Next::wait()
    }
}

impl Metrics {
    fn render(&mut self) -> Result<String, std::fmt::Error> {
        // A child that was started again is another process; the one that has ended has nothing to show.
        self.watched.retain(ProcessRef::is_alive);
        let mut text = String::new();
        for (counter, count) in &self.counters {
            writeln!(text, "{counter} {count}")?;
        }
        for process in &self.watched {
            let info = process.info();
            let name = info.name.unwrap_or_else(|| info.pid.to_string());
            writeln!(text, "process_mailbox{{process={name:?}}} {}", info.mailbox)?;
            writeln!(text, "process_dropped_total{{process={name:?}}} {}", info.dropped)?;
        }
        Ok(text)
    }
}

/// Which counter a report adds to. What may take any number of values, as pids and reasons, belongs into a log.
fn counter(report: &Report) -> String {
    let kind = match report {
        Report::Terminated(report) => return format!("server_crashes_total{{server={:?}}}", short(report.server)),
        Report::Supervised(report) if report.event == SupervisorEvent::Progress => {
            return format!("child_starts_total{{child={:?}}}", report.child.id);
        }
        Report::Crashed(_) => "crashed",
        Report::Unexpected(_) => "unexpected",
        Report::Overflowed(_) => "overflowed",
        Report::LongSchedule(_) => "long_schedule",
        Report::CycleRefused(_) => "cycle_refused",
        Report::Supervised(_) => "supervised",
        Report::TaskFailed(_) => "task_failed",
        _ => "other",
    };
    format!("reports_total{{kind={kind:?}}}")
}

/// The name of a type without its path.
fn short(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

/// What is looked at: it divides, and keeps two casts at most.
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

/// Lets a few things go wrong, and returns what the metrics say of it.
async fn session() -> Result<String, Box<dyn Error>> {
    let metrics: ServerRef<Metrics> = Node::program().start::<Metrics>(()).await?;
    let spec = ChildSpec::server("divider", || {
        start_link::<Divider>(()).name("divider").mailbox(2).overflow(Overflow::DropOldest)
    });
    let divider = spec.reference();
    let supervisor = Supervisor::one_for_one().child(spec).start().await?;

    // Dividing by nothing ends the first divider; its supervisor starts another one.
    assert!(divider.call(|caller| (0, caller)).await.is_err());
    assert_eq!(divider.waiting().call(|caller| (4, caller)).await?, 25);

    // No other task runs before the next await, so the casts meet a full mailbox.
    metrics.cast(Watch(divider.current()?.process_ref()))?;
    for number in 0..5 {
        divider.cast(number)?;
    }
    let rendered = metrics.call(Render).await?;
    supervisor.stop().await?;
    Ok(rendered)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    stdout().write_all(session().await?.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text that the page shows.
    fn shown() -> String {
        let page = include_str!("metrics.rs").lines().skip_while(|line| !line.contains("$ cargo run"));
        let lines = page.skip(1).map_while(|line| line.strip_prefix("//! ").filter(|line| *line != "```"));
        lines.flat_map(|line| [line, "\n"]).collect()
    }

    #[tokio::test]
    async fn a_crash_a_restart_and_a_full_mailbox_are_counted() {
        assert_eq!(session().await.expect("it starts"), shown());
    }
}
