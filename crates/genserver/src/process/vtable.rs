//! What a server's process does beside the fast path, compiled where its start is written.
//!
//! A release build compiles a generic function in every crate that calls it, and an async function in every crate that polls
//! it. If a call named the poll loop, every crate with a call in it would compile the loop again, the end, the reports and the
//! requests of `sys`, for each type of server that it calls: about 100,000 lines of LLVM's code a type. So a process carries
//! pointers to them. Only [`Process::new`] names the table, and a start reaches that through a pointer too. Thus the engine of
//! a server is compiled in the crate that calls `start::<S>`, and not in those that await the start or call the server.
//!
//! The rule: what a client calls or polls, which is `client`, `run_call` and `push`, names no function that runs a
//! server, ends it or spawns its task. It makes no `dyn` of a process but with [`Process::erased`], because a `dyn` needs every
//! method of its trait. A short function that needs none of these stays outside the table: a call through a pointer is not
//! inlined.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use super::inspect::SystemRequest;
use super::mail::{Envelope, Mail, Process};
use super::sent::{Refused, Sent};
use super::work::{Done, Parcel, Work};
use crate::node::any_process::{AnyProcess, Asked};
use crate::node::reply::Waiting;
use crate::server::GenServer;
use crate::sync::MutexGuard;

/// Pointers to functions of [`Process`], each with the name of its function.
pub(crate) struct Vtable<S: GenServer> {
    /// Forgets the type of the server.
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
    &mut Parcel<S>,
    Option<Arc<dyn Waiting>>,
    bool,
) -> Result<Sent, Refused>;

impl<S: GenServer> Vtable<S> {
    /// The table of this server. The crate that names it compiles everything that it points to.
    pub(super) const OF: &'static Self = &Self {
        erase: |process| process,
        spawn_task: Process::spawn_task,
        end_call: Process::end_call,
        park_call: Process::park_call,
        note_sample: Process::note_sample,
        overflow: Process::overflow,
        watch_deadline: Process::watch_deadline,
        send_call: Process::send_call,
        ask_typed: Process::ask_typed,
    };
}

// Out of line and cold, as the functions themselves would be: a call through a pointer alone tells the optimiser neither.
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
        call: &mut Parcel<S>,
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
