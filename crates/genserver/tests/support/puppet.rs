//! A puppet: a server that does what it is told, and tells a probe what happens to it.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use genserver::{
    Caller, Cx, Down, Exit, GenServer, Init, NameRegistry, Next, Outcome, Pid, ProbeRef, ProcessRef, Reason,
    RegisterError,
};

/// A server that does what it is told.
pub(crate) struct Puppet {
    told: Option<ProbeRef<Heard>>,
    traps: bool,
    held: Option<Held>,
}

/// What a puppet tells its probe.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Heard {
    /// Init has begun, in this process.
    Born(ProcessRef),
    Text(u32),
    Down(Down),
    Exit(Exit),
    Idle,
    Terminate(Reason),
    /// The state was dropped.
    Dropped,
}

/// What a puppet is to do in init, and what it gets.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) begin: Begin,
    pub(crate) told: Option<ProbeRef<Heard>>,
    pub(crate) exclusive: Option<Exclusive>,
    pub(crate) traps: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Begin {
    Run,
    Then(u32),
    Ignore,
    Stop(Reason),
    Fail(Reason),
    Panic(&'static str),
    /// Sleeps first, then runs.
    Sleep(Duration),
    /// Never returns from init.
    Hang,
}

impl Plan {
    pub(crate) fn new(begin: Begin) -> Self {
        Self { begin, told: None, exclusive: None, traps: false }
    }

    pub(crate) fn told(mut self, probe: ProbeRef<Heard>) -> Self {
        self.told = Some(probe);
        self
    }

    pub(crate) fn traps(mut self) -> Self {
        self.traps = true;
        self
    }

    pub(crate) fn holding(mut self, exclusive: &Exclusive) -> Self {
        self.exclusive = Some(exclusive.clone());
        self
    }
}

pub(crate) enum Ask {
    Ping(Caller<&'static str>),
    Stop(Reason, Caller<()>),
    /// Never returns.
    Hang(Caller<()>),
    Number(Caller<u64>),
}

#[derive(Clone, Debug)]
pub(crate) enum Tell {
    Text(u32),
    Stop(Reason),
    Trap,
    Untrap,
    Monitor(ProcessRef),
    Link(ProcessRef),
    /// Sends an exit signal, which comes from the puppet.
    Exit(ProcessRef, Reason),
    /// Sends a text to another puppet's probe, from inside the callback.
    Send(ProbeRef<Heard>, u32),
    Hang,
}

#[derive(Debug)]
pub(crate) enum Info {
    Text(u32),
    Down(Down),
    Exit(Exit),
}

impl Puppet {
    pub(crate) fn new(told: Option<ProbeRef<Heard>>) -> Self {
        Self { told, traps: false, held: None }
    }

    fn tell(&self, heard: Heard) {
        if let Some(probe) = &self.told {
            let _ = probe.send(heard);
        }
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        self.tell(Heard::Dropped);
    }
}

impl GenServer for Puppet {
    type Args = Plan;
    type Call = Ask;
    type Cast = Tell;
    type Info = Info;

    async fn init(plan: Plan, cx: &mut Cx<Self>) -> Init<Self> {
        let mut puppet = Puppet::new(plan.told);
        puppet.tell(Heard::Born(cx.process_ref()));
        puppet.traps = plan.traps;
        puppet.held = match plan.exclusive.map(|exclusive| exclusive.take()) {
            Some(None) => return Init::Stop(Reason::term("collision")),
            held => held.flatten(),
        };
        if puppet.traps {
            cx.trap_exits(Info::Exit);
        }
        match plan.begin {
            Begin::Run => Init::Run(puppet),
            Begin::Then(text) => Init::RunThen(puppet, Info::Text(text)),
            Begin::Ignore => Init::Ignore,
            Begin::Stop(reason) => Init::Stop(reason),
            Begin::Fail(reason) => Init::Fail(reason),
            Begin::Panic(message) => panic!("{message}"),
            Begin::Sleep(delay) => {
                sleep(delay).await;
                Init::Run(puppet)
            }
            Begin::Hang => std::future::pending().await,
        }
    }

    async fn handle_call(&mut self, ask: Ask, cx: &mut Cx<Self>) -> Outcome<Self> {
        match ask {
            Ask::Ping(caller) => Next::reply(caller, "pong"),
            Ask::Stop(reason, caller) => Next::stop_reply(reason, caller, ()),
            Ask::Hang(_caller) => std::future::pending().await,
            Ask::Number(caller) => Next::reply(caller, cx.pid().number()),
        }
    }

    async fn handle_cast(&mut self, tell: Tell, cx: &mut Cx<Self>) -> Outcome<Self> {
        match tell {
            Tell::Text(text) => self.tell(Heard::Text(text)),
            Tell::Stop(reason) => return Next::stop(reason),
            Tell::Trap => {
                self.traps = true;
                cx.trap_exits(Info::Exit);
            }
            Tell::Untrap => cx.untrap_exits(),
            Tell::Monitor(process) => drop(cx.monitor(&process, Info::Down)),
            Tell::Link(process) => cx.link(&process)?,
            Tell::Exit(process, reason) => process.exit(reason),
            Tell::Send(probe, text) => drop(probe.send(Heard::Text(text))),
            Tell::Hang => std::future::pending().await,
        }
        Next::wait()
    }

    async fn handle_info(&mut self, info: Info, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.tell(match info {
            Info::Text(text) => Heard::Text(text),
            Info::Down(down) => Heard::Down(down),
            Info::Exit(exit) => Heard::Exit(exit),
        });
        Next::wait()
    }

    async fn handle_idle(&mut self, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.tell(Heard::Idle);
        Next::wait()
    }

    async fn terminate(&mut self, reason: &Reason, _cx: &mut Cx<Self>) {
        self.tell(Heard::Terminate(reason.clone()));
    }
}

/// Something that only one process at a time can have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exclusive(Arc<AtomicBool>);

/// The exclusive thing, while a process has it.
pub(crate) struct Held(Exclusive);

impl Exclusive {
    pub(crate) fn take(&self) -> Option<Held> {
        (!self.0.swap(true, Ordering::SeqCst)).then(|| Held(self.clone()))
    }

    pub(crate) fn is_free(&self) -> bool {
        !self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::SeqCst);
    }
}

/// A registry of a user's.
#[derive(Default)]
pub(crate) struct Phonebook(Mutex<BTreeMap<String, ProcessRef>>);

impl NameRegistry for Phonebook {
    fn register(&self, name: &str, process: &ProcessRef) -> Result<(), RegisterError> {
        if name.is_empty() {
            return Err(RegisterError::Refused("a name has letters".to_owned()));
        }
        assert_ne!(name, "panic", "the phonebook is on fire");
        let mut book = self.0.lock().unwrap();
        if let Some(holder) = book.get(name) {
            return Err(RegisterError::Taken(holder.pid()));
        }
        book.insert(name.to_owned(), process.clone());
        Ok(())
    }

    fn unregister(&self, name: &str, pid: Pid) {
        let mut book = self.0.lock().unwrap();
        if book.get(name).is_some_and(|holder| holder.pid() == pid) {
            book.remove(name);
        }
    }

    fn whereis(&self, name: &str) -> Option<ProcessRef> {
        self.0.lock().unwrap().get(name).cloned()
    }
}

/// Sleeps in virtual time.
#[expect(clippy::disallowed_methods, reason = "a test's time is the runtime's own")]
pub(crate) async fn sleep(delay: Duration) {
    tokio::time::sleep(delay).await;
}

/// The current time, paused or not.
#[expect(clippy::disallowed_methods, reason = "a test's time is the runtime's own")]
pub(crate) fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// The milliseconds of a test.
pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
