//! `INFO`: figures of the server and the store, in Redis's form.

use std::fmt::Write;

use kv_core::Store;

use super::clients::RespClients;
use crate::served::ServedStore;

/// The version of Redis whose commands these are. Clients decide by it what they may send.
pub(super) const REDIS_VERSION: &str = "7.4.0";

/// The sections that these names select; all of them without a name.
pub(super) fn text(
    names: impl Iterator<Item: AsRef<[u8]>>,
    store: &ServedStore,
    buckets: usize,
    clients: &RespClients,
) -> String {
    let names: Vec<String> = names.map(|name| String::from_utf8_lossy(name.as_ref()).to_lowercase()).collect();
    let is_all = names.is_empty() || names.iter().any(|name| matches!(name.as_str(), "default" | "all" | "everything"));
    let mut text = String::new();
    for (title, lines) in sections(store, buckets, clients) {
        if !is_all && !names.contains(&title.to_lowercase()) {
            continue;
        }
        if !text.is_empty() {
            text.push_str("\r\n");
        }
        // A string takes all that is written.
        let _ = write!(text, "# {title}\r\n");
        for (name, value) in lines {
            let _ = write!(text, "{name}:{value}\r\n");
        }
    }
    text
}

type Section = (&'static str, Vec<(&'static str, String)>);

fn sections(store: &ServedStore, buckets: usize, clients: &RespClients) -> Vec<Section> {
    let mut keyspace = Vec::new();
    if buckets > 0 {
        keyspace.push(("db0", format!("keys={buckets},expires=0,avg_ttl=0")));
    }
    // Of a store on several machines neither is known here.
    let written = if store.here().is_none_or(|store| store.storage_error().is_none()) { "ok" } else { "err" };
    let memory = store.here().map_or(0, Store::memory);
    vec![
        (
            "Server",
            vec![
                ("redis_version", REDIS_VERSION.to_owned()),
                ("redis_mode", "standalone".to_owned()),
                ("kv_version", env!("CARGO_PKG_VERSION").to_owned()),
                ("process_id", std::process::id().to_string()),
            ],
        ),
        ("Clients", vec![("connected_clients", clients.count().to_string())]),
        ("Memory", vec![("used_memory", memory.to_string())]),
        // A store that answers has loaded what it has.
        ("Persistence", vec![("loading", "0".to_owned()), ("aof_last_write_status", written.to_owned())]),
        ("Replication", vec![("role", "master".to_owned()), ("connected_slaves", "0".to_owned())]),
        ("Keyspace", keyspace),
    ]
}
