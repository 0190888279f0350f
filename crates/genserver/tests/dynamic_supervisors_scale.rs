//! That a child costs a dynamic supervisor no more when there are many others.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::time::{Duration, Instant};

use genserver::dynamic_supervisor::DynamicSupervisor;
use genserver::supervisor::{ChildSpec, Restart};
use genserver::{Cx, GenServer, Init, Never, Reason, start_link};

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

fn quiet() -> ChildSpec<Quiet, genserver::ServerRef<Quiet>> {
    ChildSpec::server("quiet", || start_link::<Quiet>(())).restart(Restart::Temporary)
}

/// How long it takes to start so many, to end a half one by one, and the rest with their supervisor.
#[expect(clippy::disallowed_methods, reason = "it is the real time that must not grow")]
async fn life_of(children: usize) -> Duration {
    let begun = Instant::now();
    let supervisor = DynamicSupervisor::new().start().await.unwrap();
    let mut started = Vec::with_capacity(children);
    for _ in 0..children {
        started.push(supervisor.start_child(quiet()).await.unwrap());
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
    begun.elapsed()
}

/// What goes through all children for each takes a hundred times as long for ten times as many.
const TIMES_MAX: u32 = 40;

/// How often it is tried. A machine that is busy with something else makes one try slow, but not all of them; what goes through
/// all children for each makes all of them slow.
const TRIES: usize = 20;

#[tokio::test]
async fn sup_074_ten_times_as_many_children_take_about_ten_times_as_long() {
    // Work takes no virtual time, so this is real time. What else the machine does only ever adds to it: the best of all tries
    // comes nearest to the work, and the first that shows what was to be shown is enough.
    let (mut few, mut many) = (Duration::MAX, Duration::MAX);
    for _ in 0..TRIES {
        few = few.min(life_of(1000).await);
        many = many.min(life_of(10_000).await);
        if many < few * TIMES_MAX {
            return;
        }
    }
    panic!("{few:?} for a thousand, {many:?} for ten thousand");
}
