//! Many requests in one collection, taken in the order in which they are answered.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker, ready};

use futures::Stream;

use super::{Deadline, Limit, Request, TimedOut};
use crate::client::call::CallError;
use crate::node::cut::poll_alive;
use crate::sync::parking::Mutex;
use crate::sync::waiter::Waiter;

/// A collection of pending requests, each with a label: OTP's request id collection.
///
/// They come out in the order in which they were answered, each with its label and its answer or error. An error of one does not
/// affect the others. A member that has come out is gone. OTP can also be told to keep it (`Delete = false`); here its answer has
/// been moved out, so there is nothing to keep.
///
/// One collection may hold thousands: an answer finds its member without looking at the others. Dropping the
/// collection abandons all answers; the servers still carry the requests out.
///
/// The search for call cycles ignores a wait for a collection, because any member may end the wait.
///
/// It is also a `futures::Stream`, which ends when the collection is empty.
///
/// # Examples
///
/// ```
/// # use genserver_doc::counter::*;
/// # genserver_doc::run! {
/// use genserver::{NoResponse, Requests};
/// use std::time::Duration;
///
/// # let hits = genserver::start::<Counter>(7).await?;
/// # let misses = genserver::start::<Counter>(2).await?;
/// let mut requests = Requests::new();
/// requests.add("hits", hits.send_request(Call::Get));
/// requests.add("misses", misses.send_request(Call::Get));
/// while !requests.is_empty() {
///     match requests.wait(Duration::from_secs(1)).await {
///         Ok((label, count)) => println!("{label}: {}", count?),
///         Err(NoResponse::TimedOut) => println!("still waiting for {}", requests.len()),
///         Err(NoResponse::NoRequest) => break,
///     }
/// }
/// # }
/// ```
#[doc(alias = "reqids")]
pub struct Requests<L, R: Send + 'static> {
    members: BTreeMap<u64, Member<L, R>>,
    last: u64,
    arrivals: Arc<Arrivals>,
}

/// A member of a collection that has come out: its label, and its answer or error.
pub type Response<L, R> = (L, Result<R, CallError>);

struct Member<L, R: Send + 'static> {
    label: L,
    request: Request<R>,
}

/// The members that have their answer, oldest first.
#[derive(Default)]
struct Arrivals {
    keys: Mutex<VecDeque<u64>>,
    waiter: Waiter,
}

/// The waker that the answer of one member calls.
struct Bell {
    arrivals: Arc<Arrivals>,
    key: u64,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.arrivals.keys.lock().push_back(self.key);
        self.arrivals.waiter.wake();
    }
}

/// The error of an empty collection, which can get no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, thiserror::Error)]
#[error("there is no request in the collection, so no answer can come; add one first")]
pub struct NoRequest;

/// The reason why a collection of requests yields nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoResponse {
    /// No member was answered by the deadline.
    #[error("no request of the collection was answered by the deadline")]
    TimedOut,
    /// The collection is empty.
    #[error("there is no request in the collection, so no answer can come; add one first")]
    NoRequest,
}

impl From<NoRequest> for NoResponse {
    fn from(NoRequest: NoRequest) -> Self {
        Self::NoRequest
    }
}

impl From<TimedOut> for NoResponse {
    fn from(TimedOut: TimedOut) -> Self {
        Self::TimedOut
    }
}

impl<L, R: Send + 'static> Requests<L, R> {
    /// Makes an empty collection.
    #[doc(alias = "reqids_new")]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a request under a label, which need not be unique.
    ///
    /// The collection owns it, so one request cannot be added twice:
    ///
    /// ```compile_fail,E0382
    /// # fn twice(mut requests: genserver::Requests<u8, u8>, request: genserver::Request<u8>) {
    /// requests.add(1, request);
    /// requests.add(2, request);
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the answer to the request has already been taken.
    #[doc(alias = "reqids_add")]
    pub fn add(&mut self, label: L, request: Request<R>) {
        self.last += 1;
        let key = self.last;
        let bell = Arc::new(Bell { arrivals: Arc::clone(&self.arrivals), key });
        let is_answered = !request.await_answer(&Waker::from(Arc::clone(&bell)));
        self.members.insert(key, Member { label, request });
        if is_answered {
            bell.wake();
        }
    }

    /// The number of members that have not come out.
    #[doc(alias = "reqids_size")]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns whether the collection has no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Returns the next answer if there is one, without waiting: OTP's `check_response`.
    ///
    /// # Errors
    ///
    /// [`NoRequest`] if the collection is empty.
    #[doc(alias = "check_response")]
    pub fn check(&mut self) -> Result<Option<Response<L, R>>, NoRequest> {
        if self.is_empty() { Err(NoRequest) } else { Ok(self.pop()) }
    }

    /// Waits for the next answer, and keeps the members if none comes in time: OTP's `wait_response`.
    ///
    /// # Errors
    ///
    /// [`NoResponse::TimedOut`] if no member was answered by the deadline; all are still in the collection.
    /// [`NoResponse::NoRequest`] if the collection is empty.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the wait is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::counter::*;
    /// # genserver_doc::run! {
    /// use genserver::{NoResponse, sys};
    /// use std::time::Duration;
    ///
    /// let counter = genserver::start::<Counter>(1).await?;
    /// sys::suspend(&counter).await?;
    /// let mut requests = genserver::Requests::new();
    /// requests.add("the only one", counter.send_request(Call::Get));
    /// let late = requests.wait(Duration::from_millis(1)).await;
    /// assert!(matches!(late, Err(NoResponse::TimedOut)));
    /// assert_eq!(requests.len(), 1, "it is still there");
    /// # }
    /// ```
    #[doc(alias = "wait_response")]
    pub async fn wait(&mut self, deadline: impl Into<Deadline>) -> Result<Response<L, R>, NoResponse> {
        let mut limit = Limit::new(deadline.into());
        poll_fn(|cx| self.poll_until(cx, &mut limit)).await
    }

    /// Waits for the next answer, and abandons all members if none comes in time: OTP's `receive_response`.
    ///
    /// # Errors
    ///
    /// [`NoResponse::TimedOut`] if no member was answered by the deadline; the collection is then empty, and later answers are
    /// dropped. [`NoResponse::NoRequest`] if it is empty to begin with.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if the wait is dropped: the members are abandoned only at the deadline.
    #[doc(alias = "receive_response")]
    pub async fn receive(&mut self, deadline: impl Into<Deadline>) -> Result<Response<L, R>, NoResponse> {
        let mut limit = Limit::new(deadline.into());
        let response = poll_fn(|cx| self.poll_until(cx, &mut limit)).await;
        if response.as_ref().is_err_and(|why| *why == NoResponse::TimedOut) {
            *self = Self::new();
        }
        response
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, limit: &mut Limit) -> Poll<Result<Response<L, R>, NoResponse>> {
        if let Poll::Ready(next) = self.poll_pop(cx) {
            return Poll::Ready(next.ok_or(NoResponse::NoRequest));
        }
        // No member has an answer, so each has a live server, and the clock of any of them will do.
        let home = self.members.values().next().and_then(|member| member.request.home()).map(Arc::clone);
        ready!(limit.poll(cx, home.as_ref()));
        let has_answer = self.has_answer();
        ready!(poll_alive(cx));
        Poll::Ready(if has_answer { self.pop() } else { None }.ok_or(NoResponse::TimedOut))
    }

    fn poll_pop(&mut self, cx: &mut Context<'_>) -> Poll<Option<Response<L, R>>> {
        if !self.is_empty() && !self.has_answer() {
            self.arrivals.waiter.register(cx.waker());
            // Checked again: an answer that came before the waker was registered has woken nothing.
            if !self.has_answer() {
                return Poll::Pending;
            }
        }
        ready!(poll_alive(cx));
        Poll::Ready(self.pop())
    }

    /// Returns whether a member has its answer. Only the collection takes it out.
    fn has_answer(&self) -> bool {
        !self.arrivals.keys.lock().is_empty()
    }

    fn pop(&mut self) -> Option<Response<L, R>> {
        let key = self.arrivals.keys.lock().pop_front()?;
        let Member { label, mut request } = self.members.remove(&key)?;
        let answer = request.check().expect("a member rings when its answer is there, and only this takes it out");
        Some((label, answer))
    }
}

impl<L, R: Send + 'static> Default for Requests<L, R> {
    fn default() -> Self {
        Self { members: BTreeMap::new(), last: 0, arrivals: Arc::default() }
    }
}

// Requests and labels are moved in and out, never pinned.
impl<L, R: Send + 'static> Unpin for Requests<L, R> {}

impl<L, R: Send + 'static> Stream for Requests<L, R> {
    type Item = Response<L, R>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_pop(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), Some(self.len()))
    }
}

impl<L, R: Send + 'static> Extend<(L, Request<R>)> for Requests<L, R> {
    fn extend<T: IntoIterator<Item = (L, Request<R>)>>(&mut self, iter: T) {
        iter.into_iter().for_each(|(label, request)| self.add(label, request));
    }
}

impl<L, R: Send + 'static> FromIterator<(L, Request<R>)> for Requests<L, R> {
    fn from_iter<T: IntoIterator<Item = (L, Request<R>)>>(iter: T) -> Self {
        let mut collection = Self::new();
        collection.extend(iter);
        collection
    }
}

impl<L: fmt::Debug, R: Send + 'static> fmt::Debug for Requests<L, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = self.members.values().map(|member| (&member.label, &member.request));
        f.debug_map().entries(labels).finish()
    }
}
