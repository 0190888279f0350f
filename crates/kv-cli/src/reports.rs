//! What goes wrong in `kv serve`, on standard error: the reports of its processes, a line for each.

use kv_core::genserver::report::Limits;
use kv_core::genserver::{Ack, Never, Node, Probe, StartError, run_blocking, start_process};

use crate::exit::say;

/// How much of a report is printed.
const LIMITS: Limits = Limits { chars: Some(512), single_line: true, ..Limits::NONE };

/// Prints reports from now on, as long as the program runs.
pub(crate) async fn print() -> Result<(), StartError> {
    let mut reports = Node::program().reports();
    let printing = async move |_me: Probe<Never>, ack: Ack<()>| {
        ack.ready(());
        while let Some(report) = reports.next().await {
            let line = report.render(&LIMITS);
            // If nobody reads standard error, this process waits, and no client. Its queue is bounded.
            if run_blocking(move || say(line)).await.is_err() {
                break;
            }
        }
    };
    start_process(printing).label("printer of reports").await.map(drop)
}
