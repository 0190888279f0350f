//! A server for clients of Redis: `cargo run -p kv-server --example redis`, and then `redis-cli -p 6380`.
//!
//! The first address takes lines too, and the second only RESP, for `redis-benchmark`.

// It serves until a signal comes.
// xtask: compile only

use kv_core::Store;
use kv_server::net::{Server, Signals};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut signals = Signals::new()?;
    let store = Store::start().await?;
    let server = Server::options()
        .listen("127.0.0.1:6380".parse()?)
        .listen_resp("127.0.0.1:6381".parse()?)
        .start(store.clone())
        .await?;
    signals.next().await;
    server.stop().await?;
    store.stop().await?;
    Ok(())
}
