//! Crash reports.

use crate::process::Process;
use crate::process::mail::Body;
use crate::reason::Reason;
use crate::server::GenServer;

pub(crate) struct PanicPlace {
    pub(crate) location: String,
    pub(crate) backtrace: Option<String>,
}

pub(crate) fn take_panic_place() -> Option<PanicPlace> {
    None
}

impl<S: GenServer> Process<S> {
    pub(crate) fn report_end(&self, _body: &Body<S>, _reason: &Reason, _by_signal: bool, _at_start: bool) {}
}
