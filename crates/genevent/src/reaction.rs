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
///     fn handle_event(&mut self, event: &&'static str, _cx: &mut HandlerCx<&'static str>) -> Reaction<&'static str> {
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
pub type Reaction<E, I = Never> = Result<After<E, I>, Reason>;

/// How a handler goes on: made by the functions of [`React`].
///
/// # Examples
///
/// A function that several callbacks share may return it, for its caller to pass on:
///
/// ```
/// use genevent::{After, React};
/// use genserver::Reason;
///
/// fn unless_late(hour: u8) -> Result<After<u8>, Reason> {
///     if hour < 22 { React::stay() } else { React::leave() }
/// }
///
/// assert_eq!(format!("{:?}", unless_late(9)), "Ok(stay)");
/// assert_eq!(format!("{:?}", unless_late(23)), "Ok(leave)");
/// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Handler, HandlerCx, Manager, React, Reaction};
    /// use genserver::Never;
    ///
    /// /// Has seen the highest number of all.
    /// struct Highest(u8);
    ///
    /// impl Handler<u8> for Highest {
    ///     type Call = Never;
    ///
    ///     fn handle_event(&mut self, event: &u8, _cx: &mut HandlerCx<u8>) -> Reaction<u8> {
    ///         self.0 = self.0.max(*event);
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let highest = manager.add_handler(Highest(0)).await?;
    /// for number in [3, 8, 5] {
    ///     manager.notify(number)?;
    /// }
    /// assert_eq!(manager.remove_handler(&highest).await?.0, 8);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn stay<E: Event, I: Event>() -> Reaction<E, I> {
        Ok(After(Then::Stay))
    }

    /// The handler goes on, and the manager, with all its handlers, is to need as little memory as it can until its next
    /// message: OTP's `{ok, State, hibernate}`.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Handler, HandlerCx, Manager, React, Reaction};
    /// use genserver::{Never, Status};
    ///
    /// /// For what happens once a year.
    /// struct Birthdays;
    ///
    /// impl Handler<String> for Birthdays {
    ///     type Call = Never;
    ///
    ///     fn handle_event(&mut self, _name: &String, _cx: &mut HandlerCx<String>) -> Reaction<String> {
    ///         React::hibernate()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// manager.add_handler(Birthdays).await?;
    /// manager.sync_notify("Joe".to_owned()).await?;
    /// assert_eq!(manager.server().info().status, Status::Hibernated);
    /// # Ok(())
    /// # }
    /// ```
    pub fn hibernate<E: Event, I: Event>() -> Reaction<E, I> {
        Ok(After(Then::Hibernate))
    }

    /// The handler goes, and is told so with [`Leaving::Left`](crate::Leaving::Left): OTP's `remove_handler`.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Gone, Handler, HandlerCx, HandlerGone, Manager, React, Reaction};
    /// use genserver::{Letter, Never, Probe};
    ///
    /// /// Is there for the first event only.
    /// struct Once;
    ///
    /// impl Handler<()> for Once {
    ///     type Call = Never;
    ///
    ///     fn handle_event(&mut self, (): &(), _cx: &mut HandlerCx<()>) -> Reaction<()> {
    ///         React::leave()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut owner = Probe::<HandlerGone>::new();
    /// let manager = Manager::start().await?;
    /// manager.add_handler(Once).owned_by(owner.sender()).await?;
    /// manager.sync_notify(()).await?;
    /// let Some(Letter::Message(gone)) = owner.try_recv() else { panic!("the owner is told") };
    /// assert_eq!(gone.why, Gone::Normal, "it has not failed");
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// A handler that goes on under another id for each day:
    ///
    /// ```
    /// use genevent::{Handler, HandlerCx, HandlerRef, Manager, React, Reaction};
    /// use genserver::Never;
    ///
    /// enum Event {
    ///     Sold,
    ///     Midnight,
    /// }
    ///
    /// #[derive(Default)]
    /// struct Day {
    ///     number: u64,
    ///     sold: u32,
    /// }
    ///
    /// impl Handler<Event> for Day {
    ///     type Call = Never;
    ///
    ///     fn handle_event(&mut self, event: &Event, _cx: &mut HandlerCx<Event>) -> Reaction<Event> {
    ///         match event {
    ///             Event::Sold => self.sold += 1,
    ///             Event::Midnight => {
    ///                 let number = self.number + 1;
    ///                 return React::swap_as(Day { number, sold: 0 }, number);
    ///             }
    ///         }
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// manager.add_handler(Day::default()).id(0).await?;
    /// for event in [Event::Sold, Event::Midnight, Event::Sold, Event::Sold] {
    ///     manager.notify(event)?;
    /// }
    /// assert_eq!(manager.remove_handler(&HandlerRef::<Day>::with_id(1)).await?.sold, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn swap_as<E: Event, I: Event, H: Handler<E, I>>(successor: H, id: impl Into<Id>) -> Reaction<E, I> {
        swapped(slot::plain(successor, HandlerRef::<H>::with_id(id).into_id()), None)
    }

    /// As [`swap`](Self::swap), for a successor that awaits.
    ///
    /// # Examples
    ///
    /// A shop that does not tell the city before it opens:
    ///
    /// ```
    /// use genevent::{ForwardToManager, Handler, HandlerCx, LoggerHandler, Manager, React, Reaction};
    /// use genserver::Never;
    ///
    /// struct Closed {
    ///     city: Manager<&'static str>,
    /// }
    ///
    /// impl Handler<&'static str> for Closed {
    ///     type Call = Never;
    ///
    ///     fn handle_event(&mut self, event: &&'static str, _cx: &mut HandlerCx<&'static str>) -> Reaction<&'static str> {
    ///         if *event == "open" { React::swap_async(ForwardToManager::new(&self.city)) } else { React::stay() }
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (shop, city) = (Manager::start().await?, Manager::start().await?);
    /// let logger = city.add_handler(LoggerHandler::new()).await?;
    /// shop.add_handler(Closed { city: city.clone() }).await?;
    /// for event in ["swept", "open", "sold"] {
    ///     shop.sync_notify(event).await?;
    /// }
    /// assert_eq!(city.remove_handler(&logger).await?.into_messages(), ["sold"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn swap_async<E: Event, I: Event, H: AsyncHandler<E, I>>(successor: H) -> Reaction<E, I> {
        swapped(slot::awaiting(successor, HandlerRef::<H>::new().into_id()), None)
    }

    /// As [`swap_async`](Self::swap_async), for a successor that has an id besides its type.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{AsyncHandler, Handler, HandlerCx, HandlerRef, Manager, React, Reaction};
    /// use genserver::Never;
    ///
    /// struct Knocking;
    /// struct Inside;
    ///
    /// impl Handler<u64> for Knocking {
    ///     type Call = Never;
    ///
    ///     fn handle_event(&mut self, room: &u64, _cx: &mut HandlerCx<u64>) -> Reaction<u64> {
    ///         React::swap_async_as(Inside, *room)
    ///     }
    /// }
    /// # impl AsyncHandler<u64> for Inside {
    /// #     type Call = Never;
    /// #     async fn handle_event(&mut self, _room: &u64, _cx: &mut HandlerCx<u64>) -> Reaction<u64> { React::stay() }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// manager.add_handler(Knocking).await?;
    /// manager.sync_notify(101).await?;
    /// assert_eq!(manager.which_handlers().await?, [HandlerRef::<Inside>::with_id(101).id()]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn swap_async_as<E: Event, I: Event, H: AsyncHandler<E, I>>(successor: H, id: impl Into<Id>) -> Reaction<E, I> {
        swapped(slot::awaiting(successor, HandlerRef::<H>::with_id(id).into_id()), None)
    }

    /// Answers, and goes on: OTP's `{ok, Reply, State}`.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Client, Handler, HandlerCx, Manager, React, Reaction};
    ///
    /// #[derive(Default)]
    /// struct Basket(Vec<&'static str>);
    ///
    /// enum Call {
    ///     Count(Client<usize>),
    ///     Empty(Client<Vec<&'static str>>),
    /// }
    ///
    /// impl Handler<&'static str> for Basket {
    ///     type Call = Call;
    ///
    ///     fn handle_event(&mut self, item: &&'static str, _cx: &mut HandlerCx<&'static str>) -> Reaction<&'static str> {
    ///         self.0.push(item);
    ///         React::stay()
    ///     }
    ///
    ///     fn handle_call(&mut self, call: Call, _cx: &mut HandlerCx<&'static str>) -> Reaction<&'static str> {
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
    pub fn reply<E: Event, I: Event, R: Send + 'static>(client: Client<R>, reply: R) -> Reaction<E, I> {
        client.reply(reply);
        Self::stay()
    }

    /// Goes, and then answers: OTP's `{remove_handler, Reply}`. Whoever has the answer finds the handler gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Client, Handler, HandlerCx, Manager, React, Reaction};
    ///
    /// struct Vote(u32);
    /// struct Close(Client<u32>);
    ///
    /// impl Handler<()> for Vote {
    ///     type Call = Close;
    ///
    ///     fn handle_event(&mut self, (): &(), _cx: &mut HandlerCx<()>) -> Reaction<()> {
    ///         self.0 += 1;
    ///         React::stay()
    ///     }
    ///
    ///     fn handle_call(&mut self, Close(client): Close, _cx: &mut HandlerCx<()>) -> Reaction<()> {
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
    pub fn reply_leave<E: Event, I: Event, R: Send + 'static>(client: Client<R>, reply: R) -> Reaction<E, I> {
        Ok(After(Then::Leave(Some(Box::new(move || client.reply(reply))))))
    }

    /// Answers when `successor` has taken the handler's place, or could not, because its init failed: see
    /// [`swap`](Self::swap).
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{Client, Handler, HandlerCx, HandlerRef, Manager, React, Reaction};
    /// use genserver::Never;
    ///
    /// struct Red;
    /// struct Green;
    /// struct Switch(Client<&'static str>);
    ///
    /// impl Handler<()> for Red {
    ///     type Call = Switch;
    ///
    ///     fn handle_call(&mut self, Switch(client): Switch, _cx: &mut HandlerCx<()>) -> Reaction<()> {
    ///         React::reply_swap(client, "it is green", Green)
    ///     }
    ///     # fn handle_event(&mut self, (): &(), _cx: &mut HandlerCx<()>) -> Reaction<()> { React::stay() }
    /// }
    /// # impl Handler<()> for Green {
    /// #     type Call = Never;
    /// #     fn handle_event(&mut self, (): &(), _cx: &mut HandlerCx<()>) -> Reaction<()> { React::stay() }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let red = manager.add_handler(Red).await?;
    /// assert_eq!(manager.call(&red, Switch).await?, "it is green");
    /// assert_eq!(manager.which_handlers().await?, [HandlerRef::<Green>::new().id()]);
    /// # Ok(())
    /// # }
    /// ```
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
