//! The to-do manager of seed 003: both versions of it, its tests, and its console session.
//!
//! Its lists are agents in the seed; here they are plain servers.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use genserver::{CallError, Caller, Cx, Down, GenServer, Init, Letter, Never, Next, Outcome, Probe, Reason, ServerRef};
use genserver::{MonitorRef, StartError, start};

/// `Todo.List`: the items, the newest first.
struct List(Vec<String>);

enum ListCall {
    Get(Caller<Vec<String>>),
    Put(String, Caller<()>),
}

impl GenServer for List {
    type Args = ();
    type Call = ListCall;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(List(Vec::new()))
    }

    async fn handle_call(&mut self, call: ListCall, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            ListCall::Get(caller) => Next::reply(caller, self.0.clone()),
            ListCall::Put(item, caller) => {
                self.0.insert(0, item);
                Next::reply(caller, ())
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
struct TodoList(ServerRef<List>);

impl TodoList {
    async fn put(&self, item: &str) -> Result<(), CallError> {
        self.0.call(|caller| ListCall::Put(item.to_owned(), caller)).await
    }

    async fn get(&self) -> Result<Vec<String>, CallError> {
        self.0.call(ListCall::Get).await
    }
}

enum Call {
    Lookup(String, Caller<Option<TodoList>>),
    Stop(Caller<()>),
}

struct Create(String);

/// What both versions of the manager have in common: the client functions.
struct Manager<S: GenServer>(ServerRef<S>);

impl<S: GenServer<Args = (), Call = Call, Cast = Create>> Manager<S> {
    async fn start() -> Result<Self, StartError> {
        start::<S>(()).await.map(Self)
    }

    async fn lookup(&self, name: &str) -> Option<TodoList> {
        self.0.call(|caller| Call::Lookup(name.to_owned(), caller)).await.unwrap()
    }

    fn create(&self, name: &str) {
        let _ = self.0.cast(Create(name.to_owned()));
    }

    async fn stop(&self) -> Result<(), CallError> {
        self.0.call(Call::Stop).await
    }
}

/// The first version: it links its lists, and never forgets one.
struct Linking {
    names: HashMap<String, TodoList>,
}

impl GenServer for Linking {
    type Args = ();
    type Call = Call;
    type Cast = Create;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self { names: HashMap::new() })
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Lookup(name, caller) => Next::reply(caller, self.names.get(&name).cloned()),
            Call::Stop(caller) => Next::stop_reply(Reason::Normal, caller, ()),
        }
    }

    async fn handle_cast(&mut self, Create(name): Create, cx: &mut Cx<Self>) -> Outcome<Self> {
        if let Entry::Vacant(place) = self.names.entry(name) {
            let list = cx.start_link::<List>(()).await?;
            place.insert(TodoList(list));
        }
        Next::wait()
    }
}

/// The second version: it monitors them, and forgets those that have ended.
struct Monitoring {
    names: HashMap<String, TodoList>,
    refs: HashMap<MonitorRef, String>,
}

enum Info {
    Down(Down),
    Other(#[expect(dead_code, reason = "nobody looks at what nobody expects")] &'static str),
}

impl GenServer for Monitoring {
    type Args = ();
    type Call = Call;
    type Cast = Create;
    type Info = Info;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self { names: HashMap::new(), refs: HashMap::new() })
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Lookup(name, caller) => Next::reply(caller, self.names.get(&name).cloned()),
            Call::Stop(caller) => Next::stop_reply(Reason::Normal, caller, ()),
        }
    }

    async fn handle_cast(&mut self, Create(name): Create, cx: &mut Cx<Self>) -> Outcome<Self> {
        if !self.names.contains_key(&name) {
            let list = cx.start_link::<List>(()).await?;
            let reference = cx.monitor(&list, Info::Down);
            self.refs.insert(reference, name.clone());
            self.names.insert(name, TodoList(list));
        }
        Next::wait()
    }

    async fn handle_info(&mut self, info: Info, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match info {
            Info::Down(down) => {
                if let Some(name) = self.refs.remove(&down.reference) {
                    self.names.remove(&name);
                }
            }
            Info::Other(_) => {}
        }
        Next::wait()
    }
}

/// Ends the list by this, and goes on only when its `Down` has arrived.
async fn kill_with(list: &TodoList, end: impl AsyncFnOnce(&TodoList)) {
    let mut shell = Probe::<()>::new();
    let reference = shell.monitor(&list.0);
    end(list).await;
    shell.expect_down(reference).await;
}

async fn stop_list(list: &TodoList) {
    list.0.stop().await.unwrap();
}

async fn spawns_todo_lists<S: GenServer<Args = (), Call = Call, Cast = Create>>() {
    let manager = Manager::<S>::start().await.unwrap();
    assert_eq!(manager.lookup("shopping").await, None);
    manager.create("shopping");

    let todo = manager.lookup("shopping").await.unwrap();
    todo.put("eggs").await.unwrap();
    assert_eq!(todo.get().await.unwrap(), ["eggs"]);

    // To ensure a list means that a second create finds it.
    manager.create("shopping");
    assert_eq!(manager.lookup("shopping").await, Some(todo));
    assert_eq!(manager.stop().await, Ok(()));
    assert!(!manager.0.is_alive());
}

#[tokio::test]
async fn the_first_manager_spawns_todo_lists() {
    spawns_todo_lists::<Linking>().await;
}

#[tokio::test]
async fn the_second_manager_spawns_todo_lists() {
    spawns_todo_lists::<Monitoring>().await;
}

/// The test that exposes the bug: the entry of the list that has ended is still there.
#[tokio::test]
async fn the_first_manager_serves_stale_entries() {
    let manager = Manager::<Linking>::start().await.unwrap();
    manager.create("shopping");
    let todo = manager.lookup("shopping").await.unwrap();
    kill_with(&todo, stop_list).await;
    let stale = manager.lookup("shopping").await.unwrap();
    assert!(matches!(stale.get().await, Err(CallError::NoProc { .. })));
    manager.stop().await.unwrap();
}

#[tokio::test]
async fn the_second_manager_removes_todo_lists_on_exit() {
    let manager = Manager::<Monitoring>::start().await.unwrap();
    manager.create("shopping");
    let todo = manager.lookup("shopping").await.unwrap();
    kill_with(&todo, stop_list).await;
    assert_eq!(manager.lookup("shopping").await, None);

    manager.create("shopping");
    let another = manager.lookup("shopping").await.unwrap();
    assert_ne!(another, todo);
    manager.stop().await.unwrap();
}

/// What 3.5 warns of: it is linked as well as monitoring, so the crash of a list takes the manager along.
#[tokio::test]
async fn a_crash_of_a_list_takes_a_linked_manager_along() {
    let manager = Manager::<Monitoring>::start().await.unwrap();
    manager.create("shopping");
    let todo = manager.lookup("shopping").await.unwrap();
    kill_with(&todo, async |list: &TodoList| list.0.exit(Reason::term("a bug"))).await;
    assert_eq!(manager.0.ended().await, Reason::term("a bug"));
}

#[tokio::test]
async fn a_message_for_nobody_is_passed_over() {
    let manager = Manager::<Monitoring>::start().await.unwrap();
    manager.0.send(Info::Other("hello")).unwrap();
    manager.create("shopping");
    assert!(manager.lookup("shopping").await.is_some());
    manager.stop().await.unwrap();
}

/// ```iex
/// iex> {:ok, pid} = Todo.List.start_link
/// iex> Process.monitor(pid)
/// iex> Agent.stop(pid)
/// :ok
/// iex> flush()
/// {:DOWN, #Reference<0.0.0.551>, :process, #PID<0.66.0>, :normal}
/// ```
#[tokio::test]
async fn the_console_session() {
    let mut shell = Probe::<()>::new();
    let list = shell.start_link::<List>(()).await.unwrap();
    let reference = shell.monitor(&list);
    assert_eq!(list.stop().await, Ok(()));
    let down = Down { reference, pid: list.pid(), reason: Reason::Normal };
    assert_eq!(shell.flush(), [Letter::Down(down)]);
}
