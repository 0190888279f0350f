//! Whom a server's task runs next, when its own server is done.
//!
//! What a server sends to another mostly finds the other idle. Were the other's task woken each time, a token that goes round
//! many servers would pass through the runtime's queues at each hop. So while a server's task has its turn, the first server
//! that gets something to do from this thread is only noted. It runs when the turn is over, in the same task, with what is
//! left of the turn's budget; and whom it gives something to do may be the next.
//!
//! 1. One server is noted at most. Whoever comes while one is has its task woken, and another thread may take that.
//! 2. The task's runtime and node are its own, and others than its own task may run it (see [`pace`](super::pace)). Nobody is
//!    next after itself: a callback that wakes itself gives way to others.
//! 3. Whoever is noted is run, or has its task woken, before the task's poll ends. Its task is woken at once when anything of
//!    this crate begins to wait on this thread: a callback may have given its thread away with `block_in_place`, and wait right
//!    there. Only if it waits there for something else that needs whoever is noted, it waits in vain; on a runtime of one
//!    thread it always did.
//! 4. While others run in its task, a server's own task cannot come for it. So only those are run whose turns are shorter than
//!    it takes to wake another thread, as a look at the clock now and then tells (see [`pace`](super::pace)); and the task goes
//!    back to its own server when that has something to do.

use std::cell::Cell;
use std::sync::Arc;
use std::task::Context;

use super::mail::{Kick, Process, Run, Task};
use crate::current;
use crate::node::Home;
use crate::server::GenServer;
use crate::sync::thread_local;

/// How many turns of others there are between two looks whether the task's own server has something to do.
const LOOK_AFTER: u32 = 16;

thread_local! {
    static CHAIN: Cell<Chain> = const { Cell::new(Chain::Closed) };
    static NOTED: Cell<Option<Noted>> = const { Cell::new(None) };
}

/// How far the task that has its turn on this thread is with whom it runs next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chain {
    /// There is no such task, or it runs nobody else.
    Closed,
    /// It would run somebody of this home, which is known by its address.
    Open(usize),
    /// Somebody is noted.
    Noted,
}

fn open(home: &Arc<Home>) -> Chain {
    Chain::Open(Arc::as_ptr(home).addr())
}

/// A server that is scheduled, and what has not been done for that yet.
struct Noted {
    server: Arc<dyn Next>,
    kick: Kick,
}

/// Notes the server that a kick has scheduled, if this thread's task may run it next.
#[inline]
pub(super) fn takes<S: GenServer>(server: &Arc<Process<S>>, kick: &Kick) -> bool {
    let home = &server.head.home;
    if CHAIN.get() != open(home) || current::pid() == Some(server.head.pid) || !home.runtime().is_current() {
        return false;
    }
    if !server.pace.may_be_guest() {
        return false;
    }
    let kick = if matches!(kick, Kick::Spawn) { Kick::Spawn } else { Kick::WakeTask };
    CHAIN.set(Chain::Noted);
    NOTED.set(Some(Noted { server: Arc::clone(server) as Arc<dyn Next>, kick }));
    true
}

/// Something on this thread begins to wait, so nobody is run next.
#[inline]
pub(crate) fn let_go() {
    if CHAIN.get() == Chain::Noted {
        CHAIN.set(Chain::Closed);
        if let Some(Noted { server, kick }) = NOTED.take() {
            server.wake(kick);
        }
    }
}

/// The turn of a server's task, and of those who follow it.
pub(super) struct Turn<'a, S: GenServer> {
    own: &'a Arc<Process<S>>,
}

impl<'a, S: GenServer> Turn<'a, S> {
    /// Called without a lock: a callback may poll the task of another server, and then somebody may be noted.
    pub(super) fn begin(own: &'a Arc<Process<S>>) -> Self {
        let_go();
        CHAIN.set(open(&own.head.home));
        Self { own }
    }

    /// Runs who is noted, and whom those note, for as long as the budget lasts.
    pub(super) fn go_on(self, budget: &mut u32, cx: &mut Context<'_>) {
        let home = &self.own.head.home;
        let mut turns = 0;
        while CHAIN.get() == Chain::Noted
            && let Some(Noted { server, kick }) = NOTED.take()
        {
            turns += 1;
            let is_over = *budget == 0 || (turns % LOOK_AFTER == 0 && self.is_wanted(&*server));
            if is_over || home.runtime().poll_budget(cx).is_pending() {
                return server.wake(kick);
            }
            *budget -= 1;
            CHAIN.set(open(home));
            server.run(kick, budget);
        }
    }

    /// Whether the task's own server has something to do that is not done next anyway.
    fn is_wanted(&self, next: &dyn Next) -> bool {
        !std::ptr::addr_eq(&raw const *next, Arc::as_ptr(self.own)) && self.own.mail.lock().run == Run::Scheduled
    }
}

impl<S: GenServer> Drop for Turn<'_, S> {
    fn drop(&mut self) {
        let_go();
        CHAIN.set(Chain::Closed);
    }
}

/// A server of any type.
trait Next {
    fn run(self: Arc<Self>, kick: Kick, budget: &mut u32);
    fn wake(self: Arc<Self>, kick: Kick);
}

impl<S: GenServer> Next for Process<S> {
    fn run(self: Arc<Self>, kick: Kick, budget: &mut u32) {
        let mut mail = self.mail.lock();
        if mail.run != Run::Scheduled {
            drop(mail);
            return self.bring_task(kick);
        }
        // As it was before the kick.
        mail.task = if matches!(kick, Kick::Spawn) { Task::None } else { Task::Asleep };
        self.run_guest(mail, budget);
    }

    fn wake(self: Arc<Self>, kick: Kick) {
        self.bring_task(kick);
    }
}
