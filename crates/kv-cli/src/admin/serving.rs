//! What the page tells of the server itself: whether it is ready, and its figures for Prometheus.

use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kv_core::Store;
use kv_server::net::Server;

/// The server and its store: none while the store is opened, and none once the server refuses new clients.
#[derive(Debug, Default)]
pub(super) struct Serving(Mutex<Option<Served>>);

#[derive(Debug)]
struct Served {
    server: Arc<Server>,
    /// None if several servers share it: then nothing of it is known here.
    store: Option<Store>,
}

impl Serving {
    pub(super) fn begin(&self, server: Arc<Server>, store: Option<Store>) {
        *self.lock() = Some(Served { server, store });
    }

    pub(super) fn end(&self) {
        let served = self.lock().take();
        drop(served);
    }

    /// Whether clients can do everything: they are served, and changes are stored.
    pub(super) fn is_ready(&self) -> bool {
        let is_stored = |store: &Store| store.storage_error().is_none();
        self.lock().as_ref().is_some_and(|served| served.store.as_ref().is_none_or(is_stored))
    }

    /// The figures, as Prometheus reads them. They are of this moment, so each is a gauge.
    pub(super) fn figures(&self) -> String {
        let is_ready = self.is_ready();
        let mut text = String::new();
        let mut add = |name: &str, help: &str, value: usize| {
            // A string takes all that is written.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
        };
        add("kv_ready", "Whether clients can do everything: what /readyz says.", usize::from(is_ready));
        if let Some(Served { server, store }) = &*self.lock() {
            add("kv_clients", "Clients that are connected.", server.connections());
            add("kv_clients_limit", "Clients that may be connected at once.", server.connections_max());
            let Some(store) = store else { return text };
            let storage = usize::from(store.storage_error().is_none());
            add("kv_storage_up", "Whether the disk takes changes, as far as is known.", storage);
            add("kv_buckets", "Buckets.", store.count());
            add("kv_memory_bytes", "What --max-memory limits: the memory of keys and values.", store.memory());
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, Option<Served>> {
        // Nothing under this lock panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    //! When a server is ready. The tests of the program have a disk that fails, and a server that is told to leave.

    use super::*;

    #[test]
    fn a_server_is_ready_from_when_it_serves_until_it_refuses_new_clients() {
        crate::Runtime::new(1).unwrap().run(serve());
    }

    async fn serve() {
        let serving = Serving::default();
        // The store is being opened.
        assert!(!serving.is_ready());
        assert!(serving.figures().ends_with("\nkv_ready 0\n"), "there are no others yet: {}", serving.figures());

        let store = Store::start().await.unwrap();
        let options = Server::options().listen("127.0.0.1:0".parse().unwrap());
        let server = Arc::new(options.start(store.clone()).await.unwrap());
        serving.begin(Arc::clone(&server), Some(store.clone()));
        assert!(serving.is_ready());
        assert!(serving.figures().contains("\nkv_ready 1\n"));
        assert!(serving.figures().contains("\nkv_clients 0\n"));

        serving.end();
        assert!(!serving.is_ready());
        server.stop().await.unwrap();
        store.stop().await.unwrap();
    }
}
