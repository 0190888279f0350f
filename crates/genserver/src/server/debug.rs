//! Debugging of one server: its log, traces, statistics and hooks.
//!
//! A server for which nothing is switched on has none of this, and checks for it with one test per callback.

use std::collections::VecDeque;
use std::io::Write;
use std::time::Instant;

use crate::node::record::{self, Event};
use crate::process::envelope::Envelope;
use crate::process::work::Job;
use crate::server::GenServer;
use crate::server::context::Cx;
use crate::server::debug::event::{Hook, SysEvent};
use crate::server::outcome::{Outcome, Step, Then};
use crate::server::show::Message;
use crate::values::info::Callback;
use crate::values::reason::Panic;

// Events: the steps of a server that can be watched.
pub(crate) mod event;
// The options with which a server starts.
pub(crate) mod options;

/// Everything that is switched on for one server. Only the hooks can grow, and there is one per id.
#[derive(Default)]
pub(crate) struct Debug {
    pub(crate) log: Option<Ring>,
    /// Whether events are traced.
    pub(crate) trace: bool,
    /// Where the log is written to.
    pub(crate) file: Option<Box<dyn Write + Send>>,
    pub(crate) counters: Option<Counters>,
    pub(crate) hooks: Vec<(String, Box<HookFn>)>,
    /// The message of the current or last callback, while something shows it.
    message: Option<String>,
}

pub(crate) type HookFn = dyn FnMut(&SysEvent) -> Hook + Send;

/// A ring of the last events.
pub(crate) struct Ring {
    pub(crate) length: usize,
    pub(crate) events: VecDeque<SysEvent>,
}

pub(crate) struct Counters {
    pub(crate) since: Instant,
    pub(crate) messages_in: u64,
    pub(crate) messages_out: u64,
}

impl Ring {
    pub(crate) fn new() -> Self {
        Self { length: 0, events: VecDeque::new() }
    }

    /// Changes the length of the ring; keeps the newest events.
    pub(crate) fn resize(&mut self, length: usize) {
        self.length = length;
        while self.events.len() > length {
            self.events.pop_front();
        }
    }

    fn push(&mut self, event: SysEvent) {
        self.events.push_back(event);
        self.resize(self.length);
    }
}

impl Debug {
    fn is_off(&self) -> bool {
        self.log.is_none() && !self.trace && self.file.is_none() && self.counters.is_none() && self.hooks.is_empty()
    }

    /// Adds a hook, unless one with that id exists.
    pub(crate) fn install(&mut self, id: String, hook: Box<HookFn>) {
        if self.hooks.iter().all(|(installed, _)| *installed != id) {
            self.hooks.push((id, hook));
        }
    }

    /// Drops everything if nothing is switched on any more.
    pub(crate) fn tidy(debug: &mut Option<Box<Self>>) {
        if debug.as_ref().is_some_and(|debug| debug.is_off()) {
            *debug = None;
        }
    }

    /// Returns whether anything shows the content of messages.
    fn shows_messages(&self) -> bool {
        self.log.is_some() || self.trace || self.file.is_some() || !self.hooks.is_empty()
    }

    /// Passes one event to the log, the trace, the file and the hooks.
    fn note(&mut self, process: &str, event: SysEvent) {
        if let Some(counters) = &mut self.counters {
            match event {
                SysEvent::In { .. } => counters.messages_in += 1,
                SysEvent::Out => counters.messages_out += 1,
                SysEvent::NoReply | SysEvent::Continue { .. } => {}
            }
        }
        if self.trace {
            trace(process, &event);
        }
        if let Some(file) = &mut self.file
            && writeln!(file, "{process} {event}").is_err()
        {
            self.file = None;
        }
        self.hooks.retain_mut(|(_, hook)| {
            // A hook that panics is removed, and the server lives on.
            Panic::catch(|| hook(&event)).is_ok_and(|next| next == Hook::Keep)
        });
        if let Some(log) = &mut self.log {
            log.push(event);
        }
    }
}

/// Emits a `tracing` event with that feature, and otherwise prints a line on standard error.
#[cfg(feature = "tracing")]
fn trace(process: &str, event: &SysEvent) {
    tracing::info!(target: "genserver::sys", process, "{process} {event}");
}

#[cfg(not(feature = "tracing"))]
#[expect(clippy::print_stderr, reason = "tracing a server asks for printed output")]
fn trace(process: &str, event: &SysEvent) {
    eprintln!("{process} {event}");
}

impl<S: GenServer> Cx<S> {
    /// The last message and the logged events, for the report of the server's end, as far as they were kept.
    pub(crate) fn kept_events(&self) -> (Option<String>, Vec<String>) {
        let Some(debug) = &self.debug else { return (None, Vec::new()) };
        let events = debug.log.iter().flat_map(|log| &log.events).map(ToString::to_string);
        (debug.message.clone(), events.collect())
    }

    /// A callback is about to begin. What a signal becomes is known only later: see [`note_info`](Cx::note_info).
    #[inline]
    pub(crate) fn note_job(&mut self, job: &Job<S>) {
        self.record_job(job);
        if self.debug.is_some() {
            self.note_job_slowly(job);
        }
    }

    /// A message is about to be handled.
    #[inline]
    pub(crate) fn note_message(&mut self, callback: Callback, message: Message<'_, S>) {
        self.record(callback, Some(message));
        if self.debug.is_some() {
            self.note_in(callback, message);
        }
    }

    /// For the record of a simulation: the same as for the log, and the end.
    #[inline]
    fn record_job(&self, job: &Job<S>) {
        match job {
            Job::Message(Envelope::Info(info)) | Job::Continue(info) => {
                self.record(Callback::Info, Some(Message::Info(info)));
            }
            Job::Idle => self.record(Callback::Idle, None),
            Job::Terminate(_) => self.record(Callback::Terminate, None),
            Job::Message(_) | Job::Init(_) => {}
        }
    }

    #[inline]
    fn record(&self, callback: Callback, message: Option<Message<'_, S>>) {
        record::note(|| {
            let text = message.and_then(|message| record::text(|| message.show_variant()));
            Event::Began { pid: self.process.head.pid, callback, text }
        });
    }

    /// A callback has returned.
    #[inline]
    pub(crate) fn note_outcome(&mut self, outcome: &Outcome<S>) {
        if self.debug.is_some() {
            self.note_outcome_slowly(outcome);
        }
    }

    #[cold]
    fn note_job_slowly(&mut self, job: &Job<S>) {
        match job {
            Job::Message(Envelope::Info(info)) => self.note_in(Callback::Info, Message::Info(info)),
            Job::Continue(info) => {
                let message = self.show(Message::Info(info));
                self.note_event(SysEvent::Continue { message });
            }
            Job::Idle => {
                if let Some(debug) = &mut self.debug {
                    debug.message = None;
                }
                self.note_event(SysEvent::In { callback: Callback::Idle, message: String::new() });
            }
            // Calls and casts are noted where they are handled, and signals when they have become infos.
            Job::Message(_) | Job::Init(_) | Job::Terminate(_) => {}
        }
    }

    #[cold]
    fn note_in(&mut self, callback: Callback, message: Message<'_, S>) {
        let message = self.show(message);
        self.note_event(SysEvent::In { callback, message });
    }

    #[cold]
    fn note_outcome_slowly(&mut self, outcome: &Outcome<S>) {
        match outcome {
            Ok(step) if step.replied => self.note_event(SysEvent::Out),
            // A server that stops sends nothing here; its end is reported separately.
            Err(_) | Ok(Step { then: Then::Stop(_), .. }) => {}
            Ok(_) => self.note_event(SysEvent::NoReply),
        }
    }

    fn note_event(&mut self, event: SysEvent) {
        let title = self.process.head.title();
        if let Some(debug) = &mut self.debug {
            debug.note(&title, event);
        }
        Debug::tidy(&mut self.debug);
    }

    /// A message as the server shows it, kept for the report of a crash.
    fn show(&mut self, message: Message<'_, S>) -> String {
        let Some(debug) = &mut self.debug else { return String::new() };
        if !debug.shows_messages() {
            return String::new();
        }
        let text = message.show();
        debug.message = Some(text.clone());
        text
    }
}
