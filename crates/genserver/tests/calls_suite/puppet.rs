//! A server that does what its messages tell it to, and records what it is told; and a log that outlives it.
#![allow(dead_code, reason = "each test file uses another part of this one")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use genserver::{Caller, Cx, Down, Exit, GenServer, Init, Next, Outcome, Reason};

/// What a callback is to do.
pub(crate) type Act =
    Box<dyn for<'a> FnOnce(&'a mut Puppet, &'a mut Cx<Puppet>) -> BoxFuture<'a, Outcome<Puppet>> + Send>;

/// What init is to do with the puppet it is given.
pub(crate) type Begin = Box<dyn for<'a> FnOnce(Puppet, &'a mut Cx<Puppet>) -> BoxFuture<'a, Init<Puppet>> + Send>;

/// What terminate is to do, after it has recorded its reason.
pub(crate) type Curtain = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// What was done, in order; shared by a test and its servers.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    /// Everything since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

pub(crate) struct Puppet {
    pub log: Log,
    pub curtain: Option<Curtain>,
    /// What idle is to do, once; then it waits.
    pub when_idle: Option<Act>,
    /// A caller that is answered later.
    pub kept: Option<Caller<u32>>,
}

pub(crate) enum Told {
    Act(Act),
    Note(&'static str),
    Down(Down),
    Exit(Exit),
}

pub(crate) struct Play {
    pub log: Log,
    pub begin: Option<Begin>,
}

/// A puppet that only waits.
pub(crate) fn waiting(log: &Log) -> Play {
    Play { log: log.clone(), begin: None }
}

/// A puppet whose init does this.
pub(crate) fn beginning(
    log: &Log,
    begin: impl for<'a> FnOnce(Puppet, &'a mut Cx<Puppet>) -> Init<Puppet> + Send + 'static,
) -> Play {
    let begin: Begin = Box::new(|puppet, cx| {
        let init = begin(puppet, cx);
        Box::pin(async { init })
    });
    Play { log: log.clone(), begin: Some(begin) }
}

/// A callback that does not await.
pub(crate) fn act(
    act: impl for<'a> FnOnce(&'a mut Puppet, &'a mut Cx<Puppet>) -> Outcome<Puppet> + Send + 'static,
) -> Act {
    Box::new(|puppet, cx| Box::pin(async move { act(puppet, cx) }))
}

/// A callback that awaits.
pub(crate) fn slow(
    act: impl for<'a> FnOnce(&'a mut Puppet, &'a mut Cx<Puppet>) -> BoxFuture<'a, Outcome<Puppet>> + Send + 'static,
) -> Act {
    Box::new(act)
}

/// A call that answers `value`.
pub(crate) fn answer<R: Send + 'static>(caller: Caller<R>, value: R) -> Act {
    act(move |_, _| Next::reply(caller, value))
}

/// A call that never returns: it awaits forever, with its caller.
pub(crate) fn park<R: Send + 'static>(caller: Caller<R>) -> Act {
    slow(move |_, _| {
        Box::pin(async move {
            std::future::pending::<()>().await;
            drop(caller);
            Next::wait()
        })
    })
}

/// A cast that records a note.
pub(crate) fn note(what: &'static str) -> Act {
    act(move |puppet, _| {
        puppet.log.note(what);
        Next::wait()
    })
}

impl GenServer for Puppet {
    type Args = Play;
    type Call = Act;
    type Cast = Act;
    type Info = Told;

    async fn init(play: Play, cx: &mut Cx<Self>) -> Init<Self> {
        let puppet = Puppet { log: play.log, curtain: None, when_idle: None, kept: None };
        match play.begin {
            Some(begin) => begin(puppet, cx).await,
            None => Init::Run(puppet),
        }
    }

    async fn handle_call(&mut self, call: Act, cx: &mut Cx<Self>) -> Outcome<Self> {
        call(self, cx).await
    }

    async fn handle_cast(&mut self, cast: Act, cx: &mut Cx<Self>) -> Outcome<Self> {
        cast(self, cx).await
    }

    async fn handle_info(&mut self, info: Told, cx: &mut Cx<Self>) -> Outcome<Self> {
        match info {
            Told::Act(act) => return act(self, cx).await,
            Told::Note(what) => self.log.note(what),
            Told::Down(down) => self.log.note(format!("down {}", down.reason)),
            Told::Exit(exit) => self.log.note(format!("exit {}", exit.reason)),
        }
        Next::wait()
    }

    async fn handle_idle(&mut self, cx: &mut Cx<Self>) -> Outcome<Self> {
        self.log.note("idle");
        match self.when_idle.take() {
            Some(act) => act(self, cx).await,
            None => Next::wait(),
        }
    }

    async fn terminate(&mut self, reason: &Reason, _cx: &mut Cx<Self>) {
        self.log.note(format!("terminate {reason}"));
        if let Some(curtain) = self.curtain.take() {
            curtain().await;
        }
    }
}
