//! What can go wrong when a process registers or updates, and what comes back.

use std::error::Error;
use std::fmt;

use crate::ProcessRef;

/// Why a key of a unique registry was not taken. Key and value come back.
///
/// # Examples
///
/// ```
/// use genserver::Probe;
/// use genserver::registry::{RegisterUniqueError, Registry};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rooms = Registry::unique();
/// let (alice, bob) = (Probe::<()>::new(), Probe::<()>::new());
/// let early = rooms.of(&alice).register("lobby", 7);
/// assert!(matches!(early, Err(RegisterUniqueError::NotRunning { .. })));
///
/// rooms.start().await?;
/// rooms.of(&alice).register("lobby", 7)?;
/// match rooms.of(&bob).register("lobby", 8) {
///     Err(RegisterUniqueError::AlreadyRegistered { holder, .. }) => assert_eq!(holder, alice.process_ref()),
///     other => panic!("{other:?}"),
/// }
/// let nobody = rooms.register("garden", 9);
/// assert!(matches!(nobody, Err(RegisterUniqueError::NoProcess { key: "garden", value: 9 })));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterUniqueError<K, V> {
    /// A process holds the key: another one, or the same that asks for it again.
    AlreadyRegistered {
        /// The key.
        key: K,
        /// The value that was to stand beside it.
        value: V,
        /// Who holds the key.
        holder: ProcessRef,
    },
    /// There is no process to hold it: the caller is plain code, or the process has ended.
    NoProcess {
        /// The key.
        key: K,
        /// The value that was to stand beside it.
        value: V,
    },
    /// The registry has not been started, or has ended: nobody would notice the end of whoever holds the key.
    NotRunning {
        /// The key.
        key: K,
        /// The value that was to stand beside it.
        value: V,
    },
}

/// Why an entry was not added to a duplicate registry. Key and value come back.
///
/// # Examples
///
/// ```
/// use genserver::registry::{RegisterDuplicateError, Registry};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let topics = Registry::duplicate();
/// topics.start().await?;
/// let refused = topics.register("news", "daily").expect_err("plain code is no process");
/// assert!(matches!(refused, RegisterDuplicateError::NoProcess { .. }));
/// assert_eq!(refused.into_inner(), ("news", "daily"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterDuplicateError<K, V> {
    /// There is no process to hold it: the caller is plain code, or the process has ended.
    NoProcess {
        /// The key.
        key: K,
        /// The value that was to stand beside it.
        value: V,
    },
    /// The registry has not been started, or has ended: nobody would notice the end of whoever holds the key.
    NotRunning {
        /// The key.
        key: K,
        /// The value that was to stand beside it.
        value: V,
    },
}

/// Why a value was not replaced.
///
/// # Examples
///
/// ```
/// use genserver::Probe;
/// use genserver::registry::{Registry, UpdateError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rooms = Registry::unique();
/// rooms.start().await?;
/// let (alice, bob) = (Probe::<()>::new(), Probe::<()>::new());
/// rooms.of(&alice).register("lobby", 1)?;
///
/// let not_his = rooms.of(&bob).update_value("lobby", |guests| guests + 1).unwrap_err();
/// assert_eq!(not_his, UpdateError::NotOwned { holder: alice.process_ref() });
/// let unknown = rooms.of(&bob).update_value("garden", |guests| guests + 1).unwrap_err();
/// assert_eq!(unknown, UpdateError::NotRegistered);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum UpdateError {
    /// Nobody holds the key.
    NotRegistered,
    /// Another process holds it; each updates only its own.
    NotOwned {
        /// Who holds the key.
        holder: ProcessRef,
    },
}

const NO_PROCESS: &str = "there is no living process to hold the key; call it in a process, or name one with `of`";
const NOT_RUNNING: &str = "the registry is not running; start it first";

/// A process for a person: its name if it has one, and its pid.
fn title(process: &ProcessRef) -> String {
    match process.name() {
        Some(name) => format!("{name} {}", process.pid()),
        None => process.pid().to_string(),
    }
}

impl<K, V> RegisterUniqueError<K, V> {
    /// Key and value, as they were to be registered.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::registry::Registry;
    ///
    /// let rooms = Registry::unique();
    /// let refused = rooms.register("lobby", 7).unwrap_err();
    /// assert_eq!(refused.into_inner(), ("lobby", 7));
    /// ```
    pub fn into_inner(self) -> (K, V) {
        match self {
            Self::AlreadyRegistered { key, value, .. }
            | Self::NoProcess { key, value }
            | Self::NotRunning { key, value } => (key, value),
        }
    }

    /// Who holds the key, if that was why.
    pub fn holder(&self) -> Option<&ProcessRef> {
        match self {
            Self::AlreadyRegistered { holder, .. } => Some(holder),
            Self::NoProcess { .. } | Self::NotRunning { .. } => None,
        }
    }
}

impl<K, V> RegisterDuplicateError<K, V> {
    /// Key and value, as they were to be registered.
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
                f.write_str("nobody holds the key, so there is no value to update; register it first")
            }
            Self::NotOwned { holder } => {
                write!(f, "process {} holds the key, and only that can update its value; ask it to", title(holder))
            }
        }
    }
}

/// Written by hand, so that keys and values need not be `Debug` to be given back.
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
