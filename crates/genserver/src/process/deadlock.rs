//! Deadlock detection: calls that wait for one another in a cycle, and how the last of them fails.
//!
//! While a callback waits for the answer to a call, its process depends on the process that it called. That is an edge. A call
//! whose edge would close a cycle fails with [`CallError::Cycle`](crate::CallError::Cycle); otherwise all processes of the cycle
//! would wait until the first of their deadlines.
//!
//! 1. An edge has two ends. The request's end is a token that lies with the request: in its envelope, then in the cold state of the
//!    server while its callback runs. When the callback has ended the token is dropped, so a kept `Caller` is
//!    not an edge: it may be answered from anywhere.
//! 2. The caller's end stands in one list from the moment the caller really waits until it has its answer or gives up.
//! 3. An edge counts while both ends are there and the answer is still wanted.
//! 4. The caller is entered first, and then the list is walked. One call of a cycle is entered last, and it sees all the others.
//!    The list has parts, and a walk takes the lock of one after the other. A call that comes upon a cycle takes one more lock,
//!    and looks again whether all its waits still stand: so a cycle is broken once, and only if it is one.
//! 5. A call that fails withdraws its request, unless a callback has begun with it. If the request were carried out, its callback
//!    would call on around the cycle, be refused further on, and leave another request behind, without end.
//! 6. A process that starts a linked process waits for its init. So while a process is in its init, its parent depends on it,
//!    and if the parent is in its init too, the parent's parent, and so on. A call to any of them, or to a process that waits
//!    for one of them, closes a cycle. Only a call made inside an init looks this up.
//! 7. A process may wait for another in its own way, and [declare](declare_wait) that. The edge is like any other, but there is
//!    no caller to tell that it closes a cycle. So the last call of the cycle fails instead.
//! 8. A call that is answered by the caller's own thread never waits, and never comes here; a call from outside every process
//!    cannot close a cycle, and is not entered.
//! 9. A plain task is outside every process, even if its runtime has an id for it. One task may poll a call beside the code that
//!    the others wait for, as in a `join!`, and then the call is answered. The polls look the same in a task that awaits nothing
//!    but the call, so no refusal could be sure of being right. A process is taken to await one thing at a time; one that does
//!    not says so with [`allow_cycle`](crate::Call::allow_cycle).

use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Weak};

use crate::node::current;
use crate::node::process_ref::AsProcess;
use crate::node::reply::{Unanswered, Waiting};
use crate::node::subject::Subject;
use crate::node::{self, Node};
use crate::report;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::thread_local;
use crate::values::pid::Pid;

// The list, and the search in it.
mod waits;

use waits::{Key, Wait};

/// Says that the process whose code runs here waits for another one, otherwise than by a call: for an event to be consumed, or for
/// something that it holds to be given back. The wait lasts until what comes back is dropped, or `kept` is.
///
/// With that, a call by which the other process would wait for this one in turn fails with [`CallError::Cycle`](crate::CallError::Cycle) instead of a
/// timeout, whether it comes before or after this, and directly or by way of others. Let the other process, or whatever it
/// holds, have the `Arc` of `kept`, and drop it as soon as it is no longer waited for: then no call is refused by mistake.
///
/// It is for libraries, of queues and pools for instance; calls need no declaration. The library learns who holds something by
/// asking for [`current_pid`](crate::current_pid) where it is taken. A plain task has none: it may give back what it holds beside
/// its call, so its calls are not refused. If the code that waits is a plain task itself, the declaration has no effect.
///
/// # Examples
///
/// ```
/// use genserver::{CallError, Caller, Cx, GenServer, Init, Never, Next, Outcome};
/// use genserver::{Probe, ProcessRef, declare_wait};
/// use std::sync::{Arc, Weak};
/// use tokio::sync::oneshot;
///
/// struct Pool;
///
/// /// The only thing there is has been lent, and is wanted back.
/// struct WaitFor(ProcessRef, Weak<()>, oneshot::Receiver<()>);
///
/// impl GenServer for Pool {
///     type Args = ();
///     type Call = Caller<&'static str>;
///     type Cast = WaitFor;
///     type Info = Never;
///
///     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
///         Init::Run(Pool)
///     }
///
///     async fn handle_call(
///         &mut self,
///         caller: Caller<&'static str>,
///         _cx: &mut Cx<Self>,
///     ) -> Outcome<Self> {
///         Next::reply(caller, "there is another")
///     }
///
///     async fn handle_cast(
///         &mut self,
///         WaitFor(holder, kept, back): WaitFor,
///         _cx: &mut Cx<Self>,
///     ) -> Outcome<Self> {
///         let _wait = declare_wait(&holder, kept);
///         back.await?;
///         Next::wait()
///     }
/// }
///
/// # genserver_doc::run! {
/// let pool = genserver::start::<Pool>(()).await?;
/// let holder = Probe::<()>::new();
/// let ((give_back, back), kept) = (oneshot::channel(), Arc::new(()));
/// let wait_for = WaitFor(holder.process_ref(), Arc::downgrade(&kept), back);
/// pool.cast(wait_for).map_err(|_refused| "the pool is there")?;
///
/// let asked = holder.scope(async { pool.call(|caller| caller).await }).await;
/// // The pool waits for the one that asks it.
/// assert!(matches!(asked, Err(CallError::Cycle { .. })));
///
/// drop(kept);
/// give_back.send(()).map_err(|()| "the pool waits")?;
/// let asked = holder.scope(async { pool.call(|caller| caller).await }).await;
/// assert_eq!(asked?, "there is another");
/// # }
/// ```
pub fn declare_wait(process: &impl AsProcess, kept: Weak<()>) -> DeclaredWait {
    let Some(from) = current::pid() else { return DeclaredWait { _entry: Entry { key: None } } };
    let to = process.pid_or_nobody();
    let wait = Wait { to, token: Token::Kept(kept), answer: None };
    if !wait.counts() {
        return DeclaredWait { _entry: Entry { key: None } };
    }
    let key = waits::enter(from, wait);
    // It ends: each round takes a call out of the list. A process that has let go by now may have called since, and that call
    // closes no cycle: this wait counts no more when its call is found.
    while let Some((Wait { token, answer, .. }, cycle)) = waits::break_cycle(key, to, &[]) {
        token.withdraw();
        report::cycle_refused(&cycle);
        if let Some(answer) = answer {
            answer.fail(Unanswered::Cycle(cycle));
        }
    }
    DeclaredWait { _entry: Entry { key: Some(key) } }
}

/// A wait other than a call: made by [`declare_wait`]. It is over when this is dropped.
#[must_use = "the wait is over when this is dropped"]
pub struct DeclaredWait {
    _entry: Entry,
}

impl fmt::Debug for DeclaredWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeclaredWait").finish_non_exhaustive()
    }
}

/// One process that waits for another, as [`Node::waits`] lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct WaitInfo {
    /// The process whose callback waits.
    pub process: Pid,
    /// The process that it waits for. It may be one of another node.
    pub waits_for: Pid,
    /// Whether the wait was declared with [`declare_wait`]. If not, it is a call.
    pub is_declared: bool,
}

impl Node {
    /// Lists which processes of this node wait for which: those whose callbacks wait for the answer to a call, and the
    /// [declared](declare_wait) waits. It waits for none of them.
    ///
    /// A call from plain code is not listed, and neither is one that [allows cycles](crate::Call::allow_cycle), nor one that the
    /// caller's own thread answers at once. A process may wait for several others.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # use genserver::{Node, Probe};
    /// # #[derive(Default)]
    /// # struct Slow;
    /// # struct Ask(Caller<()>);
    /// # server! { Slow, Ask, Never, Never;
    /// async fn handle_call(&mut self, _call: Ask, _cx: &mut Cx<Self>) -> Outcome<Self> {
    ///     std::future::pending().await
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let node = Node::new();
    /// let slow = node.start::<Slow>(()).await?;
    /// let client = Probe::<()>::on(&node);
    /// let seen = async {
    ///     while node.waits().is_empty() {
    ///         tokio::task::yield_now().await;
    ///     }
    ///     node.waits()
    /// };
    /// let call = slow.call(Ask);
    /// tokio::select! {
    ///     _ = client.scope(call) => unreachable!("it does not answer"),
    ///     seen = seen => {
    ///         assert_eq!((seen[0].process, seen[0].waits_for), (client.pid(), slow.pid()));
    ///     }
    /// }
    /// // The call was dropped.
    /// assert_eq!(node.waits(), []);
    /// # Ok(())
    /// # }
    /// ```
    pub fn waits(&self) -> Vec<WaitInfo> {
        waits::all(self.id())
    }
}

/// The request's end of an edge (rule 1).
#[derive(Default)]
pub(crate) struct Edge {
    /// Set by the server when it begins with the request, or by the sender when it withdraws it; the first wins (rule 5).
    settled: AtomicBool,
}

impl Edge {
    /// The server begins with the request; false if it was withdrawn.
    pub(crate) fn begin(&self) -> bool {
        // Relaxed: only the order of the two swaps matters, and the request itself came through the lock of the mailbox.
        !self.settled.swap(true, Ordering::Relaxed)
    }

    /// The request is not to be carried out, unless the server has begun with it.
    fn withdraw(&self) {
        self.settled.store(true, Ordering::Relaxed);
    }
}

/// What the caller keeps of its request's token.
#[derive(Clone)]
pub(crate) enum Token {
    /// It lies with the request.
    Laid(Weak<Edge>),
    /// The server is ending and takes no requests. A caller waits for the callback that ends it.
    AtTheEnd,
    /// The wait is declared (rule 7), and the process that is waited for keeps this.
    Kept(Weak<()>),
}

impl Token {
    fn is_there(&self) -> bool {
        match self {
            Self::Laid(edge) => edge.strong_count() > 0,
            Self::AtTheEnd => true,
            Self::Kept(kept) => kept.strong_count() > 0,
        }
    }

    fn withdraw(&self) {
        if let Self::Laid(edge) = self
            && let Some(edge) = edge.upgrade()
        {
            edge.withdraw();
        }
    }
}

thread_local! {
    /// The token of the request that this thread has just sent from inside a callback, and its receiver. One whose sender did not
    /// have to wait is left lying; it can only ever mean the callback that it was laid for.
    ///
    /// It is not returned: it may be laid deep inside `drive`, where a callback that its caller runs has to wait, and a result that
    /// nearly no call has would have to be passed up by all of them.
    static LAID: Cell<Option<(Pid, Token)>> = const { Cell::new(None) };
}

/// A token for a request that a callback has sent, or whose callback began inside the sender's and has to wait.
pub(crate) fn token(to: Pid) -> Arc<Edge> {
    let edge = Arc::new(Edge::default());
    LAID.set(Some((to, Token::Laid(Arc::downgrade(&edge)))));
    edge
}

/// Runs what comes between a request and the wait for its answer, and may send requests of its own.
pub(crate) fn keep_laid(run: impl FnOnce()) {
    let laid = LAID.take();
    run();
    LAID.set(laid);
}

/// A callback has called a server that is ending.
pub(crate) fn note_end(to: Pid) {
    if current::pid().is_some() {
        LAID.set(Some((to, Token::AtTheEnd)));
    }
}

/// How the search for cycles follows one call.
pub(crate) enum Watch {
    /// There is nothing to see: the call comes from outside every process, or its caller does not want it.
    Nothing,
    /// Sent from inside a callback, and not waited for yet.
    Sent(Token),
    /// A callback waits for it.
    Waiting { _entry: Entry },
}

impl Watch {
    /// Takes over the token of the request that this thread has just sent to `to`, if it has one and cycles are not allowed.
    #[inline]
    pub(crate) fn sent(to: Pid, allows_cycle: bool) -> Option<Self> {
        match LAID.take() {
            // A token that an earlier request left here is dropped with this take.
            Some((called, token)) if called == to && !allows_cycle => Some(Self::Sent(token)),
            _ => None,
        }
    }

    /// The caller begins to wait for `to`, if it has not before. Fails with the cycle that this would close.
    #[inline]
    pub(crate) fn begin(&mut self, to: Pid, answer: impl FnOnce() -> Arc<dyn Waiting>) -> Result<(), Vec<Pid>> {
        let Self::Sent(token) = self else { return Ok(()) };
        let Some(from) = current::pid() else { return Ok(()) };
        let entry = wait(from, to, Token::clone(token), answer())?;
        *self = Self::Waiting { _entry: entry };
        Ok(())
    }

    /// The caller does something else meanwhile; the wait may begin again.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Sent(token) => Self::Sent(Token::clone(token)),
            Self::Nothing | Self::Waiting { .. } => Self::Nothing,
        }
    }
}

/// A cycle as an error shows it: from the first to itself again.
pub(crate) struct Arrows<'a>(pub(crate) &'a [Subject]);

impl fmt::Display for Arrows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for subject in self.0 {
            write!(f, "{subject} → ")?;
        }
        self.0.first().map_or(Ok(()), |first| write!(f, "{first}"))
    }
}

/// Enters a caller that begins to wait, until the guard is dropped.
///
/// # Errors
///
/// If it closes a cycle it is not entered. The cycle comes back, beginning with the caller.
fn wait(from: Pid, to: Pid, token: Token, answer: Arc<dyn Waiting>) -> Result<Entry, Vec<Pid>> {
    let wait = Wait { to, token, answer: Some(answer) };
    if !wait.counts() {
        return Ok(Entry { key: None });
    }
    // Looked up before anything is entered: it looks into processes.
    let starters = starters(from);
    // Entered before the walk: of two calls that close a cycle, one sees the other (rule 4).
    let key = waits::enter(from, wait);
    let entry = Entry { key: Some(key) };
    let Some((Wait { token, .. }, cycle)) = waits::break_cycle(key, to, &starters) else { return Ok(entry) };
    // Rule 5.
    token.withdraw();
    report::cycle_refused(&cycle);
    Err(cycle)
}

/// The processes that wait for the init that `pid` is in, from its parent upwards (rule 6).
fn starters(pid: Pid) -> Vec<Pid> {
    let mut starters = Vec::new();
    let mut next = Some(pid);
    // It ends: a parent is older than its children.
    while let Some(process) = next.and_then(node::find).filter(|process| process.is_in_init()) {
        next = process.head().parent();
        starters.extend(next);
    }
    starters
}

/// A caller's place in the list. It is left when this is dropped.
pub(crate) struct Entry {
    key: Option<Key>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        drop(waits::leave(key));
    }
}

#[cfg(test)]
mod tests {
    //! The walk, without processes. The list is the program's own, so each test has pids of its own.

    use super::*;
    use crate::node::reply::{Slot, erased};

    fn pids<const N: usize>(node: u32) -> [Pid; N] {
        std::array::from_fn(|index| Pid::new(node, 0, index as u64 + 1))
    }

    type Called = (Result<Entry, Vec<Pid>>, Arc<Edge>, Arc<Slot<()>>);

    /// Waits, with a token and an answer that both stay.
    fn call(from: Pid, to: Pid) -> Called {
        let (edge, slot) = (Arc::<Edge>::default(), Arc::new(Slot::new(to)));
        (wait(from, to, Token::Laid(Arc::downgrade(&edge)), erased(&slot)), edge, slot)
    }

    #[test]
    fn the_last_call_of_a_cycle_is_told_all_of_it() {
        let [a, b, c] = pids(u32::MAX);
        let first = call(a, b);
        let second = call(b, c);
        assert!(first.0.is_ok() && second.0.is_ok());
        assert_eq!(call(c, a).0.err(), Some(vec![c, a, b]));
    }

    #[test]
    fn a_process_that_waits_for_itself_is_a_cycle_of_one() {
        let [a] = pids(u32::MAX - 1);
        assert_eq!(call(a, a).0.err(), Some(vec![a]));
    }

    #[test]
    fn a_cycle_is_found_through_any_of_several_calls() {
        let [a, b, c, d] = pids(u32::MAX - 2);
        let joined = [call(a, b), call(a, c), call(a, d)];
        assert!(joined.iter().all(|call| call.0.is_ok()));
        assert_eq!(call(c, a).0.err(), Some(vec![c, a]));
    }

    #[test]
    fn who_waits_for_an_init_is_part_of_the_cycle() {
        let [top, parent, child, other] = pids(u32::MAX - 5);
        let walked = |to| waits::walk((child, 0), to, &[parent, top]).map(|cycle| cycle.pids);
        let waits = |calls: &[Called]| {
            assert!(calls.iter().all(|call| call.0.is_ok()));
            walked(other)
        };
        assert_eq!(waits(&[]), None);
        assert_eq!(waits(&[call(other, parent)]), Some(vec![child, other, parent]));
        assert_eq!(waits(&[call(other, top)]), Some(vec![child, other, top, parent]));
        assert_eq!(walked(top), Some(vec![child, top, parent]));
        assert_eq!(walked(parent), Some(vec![child, parent]));
    }

    #[test]
    fn an_edge_counts_while_both_its_ends_are_there() {
        let [a, b] = pids(u32::MAX - 3);
        let (entry, edge, _slot) = call(a, b);
        assert_eq!(call(b, a).0.err(), Some(vec![b, a]));
        drop(edge);
        assert!(call(b, a).0.is_ok(), "its callback has ended");
        let (second, _edge, slot) = call(a, b);
        assert!(second.is_ok());
        slot.close();
        assert!(call(b, a).0.is_ok(), "its answer is there, or nobody wants it");
        drop(entry);
    }

    #[test]
    fn a_call_that_gives_up_leaves_the_list() {
        let [a, b] = pids(u32::MAX - 4);
        let (entry, _edge, _slot) = call(a, b);
        drop(entry);
        assert!(call(b, a).0.is_ok());
    }
}
