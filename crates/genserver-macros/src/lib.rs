//! The attribute macro of [`genserver`](https://docs.rs/genserver), which exports it with the feature `macros`: use it from there.

// From the tokens of the attribute to those that it writes.
mod server;

use proc_macro::TokenStream;

/// Writes a server's messages, its `impl GenServer` and its client from the server's methods.
///
/// ```toml
/// [dependencies]
/// genserver = { version = "0.1", features = ["macros"] }
/// ```
///
/// ```
/// use genserver::Init;
///
/// pub struct Account(u64);
///
/// #[derive(Debug, PartialEq)]
/// pub struct Overdrawn;
///
/// #[genserver::server(client = Bank)]
/// impl Account {
///     fn init(first: u64) -> Init<Self> {
///         Init::Run(Account(first))
///     }
///
///     /// Puts money in.
///     #[cast]
///     pub fn deposit(&mut self, amount: u64) {
///         self.0 += amount;
///     }
///
///     /// Takes money out, and returns what is left.
///     #[call]
///     pub fn withdraw(&mut self, amount: u64) -> Result<u64, Overdrawn> {
///         self.0 = self.0.checked_sub(amount).ok_or(Overdrawn)?;
///         Ok(self.0)
///     }
/// }
///
/// # genserver_doc::run! {
/// let bank = Bank::new(genserver::start::<Account>(10).await?);
/// bank.deposit(5)?;
/// assert_eq!(bank.withdraw(12).await?, Ok(3));
/// assert_eq!(bank.withdraw(12).await?, Err(Overdrawn));
/// # }
/// ```
///
/// It writes what one would write by hand, and nothing else. This is what the block above stands for:
///
/// ```
/// # use genserver::Init;
/// # pub struct Account(u64);
/// # #[derive(Debug, PartialEq)]
/// # pub struct Overdrawn;
/// use genserver::{AsProcess, AsServer, Call, Caller, CastError, Cx, FindError, GenServer};
/// use genserver::{Lookup, Never, Next, Outcome, ProcessRef, ServerRef, WaitForServer};
///
/// /// A call to `Account`.
/// pub enum AccountCall {
///     /// Takes money out, and returns what is left.
///     Withdraw(u64, Caller<Result<u64, Overdrawn>>),
/// }
///
/// /// A cast to `Account`.
/// pub enum AccountCast {
///     /// Puts money in.
///     Deposit(u64),
/// }
///
/// impl Account {
///     /// Puts money in.
///     pub fn deposit(&mut self, amount: u64) {
///         self.0 += amount;
///     }
///
///     /// Takes money out, and returns what is left.
///     pub fn withdraw(&mut self, amount: u64) -> Result<u64, Overdrawn> {
///         self.0 = self.0.checked_sub(amount).ok_or(Overdrawn)?;
///         Ok(self.0)
///     }
/// }
///
/// impl GenServer for Account {
///     type Args = u64;
///     type Call = AccountCall;
///     type Cast = AccountCast;
///     type Info = Never;
///
///     async fn init(first: u64, _cx: &mut Cx<Self>) -> Init<Self> {
///         Init::Run(Account(first))
///     }
///
///     async fn handle_call(&mut self, call: AccountCall, _cx: &mut Cx<Self>) -> Outcome<Self> {
///         match call {
///             AccountCall::Withdraw(amount, caller) => Next::reply(caller, self.withdraw(amount)),
///         }
///     }
///
///     async fn handle_cast(&mut self, cast: AccountCast, _cx: &mut Cx<Self>) -> Outcome<Self> {
///         match cast {
///             AccountCast::Deposit(amount) => {
///                 self.deposit(amount);
///                 Next::wait()
///             }
///         }
///     }
/// }
///
/// /// A client of `Account`, over a `ServerRef`, a name, or a supervisor's child.
/// #[derive(Clone, Debug)]
/// pub struct Bank<R = ServerRef<Account>>(R);
///
/// impl<R: AsServer<Server = Account>> Bank<R> {
///     /// Makes a client of the server that `server` refers to.
///     pub fn new(server: R) -> Self {
///         Self(server)
///     }
///
///     /// Takes money out, and returns what is left.
///     pub fn withdraw(
///         &self,
///         amount: u64,
///     ) -> Call<
///         Lookup<'_, R>,
///         Result<u64, Overdrawn>,
///         impl FnOnce(Caller<Result<u64, Overdrawn>>) -> AccountCall,
///     > {
///         self.0.call(move |caller| AccountCall::Withdraw(amount, caller))
///     }
///
///     /// Puts money in.
///     ///
///     /// # Errors
///     ///
///     /// The message comes back if there is no server, or its mailbox is full.
///     pub fn deposit(&self, amount: u64) -> Result<(), CastError<AccountCast>> {
///         self.0.cast(AccountCast::Deposit(amount))
///     }
/// }
///
/// impl<R: AsServer<Server = Account>> AsServer for Bank<R> {
///     type Server = Account;
///
///     fn as_server(&self) -> Result<ServerRef<Account>, FindError> {
///         self.0.as_server()
///     }
///
///     fn wait_for_server(&self) -> Option<WaitForServer<'_, Account>> {
///         self.0.wait_for_server()
///     }
/// }
///
/// impl<R: AsProcess> AsProcess for Bank<R> {
///     fn as_process(&self) -> Option<ProcessRef> {
///         self.0.as_process()
///     }
/// }
/// # genserver_doc::run! {
/// # let bank = Bank::new(genserver::start::<Account>(10).await?);
/// # bank.deposit(5)?;
/// # assert_eq!(bank.withdraw(12).await?, Ok(3));
/// # }
/// ```
///
/// So nothing is lost by beginning with the macro: to leave it, paste the expansion in its place. Clippy calls the types that a
/// client's functions return complex, which is its lint `type_complexity`.
///
/// # Calls and casts
///
/// A method with `#[call]` or `#[cast]` becomes a variant, which is named after it and carries what it is given. What a
/// parameter is for follows from its type, and never from its name:
///
/// | parameter | what it is |
/// |---|---|
/// | `&mut Cx<Self>` | the server's [`Cx`](https://docs.rs/genserver/latest/genserver/struct.Cx.html), in any place or none |
/// | `Caller<T>`, in a call | the one who is answered with a `T`, by the method itself |
/// | everything else | a field of the message: a type that owns what it holds |
///
/// What is done after the method follows from what it returns:
///
/// | method | returns | then |
/// |---|---|---|
/// | call | a value, or nothing | the value is the answer |
/// | call with a `Caller` | nothing | the server waits: the method keeps the caller, or has answered |
/// | call with a `Caller` | `Outcome<Self>` | as the method says: `Next::reply_idle(caller, ..)`, or `Next::stop(..)` |
/// | cast | nothing | the server waits |
/// | cast | `Outcome<Self>` | as the method says |
///
/// A method may be `async`; then it takes `&mut self`, or the state has to be `Sync`. Its documentation, `cfg`, `deprecated` and `must_use` go wherever its name goes. What has neither
/// attribute stays in the block as it is.
///
/// ```
/// use genserver::{Caller, Cx, Init, Next, Outcome, Reason};
/// use std::time::Duration;
///
/// #[derive(Default)]
/// struct Door {
///     waiting: Vec<Caller<()>>,
/// }
///
/// enum Info {
///     Closing,
/// }
///
/// #[genserver::server(client = DoorClient)]
/// impl Door {
///     fn init() -> Init<Self> {
///         Init::Run(Door::default())
///     }
///
///     /// Waits until somebody opens it.
///     #[call]
///     fn pass(&mut self, caller: Caller<()>) {
///         self.waiting.push(caller);
///     }
///
///     #[cast]
///     async fn open(&mut self, cx: &mut Cx<Self>) {
///         self.waiting.drain(..).for_each(|caller| caller.reply(()));
///         cx.send_after(Duration::from_secs(1), Info::Closing);
///     }
///
///     #[cast]
///     fn lock(&mut self) -> Outcome<Self> {
///         Next::stop(Reason::Normal)
///     }
///
///     fn handle_info(&mut self, Info::Closing: Info) -> Outcome<Self> {
///         Next::hibernate()
///     }
/// }
/// # genserver_doc::run! {
/// # use genserver::AsServer;
/// let door = DoorClient::new(genserver::start::<Door>(()).await?);
/// let passing = door.pass().send_request();
/// door.open()?;
/// passing.await?;
/// door.lock()?;
/// assert_eq!(door.ended().await, Reason::Normal);
/// # }
/// ```
///
/// # Callbacks
///
/// The callbacks of [`GenServer`](https://docs.rs/genserver/latest/genserver/trait.GenServer.html) that lie in the block move to
/// the `impl GenServer`. They may leave out the context and `async`.
///
/// - `init` may have no arguments, or several: then they are a tuple for [`start`](https://docs.rs/genserver/latest/genserver/fn.start.html).
///   It returns `Init<Self>`; or `Result<Init<Self>, Reason>`, and then it may use `?`.
/// - The type that `handle_info` takes is the server's `Info`.
/// - `handle_call` and `handle_cast` are what the macro writes.
///
/// ```
/// use genserver::{Init, Reason, StartError};
///
/// struct Port(u16);
///
/// #[genserver::server]
/// impl Port {
///     fn init(text: &'static str, least: u16) -> Result<Init<Self>, Reason> {
///         let port: u16 = text.parse()?;
///         Ok(if port < least { Init::Ignore } else { Init::Run(Port(port)) })
///     }
/// }
/// # genserver_doc::run! {
/// let error = genserver::start::<Port>(("http", 1024)).await.unwrap_err();
/// assert!(error.to_string().contains("invalid digit found in string"));
/// # assert!(matches!(genserver::start::<Port>(("80", 1024)).await, Err(StartError::Ignored { .. })));
/// # }
/// ```
///
/// # The client
///
/// `client = Bank` writes a type with a method for each message, over anything that refers to the server: a `ServerRef`, a name,
/// or the child of a supervisor. A call's method returns the
/// [`Call`](https://docs.rs/genserver/latest/genserver/struct.Call.html) itself. So its options stay with the one who calls:
///
/// ```
/// # use genserver::Init;
/// # struct Account(u64);
/// # #[genserver::server(client = Bank)]
/// # impl Account {
/// #     fn init(first: u64) -> Init<Self> { Init::Run(Account(first)) }
/// #     #[call]
/// #     fn balance(&self) -> u64 { self.0 }
/// # }
/// use genserver::{AsServer, Named};
/// use std::time::Duration;
///
/// # genserver_doc::run! {
/// genserver::start::<Account>(10).name("account").await?;
/// let bank = Bank::new(Named::<Account>::new("account"));
///
/// assert_eq!(bank.balance().timeout(Duration::from_secs(1)).await?, 10);
/// let later = bank.balance().send_request();
/// assert_eq!(later.await?, 10);
/// bank.stop().await?;
/// # }
/// ```
///
/// From a thread without a runtime it is `bank.balance().blocking()`. The client is itself a reference: with
/// [`AsServer`](https://docs.rs/genserver/latest/genserver/trait.AsServer.html) in scope it can be stopped, cast to with
/// `cast_wait`, monitored, and given to `sys`. Add functions of your own in an `impl Bank`, one that starts the server for instance.
///
/// # Messages written by hand
///
/// `#[call(Call::Withdraw)]` uses that variant, and no enum is written. The variant's fields are the method's parameters in their
/// order; a caller that the method does not take comes last.
///
/// ```
/// use genserver::{Caller, Init};
///
/// struct Counter(u64);
/// struct Increment(Caller<u64>);
///
/// #[genserver::server]
/// impl Counter {
///     fn init(first: u64) -> Init<Self> {
///         Init::Run(Counter(first))
///     }
///
///     #[call(Increment)]
///     fn increment(&mut self) -> u64 {
///         self.0 += 1;
///         self.0
///     }
/// }
/// # genserver_doc::run! {
/// let counter = genserver::start::<Counter>(41).await?;
/// assert_eq!(counter.call(Increment).await?, 42);
/// # }
/// ```
///
/// # An `impl GenServer` written by hand
///
/// A block without `init` has no `impl GenServer`. Write it yourself, with what has to come before the methods, and let
/// `dispatch_call` and `dispatch_cast` do the rest:
///
/// ```
/// use genserver::{Cx, GenServer, Init, Never, Next, Outcome};
///
/// struct Till {
///     is_open: bool,
///     sum: u64,
/// }
///
/// #[genserver::server(client = Cashier)]
/// impl Till {
///     #[call]
///     fn pay(&mut self, amount: u64) -> Option<u64> {
///         self.sum += amount;
///         Some(self.sum)
///     }
/// }
///
/// impl GenServer for Till {
///     type Args = bool;
///     type Call = TillCall;
///     type Cast = Never;
///     type Info = Never;
///
///     async fn init(is_open: bool, _cx: &mut Cx<Self>) -> Init<Self> {
///         Init::Run(Till { is_open, sum: 0 })
///     }
///
///     async fn handle_call(&mut self, call: TillCall, cx: &mut Cx<Self>) -> Outcome<Self> {
///         match call {
///             TillCall::Pay(_, caller) if !self.is_open => Next::reply(caller, None),
///             call => self.dispatch_call(call, cx).await,
///         }
///     }
/// }
/// # genserver_doc::run! {
/// let closed = Cashier::new(genserver::start::<Till>(false).await?);
/// assert_eq!(closed.pay(5).await?, None);
/// # let open = Cashier::new(genserver::start::<Till>(true).await?);
/// # assert_eq!(open.pay(5).await?, Some(5));
/// # }
/// ```
///
/// # Options
///
/// | option | what it does |
/// |---|---|
/// | `client = Name` | writes a client of this name |
/// | `derive(Debug)` | the message enums derive this: `format_message` may show them then |
/// | `crate = path` | where `genserver` is, for crates that export it under another path |
///
/// The messages of `Counter` are `CounterCall` and `CounterCast`. An enum, and the client, are as visible as the most visible of
/// their methods. An enum has the type parameters that it uses. The client of a server with type parameters has no default
/// for its reference.
///
/// There is no such attribute for the event handlers of `genevent`. A handler takes one type of event, which others define, and is
/// seldom asked anything: what the attribute would write is a `match` of one arm.
#[proc_macro_attribute]
pub fn server(arguments: TokenStream, item: TokenStream) -> TokenStream {
    server::expand(arguments.into(), item.into()).into()
}
