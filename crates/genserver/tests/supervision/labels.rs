//! A child's id is its label, unless its start sets a name or a label.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use crate::wards::{Diary, Tell, Ward, end, kill, process, settled};
use genserver::dynamic_supervisor::DynamicSupervisor;
use genserver::report::Report;
use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::{Ack, Node, Probe, Reason, start_link, start_process};

/// The label of a child of a supervisor that is started with the spec `child`.
async fn label_of<S, H>(child: ChildSpec<S, H>) -> Option<String> {
    let supervisor = Supervisor::one_for_one().child(child).start().on(&Node::new()).await.unwrap();
    let label = process(&supervisor, "child").await.subject().label().map(str::to_owned);
    supervisor.stop().await.unwrap();
    label
}

#[tokio::test]
async fn the_id_of_a_child_is_its_label_whatever_runs_in_it() {
    let server = Diary::new().ward("child");
    assert_eq!(label_of(server).await.as_deref(), Some("child"));
    let function = ChildSpec::process("child", |mut me: Probe<()>| async move { me.recv().await.map(drop) });
    assert_eq!(label_of(function).await.as_deref(), Some("child"));
    let ready = ChildSpec::start_process(String::from("child"), || {
        start_process(|mut me: Probe<()>, ack: Ack<()>| async move {
            ack.ready(());
            me.recv().await.map(drop)
        })
    });
    assert_eq!(label_of(ready).await.as_deref(), Some("child"));
    let below = ChildSpec::supervisor("child", || Supervisor::one_for_one().start_link());
    assert_eq!(label_of(below).await.as_deref(), Some("child"));
}

#[tokio::test]
async fn a_child_with_a_name_or_a_label_of_its_own_is_not_labelled_with_its_id() {
    let diary = Diary::new();
    let named = ChildSpec::server("child", move || start_link::<Ward>(("child", diary.clone())).name("a name"));
    assert_eq!(label_of(named).await, None);
    let diary = Diary::new();
    let labelled = ChildSpec::server("child", move || start_link::<Ward>(("child", diary.clone())).label("a label"));
    assert_eq!(label_of(labelled).await.as_deref(), Some("a label"));
    let ready = ChildSpec::start_process("child", || {
        let start = start_process(|mut me: Probe<()>, ack: Ack<()>| async move {
            ack.ready(());
            me.recv().await.map(drop)
        });
        start.label("a label")
    });
    assert_eq!(label_of(ready).await.as_deref(), Some("a label"));
    let spec = ChildSpec::process("child", |mut me: Probe<()>| async move { me.recv().await.map(drop) });
    assert_eq!(label_of(spec.label("a label")).await.as_deref(), Some("a label"));
    let diary = Diary::new();
    let both = ChildSpec::server("child", move || start_link::<Ward>(("child", diary.clone())).label("the nearer one"));
    assert_eq!(label_of(both.label("a label")).await.as_deref(), Some("the nearer one"));
}

#[tokio::test]
async fn errors_and_reports_show_the_id_of_a_child() {
    let node = Node::new();
    let mut reports = node.reports();
    let spec = Supervisor::one_for_one().child(Diary::new().ward("child"));
    let supervisor = spec.start().on(&node).await.unwrap();
    let child = process(&supervisor, "child").await;
    end(&supervisor, "child", Tell::Stop(Reason::term("boom"))).await;
    settled(&supervisor).await;
    let terminated = std::iter::from_fn(|| reports.try_next()).find(|report| matches!(report, Report::Terminated(_)));
    let terminated = terminated.unwrap().to_string();
    assert!(terminated.contains("label: child"), "{terminated}");
    let gone = child.stop().await.unwrap_err().to_string();
    assert!(gone.contains(&format!("process child {}", child.pid())), "{gone}");
    supervisor.stop().await.unwrap();
}

#[tokio::test]
async fn a_restart_allocates_no_label() {
    let supervisor = Supervisor::one_for_one().child(Diary::new().ward("child")).start().await.unwrap();
    let before = process(&supervisor, "child").await;
    kill(&supervisor, "child").await;
    settled(&supervisor).await;
    let after = process(&supervisor, "child").await;
    assert_ne!(before, after);
    let [before, after] = [before, after].map(|process| process.subject());
    assert!(std::ptr::eq(before.label().unwrap(), after.label().unwrap()));
    supervisor.stop().await.unwrap();
}

#[tokio::test]
async fn a_child_of_a_dynamic_supervisor_has_the_label_of_its_spec_or_none() {
    let supervisor = DynamicSupervisor::new().start().await.unwrap();
    let child = supervisor.start_child(Diary::new().ward("child")).await.unwrap();
    assert_eq!(child.process_ref().subject().label(), None);
    let child = supervisor.start_child(Diary::new().ward("child").label("a label")).await.unwrap();
    assert_eq!(child.process_ref().subject().label(), Some("a label"));
    supervisor.stop().await.unwrap();
}
