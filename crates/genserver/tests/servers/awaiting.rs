//! What is seen of a callback that awaits, whichever thread has run it until then.

use std::future::IntoFuture as _;
use std::time::Duration;

use futures::future::pending;
use genserver::{Init, Next, Node, ProcessRef};
#[cfg(unix)]
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
#[cfg(unix)]
use tokio::net::UnixStream;

use crate::puppet::{Begin, Log, Play, Puppet, beginning, park, slow, waiting};

/// What such a process does, and for how long it has.
fn seen(process: &ProcessRef) -> (String, Option<Duration>) {
    #[expect(clippy::disallowed_methods, reason = "the paused clock of the test")]
    let now = tokio::time::Instant::now().into_std();
    let info = process.info();
    (info.status.to_string(), info.awaiting_for(now))
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_awaits_says_which_it_is_and_since_when() {
    let (node, log) = (Node::new(), Log::default());
    let play = || waiting(&log);

    let called = node.start::<Puppet>(play()).await.unwrap();
    let mut call = Box::pin(called.call(park::<()>).no_timeout());
    assert!(futures::poll!(&mut call).is_pending());

    let told = node.start::<Puppet>(play()).await.unwrap();
    told.cast(slow(|_, _| Box::pin(pending()))).unwrap();
    tokio::task::yield_now().await;

    let begin: Begin = Box::new(|_, _| Box::pin(pending()));
    let slowly = node.start::<Puppet>(Play { log: log.clone(), begin: Some(begin) }).name("begins");
    let mut start = Box::pin(slowly.into_future());
    assert!(futures::poll!(&mut start).is_pending());

    let ends = beginning(&log, |mut puppet, _| {
        puppet.curtain = Some(Box::new(|| Box::pin(pending())));
        Init::Run(puppet)
    });
    let stopped = node.start::<Puppet>(ends).await.unwrap();
    let mut stop = Box::pin(stopped.stop());
    assert!(futures::poll!(&mut stop).is_pending());

    tokio::time::advance(Duration::from_secs(9)).await;
    let processes = [called.process_ref(), told.process_ref(), node.whereis("begins").unwrap(), stopped.process_ref()];
    let expected = ["handle_call", "handle_cast", "init", "terminate"]
        .map(|callback| (format!("awaiting in {callback}"), Some(Duration::from_secs(9))));
    assert_eq!(processes.each_ref().map(seen), expected);
    processes.iter().for_each(ProcessRef::kill);
}

#[tokio::test]
async fn a_server_that_waits_for_messages_does_not_await() {
    let server = Node::new().start::<Puppet>(waiting(&Log::default())).await.unwrap();
    assert_eq!(seen(&server.process_ref()), ("waiting".to_owned(), None));
}

/// A runtime of one thread looks at its sockets when it has nothing else to do, or after 61 tasks.
#[cfg(unix)]
#[tokio::test]
async fn a_callback_that_yields_lets_a_task_go_on_for_which_something_has_come_at_a_socket() {
    let server = Node::new().start::<Puppet>(waiting(&Log::default())).await.unwrap();
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a task of its own, and not a process")]
    let reads = tokio::spawn(async move { theirs.read_u8().await.unwrap() });
    tokio::task::yield_now().await;
    let yields = server.call(|caller| {
        slow(move |_, _| {
            Box::pin(async move {
                ours.write_u8(7).await.unwrap();
                let mut yields = 0;
                while !reads.is_finished() {
                    genserver::yield_now().await;
                    yields += 1;
                }
                Next::reply(caller, yields)
            })
        })
    });
    assert!((1..=2).contains(&yields.await.unwrap()));
}
