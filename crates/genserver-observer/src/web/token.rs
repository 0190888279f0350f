//! The secret that a reader from another machine shows.

use std::fmt;

use subtle::ConstantTimeEq as _;

/// How many bytes a token has at least: fewer can be guessed.
const BYTES_MIN: usize = 16;

/// How many bytes a token has at most.
const BYTES_MAX: usize = 256;

/// The secret of an observer that other machines can reach. `Debug` does not show it.
///
/// # Examples
///
/// ```
/// use genserver_observer::{Token, TokenError};
///
/// let token: Token = "k7Zq1xVw9TnR4bLc".parse()?;
/// assert_eq!(format!("{token:?}"), "Token(..)");
/// assert_eq!("sesame".parse::<Token>().unwrap_err(), TokenError::Short);
/// # Ok::<(), TokenError>(())
/// ```
#[derive(Clone)]
pub struct Token(Box<[u8]>);

/// Why a text is not a [`Token`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It can be guessed.
    #[error("the token is too short; take at least {BYTES_MIN} random characters, as `openssl rand -hex 16` prints")]
    Short,
    /// It does not fit into the header of a request.
    #[error("the token is too long; take at most {BYTES_MAX} characters")]
    Long,
    /// It has a character that cannot be in the header of a request.
    #[error("the token has a character that is not a visible ASCII character; take letters and digits")]
    Character,
}

impl std::str::FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Character);
        }
        match text.len() {
            ..BYTES_MIN => Err(TokenError::Short),
            BYTES_MIN..=BYTES_MAX => Ok(Self(text.as_bytes().into())),
            _ => Err(TokenError::Long),
        }
    }
}

impl Token {
    /// Whether this is the token. The time that it takes tells nothing but the length.
    pub(super) fn is(&self, shown: &[u8]) -> bool {
        self.0.ct_eq(shown).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}
