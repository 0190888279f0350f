//! Who may connect: the addresses that a server may listen on, and where a client connects from.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;

use rustix::net::getpeername;

use super::tls::ServerTls;
use crate::password::PasswordHash;

/// What a server asks of its clients.
#[derive(Clone, Debug, Default)]
pub(super) struct Who {
    pub(super) password: Option<PasswordHash>,
    /// The certificate for addresses with TLS, where clients may have to have one.
    pub(super) tls: Option<ServerTls>,
    /// Whether other machines may connect although it asks for nothing.
    pub(super) insecure: bool,
}

impl Who {
    /// Whether a server may listen on all of these addresses, with TLS or without: where other machines can connect it needs a
    /// password, or the certificates of its clients.
    pub(super) fn may_listen(&self, addresses: &[SocketAddr], tls: Option<&ServerTls>) -> bool {
        let knows_clients = self.password.is_some() || tls.is_some_and(ServerTls::knows_clients);
        self.insecure || knows_clients || addresses.iter().all(|address| is_loopback(address.ip()))
    }
}

/// Whether only this machine can connect to an address: `127.0.0.0/8`, `::1`, and what IPv6 makes of the former.
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// The address at the other end of a connection. A Unix socket has none, and neither has a connection that is gone.
pub(super) fn peer_of(connection: impl AsFd) -> Option<SocketAddr> {
    SocketAddr::try_from(getpeername(connection).ok()??).ok()
}

#[cfg(test)]
mod tests {
    //! Loopback addresses, and what lets a server listen on others.

    use super::*;
    use crate::password::Password;

    #[track_caller]
    fn check(address: &str, expected: bool) {
        let addresses = [SocketAddr::new(address.parse().unwrap(), 4040)];
        assert_eq!(Who::default().may_listen(&addresses, None), expected, "{address}");
        assert!(Who { insecure: true, ..Who::default() }.may_listen(&addresses, None));
    }

    #[test]
    fn only_the_loopback_needs_no_password() {
        for loopback in ["127.0.0.1", "127.1.2.3", "127.255.255.255", "::1", "::ffff:127.0.0.1", "::ffff:127.9.9.9"] {
            check(loopback, true);
        }
        for other in ["0.0.0.0", "::", "192.0.2.1", "::ffff:192.0.2.1", "::ffff:0.0.0.0", "fe80::1", "128.0.0.1", "::2"]
        {
            check(other, false);
        }
    }

    #[test]
    fn the_peer_of_a_connection_is_an_address_or_none() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (served, from) = listener.accept().unwrap();
        assert_eq!(peer_of(&served), Some(from));
        assert_eq!(peer_of(&client), Some(listener.local_addr().unwrap()));
        let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        assert_eq!(peer_of(&one), None);
    }

    #[test]
    fn each_address_of_a_name_counts() {
        let addresses = ["127.0.0.1:4040", "192.0.2.1:4040"].map(|address| address.parse().unwrap());
        assert!(!Who::default().may_listen(&addresses, None));
    }

    #[test]
    fn a_password_allows_every_address() {
        let password = Some(Password::new("sesame").unwrap().hash().unwrap());
        assert!(Who { password, ..Who::default() }.may_listen(&["0.0.0.0:4040".parse().unwrap()], None));
    }
}
