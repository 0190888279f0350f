//! Messages and signals as the record of a simulation names them.

use std::any::type_name;

use super::envelope::{Envelope, Signal};
use super::mail::Process;
use crate::node::current;
use crate::node::record::{self, Arrival, CallId, Event};
use crate::server::GenServer;
use crate::server::show::Message;
use crate::values::monitor::MonitorRef;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// A message is about to come to a server. Called without its lock (rule 1 of `record`).
#[inline]
pub(super) fn arrival<S: GenServer>(at: Pid, message: &Envelope<S>) {
    match message {
        Envelope::Call(call, _) => call_arrival::<S>(at, CallId::NONE, call),
        Envelope::Cast(cast) => {
            arrived(at, Arrival::Cast, |what| what.kind_of::<S, _>(cast), || Message::<S>::Cast(cast).show_variant());
        }
        Envelope::Info(info) => info_arrival::<S>(at, Arrival::Info, info),
        // What it is shows when it begins.
        Envelope::Lazy(_) => signal(at, Arrival::Lazy),
        Envelope::Signal(signal) => signal_arrival(at, signal),
        #[cfg(any(feature = "metrics", feature = "tracing"))]
        Envelope::Carried(_) => arrival(at, message.inner()),
    }
}

/// A call is about to come to a server, or to be run by its caller. Called without its lock (rule 1 of `record`).
#[inline]
pub(crate) fn call_arrival<S: GenServer>(at: Pid, id: CallId, call: &S::Call) {
    let kind = |what: Arrival| what.kind_of::<S, _>(call);
    arrived_as(at, Arrival::Call, id, kind, || Message::<S>::Call(call).show_variant());
}

#[inline]
fn info_arrival<S: GenServer>(at: Pid, what: Arrival, info: &S::Info) {
    arrived(at, what, |what| what.kind_of::<S, _>(info), || Message::<S>::Info(info).show_variant());
}

#[inline]
fn signal_arrival<S: GenServer>(at: Pid, sent: &Signal<S>) {
    match sent {
        Signal::Down(down) => with_reason(at, Arrival::Down, &down.reason),
        Signal::Exit(exit, _) => with_reason(at, Arrival::Exit, &exit.reason),
        Signal::Stop(order) => with_reason(at, Arrival::Stop, order.reason()),
        Signal::Info(info) => info_arrival::<S>(at, Arrival::Timer, info),
        Signal::Timer(_) => signal(at, Arrival::Timer),
        Signal::Attached(..) => signal(at, Arrival::Attached),
        Signal::System(_) => signal(at, Arrival::System),
        Signal::Idle => signal(at, Arrival::Idle),
        // A server leaves it to itself.
        Signal::Continue(_) => {}
    }
}

/// A signal with a reason is about to come to a process.
#[inline]
pub(super) fn with_reason(at: Pid, what: Arrival, reason: &Reason) {
    arrived(at, what, Arrival::kind, || reason.to_string());
}

/// A message is about to come to a process without a server.
#[inline]
pub(super) fn letter<M: 'static>(at: Pid, message: &M) {
    arrived(at, Arrival::Letter, |what| what.kind_of::<M, _>(message), || type_name::<M>().to_owned());
}

/// Something comes to a process that has no text.
#[inline]
pub(super) fn signal(at: Pid, what: Arrival) {
    with_text(at, what, None);
}

/// Something comes to a process whose text was made before.
#[inline]
pub(super) fn with_text(at: Pid, what: Arrival, text: Option<String>) {
    record::note(|| Event::Arrived { at, from: current::sender(), what, kind: what.kind(), call: CallId::NONE, text });
}

/// The end of a process is ordered from outside.
#[inline]
pub(super) fn doom(at: Pid, reason: &Reason) {
    with_reason(at, if *reason == Reason::Killed { Arrival::Kill } else { Arrival::Exit }, reason);
}

/// A process has ended, and its name is free.
#[inline]
pub(super) fn end(pid: Pid, reason: &Reason) {
    record::note(|| Event::Ended { pid, reason: record::text(|| reason.to_string()) });
}

/// Something comes to a process.
#[inline]
pub(super) fn arrived(at: Pid, what: Arrival, kind: impl FnOnce(Arrival) -> u64, text: impl FnOnce() -> String) {
    arrived_as(at, what, CallId::NONE, kind, text);
}

#[inline]
fn arrived_as(at: Pid, what: Arrival, call: CallId, kind: impl FnOnce(Arrival) -> u64, text: impl FnOnce() -> String) {
    record::note(|| {
        let text = record::text(text);
        Event::Arrived { at, from: current::sender(), what, kind: kind(what), call, text }
    });
}

/// A server is about to handle a `Down`, or to pass by it because it was taken back. Called without its lock.
#[inline]
pub(crate) fn down_taken<S: GenServer>(process: &Process<S>, reference: MonitorRef) {
    record::note(|| {
        let behind = process.load(&process.mail.lock()) as usize;
        Event::DownTaken { at: process.head.pid, reference, behind }
    });
}

/// What came last to a process was not taken.
#[inline]
pub(crate) fn refusal(at: Pid) {
    record::note(|| Event::Refused { at, from: current::sender() });
}
