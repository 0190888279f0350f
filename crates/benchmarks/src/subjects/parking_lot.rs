//! No server at all: the counter behind a lock, which every reader takes.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{Ask, Cast, Counter, Subject};

/// A counter behind a lock.
#[derive(Debug)]
pub struct ParkingLot;

/// What those hold who share the counter.
#[derive(Debug, Clone)]
pub struct Shared(Arc<Mutex<Counter<Self>>>);

impl Subject for ParkingLot {
    const ID: &'static str = "parking_lot";
    type Server = Shared;
    type Keep = ();

    async fn start() -> (Self::Server, Self::Keep) {
        (Shared(Arc::default()), ())
    }

    async fn call(server: &Self::Server, ask: Ask) -> u64 {
        ask.prepare().await;
        server.0.lock().count()
    }

    async fn cast(server: &Self::Server, cast: Cast<Self::Server>) {
        let mut to = Some((server.clone(), cast));
        while let Some((server, cast)) = to {
            // The next one is another counter, whose lock is not taken under this one.
            to = server.0.lock().handle(cast).map(|(next, cast)| (next.clone(), cast));
        }
    }

    async fn stop(server: Self::Server, (): Self::Keep) {
        drop(server);
    }
}
