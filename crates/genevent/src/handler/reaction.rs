//! What a handler's callback returns: stay, leave, or swap for another.

use std::fmt;
use std::task::Poll;

use genserver::{Never, Reason};

use super::client::HandlerCaller;
use super::slot::HandlerEntry;
use crate::values::Event;

/// What a handler's callback returns: the handler's next step, or the reason why it failed.
///
/// It is a `Result`, so `?` works in a callback. An error removes the handler and no other: its terminate gets
/// [`TerminateReason::Failed`](crate::TerminateReason::Failed), its owner gets
/// [`GoneReason::Failed`](crate::GoneReason::Failed), and the failure is [reported](crate#when-a-handler-fails).
///
/// # Examples
///
/// ```
/// use genevent::{Handler, HandlerCx, Manager, React, Reaction};
/// use genserver::Never;
///
/// struct Sum(i64);
///
/// impl Handler<&'static str> for Sum {
///     type Call = Never;
///
///     fn handle_event(
///         &mut self,
///         event: &&'static str,
///         _cx: &mut HandlerCx<&'static str>,
///     ) -> Reaction<&'static str> {
///         self.0 += event.parse::<i64>()?;
///         React::stay()
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().await?;
/// manager.add_handler(Sum(0)).await?;
/// manager.sync_notify("12").await?;
/// assert_eq!(manager.which_handlers().await?.len(), 1);
/// manager.sync_notify("a dozen").await?;
/// assert_eq!(manager.which_handlers().await?.len(), 0, "it has failed");
/// # Ok(())
/// # }
/// ```
pub type Reaction<E, I = Never> = Result<HandlerStep<E, I>, Reason>;

/// What a handler does next: made by the functions of [`React`].
///
/// # Examples
///
/// A function that several callbacks share can return it:
///
/// ```
/// use genevent::{HandlerStep, React};
/// use genserver::Reason;
///
/// fn unless_late(hour: u8) -> Result<HandlerStep<u8>, Reason> {
///     if hour < 22 { React::stay() } else { React::leave() }
/// }
///
/// assert_eq!(format!("{:?}", unless_late(9)), "Ok(stay)");
/// assert_eq!(format!("{:?}", unless_late(23)), "Ok(leave)");
/// ```
#[must_use = "a callback has to return it, or nothing happens"]
pub struct HandlerStep<E: Event, I: Event = Never>(pub(crate) Then<E, I>);

pub(crate) enum Then<E: Event, I: Event> {
    Stay,
    Hibernate,
    Leave(Option<DeferredReply>),
    Swap(Box<Successor<E, I>>),
    /// Boxed, so that it does not make the result of every callback larger.
    Refuse(Box<Reason>),
}

/// What came of a callback that was begun. Two words, so that it travels in registers.
pub(crate) enum Begun<E: Event, I: Event> {
    /// The handler stays.
    Stays,
    /// It has to wait. If it was given a place, its future is there; otherwise it has not begun.
    Waits,
    /// Anything else that a callback returns.
    Else(Box<Reaction<E, I>>),
}

impl<E: Event, I: Event> Begun<E, I> {
    #[inline]
    pub(super) fn polled(polled: Poll<Reaction<E, I>>) -> Self {
        match polled {
            Poll::Ready(reaction) => Self::returned(reaction),
            Poll::Pending => Self::Waits,
        }
    }

    #[inline]
    pub(super) fn returned(reaction: Reaction<E, I>) -> Self {
        if matches!(reaction, Ok(HandlerStep(Then::Stay))) {
            // There is nothing to drop in it, and checking that takes as long as a small handler.
            std::mem::forget(reaction);
            return Self::Stays;
        }
        Self::other(reaction)
    }

    #[cold]
    pub(crate) fn other(reaction: Reaction<E, I>) -> Self {
        Self::Else(Box::new(reaction))
    }
}

/// An answer that is sent after the handler has left or was swapped.
pub(crate) type DeferredReply = Box<dyn FnOnce() + Send>;

/// The handler that takes another's place.
pub(crate) struct Successor<E: Event, I: Event> {
    pub(crate) handler: HandlerEntry<E, I>,
    pub(crate) reply: Option<DeferredReply>,
}

impl<E: Event, I: Event> fmt::Debug for HandlerStep<E, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Then::Stay => "stay",
            Then::Hibernate => "hibernate",
            Then::Leave(_) => "leave",
            Then::Swap(_) => "swap",
            Then::Refuse(_) => "refuse",
        })
    }
}

/// The values that a handler's callback returns: one function for each of OTP's returns.
///
/// # Examples
///
/// A handler that leaves after the third event:
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
///     fn handle_event(
///         &mut self,
///         _event: &&'static str,
///         _cx: &mut HandlerCx<&'static str>,
///     ) -> Reaction<&'static str> {
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
    /// Keeps the handler: OTP's `{ok, State}`.
    #[inline]
    pub fn stay<E: Event, I: Event>() -> Reaction<E, I> {
        Ok(HandlerStep(Then::Stay))
    }

    /// Keeps the handler, and makes the manager hibernate until its next message, to use as little memory as it can: OTP's
    /// `{ok, State, hibernate}`.
    pub fn hibernate<E: Event, I: Event>() -> Reaction<E, I> {
        Ok(HandlerStep(Then::Hibernate))
    }

    /// Removes the handler. Its terminate gets [`TerminateReason::Left`](crate::TerminateReason::Left): OTP's
    /// `remove_handler`.
    #[doc(alias = "remove_handler")]
    pub fn leave<E: Event, I: Event>() -> Reaction<E, I> {
        Ok(HandlerStep(Then::Leave(None)))
    }

    /// Keeps the handler, and refuses the event: its sender gets [`NotifyError::Refused`](crate::NotifyError::Refused) with the
    /// handler and this reason. The other handlers see the event all the same. OTP has nothing like it.
    ///
    /// The sender of a [`sync_notify`](crate::Manager::sync_notify) hears of it, and nobody who sends by
    /// [`notify`](crate::Manager::notify): then the refusal is [reported](genserver::report). So is that of a plain message, and
    /// every refusal of an event but the first. From a refusal until every handler has taken an event again, an
    /// [`ack_notify`](crate::Manager::ack_notify) waits for the handlers as a `sync_notify` does.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Handler, HandlerCx, Manager, NotifyError, React, Reaction};
    /// use genserver::{Never, Reason};
    ///
    /// /// Takes what it has space for.
    /// struct Shelf(usize);
    ///
    /// impl Handler<&'static str> for Shelf {
    ///     type Call = Never;
    ///
    ///     fn handle_event(
    ///         &mut self,
    ///         item: &&'static str,
    ///         _cx: &mut HandlerCx<&'static str>,
    ///     ) -> Reaction<&'static str> {
    ///         let Some(left) = self.0.checked_sub(item.len()) else {
    ///             return React::refuse(Reason::term("the shelf is full"));
    ///         };
    ///         self.0 = left;
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let shelf = manager.add_handler(Shelf(10)).await?;
    /// manager.sync_notify("eggs").await?;
    /// let refused = manager.sync_notify("potatoes").await;
    /// let Err(NotifyError::Refused { handler, reason, .. }) = refused else {
    ///     panic!("there is no space for them")
    /// };
    /// assert_eq!((handler, reason), (Some(shelf.id()), Reason::term("the shelf is full")));
    /// manager.sync_notify("milk").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn refuse<E: Event, I: Event>(reason: impl Into<Reason>) -> Reaction<E, I> {
        Ok(HandlerStep(Then::Refuse(Box::new(reason.into()))))
    }

    /// Answers and keeps the handler: OTP's `{ok, Reply, State}`.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{HandlerCaller, Handler, HandlerCx, Manager, React, Reaction};
    ///
    /// #[derive(Default)]
    /// struct Basket(Vec<&'static str>);
    ///
    /// enum Call {
    ///     Count(HandlerCaller<usize>),
    ///     Empty(HandlerCaller<Vec<&'static str>>),
    /// }
    ///
    /// impl Handler<&'static str> for Basket {
    ///     type Call = Call;
    ///
    ///     fn handle_event(
    ///         &mut self,
    ///         item: &&'static str,
    ///         _cx: &mut HandlerCx<&'static str>,
    ///     ) -> Reaction<&'static str> {
    ///         self.0.push(item);
    ///         React::stay()
    ///     }
    ///
    ///     fn handle_call(
    ///         &mut self,
    ///         call: Call,
    ///         _cx: &mut HandlerCx<&'static str>,
    ///     ) -> Reaction<&'static str> {
    ///         match call {
    ///             Call::Count(client) => React::reply(client, self.0.len()),
    ///             Call::Empty(client) => React::reply(client, std::mem::take(&mut self.0)),
    ///         }
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let basket = manager.add_handler(Basket::default()).await?;
    /// manager.notify("eggs")?;
    /// assert_eq!(manager.call(&basket, Call::Empty).await?, ["eggs"]);
    /// assert_eq!(manager.call(&basket, Call::Count).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn reply<E: Event, I: Event, R: Send + 'static>(client: HandlerCaller<R>, reply: R) -> Reaction<E, I> {
        client.reply(reply);
        Self::stay()
    }

    /// Removes the handler, then answers: OTP's `{remove_handler, Reply}`. When the caller has the answer, the handler is
    /// gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{HandlerCaller, Handler, HandlerCx, Manager, React, Reaction};
    ///
    /// struct Vote(u32);
    /// struct Close(HandlerCaller<u32>);
    ///
    /// impl Handler<()> for Vote {
    ///     type Call = Close;
    ///
    ///     fn handle_event(&mut self, (): &(), _cx: &mut HandlerCx<()>) -> Reaction<()> {
    ///         self.0 += 1;
    ///         React::stay()
    ///     }
    ///
    ///     fn handle_call(
    ///         &mut self,
    ///         Close(client): Close,
    ///         _cx: &mut HandlerCx<()>,
    ///     ) -> Reaction<()> {
    ///         React::reply_leave(client, self.0)
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let vote = manager.add_handler(Vote(0)).await?;
    /// manager.notify(())?;
    /// manager.notify(())?;
    /// assert_eq!(manager.call(&vote, Close).await?, 2);
    /// assert_eq!(manager.which_handlers().await?, []);
    /// # Ok(())
    /// # }
    /// ```
    pub fn reply_leave<E: Event, I: Event, R: Send + 'static>(client: HandlerCaller<R>, reply: R) -> Reaction<E, I> {
        Ok(HandlerStep(Then::Leave(Some(Box::new(move || client.reply(reply))))))
    }
}
