//! Passwords in files that only their owner can read.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::HashPasswordError;
use super::{LENGTH_MAX, ParsePasswordHashError, Password, PasswordError, PasswordHash};

/// What the text of a hash begins with. The file of a server may have one, and that of a client may not.
const HASH: &[u8] = b"$argon2";

/// Why a file has no password for this program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadPasswordError {
    /// The file could not be read.
    #[error("the password cannot be read from {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is a folder, a pipe, or something else that is not a file.
    #[error("{} is not a file; put the password into one", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Other users may read or change it.
    #[error("other users can read or change the password in {}; take it from them: chmod 600 {}", path.display(), path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// What is in it is not a password.
    #[error("{}: {source}", path.display())]
    Password {
        /// The file.
        path: PathBuf,
        /// Why.
        source: PasswordError,
    },
    /// What is in it is the hash of a password, with which no client can log in.
    #[error("{} has the hash of a password, which is for a server; a client needs the password itself", path.display())]
    OnlyAHash {
        /// The file.
        path: PathBuf,
    },
    /// It begins like the hash of a password, and is none.
    #[error("{}: {source}", path.display())]
    Hash {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ParsePasswordHashError,
    },
    /// The password could not be hashed.
    #[error("{}: {source}", path.display())]
    NotHashed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: HashPasswordError,
    },
}

impl Password {
    /// Reads a password from a file: all of it, without the line end that an editor leaves.
    ///
    /// # Errors
    ///
    /// [`ReadPasswordError`], also if other users may read the file: on Unix its mode has to be 0600, or less.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::{Password, ReadPasswordError};
    /// # use std::fs::{self, Permissions};
    /// # use std::os::unix::fs::PermissionsExt;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("password");
    /// fs::write(&path, "open sesame\n")?;
    /// fs::set_permissions(&path, Permissions::from_mode(0o644))?;
    /// let refused = Password::read(&path).unwrap_err();
    /// assert!(refused.to_string().ends_with(&format!("chmod 600 {}", path.display())));
    ///
    /// fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    /// let password = Password::read(&path)?;
    /// assert!(password.hash()?.verify(&Password::new("open sesame")?)?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ReadPasswordError> {
        let path = path.as_ref();
        let text = read(path)?;
        if text.starts_with(HASH) {
            return Err(ReadPasswordError::OnlyAHash { path: path.to_owned() });
        }
        Self::new(&text).map_err(|source| ReadPasswordError::Password { path: path.to_owned(), source })
    }
}

impl PasswordHash {
    /// Reads a password from a file and hashes it, or takes the hash if the file has one.
    ///
    /// It blocks the thread as [`Password::hash`] does.
    ///
    /// # Errors
    ///
    /// As for [`Password::read`], or if the hash is none.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ReadPasswordError> {
        let owned = || path.as_ref().to_owned();
        let text = read(path.as_ref())?;
        if text.starts_with(HASH) {
            let text = std::str::from_utf8(&text).unwrap_or_default();
            return text.parse().map_err(|source| ReadPasswordError::Hash { path: owned(), source });
        }
        let password = Password::new(&text).map_err(|source| ReadPasswordError::Password { path: owned(), source })?;
        password.hash().map_err(|source| ReadPasswordError::NotHashed { path: owned(), source })
    }
}

/// Reads a file of a password, without its line end.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, ReadPasswordError> {
    let failed = |source| ReadPasswordError::Io { path: path.to_owned(), source };
    // Before it is opened: opening a pipe waits for the one who writes to it.
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(ReadPasswordError::NotAFile { path: path.to_owned() });
    }
    let file = File::open(path).map_err(failed)?;
    // Of the file that was opened: another one may have taken its name meanwhile.
    if is_open_to_others(&file).map_err(failed)? {
        return Err(ReadPasswordError::Open { path: path.to_owned() });
    }
    // A vector that grew would leave what it had behind. One byte and a line end more than a password may have.
    let most = LENGTH_MAX + 3;
    let mut text = Zeroizing::new(vec![0; most]);
    let mut length = 0;
    while length < most {
        match (&file).read(&mut text[length..]) {
            Ok(0) => break,
            Ok(bytes) => length += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    text.truncate(length);
    if text.last() == Some(&b'\n') {
        text.pop();
        if text.last() == Some(&b'\r') {
            text.pop();
        }
    }
    Ok(text)
}

#[cfg(unix)]
fn is_open_to_others(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(file.metadata()?.mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    //! Every error of a file, and what is a password in one.

    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Reads a file of this text and mode, as a client and as a server do.
    fn read_both(text: &[u8], mode: u32) -> (Result<Password, String>, Result<PasswordHash, String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let said = |error: ReadPasswordError| error.to_string().replace(&path.display().to_string(), "FILE");
        (Password::read(&path).map_err(said), PasswordHash::read(&path).map_err(said))
    }

    #[track_caller]
    fn check(text: &[u8], password: &[u8]) {
        let (read, hash) = read_both(text, 0o600);
        assert_eq!(read.unwrap().as_bytes(), password);
        assert!(hash.unwrap().verify(&Password::new(password).unwrap()).unwrap());
    }

    #[test]
    fn one_line_end_does_not_belong_to_a_password() {
        check(b"open sesame", b"open sesame");
        check(b"open sesame\n", b"open sesame");
        check(b"open sesame\r\n", b"open sesame");
        check(b" open\nsesame\n\n", b" open\nsesame\n");
        check(b"\xFF\0\n", b"\xFF\0");
    }

    #[test]
    fn a_file_that_others_can_use_is_refused_with_what_to_do() {
        let text = "other users can read or change the password in FILE; take it from them: chmod 600 FILE";
        for mode in [0o640, 0o604, 0o620, 0o601, 0o644, 0o777] {
            let (password, hash) = read_both(b"open sesame\n", mode);
            assert_eq!(password.unwrap_err(), text, "{mode:o}");
            assert_eq!(hash.unwrap_err(), text, "{mode:o}");
        }
        assert!(read_both(b"open sesame\n", 0o400).0.is_ok());
    }

    #[test]
    fn what_is_not_a_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let found = Password::read(folder.path()).unwrap_err();
        assert!(matches!(found, ReadPasswordError::NotAFile { .. }), "{found}");
        let missing = Password::read(folder.path().join("none")).unwrap_err();
        assert!(matches!(missing, ReadPasswordError::Io { .. }), "{missing}");
    }

    #[test]
    fn a_file_without_a_password_is_refused() {
        assert_eq!(
            read_both(b"\n", 0o600).0.unwrap_err(),
            "FILE: the password is empty; choose one that nobody can guess"
        );
        assert_eq!(
            read_both(&[b'x'; 5000], 0o600).1.unwrap_err(),
            "FILE: the password is longer than 1024 bytes; choose a shorter one"
        );
    }

    #[test]
    fn a_server_takes_a_hash_and_a_client_does_not() {
        let password = Password::new("open sesame").unwrap();
        let text = format!("{}\n", password.hash().unwrap().as_str());
        let (refused, hash) = read_both(text.as_bytes(), 0o600);
        assert!(hash.unwrap().verify(&password).unwrap());
        assert_eq!(
            refused.unwrap_err(),
            "FILE has the hash of a password, which is for a server; a client needs the password itself"
        );
        let (_, broken) = read_both(b"$argon2id$v=19$\n", 0o600);
        assert!(broken.unwrap_err().starts_with("FILE: this is not an argon2id hash"));
    }
}
