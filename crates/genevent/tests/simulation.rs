//! Managers, handlers and streams in many orders of events, and with a consumer that is killed.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use genevent::{
    AsyncHandler, GoneReason, Handler, HandlerCaller, HandlerCx, HandlerGone, LagPolicy, Manager, ManagerServer,
    NotifyMode, React, Reaction, StreamError, TerminateReason,
};
use genserver::sim::{self, Client, Faults, Sim, sometimes};
use genserver::task::Task;
use genserver::{Cx, GenServer, Init, Letter, Never, Probe, Reason, yield_now};

/// Remembers what it was told.
struct Log(Vec<u64>);

impl Handler<u64> for Log {
    type Call = HandlerCaller<Vec<u64>>;

    fn handle_event(&mut self, event: &u64, _cx: &mut HandlerCx<u64>) -> Reaction<u64> {
        self.0.push(*event);
        React::stay()
    }

    fn handle_call(&mut self, caller: Self::Call, _cx: &mut HandlerCx<u64>) -> Reaction<u64> {
        React::reply(caller, self.0.clone())
    }
}

/// Sends five events in all three ways.
async fn send_five(sender: Client, manager: &Manager<u64>) {
    for number in 0..5 {
        let event = sender.number() as u64 * 100 + number;
        match number % 3 {
            // Without space it comes back.
            0 => {
                if let Err(refused) = manager.notify(event) {
                    assert!(refused.is_full());
                    manager.notify_wait(refused.into_inner()).await.unwrap();
                }
            }
            1 => manager.sync_notify(event).await.unwrap(),
            _ => manager.ack_notify(event).await.unwrap(),
        }
    }
}

/// A consumer that takes what there is, until the manager ends. It loses nothing, whatever its buffer.
async fn consumer(manager: &Manager<u64>, buffer: usize) -> Task<Vec<u64>> {
    let mut events = manager.stream().lag(LagPolicy::Wait).buffer(buffer);
    events.subscribe().await.unwrap();
    Task::spawn(async move {
        let mut seen = Vec::new();
        while let Some(event) = events.next().await {
            seen.push(event.unwrap());
        }
        seen
    })
}

async fn all_see_one_order(sim: &Sim<'_>) {
    let manager = sim.start_supervised(Manager::<u64>::start_link()).await;
    let log = manager.add_handler(Log(Vec::new())).await.unwrap();
    let mut consumers = Vec::new();
    for buffer in 1..=3 {
        consumers.push(consumer(&manager, buffer).await);
    }
    // One that ends in the middle holds up nobody.
    let mut killed = manager.stream().lag(LagPolicy::Wait).buffer(1);
    killed.subscribe().await.unwrap();
    let killed = Task::start(async move { while killed.next().await.is_some() {} }).unwrap();

    sim.clients(3, async |client| {
        if client.number() < 2 {
            send_five(client, &manager).await;
            return;
        }
        for _ in 0..client.draw(0..10) {
            manager.which_handlers().await.unwrap();
        }
        killed.kill();
    })
    .await;
    let logged = manager.call(&log, |caller| caller).await.unwrap();
    assert_eq!(logged.len(), 10, "{logged:?}");
    for sender in 0..2 {
        let own: Vec<u64> = logged.iter().copied().filter(|event| event / 100 == sender).collect();
        assert!(own.is_sorted(), "a sender's events keep their order: {logged:?}");
    }
    manager.stop().await.unwrap();
    for consumer in consumers {
        assert_eq!(consumer.await.unwrap(), logged, "a stream sees what the handler sees, in its order");
    }
}

#[test]
fn handlers_and_streams_see_all_events_in_one_order() {
    sim::check(all_see_one_order);
}

/// Fails at this event, by a panic or by an error.
struct Fails {
    at: u64,
    panics: bool,
}

impl Handler<u64> for Fails {
    type Call = Never;

    fn handle_event(&mut self, event: &u64, _cx: &mut HandlerCx<u64>) -> Reaction<u64> {
        match self.panics {
            _ if *event != self.at => React::stay(),
            // Without the hook, which would print it.
            true => std::panic::resume_unwind(Box::new("failed")),
            false => Err(Reason::term("failed")),
        }
    }
}

/// Does nothing but live, until it is killed: a handler that is bound to it goes with it.
struct Owner;

impl GenServer for Owner {
    type Args = ();
    type Call = Never;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }
}

/// Lets everything else go on, so many times.
async fn steps(count: u64) {
    for _ in 0..count {
        yield_now().await;
    }
}

/// Takes events now and then. Returns them, and how many it was told that it missed.
async fn slow_consumer(manager: &Manager<u64>, pause: u64) -> Task<(Vec<u64>, u64)> {
    let mut events = manager.stream().buffer(1).mode(NotifyMode::Async);
    events.subscribe().await.unwrap();
    Task::spawn(async move {
        let (mut seen, mut missed) = (Vec::new(), 0);
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => seen.push(event),
                Err(StreamError::Lagged { missed: more }) => missed += more,
                Err(other) => panic!("{other}"),
            }
            steps(pause).await;
        }
        (seen, missed)
    })
}

/// Promise 9 of docs/ARCHITECTURE.md.
async fn one_fails_and_the_others_see_all(sim: &Sim<'_>) {
    let manager = sim.start_supervised(Manager::<u64>::start_link()).await;
    let log = manager.add_handler(Log(Vec::new())).await.unwrap();
    let mut owner = Probe::<HandlerGone>::new();
    let panics = sim.draw(0..2) == 0;
    let at = 100 * sim.draw(0..2) + sim.draw(0..5);
    let fails = manager.add_handler(Fails { at, panics }).owned_by(owner.sender()).await.unwrap();
    let bound_to = sim.start_supervised(genserver::start_link::<Owner>(())).await;
    let bound = manager.add_handler(Fails { at: u64::MAX, panics }).id("bound").bound_to(&bound_to).await.unwrap();
    let slow = slow_consumer(&manager, sim.draw(0..4)).await;
    let manager_faults = Faults::new().stall::<ManagerServer<u64>>(Duration::from_millis(10));
    sim.faults(manager_faults.full_mailboxes::<ManagerServer<u64>>().kill::<Owner>());
    sim.clients(2, async |client| send_five(client, &manager).await).await;
    bound_to.kill();
    assert_eq!(bound_to.ended().await, Reason::Killed);
    sim.heal(Duration::from_secs(1)).await;

    let logged = manager.call(&log, |caller| caller).await.unwrap();
    let mut once = logged.clone();
    once.sort_unstable();
    assert_eq!(once, [0, 1, 2, 3, 4, 100, 101, 102, 103, 104], "each event, once");
    let left = manager.which_handlers().await.unwrap();
    assert!(left.contains(&log.id()) && !left.contains(&fails.id()) && !left.contains(&bound.id()), "{left:?}");
    let told = owner.flush();
    let [Letter::Message(gone)] = &told[..] else { panic!("its owner is told, once: {told:?}") };
    let reason = if panics { Reason::caught(Box::new("failed")) } else { Reason::term("failed") };
    assert_eq!((&gone.handler, &gone.why), (&fails.id(), &GoneReason::Failed(reason)));

    manager.stop().await.unwrap();
    let (seen, missed) = slow.await.unwrap();
    assert_eq!(seen.len() as u64 + missed, 10, "it sees each event, or is told that it missed it: {seen:?}");
    let mut rest = logged.iter();
    assert!(seen.iter().all(|event| rest.any(|logged| logged == event)), "{seen:?} is not in the order of {logged:?}");
    sometimes!(missed > 0, "a stream misses events");
}

#[test]
fn a_handler_that_fails_goes_alone_and_everybody_else_sees_each_event() {
    sim::check(one_fails_and_the_others_see_all);
}

/// Swaps a handler again and again while events come. Each successor goes on with what the handler before it has seen.
#[test]
fn a_swap_in_the_midst_of_events_loses_none() {
    sim::check(async |sim| {
        let manager = sim.start_supervised(Manager::<u64>::start_link()).await;
        let mut log = manager.add_handler(Log(Vec::new())).id(0).await.unwrap();
        let senders = sim.clients(2, async |client| send_five(client, &manager).await);
        let swaps = async {
            for number in 1..4 {
                steps(sim.draw(0..4)).await;
                log = manager.swap_handler(&log, |left| left.unwrap()).id(number).await.unwrap();
            }
        };
        futures::join!(senders, swaps);
        let mut logged = manager.call(&log, |caller| caller).await.unwrap();
        logged.sort_unstable();
        assert_eq!(logged, [0, 1, 2, 3, 4, 100, 101, 102, 103, 104], "each event, once");
    });
}

/// What the handlers of a test have done, in order: the event, and who has handled it.
type Notes = Arc<Mutex<Vec<(u64, u64)>>>;

/// Notes each event when it is done with it, which takes it some steps.
struct Noting {
    me: u64,
    steps: u64,
    notes: Notes,
}

impl Noting {
    fn new(me: u64, steps: u64, notes: &Notes) -> Self {
        Self { me, steps, notes: Arc::clone(notes) }
    }
}

impl AsyncHandler<u64> for Noting {
    type Call = Never;

    async fn handle_event(&mut self, event: &u64, _cx: &mut HandlerCx<u64>) -> Reaction<u64> {
        steps(self.steps).await;
        self.notes.lock().unwrap().push((*event, self.me));
        React::stay()
    }
}

/// Who has handled an event so far, in order.
fn handled_by(notes: &Notes, event: u64) -> Vec<u64> {
    notes.lock().unwrap().iter().filter(|note| note.0 == event).map(|note| note.1).collect()
}

/// Handlers that take some steps, one that does not await, and one that fails: a sender that waits finds that all have run.
async fn all_have_run(sim: &Sim<'_>) {
    let manager = sim.start_supervised(Manager::<u64>::start_link()).await;
    let notes = Notes::default();
    for me in 0..3 {
        manager.add_async_handler(Noting::new(me, sim.draw(0..3), &notes)).id(me).await.unwrap();
    }
    let at = 100 * sim.draw(0..3) + sim.draw(0..5);
    manager.add_handler(Fails { at, panics: sim.draw(0..2) == 0 }).await.unwrap();
    manager.add_async_handler(Noting::new(3, sim.draw(0..3), &notes)).id(3).await.unwrap();
    sim.faults(
        Faults::swarm().stall::<ManagerServer<u64>>(Duration::from_millis(10)).late_timers(Duration::from_millis(1)),
    );
    sim.clients(3, async |client| {
        for number in 0..5 {
            let event = client.number() as u64 * 100 + number;
            if client.number() == 2 {
                // It does not wait, and may be here before any handler has run.
                manager.notify(event).unwrap();
                sometimes!(handled_by(&notes, event).is_empty(), "a sender that does not wait is early");
                steps(1).await;
                continue;
            }
            manager.sync_notify(event).await.unwrap();
            assert_eq!(handled_by(&notes, event), [0, 1, 2, 3], "who has handled {event} when its sender goes on");
        }
    })
    .await;
}

#[test]
fn sync_notify_returns_when_every_handler_has_run() {
    sim::check(all_have_run);
}

/// One change of the handlers after another, at steps that are drawn. Returns the handlers that there were, after each change.
async fn changes(sim: &Sim<'_>, manager: &Manager<u64>, notes: &Notes, versions: &RefCell<Vec<Vec<u64>>>) {
    let mut handlers = vec![(0, manager.add_async_handler(Noting::new(0, 1, notes)).id(0).await.unwrap())];
    versions.borrow_mut().push(vec![0]);
    for me in 1..8 {
        steps(sim.draw(0..6)).await;
        let at = usize::try_from(sim.draw(0..handlers.len() as u64)).unwrap();
        let added = Noting::new(me, sim.draw(0..3), notes);
        match sim.draw(0..3) {
            1 if handlers.len() > 1 => drop(manager.remove_handler(&handlers.remove(at).1).await.unwrap()),
            2 => {
                // In one: no event finds neither of the two, or both. The successor comes last.
                let (_, old) = handlers.remove(at);
                let swapped = manager.swap_async_handler(&old, |left: Result<Noting, _>| left.map(|_| added).unwrap());
                handlers.push((me, swapped.id(me).await.unwrap()));
            }
            _ => handlers.push((me, manager.add_async_handler(added).id(me).await.unwrap())),
        }
        versions.borrow_mut().push(handlers.iter().map(|handler| handler.0).collect());
    }
}

/// Each event is handled by the handlers that there were at one moment between its sending and its end, the oldest first.
async fn each_event_sees_one_set(sim: &Sim<'_>) {
    let manager = sim.start_supervised(Manager::<u64>::start_link()).await;
    let (notes, versions) = (Notes::default(), RefCell::new(Vec::new()));
    let senders = sim.clients(2, async |client| {
        let mut sent = Vec::new();
        for number in 0..8 {
            let event = client.number() as u64 * 100 + number;
            let before = versions.borrow().len();
            manager.sync_notify(event).await.unwrap();
            // The change that is under way may have been made, too.
            sent.push((event, before..versions.borrow().len() + 2));
            steps(client.draw(0..3)).await;
        }
        sent
    });
    let (sent, ()) = futures::join!(senders, changes(sim, &manager, &notes, &versions));

    // Before the first there was none.
    let mut versions = versions.into_inner();
    versions.insert(0, Vec::new());
    let mut in_the_middle = false;
    for (event, possible) in sent.into_iter().flatten() {
        let by = handled_by(&notes, event);
        let last = possible.end.min(versions.len());
        assert!(
            versions[possible.start..last].contains(&by),
            "{event} is handled by {by:?}, not as one of {versions:?}"
        );
        in_the_middle |= possible.end > possible.start + 2;
    }
    sometimes!(in_the_middle, "the handlers change while an event is on its way");
    // One event after the other: the notes about one stand together.
    let mut events: Vec<u64> = notes.lock().unwrap().iter().map(|note| note.0).collect();
    events.dedup();
    let mut once = events.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(events.len(), once.len(), "an event begins before another is over: {events:?}");
}

#[test]
fn handlers_change_between_two_events_and_run_in_the_order_of_their_adding() {
    sim::check(each_event_sees_one_set);
}

/// Notes why it has terminated.
struct Bound {
    log: Log,
    ends: Arc<Mutex<Vec<String>>>,
}

impl Handler<u64> for Bound {
    type Call = Never;

    fn handle_event(&mut self, event: &u64, cx: &mut HandlerCx<u64>) -> Reaction<u64> {
        self.log.handle_event(event, cx)
    }

    fn terminate(&mut self, why: TerminateReason, _cx: &mut HandlerCx<u64>) {
        self.ends.lock().unwrap().push(format!("{why:?} after {:?}", self.log.0));
    }
}

/// An owner is killed while events come, and while somebody removes its handler.
async fn goes_with_its_owner(sim: &Sim<'_>) {
    let manager = sim.start_supervised(Manager::<u64>::start_link()).await;
    let owner = genserver::start::<Owner>(()).await.unwrap();
    let ends = Arc::new(Mutex::new(Vec::new()));
    let bound = Bound { log: Log(Vec::new()), ends: Arc::clone(&ends) };
    let bound = manager.add_handler(bound).bound_to(&owner).await.unwrap();
    sim.faults(Faults::swarm().kill::<Owner>().stall::<ManagerServer<u64>>(Duration::from_millis(10)));
    let removed = sim.clients(3, async |client| {
        match client.number() {
            0 => send_five(client, &manager).await,
            1 => {
                steps(client.draw(0..8)).await;
                owner.kill();
                owner.process_ref().ended().await;
                // Nothing that is asked from here on finds it.
                assert!(!manager.which_handlers().await.unwrap().contains(&bound.id()), "its owner has ended");
                manager.sync_notify(999).await.unwrap();
                assert_eq!(ends.lock().unwrap().len(), 1, "it has terminated");
            }
            _ => {
                steps(client.draw(0..16)).await;
                return manager.remove_handler(&bound).await.is_ok();
            }
        }
        false
    });
    let was_removed = removed.await.contains(&true);
    sim.heal(Duration::from_secs(1)).await;
    let ends = ends.lock().unwrap();
    let [end] = &ends[..] else { panic!("it terminates once: {ends:?}") };
    let why = if was_removed { "Removed(" } else { "OwnerEnded(" };
    assert!(end.starts_with(why), "{end}");
    assert!(!end.contains("999"), "it gets no event that was sent after the end of its owner: {end}");
    sometimes!(was_removed, "it is removed before its owner ends");
    sometimes!(!was_removed, "it goes with its owner");
}

#[test]
fn a_handler_goes_once_and_no_later_than_anybody_hears_of_its_owners_end() {
    sim::check(goes_with_its_owner);
}
