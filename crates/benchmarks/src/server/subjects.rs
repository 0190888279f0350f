//! Who takes part: an echo, the store, and Redis and its like; what each is asked, and how many lines it answers.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::mpsc;

use kv_core::{Durable, Store};
use kv_server::net::{Address, Server, ServerOptions, ServerTls};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

use super::Verb;
use super::client::{Client, Shape, Speech};
use super::redis::Redis;

/// How many keys each bucket has.
pub(super) const KEYS: usize = 1000;

/// A server that runs until the program ends.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    protocol: Protocol,
    /// Ends when this is dropped.
    _process: Option<Redis>,
}

/// What a subject speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// It sends back the lines of the store's protocol.
    Echo,
    Lines,
    Resp,
}

impl Subject {
    /// Sends back every line: what is whole in one read with one write.
    pub(super) fn echo(name: &'static str) -> Self {
        let address = serve(Builder::new_current_thread(), |tell| async move {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            tell.send(listener.local_addr()?).map_err(io::Error::other)?;
            loop {
                let (stream, _) = listener.accept().await?;
                spawn(echo(stream));
            }
        });
        Self::new(name, address, Protocol::Echo)
    }

    /// The store in memory, asked by lines, on that runtime.
    pub(super) fn store(name: &'static str, runtime: Builder) -> Self {
        Self::new(name, serve_store(runtime, None, None), Protocol::Lines)
    }

    /// The store in memory, asked as Redis is.
    pub(super) fn resp(name: &'static str, runtime: Builder) -> Self {
        Self::new(name, serve_store(runtime, None, None), Protocol::Resp)
    }

    /// The same by TLS.
    pub(super) fn tls(name: &'static str, runtime: Builder, tls: ServerTls) -> Self {
        Self::new(name, serve_store(runtime, None, Some(tls)), Protocol::Resp)
    }

    /// The store in this folder, which syncs before it answers.
    pub(super) fn durable(name: &'static str, runtime: Builder, folder: &TempDir) -> Self {
        Self::new(name, serve_store(runtime, Some(folder.path().join("store")), None), Protocol::Resp)
    }

    pub(super) fn redis(name: &'static str, redis: Redis) -> Self {
        let address = redis.address;
        Self { _process: Some(redis), ..Self::new(name, address, Protocol::Resp) }
    }

    fn new(name: &'static str, address: SocketAddr, protocol: Protocol) -> Self {
        Self { name, address, protocol, _process: None }
    }

    pub(super) fn speaks_resp(&self) -> bool {
        self.protocol == Protocol::Resp
    }

    /// Puts every key into every bucket.
    pub(super) fn fill(&self, buckets: usize) {
        let mut filling = Client::connect(self.address, Shape { connections: 1, pipeline: 16 });
        if self.protocol != Protocol::Resp {
            let create = (0..buckets).map(|bucket| format!("CREATE bench{bucket:03}\r\n").into_bytes()).collect();
            filling.run(&Speech { commands: create, lines: 1 }, buckets as u64);
        }
        filling.run(&self.speech(Verb::Put, buckets), (buckets * KEYS) as u64);
    }

    /// Each key of each bucket once, in an order that goes from bucket to bucket.
    pub(super) fn speech(&self, verb: Verb, buckets: usize) -> Speech {
        let commands =
            (0..buckets * KEYS).map(|number| self.command(verb, number % buckets, number / buckets)).collect();
        let lines = if verb == Verb::Get && self.protocol != Protocol::Echo { 2 } else { 1 };
        Speech { commands, lines }
    }

    fn command(&self, verb: Verb, bucket: usize, key: usize) -> Vec<u8> {
        let (bucket, key) = (format!("bench{bucket:03}"), format!("key{key:04}"));
        let text = match (self.protocol, verb) {
            (Protocol::Resp, Verb::Put) => {
                format!("*4\r\n$4\r\nHSET\r\n$8\r\n{bucket}\r\n$7\r\n{key}\r\n$3\r\nabc\r\n")
            }
            (Protocol::Resp, Verb::Get) => format!("*3\r\n$4\r\nHGET\r\n$8\r\n{bucket}\r\n$7\r\n{key}\r\n"),
            (_, Verb::Put) => format!("PUT {bucket} {key} abc\r\n"),
            (_, Verb::Get) => format!("GET {bucket} {key}\r\n"),
        };
        text.into_bytes()
    }
}

fn serve_store(runtime: Builder, folder: Option<PathBuf>, tls: Option<ServerTls>) -> SocketAddr {
    serve(runtime, |tell| async move {
        let mut options = Store::options();
        if let Some(folder) = folder {
            options = options.storage(Durable::open(folder).await.map_err(io::Error::other)?);
        }
        let store = options.start().await.map_err(io::Error::other)?;
        let (host, port) = (Ipv4Addr::LOCALHOST.to_string(), 0);
        let any = if tls.is_some() { Address::Tls { host, port } } else { Address::Tcp { host, port } };
        let options = tls.into_iter().fold(Server::options(), ServerOptions::tls);
        let server = options.listen(any).start(store).await.map_err(io::Error::other)?;
        let address = server.addresses()[0].to_string();
        let address = address.trim_start_matches("tls:").parse().map_err(io::Error::other)?;
        tell.send(address).map_err(io::Error::other)?;
        server.ended().await;
        Ok(())
    })
}

/// Runs a server on threads of its own.
#[expect(clippy::disallowed_methods, reason = "a server to be measured has its own threads")]
fn serve<F>(mut runtime: Builder, server: impl FnOnce(mpsc::Sender<SocketAddr>) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = runtime.enable_all().build().expect("the system has threads");
        // As a task, and not on the thread that only waits: that one would be a worker too many.
        runtime.block_on(async { spawn(server(tell)).await })
    });
    told.recv().expect("the server starts")
}

#[expect(clippy::disallowed_methods, reason = "this is how one writes it with Tokio")]
fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T> {
    tokio::spawn(work)
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut read = vec![0; 64 * 1024];
    let mut held = 0;
    loop {
        let bytes = stream.read(&mut read[held..]).await?;
        if bytes == 0 {
            return Ok(());
        }
        held += bytes;
        let whole = read[..held].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        stream.write_all(&read[..whole]).await?;
        read.copy_within(whole..held, 0);
        held -= whole;
    }
}
