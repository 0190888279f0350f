//! What goes wrong in a simulation because the test asked for it.

use std::any::{Any, type_name};
use std::sync::Arc;
use std::time::Duration;

use crate::sys::Message;
use crate::{Callback, GenServer, Reason};

// The kinds of faults, ...
mod kind;
// ... and when they strike.
mod draw;

pub(super) use draw::{CallbackStrike, Signal};
use kind::{Condition, Kind, Victim};

/// How often a fault strikes: once in so many opportunities.
const ONCE_IN: u64 = 24;

/// What may go wrong. Each run draws what does, when, and to which process.
///
/// [`sim`](super#faults) has a table of all kinds. A method names the type of the servers that it is about, so what is not named
/// works as it should.
///
/// # Examples
///
/// A server that is killed now and then, and the supervisor that has to cope with it:
///
/// ```
/// # use genserver_doc::counter::*;
/// use std::time::Duration;
/// use genserver::AsServer;
/// use genserver::sim::{self, Faults};
/// use genserver::supervisor::{ChildSpec, Supervisor};
///
/// sim::check(async |sim| {
///     let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
///     let child = counter.reference();
///     let supervisor = Supervisor::one_for_one().max_restarts(10).child(counter);
///     sim.start_supervised(supervisor.start_link()).await;
///
///     sim.faults(Faults::new().kill::<Counter>().at_most(5));
///     for _ in 0..10 {
///         let _ = child.waiting().call(Call::Get).await;
///     }
///     sim.heal(Duration::from_secs(1)).await;
///
///     // Whatever has happened: there is a counter, and it answers.
///     assert_eq!(child.call(Call::Get).await, Ok(0));
/// });
/// ```
#[derive(Clone, Debug)]
#[must_use = "`Sim::faults` turns them on"]
pub struct Faults {
    kinds: Vec<Kind>,
    /// How many may still strike.
    left: u32,
    once_in: u64,
    is_swarm: bool,
}

impl Default for Faults {
    fn default() -> Self {
        Self::new()
    }
}

impl Faults {
    /// No faults yet. Those that are added are all on in every run, and at most three happen.
    pub fn new() -> Self {
        Self { kinds: Vec::new(), left: 3, once_in: ONCE_IN, is_swarm: false }
    }

    /// No faults yet. Of those that are added, each run draws which are on at all, and how often they happen.
    ///
    /// A bug may need one kind of fault and be hidden by another: a server that is killed early never comes to the callback in
    /// which it panics. So runs that leave some kinds out find more than runs that all have everything. This is called *swarm
    /// testing*.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use std::time::Duration;
    /// use genserver::AsServer;
    /// use genserver::sim::{self, Faults};
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    ///
    /// sim::check(async |sim| {
    ///     let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
    ///     let child = counter.reference();
    ///     let supervisor = Supervisor::one_for_one().max_restarts(10).child(counter);
    ///     sim.start_supervised(supervisor.start_link()).await;
    ///
    ///     let faults = Faults::swarm().kill::<Counter>().panic::<Counter>().stuck::<Counter>();
    ///     sim.faults(faults.stall::<Counter>(Duration::from_millis(50)));
    ///     for _ in 0..10 {
    ///         let _ = child.waiting().call(Call::Get).timeout(Duration::from_secs(1)).await;
    ///     }
    ///     sim.heal(Duration::from_secs(1)).await;
    ///     assert_eq!(child.call(Call::Get).await, Ok(0));
    /// });
    /// ```
    #[doc(alias = "swarm testing")]
    pub fn swarm() -> Self {
        Self { is_swarm: true, ..Self::new() }
    }

    /// Kills servers of this type between two steps: where they wait, or await something.
    ///
    /// Everything that is a server has such a type: that of an agent is [`AgentServer`](crate::agent::AgentServer), and that of a
    /// supervisor [`SupervisorServer`](crate::supervisor::SupervisorServer).
    pub fn kill<S: GenServer>(self) -> Self {
        self.and(Kind::Kill(Victim::OfType(type_name::<S>())))
    }

    /// Kills processes with this name or label between two steps, whether they run a server or a function.
    ///
    /// # Examples
    ///
    /// A client that is killed in the middle of its call. Its request is carried out, or is not; the server goes on.
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::sim::{self, Faults};
    /// use genserver::{Never, Probe, spawn};
    ///
    /// sim::check(async |sim| {
    ///     let counter = sim.start_supervised(genserver::start_link::<Counter>(0)).await;
    ///     sim.faults(Faults::new().kill_named("client"));
    ///     let server = counter.clone();
    ///     let client = spawn(move |me: Probe<Never>| async move {
    ///         let _ = me.register("client");
    ///         for _ in 0..5 {
    ///             let _ = server.call(Call::Get).await;
    ///         }
    ///     });
    ///     client.unwrap().process_ref().ended().await;
    ///     assert_eq!(counter.call(Call::Get).await, Ok(0));
    /// });
    /// ```
    pub fn kill_named(self, name: impl Into<String>) -> Self {
        self.and(Kind::Kill(Victim::Named(name.into())))
    }

    /// Sends servers of this type an exit signal with this reason between two steps. It ends a server, unless that traps exits:
    /// then it is a message.
    ///
    /// The signal comes from no process, so a server never takes it for that of its parent.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// use genserver::sim::{self, Faults};
    /// use genserver::{Reason, time};
    /// use std::time::Duration;
    ///
    /// sim::check(async |sim| {
    ///     let quiet = genserver::start::<Quiet>(()).await.unwrap();
    ///     sim.faults(Faults::new().exit::<Quiet>(Reason::term("out of memory")));
    ///     for _ in 0..20 {
    ///         time::sleep(Duration::from_millis(1)).await;
    ///     }
    ///     if !quiet.is_alive() {
    ///         assert_eq!(quiet.ended().await, Reason::term("out of memory"));
    ///     }
    /// });
    /// ```
    #[doc(alias = "exit/2")]
    pub fn exit<S: GenServer>(self, reason: impl Into<Reason>) -> Self {
        self.and(Kind::Exit(type_name::<S>(), reason.into()))
    }

    /// Lets callbacks of this type of server panic: before they begin, or when they have done their work and before what they
    /// returned counts. Init and terminate are callbacks, too.
    ///
    /// A callback that panics after its work may have answered its caller, or told others. The message of the panic says that it
    /// is a fault of the simulation, and in which callback of which server. It is not printed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::sim::{self, Faults};
    /// use genserver::CallError;
    ///
    /// sim::check(async |sim| {
    ///     let counter = sim.start_supervised(genserver::start_link::<Counter>(0)).await;
    ///     sim.faults(Faults::new().panic::<Counter>());
    ///     for _ in 0..20 {
    ///         match counter.call(Call::Get).await {
    ///             Ok(count) => assert_eq!(count, 0),
    ///             // The caller gets the reason. A later one finds nobody.
    ///             Err(CallError::Exit { reason, .. }) => {
    ///                 assert!(reason.to_string().contains("a fault of the simulation"));
    ///             }
    ///             Err(error) => assert!(matches!(error, CallError::NoProc { .. })),
    ///         }
    ///     }
    /// });
    /// ```
    pub fn panic<S: GenServer>(self) -> Self {
        self.and(Kind::Panic(type_name::<S>()))
    }

    /// Lets the callback with this number panic before it begins, counted from one over all servers of this type, and from when the
    /// faults were turned on. Init and terminate count.
    ///
    /// It happens in every run, and does not count for [`at_most`](Self::at_most).
    ///
    /// # Panics
    ///
    /// If the number is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::sim::{self, Faults};
    ///
    /// sim::check(async |sim| {
    ///     let counter = sim.start_supervised(genserver::start_link::<Counter>(0)).await;
    ///     sim.faults(Faults::new().panic_at::<Counter>(3));
    ///     assert_eq!(counter.call(Call::Get).await, Ok(0));
    ///     assert_eq!(counter.call(Call::Get).await, Ok(0));
    ///     assert!(counter.call(Call::Get).await.is_err());
    /// });
    /// ```
    pub fn panic_at<S: GenServer>(self, number: u64) -> Self {
        assert!(number > 0, "callbacks are counted from one");
        self.and(Kind::PanicAt(type_name::<S>(), number, 0))
    }

    /// Lets a callback of this type of server panic before it begins, each time that the message which it handles is such a one.
    ///
    /// It happens in every run, as often as such a message comes, and does not count for [`at_most`](Self::at_most).
    ///
    /// # Examples
    ///
    /// A message that the server cannot survive, and the client that sends it again to the next incarnation:
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::sim::{self, Faults};
    /// use genserver::supervisor::{ChildSpec, Supervisor};
    /// use genserver::sys::Message;
    /// use genserver::{AsServer, Reason};
    ///
    /// sim::check(async |sim| {
    ///     let counter = ChildSpec::server("counter", || genserver::start_link::<Counter>(0));
    ///     let child = counter.reference();
    ///     let supervisor = Supervisor::one_for_one().max_restarts(2).child(counter);
    ///     let supervisor = supervisor.start().await.unwrap();
    ///     sim.faults(Faults::new().panic_on::<Counter>(|message| {
    ///         matches!(message, Message::Cast(Add(13)))
    ///     }));
    ///
    ///     while let Ok(counter) = child.waiting().current().await {
    ///         let _ = counter.cast(Add(13));
    ///         let _ = counter.ended().await;
    ///     }
    ///     // So its supervisor gives up.
    ///     assert_eq!(supervisor.ended().await, Reason::Shutdown);
    /// });
    /// ```
    pub fn panic_on<S: GenServer>(self, is_such: impl Fn(Message<'_, S>) -> bool + Send + Sync + 'static) -> Self {
        let condition = move |callback: Callback, message: &dyn Any| {
            let message = match callback {
                Callback::Call => message.downcast_ref().map(Message::Call),
                Callback::Cast => message.downcast_ref().map(Message::Cast),
                _ => message.downcast_ref().map(Message::Info),
            };
            message.is_some_and(&is_such)
        };
        self.and(Kind::PanicOn(type_name::<S>(), Condition(Arc::new(condition))))
    }

    /// Lets callbacks of this type of server begin late, by up to this time. Meanwhile messages queue, calls may time out, and the
    /// server may be killed. Init and terminate are callbacks, too.
    ///
    /// [`Sim::heal`](super::Sim::heal) lets them begin at once.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::sim::{self, Faults};
    /// use std::time::Duration;
    ///
    /// sim::check(async |sim| {
    ///     let counter = sim.start_supervised(genserver::start_link::<Counter>(0)).await;
    ///     sim.faults(Faults::new().stall::<Counter>(Duration::from_millis(50)).at_most(2));
    ///     for _ in 0..10 {
    ///         assert_eq!(counter.call(Call::Get).await, Ok(0));
    ///     }
    ///     assert!(sim.elapsed() <= Duration::from_millis(100));
    /// });
    /// ```
    pub fn stall<S: GenServer>(self, up_to: Duration) -> Self {
        self.and(Kind::Stall(type_name::<S>(), up_to))
    }

    /// Lets callbacks of this type of server hang: they begin when [`Sim::heal`](super::Sim::heal) lets them, or never. Init and
    /// terminate are callbacks, too.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::CallError;
    /// use genserver::sim::{self, Faults};
    /// use std::time::Duration;
    ///
    /// sim::check(async |sim| {
    ///     let counter = sim.start_supervised(genserver::start_link::<Counter>(0)).await;
    ///     sim.faults(Faults::new().stuck::<Counter>());
    ///     for _ in 0..10 {
    ///         let before = sim.elapsed();
    ///         let called = counter.call(Call::Get).timeout(Duration::from_secs(1)).await;
    ///         if let Err(CallError::Timeout { .. }) = called {
    ///             assert_eq!(sim.elapsed() - before, Duration::from_secs(1));
    ///         }
    ///     }
    ///     sim.heal(Duration::from_secs(1)).await;
    ///     assert_eq!(counter.call(Call::Get).await, Ok(0));
    /// });
    /// ```
    #[doc(alias = "hang")]
    pub fn stuck<S: GenServer>(self) -> Self {
        self.and(Kind::Stuck(type_name::<S>()))
    }

    /// Lets calls to this type of server time out before their timeout: after a part of it, or at once. Their callers give them up,
    /// while the request is queued, or is being handled, or is about to be answered.
    ///
    /// The caller sees [`CallError::Timeout`](crate::CallError::Timeout), or
    /// [`CallError::Overloaded`](crate::CallError::Overloaded) if it waited for space in the mailbox. The server does not see it: it
    /// may carry the request out, and its answer goes nowhere.
    ///
    /// It is as if the server had been slow, so a program may not be able to tell; but one that looks at the clock is. A call
    /// without a timeout never times out, and neither does one that is answered at once.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::CallError;
    /// use genserver::sim::{self, Faults};
    ///
    /// sim::check(async |sim| {
    ///     let counter = sim.start_supervised(genserver::start_link::<Counter>(0)).await;
    ///     sim.faults(Faults::new().early_timeouts::<Counter>());
    ///     for _ in 0..10 {
    ///         match counter.call(Call::Get).await {
    ///             Ok(count) => assert_eq!(count, 0),
    ///             Err(error) => assert!(matches!(error, CallError::Timeout { .. })),
    ///         }
    ///     }
    /// });
    /// ```
    #[doc(alias = "cancel_calls")]
    #[doc(alias = "abandoned calls")]
    pub fn early_timeouts<S: GenServer>(self) -> Self {
        self.and(Kind::EarlyTimeouts(type_name::<S>()))
    }

    /// Lets mailboxes of this type of server count as full, although they have space: from a moment at which messages wait in one
    /// until the server takes the next of them. It is as if others had sent many messages.
    ///
    /// What follows is up to the sender and to the server's [`Overflow`](crate::Overflow): a cast comes back, or an older one is
    /// dropped, or the server ends; a call and [`cast_wait`](crate::ServerRef::cast_wait) wait for space. An empty mailbox always
    /// has space.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// use genserver::sim::{self, Faults};
    ///
    /// sim::check(async |sim| {
    ///     let counter = sim.start_supervised(genserver::start_link::<Counter>(0)).await;
    ///     sim.faults(Faults::new().full_mailboxes::<Counter>());
    ///     let mut sum = 0;
    ///     for _ in 0..10 {
    ///         match counter.cast(Add(1)) {
    ///             Ok(()) => sum += 1,
    ///             Err(refused) => assert!(refused.is_full()),
    ///         }
    ///     }
    ///     assert_eq!(counter.call(Call::Get).await, Ok(sum));
    /// });
    /// ```
    #[doc(alias = "backpressure")]
    pub fn full_mailboxes<S: GenServer>(self) -> Self {
        self.and(Kind::FullMailboxes(type_name::<S>()))
    }

    /// Lets timers and timeouts be late, by up to this time. They are never early.
    ///
    /// It does not count for [`at_most`](Self::at_most).
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::sim::{self, Faults};
    /// use genserver::time;
    /// use std::time::Duration;
    ///
    /// sim::check(async |sim| {
    ///     sim.faults(Faults::new().late_timers(Duration::from_millis(10)));
    ///     time::sleep(Duration::from_millis(100)).await;
    ///     let elapsed = sim.elapsed().as_millis();
    ///     assert!((100..=110).contains(&elapsed));
    /// });
    /// ```
    pub fn late_timers(self, late: Duration) -> Self {
        self.and(Kind::LateTimers(late))
    }

    /// At most so many faults happen from when these are turned on (default: three). Late timers do not count, and neither does
    /// what the test asks for with [`panic_at`](Self::panic_at) and [`panic_on`](Self::panic_on).
    pub fn at_most(mut self, faults: u32) -> Self {
        self.left = faults;
        self
    }

    /// Adds a kind, in its place.
    fn and(mut self, kind: Kind) -> Self {
        let place = self.kinds.partition_point(|other| other.rank() <= kind.rank());
        self.kinds.insert(place, kind);
        self
    }
}
