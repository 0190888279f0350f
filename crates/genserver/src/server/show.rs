//! How a server is shown: its state and messages as it formats them, and nothing else.

use std::any::type_name;
use std::fmt;
use std::mem::discriminant;

use crate::server::GenServer;
use crate::values::pid::Pid;
use crate::values::reason::Panic;

/// Shown in place of the text of a formatter that panicked.
pub(crate) const NOT_SHOWN: &str = "not shown, because format_status panicked";

/// A message, as [`GenServer::format_message`] is given it.
///
/// It is `Debug` if the three message types are, so `Some(format!("{message:?}"))` shows everything.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
/// # use genserver::sys::Message;
/// # #[derive(Default)]
/// # struct Safe;
/// #[derive(Debug)]
/// enum Cast { Open { code: u32 }, Close }
///
/// # server! { Safe, Never, Cast, Never;
/// fn format_message(message: Message<'_, Self>) -> Option<String> {
///     Some(match message {
///         Message::Cast(Cast::Open { .. }) => "Open { code: *** }".to_owned(),
///         other => format!("{other:?}"),
///     })
/// }
/// # async fn handle_cast(&mut self, _cast: Cast, _cx: &mut Cx<Self>) -> Outcome<Self> { Next::wait() }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let safe = genserver::start::<Safe>(()).await?;
/// sys::log(&safe, 10).await?;
/// safe.cast(Cast::Open { code: 1234 })?;
/// safe.cast(Cast::Close)?;
/// let log = sys::get_log(&safe).await?.to_string();
/// assert!(log.contains("got cast Open { code: *** }") && log.contains("got cast Close"));
/// # Ok(())
/// # }
/// ```
pub enum Message<'a, S: GenServer> {
    /// A call.
    Call(&'a S::Call),
    /// A cast.
    Cast(&'a S::Cast),
    /// Anything else.
    Info(&'a S::Info),
}

// Derived, these would ask the messages for the same.
impl<S: GenServer> Clone for Message<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: GenServer> Copy for Message<'_, S> {}

impl<S: GenServer> Message<'_, S> {
    /// The message as the server formats it, or its type.
    pub(crate) fn show(self) -> String {
        let of_type = match self {
            Self::Call(_) => type_name::<S::Call>(),
            Self::Cast(_) => type_name::<S::Cast>(),
            Self::Info(_) => type_name::<S::Info>(),
        };
        match Panic::catch(|| S::format_message(self)) {
            Ok(Some(text)) => text,
            Ok(None) => of_type.to_owned(),
            Err(_) => "a message that is not shown, because format_message panicked".to_owned(),
        }
    }
}

impl<S: GenServer> Message<'_, S> {
    /// The message as the server formats it, or its type and the number of its variant: that tells two messages apart.
    pub(crate) fn show_variant(self) -> String {
        let (of_type, variant) = match self {
            Self::Call(call) => (type_name::<S::Call>(), format!("{:?}", discriminant(call))),
            Self::Cast(cast) => (type_name::<S::Cast>(), format!("{:?}", discriminant(cast))),
            Self::Info(info) => (type_name::<S::Info>(), format!("{:?}", discriminant(info))),
        };
        let text = self.show();
        // `Discriminant(1)` is the second.
        let number = variant.trim_matches(|letter: char| !letter.is_ascii_digit()).parse::<u64>();
        match number {
            Ok(number) if text == of_type => format!("{text}#{}", number + 1),
            _ => text,
        }
    }
}

/// Shows only the message: the place where it is printed says whether it is a call, a cast or an info.
impl<S: GenServer> fmt::Debug for Message<'_, S>
where
    S::Call: fmt::Debug,
    S::Cast: fmt::Debug,
    S::Info: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(call) => call.fmt(f),
            Self::Cast(cast) => cast.fmt(f),
            Self::Info(info) => info.fmt(f),
        }
    }
}

/// What is about to be shown of a server: [`GenServer::format_status`] may rewrite all of it.
///
/// Reports and [`get_status`](crate::sys::get_status) show this and nothing else of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shown {
    /// The state. It is set to the type's name, because a state need not be `Debug`.
    pub state: String,
    /// The last message, in a report: as [`GenServer::format_message`] shows it while a log or a trace is on, otherwise its
    /// type.
    pub message: Option<String>,
    /// The reason why the server ended, in a report.
    pub reason: Option<String>,
    /// The events of the log, oldest first, if the log is on.
    pub log: Vec<String>,
    /// Parts of the state that a tool lists one by one, each with a name: the handlers of an event manager, for instance. It is
    /// empty unless the server fills it.
    pub details: Vec<(String, String)>,
}

impl Shown {
    /// Shows the state as `Debug` prints it, or another value in its place.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver::{Cx, GenServer, Init, Never};
    /// use genserver::sys::{self, Shown};
    ///
    /// #[derive(Debug)]
    /// struct Account { owner: &'static str, secret: &'static str }
    ///
    /// impl GenServer for Account {
    ///     # type Args = ();
    ///     # type Call = Never;
    ///     # type Cast = Never;
    ///     # type Info = Never;
    ///     # async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
    ///     #     Init::Run(Account { owner: "Ann", secret: "1234" })
    ///     # }
    ///     // ...
    ///     fn format_status(&self, shown: &mut Shown) {
    ///         shown.set_state(&Account { secret: "***", ..*self });
    ///     }
    /// }
    ///
    /// # genserver_doc::run! {
    /// let account = genserver::start::<Account>(()).await?;
    /// let status = sys::get_status(&account).await?;
    /// assert_eq!(status.state, r#"Account { owner: "Ann", secret: "***" }"#);
    /// # }
    /// ```
    pub fn set_state(&mut self, state: &dyn fmt::Debug) {
        self.state = format!("{state:?}");
    }

    /// Lets the server rewrite this. If that panics, only the reason is shown.
    pub(crate) fn format<S: GenServer>(self, server: Option<&S>) -> Self {
        let Some(server) = server else { return self };
        let mut shown = Self { state: type_name::<S>().to_owned(), ..self.clone() };
        match Panic::catch(|| server.format_status(&mut shown)) {
            Ok(()) => shown,
            Err(_) => Self {
                state: NOT_SHOWN.to_owned(),
                message: self.message.map(|_| NOT_SHOWN.to_owned()),
                reason: self.reason,
                log: if self.log.is_empty() { Vec::new() } else { vec![NOT_SHOWN.to_owned()] },
                details: Vec::new(),
            },
        }
    }
}

/// The status of a server, as [`get_status`](crate::sys::get_status) returns it.
///
/// [`Display`](fmt::Display) prints it as text, one line per field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
#[doc(alias = "get_status")]
pub struct Status {
    /// The pid of the process.
    pub pid: Pid,
    /// Its name.
    pub name: Option<String>,
    /// Its label.
    pub label: Option<String>,
    /// The type of the server.
    pub server: &'static str,
    /// Whether it is suspended. If not, it is running.
    pub suspended: bool,
    /// The process whose exit is an order to stop.
    pub parent: Option<Pid>,
    /// How many calls, casts and infos are waiting, including those that a suspended server holds back.
    pub mailbox: usize,
    /// The processes it is linked to.
    pub links: Vec<Pid>,
    /// Its last events, oldest first, if the log is on.
    pub log: Vec<String>,
    /// Its state, as its [`format_status`](GenServer::format_status) shows it.
    pub state: String,
    /// Parts of its state, each with a name, if its [`format_status`](GenServer::format_status) shows some.
    pub details: Vec<(String, String)>,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Status of {}", self.pid)?;
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        if let Some(label) = &self.label {
            write!(f, "\n  label: {label}")?;
        }
        write!(f, "\n  server: {}", self.server)?;
        write!(f, "\n  status: {}", if self.suspended { "suspended" } else { "running" })?;
        if let Some(parent) = self.parent {
            write!(f, "\n  parent: {parent}")?;
        }
        write!(f, "\n  mailbox: {}", self.mailbox)?;
        if !self.links.is_empty() {
            let links: Vec<String> = self.links.iter().map(ToString::to_string).collect();
            write!(f, "\n  links: {}", links.join(", "))?;
        }
        self.log.iter().try_for_each(|event| write!(f, "\n  event: {event}"))?;
        write!(f, "\n  state: {}", self.state)?;
        self.details.iter().try_for_each(|(name, text)| write!(f, "\n  {name}: {text}"))
    }
}
