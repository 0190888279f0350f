//! What a handler answers: whether it stays, leaves, or is swapped for another.

use std::fmt;

use genserver::{Never, Reason};

use crate::async_handler::AsyncHandler;
use crate::client::Client;
use crate::handler::Handler;
use crate::id::Id;
use crate::slot::{self, Seated};
use crate::{Event, HandlerRef};

/// What a handler's callback returns: how it goes on, or the reason why it failed.
///
/// It is a `Result`, so `?` works in a callback. An error removes the handler, and nobody else: it is told with
/// [`Leaving::Failed`](crate::Leaving::Failed), its owner with [`Gone::Failed`](crate::Gone::Failed), and the failure is
/// [reported](crate#when-a-handler-fails).
pub type Reaction<E, I = Never> = Result<After<E, I>, Reason>;

/// How a handler goes on: made by the functions of [`React`].
#[must_use = "a callback has to return it, or nothing happens"]
pub struct After<E: Event, I: Event = Never>(pub(crate) Then<E, I>);

pub(crate) enum Then<E: Event, I: Event> {
    Stay,
    Hibernate,
    Leave(Option<LateReply>),
    Swap(Box<Successor<E, I>>),
    /// A handler that awaits cannot answer at once: the manager has to poll it.
    Await,
}

/// An answer that is sent when what was asked for is done.
pub(crate) type LateReply = Box<dyn FnOnce() + Send>;

/// Who takes a handler's place.
pub(crate) struct Successor<E: Event, I: Event> {
    pub(crate) handler: Seated<E, I>,
    pub(crate) reply: Option<LateReply>,
}

impl<E: Event, I: Event> fmt::Debug for After<E, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Then::Stay => "stay",
            Then::Hibernate => "hibernate",
            Then::Leave(_) => "leave",
            Then::Swap(_) => "swap",
            Then::Await => "await",
        })
    }
}

/// The answers that a handler's callback has: one function for each of OTP's returns.
///
/// # Examples
///
/// A handler that has had enough after the third event:
///
/// ```
/// use genevent::{Handler, HandlerCx, Manager, React, Reaction};
/// use genserver::Never;
///
/// struct Three(u8);
///
/// impl Handler<&'static str> for Three {
///     type Call = Never;
///
///     fn handle_event(&mut self, _event: &&'static str, _cx: &mut HandlerCx<&'static str>) -> Reaction<&'static str> {
///         self.0 += 1;
///         if self.0 == 3 { React::leave() } else { React::stay() }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().await?;
/// manager.add_handler(Three(0)).await?;
/// manager.sync_notify("one").await?;
/// manager.sync_notify("two").await?;
/// assert_eq!(manager.which_handlers().await?.len(), 1);
/// manager.sync_notify("three").await?;
/// assert_eq!(manager.which_handlers().await?.len(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub enum React {}

#[expect(clippy::missing_errors_doc, reason = "these make a callback's answer, and none of them fails")]
impl React {
    /// The handler goes on: OTP's `{ok, State}`.
    #[inline]
    pub fn stay<E: Event, I: Event>() -> Reaction<E, I> {
        Ok(After(Then::Stay))
    }

    /// The handler goes on, and the manager, with all its handlers, is to need as little memory as it can until its next
    /// message: OTP's `{ok, State, hibernate}`.
    pub fn hibernate<E: Event, I: Event>() -> Reaction<E, I> {
        Ok(After(Then::Hibernate))
    }

    /// The handler goes, and is told so with [`Leaving::Left`](crate::Leaving::Left): OTP's `remove_handler`.
    #[doc(alias = "remove_handler")]
    pub fn leave<E: Event, I: Event>() -> Reaction<E, I> {
        Ok(After(Then::Leave(None)))
    }

    /// `successor` takes the handler's place: the same position, and the same owner. The handler is told with
    /// [`Leaving::Swapped`](crate::Leaving::Swapped), and its owner with [`Gone::Swapped`](crate::Gone::Swapped); then the
    /// successor's init runs. If that fails, both are gone: that is reported, and the owner hears why.
    ///
    /// To name a successor that the manager has already is a failure, and nobody's init runs.
    ///
    /// The handler has itself at hand, so what it leaves to its successor it moves there.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver::Never;
    /// use genevent::{Handler, HandlerCx, Manager, React, Reaction};
    ///
    /// struct Closed(Vec<u8>);
    /// struct Open(Vec<u8>);
    ///
    /// impl Handler<u8> for Closed {
    ///     type Call = Never;
    ///
    ///     fn handle_event(&mut self, event: &u8, _cx: &mut HandlerCx<u8>) -> Reaction<u8> {
    ///         self.0.push(*event);
    ///         React::swap(Open(std::mem::take(&mut self.0)))
    ///     }
    /// }
    /// # impl Handler<u8> for Open {
    /// #     type Call = Never;
    /// #     fn handle_event(&mut self, _event: &u8, _cx: &mut HandlerCx<u8>) -> Reaction<u8> { React::stay() }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// manager.add_handler(Closed(vec![])).await?;
    /// manager.sync_notify(1).await?;
    /// let open = manager.remove_handler(&genevent::HandlerRef::<Open>::new()).await?;
    /// assert_eq!(open.0, [1]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "swap_handler")]
    pub fn swap<E: Event, I: Event, H: Handler<E, I>>(successor: H) -> Reaction<E, I> {
        swapped(slot::plain(successor, HandlerRef::<H>::new().into_id()), None)
    }

    /// As [`swap`](Self::swap), for a successor that has an id besides its type.
    pub fn swap_as<E: Event, I: Event, H: Handler<E, I>>(successor: H, id: impl Into<Id>) -> Reaction<E, I> {
        swapped(slot::plain(successor, HandlerRef::<H>::with_id(id).into_id()), None)
    }

    /// As [`swap`](Self::swap), for a successor that awaits.
    pub fn swap_async<E: Event, I: Event, H: AsyncHandler<E, I>>(successor: H) -> Reaction<E, I> {
        swapped(slot::awaiting(successor, HandlerRef::<H>::new().into_id()), None)
    }

    /// As [`swap_async`](Self::swap_async), for a successor that has an id besides its type.
    pub fn swap_async_as<E: Event, I: Event, H: AsyncHandler<E, I>>(successor: H, id: impl Into<Id>) -> Reaction<E, I> {
        swapped(slot::awaiting(successor, HandlerRef::<H>::with_id(id).into_id()), None)
    }

    /// Answers, and goes on: OTP's `{ok, Reply, State}`.
    pub fn reply<E: Event, I: Event, R: Send + 'static>(client: Client<R>, reply: R) -> Reaction<E, I> {
        client.reply(reply);
        Self::stay()
    }

    /// Goes, and then answers: OTP's `{remove_handler, Reply}`. Whoever has the answer finds the handler gone.
    pub fn reply_leave<E: Event, I: Event, R: Send + 'static>(client: Client<R>, reply: R) -> Reaction<E, I> {
        Ok(After(Then::Leave(Some(Box::new(move || client.reply(reply))))))
    }

    /// Answers when `successor` has taken the handler's place, or could not, because its init failed: see
    /// [`swap`](Self::swap).
    pub fn reply_swap<E, I, R, H>(client: Client<R>, reply: R, successor: H) -> Reaction<E, I>
    where
        E: Event,
        I: Event,
        R: Send + 'static,
        H: Handler<E, I>,
    {
        let reply: LateReply = Box::new(move || client.reply(reply));
        swapped(slot::plain(successor, HandlerRef::<H>::new().into_id()), Some(reply))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the callbacks' return type is a Result, for `?`")]
fn swapped<E: Event, I: Event>(handler: Seated<E, I>, reply: Option<LateReply>) -> Reaction<E, I> {
    Ok(After(Then::Swap(Box::new(Successor { handler, reply }))))
}
