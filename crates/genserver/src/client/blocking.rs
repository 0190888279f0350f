//! Calls from plain threads: the thread sleeps until the answer is there.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use crate::client::call::{Call, CallError};
use crate::runtime::Runtime;
use crate::server::GenServer;
use crate::server::caller::Caller;

/// More units than any runtime gives a task for one poll.
const UNITS_MAX: u32 = 1024;

impl<S, R, F> Call<'_, S, R, F>
where
    S: GenServer,
    R: Send + 'static,
    F: FnOnce(Caller<R>) -> S::Call,
{
    /// Waits for the answer on this thread, which sleeps meanwhile: for threads that run no tasks.
    ///
    /// Whoever is inside Tokio's `spawn_blocking` or `block_in_place` may use it too.
    ///
    /// Somebody has to drive the server's runtime meanwhile: on a [runtime that nobody drives](crate::runtime), as a current-thread
    /// one outside of its `block_on`, there is neither an answer nor a time-out, and this thread sleeps on.
    ///
    /// # Errors
    ///
    /// As for [`call`](crate::ServerRef::call), and [`CallError::WouldBlock`] on a thread that runs the tasks of the server's
    /// runtime: the answer may need that very thread. Nothing is sent then.
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

/// Whether the thread runs none of the runtime's tasks. A thread inside the runtime may still be one that is lent for blocking;
/// what tells it from a task is that nobody rations it.
fn may_block(runtime: &dyn Runtime) -> bool {
    if !runtime.is_current() {
        return true;
    }
    let mut cx = Context::from_waker(Waker::noop());
    (0..UNITS_MAX).all(|_| runtime.poll_budget(&mut cx).is_ready())
}

/// Wakes a thread that sleeps.
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
