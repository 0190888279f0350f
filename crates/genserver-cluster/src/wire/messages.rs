//! What may be asked of a server from other machines, and how each message is named on the way.

use std::any::{TypeId, type_name};
use std::fmt;

use genserver::{Caller, GenServer};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::Revision;
use crate::wire::service::{CallFunction, CastFunction, call_function, cast_function};

/// The longest name of a server or a message, in bytes.
const NAME_MAX: usize = 200;

/// A server that answers an `M` from another machine.
///
/// The message is a type of its own that [`serde`] can write and read, because a [`Caller`] cannot travel. `local` says how the
/// same is asked on the machine of the server.
///
/// # Examples
///
/// On the page of [`Clustered`].
pub trait Remote<M>: GenServer {
    /// What comes back.
    type Reply: Serialize + DeserializeOwned + Send + 'static;

    /// The call as the server gets it. This runs on the machine of the server, before its callback.
    fn local(message: M, caller: Caller<Self::Reply>) -> Self::Call;
}

/// A server that can have a name in a cluster, and be asked from other machines.
///
/// # Examples
///
/// ```
/// use genserver::{Caller, Cx, GenServer, Init, Next, Never, Outcome};
/// use genserver_cluster::{Clustered, Messages, Remote};
/// use serde::{Deserialize, Serialize};
///
/// struct Cart(Vec<String>);
///
/// enum Call {
///     List(Caller<Vec<String>>),
/// }
///
/// /// What is in the cart, as it is asked from other machines.
/// #[derive(Serialize, Deserialize)]
/// struct List;
///
/// /// Adds an item. The server takes it as it travels.
/// #[derive(Serialize, Deserialize)]
/// struct Add {
///     item: String,
/// }
///
/// impl Remote<List> for Cart {
///     type Reply = Vec<String>;
///
///     fn local(List: List, caller: Caller<Vec<String>>) -> Call {
///         Call::List(caller)
///     }
/// }
///
/// impl Clustered for Cart {
///     fn messages() -> Messages<Self> {
///         Messages::new("shop.cart", 1).call::<List>("list").cast::<Add>("add")
///     }
/// }
/// # impl GenServer for Cart {
/// #     type Args = ();
/// #     type Call = Call;
/// #     type Cast = Add;
/// #     type Info = Never;
/// #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Cart(Vec::new())) }
/// #     async fn handle_call(&mut self, Call::List(caller): Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
/// #         Next::reply(caller, self.0.clone())
/// #     }
/// #     async fn handle_cast(&mut self, Add { item }: Add, _cx: &mut Cx<Self>) -> Outcome<Self> {
/// #         self.0.push(item);
/// #         Next::wait()
/// #     }
/// # }
/// # assert_eq!(Cart::messages().server(), "shop.cart");
/// ```
pub trait Clustered: GenServer {
    /// The messages that other machines may send, and their names on the way.
    fn messages() -> Messages<Self>;

    /// Tells the arguments of a server by which change it has its name, before its `init`: every later owner has a larger one. By
    /// default it does nothing.
    ///
    /// For a server that keeps something in a store, and gives its fence with each write. See
    /// [`NamedServer::fence`](crate::NamedServer::fence).
    fn set_fence(args: &mut Self::Args, fence: Revision) {
        let _ = (args, fence);
    }
}

/// The messages of a server that other machines may send: see [`Clustered`].
///
/// The names are those of the [format](crate::wire), and not those of Rust types, so that a type can be renamed or moved while
/// members with the old name still run.
pub struct Messages<S: GenServer> {
    server: &'static str,
    version: u32,
    calls: Vec<Listed<CallFunction<S>>>,
    casts: Vec<Listed<CastFunction<S>>>,
}

/// A message.
struct Listed<F> {
    name: &'static str,
    of: TypeId,
    hand: F,
}

impl<S: GenServer> Messages<S> {
    /// No messages yet, of a server with this name and version.
    ///
    /// Members whose versions differ refuse each other's messages, with an error that names both. So raise it when a message
    /// gets another meaning, or a shape that older builds cannot read. A new message, and a new field with a default, need no
    /// new version.
    ///
    /// # Panics
    ///
    /// If the name is empty or longer than 200 bytes.
    #[track_caller]
    pub fn new(server: &'static str, version: u32) -> Self {
        Self { server: checked(server), version, calls: Vec::new(), casts: Vec::new() }
    }

    /// Adds a call. How it is asked is in the implementation of [`Remote`].
    ///
    /// # Panics
    ///
    /// If another call has the name or the type, or if the name is empty or longer than 200 bytes.
    #[must_use = "it is the list with the call"]
    #[track_caller]
    pub fn call<M>(mut self, name: &'static str) -> Self
    where
        S: Remote<M>,
        M: DeserializeOwned + Send + 'static,
    {
        add(&mut self.calls, Listed { name: checked(name), of: TypeId::of::<M>(), hand: call_function::<S, M>() });
        self
    }

    /// Adds a cast. The server gets what it is turned into.
    ///
    /// # Panics
    ///
    /// If another cast has the name or the type, or if the name is empty or longer than 200 bytes.
    #[must_use = "it is the list with the cast"]
    #[track_caller]
    pub fn cast<M>(mut self, name: &'static str) -> Self
    where
        M: Into<S::Cast> + DeserializeOwned + Send + 'static,
    {
        add(&mut self.casts, Listed { name: checked(name), of: TypeId::of::<M>(), hand: cast_function::<S, M>() });
        self
    }

    /// The name of the server.
    pub fn server(&self) -> &'static str {
        self.server
    }

    /// The version of its messages.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The name of a call of this type.
    pub(crate) fn name_of_call<M: 'static>(&self) -> Option<&'static str> {
        name_of::<M, _>(&self.calls)
    }

    /// The name of a cast of this type.
    pub(crate) fn name_of_cast<M: 'static>(&self) -> Option<&'static str> {
        name_of::<M, _>(&self.casts)
    }

    /// How a call is handed to the server.
    pub(super) fn find_call(&self, name: &str) -> Option<CallFunction<S>> {
        find(&self.calls, name)
    }

    /// How a cast is handed to the server.
    pub(super) fn find_cast(&self, name: &str) -> Option<CastFunction<S>> {
        find(&self.casts, name)
    }
}

#[track_caller]
fn checked(name: &'static str) -> &'static str {
    assert!(
        (1..=NAME_MAX).contains(&name.len()),
        "the name of a server or a message has 1 to {NAME_MAX} bytes, and `{name}` has {}; choose another",
        name.len()
    );
    name
}

#[track_caller]
fn add<F>(all: &mut Vec<Listed<F>>, new: Listed<F>) {
    for listed in &*all {
        assert!(listed.name != new.name, "the name `{}` has another message already; choose another", new.name);
        assert!(listed.of != new.of, "`{}` is the same type as `{}`; list each once", new.name, listed.name);
    }
    all.push(new);
}

fn find<F: Copy>(all: &[Listed<F>], name: &str) -> Option<F> {
    all.iter().find(|listed| listed.name == name).map(|listed| listed.hand)
}

fn name_of<M: 'static, F>(all: &[Listed<F>]) -> Option<&'static str> {
    all.iter().find(|listed| listed.of == TypeId::of::<M>()).map(|listed| listed.name)
}

impl<S: GenServer> fmt::Debug for Messages<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls: Vec<_> = self.calls.iter().map(|listed| listed.name).collect();
        let casts: Vec<_> = self.casts.iter().map(|listed| listed.name).collect();
        f.debug_struct("Messages")
            .field("of", &type_name::<S>())
            .field("server", &self.server)
            .field("version", &self.version)
            .field("calls", &calls)
            .field("casts", &casts)
            .finish()
    }
}
