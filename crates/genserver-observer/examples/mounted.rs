//! An observer in a program's own axum router, beside its other routes, with the program's metrics for Prometheus.
//!
//! `cargo run -p genserver-observer --example mounted`, and open the address that it prints. What is counted is there only with
//! the feature `metrics` of `genserver`.

use std::net::SocketAddr;
use std::pin::pin;

use axum::Router;
use axum::routing::get;
use futures::future::{Either, select};
use genserver::Node;
use genserver_observer::data::Action;
use genserver_observer::{Observer, ThreadError};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;

/// The routes of the program, with the observer among them. `recorder` is that of the whole program.
fn routes(node: &Node, recorder: PrometheusHandle) -> Result<Router, ThreadError> {
    let counted = node.clone();
    let observer = Observer::new(node)
        .metrics(move || {
            // What the processes have counted since they were last asked belongs to the answer.
            counted.update_metrics();
            recorder.render()
        })
        .allow([Action::Suspend, Action::Resume, Action::Log, Action::LogOff])
        .router()?;
    Ok(Router::new().route("/", get(async || "the program's own page\n")).nest("/observer", observer))
}

/// Returns when the reader presses Enter.
async fn enter() {
    // An error is as good as the end of the input.
    let _ = BufReader::new(tokio::io::stdin()).read_line(&mut String::new()).await;
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a program at a terminal talks to its user")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = routes(&Node::program(), PrometheusBuilder::new().install_recorder()?)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("open http://{}/observer and look; Enter ends the program", listener.local_addr()?);
    // The observer must know which machine asks: without a token, only this one may.
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    // A page that is open keeps its stream, so the program does not wait for its readers.
    match select(pin!(axum::serve(listener, app).into_future()), pin!(enter())).await {
        Either::Left((served, _)) => Ok(served?),
        Either::Right(((), _)) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    //! The router, asked without a socket.

    use axum::body::Body;
    use axum::extract::ConnectInfo;
    use axum::http::Request;
    use genserver::agent::Agent;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(app: &Router, path: &str) -> (u16, String) {
        let peer: SocketAddr = "127.0.0.1:50000".parse().expect("it is one");
        let request = Request::builder().uri(path).header("host", "localhost").extension(ConnectInfo(peer));
        let answer = app.clone().oneshot(request.body(Body::empty()).expect("it is one")).await.expect("it answers");
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("it is there").to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn the_observer_and_its_metrics_are_beside_the_other_routes() {
        // The recorder of a program is set once, and this program has one test.
        let recorder = PrometheusBuilder::new().install_recorder().expect("there is none yet");
        let node = Node::new();
        let app = routes(&node, recorder).expect("there is a thread");
        let total = Agent::start(|| 0_u64).on(&node).await.expect("it starts");
        total.update(|total| *total += 1).await.expect("it runs");
        assert_eq!(ask(&app, "/").await, (200, "the program's own page\n".to_owned()));
        let (status, page) = ask(&app, "/observer").await;
        assert!(status == 200 && page.contains("<title>Observer</title>"), "{status}");
        let (status, metrics) = ask(&app, "/observer/metrics").await;
        assert!(status == 200 && metrics.contains("genserver_process_count"), "{metrics}");
    }
}
