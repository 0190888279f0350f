//! The names of buckets: which texts are valid, and how they are shared.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// The most bytes that a name may have.
pub const NAME_MAX: usize = 255;

/// The name of a bucket: UTF-8, of 1 to 255 bytes.
///
/// It is made from a user's input, is cheap to clone, and costs nothing once it is dropped.
///
/// # Examples
///
/// ```
/// use kv_core::{BucketName, NameError};
///
/// let name: BucketName = "shopping".parse()?;
/// assert_eq!(&*name, "shopping");
/// assert_eq!("".parse::<BucketName>(), Err(NameError::Empty));
/// # Ok::<(), NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketName(Arc<str>);

impl BucketName {
    /// Makes a name of a text, if it is valid.
    ///
    /// # Errors
    ///
    /// [`NameError`] if it is empty or longer than 255 bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::{BucketName, NameError};
    ///
    /// assert!(BucketName::new("Einkäufe").is_ok());
    /// assert_eq!(BucketName::new(&"x".repeat(300)), Err(NameError::TooLong { bytes: 300 }));
    /// ```
    pub fn new(name: &str) -> Result<Self, NameError> {
        match name.len() {
            0 => Err(NameError::Empty),
            1..=NAME_MAX => Ok(Self(name.into())),
            bytes => Err(NameError::TooLong { bytes }),
        }
    }
}

/// Why a text is not a valid bucket name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// It is empty.
    #[error("the name is empty; give the bucket one of 1 to 255 bytes")]
    Empty,
    /// It is longer than 255 bytes.
    #[error("the name has {bytes} bytes, and a bucket's name at most 255; use a shorter one")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

impl std::str::FromStr for BucketName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::new(name)
    }
}

impl Deref for BucketName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for BucketName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Lets a map of names be searched with a text.
impl Borrow<str> for BucketName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for BucketName {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for BucketName {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}
