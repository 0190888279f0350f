//! The error of a storage: what failed, and whether it helps to try again.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The error of a storage.
///
/// # Examples
///
/// ```
/// use kv_core::{StorageError, StorageErrorKind};
///
/// let full = StorageError::new(std::io::Error::other("no space left on the disk"));
/// assert_eq!(full.to_string(), "the storage failed: no space left on the disk");
/// assert_eq!(full.kind(), StorageErrorKind::Failed);
/// ```
#[derive(Clone, Debug)]
pub struct StorageError {
    kind: StorageErrorKind,
    cause: Arc<dyn Error + Send + Sync>,
}

/// What an error of a storage means for its bucket.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum StorageErrorKind {
    /// The storage failed. A person has to do what the error says.
    Failed,
    /// The storage cannot do it now, and may a moment later: the same request may be sent again.
    Retry,
    /// Another bucket of this name was loaded after this one, so this one may not change anything any more. It loads its
    /// entries again, or ends if it cannot.
    NotOwner,
    /// Nobody knows whether the storage has made the changes, or will. The clients get no answer, and the bucket loads its entries
    /// again.
    Unanswered,
}

impl StorageError {
    /// Wraps an error or a text. It should say what failed and what to do.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: StorageErrorKind::Failed, cause: error.into().into() }
    }

    /// An error that passes by itself: the same request may be sent again.
    pub fn retry(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: StorageErrorKind::Retry, ..Self::new(error) }
    }

    /// The answer to a [`Fence`](crate::Fence) that is not the last one.
    pub fn not_owner(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: StorageErrorKind::NotOwner, ..Self::new(error) }
    }

    /// The storage has not answered, and the changes may be durable or not. An error of any other kind says that they are not.
    pub fn unanswered(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: StorageErrorKind::Unanswered, ..Self::new(error) }
    }

    /// What the error means.
    pub fn kind(&self) -> StorageErrorKind {
        self.kind
    }

    /// The wrapped error.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::StorageError;
    ///
    /// let full = StorageError::new(std::io::Error::from(std::io::ErrorKind::StorageFull));
    /// assert!(full.cause().downcast_ref::<std::io::Error>().is_some());
    /// ```
    pub fn cause(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.cause
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            StorageErrorKind::Failed => "the storage failed",
            StorageErrorKind::Retry => "the storage cannot do it now; try again",
            StorageErrorKind::NotOwner => "the bucket does not own its entries any more",
            StorageErrorKind::Unanswered => "the storage did not answer",
        };
        write!(f, "{what}: {}", self.cause)
    }
}

impl Error for StorageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}

/// Two errors are equal if they are clones of the same error.
impl PartialEq for StorageError {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.cause, &other.cause)
    }
}
