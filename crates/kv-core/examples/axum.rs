//! A store behind HTTP: an [axum](https://docs.rs/axum) service over buckets, whose errors say what a client can do.
//!
//! ```text
//! $ cargo run -p kv-core --example axum -- 127.0.0.1:8080
//! $ curl -X POST localhost:8080/shopping
//! $ curl -X PUT  localhost:8080/shopping/milk -d 3
//! $ curl         localhost:8080/shopping/milk
//! 3
//! $ curl -X DELETE localhost:8080/shopping/milk
//! 3
//! ```
//!
//! | error of the store | answer |
//! |---|---|
//! | no bucket of that name, no such key | 404: create it, or ask for another one |
//! | the name cannot be that of a bucket | 400, with the rule |
//! | the bucket or the registry ended meanwhile, or did not answer | 503: whatever it was is started again, so ask again |
//!
//! A handler of axum runs in a task of its own, and a bucket is a process: requests for one bucket take turns, those for others
//! do not wait. A request that panics a bucket is answered with 503, and every other bucket goes on.

// xtask: compile only

use std::error::Error;
use std::fmt;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use kv_core::{Bucket, CreateError, Store};
use tokio::net::TcpListener;

/// What goes wrong, as a client sees it.
type Refused = (StatusCode, String);

/// The routes over a store, which is cheap to clone.
fn router(store: Store) -> Router {
    Router::new()
        .route("/{bucket}", post(create))
        .route("/{bucket}/{key}", get(read).put(write).delete(remove))
        .with_state(store)
}

async fn create(State(store): State<Store>, Path(bucket): Path<String>) -> Result<StatusCode, Refused> {
    match store.create(&bucket).await {
        Ok(_) => Ok(StatusCode::CREATED),
        Err(CreateError::Name(error)) => Err((StatusCode::BAD_REQUEST, error.to_string())),
        Err(error) => Err(again(error)),
    }
}

async fn read(State(store): State<Store>, Path((bucket, key)): Path<(String, String)>) -> Result<Bytes, Refused> {
    let value = find(&store, &bucket)?.get(key).await.map_err(again)?;
    value.ok_or_else(missing)
}

async fn write(
    State(store): State<Store>,
    Path((bucket, key)): Path<(String, String)>,
    value: Bytes,
) -> Result<StatusCode, Refused> {
    find(&store, &bucket)?.put(key, value).await.map_err(again)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns what was there.
async fn remove(State(store): State<Store>, Path((bucket, key)): Path<(String, String)>) -> Result<Bytes, Refused> {
    let value = find(&store, &bucket)?.delete(key).await.map_err(again)?;
    value.ok_or_else(missing)
}

/// Looking up sends no message.
fn find(store: &Store, bucket: &str) -> Result<Bucket, Refused> {
    store.lookup(bucket).ok_or_else(missing)
}

fn missing() -> Refused {
    (StatusCode::NOT_FOUND, "there is nothing of that name".to_owned())
}

fn again(error: impl fmt::Display) -> Refused {
    (StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let store = Store::start().await?;
    let listener = TcpListener::bind(address).await?;
    let stop = async {
        // Without signals to wait for, serve until killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    axum::serve(listener, router(store.clone())).with_graceful_shutdown(stop).await?;
    // Every request has been answered, so nobody needs the buckets any more.
    store.stop().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    /// Sends a request, and returns the number of the answer and its body.
    async fn ask(address: std::net::SocketAddr, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut socket = TcpStream::connect(address).await.expect("it listens");
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        socket.write_all(format!("{head}{body}").as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        (head[9..12].parse().expect("a status is a number"), body.to_owned())
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a web server is a task of Tokio's, as in `main`")]
    async fn every_error_is_a_status_that_says_what_to_do() {
        let store = Store::start().await.expect("it starts");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        let server = tokio::spawn(axum::serve(listener, router(store.clone())).into_future());

        let nothing = "there is nothing of that name";
        for (method, path, body, status, answer) in [
            ("GET", "/shopping/milk", "", 404, nothing),
            ("POST", "/shopping", "", 201, ""),
            ("GET", "/shopping/milk", "", 404, nothing),
            ("PUT", "/shopping/milk", "3", 204, ""),
            ("GET", "/shopping/milk", "", 200, "3"),
            ("DELETE", "/shopping/milk", "", 200, "3"),
            ("GET", "/shopping/milk", "", 404, nothing),
        ] {
            assert_eq!(ask(address, method, path, body).await, (status, answer.to_owned()), "{method} {path}");
        }
        let (status, _) = ask(address, "POST", &format!("/{}", "a".repeat(256)), "").await;
        assert_eq!(status, 400, "a name has 255 bytes at most");

        let bucket = store.lookup("shopping").expect("it was created");
        assert!(bucket.update("milk", |_| panic!("spilt")).await.is_err());
        assert_eq!(ask(address, "GET", "/shopping/milk", "").await.0, 404, "the bucket crashed, its name is free");
        assert_eq!(ask(address, "POST", "/shopping", "").await.0, 201, "and there is another one");

        store.stop().await.expect("it runs");
        assert_eq!(ask(address, "POST", "/shopping", "").await.0, 503);
        server.abort();
    }
}
