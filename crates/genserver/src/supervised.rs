//! Tests whose processes end with them: ExUnit's `start_supervised!`.
//!
//! ```
//! # use genserver_doc::counter::*;
//! use genserver::supervised;
//!
//! # /*
//! #[tokio::test]
//! # */
//! async fn a_counter_counts() {
//!     supervised(async |test| {
//!         let start = genserver::start_link::<Counter>(40).name("counter");
//!         let counter = test.start_supervised(start).await;
//!         counter.cast(Add(2)).unwrap();
//!         assert_eq!(counter.call(Call::Get).await, Ok(42));
//!     })
//!     .await;
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() { a_counter_counts().await }
//! ```
//!
//! A test that starts processes has to stop them, or they disturb the next test. [`supervised`] runs a test, then
//! stops everything that was started in it and waits for the end, **even if the test panics**; then it resumes the panic.
//! A guard that stops a server when dropped cannot do that, because a drop cannot wait.
//!
//! # A node for each test
//!
//! The test runs in a [`Node`] of its own. So names never collide although tests run concurrently, and nothing has to be passed
//! around for that: everything that is started in the test, directly or by a server, is in its node, and looks up names there.
//!
//! The test itself is a process, as in ExUnit. So [`start_link`](crate::start_link) works in it, and has the same effect
//! as there: **if a process that the test is linked to ends abnormally, the test fails at once**, instead of waiting for
//! something that will never come. A process that [`start_supervised`](TestSupervisor::start_supervised) starts is linked to a
//! supervisor beside the test instead, so a test may make it crash and observe that. Unlike in ExUnit it is not restarted; to
//! test restarts, start a supervisor.
//!
//! ```
//! # use genserver_doc::counter::*;
//! use genserver::{AsServer, Named, Probe, Reason, supervised};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! supervised(async |test| {
//!     let mut probe = Probe::<()>::new();
//!     let start = genserver::start::<Counter>(1).name("counter");
//!     let counter = test.start_supervised(start).await;
//!     assert_eq!(Named::<Counter>::new("counter").call(Call::Get).await, Ok(1));
//!
//!     let reference = probe.monitor(&counter);
//!     counter.kill();
//!     assert_eq!(probe.expect_down(reference).await.reason, Reason::Killed);
//! })
//! .await;
//!
//! assert_eq!(genserver::whereis("counter"), None);
//! # }
//! ```
//!
//! Tasks that a test spawns directly on the runtime are not part of it: they are in no process, and are not stopped.
//!
//! # How it ends
//!
//! The test's own process ends with `shutdown`, and so do the processes linked to it. What `start_supervised` started is stopped
//! one by one, the last first, as a supervisor stops its children: each gets the exit `shutdown`, and is killed if it has not
//! ended within five seconds, or the time that its [`ChildSpec`] allows. Then everything else in the node is shut down in the
//! same way. Only then does `supervised` return what the test returned, or panic as the test did.
//!
//! If the test fails, its message says what else went wrong: the children that ended abnormally, and the
//! [reports](crate::report) of the node. A crash does not fail a test that passes: it may be the point of the test. If a test
//! returns an error, `supervised` returns it when everything has been stopped.
//!
//! # Setup shared by several tests
//!
//! A function that takes the test does what ExUnit does in `setup`:
//!
//! ```
//! use genserver::agent::Agent;
//! use genserver::supervised;
//!
//! async fn with_list(test: impl AsyncFnOnce(Agent<Vec<String>>)) {
//!     supervised(async |supervisor| {
//!         let list = supervisor.start_supervised(Agent::start_link(Vec::new)).await;
//!         test(list).await;
//!     })
//!     .await;
//! }
//!
//! # /*
//! #[tokio::test]
//! # */
//! async fn a_list_begins_empty() {
//!     with_list(async |list| assert_eq!(list.get(Vec::len).await, Ok(0))).await;
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() { a_list_begins_empty().await }
//! ```

use std::any::Any;
use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::pin;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{Either, select};
use parking_lot::Mutex;

use crate::report::{Report, Reports};
use crate::supervisor::{Child, ChildSpec, Restart};
use crate::{AsProcess, GenServer, Letter, Never, Node, Pid, Probe, ProcessRef, Reason, ServerRef, Start};

/// How long the processes without a supervisor may take to end.
const SHUTDOWN_WITHIN: Duration = Duration::from_secs(5);

/// Runs a test in a node of its own, and stops everything that was started in it, however the test ends: see the
/// [module](self).
///
/// Returns what the test returns, when everything has been stopped.
///
/// # Panics
///
/// If the test panics, with its message; if a process that the test is linked to ends abnormally; if the thread is in no runtime.
/// In the first two cases everything has been stopped, too.
///
/// # Cancel safety
///
/// If it is dropped before its end, everything is ordered to stop, but nothing waits for that.
#[doc(alias = "start_supervised!")]
pub async fn supervised<T>(test: impl AsyncFnOnce(&TestSupervisor) -> T) -> T {
    supervised_on(Node::new(), test).await
}

/// The same on a node that is there already, and has no processes.
pub(crate) async fn supervised_on<T>(node: Node, test: impl AsyncFnOnce(&TestSupervisor) -> T) -> T {
    let mut supervisor = TestSupervisor::on(node);
    let outcome = run(&supervisor, test).await;
    let mishaps = supervisor.mishaps();
    supervisor.stop_all().await;
    match outcome {
        Outcome::Returned(value) => value,
        Outcome::Panicked(payload) => panic_on(payload, &mishaps),
        Outcome::Ended(reason) => {
            panic!("a process ended badly that the test is linked to: {reason}{}", Mishaps(&mishaps));
        }
    }
}

/// How a test's body ended.
enum Outcome<T> {
    Returned(T),
    Panicked(Box<dyn Any + Send>),
    /// An exit cut it off.
    Ended(Reason),
}

/// Runs the body as a process of the node. When this returns, the body has been dropped and its process has ended.
async fn run<T>(supervisor: &TestSupervisor, test: impl AsyncFnOnce(&TestSupervisor) -> T) -> Outcome<T> {
    let process = Probe::<Never>::on(&supervisor.node);
    let ended = process.process_ref().ended();
    let body = pin!(AssertUnwindSafe(process.scope(test(supervisor))).catch_unwind());
    let outcome = match select(ended, body).await {
        Either::Left((reason, _)) => Outcome::Ended(reason),
        Either::Right((Err(payload), _)) => Outcome::Panicked(payload),
        // The exit came first, although the test did not notice.
        Either::Right((Ok(_), ended)) if !process.is_alive() => Outcome::Ended(ended.await),
        Either::Right((Ok(value), _)) => Outcome::Returned(value),
    };
    // The processes linked to the test end with it, as in ExUnit. If the probe were only dropped, its reason would be `normal`.
    process.process_ref().exit(Reason::Shutdown);
    outcome
}

/// Resumes a test's panic, adding what else went wrong.
fn panic_on(payload: Box<dyn Any + Send>, mishaps: &[String]) -> ! {
    let message = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref().map(String::as_str));
    match message {
        Some(message) if !mishaps.is_empty() => panic!("{message}{}", Mishaps(mishaps)),
        _ => resume_unwind(payload),
    }
}

/// What else went wrong during a test, as the end of its message.
struct Mishaps<'a>(&'a [String]);

impl fmt::Display for Mishaps<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() {
            f.write_str("\nwhile the test ran:")?;
        }
        for mishap in self.0 {
            write!(f, "\n- {}", mishap.replace('\n', "\n  "))?;
        }
        Ok(())
    }
}

/// The supervisor of one test, which [`supervised`] passes to it.
///
/// It restarts nothing, so that the test sees what ended.
///
/// # Examples
///
/// ```
/// use genserver::agent::Agent;
/// use genserver::supervised::TestSupervisor;
/// use genserver::supervised;
///
/// /// A shop with this much in stock.
/// async fn shop(test: &TestSupervisor, stock: &[&'static str]) -> Agent<Vec<&'static str>> {
///     let stock = stock.to_vec();
///     test.start_supervised(Agent::start_link(|| stock)).await
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// supervised(async |test| {
///     let shop = shop(test, &["eggs", "milk"]).await;
///     assert_eq!(shop.get(Vec::len).await, Ok(2));
/// })
/// .await;
/// # }
/// ```
pub struct TestSupervisor {
    node: Node,
    /// The process that the children are linked to.
    process: Probe<Never>,
    /// The children, oldest first.
    children: Mutex<Vec<Started>>,
    reports: Reports,
}

/// A child that was started. It is kept after its end, for its name.
struct Started {
    process: ProcessRef,
    /// None once it was stopped.
    child: Option<Child>,
}

impl TestSupervisor {
    fn on(node: Node) -> Self {
        let mut process = Probe::on(&node);
        process.trap_exits(true);
        let reports = node.reports();
        Self { node, process, children: Mutex::default(), reports }
    }

    /// Starts a process that is stopped after the test, and waits until it is running.
    ///
    /// It takes any start with its options: of a server, an agent or a client type. It also takes any [`ChildSpec`], for a
    /// process that is not a server or takes longer to stop; only its restart policy is ignored. Whether the start was made by
    /// `start` or `start_link`, the process is linked to this supervisor, which survives its crash.
    ///
    /// # Panics
    ///
    /// If the start fails. If the test expects the start to fail, await the start itself.
    ///
    /// # Cancel safety
    ///
    /// As [`start_link`](crate::start_link).
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::agent::Agent;
    /// use genserver::supervisor::{ChildSpec, Shutdown};
    /// use genserver::{Probe, supervised};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// supervised(async |test| {
    ///     let list = Agent::start_link(|| vec!["eggs"]).name("shopping");
    ///     let list = test.start_supervised(list).await;
    ///     assert_eq!(list.get(Vec::len).await, Ok(1));
    ///
    ///     let greeter = ChildSpec::process("greeter", |mut me: Probe<&'static str>| async move {
    ///         me.recv().await.map(drop)
    ///     });
    ///     let greeter = test.start_supervised(greeter.shutdown(Shutdown::BrutalKill)).await;
    ///     greeter.send("hello").unwrap();
    /// })
    /// .await;
    /// # }
    /// ```
    pub async fn start_supervised<S, H>(&self, child: impl Into<ChildSpec<S, H>>) -> H {
        let (spec, handle) = child.into().split();
        let mut child = Child::new(spec);
        let started = self.process.scope(child.start()).await;
        let process = started.unwrap_or_else(|error| panic!("start_supervised: {error}"));
        self.children.lock().push(Started { process: process.clone(), child: Some(child) });
        handle(process)
    }

    /// Stops a process that [`start_supervised`](Self::start_supervised) started, as the end of the test would, and waits until
    /// it has ended. If it had ended before, nothing happens.
    ///
    /// # Panics
    ///
    /// If `child` is not one of these processes.
    pub async fn stop_supervised(&self, child: &impl AsProcess) {
        let pid = child.as_process().map(|process| process.pid());
        let position = self.children.lock().iter().position(|started| Some(started.process.pid()) == pid);
        self.stop(
            position.expect("stop_supervised stops what start_supervised started in this test, and nothing else"),
        )
        .await;
    }

    /// The node that the test runs in.
    pub fn node(&self) -> &Node {
        &self.node
    }

    async fn stop(&self, position: usize) {
        let child = self.children.lock()[position].child.take();
        if let Some(mut child) = child {
            // An abnormal end is not what the test is about, and is reported.
            let _ = self.process.scope(child.shut_down()).await;
        }
    }

    /// Stops the children, the youngest first, and then everything else in the node.
    async fn stop_all(&self) {
        let started = self.children.lock().len();
        for position in (0..started).rev() {
            self.stop(position).await;
        }
        self.node.shutdown(SHUTDOWN_WITHIN).await;
    }

    /// What went wrong so far: children that ended abnormally, and the reports.
    fn mishaps(&mut self) -> Vec<String> {
        let mut mishaps = Vec::new();
        for letter in self.process.flush() {
            if let Letter::Exit(exit) = letter
                && !exit.reason.is_normal_set()
            {
                mishaps.push(format!("{} ended: {}", self.title(exit.from), exit.reason));
            }
        }
        let reports: Vec<Report> = std::iter::from_fn(|| self.reports.try_next()).collect();
        // A server's or a task's own report says more than the report of its process.
        let told = |pid: Pid| {
            let own = |report: &&Report| matches!(report, Report::Terminated(_) | Report::TaskFailed(_));
            reports.iter().filter(own).any(|report| report.process().pid == pid)
        };
        let wanted =
            reports.iter().filter(|report| !matches!(report, Report::Crashed(crash) if told(crash.process.pid)));
        mishaps.extend(wanted.map(ToString::to_string));
        mishaps
    }

    fn title(&self, pid: Pid) -> String {
        let children = self.children.lock();
        let Some(started) = children.iter().find(|started| started.process.pid() == pid) else {
            return pid.to_string();
        };
        let info = started.process.info();
        let mut title = String::new();
        for name in info.name.iter().chain(&info.label) {
            // Writing to a string does not fail.
            let _ = write!(title, "{name} ");
        }
        format!("{title}{pid} ({})", info.server)
    }
}

// If a test is dropped in its middle, its processes are ordered to stop.
impl Drop for TestSupervisor {
    fn drop(&mut self) {
        for process in self.node.process_list().iter().rev() {
            if process.pid != self.process.pid() {
                self.process.exit(&process.pid, Reason::Shutdown);
            }
        }
    }
}

impl fmt::Debug for TestSupervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let children: Vec<ProcessRef> = self.children.lock().iter().map(|started| started.process.clone()).collect();
        f.debug_struct("TestSupervisor").field("children", &children).finish_non_exhaustive()
    }
}

/// The spec of a child that is started once, and never again: a start is used up.
impl<S: GenServer, H: From<ServerRef<S>> + 'static> From<Start<S, H>> for ChildSpec<S, H> {
    fn from(start: Start<S, H>) -> Self {
        let mut start = Some(start);
        let once = move || start.take().expect("a temporary child is started once");
        ChildSpec::server(std::any::type_name::<S>(), once).restart(Restart::Temporary)
    }
}
