//! Managers that pass events on to managers, and sinks that feed them.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]

use std::time::Duration;

use futures::{SinkExt, StreamExt, poll, stream};
use genevent::NotifyError;
use genevent::{
    AsyncHandler, ForwardToManager, Forwarder, HandlerCx, HandlerRef, LoggerHandler, Manager, NotifyMode, React,
    Reaction,
};
use genserver::report::Report;
use genserver::{CallError, Letter, Never, Node, Probe};
use tokio::time::{Instant, sleep};

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

async fn tell(manager: &Manager<u32>, mode: NotifyMode, event: u32) {
    match mode {
        NotifyMode::Async => manager.notify(event).unwrap(),
        NotifyMode::Ack => manager.ack_notify(event).await.unwrap(),
        NotifyMode::Sync => manager.sync_notify(event).await.unwrap(),
    }
}

/// Takes 100 ms over every event, and notes the mode in which it came.
struct Slow(Vec<(u32, NotifyMode)>);

impl AsyncHandler<u32> for Slow {
    type Call = Never;

    async fn handle_event(&mut self, event: &u32, cx: &mut HandlerCx<u32>) -> Reaction<u32> {
        self.0.push((*event, cx.mode()));
        sleep(ms(100)).await;
        React::stay()
    }
}

/// The first of `length` managers that pass events on, and the last with its handler.
async fn chain(length: usize) -> (Vec<Manager<u32>>, HandlerRef<Slow>) {
    let mut managers = vec![Manager::start().await.unwrap()];
    for _ in 1..length {
        let next = Manager::start().await.unwrap();
        let last = managers.last().unwrap();
        last.add_async_handler(ForwardToManager::new(&next)).await.unwrap();
        managers.push(next);
    }
    let slow = managers.last().unwrap().add_async_handler(Slow(Vec::new())).await.unwrap();
    (managers, slow)
}

/// How long each of three events keeps its sender.
#[tokio::test(start_paused = true)]
async fn ge_147_events_go_through_a_chain_in_the_way_they_were_sent() {
    // With acknowledgements: the last manager works on the first event, the two before it hold the second and the third.
    for (mode, held_up) in
        [(NotifyMode::Async, [0, 0, 0, 0]), (NotifyMode::Ack, [0, 0, 0, 100]), (NotifyMode::Sync, [100, 100, 100, 100])]
    {
        let (managers, slow) = chain(3).await;
        for (event, expected) in (1..).zip(held_up) {
            let begun = Instant::now();
            tell(&managers[0], mode, event).await;
            assert_eq!(begun.elapsed(), ms(expected), "{mode:?} {event}");
        }
        // What is asked of each manager comes after what it was sent.
        for manager in &managers {
            manager.which_handlers().await.unwrap();
        }
        let Slow(seen) = managers[2].remove_handler(&slow).await.unwrap();
        assert_eq!(seen, [1, 2, 3, 4].map(|event| (event, mode)));
    }
}

#[tokio::test]
async fn a_chain_is_cut_where_a_manager_has_ended() {
    for mode in [NotifyMode::Async, NotifyMode::Ack, NotifyMode::Sync] {
        let (managers, _) = chain(2).await;
        managers[1].stop().await.unwrap();
        assert_eq!(managers[0].which_handlers().await.unwrap().len(), 1);
        tell(&managers[0], mode, 1).await;
        assert_eq!(managers[0].which_handlers().await.unwrap(), [], "{mode:?}");
    }
}

/// One call in the cycle is refused, so its handler is removed. The others stay, and the sender is not told.
#[tokio::test]
async fn a_cycle_of_managers_loses_one_of_its_handlers() {
    let node = Node::new();
    let mut reports = node.reports();
    let first = Manager::<u32>::start().on(&node).await.unwrap();
    let second = Manager::<u32>::start().on(&node).await.unwrap();
    first.add_async_handler(ForwardToManager::new(&second)).await.unwrap();
    second.add_async_handler(ForwardToManager::new(&first)).await.unwrap();
    first.sync_notify(1).await.unwrap();
    let left = [first.which_handlers().await.unwrap().len(), second.which_handlers().await.unwrap().len()];
    assert_eq!(left.iter().sum::<usize>(), 1, "{left:?}");
    let Some(Report::CycleRefused(_)) = reports.try_next() else { panic!("the cycle is reported") };
    let Some(Report::Custom(told)) = reports.try_next() else { panic!("the loss is reported") };
    let reason = told.reason.unwrap().to_string();
    assert!(reason.contains("→"), "the cycle is shown: {reason}");
}

#[tokio::test]
async fn a_stream_of_one_manager_feeds_another_through_its_sink() {
    let (from, to) = (Manager::<u32>::start().await.unwrap(), Manager::<u32>::start().await.unwrap());
    let logger = to.add_handler(LoggerHandler::new()).await.unwrap();
    let mut events = from.stream();
    events.subscribe().await.unwrap();
    let pump = tokio::spawn(events.map(Result::unwrap).map(Ok).forward(to.sink().mode(NotifyMode::Sync)));
    for event in 1..=3 {
        from.sync_notify(event).await.unwrap();
    }
    from.stop().await.unwrap();
    assert_eq!(pump.await.unwrap(), Ok(()));
    assert_eq!(to.remove_handler(&logger).await.unwrap().into_messages(), ["1", "2", "3"]);
}

/// Three managers in a row, joined by streams: what one has sent synchronously, the last has.
#[tokio::test]
async fn an_attached_stream_is_let_go_of_when_it_is_detached() {
    let (from, to) = (Manager::<u32>::start().await.unwrap(), Manager::<u32>::start().await.unwrap());
    let logger = to.add_handler(LoggerHandler::new()).await.unwrap();
    let mut events = from.stream();
    events.subscribe().await.unwrap();
    let attached = to.attach(events.map(Result::unwrap)).await.unwrap();
    from.sync_notify(1).await.unwrap();
    assert_eq!(to.call(&logger, genevent::LoggedMessages).await.unwrap(), ["1"]);
    assert_eq!(to.detach(attached).await, Ok(true));
    assert_eq!(to.detach(attached).await, Ok(false));
    from.sync_notify(2).await.unwrap();
    assert_eq!(from.which_handlers().await.unwrap(), []);
    assert_eq!(to.remove_handler(&logger).await.unwrap().into_messages(), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn a_sink_is_no_faster_than_its_manager_and_says_when_that_has_ended() {
    let (managers, _) = chain(1).await;
    let mut sink = managers[0].sink();
    let begun = Instant::now();
    sink.send_all(&mut stream::iter(1..=3).map(Ok)).await.unwrap();
    assert_eq!(begun.elapsed(), ms(200), "the third was taken when two were handled");
    managers[0].stop().await.unwrap();
    assert!(matches!(sink.send(4).await, Err(NotifyError::Manager(CallError::NoProc { .. }))));
    for mode in [NotifyMode::Async, NotifyMode::Sync] {
        assert!(matches!(
            managers[0].sink().mode(mode).send(5).await,
            Err(NotifyError::Manager(CallError::NoProc { .. }))
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_does_not_wait_for_the_manager_waits_for_space() {
    let manager = Manager::start().mailbox(2).await.unwrap();
    manager.add_async_handler(Slow(Vec::new())).await.unwrap();
    let mut sink = manager.sink().mode(NotifyMode::Async);
    let begun = Instant::now();
    sink.send_all(&mut stream::iter(1..=3).map(Ok)).await.unwrap();
    assert_eq!(begun.elapsed(), ms(0));
    let mut fourth = sink.send(4);
    assert!(poll!(&mut fourth).is_pending());
    fourth.await.unwrap();
    assert!(begun.elapsed() >= ms(100), "until an event was handled");
}

#[tokio::test]
async fn a_forwarder_leaves_with_its_receiver_and_fails_if_the_mailbox_is_full() {
    let manager = Manager::<u32>::start().await.unwrap();
    let mut probe = Probe::new();
    manager.add_handler(Forwarder::to(probe.sender())).await.unwrap();
    manager.sync_notify(1).await.unwrap();
    assert_eq!(probe.flush(), [Letter::Message(1)]);
    drop(probe);
    manager.sync_notify(2).await.unwrap();
    assert_eq!(manager.which_handlers().await.unwrap(), []);

    manager.add_handler(Forwarder::with(|_: &u32| Err("no space"))).await.unwrap();
    manager.sync_notify(3).await.unwrap();
    assert_eq!(manager.which_handlers().await.unwrap(), []);
}
