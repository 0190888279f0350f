//! Addresses to listen on and connect to, as text and as values.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// The default port: that of the Elixir guide.
pub const DEFAULT_PORT: u16 = 4040;

/// An address to listen on or connect to: a host and a port, with TLS or without, or the path of a Unix socket.
///
/// It is parsed from text and prints as that text. The default is port 4040 on the loopback.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use kv_server::net::Address;
///
/// let address: Address = "127.0.0.1:4041".parse()?;
/// assert_eq!(address, Address::Tcp { host: "127.0.0.1".to_owned(), port: 4041 });
/// assert_eq!("localhost".parse::<Address>()?.to_string(), "localhost:4040");
/// assert_eq!("[::1]:4040".parse::<Address>()?, "::1".parse()?);
/// assert_eq!(
///     "tls:kv.example.org".parse::<Address>()?,
///     Address::Tls { host: "kv.example.org".to_owned(), port: 4040 }
/// );
/// assert_eq!("unix:/run/kv.sock".parse::<Address>()?, Address::Unix("/run/kv.sock".into()));
/// assert_eq!(Address::default().to_string(), "127.0.0.1:4040");
///
/// let error = ":4040".parse::<Address>().unwrap_err();
/// assert!(error.to_string().starts_with("`:4040` is not an address"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Address {
    /// A port of a host.
    Tcp {
        /// The host's name, or its address without brackets.
        host: String,
        /// The port. A server that listens on port 0 gets a free one.
        port: u16,
    },
    /// A port of a host, where TLS is spoken: with the feature `tls`.
    Tls {
        /// The host's name, or its address without brackets: as the server's certificate names it.
        host: String,
        /// The port. A server that listens on port 0 gets a free one.
        port: u16,
    },
    /// A socket in the file system.
    Unix(PathBuf),
}

/// Why a text is not an [`Address`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "`{text}` is not an address; write HOST, HOST:PORT, [IPV6]:PORT, any of them behind tls:, or unix:PATH, as in 127.0.0.1:4040"
)]
#[non_exhaustive]
pub struct ParseAddressError {
    /// The text.
    pub text: String,
}

impl Default for Address {
    fn default() -> Self {
        Self::Tcp { host: "127.0.0.1".to_owned(), port: DEFAULT_PORT }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp { host: address.ip().to_string(), port: address.port() }
    }
}

impl FromStr for Address {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, ParseAddressError> {
        let parsed = if let Some(path) = text.strip_prefix("unix:") {
            (!path.is_empty()).then(|| Self::Unix(path.into()))
        } else if let Some(rest) = text.strip_prefix("tls:") {
            host_and_port(rest).map(|(host, port)| Self::Tls { host, port })
        } else {
            host_and_port(text).map(|(host, port)| Self::Tcp { host, port })
        };
        parsed.ok_or_else(|| ParseAddressError { text: text.to_owned() })
    }
}

fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = split(text)?;
    let port = port.map_or(Some(DEFAULT_PORT), |port| port.parse().ok())?;
    Some((host.to_owned(), port))
}

/// Splits a text into the host, without its brackets, and the port, if there is one.
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return Some((text, None));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        return if rest.is_empty() { Some((host, None)) } else { Some((host, Some(rest.strip_prefix(':')?))) };
    }
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    is_host(host).then_some((host, port))
}

/// Whether it could be a host name or an IP address. A number alone is more likely a port without a host.
fn is_host(host: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    host.parse::<IpAddr>().is_ok() || (host.chars().all(allowed) && !host.chars().all(|c| c.is_ascii_digit()))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = match self {
            Self::Tcp { host, port } => (host, port),
            Self::Tls { host, port } => {
                f.write_str("tls:")?;
                (host, port)
            }
            Self::Unix(path) => return write!(f, "unix:{}", path.display()),
        };
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    //! Every valid form of an address, and invalid texts.

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let printed = text.parse::<Address>().ok().map(|address| address.to_string());
        assert_eq!(printed.as_deref(), expected, "{text}");
        if let Some(printed) = printed {
            assert_eq!(printed.parse::<Address>(), text.parse::<Address>());
        }
    }

    #[test]
    fn a_host_may_go_without_a_port() {
        check("127.0.0.1", Some("127.0.0.1:4040"));
        check("127.0.0.1:0", Some("127.0.0.1:0"));
        check("kv.example.org:65535", Some("kv.example.org:65535"));
        check("::1", Some("[::1]:4040"));
        check("[::1]", Some("[::1]:4040"));
        check("[fe80::1]:7", Some("[fe80::1]:7"));
        check("tls:localhost", Some("tls:localhost:4040"));
        check("tls:::1", Some("tls:[::1]:4040"));
        check("tls:[::1]:7", Some("tls:[::1]:7"));
    }

    #[test]
    fn what_is_not_an_address_is_none() {
        for text in [
            "",
            ":4040",
            "4040",
            "a:b",
            "a:65536",
            "a:1:2",
            "a:",
            "[::1",
            "[::1]4040",
            "[a]:1",
            "a b:1",
            "unix:",
            "tls:",
            "tls:4040",
            "tls:unix:a",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn a_path_is_taken_as_it_is() {
        check("unix:kv.sock", Some("unix:kv.sock"));
        check("unix:/run/a:b [c]", Some("unix:/run/a:b [c]"));
    }
}
