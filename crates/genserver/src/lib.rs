//! OTP's processes and servers.

// The trait that a server implements.
mod server;
mod outcome;
mod context;
mod caller;
mod server_ref;
mod start;
mod call;
mod cast;
mod stop;
mod monitor;
mod exit;
mod name;
mod reason;
mod pid;
pub mod sys;
pub mod report;
mod info;
mod node;
pub mod runtime;
mod alarm;
mod current;
mod deadlock;
mod process;
mod reply;

pub use call::{Call, CallError};
pub use caller::Caller;
pub use cast::{CastError, CastWait};
pub use context::{Cx, TimerRef};
pub use exit::Exit;
pub use info::{Callback, ProcessInfo, Status};
pub use monitor::{Down, MonitorRef};
pub use name::Name;
pub use node::Node;
pub use outcome::{Init, Next, Outcome, Step};
pub use pid::Pid;
pub use reason::{Failure, Panic, Reason, Term};
pub use server::{GenServer, Never};
pub use server_ref::ServerRef;
pub use start::{Start, StartError, start};
pub use stop::Stop;
