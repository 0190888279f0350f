//! How managers start and end, and under which names they are found.

use std::time::Duration;

use futures::future::join;
use genevent::{AddHandlerError, LoggedMessages, LoggerHandler, Manager, ManagerServer, RemoveHandlerError};
use genserver::registry::{Registry, UniqueRegistry};
use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::sys::DebugOptions;
use genserver::{
    AsServer, CallError, Caller, Cx, Down, FindError, GenServer, Init, Letter, MonitorRef, Name, Never, Next, Node,
    Outcome, Probe, ProbeRef, Reason, Start, StartError, StopError, start, sys, whereis,
};

use super::ms;
use super::puppet::{FLAVOURS, Note, Puppet, heard, manager, new_manager, which};

/// A manager of texts that nobody names.
fn plain(node: &Node) -> Start<ManagerServer<String>, Manager<String>> {
    Manager::start().on(node)
}

#[tokio::test]
async fn ge_001_a_manager_starts_empty_and_stops() {
    let manager = Manager::<String>::start().await.unwrap();
    assert!(manager.is_alive());
    assert_eq!(manager.name(), None);
    assert_eq!(manager.which_handlers().await.unwrap(), []);
    manager.stop().await.unwrap();
    assert!(!manager.is_alive());
}

#[tokio::test(start_paused = true)]
async fn ge_002_a_manager_starts_linked_or_monitored() {
    let mut starter = Probe::<()>::new();
    let linked = starter.scope(Manager::<String>::start_link()).await.unwrap();
    assert_eq!(linked.which_handlers().await.unwrap(), []);
    assert_eq!(starter.process_ref().info().links, [linked.pid()]);
    linked.stop().await.unwrap();
    assert!(starter.is_alive(), "a normal end is nothing to it");

    let (watched, reference) = Manager::<String>::start_monitor(&mut starter).await.unwrap();
    assert_eq!(starter.process_ref().info().links, []);
    assert_eq!(watched.which_handlers().await.unwrap(), []);
    watched.stop().await.unwrap();
    assert_eq!(starter.expect_down(reference).await.reason, Reason::Normal);
    assert_eq!(starter.flush(), []);
}

/// A name in each space.
fn names(who: &'static str, registry: &UniqueRegistry<String>) -> [Name; 3] {
    [Name::from(who), Name::global(who), registry.via(who.to_owned(), ())]
}

// also: GE-004, GE-005, GE-013
#[tokio::test]
async fn ge_003_a_manager_is_found_by_every_form_of_name() {
    let registry = Registry::unique();
    let _keeper = registry.start().await.unwrap();
    let mut starter = Probe::<()>::new();
    for name in names("ge_003", &registry) {
        for way in WAYS {
            let (manager, reference) = started(way, &mut starter, name.clone()).await.unwrap();
            let named = Manager::<String>::named(name.clone());
            assert_eq!(manager.name(), Some(&name));
            assert_eq!(named.resolve().unwrap(), manager);

            let logger = named.resolve().unwrap().add_handler(LoggerHandler::new()).await.unwrap();
            named.notify("by name".to_owned()).unwrap();
            named.ack_notify("and waiting".to_owned()).await.unwrap();
            named.sync_notify("longer".to_owned()).await.unwrap();
            let left = manager.remove_handler(&logger).await.unwrap();
            assert_eq!(left.into_messages(), ["by name", "and waiting", "longer"]);

            named.stop().await.unwrap();
            assert!(!manager.is_alive());
            assert!(matches!(named.resolve(), Err(FindError::NoProc { .. })));
            if let Some(reference) = reference {
                assert_eq!(starter.expect_down(reference).await.reason, Reason::Normal);
            }
            assert_eq!(starter.flush(), [], "{way:?}");
        }
    }
}

/// The ways to start a manager.
#[derive(Clone, Copy, Debug)]
enum Way {
    Start,
    Link,
    Monitor,
}

const WAYS: [Way; 3] = [Way::Start, Way::Link, Way::Monitor];

async fn started(
    way: Way,
    starter: &mut Probe<()>,
    name: Name,
) -> Result<(Manager<String>, Option<MonitorRef>), StartError> {
    match way {
        Way::Start => Ok((Manager::start().name(name).await?, None)),
        Way::Link => Ok((starter.scope(Manager::start_link().name(name)).await?, None)),
        Way::Monitor => {
            let (manager, reference) = Manager::start_monitor(starter).with(|start| start.name(name)).await?;
            Ok((manager, Some(reference)))
        }
    }
}

// also: GE-014
#[tokio::test]
async fn ge_006_a_taken_name_refuses_the_second_manager() {
    let registry = Registry::unique();
    let _keeper = registry.start().await.unwrap();
    let mut starter = Probe::<()>::new();
    starter.trap_exits(true);
    for name in names("ge_006", &registry) {
        let first = Manager::<String>::start().name(name.clone()).await.unwrap();
        for way in WAYS {
            let refused = started(way, &mut starter, name.clone()).await.unwrap_err();
            let StartError::AlreadyStarted { pid, name: taken } = refused else { panic!("{refused}") };
            assert_eq!((pid, taken), (first.pid(), name.clone()));
        }
        assert_eq!(starter.flush(), []);
        first.stop().await.unwrap();
        assert_eq!(starter.flush(), [], "no monitor was left with the first");
    }
}

#[tokio::test(start_paused = true)]
async fn ge_007_a_trapping_linked_starter_hears_the_stop_reason() {
    let mut starter = Probe::<()>::new();
    starter.trap_exits(true);
    let manager = starter.scope(Manager::<String>::start_link().name("ge_007")).await.unwrap();
    let found = whereis("ge_007").unwrap();
    found.stop().reason(Reason::Shutdown).timeout(ms(10_000)).await.unwrap();
    assert_eq!(starter.expect_exit(&manager).await.reason, Reason::Shutdown);
    assert_eq!(starter.flush(), []);
}

#[tokio::test(start_paused = true)]
async fn ge_008_a_watcher_hears_the_stop_reason() {
    let mut watcher = Probe::<()>::new();
    let start = Manager::<String>::start_monitor(&mut watcher).with(|start| start.name("ge_008"));
    let (manager, reference) = start.await.unwrap();
    let found = whereis("ge_008").unwrap();
    found.stop().reason(Reason::Shutdown).timeout(ms(10_000)).await.unwrap();
    let down = watcher.expect_down(reference).await;
    assert_eq!((down.pid, down.reason), (manager.pid(), Reason::Shutdown));
    assert_eq!(watcher.flush(), []);
}

/// A server that starts a manager and watches it.
struct Watcher(ProbeRef<Down>);

impl GenServer for Watcher {
    type Args = ProbeRef<Down>;
    type Call = Caller<Manager<String, Note>>;
    type Cast = Never;
    type Info = Down;

    async fn init(told: ProbeRef<Down>, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Watcher(told))
    }

    async fn handle_call(&mut self, caller: Self::Call, cx: &mut Cx<Self>) -> Outcome<Self> {
        let (manager, _) = Manager::start_with_info().monitored_in(cx, |down| down).await?;
        Next::reply(caller, manager)
    }

    async fn handle_info(&mut self, down: Down, _cx: &mut Cx<Self>) -> Outcome<Self> {
        let _ = self.0.send(down);
        Next::wait()
    }
}

#[tokio::test]
async fn a_server_watches_the_manager_that_it_starts() {
    for inline in [true, false] {
        let mut probe = Probe::<Down>::new();
        let watcher = start::<Watcher>(probe.sender()).inline(inline).await.unwrap();
        let manager = watcher.call(|caller| caller).await.unwrap();
        manager.process_ref().kill();
        let down = probe.expect_message().await;
        assert_eq!((down.pid, down.reason), (manager.pid(), Reason::Killed));
    }
}

#[tokio::test(start_paused = true)]
async fn ge_009_a_manager_that_traps_exits_ends_in_order_when_its_parent_says_so() {
    for flavour in FLAVOURS {
        let node = Node::new();
        let mut probe = Probe::on(&node);
        let mut parent = Probe::<()>::on(&node);
        parent.trap_exits(true);
        let manager = parent.scope(Manager::start_trapping(Note::Exit).link()).await.unwrap();
        flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
        parent.exit(&manager, Reason::Shutdown);
        assert_eq!(parent.expect_exit(&manager).await.reason, Reason::Shutdown);
        assert_eq!(heard(&mut probe), ["a begins", "a goes: stop"]);
    }
}

#[tokio::test(start_paused = true)]
async fn ge_009_a_manager_that_does_not_trap_exits_ends_at_once_when_its_parent_says_so() {
    let node = Node::new();
    let mut probe = Probe::on(&node);
    let mut parent = Probe::<()>::on(&node);
    parent.trap_exits(true);
    let manager = parent.scope(Manager::start_with_info().link()).await.unwrap();
    manager.add_handler(Puppet::new("a", &probe)).await.unwrap();
    parent.exit(&manager, Reason::Shutdown);
    assert_eq!(parent.expect_exit(&manager).await.reason, Reason::Shutdown);
    assert_eq!(heard(&mut probe), ["a begins"], "nobody tells it");
}

#[tokio::test]
async fn ge_012_a_manager_can_be_watched_from_its_start() {
    let node = Node::new();
    let manager = plain(&node).debug(DebugOptions::new().log(10).statistics()).await.unwrap();
    manager.sync_notify("hello".to_owned()).await.unwrap();
    assert_eq!(sys::statistics(manager.server()).await.unwrap().messages_in, 1);
}

#[tokio::test]
async fn ge_017_stopping_a_dead_manager_is_an_error() {
    let manager = Manager::<String>::start().await.unwrap();
    manager.stop().await.unwrap();
    assert!(matches!(manager.stop().await, Err(StopError::NoProc { .. })));
    assert!(matches!(Manager::<String>::named("ge_017").stop().await, Err(StopError::NoProc { .. })));
}

#[tokio::test]
async fn ge_160_of_two_that_stop_a_manager_the_second_hears_with_what_it_ended() {
    let manager = Manager::<String>::start().await.unwrap();
    // Suspended, it leaves the orders to its task, and both wait there.
    sys::suspend(manager.server()).await.unwrap();
    let (first, second) = join(manager.stop(), manager.stop()).await;
    assert_eq!(first, Ok(()));
    assert!(matches!(&second, Err(StopError::Exit { reason: Reason::Normal, .. })), "{second:?}");
}

#[tokio::test]
async fn ge_018_a_manager_outlives_the_normal_end_of_its_parent() {
    let (start, mut probe, node) = new_manager();
    let parent = Probe::<()>::on(&node);
    let manager = parent.scope(start.link()).await.unwrap();
    manager.add_handler(Puppet::new("a", &probe)).await.unwrap();
    drop(parent);
    assert_eq!(which(&manager).await, ["Puppet"]);
    assert_eq!(heard(&mut probe), ["a begins"]);
}

#[tokio::test]
async fn ge_022_an_exit_ends_a_manager_that_does_not_trap_it_without_a_word() {
    for flavour in FLAVOURS {
        let (manager, mut probe) = manager().await;
        let reference = probe.monitor(&manager);
        flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
        manager.server().exit(Reason::Shutdown);
        let letters = probe.flush();
        assert!(
            matches!(&letters[..], [Letter::Message(_), Letter::Down(down)]
                if down.reference == reference && down.reason == Reason::Shutdown),
            "{letters:?}"
        );
    }
}

#[tokio::test]
async fn ge_023_an_exit_is_a_plain_message_for_a_manager_that_traps_it() {
    for flavour in FLAVOURS {
        let node = Node::new();
        let mut probe = Probe::on(&node);
        let other = Probe::<Never>::on(&node);
        let manager = Manager::start_trapping(Note::Exit).on(&node).await.unwrap();
        flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
        other.exit(&manager, Reason::Shutdown);
        assert_eq!(which(&manager).await, ["Puppet"]);
        assert_eq!(heard(&mut probe), ["a begins", "a sees an exit: shutdown"]);
    }
}

/// Uses everything that does not need one process, through any reference.
async fn check_through<T>(manager: &Manager<String, Never, T>, now: &Manager<String>)
where
    T: AsServer<Server = ManagerServer<String>> + Sync,
{
    let logger = manager.add_handler(LoggerHandler::new()).await.unwrap();
    let Err(AddHandlerError::AlreadyPresent { manager: refused, .. }) = manager.add_handler(LoggerHandler::new()).await
    else {
        panic!("it is there")
    };
    assert_eq!(refused, now.process_ref().subject());
    manager.notify("one".to_owned()).unwrap();
    manager.notify_wait("two".to_owned()).await.unwrap();
    manager.ack_notify("three".to_owned()).timeout(Duration::from_mins(1)).await.unwrap();
    manager.sync_notify("four".to_owned()).no_timeout().allow_cycle().await.unwrap();
    manager.sync_notify_within("five".to_owned(), Duration::from_mins(1)).await.unwrap();
    let attached = manager.attach(futures::stream::pending()).await.unwrap();
    assert!(manager.detach(attached).await.unwrap());
    let seen = manager.call(&logger, LoggedMessages).timeout(Duration::from_mins(1)).await.unwrap();
    assert_eq!(seen, ["one", "two", "three", "four", "five"]);
    assert_eq!(manager.send_request(&logger, LoggedMessages).await.unwrap().unwrap(), seen);

    let second = manager.swap_handler(&logger, Result::unwrap_or_default).id("second").await.unwrap();
    assert_eq!(manager.which_handlers().await.unwrap(), [second.id()]);
    assert_eq!(manager.remove_handler(&second).await.unwrap().into_messages(), seen);
    let Err(RemoveHandlerError::NotFound { manager: refused, .. }) = manager.remove_handler(&second).await else {
        panic!("it is gone")
    };
    assert_eq!(refused, now.process_ref().subject());
    assert_eq!(manager.resolve().unwrap(), *now);
}

#[tokio::test]
async fn a_manager_is_used_in_the_same_way_through_every_reference() {
    let child = ChildSpec::server("events", || Manager::<String>::start_link().name("every reference"));
    let by_child = Manager::from(child.reference());
    let by_name = Manager::<String>::named("every reference");
    let supervisor = Supervisor::one_for_one().child(child).start().await.unwrap();
    let mut before = None;
    for _ in 0..2 {
        let waiting = Manager::from(by_child.server().waiting());
        // Waits for the restart, the second time.
        waiting.sync_notify("are you there?".to_owned()).await.unwrap();
        let now = by_child.resolve().unwrap();
        assert_ne!(before, Some(now.clone()));
        check_through(&now, &now).await;
        check_through(&by_name, &now).await;
        check_through(&by_child, &now).await;
        check_through(&waiting, &now).await;
        now.process_ref().kill();
        now.process_ref().ended().await;
        before = Some(now);
    }
    supervisor.stop().await.unwrap();
    let Err(AddHandlerError::Manager { error: CallError::NoProc { .. }, returned }) =
        by_name.add_handler(LoggerHandler::new()).await
    else {
        panic!("no manager has the name")
    };
    assert!(returned.is_some(), "the handler comes back");
}
