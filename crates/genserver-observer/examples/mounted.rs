//! An observer in a program's own axum router, beside its other routes, with the program's metrics.
//!
//! `cargo run -p genserver-observer --example mounted`, and open the address that it prints.
// xtask: compile only

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use genserver::Node;
use genserver_observer::Observer;
use genserver_observer::data::Action;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::net::TcpListener;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a program at a terminal talks to its user")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    // A program would install the recorder here, with `metrics::set_global_recorder`.
    let observer = Observer::new(&Node::program())
        .metrics(move || handle.render())
        .allow([Action::Suspend, Action::Resume, Action::Log, Action::LogOff])
        .router()?;
    let app = Router::new().route("/", get(async || "the program's own page\n")).nest("/observer", observer);

    let listener = TcpListener::bind("127.0.0.1:4000").await?;
    println!("http://{}/observer", listener.local_addr()?);
    // The observer must know which machine asks: without a token, only this one may.
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
