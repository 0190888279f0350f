//! OTP's processes and servers.

// The trait that a server implements, and what its callbacks are given and answer.
mod server;
mod context;
mod outcome;
mod caller;
// Starting servers, and references to them.
mod start;
mod server_ref;
mod named;
mod process_ref;
// Asking, telling, stopping.
mod call;
mod cast;
mod stop;
mod timer;
mod attach;
// Processes without a server.
mod probe;
mod spawn;
// How processes hear of one another.
mod exit;
mod link;
mod monitor;
mod reason;
mod pid;
mod name;
// Looking into running processes.
pub mod sys;
pub mod report;
mod info;
// The world outside.
mod node;
pub mod runtime;
// The machinery.
mod alarm;
mod current;
mod deadlock;
mod process;
mod reply;

pub use attach::AttachRef;
pub use call::{Call, CallError};
pub use caller::Caller;
pub use cast::{CastError, CastWait};
pub use context::Cx;
pub use exit::Exit;
pub use info::{Callback, ProcessInfo, Status};
pub use link::LinkError;
pub use monitor::{Down, MonitorRef};
pub use name::{Name, NameRegistry, RegisterError};
pub use named::Named;
pub use node::Node;
pub use outcome::{Init, Next, Outcome, Step};
pub use pid::Pid;
pub use probe::{EXPECT_WITHIN, Letter, Probe, ProbeRef};
pub use process::Subject;
pub use process_ref::{AsProcess, ProcessRef, whereis};
pub use reason::{Failure, Panic, Reason, Term};
pub use server::{GenServer, Never};
pub use server_ref::{ServerRef, WeakServerRef};
pub use spawn::{Ack, Ending, StartProcess, spawn, start_process};
pub use start::{MAILBOX_DEFAULT, Start, StartError, StartMonitor, start, start_link};
pub use stop::{Ended, Stop, StopError};
pub use timer::{Timer, TimerRef};
