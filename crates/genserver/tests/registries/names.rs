//! Keys of a registry as the names of servers: what holds for other names holds for them.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use crate::puppet::{self, Ask, Begin, Plan, Puppet, Tell, ms, sleep};
use futures::future::poll_immediate;
use genserver::registry::{Registry, UniqueRegistry};
use genserver::{
    AsServer, CallError, Caller, CastError, Cx, GenServer, Init, Name, Named, Never, Next, Node, Outcome, Probe,
    Reason, StartError, StopError, start, whereis,
};

async fn servers() -> UniqueRegistry<String> {
    let servers = Registry::unique();
    servers.start().await.unwrap();
    servers
}

/// A state to read and to change, like an agent's.
struct Bowl(u32);

impl GenServer for Bowl {
    type Args = u32;
    type Call = Caller<u32>;
    type Cast = u32;
    type Info = Never;

    async fn init(first: u32, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(first))
    }

    async fn handle_call(&mut self, caller: Caller<u32>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, self.0)
    }

    async fn handle_cast(&mut self, next: u32, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0 = next;
        Next::wait()
    }
}

#[tokio::test]
async fn rat_013_a_server_is_used_through_its_key_and_started_once() {
    let servers = servers().await;
    for name in [servers.via("bowl".to_owned(), ()), Name::via(servers.names(), "bowl")] {
        let bowl = start::<Bowl>(1).name(name.clone()).await.unwrap();
        let named = Named::<Bowl>::new(name.clone());
        named.cast(2).unwrap();
        assert_eq!(named.call(|caller| caller).await, Ok(2));
        assert_eq!(servers.whereis("bowl"), Some(bowl.process_ref()));
        assert_eq!(whereis(name.clone()), Some(bowl.process_ref()));

        let again = start::<Bowl>(3).name(name.clone()).await.unwrap_err();
        let expected = StartError::AlreadyStarted { name: name.clone(), pid: bowl.pid() };
        assert_eq!(again, expected);
        assert!(again.to_string().contains("via:bowl"), "{again}");
        named.stop().await.unwrap();
        assert!(servers.whereis("bowl").is_none());
    }
}

#[tokio::test]
async fn rat_014_a_name_can_bring_a_value_with_it() {
    let bowls = Registry::unique();
    bowls.start().await.unwrap();
    let name = bowls.via(("bowl", 7), "cherries");
    let bowl = start::<Bowl>(1).name(name.clone()).await.unwrap();
    let found = bowls.lookup(&("bowl", 7)).unwrap();
    assert_eq!((found.pid(), *found.value()), (bowl.pid(), "cherries"));
    assert_eq!(name.to_string(), "via:(\"bowl\", 7)");
}

#[tokio::test]
async fn rat_015_a_key_that_nobody_holds_gives_messages_back() {
    let servers = servers().await;
    let named = Named::<Puppet>::new(servers.via("nobody".to_owned(), ()));
    assert!(matches!(named.call(Ask::Ping).await, Err(CallError::NoProc { .. })));
    let Err(CastError::NoProc { message: Tell::Text(7), .. }) = named.cast(Tell::Text(7)) else {
        panic!("the cast was to come back")
    };
    assert!(matches!(named.send(puppet::Info::Text(7)), Err(CastError::NoProc { .. })));
    assert!(matches!(named.stop().await, Err(StopError::NoProc { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_name_is_free_before_the_down() {
    let servers = servers().await;
    let name = servers.via("a".to_owned(), ());
    let mut probe = Probe::<()>::new();
    for _ in 0..100 {
        let server = start::<Bowl>(0).name(name.clone()).await.unwrap();
        servers.of(&server).register("more".to_owned(), ()).unwrap();
        let down = probe.monitor(&server);
        server.kill();
        probe.expect_down(down).await;
        assert_eq!(whereis(name.clone()), None);
        assert!(servers.whereis("a").is_none() && servers.whereis("more").is_none());
        assert_eq!(servers.count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn failed_starts_leave_no_name() {
    let servers = servers().await;
    let name = servers.via("a".to_owned(), ());
    let begins = [Begin::Ignore, Begin::Stop(Reason::term("no")), Begin::Fail(Reason::term("no")), Begin::Panic("no")];
    for begin in begins {
        start::<Puppet>(Plan::new(begin)).name(name.clone()).await.unwrap_err();
        assert!(servers.whereis("a").is_none());
        assert_eq!(servers.count(), 0);
    }
    let late = start::<Puppet>(Plan::new(Begin::Hang)).name(name.clone()).timeout(ms(1)).await;
    assert!(matches!(late, Err(StartError::Timeout { .. })));
    assert!(servers.whereis("a").is_none());
    let starter = Probe::<()>::new();
    starter.sender().kill();
    assert_eq!(starter.start_link::<Bowl>(0).name(name.clone()).await.unwrap_err(), StartError::NotAProcess);
    start::<Bowl>(0).name(name).await.unwrap();
}

#[tokio::test]
async fn a_registry_that_does_not_run_gives_no_names() {
    let servers = UniqueRegistry::<String>::unique();
    let refused = start::<Bowl>(0).name(servers.via("a".to_owned(), ())).await.unwrap_err();
    let StartError::NameRefused { why, .. } = refused else { panic!("{refused}") };
    assert_eq!(why, "the registry is not running; start it first");
}

/// Takes its time to terminate.
struct Slow;

impl GenServer for Slow {
    type Args = ();
    type Call = Never;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }

    async fn terminate(&mut self, _reason: &Reason, _cx: &mut Cx<Self>) {
        sleep(ms(1000)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_terminating_server_still_holds_its_keys() {
    let servers = servers().await;
    let name = servers.via("a".to_owned(), ());
    let slow = start::<Slow>(()).name(name.clone()).await.unwrap();
    servers.of(&slow).register("b".to_owned(), ()).unwrap();
    let mut stop = slow.stop();
    assert!(poll_immediate(&mut stop).await.is_none());
    assert!(!slow.is_alive());
    let bob = Probe::<()>::new();
    for key in ["a", "b"] {
        assert_eq!(servers.whereis(key), Some(slow.process_ref()));
        servers.of(&bob).register(key.to_owned(), ()).unwrap_err();
    }
    assert!(matches!(start::<Slow>(()).name(name.clone()).await, Err(StartError::AlreadyStarted { .. })));
    stop.await.unwrap();
    for key in ["a", "b"] {
        servers.of(&bob).register(key.to_owned(), ()).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn names_of_two_nodes_meet_in_one_registry() {
    let servers = servers().await;
    let name = Name::via(servers.names(), "a");
    let (here, there) = (Node::new(), Node::new());
    let first = here.start::<Bowl>(0).name(name.clone()).await.unwrap();
    let second = there.start::<Bowl>(0).name(name.clone()).await;
    assert!(matches!(second, Err(StartError::AlreadyStarted { pid, .. }) if pid == first.pid()));
    assert_eq!(there.whereis(name), Some(first.process_ref()));
    here.shutdown(ms(100)).await;
    assert_eq!(servers.count(), 0);
}
