//! Passwords: the text that a client sends, and the hash of it that a server keeps.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use argon2::password_hash::{Error as HashError, phc};
use argon2::{Argon2, Params, PasswordHasher, PasswordVerifier};
use zeroize::Zeroizing;

// Both of them in files.
mod file;

pub use file::ReadPasswordError;

/// The longest password in bytes. A hash takes all of it into account.
const LENGTH_MAX: usize = 1024;

/// The most memory in KiB, passes and lanes that a hash may ask for: a check is made for anyone who connects.
const COSTS_MAX: (u32, u32, u32) = (256 * 1024, 32, 8);

/// A password, as a client sends it: any 1 to 1,024 bytes.
///
/// Its memory is cleared when it is dropped, and its `Debug` shows nothing of it. A server does not keep it: see [`PasswordHash`].
///
/// # Examples
///
/// ```
/// use kv_server::Password;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let password = Password::new("open sesame")?;
/// assert_eq!(format!("{password:?}"), "Password(..)");
///
/// let hash = password.hash()?;
/// assert!(hash.verify(&password)?);
/// assert!(!hash.verify(&Password::new("close sesame")?)?);
/// # Ok(())
/// # }
/// ```
pub struct Password(Zeroizing<Vec<u8>>);

/// Why a text is not a [`Password`]. It does not hold the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// It is empty.
    #[error("the password is empty; choose one that nobody can guess")]
    Empty,
    /// It is longer than any password.
    #[error("the password is longer than {LENGTH_MAX} bytes; choose a shorter one")]
    TooLong,
}

impl Password {
    /// Makes a password of a text. The memory of the text itself is the caller's to clear.
    ///
    /// # Errors
    ///
    /// [`PasswordError`] if it is empty, or longer than 1,024 bytes.
    pub fn new(text: impl AsRef<[u8]>) -> Result<Self, PasswordError> {
        let text = text.as_ref();
        match text.len() {
            0 => Err(PasswordError::Empty),
            1..=LENGTH_MAX => Ok(Self(Zeroizing::new(text.to_vec()))),
            _ => Err(PasswordError::TooLong),
        }
    }

    /// Computes the hash for a server, with a new salt. It takes about 19 MiB of memory, and tens of milliseconds during which the
    /// thread is blocked.
    ///
    /// # Errors
    ///
    /// [`HashPasswordError`] if the system lacks the memory, or random numbers for the salt.
    pub fn hash(&self) -> Result<PasswordHash, HashPasswordError> {
        let hash: phc::PasswordHash = Argon2::default().hash_password(&self.0)?;
        Ok(PasswordHash(Arc::new(Zeroizing::new(hash.to_string()))))
    }

    /// Its bytes, to be sent. A copy of them is the caller's to clear.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// All that a server keeps of a password: an argon2id hash of it.
///
/// It is made [of a password](Password::hash), or parsed from the text of such a hash in the PHC format, as other programs print it.
/// A person who reads that text cannot log in with it, but can try out passwords on a machine of their own, so `Debug` does not show
/// it either.
/// It is cheap to clone.
///
/// # Examples
///
/// ```
/// use kv_server::{Password, PasswordHash};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hash = Password::new("open sesame")?.hash()?;
/// assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
///
/// let kept: PasswordHash = hash.as_str().parse()?;
/// assert!(kept.verify(&Password::new("open sesame")?)?);
/// assert_eq!(format!("{kept:?}"), "PasswordHash(..)");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PasswordHash(Arc<Zeroizing<String>>);

/// Why a text is not a [`PasswordHash`]. It does not hold the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParsePasswordHashError {
    /// It is not an argon2id hash in the PHC format.
    #[error("this is not an argon2id hash; it has to read like $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH")]
    NotAHash,
    /// A check would take more than a server spends on a stranger.
    #[error(
        "this hash takes too much to check; make one of at most m={},t={},p={}, such as m=19456,t=2,p=1",
        COSTS_MAX.0,
        COSTS_MAX.1,
        COSTS_MAX.2
    )]
    TooCostly,
}

/// Why a hash was neither made nor checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashPasswordError {
    /// The system has no memory for it.
    #[error("there is no memory to hash a password; it takes 19 MiB, or what its hash says")]
    OutOfMemory,
    /// The system has no random numbers for the salt.
    #[error("the system gives no random numbers for the salt of a hash; look what is wrong with its getrandom")]
    NoSalt,
    /// The algorithm failed in another way.
    #[error("the hash of a password could not be computed; this is a bug")]
    Failed,
}

impl From<HashError> for HashPasswordError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::OutOfMemory => Self::OutOfMemory,
            HashError::RngFailure => Self::NoSalt,
            _ => Self::Failed,
        }
    }
}

impl PasswordHash {
    /// Returns whether this is the password. The hashes are compared in constant time. As long as [making one](Password::hash), it
    /// blocks the thread, and takes memory, unless the hash was made with other costs.
    ///
    /// # Errors
    ///
    /// [`HashPasswordError`] if the system lacks the memory.
    pub fn verify(&self, password: &Password) -> Result<bool, HashPasswordError> {
        let hash = phc::PasswordHash::new(&self.0).map_err(|_unreadable| HashPasswordError::Failed)?;
        match Argon2::default().verify_password(&password.0, &hash) {
            Ok(()) => Ok(true),
            Err(HashError::PasswordInvalid) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The hash in the PHC format, to be kept where only the server can read it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Parses the PHC format: `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`.
impl FromStr for PasswordHash {
    type Err = ParsePasswordHashError;

    fn from_str(text: &str) -> Result<Self, ParsePasswordHashError> {
        let hash = phc::PasswordHash::new(text).map_err(|_which_part| ParsePasswordHashError::NotAHash)?;
        let is_whole = hash.algorithm == argon2::ARGON2ID_IDENT && hash.salt.is_some() && hash.hash.is_some();
        let costs = Params::try_from(&hash).ok().filter(|_| is_whole).ok_or(ParsePasswordHashError::NotAHash)?;
        let (memory, passes, lanes) = COSTS_MAX;
        if costs.m_cost() > memory || costs.t_cost() > passes || costs.p_cost() > lanes {
            return Err(ParsePasswordHashError::TooCostly);
        }
        Ok(Self(Arc::new(Zeroizing::new(text.to_owned()))))
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

#[cfg(test)]
mod tests {
    //! What is a hash, and what is none.

    use super::*;

    /// "password", as the argon2 program hashes it.
    const KNOWN: &str = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    #[track_caller]
    fn check(text: &str, error: ParsePasswordHashError) {
        assert_eq!(text.parse::<PasswordHash>().unwrap_err(), error, "{text}");
    }

    #[test]
    fn a_hash_of_another_program_is_checked_with_its_own_costs() {
        let hash: PasswordHash = KNOWN.parse().unwrap();
        assert!(hash.verify(&Password::new("password").unwrap()).unwrap());
        assert!(!hash.verify(&Password::new("Password").unwrap()).unwrap());
    }

    #[test]
    fn two_hashes_of_one_password_have_different_salts() {
        let password = Password::new("open sesame").unwrap();
        assert_ne!(password.hash().unwrap().as_str(), password.hash().unwrap().as_str());
    }

    #[test]
    fn what_is_not_an_argon2id_hash_is_refused() {
        check("", ParsePasswordHashError::NotAHash);
        check("open sesame", ParsePasswordHashError::NotAHash);
        check("$argon2id$v=19$m=19456,t=2,p=1", ParsePasswordHashError::NotAHash);
        check("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ", ParsePasswordHashError::NotAHash);
        check(&KNOWN.replace("argon2id", "argon2d"), ParsePasswordHashError::NotAHash);
        check(&KNOWN.replace("t=2", "t=0"), ParsePasswordHashError::NotAHash);
    }

    #[test]
    fn a_hash_that_would_take_too_much_is_refused() {
        check(&KNOWN.replace("65536", "4194304"), ParsePasswordHashError::TooCostly);
        check(&KNOWN.replace("t=2", "t=1000"), ParsePasswordHashError::TooCostly);
        check(&KNOWN.replace("p=1", "p=64"), ParsePasswordHashError::TooCostly);
    }

    #[test]
    fn a_password_has_a_length() {
        assert_eq!(Password::new("").unwrap_err(), PasswordError::Empty);
        assert!(Password::new([b'x'; LENGTH_MAX]).is_ok());
        assert_eq!(Password::new([b'x'; LENGTH_MAX + 1]).unwrap_err(), PasswordError::TooLong);
    }
}
