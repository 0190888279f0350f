//! The reference through which messages are sent to a probe.

use std::fmt;
use std::sync::Arc;

use super::recipient::Relayed;
use crate::client::cast::CastError;
use crate::client::recipient::Recipient;
use crate::node::any_process::{AnyProcess, ExitKind, Tied as _};
use crate::node::current;
use crate::node::process_ref::{AsProcess, ProcessRef};
use crate::process::Refused;
use crate::process::plain::Plain;
use crate::values::exit::Exit;
use crate::values::pid::Pid;
use crate::values::reason::Reason;

/// A reference through which messages are sent to a [`Probe`](crate::Probe).
///
/// # Examples
///
/// ```
/// # genserver_doc::run! {
/// use genserver::{Probe, ProbeRef};
///
/// async fn work(report_to: ProbeRef<u32>) {
///     let _ = report_to.send(6 * 7);
/// }
///
/// let mut probe = Probe::new();
/// tokio::spawn(work(probe.sender()));
/// assert_eq!(probe.expect_message().await, 42);
/// # }
/// ```
pub struct ProbeRef<M: Send + 'static> {
    process: Arc<Plain<M>>,
}

impl<M: Send + 'static> ProbeRef<M> {
    pub(crate) fn new(process: Arc<Plain<M>>) -> Self {
        Self { process }
    }

    /// The pid of the process.
    pub fn pid(&self) -> Pid {
        self.process.head.pid
    }

    /// Returns whether it takes messages: false once it has ended, or has been ordered to by an exit that it does not trap.
    #[doc(alias = "is_process_alive")]
    pub fn is_alive(&self) -> bool {
        self.process.is_alive()
    }

    /// Sends it a message.
    ///
    /// # Errors
    ///
    /// The message comes back if the process has ended, or its mailbox is full.
    #[doc(alias = "!")]
    pub fn send(&self, message: M) -> Result<(), CastError<M>> {
        self.process.send(message).map_err(|refused| self.refused(refused))
    }

    /// The probe as a recipient of `T`; `into` turns each into a message: see [`Recipient`].
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::{Letter, Probe};
    ///
    /// #[derive(Debug, PartialEq)]
    /// enum Heard {
    ///     Number(u8),
    ///     Text(String),
    /// }
    ///
    /// # genserver_doc::run! {
    /// let mut probe = Probe::new();
    /// let numbers = probe.sender().recipient(Heard::Number);
    /// let texts = probe.sender().recipient(Heard::Text);
    /// texts.send("a".to_owned())?;
    /// numbers.send(1)?;
    /// assert_eq!(probe.try_recv(), Some(Letter::Message(Heard::Text("a".to_owned()))));
    /// assert_eq!(probe.try_recv(), Some(Letter::Message(Heard::Number(1))));
    /// # }
    /// ```
    pub fn recipient<T: Send + 'static>(&self, into: impl Fn(T) -> M + Send + Sync + 'static) -> Recipient<T> {
        Recipient::taken_by(Relayed { probe: self.clone(), into })
    }

    fn refused<T>(&self, (refused, message): (Refused, T)) -> CastError<T> {
        let server = self.process.head.subject();
        match refused {
            Refused::Dead => CastError::NoProc { message, server },
            Refused::Full => CastError::Full { message, server },
        }
    }

    pub(crate) fn send_as<T>(&self, message: T, into: impl FnOnce(T) -> M) -> Result<(), CastError<T>> {
        self.process.send_as(message, into).map_err(|refused| self.refused(refused))
    }

    /// An untyped reference to the process.
    pub fn process_ref(&self) -> ProcessRef {
        ProcessRef::new(Arc::clone(&self.process) as Arc<dyn AnyProcess>)
    }

    /// Sends it an exit signal: see [`ServerRef::exit`](crate::ServerRef::exit).
    #[doc(alias = "exit/2")]
    pub fn exit(&self, reason: impl Into<Reason>) {
        self.process_ref().exit(reason);
    }

    /// Kills it: see [`ServerRef::kill`](crate::ServerRef::kill).
    pub fn kill(&self) {
        Arc::clone(&self.process).exit(Exit { from: current::sender(), reason: Reason::Kill }, ExitKind::Kill);
    }
}

impl<M: Send + 'static> Clone for ProbeRef<M> {
    fn clone(&self) -> Self {
        Self { process: Arc::clone(&self.process) }
    }
}

impl<M: Send + 'static> fmt::Debug for ProbeRef<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProbeRef({})", self.process.head.title())
    }
}

impl<M: Send + 'static> AsProcess for ProbeRef<M> {
    fn as_process(&self) -> Option<ProcessRef> {
        Some(self.process_ref())
    }
}
