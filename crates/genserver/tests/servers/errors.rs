//! Every error says what happened, to which process, and what to do about it.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::error::Error;
use std::time::Duration;

use futures::future::{FutureExt, join};
use genserver::{
    AsServer, CallError, Caller, Cx, GenServer, Init, Named, Never, Next, Node, Probe, Reason, ServerRef, StartError,
};
use genserver::{StopError, Subject, start};
use tokio::sync::oneshot;
use tokio::task::yield_now;

use crate::puppet::{self, Log, Puppet, act, answer, beginning, note, park, slow, waiting};

async fn puppet() -> ServerRef<Puppet> {
    start::<Puppet>(waiting(&Log::default())).await.unwrap()
}

/// Compares a text with what is wanted, where `PID` stands for the server's.
#[track_caller]
fn says(error: &dyn Error, server: &ServerRef<Puppet>, wanted: &str) {
    assert_eq!(error.to_string(), wanted.replace("PID", &server.pid().to_string()));
}

#[test]
fn a_start_outside_any_runtime() {
    let refused = start::<Puppet>(waiting(&Log::default())).now_or_never().expect("it does not wait");
    let error = refused.unwrap_err();
    assert_eq!(error, StartError::NoRuntime);
    assert_eq!(
        error.to_string(),
        "no runtime to start a process on: start it inside one, as an async main does, or in a node made with \
         `Node::with_runtime`"
    );
}

#[tokio::test]
async fn a_name_that_is_taken() {
    let node = Node::new();
    let server = node.start::<Puppet>(waiting(&Log::default())).name("taken").await.unwrap();
    let error = node.start::<Puppet>(waiting(&Log::default())).name("taken").await.unwrap_err();
    says(&error, &server, "the name taken belongs to process PID; use that one, stop it first, or choose another name");
}

#[tokio::test]
async fn a_call_to_the_dead_and_to_the_unknown() {
    let server = puppet().await;
    server.stop().await.unwrap();
    let error = server.call(|caller| answer(caller, ())).await.unwrap_err();
    says(
        &error,
        &server,
        "process PID is not running, so the request was not carried out; start it, or look it up again",
    );
    let error = Named::<Puppet>::new("nobody").call(|caller| answer(caller, ())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "a process named nobody is not running, so the request was not carried out; start it, or look it up again"
    );
}

#[tokio::test]
async fn a_name_that_nobody_has() {
    let nobody = Named::<Puppet>::new("nobody").resolve().unwrap_err();
    assert_eq!(nobody.to_string(), "a process named nobody is not running; start it, or look it up again");
    assert_eq!(CallError::from(nobody), CallError::NoProc { server: Subject::nobody("nobody") });
}

#[tokio::test(start_paused = true)]
async fn a_call_to_oneself() {
    let server = puppet().await;
    let called = server.call(|caller| {
        slow(|_, cx| {
            Box::pin(async move {
                let own = cx.this().call(|caller| answer(caller, ())).no_timeout().await;
                Next::reply(caller, own)
            })
        })
    });
    let error = called.await.unwrap().unwrap_err();
    says(
        &error,
        &server,
        "process PID called itself; a callback has the state at hand, so use it directly, or `cast` to itself",
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox() {
    let server = start::<Puppet>(waiting(&Log::default())).mailbox(1).await.unwrap();
    server.cast(slow(|_, _| Box::pin(std::future::pending()))).unwrap();
    while server.info().mailbox > 0 {
        yield_now().await;
    }
    server.cast(note("fits")).unwrap();
    let error = server.cast(note("does not")).unwrap_err();
    says(
        &error,
        &server,
        "the mailbox of process PID is full, so the message was not taken; wait for space with `cast_wait`, or drop the message",
    );
    let error = server.call(|caller| answer(caller, ())).await.unwrap_err();
    says(
        &error,
        &server,
        "the mailbox of process PID stayed full for 5s, so the request was not taken; send less, or give it a larger mailbox",
    );
    server.kill();
    let error = server.cast(note("too late")).unwrap_err();
    says(
        &error,
        &server,
        "process PID is not running, so the message was not taken; look it up again, or drop the message",
    );
}

#[tokio::test]
async fn a_dropped_caller() {
    let server = puppet().await;
    let dropped = server.call(|caller: Caller<()>| {
        act(move |_, _| {
            drop(caller);
            Next::wait()
        })
    });
    let error = dropped.await.unwrap_err();
    let text = "process PID dropped the caller without an answer; one of its callbacks forgets to reply, or gave up what was \
                asked: look for its reports";
    says(&error, &server, text);
    // The same at once: from another task, and when the server is busy.
    let (keep, kept) = oneshot::channel::<Caller<()>>();
    let call = server.call(|caller| {
        act(move |_, _| {
            keep.send(caller).unwrap();
            Next::wait()
        })
    });
    let (called, ()) = join(call, async { drop(kept.await) }).await;
    assert!(matches!(called, Err(CallError::NoReply { .. })), "{called:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long() {
    let server = puppet().await;
    let error = server.call(park::<()>).await.unwrap_err();
    says(
        &error,
        &server,
        "process PID did not answer within 5s; it may still carry the request out: ask it again, or allow the call more \
         time with `timeout`",
    );
    server.kill();
}

#[tokio::test]
async fn a_server_of_another_type() {
    struct Other;
    impl GenServer for Other {
        type Args = ();
        type Call = Never;
        type Cast = Never;
        type Info = Never;
        async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
            Init::Run(Other)
        }
    }
    let node = Node::new();
    node.start::<Other>(()).name("other").await.unwrap();
    let named = Named::<Puppet>::on(&node, "other");
    let error = named.call(|caller| answer(caller, ())).await.unwrap_err();
    assert_eq!(CallError::from(named.resolve().unwrap_err()), error);
    let text = error.to_string();
    assert_eq!(named.resolve().unwrap_err().to_string(), text);
    assert!(text.starts_with("process other "), "{text}");
    assert!(text.ends_with("Puppet; the name belongs to another server than you expect"), "{text}");
}

/// What a caller and a watcher get when `provoke` makes the callback panic.
async fn hears_of_the_panic(provoke: impl AsyncFnOnce(&ServerRef<Puppet>)) {
    let server = puppet().await;
    let mut probe = Probe::<()>::new();
    let down = probe.monitor(&server);
    provoke(&server).await;
    let reason = probe.expect_down(down).await.reason;
    assert_eq!(reason.to_string(), "panicked: boom");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_each_callback() {
    let failed = start::<Puppet>(beginning(&Log::default(), |_, _| panic!("boom"))).await.unwrap_err();
    assert!(failed.to_string().starts_with("init of process"), "{failed}");
    assert!(failed.to_string().ends_with("failed: panicked: boom"), "{failed}");

    hears_of_the_panic(async |server| {
        let error = server.call(|caller: Caller<()>| {
            act(move |_, _| {
                let _caller = caller;
                panic!("boom")
            })
        });
        says(
            &error.await.unwrap_err(),
            server,
            "process PID ended before it answered: panicked: boom; whether it carried the request out is not known",
        );
    })
    .await;
    hears_of_the_panic(async |server| server.cast(act(|_, _| panic!("boom"))).unwrap()).await;
    hears_of_the_panic(async |server| server.send(puppet::Told::Act(act(|_, _| panic!("boom")))).unwrap()).await;
    hears_of_the_panic(async |server| {
        server
            .cast(act(|puppet, _| {
                puppet.when_idle = Some(act(|_, _| panic!("boom")));
                Next::idle(Duration::from_millis(1))
            }))
            .unwrap();
    })
    .await;
    hears_of_the_panic(async |server| {
        server.cast(act(|_, _| Next::then(puppet::Told::Act(act(|_, _| panic!("boom")))))).unwrap();
    })
    .await;
    hears_of_the_panic(async |server| {
        server
            .call(|caller| {
                act(|puppet, _| {
                    puppet.curtain = Some(Box::new(|| panic!("boom")));
                    Next::reply(caller, ())
                })
            })
            .await
            .unwrap();
        let error = server.stop().await.unwrap_err();
        says(&error, server, "process PID did not end because of this stop, but with the reason panicked: boom");
    })
    .await;
}

#[tokio::test]
async fn a_panic_of_the_functions_that_make_infos() {
    hears_of_the_panic(async |server| {
        let other = puppet().await;
        let watched = other.clone();
        server
            .call(|caller| {
                act(move |_, cx| {
                    cx.monitor(&watched, |_| panic!("boom"));
                    Next::reply(caller, ())
                })
            })
            .await
            .unwrap();
        other.stop().await.unwrap();
    })
    .await;
    hears_of_the_panic(async |server| {
        server
            .call(|caller| {
                act(|_, cx| {
                    cx.trap_exits(|_| panic!("boom"));
                    Next::reply(caller, ())
                })
            })
            .await
            .unwrap();
        server.exit(Reason::term("trapped"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_fails() {
    let server = puppet().await;
    server.cast(slow(|_, _| Box::pin(std::future::pending()))).unwrap();
    let error = server.stop().timeout(Duration::from_secs(1)).await.unwrap_err();
    says(
        &error,
        &server,
        "process PID did not stop within 1s; the order stands and it will stop when it handles the order, or use `kill`",
    );
    server.kill();
    let error = server.stop().await.unwrap_err();
    assert!(matches!(error, StopError::NoProc { .. }));
    says(
        &error,
        &server,
        "process PID is not running, so it was not stopped; if that is what you wanted, ignore this error",
    );

    let server = puppet().await;
    let own = server.call(|caller| {
        slow(|_, cx| {
            Box::pin(async move {
                let own = cx.this().stop().await;
                Next::reply(caller, own)
            })
        })
    });
    let error = own.await.unwrap().unwrap_err();
    says(&error, &server, "process PID called stop on itself; return `Next::stop(reason)` from the callback instead");
}

#[tokio::test]
async fn dropping_a_pending_call_disturbs_nobody() {
    let server = puppet().await;
    let (go, gone) = oneshot::channel::<()>();
    {
        let mut call = Box::pin(server.call(|caller| {
            slow(|_, _| {
                Box::pin(async {
                    let _ = gone.await;
                    Next::reply(caller, 1)
                })
            })
        }));
        assert!(call.as_mut().now_or_never().is_none());
    }
    go.send(()).unwrap();
    assert_eq!(server.call(|caller| answer(caller, 2)).await, Ok(2));
    // A call that was never polled was never sent.
    let log = Log::default();
    let noted = log.clone();
    drop(server.call(move |caller| {
        act(move |_, _| {
            noted.note("sent");
            Next::reply(caller, ())
        })
    }));
    server.call(|caller| answer(caller, ())).await.unwrap();
    assert_eq!(log.take(), Vec::<String>::new());
}

#[tokio::test]
async fn dropping_a_pending_start_leaves_nothing() {
    let node = Node::new();
    let log = Log::default();
    let play = puppet::Play {
        log: log.clone(),
        begin: Some(Box::new(|puppet, cx| {
            let this = cx.this();
            Box::pin(async move {
                puppet.log.note(format!("begun {}", this.is_alive()));
                std::future::pending::<()>().await;
                Init::Run(puppet)
            })
        })),
    };
    let mut pending = Box::pin(node.start::<Puppet>(play).name("pending"));
    assert!(pending.as_mut().now_or_never().is_none());
    let begun = node.whereis("pending").unwrap();
    drop(pending);
    assert!(!begun.is_alive());
    assert!(node.whereis("pending").is_none());
    assert_eq!(log.take(), ["begun true"]);
    node.start::<Puppet>(waiting(&log)).name("pending").await.unwrap();
}

#[tokio::test]
async fn dropping_the_last_reference_ends_nothing() {
    let node = Node::new();
    let log = Log::default();
    let server = node.start::<Puppet>(waiting(&log)).name("kept").await.unwrap();
    let pid = server.pid();
    server.cast(note("handled all the same")).unwrap();
    drop(server);
    let named = Named::<Puppet>::on(&node, "kept");
    assert_eq!(named.call(|caller| answer(caller, 1)).await, Ok(1));
    assert_eq!(named.resolve().unwrap().pid(), pid);
    assert_eq!(log.take(), ["handled all the same"]);
}
