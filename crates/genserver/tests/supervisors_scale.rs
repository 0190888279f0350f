//! That a child costs a supervisor no more when there are many others.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::time::{Duration, Instant};

use genserver::dynamic_supervisor::DynamicSupervisor;
use genserver::supervisor::{ChildSpec, Restart, Supervisor};
use genserver::{Reason, start_link};
use genserver_doc::quiet::Quiet;

fn quiet(id: String) -> ChildSpec<Quiet, genserver::ServerRef<Quiet>> {
    ChildSpec::server(id, || start_link::<Quiet>(()))
}

/// Starts so many, ends a quarter one by one, kills a quarter, and ends the rest with their supervisor.
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

/// Starts half as many at once and half one by one, has a quarter started again, ends and deletes a quarter one by one, and
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

/// What goes through all children for each takes a hundred times as long for ten times as many.
const TIMES_MAX: u32 = 40;

/// So many that a look at each of them for each of them would take most of the time.
const FEW: usize = 4000;

/// How often it is tried. A machine that is busy with something else makes one try slow, but not all of them; what goes through
/// all children for each makes all of them slow.
const TRIES: usize = 5;

/// Work takes no virtual time, so this is real time. What else the machine does only ever adds to it: the best of all tries
/// comes nearest to the work, and the first that shows what is to be shown is enough.
#[expect(clippy::disallowed_methods, reason = "it is the real time that must not grow")]
async fn check<F: Future<Output = ()>>(life: impl Fn(usize) -> F) {
    let (mut few, mut many) = (Duration::MAX, Duration::MAX);
    for _ in 0..TRIES {
        for (children, best) in [(FEW, &mut few), (10 * FEW, &mut many)] {
            let begun = Instant::now();
            life(children).await;
            *best = begun.elapsed().min(*best);
        }
        if many < few * TIMES_MAX {
            return;
        }
    }
    panic!("{few:?} for four thousand, {many:?} for forty thousand");
}

#[tokio::test]
async fn sup_074_ten_times_as_many_children_take_about_ten_times_as_long() {
    check(dynamic_life).await;
}

#[tokio::test]
async fn nor_do_ten_times_as_many_children_of_a_static_supervisor_take_longer_each() {
    check(static_life).await;
}
