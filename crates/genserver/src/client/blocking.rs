//! Calls from plain threads, which block until the answer arrives.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use crate::client::as_server::AsServer;
use crate::client::call::{Call, CallError};
use crate::client::server_ref::ServerRef;
use crate::client::target::Target;
use crate::node;
use crate::runtime::Runtime;
use crate::server::GenServer;
use crate::server::caller::Caller;

/// More units than any runtime gives a task per poll.
const UNITS_MAX: u32 = 1024;

impl<T, R, F> Call<T, R, F>
where
    T: AsServer + Target<ServerRef<<T as AsServer>::Server>>,
    R: Send + 'static,
    F: FnOnce(Caller<R>) -> <T::Server as GenServer>::Call,
{
    /// Blocks this thread until the answer arrives: for threads that run no tasks.
    ///
    /// It also works inside Tokio's `spawn_blocking` and `block_in_place`.
    ///
    /// The server's runtime must be driven meanwhile. On a [runtime that is not being driven](crate::runtime), such as a
    /// current-thread runtime outside its `block_on`, there is neither an answer nor a timeout, and this thread stays blocked.
    ///
    /// # Errors
    ///
    /// As for [`call`](crate::ServerRef::call), and [`CallError::WouldBlock`] on a thread that runs the tasks of the server's
    /// runtime, because the answer may need that very thread. In that case nothing is sent.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let counter = genserver::start::<Counter>(1).await?;
    /// let thread = std::thread::spawn(move || {
    ///     counter.call(Call::Get).timeout(Duration::from_secs(1)).blocking()
    /// });
    /// # let count = tokio::task::spawn_blocking(|| thread.join()).await?.expect("it does not panic");
    /// # assert_eq!(count?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn blocking(self) -> Result<R, CallError> {
        let (home, server) = match self.target().as_server() {
            Ok(server) => (Some(Arc::clone(&server.process().head.home)), server.subject()),
            Err(nobody) => (node::current_home(), nobody.into_server()),
        };
        if home.is_some_and(|home| !may_block(home.runtime())) {
            return Err(CallError::WouldBlock { server });
        }
        block_on(self)
    }
}

/// Returns whether the thread runs none of the runtime's tasks. A thread inside the runtime may be a blocking thread. It is
/// recognised by its cooperative budget, which is unlimited there.
fn may_block(runtime: &dyn Runtime) -> bool {
    if !runtime.is_current() {
        return true;
    }
    let mut cx = Context::from_waker(Waker::noop());
    (0..UNITS_MAX).all(|_| runtime.poll_budget(&mut cx).is_ready())
}

/// Wakes a parked thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        thread::park();
    }
}
