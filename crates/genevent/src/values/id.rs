//! The ids of handlers: a type, or a type and an id.

use std::any::{TypeId, type_name};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Tells handlers of one type apart: a text or a number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum InstanceId {
    /// A number.
    Number(u64),
    /// A text.
    Text(Cow<'static, str>),
}

impl From<&'static str> for InstanceId {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for InstanceId {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<u64> for InstanceId {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// Identifies a handler within its manager: OTP's `Module` or `{Module, Id}`. A manager has at most one handler for each.
///
/// A type alone and the same type with an id are different handlers.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HandlerId {
    kind: Kind,
    id: Option<InstanceId>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Handler(TypeId, &'static str),
    Stream(&'static str),
}

impl HandlerId {
    /// The stream with this number, of events of type `E`.
    pub(crate) fn stream<E>(number: u64) -> Self {
        Self { kind: Kind::Stream(type_name::<E>()), id: Some(InstanceId::Number(number)) }
    }

    /// Whether it is a handler of type `H`.
    pub fn is<H: 'static>(&self) -> bool {
        matches!(self.kind, Kind::Handler(of, _) if of == TypeId::of::<H>())
    }

    /// Whether it is a [stream](crate::Manager::stream).
    pub fn is_stream(&self) -> bool {
        matches!(self.kind, Kind::Stream(_))
    }

    /// The name of the handler's type; of a stream, that of its events.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Handler(_, name) | Kind::Stream(name) => name,
        }
    }

    /// The id besides the type, if there is one.
    pub fn id(&self) -> Option<&InstanceId> {
        self.id.as_ref()
    }
}

impl fmt::Display for HandlerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Handler(_, name) => f.write_str(name)?,
            Kind::Stream(name) => write!(f, "stream of {name}")?,
        }
        self.id.iter().try_for_each(|id| write!(f, " {id}"))
    }
}

impl fmt::Debug for HandlerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HandlerId({self})")
    }
}

/// Refers to a handler of type `H` within its manager: [`add_handler`](crate::Manager::add_handler) returns it, and every
/// request about a handler takes it.
///
/// It names the handler and is not tied to one instance of it. So it can be made without adding the handler, and it neither
/// keeps the handler nor removes it.
pub struct HandlerRef<H> {
    id: Option<InstanceId>,
    of: PhantomData<fn() -> H>,
}

impl<H: 'static> HandlerRef<H> {
    /// The handler that was added without an id.
    ///
    /// # Examples
    ///
    /// Calling a handler that another part of the program has added:
    ///
    /// ```
    ///
    /// use genevent::{HandlerRef, LoggerHandler, Manager, LoggedMessages};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::<String>::start().await?;
    /// manager.add_handler(LoggerHandler::new()).await?;
    ///
    /// let logger = HandlerRef::<LoggerHandler>::new();
    /// assert!(manager.call(&logger, LoggedMessages).await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn new() -> Self {
        Self { id: None, of: PhantomData }
    }

    /// The handler that was added with this id.
    ///
    /// # Examples
    ///
    /// ```
    /// use genevent::{HandlerRef, LoggerHandler, Manager};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = Manager::<String>::start().await?;
    /// manager.add_handler(LoggerHandler::new()).id("audit").await?;
    ///
    /// assert!(manager.remove_handler(&HandlerRef::<LoggerHandler>::new()).await.is_err());
    /// manager.remove_handler(&HandlerRef::<LoggerHandler>::with_id("audit")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_id(id: impl Into<InstanceId>) -> Self {
        Self { id: Some(id.into()), of: PhantomData }
    }

    /// The id without the type parameter.
    pub fn id(&self) -> HandlerId {
        self.clone().into_id()
    }

    pub(crate) fn into_id(self) -> HandlerId {
        HandlerId { kind: Kind::Handler(TypeId::of::<H>(), type_name::<H>()), id: self.id }
    }
}

impl<H: 'static> Default for HandlerRef<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H: 'static> From<HandlerRef<H>> for HandlerId {
    fn from(handler: HandlerRef<H>) -> Self {
        handler.into_id()
    }
}

impl<H> Clone for HandlerRef<H> {
    fn clone(&self) -> Self {
        Self { id: self.id.clone(), of: PhantomData }
    }
}

impl<H> PartialEq for HandlerRef<H> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<H> Eq for HandlerRef<H> {}

impl<H: 'static> fmt::Debug for HandlerRef<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HandlerRef({})", self.id())
    }
}
