//! Why a process ended.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::sync::barrier::drop_caught;
use crate::values::panic_place;

/// Why a process ended, or is asked to end.
///
/// The variants are OTP's own reasons. Any other reason of a program is a [`Term`], an error or a panic, and
/// [`downcast_ref`](Reason::downcast_ref) takes it out again. A reason is cheap to clone: it goes to every link,
/// monitor and waiting caller.
///
/// [`is_normal_set`](Reason::is_normal_set) decides whether an end is reported and whether a transient child is
/// restarted; nothing in this crate looks at the variants for that.
///
/// Every error converts into a reason, so `?` works in a callback and stops the server with that error. To make that
/// possible, `Reason` itself does not implement [`Error`].
///
/// # Examples
///
/// ```
/// use genserver::Reason;
///
/// let reason = Reason::term("out of paper");
/// assert_eq!(reason.to_string(), "out of paper");
/// assert!(!reason.is_normal_set());
///
/// let reason: Reason = "x".parse::<i32>().unwrap_err().into();
/// assert!(reason.downcast_ref::<std::num::ParseIntError>().is_some());
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Reason {
    /// The process finished its work. Not reported; a link does not carry it to a process that does not trap exits.
    Normal,
    /// An orderly stop, usually from a supervisor. Not reported.
    Shutdown,
    /// An orderly stop that carries a value, OTP's `{shutdown, Term}`. Not reported.
    ShutdownWith(Term),
    /// The process stopped itself with the reason `kill`. Over links it can be trapped like any other reason.
    Kill,
    /// The process was killed from outside. No callback ran.
    Killed,
    /// There is no such process: it had ended already, or never existed.
    #[doc(alias = "noproc")]
    NoProc,
    /// The machine of the process cannot be reached, or this one cannot reach the others. The process may still run there. It
    /// comes from libraries that look at processes of other machines; nothing in this crate ends with it.
    #[doc(alias = "noconnection")]
    NoConnection,
    /// The runtime that the process ran on was shut down.
    RuntimeGone,
    /// Its mailbox overflowed, and it was started with [`Overflow::Stop`](crate::Overflow::Stop).
    Overloaded,
    /// A call arrived that the server cannot take. OTP's servers end with it; here a server returns it by itself.
    #[doc(alias = "bad_call")]
    BadCall,
    /// A cast arrived that the server cannot take, as [`BadCall`](Self::BadCall).
    #[doc(alias = "bad_cast")]
    BadCast,
    /// Any other value.
    Term(Term),
    /// An error, usually from a callback that returned it with `?`.
    Error(Failure),
    /// A callback panicked.
    Panic(Panic),
}

impl Reason {
    /// Makes a reason of any value: OTP's "any term".
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::Reason;
    ///
    /// #[derive(Debug, PartialEq)]
    /// struct OutOfPaper { tray: u8 }
    ///
    /// let reason = Reason::term(OutOfPaper { tray: 2 });
    /// assert_eq!(reason.downcast_ref::<OutOfPaper>().map(|out| out.tray), Some(2));
    /// ```
    pub fn term<T: fmt::Debug + PartialEq + Send + Sync + 'static>(value: T) -> Self {
        Self::Term(Term::new(value))
    }

    /// Makes an orderly stop that carries a value, OTP's `{shutdown, Term}`.
    pub fn shutdown_with<T: fmt::Debug + PartialEq + Send + Sync + 'static>(value: T) -> Self {
        Self::ShutdownWith(Term::new(value))
    }

    /// Returns whether this is one of OTP's quiet reasons: `normal`, `shutdown` or `{shutdown, _}`.
    ///
    /// A process that ends with one of them is not reported, and a transient child is not restarted.
    pub fn is_normal_set(&self) -> bool {
        matches!(self, Self::Normal | Self::Shutdown | Self::ShutdownWith(_))
    }

    /// The value inside, if it is a `T`: that of a term, an orderly stop with a value, an error or a panic.
    pub fn downcast_ref<T: Any>(&self) -> Option<&T> {
        match self {
            Self::Term(term) | Self::ShutdownWith(term) => term.downcast_ref(),
            Self::Error(failure) => (*failure.0).as_any().downcast_ref(),
            Self::Panic(panic) => (panic as &dyn Any).downcast_ref(),
            _ => None,
        }
    }

    /// Makes the reason of a panic that [`std::panic::catch_unwind`] has caught, for code that runs foreign code.
    ///
    /// The payload is dropped. If that panics too, the second panic is caught.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::Reason;
    ///
    /// let payload = std::panic::catch_unwind(|| panic!("out of paper")).unwrap_err();
    /// assert_eq!(Reason::caught(payload).to_string(), "panicked: out of paper");
    /// ```
    pub fn caught(payload: Box<dyn Any + Send>) -> Self {
        let reason = Self::panic(&*payload);
        drop_caught(payload);
        reason
    }

    /// The variant in lower case: one of a few, whatever the program's own reasons are.
    #[cfg(any(feature = "metrics", feature = "serde"))]
    pub(crate) fn kind(&self) -> &'static str {
        Self::KINDS[self.kind_number()]
    }

    /// Every [`kind`](Self::kind).
    #[cfg(any(feature = "metrics", feature = "serde"))]
    pub(crate) const KINDS: [&'static str; 13] = [
        "normal",
        "shutdown",
        "kill",
        "killed",
        "no_proc",
        "no_connection",
        "runtime_gone",
        "overloaded",
        "bad_call",
        "bad_cast",
        "term",
        "error",
        "panic",
    ];

    /// The place of its kind in [`KINDS`](Self::KINDS).
    #[cfg(any(feature = "metrics", feature = "serde"))]
    pub(crate) fn kind_number(&self) -> usize {
        match self {
            Self::Normal => 0,
            Self::Shutdown | Self::ShutdownWith(_) => 1,
            Self::Kill => 2,
            Self::Killed => 3,
            Self::NoProc => 4,
            Self::NoConnection => 5,
            Self::RuntimeGone => 6,
            Self::Overloaded => 7,
            Self::BadCall => 8,
            Self::BadCast => 9,
            Self::Term(_) => 10,
            Self::Error(_) => 11,
            Self::Panic(_) => 12,
        }
    }

    pub(crate) fn panic(payload: &(dyn Any + Send)) -> Self {
        Self::Panic(Panic::new(payload))
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Reason {
    fn from(error: E) -> Self {
        Self::Error(Failure(Arc::new(error)))
    }
}

/// Two reasons are equal if they are the same variant with equal content.
///
/// Errors and panics cannot be compared by value. An error equals another of the same type that prints the same; a panic
/// equals another with the same message.
impl PartialEq for Reason {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::ShutdownWith(left), Self::ShutdownWith(right)) | (Self::Term(left), Self::Term(right)) => {
                left == right
            }
            (Self::Error(left), Self::Error(right)) => left == right,
            (Self::Panic(left), Self::Panic(right)) => left.message() == right.message(),
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::ShutdownWith(term) => write!(f, "shutdown: {term}"),
            Self::Kill => f.write_str("kill"),
            Self::Killed => f.write_str("killed"),
            Self::NoProc => f.write_str("no such process"),
            Self::NoConnection => f.write_str("no connection to its machine"),
            Self::RuntimeGone => f.write_str("its runtime was shut down"),
            Self::Overloaded => f.write_str("overloaded: its mailbox overflowed"),
            Self::BadCall => f.write_str("bad call: no callback takes it"),
            Self::BadCast => f.write_str("bad cast: no callback takes it"),
            Self::Term(term) => term.fmt(f),
            Self::Error(failure) => failure.fmt(f),
            Self::Panic(panic) => write!(f, "panicked: {}", panic.message()),
        }
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShutdownWith(term) => f.debug_tuple("ShutdownWith").field(term).finish(),
            Self::Term(term) => f.debug_tuple("Term").field(term).finish(),
            Self::Error(failure) => f.debug_tuple("Error").field(failure).finish(),
            Self::Panic(panic) => f.debug_tuple("Panic").field(&panic.message()).finish(),
            Self::Normal => f.write_str("Normal"),
            Self::Shutdown => f.write_str("Shutdown"),
            Self::Kill => f.write_str("Kill"),
            Self::Killed => f.write_str("Killed"),
            Self::NoProc => f.write_str("NoProc"),
            Self::NoConnection => f.write_str("NoConnection"),
            Self::RuntimeGone => f.write_str("RuntimeGone"),
            Self::Overloaded => f.write_str("Overloaded"),
            Self::BadCall => f.write_str("BadCall"),
            Self::BadCast => f.write_str("BadCast"),
        }
    }
}

/// Any value, as part of a [`Reason`]: printed with its `Debug`, compared with its `PartialEq`, downcast by type.
#[derive(Clone)]
pub struct Term(Arc<dyn Value>);

impl Term {
    /// Wraps a value.
    pub fn new<T: fmt::Debug + PartialEq + Send + Sync + 'static>(value: T) -> Self {
        Self(Arc::new(value))
    }

    /// Returns the value, if it is a `T`.
    pub fn downcast_ref<T: Any>(&self) -> Option<&T> {
        (*self.0).as_any().downcast_ref()
    }
}

impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        (*self.0).equals((*other.0).as_any())
    }
}

/// Text is printed as it is, everything else as `Debug` prints it.
impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.downcast_ref::<&str>() {
            f.write_str(text)
        } else if let Some(text) = self.downcast_ref::<String>() {
            f.write_str(text)
        } else {
            self.0.fmt(f)
        }
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a [`Term`] can hold.
trait Value: fmt::Debug + Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn equals(&self, other: &dyn Any) -> bool;
}

impl<T: fmt::Debug + PartialEq + Send + Sync + 'static> Value for T {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<T>().is_some_and(|other| self == other)
    }
}

/// An error, as part of a [`Reason`].
#[derive(Clone)]
pub struct Failure(Arc<dyn AnyError>);

impl Failure {
    /// The error itself, with its chain of sources.
    pub fn error(&self) -> &(dyn Error + Send + Sync + 'static) {
        (*self.0).as_error()
    }
}

impl PartialEq for Failure {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || ((*self.0).as_any().type_id() == (*other.0).as_any().type_id()
                && self.0.to_string() == other.0.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An error that can also be seen as `Any`, so that every kind of reason is downcast in the same way.
trait AnyError: Error + Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static);
}

impl<E: Error + Send + Sync + 'static> AnyError for E {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self
    }
}

/// The message of a panic, as part of a [`Reason`].
///
/// The place of the panic is known only when [`report::capture_panics`](crate::report::capture_panics) was called.
///
/// # Examples
///
/// ```
/// # use genserver_doc::fragile::*;
/// # genserver_doc::run! {
/// let fragile = genserver::start::<Fragile>(()).await?;
/// let ended = fragile.ended();
/// fragile.cast("the handle")?;
/// let Reason::Panic(panic) = ended.await else { unreachable!() };
/// assert_eq!(panic.message(), "the handle broke");
/// # }
/// ```
#[derive(Clone)]
pub struct Panic(Arc<PanicParts>);

struct PanicParts {
    message: String,
    location: Option<String>,
    backtrace: Option<String>,
}

impl Panic {
    /// Runs user code and catches its panic. The payload is dropped behind the barrier too, because dropping it may panic.
    pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Result<T, Self> {
        catch_unwind(AssertUnwindSafe(run)).map_err(|payload| {
            let panic = Self::new(&*payload);
            drop_caught(payload);
            panic
        })
    }

    pub(crate) fn new(payload: &(dyn Any + Send)) -> Self {
        let message = if let Some(text) = payload.downcast_ref::<&str>() {
            (*text).to_owned()
        } else if let Some(text) = payload.downcast_ref::<String>() {
            text.clone()
        } else {
            "a value that is not text".to_owned()
        };
        let place = panic_place::take(payload);
        Self(Arc::new(PanicParts {
            message,
            location: place.as_ref().map(|place| place.location.clone()),
            backtrace: place.and_then(|place| place.backtrace),
        }))
    }

    /// A panic of another program, of which only the message is known here: for libraries that bring reasons from other machines.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::{Panic, Reason};
    ///
    /// let reason = Reason::Panic(Panic::from_message("out of paper"));
    /// assert_eq!(reason.to_string(), "panicked: out of paper");
    /// ```
    pub fn from_message(message: impl Into<String>) -> Self {
        Self(Arc::new(PanicParts { message: message.into(), location: None, backtrace: None }))
    }

    /// The message that was passed to `panic!`.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// File, line and column, if panics are captured.
    pub fn location(&self) -> Option<&str> {
        self.0.location.as_deref()
    }

    /// The backtrace, if panics are captured and `RUST_BACKTRACE` asks for one.
    pub fn backtrace(&self) -> Option<&str> {
        self.0.backtrace.as_deref()
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panic")
            .field("message", &self.message())
            .field("location", &self.location())
            .finish_non_exhaustive()
    }
}
