//! That as many dooms are forgotten as were noted.

use std::future::{Future, pending};
use std::sync::Arc;

use tokio::task::yield_now;

use crate::node::any_process::AnyProcess;
use crate::start::make_process;
use crate::{Cx, GenServer, Init, Never, Next, Outcome, Probe, ProcessRef, Reason, node, noted, spawn, start};

/// Kills itself in its callbacks.
struct Doomed;

#[derive(Clone, Copy, PartialEq)]
enum Then {
    Waits,
    Returns,
    Panics,
    Stops,
}

fn doom(process: &ProcessRef) {
    process.kill();
    process.exit(Reason::term("one doom is enough"));
    assert_eq!(noted(), 1);
}

impl GenServer for Doomed {
    type Args = Option<Then>;
    type Call = Never;
    type Cast = Then;
    type Info = Never;

    async fn init(then: Option<Then>, cx: &mut Cx<Self>) -> Init<Self> {
        if let Some(then) = then {
            doom(&cx.process_ref());
            if then == Then::Waits {
                pending::<()>().await;
            }
        }
        Init::Run(Self)
    }

    async fn handle_cast(&mut self, then: Then, cx: &mut Cx<Self>) -> Outcome<Self> {
        if then == Then::Stops {
            return Next::stop(Reason::Normal);
        }
        doom(&cx.process_ref());
        match then {
            Then::Waits => pending().await,
            Then::Panics => panic!("it was killed before"),
            Then::Returns | Then::Stops => Next::wait(),
        }
    }

    async fn terminate(&mut self, _: &Reason, cx: &mut Cx<Self>) {
        doom(&cx.process_ref());
        pending::<()>().await;
    }
}

/// One test, for what it counts is the whole program's.
#[test]
fn as_many_dooms_are_forgotten_as_were_noted() {
    for then in [Then::Waits, Then::Returns, Then::Panics, Then::Stops] {
        nothing_is_noted_after(ends_that_cut(then));
    }
    nothing_is_noted_after(kills_of_who_does_not_run());
    nothing_is_noted_after(async { a_kill_of_who_never_ran() });
}

fn nothing_is_noted_after(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(test);
    drop(runtime);
    assert_eq!(noted(), 0);
}

async fn ends_that_cut(then: Then) {
    let server = start::<Doomed>(None).await.unwrap();
    server.cast(then).unwrap();
    assert_eq!(server.ended().await, Reason::Killed);
    assert_eq!(noted(), 0, "a server");
    drop(start::<Doomed>(Some(then)).await);
    assert_eq!(noted(), 0, "init");
    let function = function(then);
    assert_eq!(function.ended().await, Reason::Killed);
    assert_eq!(noted(), 0, "a function");
}

fn function(then: Then) -> ProcessRef {
    let function = spawn(move |me: Probe<()>| async move {
        doom(&me.process_ref());
        match then {
            Then::Waits => pending().await,
            Then::Panics => panic!("it was killed before"),
            Then::Returns | Then::Stops => {}
        }
    });
    function.unwrap().process_ref()
}

async fn kills_of_who_does_not_run() {
    let parked = spawn(|_: Probe<()>| pending::<()>()).unwrap();
    yield_now().await;
    let idle = start::<Doomed>(None).await.unwrap();
    for process in [parked.process_ref(), idle.process_ref(), Probe::<()>::new().process_ref()] {
        process.kill();
        assert_eq!(noted(), 0);
        assert_eq!(process.ended().await, Reason::Killed);
    }
}

/// Found by its name, and killed, before it was to run.
fn a_kill_of_who_never_ran() {
    let home = node::current_home().unwrap();
    let process = make_process::<Doomed>(&home, Some("doomed".into()), None, None).unwrap();
    doom(&ProcessRef::new(Arc::clone(&process) as Arc<dyn AnyProcess>));
    process.discard();
    assert_eq!(noted(), 0);
    let process = make_process::<Doomed>(&home, None, None, None).unwrap();
    AnyProcess::runtime_gone(Arc::clone(&process) as Arc<dyn AnyProcess>);
    assert_eq!(noted(), 1);
    process.discard();
}
