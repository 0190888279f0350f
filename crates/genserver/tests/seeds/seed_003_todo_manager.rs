//! The to-do manager of seed 003: both versions of it, its tests, and its console sessions.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use genserver::agent::{Agent, AgentServer};
use genserver::{
    AsProcess, AsServer as _, CallError, Caller, Cx, Down, FindError, GenServer, Init, Letter, Never, Next, Outcome,
    Probe, Reason,
};
use genserver::{MonitorRef, Name, ProcessRef, ServerRef, Start, StartError, start};

/// `Todo.List`: an agent with the items, the newest first.
#[derive(Clone, Debug, PartialEq)]
struct TodoList(Agent<Items>);

type Items = Vec<String>;

impl TodoList {
    fn start_link() -> Start<AgentServer<Items>, Self> {
        Agent::start_link(Vec::new).handle()
    }

    fn named(name: impl Into<Name>) -> Result<Self, FindError> {
        Agent::named(name).as_server().map(|list| Self(list.into()))
    }

    async fn put(&self, item: &str) -> Result<(), CallError> {
        let item = item.to_owned();
        self.0.update(move |items| items.insert(0, item)).await
    }

    async fn get(&self) -> Result<Items, CallError> {
        self.0.get(Vec::clone).await
    }
}

impl From<ServerRef<AgentServer<Items>>> for TodoList {
    fn from(server: ServerRef<AgentServer<Items>>) -> Self {
        Self(server.into())
    }
}

impl AsProcess for TodoList {
    fn as_process(&self) -> Option<ProcessRef> {
        self.0.as_process()
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

    async fn handle_cast(&mut self, Create(name): Create, _cx: &mut Cx<Self>) -> Outcome<Self> {
        if let Entry::Vacant(place) = self.names.entry(name) {
            place.insert(TodoList::start_link().await?);
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
    Other(#[expect(dead_code, reason = "unexpected messages are not looked at")] &'static str),
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
            let list = TodoList::start_link().await?;
            let reference = cx.monitor(&list, Info::Down);
            self.refs.insert(reference, name.clone());
            self.names.insert(name, list);
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

/// Kills the list with the given function, and returns only when its `Down` has arrived.
async fn kill_with(TodoList(list): &TodoList, function: impl AsyncFnOnce(&Agent<Items>)) {
    let mut shell = Probe::<()>::new();
    let reference = shell.monitor(list);
    function(list).await;
    shell.expect_down(reference).await;
}

/// `&Agent.stop/1`
async fn stop(list: &Agent<Items>) {
    list.stop().await.unwrap();
}

async fn spawns_todo_lists<S: GenServer<Args = (), Call = Call, Cast = Create>>() {
    let manager = Manager::<S>::start().await.unwrap();
    assert_eq!(manager.lookup("shopping").await, None);
    manager.create("shopping");

    let todo = manager.lookup("shopping").await.unwrap();
    todo.put("eggs").await.unwrap();
    assert_eq!(todo.get().await.unwrap(), ["eggs"]);

    // Ensuring a list means that a second create finds it.
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
    kill_with(&todo, stop).await;
    let stale = manager.lookup("shopping").await.unwrap();
    assert!(matches!(stale.get().await, Err(CallError::NoProc { .. })));
    manager.stop().await.unwrap();
}

#[tokio::test]
async fn the_second_manager_removes_todo_lists_on_exit() {
    let manager = Manager::<Monitoring>::start().await.unwrap();
    manager.create("shopping");
    let todo = manager.lookup("shopping").await.unwrap();
    kill_with(&todo, stop).await;
    assert_eq!(manager.lookup("shopping").await, None);

    manager.create("shopping");
    let another = manager.lookup("shopping").await.unwrap();
    assert_ne!(another, todo);
    manager.stop().await.unwrap();
}

/// What 3.5 warns of: it is linked as well as monitoring, so the crash of a list ends the manager too.
#[tokio::test]
async fn a_crash_of_a_list_takes_a_linked_manager_along() {
    let manager = Manager::<Monitoring>::start().await.unwrap();
    manager.create("shopping");
    let todo = manager.lookup("shopping").await.unwrap();
    kill_with(&todo, async |list: &Agent<Items>| list.process_ref().exit(Reason::term("a bug"))).await;
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
/// iex> Agent.start_link(fn -> [] end, name: :shopping)
/// {:ok, #PID<0.43.0>}
/// iex> Todo.List.put(:shopping, "eggs")
/// :ok
/// iex> Todo.List.get(:shopping)
/// ["eggs"]
/// ```
///
/// Names are text here and cost nothing once they are released, so the reason against this does not apply.
#[tokio::test]
async fn the_session_with_a_name() {
    let shell = Probe::<()>::new();
    let started = shell.scope(async { Agent::start_link(Items::new).name("shopping").await }).await;
    assert!(started.is_ok());
    assert_eq!(TodoList::named("shopping").unwrap().put("eggs").await, Ok(()));
    assert_eq!(TodoList::named("shopping").unwrap().get().await.unwrap(), ["eggs"]);
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
async fn the_session_with_a_monitor() {
    let mut shell = Probe::<()>::new();
    let list = shell.scope(async { TodoList::start_link().await }).await.unwrap();
    let reference = shell.monitor(&list);
    assert_eq!(list.0.stop().await, Ok(()));
    let down = Down { reference, pid: list.0.pid(), reason: Reason::Normal };
    assert_eq!(shell.flush(), [Letter::Down(down)]);
}
