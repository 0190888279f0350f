//! A store in a folder: what was answered is there again.
#![cfg(feature = "durable")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]
#![expect(clippy::print_stdout, reason = "a long test says what it has counted, and one that cannot be run says why")]

mod damage;
mod folders;
mod killed;
mod refusals;
mod remembering;

use std::path::Path;

use kv_core::{Durable, Store};

/// Starts a store on the folder.
async fn open(folder: &Path) -> Store {
    Store::options().storage(storage(folder).await).start().await.unwrap()
}

/// Opens the folder. That of a store that has just stopped is waited for.
async fn storage(folder: &Path) -> Durable {
    Durable::open(folder).await.unwrap()
}

/// Until nobody has the folder open.
async fn closed(folder: &Path) {
    drop(storage(folder).await);
}
