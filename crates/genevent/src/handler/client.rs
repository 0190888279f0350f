//! The caller that a handler answers.

use std::fmt;
use std::sync::Arc;

use genserver::Caller;
use parking_lot::Mutex;

use crate::values::CallHandlerError;

/// A caller that has asked a handler something and waits for an `R`: what [`Caller`] is to a server.
///
/// [`Manager::call`](crate::Manager::call) makes it, and the message carries it to the handler. Answer it with
/// [`reply`](Self::reply) or with one of the functions of [`React`](crate::React), at once or later: it can be kept. If it
/// is dropped, the caller gets [`CallHandlerError::NoReply`]; if the handler fails first, the caller gets the reason.
///
/// # Examples
///
/// ```
/// use genevent::{HandlerCaller, Handler, HandlerCx, Manager, React, Reaction};
///
/// struct Sum(u64);
/// struct Get(HandlerCaller<u64>);
///
/// impl Handler<u64> for Sum {
///     type Call = Get;
///
///     fn handle_event(&mut self, event: &u64, _cx: &mut HandlerCx<u64>) -> Reaction<u64> {
///         self.0 += event;
///         React::stay()
///     }
///
///     fn handle_call(&mut self, Get(client): Get, _cx: &mut HandlerCx<u64>) -> Reaction<u64> {
///         React::reply(client, self.0)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = Manager::start().await?;
/// let sum = manager.add_handler(Sum(0)).await?;
/// manager.notify(1)?;
/// manager.notify(2)?;
/// assert_eq!(manager.call(&sum, Get).await?, 3);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "from")]
pub struct HandlerCaller<R: Send + 'static>(Arc<PendingReply<R>>);

/// What the caller of a handler gets.
pub(crate) type Answer<R> = Result<R, CallHandlerError>;

/// Shared by the handler, which may answer, and the manager, which reports the handler's end if it does not.
struct PendingReply<R: Send + 'static>(Mutex<Option<Caller<Answer<R>>>>);

/// The manager's view of a [`HandlerCaller`], without the type of the answer.
pub(crate) trait Unanswered: Send + Sync {
    /// Sends an error to the caller, if it still waits.
    fn fail(&self, error: CallHandlerError);

    /// Sends an error to the caller, if the handler has dropped its [`HandlerCaller`].
    fn fail_if_dropped(self: Arc<Self>, error: CallHandlerError);
}

impl<R: Send + 'static> HandlerCaller<R> {
    pub(crate) fn new(caller: Caller<Answer<R>>) -> Self {
        Self(Arc::new(PendingReply(Mutex::new(Some(caller)))))
    }

    pub(crate) fn unanswered(&self) -> Arc<dyn Unanswered> {
        Arc::clone(&self.0) as Arc<dyn Unanswered>
    }

    /// Answers. If the caller no longer waits, the answer is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{HandlerCaller, Handler, HandlerCx, Manager, React, Reaction};
    ///
    /// /// Answers with the event that comes after the question.
    /// #[derive(Default)]
    /// struct Next(Vec<HandlerCaller<u8>>);
    /// struct Ask(HandlerCaller<u8>);
    ///
    /// impl Handler<u8> for Next {
    ///     type Call = Ask;
    ///
    ///     fn handle_event(&mut self, event: &u8, _cx: &mut HandlerCx<u8>) -> Reaction<u8> {
    ///         self.0.drain(..).for_each(|client| client.reply(*event));
    ///         React::stay()
    ///     }
    ///
    ///     fn handle_call(&mut self, Ask(client): Ask, _cx: &mut HandlerCx<u8>) -> Reaction<u8> {
    ///         self.0.push(client);
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let next = manager.add_handler(Next::default()).await?;
    /// let request = manager.send_request(&next, Ask);
    /// manager.notify(7)?;
    /// assert_eq!(request.await??, 7);
    /// # Ok(())
    /// # }
    /// ```
    pub fn reply(self, reply: R) {
        let caller = self.0.0.lock().take();
        if let Some(caller) = caller {
            caller.reply(Ok(reply));
        }
    }

    /// Whether the caller no longer waits.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{HandlerCaller, Handler, HandlerCx, Manager, React, Reaction};
    ///
    /// /// Cooks for the callers that still wait when the oven is hot.
    /// #[derive(Default)]
    /// struct Kitchen {
    ///     orders: Vec<HandlerCaller<&'static str>>,
    ///     cooked: u32,
    /// }
    /// struct Order(HandlerCaller<&'static str>);
    /// struct Hot;
    ///
    /// impl Handler<Hot> for Kitchen {
    ///     type Call = Order;
    ///
    ///     fn handle_event(&mut self, _: &Hot, _cx: &mut HandlerCx<Hot>) -> Reaction<Hot> {
    ///         for client in self.orders.drain(..).filter(|client| !client.is_gone()) {
    ///             self.cooked += 1;
    ///             client.reply("soup");
    ///         }
    ///         React::stay()
    ///     }
    ///
    ///     fn handle_call(
    ///         &mut self,
    ///         Order(client): Order,
    ///         _cx: &mut HandlerCx<Hot>,
    ///     ) -> Reaction<Hot> {
    ///         self.orders.push(client);
    ///         React::stay()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::start().await?;
    /// let kitchen = manager.add_handler(Kitchen::default()).await?;
    /// let (stays, goes) =
    ///     (manager.send_request(&kitchen, Order), manager.send_request(&kitchen, Order));
    /// drop(goes);
    /// manager.notify(Hot)?;
    /// assert_eq!(stays.await??, "soup");
    /// assert_eq!(manager.remove_handler(&kitchen).await?.cooked, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_gone(&self) -> bool {
        self.0.0.lock().as_ref().is_none_or(Caller::is_gone)
    }
}

impl<R: Send + 'static> Unanswered for PendingReply<R> {
    fn fail(&self, error: CallHandlerError) {
        let caller = self.0.lock().take();
        if let Some(caller) = caller {
            caller.reply(Err(error));
        }
    }

    fn fail_if_dropped(self: Arc<Self>, error: CallHandlerError) {
        if Arc::strong_count(&self) == 1 {
            self.fail(error);
        }
    }
}

impl<R: Send + 'static> fmt::Debug for HandlerCaller<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerCaller").field("is_gone", &self.is_gone()).finish()
    }
}
