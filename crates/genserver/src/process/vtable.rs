//! Pointers to the functions of a process that are off the fast path, so that only one crate compiles them.
//!
//! A release build compiles a generic function again in every crate that calls it, and an async function in every crate that
//! polls it. If a call named the poll loop, each crate with a call in it would compile the loop again, and with it the end, the
//! reports and the requests of `sys`: about 100,000 lines of LLVM's code for each type of server. So every process carries a
//! pointer to a table of these functions. [`Process::new`] alone names the table, and a start reaches `Process::new` through a
//! pointer too. So the engine of `S` is compiled by the crate that calls `start::<S>`, and not by a crate that awaits that start
//! or calls the server.
//!
//! The rule: what is compiled with a client's code, which is `client`, `run_call` and `push`, reaches everything that runs a
//! server, ends it or spawns its task through [`Vtable`]. It makes a `dyn AnyProcess` with [`Process::erased`], because a `dyn`
//! needs every method of its trait. Any other function is called directly, because a call through a pointer is not inlined.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use super::envelope::Envelope;
use super::inspect::SystemRequest;
use super::mail::{Mail, Process};
use super::sent::{Refused, Sent};
use super::work::{Done, Outgoing, Work};
use crate::node::any_process::{AnyProcess, Asked};
use crate::node::reply::Waiting;
use crate::server::GenServer;
use crate::sync::MutexGuard;

/// Functions of [`Process`], each in the field of its name.
pub(crate) struct Vtable<S: GenServer> {
    /// Forgets the type of the server: see [`Process::erased`].
    erase: fn(Arc<Process<S>>) -> Arc<dyn AnyProcess>,
    spawn_task: fn(&Arc<Process<S>>),
    end_call: fn(&Arc<Process<S>>, Done<S>),
    park_call: ParkCall<S>,
    note_sample: fn(&Process<S>, Instant, bool) -> bool,
    overflow: Overflow<S>,
    watch_deadline: fn(&Arc<Process<S>>, Instant, Instant),
    send_call: SendCall<S>,
    ask_typed: AskTyped<S>,
}

type AskTyped<S> = fn(&Arc<Process<S>>, SystemRequest<S>, Arc<dyn Waiting>, bool) -> Asked;
type Overflow<S> = fn(&Arc<Process<S>>, MutexGuard<'_, Mail<S>>, Envelope<S>) -> Result<(), (Refused, Envelope<S>)>;
type ParkCall<S> = fn(&Arc<Process<S>>, Pin<Box<dyn Work<S>>>);
type SendCall<S> = fn(
    &Arc<Process<S>>,
    MutexGuard<'_, Mail<S>>,
    &mut Outgoing<S>,
    Option<Arc<dyn Waiting>>,
    bool,
) -> Result<Sent, Refused>;

impl<S: GenServer> Vtable<S> {
    /// The table of a server's type. A crate that names it compiles every function in it.
    pub(super) const TABLE: &'static Self = &Self {
        erase: |process| process,
        spawn_task: Process::spawn_task,
        end_call: Process::end_call,
        park_call: Process::park_call,
        note_sample: Process::note_first_sample,
        overflow: Process::overflow,
        watch_deadline: Process::watch_deadline,
        send_call: Process::send_call,
        ask_typed: Process::ask_typed,
    };
}

// One function for each field, so that the optimiser keeps the call out of line, and knows which calls are rare: a call through
// a pointer says neither.
impl<S: GenServer> Vtable<S> {
    #[cold]
    #[inline(never)]
    pub(super) fn spawn_task(process: &Arc<Process<S>>) {
        (process.vtable.spawn_task)(process);
    }

    #[cold]
    #[inline(never)]
    pub(super) fn end_call(process: &Arc<Process<S>>, done: Done<S>) {
        (process.vtable.end_call)(process, done);
    }

    #[cold]
    #[inline(never)]
    pub(super) fn park_call(process: &Arc<Process<S>>, work: Pin<Box<dyn Work<S>>>) {
        (process.vtable.park_call)(process, work);
    }

    #[cold]
    #[inline(never)]
    pub(super) fn note_sample(process: &Process<S>, since: Instant, is_done: bool) {
        (process.vtable.note_sample)(process, since, is_done);
    }

    #[cold]
    #[inline(never)]
    pub(super) fn overflow(
        process: &Arc<Process<S>>,
        mail: MutexGuard<'_, Mail<S>>,
        message: Envelope<S>,
    ) -> Result<(), (Refused, Envelope<S>)> {
        (process.vtable.overflow)(process, mail, message)
    }

    #[inline(never)]
    pub(super) fn watch_deadline(process: &Arc<Process<S>>, now: Instant, at: Instant) {
        (process.vtable.watch_deadline)(process, now, at);
    }

    #[inline(never)]
    pub(crate) fn send_call(
        process: &Arc<Process<S>>,
        mail: MutexGuard<'_, Mail<S>>,
        call: &mut Outgoing<S>,
        unlisted: Option<Arc<dyn Waiting>>,
        inline: bool,
    ) -> Result<Sent, Refused> {
        (process.vtable.send_call)(process, mail, call, unlisted, inline)
    }

    pub(crate) fn ask_typed(
        process: &Arc<Process<S>>,
        request: SystemRequest<S>,
        slot: Arc<dyn Waiting>,
        inline: bool,
    ) -> Asked {
        (process.vtable.ask_typed)(process, request, slot, inline)
    }
}

impl<S: GenServer> Process<S> {
    /// The process without the type of its server.
    pub(crate) fn erased(self: &Arc<Self>) -> Arc<dyn AnyProcess> {
        (self.vtable.erase)(Arc::clone(self))
    }
}
