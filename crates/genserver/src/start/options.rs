//! The options of a server that is about to exist, whether it is started or adopted.

use std::sync::Arc;

use super::{StartError, make_process};
use crate::node::name::Name;
use crate::node::process_ref::{ProcessRef, current_process};
use crate::node::{Home, Node};
use crate::process::Process;
use crate::process::mail::Settings;
use crate::process::queue::Queue;
use crate::process::work::Actor;
use crate::server::GenServer;
use crate::server::context::Cx;
use crate::server::debug::options::DebugOptions;
use crate::values::pid::Pid;

/// The options that [`Start`](super::Start) and [`Adopt`](super::adopt::Adopt) have in common.
#[derive(Default)]
pub(crate) struct ServerOptions {
    pub(crate) name: Option<Name>,
    pub(crate) label: Option<Arc<str>>,
    pub(crate) node: Option<Node>,
    pub(crate) settings: Settings,
    pub(crate) debug: Option<Box<DebugOptions>>,
}

impl ServerOptions {
    /// Makes a process that has its name and does not run yet. The options of its debugging are left for its actor.
    pub(super) fn make<S: GenServer>(
        &mut self,
        home: &Arc<Home>,
        parent: Option<Pid>,
    ) -> Result<Arc<Process<S>>, StartError> {
        let process = make_process(home, self.name.take(), self.label.take(), parent)?;
        process.configure(&self.settings);
        Ok(process)
    }
}

/// The actor of a new process; `server` is `None` until init has made it.
pub(super) fn actor<S: GenServer>(
    process: &Arc<Process<S>>,
    server: Option<S>,
    debug: Option<Box<DebugOptions>>,
) -> Actor<S> {
    let mut cx = Cx::new(Arc::clone(process));
    cx.debug = debug.and_then(|debug| debug.begin(process.head.home.runtime().now()));
    Actor { server, cx, batch: Queue::new() }
}

/// The link of a new process.
#[derive(Default)]
pub(super) enum Link {
    #[default]
    Nobody,
    /// With the process that polls the start.
    Starter,
    Process(ProcessRef),
}

impl Link {
    /// The process to link with, as the start is polled.
    pub(super) fn peer(self) -> Result<Option<ProcessRef>, StartError> {
        match self {
            Self::Nobody => Ok(None),
            Self::Process(process) => Ok(Some(process)),
            Self::Starter => current_process().map(Some).ok_or(StartError::NotAProcess),
        }
    }
}

/// The methods that set [`ServerOptions`], for each builder with a `server_options` to set them in. So each option has one page.
macro_rules! server_option_methods {
    () => {
        /// Gives the server a name. It is registered before the server runs.
        pub fn name(mut self, name: impl Into<Name>) -> Self {
            self.server_options().name = Some(name.into());
            self
        }

        /// Gives the server a label for errors and reports: OTP's `set_label`. It need not be unique.
        #[doc(alias = "set_label")]
        pub fn label(mut self, label: impl Into<Arc<str>>) -> Self {
            self.server_options().label = Some(label.into());
            self
        }

        /// Puts the server into this node. The default is the node of the process that it is linked with or that runs here, or else
        /// the program's.
        pub fn on(mut self, node: &Node) -> Self {
            self.server_options().node = Some(node.clone());
            self
        }

        /// Sets how many calls, casts and infos may wait: 65,536 by default, and at least one.
        ///
        /// A cast that finds the mailbox full is given back, unless [`overflow`](Self::overflow) sets another policy. `cast_wait`
        /// and calls wait for space.
        pub fn mailbox(mut self, bound: u32) -> Self {
            self.server_options().settings.bound = Some(bound.max(1));
            self
        }

        /// Sets the policy for casts and plain messages that find the mailbox full. By default they are given back.
        ///
        /// It applies only when the mailbox is full. See [`Overflow`] for the policies.
        pub fn overflow(mut self, overflow: Overflow) -> Self {
            self.server_options().settings.overflow = overflow;
            self
        }

        /// Sets whether callers may run the server on their own task, which is the default. A caller does so if the server is idle,
        /// or if its task was woken but has not run yet; in that case the caller also handles a few of the messages that came before
        /// its own.
        ///
        /// Turn it off for a server whose callbacks block their thread, or compute for long between two awaits. Its callers then
        /// wait for its own task, so their timeouts hold and their other work goes on. If you do not, the library learns it from
        /// the callbacks themselves, but holds up some callers until then: see [`ServerRef::call`]. An adopted server's own
        /// task is the future that [`enter`](crate::Adopt::enter) returns.
        pub fn inline(mut self, inline: bool) -> Self {
            self.server_options().settings.queued_only = !inline;
            self
        }

        /// Makes the server hibernate once no message has arrived for `silence`: OTP's option of that name.
        pub fn hibernate_after(mut self, silence: Duration) -> Self {
            self.server_options().settings.hibernate_after = Some(silence);
            self
        }

        /// Switches debugging on from the start: OTP's option of that name.
        #[doc(alias = "debug_options")]
        pub fn debug(mut self, options: DebugOptions) -> Self {
            self.server_options().debug = Some(Box::new(options));
            self
        }
    };
}

pub(crate) use server_option_methods;
