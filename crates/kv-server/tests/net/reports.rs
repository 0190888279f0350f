//! What an operator is told of clients that are refused, and of a stop.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use genserver::Node;
use genserver::report::{CustomReport, Report, Reports};
use kv_server::Limits;
use kv_server::net::Server;

use crate::socket::{Client, limits, soon, start, start_with};

/// The next report of this server.
pub(crate) async fn told(reports: &mut Reports, server: &Server) -> CustomReport {
    let address = server.addresses()[0].to_string();
    loop {
        let Some(Report::Custom(told)) = soon(reports.next()).await else { continue };
        if told.detail("address") == Some(&*address) {
            return told;
        }
    }
}

/// Stops the server, of which nothing more may be reported.
pub(crate) async fn stop_silently(mut reports: Reports, server: Server) {
    let address = server.addresses()[0].to_string();
    server.stop().await.unwrap();
    while let Some(report) = reports.try_next() {
        assert!(!report.to_string().contains(&address), "{report}");
    }
}

#[tokio::test]
async fn clients_that_find_no_place_are_one_report() {
    let (_store, server, address) = start_with(Limits { connections: 1, ..limits() }).await;
    let mut reports = Node::current().reports();
    let mut first = Client::connect(&address).await;
    assert_eq!(first.send_and_recv("PING\n").await, "PONG\r\n");
    for _ in 0..100 {
        assert!(Client::connect(&address).await.rest().await.starts_with("ERROR too many connections"));
    }
    let told = told(&mut reports, &server).await;
    assert_eq!(
        told.what,
        "refuses clients because all places are taken; allow more connections, or look who holds them"
    );
    assert_eq!((told.detail("connections"), told.details.len()), (Some("1"), 2));
    stop_silently(reports, server).await;
}

#[tokio::test]
async fn a_stop_is_not_reported() {
    let (_store, server, address) = start().await;
    let reports = Node::current().reports();
    let mut client = Client::connect(&address).await;
    assert_eq!(client.send_and_recv("PING\n").await, "PONG\r\n");
    stop_silently(reports, server).await;
}
