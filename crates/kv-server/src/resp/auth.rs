//! Logging in: `AUTH`, and `HELLO`, which does it too.

use futures::io::AsyncWrite;

use super::clients::valid_name;
use super::command::shown;
use super::reply::{self, Version};
use super::request::{Request, number};
use super::session::RespSession;
use crate::login::LoginRefusal;

/// What Redis says to a command before the login.
pub(super) const NOT_LOGGED_IN: &[u8] = b"-NOAUTH Authentication required.\r\n";

/// ... and to a `HELLO`.
const HELLO_NOT_LOGGED_IN: &str = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> \
                                   AUTH <user> <pass> option can be used to authenticate the client and select the RESP \
                                   protocol version at the same time";

/// What Redis says to a password if it has none.
const NO_PASSWORD: &str = "ERR AUTH <password> called without any password configured for the default user. Are you sure your \
                           configuration is correct?";

const WRONG_PASSWORD: &str = "WRONGPASS invalid username-password pair or user is disabled.";

/// The only user. Without a password, it may give any.
const USER: &[u8] = b"default";

/// What `HELLO` asks for.
struct Hello<'a> {
    version: Version,
    /// The user and the password.
    auth: Option<(&'a [u8], &'a [u8])>,
    name: Option<String>,
}

impl<W: AsyncWrite + Unpin> RespSession<'_, W> {
    pub(super) async fn auth(&mut self, request: Request<'_>) {
        let logged_in = match request.len() {
            2 => self.log_in(request.get(1)).await,
            3 => self.log_in_as(request.get(1), request.get(2)).await,
            _ => Err("ERR syntax error".to_owned()),
        };
        let out = self.replies.short();
        match logged_in {
            Ok(()) => out.extend(reply::OK),
            Err(error) => reply::error(&error, out),
        }
    }

    /// Logs in, sets the version, and tells what serves the client.
    pub(super) async fn hello(&mut self, request: Request<'_>) {
        match self.greet(request).await {
            Ok(()) => self.who(),
            Err(error) => reply::error(&error, self.replies.short()),
        }
    }

    /// Nothing is set if an option is wrong, and so is the password.
    async fn greet(&mut self, request: Request<'_>) -> Result<(), String> {
        let Hello { version, auth, name } = self.read_hello(request)?;
        if let Some((user, password)) = auth {
            self.log_in_as(user, password).await?;
        }
        if !self.login.is_in() {
            return Err(HELLO_NOT_LOGGED_IN.to_owned());
        }
        self.resp.version = version;
        self.resp.client.with(|client| {
            client.version = version;
            client.name = name.unwrap_or(std::mem::take(&mut client.name));
        });
        Ok(())
    }

    fn read_hello<'r>(&self, request: Request<'r>) -> Result<Hello<'r>, String> {
        let version = match request.from(1).next() {
            None => self.resp.version,
            Some(version) => match number(version).ok_or("ERR Protocol version is not an integer or out of range")? {
                2 => Version::Two,
                3 => Version::Three,
                _ => return Err("NOPROTO unsupported protocol version".to_owned()),
            },
        };
        let mut hello = Hello { version, auth: None, name: None };
        let mut at = 2;
        while at < request.len() {
            let left = request.len() - at - 1;
            let option = request.get(at);
            if option.eq_ignore_ascii_case(b"AUTH") && left >= 2 {
                hello.auth = Some((request.get(at + 1), request.get(at + 2)));
                at += 3;
            } else if option.eq_ignore_ascii_case(b"SETNAME") && left >= 1 {
                let name = valid_name(request.get(at + 1)).map_err(|invalid| format!("ERR {invalid}"))?;
                hello.name = Some(name);
                at += 2;
            } else {
                return Err(format!("ERR Syntax error in HELLO option '{}'", shown(option)));
            }
        }
        Ok(hello)
    }

    async fn log_in_as(&mut self, user: &[u8], password: &[u8]) -> Result<(), String> {
        if user != USER {
            return Err(refused(&self.login.fail().await));
        }
        if !self.login.has_password() {
            return Ok(());
        }
        self.log_in(password).await
    }

    async fn log_in(&mut self, password: &[u8]) -> Result<(), String> {
        self.login.log_in(password).await.map_err(|refusal| refused(&refusal))
    }
}

/// The error of a login, in Redis's words where it has any.
fn refused(refusal: &LoginRefusal) -> String {
    match refusal {
        LoginRefusal::Wrong => WRONG_PASSWORD.to_owned(),
        LoginRefusal::NoPassword => NO_PASSWORD.to_owned(),
        _ => format!("ERR {refusal}"),
    }
}
