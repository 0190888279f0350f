//! The password of a server: which file has it, and logging in with it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::io::{AsyncRead, AsyncWrite};
use kv_server::net::Address;
use kv_server::{Client, LoginError, Password, PasswordHash, ReadPasswordError};

use crate::exit::{Exit, Failure, say};

/// The variable of the environment that names the file for clients.
const VARIABLE: &str = "KV_PASSWORD_FILE";

/// The variable of the environment that names the file of the token, for `kv serve` and for `kv top`.
const TOKEN_VARIABLE: &str = "KV_ADMIN_TOKEN_FILE";

/// What to do if a server wants a password.
pub(crate) const MISSING: &str = "the server has a password; put it into a file that only you can read, and name that with \
                                  --password-file or KV_PASSWORD_FILE";

/// The password of the file that was named, or that the environment names.
pub(crate) fn password(named: Option<PathBuf>) -> Result<Option<Password>, Failure> {
    let of_environment = || std::env::var_os(VARIABLE).filter(|named| !named.is_empty()).map(PathBuf::from);
    named.or_else(of_environment).map(Password::read).transpose().map_err(unusable)
}

/// What a server keeps of the password in a file.
pub(crate) fn hash(named: Option<PathBuf>) -> Result<Option<PasswordHash>, Failure> {
    named.map(PasswordHash::read).transpose().map_err(unusable)
}

/// The token of the admin page in the file that was named, or that the environment names. Its file is judged as that of a password.
pub(crate) fn admin_token(named: Option<PathBuf>) -> Result<Option<Password>, Failure> {
    let of_environment = || std::env::var_os(TOKEN_VARIABLE).filter(|named| !named.is_empty()).map(PathBuf::from);
    named.or_else(of_environment).map(Password::read).transpose().map_err(unusable)
}

fn unusable(error: ReadPasswordError) -> Failure {
    let exit = if matches!(error, ReadPasswordError::Io { .. }) { Exit::Io } else { Exit::Refused };
    Failure::new(exit, error)
}

/// What is said of a server that has no password, to somebody who has one for it.
const OPEN: &str = "has no password, so everyone who reaches it can do everything; start it with --password-file, or leave the \
                    password out here";

/// Whether it has been said. A prompt connects again and again, also while a line is being edited.
static WARNED: AtomicBool = AtomicBool::new(false);

/// Logs in. A server without a password lets everyone in, also those who have one; it is for the person to know.
pub(crate) async fn log_in<R, W>(
    client: &mut Client<R, W>,
    address: &Address,
    password: &Password,
) -> Result<(), Failure>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let failed = |exit, error| Err(Failure::new(exit, error).at(address));
    match client.log_in(password).await {
        Ok(()) => Ok(()),
        Err(LoginError::NoPassword) => {
            if !WARNED.swap(true, Ordering::Relaxed) {
                say(format_args!("{address} {OPEN}"));
            }
            Ok(())
        }
        Err(error @ LoginError::WrongPassword) => failed(Exit::Denied, error),
        Err(error) => failed(Exit::Server, error),
    }
}
