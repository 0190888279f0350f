//! Why a bucket was not changed.

use bytes::Bytes;
use genserver::CallError;

use crate::limits::LimitError;
use crate::operation::OperationError;
use crate::storage::StorageError;

/// Why a bucket was not changed, or may not have been.
///
/// # Examples
///
/// ```
/// use kv_core::{Bucket, WriteError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bucket = Bucket::start().await?;
/// bucket.stop().await?;
/// let error = bucket.put("milk", "1").await.unwrap_err();
/// assert!(matches!(error, WriteError::Call(_)));
/// assert!(
///     error
///         .to_string()
///         .ends_with("the request was not carried out; start it, or look it up again")
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The bucket did not answer. The error says whether it may have made the change all the same.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The storage failed. The bucket is unchanged.
    #[error("{0}; the bucket is as it was before")]
    Storage(#[from] StorageError),
    /// It would have gone over a limit of the store. The bucket is unchanged.
    #[error(transparent)]
    Limit(#[from] LimitError),
}

impl From<OperationError> for WriteError {
    fn from(error: OperationError) -> Self {
        match error {
            OperationError::Storage(error) => Self::Storage(error),
            OperationError::Limit(error) => Self::Limit(error),
        }
    }
}

/// Why a value was not replaced.
///
/// # Examples
///
/// ```
/// use kv_core::{Bucket, CompareAndSetError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bucket = Bucket::start().await?;
/// bucket.put("milk", "2").await?;
/// match bucket.compare_and_set("milk", Some("1".into()), Some("5".into())).await {
///     Err(CompareAndSetError::Differs { found }) => assert_eq!(found, Some("2".into())),
///     other => panic!("{other:?}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CompareAndSetError {
    /// The key has another value than expected. Nothing was changed.
    #[error("the key has another value than was expected, so nothing was changed; read it again and decide anew")]
    Differs {
        /// The current value.
        found: Option<Bytes>,
    },
    /// The bucket was not changed, or may not have been.
    #[error(transparent)]
    Write(#[from] WriteError),
}
