//! A child costs a supervisor no more when there are many others.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use crate::node::dense::looks;
use crate::supervisor::dynamic::DynamicSupervisor;
use crate::supervisor::{ChildSpec, Restart, Supervisor};
use crate::{Cx, GenServer, Init, Never, Reason, start_link};

struct Quiet;

impl GenServer for Quiet {
    type Args = ();
    type Call = Never;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }
}

fn quiet(id: String) -> ChildSpec<Quiet, crate::ServerRef<Quiet>> {
    ChildSpec::server(id, || start_link::<Quiet>(()))
}

/// Starts this many children, ends a quarter one by one, kills a quarter, and ends the rest with their supervisor.
async fn dynamic_life(children: usize) {
    let supervisor = DynamicSupervisor::new().start().await.unwrap();
    let mut started = Vec::with_capacity(children);
    for _ in 0..children {
        let child = quiet("quiet".to_owned()).restart(Restart::Temporary);
        started.push(supervisor.start_child(child).await.unwrap());
    }
    for child in started.drain(..children / 4) {
        supervisor.terminate_child(&child).await.unwrap();
    }
    for child in started.drain(..children / 4) {
        child.kill();
    }
    assert_eq!(supervisor.count_children().await.unwrap().active, children / 2);
    supervisor.stop().await.unwrap();
    for child in started {
        assert_eq!(child.ended().await, Reason::Shutdown);
    }
}

/// Starts half at once and half one by one, has a quarter restarted, ends and deletes a quarter one by one, and
/// ends the rest with their supervisor.
async fn static_life(children: usize) {
    let id = |number: usize| format!("child {number}");
    let at_once = (0..children / 2).map(|number| quiet(id(number)));
    let supervisor = Supervisor::one_for_one().children(at_once).max_restarts(u32::MAX).start().await.unwrap();
    for number in children / 2..children {
        supervisor.start_child(quiet(id(number))).await.unwrap();
    }
    for number in 0..children / 4 {
        supervisor.child::<Quiet>(id(number)).await.unwrap().current().unwrap().kill();
    }
    for number in children / 4..children / 2 {
        supervisor.terminate_child(id(number)).await.unwrap();
        supervisor.delete_child(id(number)).await.unwrap();
    }
    assert_eq!(supervisor.count_children().await.unwrap().active, children * 3 / 4);
    supervisor.stop().await.unwrap();
}

/// Counts the lookups: of a child of a supervisor, and of a link or a monitor of any process. Ten times as many children take
/// ten times as many, and a few more. An algorithm that visits all children for each would take a hundred times as many.
async fn check<F: Future<Output = ()>>(life: impl Fn(usize) -> F) {
    let mut looks = [0; 2];
    for (children, looks) in [200, 2000].into_iter().zip(&mut looks) {
        looks::take();
        life(children).await;
        *looks = looks::take();
    }
    let [few, many] = looks;
    assert!(few >= 200, "they are counted: {few}");
    assert!(many < few * 20, "{few} looks for two hundred, {many} for two thousand");
}

#[tokio::test]
async fn sup_074_ten_times_as_many_children_take_about_ten_times_as_much() {
    check(dynamic_life).await;
}

#[tokio::test]
async fn nor_do_ten_times_as_many_children_of_a_static_supervisor_take_more_each() {
    check(static_life).await;
}
