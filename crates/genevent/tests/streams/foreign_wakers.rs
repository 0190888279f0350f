//! Consumers whose wakers panic: neither the manager nor the other consumers are affected.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::thread;

use crate::support::{manager, ms, stream};
use futures::StreamExt;
use futures::future::{join, poll_immediate};
use genevent::EventStream;
use genevent::NotifyError;
use genserver::CallError;
use genserver::time::timeout;

/// When a waker panics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Bomb {
    OnWake,
    OnDrop,
}

const BOMBS: [Bomb; 2] = [Bomb::OnWake, Bomb::OnDrop];

struct Charge(Bomb, Arc<AtomicBool>);

impl Charge {
    fn go_off(&self, when: Bomb) {
        if self.0 == when {
            self.1.store(true, Ordering::SeqCst);
            // A test that fails drops its wakers while it unwinds.
            assert!(thread::panicking(), "a waker that panics {when:?}");
        }
    }
}

impl Wake for Charge {
    fn wake(self: Arc<Self>) {
        self.go_off(Bomb::OnWake);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.go_off(Bomb::OnDrop);
    }
}

/// Has the consumer wait with such a waker. Whether it has panicked is told later.
fn plant(bomb: Bomb, events: &mut EventStream<u32>) -> Arc<AtomicBool> {
    let gone_off = Arc::<AtomicBool>::default();
    let waker = Waker::from(Arc::new(Charge(bomb, Arc::clone(&gone_off))));
    assert!(events.poll_next_unpin(&mut Context::from_waker(&waker)).is_pending());
    gone_off
}

#[tokio::test(start_paused = true)]
async fn events_reach_every_stream_whatever_the_waker_of_one_does() {
    for bomb in BOMBS {
        for waits in [false, true] {
            let manager = manager().await;
            let (mut first, mut second) = (stream(&manager).await, stream(&manager).await);
            let gone_off = plant(bomb, &mut first);
            if waits {
                // The manager waits for both, who come when it has told them.
                let told = manager.sync_notify(1).timeout(ms(100));
                let (told, event) = join(told, second.next()).await;
                assert!(matches!(told, Err(NotifyError::Manager(CallError::Timeout { .. }))), "{told:?}");
                assert_eq!(event, Some(Ok(1)));
            } else {
                manager.notify(1).unwrap();
                assert_eq!(second.next().await, Some(Ok(1)), "{bomb:?}");
            }
            assert!(gone_off.load(Ordering::SeqCst));
            assert_eq!(first.next().await, Some(Ok(1)), "{bomb:?}, {waits}: the stream goes on too");
            // A consumer is done with an event when it asks for the next.
            assert!(poll_immediate(first.next()).await.is_none());
            assert!(poll_immediate(second.next()).await.is_none());
            assert_eq!(manager.which_handlers().await.unwrap().len(), 2);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn streams_end_with_their_manager_whatever_the_waker_of_one_does() {
    for bomb in BOMBS {
        for kills in [false, true] {
            let manager = manager().await;
            let (mut first, mut second) = (stream(&manager).await, stream(&manager).await);
            let gone_off = plant(bomb, &mut first);
            assert!(poll_immediate(second.next()).await.is_none());
            if kills {
                manager.process_ref().kill();
            } else {
                manager.stop().await.unwrap();
            }
            assert!(gone_off.load(Ordering::SeqCst));
            let ended = timeout(ms(100), second.next()).await.unwrap();
            assert_eq!(ended.is_some_and(|end| end.is_err()), kills, "{bomb:?}");
            assert_eq!(first.next().await.is_some_and(|end| end.is_err()), kills, "{bomb:?}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_moves_to_another_task_forgets_the_waker_of_the_first() {
    for bomb in BOMBS {
        let manager = manager().await;
        let mut events = stream(&manager).await;
        let gone_off = plant(bomb, &mut events);
        assert!(poll_immediate(events.next()).await.is_none());
        manager.notify(1).unwrap();
        assert_eq!(events.next().await, Some(Ok(1)));
        let gone_off_later = plant(bomb, &mut events);
        drop(events);
        for gone_off in [gone_off, gone_off_later] {
            assert_eq!(gone_off.load(Ordering::SeqCst), bomb == Bomb::OnDrop);
        }
    }
}
