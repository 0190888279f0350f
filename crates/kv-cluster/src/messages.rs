//! What members ask the owner of a bucket and are told, as it travels: the operations of kv-core, and their results.
//!
//! kv-core has no serde, so its types have mirrors here. The names of the variants and fields are the format: if one changes, or gets
//! another meaning, [`VERSION`] has to.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use kv_core::{
    AddOutcome, Compared, ExpireCondition, ExpireOutcome, Expiry, KeyPage, LimitError, Operation, OperationError,
    OperationResult, StorageError, StorageErrorKind, TimeToLive,
};
use serde::{Deserialize, Serialize};

/// The version of all messages of this crate.
pub(crate) const VERSION: u32 = 1;

/// Carries out operations in order, each with a result of its own. Answered with `None` if none of them was carried out, because the
/// server that was asked does not own the bucket any more.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Apply(pub(crate) Vec<SentOperation>);

/// What an owner answers to [`Apply`].
pub(crate) type Applied = Option<Vec<Result<SentResult, SentError>>>;

/// Removes the bucket. Answered with `None` as [`Apply`].
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Remove;

/// What an owner answers to [`Remove`].
pub(crate) type Removed = Option<Result<(), SentError>>;

/// Carries out all operations, or none if one is refused.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ApplyAll(pub(crate) Vec<SentOperation>);

/// What an owner answers to [`ApplyAll`]; `None` as [`Apply`].
pub(crate) type AppliedAll = Option<Result<Vec<SentResult>, SentError>>;

/// Sets or removes a key, if its value is the expected one.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct CompareAndSet {
    pub(crate) key: Bytes,
    pub(crate) expected: Option<Bytes>,
    pub(crate) new: Option<Bytes>,
}

/// What an owner answers to [`CompareAndSet`]; `None` as [`Apply`].
pub(crate) type CompareAndSetDone = Option<Result<SentCompared, SentError>>;

/// Asks a member to be the owner of the bucket with this name, if there is none.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Open {
    pub(crate) bucket: String,
    /// Whether the bucket is created if it is not there.
    pub(crate) creates: bool,
}

/// What a member answers to [`Open`]: that there is an owner, or why not.
pub(crate) type Opened = Result<(), NotOpened>;

/// Why a bucket has no owner.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum NotOpened {
    /// There is no such bucket.
    Absent,
    /// This text says it.
    Failed(String),
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SentCompared(#[serde(with = "ComparedMirror")] pub(crate) Compared);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Compared")]
enum ComparedMirror {
    Set,
    Differs { found: Option<Bytes> },
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SentOperation(#[serde(with = "OperationMirror")] pub(crate) Operation);

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SentResult(#[serde(with = "OperationResultMirror")] pub(crate) OperationResult);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Operation")]
enum OperationMirror {
    Get(Bytes),
    Put(Bytes, Bytes),
    Replace(Bytes, Bytes),
    PutNew(Bytes, Bytes),
    Add(Bytes, i64),
    Delete(Bytes),
    Keys(#[serde(with = "KeyPageMirror")] KeyPage),
    Entries(#[serde(with = "KeyPageMirror")] KeyPage),
    Len,
    Clear,
    Expire(Bytes, #[serde(with = "ExpiryMirror")] Expiry),
    ExpireIf(Bytes, #[serde(with = "ExpiryMirror")] Expiry, #[serde(with = "ExpireConditionMirror")] ExpireCondition),
    Persist(Bytes),
    TimeToLive(Bytes),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "OperationResult")]
enum OperationResultMirror {
    Value(Option<Bytes>),
    Put,
    Add(#[serde(with = "AddOutcomeMirror")] AddOutcome),
    Keys(Vec<Bytes>),
    Entries(Vec<(Bytes, Bytes)>),
    Len(usize),
    TimeToLive(#[serde(with = "TimeToLiveMirror")] TimeToLive),
    ExpireIf(#[serde(with = "ExpireOutcomeMirror")] ExpireOutcome),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "KeyPage")]
struct KeyPageMirror {
    after: Option<Bytes>,
    limit: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Expiry")]
enum ExpiryMirror {
    After(Duration),
    At(#[serde(with = "milliseconds")] SystemTime),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ExpireCondition")]
enum ExpireConditionMirror {
    Unlimited,
    Limited,
    Earlier,
    Later,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ExpireOutcome")]
enum ExpireOutcomeMirror {
    NoKey,
    Set,
    Kept,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AddOutcome")]
enum AddOutcomeMirror {
    Sum(i64),
    NotAnInteger,
    Overflow,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "TimeToLive")]
enum TimeToLiveMirror {
    NoKey,
    Unlimited,
    Left(Duration),
}

/// A date and time in milliseconds since 1970, rounded up, as a bucket keeps it. Times before 1970 are 1970.
mod milliseconds {
    use std::time::{Duration, SystemTime};

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(at: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
        let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        serializer.serialize_u64(u64::try_from(since.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
        let since = Duration::from_millis(u64::deserialize(deserializer)?);
        SystemTime::UNIX_EPOCH.checked_add(since).ok_or_else(|| D::Error::custom("a time that is too far away"))
    }
}

/// Why an operation was not carried out.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum SentError {
    /// The storage cannot make changes: its text, without the words for its kind.
    Failed(String),
    Retry(String),
    NotOwner(String),
    Unanswered(String),
    /// The limits of a store.
    Memory {
        max: usize,
    },
    Buckets {
        max: usize,
    },
    Value {
        bytes: usize,
        max: usize,
    },
    Key {
        bytes: usize,
        max: usize,
    },
}

impl From<StorageError> for SentError {
    fn from(error: StorageError) -> Self {
        let text = error.cause().to_string();
        match error.kind() {
            StorageErrorKind::Retry => Self::Retry(text),
            StorageErrorKind::NotOwner => Self::NotOwner(text),
            StorageErrorKind::Unanswered => Self::Unanswered(text),
            _ => Self::Failed(text),
        }
    }
}

impl From<OperationError> for SentError {
    fn from(error: OperationError) -> Self {
        match error {
            OperationError::Storage(error) => error.into(),
            OperationError::Limit(LimitError::Memory { max }) => Self::Memory { max },
            OperationError::Limit(LimitError::Buckets { max }) => Self::Buckets { max },
            OperationError::Limit(LimitError::Value { bytes, max }) => Self::Value { bytes, max },
            OperationError::Limit(LimitError::Key { bytes, max }) => Self::Key { bytes, max },
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<SentError> for OperationError {
    fn from(error: SentError) -> Self {
        match error {
            SentError::Failed(text) => StorageError::new(text).into(),
            SentError::Retry(text) => StorageError::retry(text).into(),
            SentError::NotOwner(text) => StorageError::not_owner(text).into(),
            SentError::Unanswered(text) => StorageError::unanswered(text).into(),
            SentError::Memory { max } => LimitError::Memory { max }.into(),
            SentError::Buckets { max } => LimitError::Buckets { max }.into(),
            SentError::Value { bytes, max } => LimitError::Value { bytes, max }.into(),
            SentError::Key { bytes, max } => LimitError::Key { bytes, max }.into(),
        }
    }
}
