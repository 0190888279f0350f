//! The registry of seed 004: names of buckets, forgotten when their bucket ends; its tests and console sessions.
//!
//! Its buckets are agents in the seed; here they are plain servers.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::collections::HashMap;

use genserver::{CallError, Caller, Cx, Down, GenServer, Init, Letter, MonitorRef, Never, Next, Outcome, Probe};
use genserver::{Name, Node, Reason, ServerRef, StartError, start};

/// `KV.Bucket`.
struct Bucket(HashMap<String, i64>);

enum BucketCall {
    Get(String, Caller<Option<i64>>),
    Put(String, i64, Caller<()>),
}

impl GenServer for Bucket {
    type Args = ();
    type Call = BucketCall;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Bucket(HashMap::new()))
    }

    async fn handle_call(&mut self, call: BucketCall, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            BucketCall::Get(key, caller) => Next::reply(caller, self.0.get(&key).copied()),
            BucketCall::Put(key, value, caller) => {
                self.0.insert(key, value);
                Next::reply(caller, ())
            }
        }
    }
}

async fn put(bucket: &ServerRef<Bucket>, key: &str, value: i64) {
    bucket.call(|caller| BucketCall::Put(key.to_owned(), value, caller)).await.unwrap();
}

async fn get(bucket: &ServerRef<Bucket>, key: &str) -> Option<i64> {
    bucket.call(|caller| BucketCall::Get(key.to_owned(), caller)).await.unwrap()
}

/// `KV.Registry`: the server.
struct Names {
    names: HashMap<String, ServerRef<Bucket>>,
    refs: HashMap<MonitorRef, String>,
}

enum Call {
    Lookup(String, Caller<Option<ServerRef<Bucket>>>),
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
            let bucket = cx.start_link::<Bucket>(()).await?;
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

impl Registry {
    async fn start() -> Result<Self, StartError> {
        start::<Names>(()).await.map(Self)
    }

    async fn start_named(name: impl Into<Name>) -> Result<Self, StartError> {
        start::<Names>(()).name(name).await.map(Self)
    }

    async fn lookup(&self, name: &str) -> Option<ServerRef<Bucket>> {
        self.0.call(|caller| Call::Lookup(name.to_owned(), caller)).await.unwrap()
    }

    fn create(&self, name: &str) {
        let _ = self.0.cast(Cast::Create(name.to_owned()));
    }
}

#[tokio::test]
async fn spawns_buckets() {
    let registry = Registry::start().await.unwrap();
    assert_eq!(registry.lookup("shopping").await, None);

    registry.create("shopping");
    let bucket = registry.lookup("shopping").await.unwrap();

    put(&bucket, "milk", 1).await;
    assert_eq!(get(&bucket, "milk").await, Some(1));
}

/// Sound as it stands, unlike in the seed: when `stop` returns, the `Down` is in the registry's mailbox before the lookup.
async fn removes_buckets_on_exit() {
    let registry = Registry::start().await.unwrap();
    for _ in 0..500 {
        registry.create("shopping");
        let bucket = registry.lookup("shopping").await.unwrap();
        bucket.stop().await.unwrap();
        assert_eq!(registry.lookup("shopping").await, None);
    }
    registry.0.stop().await.unwrap();
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

#[tokio::test]
async fn a_second_create_keeps_the_bucket() {
    let registry = Registry::start().await.unwrap();
    registry.create("shopping");
    let bucket = registry.lookup("shopping").await.unwrap();
    registry.create("shopping");
    assert_eq!(registry.lookup("shopping").await, Some(bucket));
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
    let bucket = shell.start_link::<Bucket>(()).await.unwrap();
    let reference = shell.monitor(&bucket);
    assert_eq!(bucket.stop().await, Ok(()));
    let down = Down { reference, pid: bucket.pid(), reason: Reason::Normal };
    assert_eq!(shell.flush(), [Letter::Down(down)]);
}

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
    let registry = Registry::start_named("KV.Registry of a test").await.unwrap();
    registry.create("shopping");
    assert!(registry.lookup("shopping").await.is_some());
    let second = Registry::start_named("KV.Registry of a test").await;
    assert!(matches!(second.err(), Some(StartError::AlreadyStarted { pid, .. }) if pid == registry.0.pid()));
    registry.0.stop().await.unwrap();
    let gone = registry.0.call(|caller| Call::Lookup("shopping".to_owned(), caller)).await;
    assert!(matches!(gone, Err(CallError::NoProc { .. })));
}

/// What the last section warns of: the registry is linked to its buckets, so the crash of one takes it along.
#[tokio::test]
async fn a_crash_of_a_bucket_takes_the_linked_registry_along() {
    let registry = Registry::start().await.unwrap();
    registry.create("shopping");
    let bucket = registry.lookup("shopping").await.unwrap();
    bucket.exit(Reason::term("a bug"));
    assert_eq!(registry.0.ended().await, Reason::term("a bug"));
}
