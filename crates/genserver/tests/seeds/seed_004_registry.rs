//! The registry of seed 004: names of buckets, forgotten when their bucket ends; its tests and console sessions.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::collections::HashMap;

use genserver::agent::{Agent, AgentServer};
use genserver::{CallError, Caller, Cx, Down, GenServer, Init, Letter, MonitorRef, Next, Outcome, Probe};
use genserver::{Node, Reason, ServerRef, Start, StartError, start_link, supervised};

/// `KV.Bucket`.
type Bucket = Agent<Items>;
type Items = HashMap<String, i64>;

fn start_bucket() -> Start<AgentServer<Items>, Bucket> {
    Agent::start_link(HashMap::new)
}

async fn put(bucket: &Bucket, key: &str, value: i64) {
    let key = key.to_owned();
    let updated = bucket.update(move |items| {
        items.insert(key, value);
    });
    updated.await.unwrap();
}

async fn get(bucket: &Bucket, key: &str) -> Option<i64> {
    let key = key.to_owned();
    bucket.get(move |items| items.get(&key).copied()).await.unwrap()
}

/// `KV.Registry`: the server.
struct Names {
    names: HashMap<String, Bucket>,
    refs: HashMap<MonitorRef, String>,
}

enum Call {
    Lookup(String, Caller<Option<Bucket>>),
}

enum Cast {
    Create(String),
}

#[derive(Debug)]
enum Info {
    Down(Down),
    Other(#[expect(dead_code, reason = "it is only shown")] &'static str),
}

impl GenServer for Names {
    type Args = ();
    type Call = Call;
    type Cast = Cast;
    type Info = Info;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self { names: HashMap::new(), refs: HashMap::new() })
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Lookup(name, caller) => Next::reply(caller, self.names.get(&name).cloned()),
        }
    }

    async fn handle_cast(&mut self, cast: Cast, cx: &mut Cx<Self>) -> Outcome<Self> {
        let Cast::Create(name) = cast;
        if !self.names.contains_key(&name) {
            let bucket = start_bucket().await?;
            self.refs.insert(cx.monitor(&bucket, Info::Down), name.clone());
            self.names.insert(name, bucket);
        }
        Next::wait()
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) -> Outcome<Self> {
        match info {
            Info::Down(down) => {
                if let Some(name) = self.refs.remove(&down.reference) {
                    self.names.remove(&name);
                }
            }
            unexpected @ Info::Other(_) => cx.unexpected(&unexpected),
        }
        Next::wait()
    }
}

/// `KV.Registry`: the client.
struct Registry(ServerRef<Names>);

impl From<ServerRef<Names>> for Registry {
    fn from(server: ServerRef<Names>) -> Self {
        Self(server)
    }
}

impl Registry {
    fn start_link() -> Start<Names, Self> {
        start_link::<Names>(()).handle()
    }

    async fn lookup(&self, name: &str) -> Option<Bucket> {
        self.0.call(|caller| Call::Lookup(name.to_owned(), caller)).await.unwrap()
    }

    fn create(&self, name: &str) {
        let _ = self.0.cast(Cast::Create(name.to_owned()));
    }
}

/// Like `setup` there with `start_supervised!`: each test has a registry of its own, which is gone before the next begins.
async fn with_registry(test: impl AsyncFnOnce(Registry)) {
    supervised(async |supervisor| test(supervisor.start_supervised(Registry::start_link()).await).await).await;
}

// also: GE-156
#[tokio::test]
async fn spawns_buckets() {
    with_registry(async |registry| {
        assert_eq!(registry.lookup("shopping").await, None);

        registry.create("shopping");
        let bucket = registry.lookup("shopping").await.unwrap();

        put(&bucket, "milk", 1).await;
        assert_eq!(get(&bucket, "milk").await, Some(1));
    })
    .await;
}

/// The point of `start_supervised!`: the state of one test does not get into the next, though both use one name.
#[tokio::test]
async fn one_test_does_not_interfere_with_the_next() {
    for _ in 0..2 {
        supervised(async |test| {
            let registry = test.start_supervised(Registry::start_link().name("KV.Registry")).await;
            assert_eq!(registry.lookup("shopping").await, None);
            registry.create("shopping");
            assert!(registry.lookup("shopping").await.is_some());
        })
        .await;
    }
}

/// This works as it stands, unlike in the seed: when `stop` returns, the `Down` is in the registry's mailbox before the lookup.
// also: GE-157
async fn removes_buckets_on_exit() {
    with_registry(async |registry| {
        for _ in 0..500 {
            registry.create("shopping");
            let bucket = registry.lookup("shopping").await.unwrap();
            bucket.stop().await.unwrap();
            assert_eq!(registry.lookup("shopping").await, None);
        }
    })
    .await;
}

mod removes_buckets_on_exit {
    #[tokio::test]
    async fn on_one_thread() {
        super::removes_buckets_on_exit().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_two_threads() {
        super::removes_buckets_on_exit().await;
    }
}

// also: GE-158
#[tokio::test]
async fn a_second_create_keeps_the_bucket() {
    with_registry(async |registry| {
        registry.create("shopping");
        let bucket = registry.lookup("shopping").await.unwrap();
        registry.create("shopping");
        assert_eq!(registry.lookup("shopping").await, Some(bucket));
    })
    .await;
}

/// The session before there is a client: `GenServer.cast` and `GenServer.call` by hand.
#[tokio::test]
async fn the_session_without_a_client() {
    let shell = Probe::<()>::new();
    let registry = shell.start_link::<Names>(()).await.unwrap();
    assert!(registry.cast(Cast::Create("shopping".to_owned())).is_ok());
    let bucket = registry.call(|caller| Call::Lookup("shopping".to_owned(), caller)).await.unwrap();
    assert!(bucket.is_some());
}

/// ```iex
/// iex> {:ok, pid} = KV.Bucket.start_link([])
/// iex> Process.monitor(pid)
/// iex> Agent.stop(pid)
/// :ok
/// iex> flush()
/// {:DOWN, #Reference<0.0.0.551>, :process, #PID<0.66.0>, :normal}
/// ```
#[tokio::test]
async fn the_session_with_a_monitor() {
    let mut shell = Probe::<()>::new();
    let bucket = shell.scope(async { start_bucket().await }).await.unwrap();
    let reference = shell.monitor(&bucket);
    assert_eq!(bucket.stop().await, Ok(()));
    let down = Down { reference, pid: bucket.pid(), reason: Reason::Normal };
    assert_eq!(shell.flush(), [Letter::Down(down)]);
}

// also: GE-159
#[tokio::test]
async fn the_catch_all_logs_and_lives_on() {
    let node = Node::new();
    let mut reports = node.reports();
    let registry = Registry(node.start::<Names>(()).name("KV.Registry").await.unwrap());
    registry.0.send(Info::Other("hello")).unwrap();
    assert_eq!(registry.lookup("shopping").await, None);
    let report = reports.try_next().unwrap().to_string();
    assert!(report.starts_with("Unexpected message in KV.Registry"), "{report}");
    assert!(report.contains(r#"Other("hello")"#), "{report}");
    assert_eq!(reports.try_next(), None);
}

/// `start_link(opts)` passes a name on.
#[tokio::test]
async fn the_options_of_the_start_are_forwarded() {
    supervised(async |test| {
        let registry = test.start_supervised(Registry::start_link().name("KV.Registry")).await;
        registry.create("shopping");
        assert!(registry.lookup("shopping").await.is_some());
        let second = Registry::start_link().name("KV.Registry").await;
        assert!(matches!(second.err(), Some(StartError::AlreadyStarted { pid, .. }) if pid == registry.0.pid()));

        test.stop_supervised(&registry.0).await;
        let gone = registry.0.call(|caller| Call::Lookup("shopping".to_owned(), caller)).await;
        assert!(matches!(gone, Err(CallError::NoProc { .. })));
    })
    .await;
}

/// What the last section warns of: the registry is linked to its buckets, so the crash of a bucket ends the registry too.
#[tokio::test]
async fn a_crash_of_a_bucket_takes_the_linked_registry_along() {
    with_registry(async |registry| {
        registry.create("shopping");
        let bucket = registry.lookup("shopping").await.unwrap();
        bucket.process_ref().exit(Reason::term("a bug"));
        assert_eq!(registry.0.ended().await, Reason::term("a bug"));
    })
    .await;
}
