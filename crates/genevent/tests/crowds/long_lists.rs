//! Lists of handlers that are longer than what a manager calls in a row: at each position, what a handler does concerns it alone.

use std::sync::Arc;

use genevent::{AsyncHandler, Handler, HandlerCx, Manager, React, Reaction};
use genserver::{Never, Reason};
use parking_lot::Mutex;

/// How a handler ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Leaves,
    Fails,
    Panics,
}

/// The handler at this position is to end so.
type Event = Option<(u64, End)>;

struct Member {
    position: u64,
    seen: Arc<Mutex<Vec<u64>>>,
}

impl Member {
    fn handle(&self, event: Event) -> Reaction<Event> {
        self.seen.lock().push(self.position);
        match event.filter(|(position, _)| *position == self.position) {
            None => React::stay(),
            Some((_, End::Leaves)) => React::leave(),
            Some((_, End::Fails)) => Err(Reason::term("it fails")),
            Some((_, End::Panics)) => panic!("it panics"),
        }
    }
}

impl Handler<Event> for Member {
    type Call = Never;

    fn handle_event(&mut self, event: &Event, _cx: &mut HandlerCx<Event>) -> Reaction<Event> {
        self.handle(*event)
    }
}

impl AsyncHandler<Event> for Member {
    type Call = Never;

    async fn handle_event(&mut self, event: &Event, _cx: &mut HandlerCx<Event>) -> Reaction<Event> {
        self.handle(*event)
    }
}

/// The positions of the handlers that see an event, in order.
async fn see(manager: &Manager<Event>, seen: &Mutex<Vec<u64>>, event: Event) -> Vec<u64> {
    manager.sync_notify(event).await.expect("the manager runs");
    std::mem::take(&mut *seen.lock())
}

async fn one_ends_at_each_position(may_await: fn(u64) -> bool) {
    for length in 1..=11 {
        for (position, end) in (0..length).flat_map(|at| [End::Leaves, End::Fails, End::Panics].map(|end| (at, end))) {
            let (manager, seen) = (Manager::start().await.expect("it starts"), Arc::new(Mutex::new(Vec::new())));
            for position in 0..length {
                let member = Member { position, seen: Arc::clone(&seen) };
                if may_await(position) {
                    manager.add_async_handler(member).id(position).await.expect("there is none at this position");
                } else {
                    manager.add_handler(member).id(position).await.expect("there is none at this position");
                }
            }
            let all: Vec<u64> = (0..length).collect();
            let others: Vec<u64> = (0..length).filter(|at| *at != position).collect();
            let what = format!("{position} of {length} {end:?}");
            assert_eq!(see(&manager, &seen, Some((position, end))).await, all, "{what}");
            assert_eq!(see(&manager, &seen, None).await, others, "{what}");
        }
    }
}

#[tokio::test]
async fn of_plain_handlers_only_the_one_that_ends_is_removed() {
    one_ends_at_each_position(|_| false).await;
}

#[tokio::test]
async fn of_async_handlers_only_the_one_that_ends_is_removed() {
    one_ends_at_each_position(|_| true).await;
}

#[tokio::test]
async fn of_plain_and_async_handlers_only_the_one_that_ends_is_removed() {
    one_ends_at_each_position(|position| position % 3 == 2).await;
}
