//! Calls from plain threads, which block until the answer arrives.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use crate::client::call::{Call, CallError};
use crate::runtime::Runtime;
use crate::server::GenServer;
use crate::server::caller::Caller;

/// More units than any runtime gives a task per poll.
const UNITS_MAX: u32 = 1024;

impl<S, R, F> Call<'_, S, R, F>
where
    S: GenServer,
    R: Send + 'static,
    F: FnOnce(Caller<R>) -> S::Call,
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
    /// # use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
    /// # struct Greeter;
    /// # impl GenServer for Greeter {
    /// #     type Args = ();
    /// #     type Call = Caller<&'static str>;
    /// #     type Cast = Never;
    /// #     type Info = Never;
    /// #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Greeter) }
    /// #     async fn handle_call(&mut self, caller: Caller<&'static str>, _cx: &mut Cx<Self>) -> Outcome<Self> {
    /// #         Next::reply(caller, "hello")
    /// #     }
    /// # }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let greeter = genserver::start::<Greeter>(()).await?;
    /// let thread = std::thread::spawn(move || greeter.call(|caller| caller).timeout(Duration::from_secs(1)).blocking());
    /// # let greeting = tokio::task::spawn_blocking(|| thread.join()).await?.expect("it does not panic");
    /// # assert_eq!(greeting?, "hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn blocking(self) -> Result<R, CallError> {
        let head = &self.server().process().head;
        if !may_block(head.home.runtime()) {
            return Err(CallError::WouldBlock { server: head.subject() });
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
