//! Logging in to a server that has a password.

use futures::io::{AsyncRead, AsyncWrite};
use zeroize::Zeroize;

use super::{AnswerError, Client};
use crate::answer::{Answer, AnswerReader};
use crate::command::auth;
use crate::login::LoginRefusal;
use crate::password::Password;

/// Why a client has not logged in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// It is not the password of this server.
    #[error("the server says that the password is wrong; look whether it is the one for this server")]
    WrongPassword,
    /// The server has no password: every client can do everything.
    #[error("the server has no password, so everyone who reaches it can do everything")]
    NoPassword,
    /// The server did not check the password.
    #[error("the server refused the login: {text}")]
    #[non_exhaustive]
    Refused {
        /// Why.
        text: String,
    },
    /// The server did not answer.
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Client<R, W> {
    /// Logs in. To be awaited before a command is queued: a server with a password executes none before.
    ///
    /// The server may take its time, up to a minute or two, if logins from the same address have failed before.
    ///
    /// # Errors
    ///
    /// [`LoginError`]. With [`LoginError::NoPassword`], the client can do what it came for all the same.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the client may be logged in or not. The next call discards the answer.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_core::Store;
    /// use kv_server::net::{self, Server};
    /// use kv_server::{Answer, Client, Command, Password};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = Store::start().await?;
    /// let password = Password::new("open sesame")?;
    /// let options = Server::options().listen("127.0.0.1:0".parse()?);
    /// let server = options.password(password.hash()?).start(store).await?;
    ///
    /// let (reader, writer) = net::connect(&server.addresses()[0]).await?;
    /// let mut client = Client::new(reader, writer);
    /// assert!(client.send(&Command::Ping).await?.is_not_logged_in());
    /// client.log_in(&password).await?;
    /// assert_eq!(client.send(&Command::Ping).await?, Answer::Pong);
    /// # server.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn log_in(&mut self, password: &Password) -> Result<(), LoginError> {
        self.close_last();
        let unsent = &mut self.wire.unsent;
        // A vector that grew would leave what it had behind. Each byte is an escape of at most four.
        unsent.reserve(4 * password.as_bytes().len() + auth::AUTH.word.len() + 5);
        auth::write(password.as_bytes(), unsent);
        self.await_answer(AnswerReader::of_unknown());
        let answer = self.last_answer().await;
        // It is sent, or never will be.
        self.wire.unsent.zeroize();
        match answer? {
            Answer::Done => Ok(()),
            Answer::UnknownCommand => Err(LoginError::NoPassword),
            Answer::Error(text) if *text == *LoginRefusal::Wrong.to_string().as_bytes() => {
                Err(LoginError::WrongPassword)
            }
            Answer::Error(text) if *text == *LoginRefusal::NoPassword.to_string().as_bytes() => {
                Err(LoginError::NoPassword)
            }
            Answer::Error(text) => Err(LoginError::Refused { text: String::from_utf8_lossy(&text).into_owned() }),
            other => {
                let mut text = Vec::new();
                other.encode(&mut text);
                Err(LoginError::Refused { text: String::from_utf8_lossy(&text).trim_end().to_owned() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    //! What a server may answer to a login, and what remains in memory.

    use futures::FutureExt;
    use futures::io::Cursor;

    use super::*;

    fn log_in(answer: &str) -> (Result<(), LoginError>, Vec<u8>) {
        let (answer, mut sent) = (Cursor::new(answer.to_owned()), Vec::new());
        let mut client = Client::new(answer, &mut sent);
        let password = Password::new("open sesame").unwrap();
        let logged_in = client.log_in(&password).now_or_never().expect("everything has been said");
        assert!(client.wire.unsent.is_empty());
        (logged_in, sent)
    }

    #[track_caller]
    fn check(result: (Result<(), LoginError>, Vec<u8>), expected: &str) {
        assert_eq!(result.0.map_or_else(|error| format!("{error:?}"), |()| "in".to_owned()), expected);
        assert_eq!(result.1, b"AUTH \"open sesame\"\r\n");
    }

    #[test]
    fn each_answer_to_a_login_is_told_from_the_others() {
        check(log_in("OK\r\n"), "in");
        check(log_in(&format!("ERROR {}\r\n", LoginRefusal::Wrong)), "WrongPassword");
        check(log_in(&format!("ERROR {}\r\n", LoginRefusal::NoPassword)), "NoPassword");
        check(log_in("UNKNOWN COMMAND\r\n"), "NoPassword");
        check(log_in("ERROR try later\r\n"), r#"Refused { text: "try later" }"#);
        check(log_in("NOT FOUND\r\n"), r#"Refused { text: "NOT FOUND" }"#);
        check(log_in(""), "Answer(Closed)");
    }
}
