//! Starting servers.

use std::collections::VecDeque;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32};
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;

use crate::context::Cx;
use crate::node::Node;
use crate::process::mail::{Body, Mail, Run, Started, Task};
use crate::process::work::Actor;
use crate::process::{Head, Process};
use crate::reason::Reason;
use crate::reply::Slot;
use crate::server::GenServer;
use crate::server_ref::ServerRef;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No runtime.
    #[error("no runtime")]
    NoRuntime,
    /// Init said so.
    #[error("ignored")]
    Ignored,
    /// Init failed.
    #[error("init failed: {0}")]
    Failed(Reason),
}

/// Starts a server.
pub fn start<S: GenServer>(args: S::Args) -> Start<S> {
    Start { args: Some(args), slot: None, process: None, of: PhantomData }
}

/// A start under way.
#[must_use = "nothing is started until this is awaited"]

pub struct Start<S: GenServer> {
    args: Option<S::Args>,
    slot: Option<Arc<Slot<Started>>>,
    process: Option<Arc<Process<S>>>,
    of: PhantomData<fn() -> S>,
}

impl<S: GenServer> Unpin for Start<S> {}

impl<S: GenServer> Future for Start<S> {
    type Output = Result<ServerRef<S>, StartError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(args) = this.args.take() {
            let Some(home) = Node::current().home() else { return Poll::Ready(Err(StartError::NoRuntime)) };
            let node = home.node().clone();
            let process = node.insert(|pid| Process {
                head: Head { pid, home: Arc::clone(&home), about: None },
                mail: Mutex::new(Mail {
                    run: Run::Running,
                    notified: false,
                    closed: false,
                    suspended: false,
                    traps_exits: false,
                    queued_only: false,
                    hibernated: false,
                    hot: 0,
                    counted: 0,
                    bound: 65_536,
                    queue: VecDeque::new(),
                    body: None,
                    task: Task::None,
                    ties: None,
                    rest: None,
                }),
                look: AtomicU8::new(0),
                doing: AtomicU8::new(0),
                in_batch: AtomicU32::new(0),
            });
            let slot = Arc::new(Slot::new(process.head.pid));
            let actor = Box::new(Actor { server: None, cx: Cx::new(Arc::clone(&process)) });
            process.run_init(Body::new(actor, Arc::clone(&slot)), args);
            this.slot = Some(slot);
            this.process = Some(process);
        }
        let (Some(slot), Some(process)) = (&this.slot, &this.process) else { return Poll::Pending };
        Poll::Ready(match ready!(slot.poll(cx, None)) {
            Ok(Started::Running) => Ok(ServerRef::new(Arc::clone(process))),
            Ok(Started::Ignored) => Err(StartError::Ignored),
            Ok(Started::Failed(reason)) => Err(StartError::Failed(reason)),
            Err(_) => Err(StartError::Ignored),
        })
    }
}
