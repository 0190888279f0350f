//! What tools get: pids as numbers, reasons as kind and text, reports and processes as records.
#![cfg(all(feature = "tokio", feature = "serde"))]
#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test, with its line")]

use std::time::Duration;

use genserver::report::Report;
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Node, Outcome, Reason, sys};
use serde_json::{Value, json, to_value};

struct Crasher;

struct Crash(Caller<()>);

impl GenServer for Crasher {
    type Args = ();
    type Call = Crash;
    type Cast = ();
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Crasher)
    }

    async fn handle_call(&mut self, Crash(_caller): Crash, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::stop(Reason::term("on purpose"))
    }

    async fn handle_cast(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::wait()
    }
}

#[track_caller]
fn check(value: &impl serde::Serialize, expected: &Value) {
    assert_eq!(to_value(value).unwrap(), *expected);
}

#[test]
fn a_reason_is_its_kind_and_its_text() {
    check(&Reason::Normal, &json!({ "kind": "normal", "text": "normal" }));
    check(&Reason::NoConnection, &json!({ "kind": "no_connection", "text": "no connection to its machine" }));
    check(&Reason::term(7), &json!({ "kind": "term", "text": "7" }));
    check(&Reason::shutdown_with("idle"), &json!({ "kind": "shutdown", "text": "shutdown: idle" }));
}

#[tokio::test]
async fn a_process_is_a_record() {
    let node = Node::new();
    let crasher = node.start::<Crasher>(()).name("crasher").await.unwrap();
    let server = std::any::type_name::<Crasher>();
    check(
        &crasher.info(),
        &json!({
            "pid": 1, "name": "crasher", "label": null, "server": server, "parent": null, "status": "waiting", "mailbox": 0,
            "mailbox_peak": 0, "handled": 0, "restarts": 0, "refused": 0, "dropped": 0, "links": [], "monitors": 0, "traps_exits": false, "has_task": false,
        }),
    );
    check(
        &sys::get_status(&crasher).await.unwrap(),
        &json!({
            "pid": 1, "name": "crasher", "label": null, "server": server, "suspended": false, "parent": null, "mailbox": 0,
            "links": [], "log": [], "state": server, "details": [],
        }),
    );
}

#[tokio::test]
async fn a_report_is_a_record_that_says_which_it_is() {
    let node = Node::new();
    let mut reports = node.reports();
    let crasher = node.start::<Crasher>(()).await.unwrap();
    crasher.call(Crash).await.unwrap_err();
    let who = json!({ "pid": 1, "name": null, "label": null });
    let reason = json!({ "kind": "term", "text": "on purpose" });
    let server = std::any::type_name::<Crasher>();
    check(
        &reports.next().await,
        &json!({
            "report": "terminated", "process": who, "server": server, "client": null, "state": server, "log": [],
            "last_message": { "callback": "call", "text": std::any::type_name::<Crash>() }, "reason": reason,
        }),
    );
    check(
        &reports.next().await,
        &json!({
            "report": "crashed", "process": who, "entry": server, "in_init": false, "reason": reason, "ancestors": [],
            "links": [], "mailbox": 0, "traps_exits": false,
        }),
    );
}

#[tokio::test]
async fn a_callback_that_blocked_is_a_record_with_its_time() {
    let node = Node::new();
    // Every callback that is timed blocks for longer than that; the second is the first of them.
    node.long_schedule(Duration::ZERO);
    let mut reports = node.reports();
    let crasher = node.start::<Crasher>(()).await.unwrap();
    for _ in 0..2 {
        crasher.cast(()).unwrap();
        tokio::task::yield_now().await;
    }
    let Some(Report::LongSchedule(report)) = reports.next().await else { panic!("another report") };
    check(
        &Report::LongSchedule(report.clone()),
        &json!({
            "report": "long_schedule", "process": { "pid": 1, "name": null, "label": null }, "callback": "cast", "times": 1,
            "server": std::any::type_name::<Crasher>(), "blocked": to_value(report.blocked).unwrap(),
        }),
    );
}
