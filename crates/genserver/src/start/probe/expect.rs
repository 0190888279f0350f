//! Waiting for a letter with a time limit, as tests do.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};

use crate::client::time;
use crate::node::alarm;
use crate::node::process_ref::AsProcess;
use crate::start::probe::{Letter, Probe, limit};
use crate::values::exit::Exit;
use crate::values::monitor::{Down, MonitorRef};

impl<M: Send + 'static> Probe<M> {
    /// Waits for the first letter that `wanted` accepts, and leaves the others in the mailbox: ExUnit's `assert_receive`.
    ///
    /// It waits half a second, [`EXPECT_WITHIN`](crate::EXPECT_WITHIN), or as long as the environment variable
    /// `GENSERVER_EXPECT_WITHIN_MS` says. [`expect_within`](Self::expect_within) takes the time as an argument.
    ///
    /// # Panics
    ///
    /// If none comes in time; the message lists the other letters. If the variable is set to something other than a number of
    /// milliseconds.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped before it is ready: letters stay in the mailbox.
    ///
    /// # Examples
    ///
    /// ```
    /// # genserver_doc::run! {
    /// use genserver::{Letter, Probe};
    ///
    /// let mut probe = Probe::<u8>::new();
    /// probe.sender().send(1)?;
    /// probe.sender().send(2)?;
    /// probe.expect(|letter| *letter == Letter::Message(2)).await;
    /// assert_eq!(probe.flush(), [Letter::Message(1)]);
    /// # }
    /// ```
    #[doc(alias = "assert_receive")]
    pub async fn expect(&mut self, wanted: impl FnMut(&Letter<M>) -> bool) -> Letter<M>
    where
        M: fmt::Debug,
    {
        self.expect_within(limit::expect_within(), wanted).await
    }

    /// Like [`expect`](Probe::expect), but waits for `within`, whatever the environment says.
    ///
    /// # Panics
    ///
    /// As [`expect`](Probe::expect).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped before it is ready: letters stay in the mailbox.
    pub async fn expect_within(&mut self, within: Duration, wanted: impl FnMut(&Letter<M>) -> bool) -> Letter<M>
    where
        M: fmt::Debug,
    {
        let found = self.within(within, wanted).await;
        found.unwrap_or_else(|| panic!("no such letter within {within:?}; in the mailbox: {:?}", self.process.show()))
    }

    /// Waits for the next message and takes it, for as long as [`expect`](Self::expect).
    ///
    /// # Panics
    ///
    /// If none comes in time.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped before it is ready: letters stay in the mailbox.
    ///
    /// # Examples
    ///
    /// ```
    /// # genserver_doc::run! {
    /// use genserver::Probe;
    ///
    /// let mut probe = Probe::<&str>::new();
    /// let sender = probe.sender();
    /// tokio::spawn(async move { sender.send("from a task") });
    /// assert_eq!(probe.expect_message().await, "from a task");
    /// # }
    /// ```
    pub async fn expect_message(&mut self) -> M
    where
        M: fmt::Debug,
    {
        match self.expect(|letter| matches!(letter, Letter::Message(_))).await {
            Letter::Message(message) => message,
            _ => unreachable!("only messages were wanted"),
        }
    }

    /// Waits for the `Down` of a monitor, for as long as [`expect`](Self::expect).
    ///
    /// # Panics
    ///
    /// If it does not come in time.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped before it is ready: letters stay in the mailbox.
    pub async fn expect_down(&mut self, reference: MonitorRef) -> Down
    where
        M: fmt::Debug,
    {
        let wanted = |letter: &Letter<M>| matches!(letter, Letter::Down(down) if down.reference == reference);
        match self.expect(wanted).await {
            Letter::Down(down) => down,
            _ => unreachable!("only the one down was wanted"),
        }
    }

    /// Waits for a trapped exit from a process, for as long as [`expect`](Self::expect).
    ///
    /// # Panics
    ///
    /// If none comes in time.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped before it is ready: letters stay in the mailbox.
    pub async fn expect_exit(&mut self, from: &impl AsProcess) -> Exit
    where
        M: fmt::Debug,
    {
        let from = from.pid_or_nobody();
        let wanted = |letter: &Letter<M>| matches!(letter, Letter::Exit(exit) if exit.from == from);
        match self.expect(wanted).await {
            Letter::Exit(exit) => exit,
            _ => unreachable!("only the one exit was wanted"),
        }
    }

    /// Waits for `silence`, and checks that nothing arrives: ExUnit's `refute_receive`.
    ///
    /// # Panics
    ///
    /// If a letter is there already, or arrives in that time.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped before it is ready: letters stay in the mailbox.
    #[doc(alias = "refute_receive")]
    pub async fn expect_none(&mut self, silence: Duration)
    where
        M: fmt::Debug,
    {
        if let Some(letter) = self.within(silence, |_| true).await {
            panic!("nothing was to arrive, but this did: {letter:?}");
        }
    }

    async fn within(&mut self, within: Duration, mut wanted: impl FnMut(&Letter<M>) -> bool) -> Option<Letter<M>> {
        let home = &self.process.head.home;
        let sleep = time::sleep_in(home, alarm::after(home, within));
        let letter = pin!(std::future::poll_fn(|cx| self.process.poll_letter(cx, &mut wanted)));
        match select(letter, sleep).await {
            Either::Left((letter, _)) => letter.ok(),
            Either::Right(_) => None,
        }
    }
}
