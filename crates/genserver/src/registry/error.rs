//! The errors of registering and updating; key and value come back in them.

use std::error::Error;
use std::fmt;

use crate::ProcessRef;

/// The error of a key that was not taken in a unique registry. Key and value come back.
///
/// # Examples
///
/// ```
/// use genserver::Probe;
/// use genserver::registry::{RegisterUniqueError, Registry};
///
/// # genserver_doc::run! {
/// let rooms = Registry::unique();
/// let (alice, bob) = (Probe::<()>::new(), Probe::<()>::new());
/// let early = rooms.of(&alice).register("lobby", 7);
/// assert!(matches!(early, Err(RegisterUniqueError::NotRunning { .. })));
///
/// rooms.start().await?;
/// rooms.of(&alice).register("lobby", 7)?;
/// match rooms.of(&bob).register("lobby", 8) {
///     Err(RegisterUniqueError::AlreadyRegistered { holder, .. }) => {
///         assert_eq!(holder, alice.process_ref());
///     }
///     other => panic!("{other:?}"),
/// }
/// let nobody = rooms.register("garden", 9);
/// assert!(matches!(nobody, Err(RegisterUniqueError::NoProcess { key: "garden", value: 9 })));
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterUniqueError<K, V> {
    /// A process holds the key: another one, or the caller itself.
    AlreadyRegistered {
        /// The key.
        key: K,
        /// The value for it.
        value: V,
        /// The process that holds the key.
        holder: ProcessRef,
    },
    /// There is no process to hold it: the caller is plain code, or the process has ended.
    NoProcess {
        /// The key.
        key: K,
        /// The value for it.
        value: V,
    },
    /// The registry has not been started, or has ended, so nothing would notice the end of the holder.
    NotRunning {
        /// The key.
        key: K,
        /// The value for it.
        value: V,
    },
}

/// The error of an entry that was not added to a duplicate registry. Key and value come back.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterDuplicateError<K, V> {
    /// There is no process to hold it: the caller is plain code, or the process has ended.
    NoProcess {
        /// The key.
        key: K,
        /// The value for it.
        value: V,
    },
    /// The registry has not been started, or has ended, so nothing would notice the end of the holder.
    NotRunning {
        /// The key.
        key: K,
        /// The value for it.
        value: V,
    },
}

/// The error of a value that was not replaced.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum UpdateError {
    /// No process holds the key.
    NotRegistered,
    /// Another process holds it; a process may update only its own values.
    NotOwned {
        /// The process that holds the key.
        holder: ProcessRef,
    },
}

const NO_PROCESS: &str = "there is no living process to hold the key; call it in a process, or name one with `of`";
const NOT_RUNNING: &str = "the registry is not running; start it first";

/// A process as text for people: its name if it has one, and its pid.
fn title(process: &ProcessRef) -> String {
    match process.name() {
        Some(name) => format!("{name} {}", process.pid()),
        None => process.pid().to_string(),
    }
}

impl<K, V> RegisterUniqueError<K, V> {
    /// Returns key and value, as they were passed to `register`.
    pub fn into_inner(self) -> (K, V) {
        match self {
            Self::AlreadyRegistered { key, value, .. }
            | Self::NoProcess { key, value }
            | Self::NotRunning { key, value } => (key, value),
        }
    }

    /// The process that holds the key, if that was the reason.
    pub fn holder(&self) -> Option<&ProcessRef> {
        match self {
            Self::AlreadyRegistered { holder, .. } => Some(holder),
            Self::NoProcess { .. } | Self::NotRunning { .. } => None,
        }
    }
}

impl<K, V> RegisterDuplicateError<K, V> {
    /// Returns key and value, as they were passed to `register`.
    pub fn into_inner(self) -> (K, V) {
        match self {
            Self::NoProcess { key, value } | Self::NotRunning { key, value } => (key, value),
        }
    }
}

impl<K, V> fmt::Display for RegisterUniqueError<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyRegistered { holder, .. } => {
                write!(f, "process {} holds the key; use that one, or choose another key", title(holder))
            }
            Self::NoProcess { .. } => f.write_str(NO_PROCESS),
            Self::NotRunning { .. } => f.write_str(NOT_RUNNING),
        }
    }
}

impl<K, V> fmt::Display for RegisterDuplicateError<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProcess { .. } => NO_PROCESS,
            Self::NotRunning { .. } => NOT_RUNNING,
        })
    }
}

impl fmt::Display for UpdateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRegistered => {
                f.write_str("no process holds the key, so there is no value to update; register it first")
            }
            Self::NotOwned { holder } => {
                write!(f, "process {} holds the key, and only that can update its value; ask it to", title(holder))
            }
        }
    }
}

/// Written by hand, so that a key or a value without `Debug` can be given back.
impl<K, V> fmt::Debug for RegisterUniqueError<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyRegistered { holder, .. } => {
                f.debug_struct("AlreadyRegistered").field("holder", holder).finish_non_exhaustive()
            }
            Self::NoProcess { .. } => f.write_str("NoProcess { .. }"),
            Self::NotRunning { .. } => f.write_str("NotRunning { .. }"),
        }
    }
}

impl<K, V> fmt::Debug for RegisterDuplicateError<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProcess { .. } => "NoProcess { .. }",
            Self::NotRunning { .. } => "NotRunning { .. }",
        })
    }
}

impl<K, V> Error for RegisterUniqueError<K, V> {}
impl<K, V> Error for RegisterDuplicateError<K, V> {}
impl Error for UpdateError {}
