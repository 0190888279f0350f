//! The clients that speak RESP, as `CLIENT LIST` shows them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use genserver::time;

use super::reply::Version;

/// The longest name of a client, and of its library: the list of all clients is one reply.
const NAME_MAX: usize = 64;

/// The clients of a server that speak RESP. Clones are the same list.
#[derive(Clone, Debug, Default)]
pub(crate) struct RespClients(Arc<Mutex<Connected>>);

#[derive(Debug, Default)]
struct Connected {
    last: u64,
    /// In the order in which they came.
    clients: BTreeMap<u64, ClientInfo>,
}

/// What is known of a client.
#[derive(Debug)]
pub(super) struct ClientInfo {
    since: Instant,
    /// A Unix socket has none.
    peer: Option<SocketAddr>,
    pub(super) name: String,
    pub(super) library: String,
    pub(super) library_version: String,
    pub(super) version: Version,
    pub(super) channels: usize,
    pub(super) patterns: usize,
}

/// A client's place in the list, free again when this is dropped.
pub(crate) struct ClientEntry {
    clients: RespClients,
    id: u64,
}

/// A name that a client may not have.
#[derive(Debug, thiserror::Error)]
#[error("Client names cannot contain spaces, newlines or special characters, and have at most {NAME_MAX} bytes.")]
pub(super) struct InvalidName;

impl RespClients {
    /// Adds a client that connects from this address.
    pub(crate) fn enter(&self, peer: Option<SocketAddr>) -> ClientEntry {
        let mut connected = self.connected();
        connected.last += 1;
        let id = connected.last;
        let info = ClientInfo {
            since: time::now(),
            peer,
            name: String::new(),
            library: String::new(),
            library_version: String::new(),
            version: Version::Two,
            channels: 0,
            patterns: 0,
        };
        connected.clients.insert(id, info);
        drop(connected);
        ClientEntry { clients: self.clone(), id }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.connected().clients.len()
    }

    /// A line for each.
    pub(super) fn list(&self) -> String {
        let mut lines = String::new();
        for (id, client) in &self.connected().clients {
            client.describe(*id, &mut lines);
        }
        lines
    }

    fn connected(&self) -> MutexGuard<'_, Connected> {
        // Nothing under this lock panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientEntry {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The list that it is in.
    pub(super) fn clients(&self) -> &RespClients {
        &self.clients
    }

    /// Reads or changes what is known of the client.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut ClientInfo) -> R) -> R {
        f(self.clients.connected().clients.get_mut(&self.id).expect("it is there until this is dropped"))
    }

    /// The client's line.
    pub(super) fn line(&self) -> String {
        let mut line = String::new();
        self.with(|client| client.describe(self.id, &mut line));
        line
    }
}

impl Drop for ClientEntry {
    fn drop(&mut self) {
        self.clients.connected().clients.remove(&self.id);
    }
}

impl ClientInfo {
    fn describe(&self, id: u64, out: &mut String) {
        let age = time::now().saturating_duration_since(self.since).as_secs();
        let Self { name, library, library_version, version, channels, patterns, .. } = self;
        let resp = version.number();
        let address = self.peer.map(|peer| peer.to_string()).unwrap_or_default();
        // A string takes all that is written.
        let _ = writeln!(
            out,
            "id={id} addr={address} name={name} age={age} db=0 sub={channels} psub={patterns} resp={resp} lib-name={library} \
             lib-ver={library_version}"
        );
    }
}

/// A name, if it is one that a client may have.
pub(super) fn valid_name(name: &[u8]) -> Result<String, InvalidName> {
    let is_valid = name.len() <= NAME_MAX && name.iter().all(|byte| matches!(byte, b'!'..=b'~'));
    match std::str::from_utf8(name) {
        Ok(name) if is_valid => Ok(name.to_owned()),
        _ => Err(InvalidName),
    }
}
