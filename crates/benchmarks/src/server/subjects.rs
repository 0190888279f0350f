//! The servers: an echo, the store, and Redis; what each is asked, and how many lines it answers.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as Bound, TcpStream as Trial};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use kv_core::Store;
use kv_server::net::{Address, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

use super::Verb;

/// A server that runs until the program ends.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Echo,
    Store,
    Redis(#[expect(dead_code, reason = "ends the server when it is dropped")] Redis),
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
        Self { name, address, kind: Kind::Echo }
    }

    /// The store, on that runtime.
    pub(super) fn store(name: &'static str, runtime: Builder) -> Self {
        let address = serve(runtime, |tell| async move {
            let store = Store::start().await.map_err(io::Error::other)?;
            let any = Address::Tcp { host: Ipv4Addr::LOCALHOST.to_string(), port: 0 };
            let server = Server::options().listen(any).start(store).await.map_err(io::Error::other)?;
            let address = server.addresses()[0].to_string().parse().map_err(io::Error::other)?;
            tell.send(address).map_err(io::Error::other)?;
            server.ended().await;
            Ok(())
        });
        Self { name, address, kind: Kind::Store }
    }

    pub(super) fn redis(redis: Redis) -> Self {
        Self { name: "redis", address: redis.address, kind: Kind::Redis(redis) }
    }

    /// What is said first. Redis makes a hash when it is first written to, and is asked for nothing.
    pub(super) fn prepare(&self) -> Vec<u8> {
        if matches!(self.kind, Kind::Redis(_)) { b"PING\r\n".to_vec() } else { b"CREATE bench\r\n".to_vec() }
    }

    /// How a command is said.
    pub(super) fn speech(&self, verb: Verb, key: usize) -> Vec<u8> {
        let key = format!("key{key:04}");
        let text = match (&self.kind, verb) {
            (Kind::Redis(_), Verb::Put) => {
                format!("*4\r\n$4\r\nHSET\r\n$5\r\nbench\r\n$7\r\n{key}\r\n$3\r\nabc\r\n")
            }
            (Kind::Redis(_), Verb::Get) => format!("*3\r\n$4\r\nHGET\r\n$5\r\nbench\r\n$7\r\n{key}\r\n"),
            (_, Verb::Put) => format!("PUT bench {key} abc\r\n"),
            (_, Verb::Get) => format!("GET bench {key}\r\n"),
        };
        text.into_bytes()
    }

    /// How many lines it answers.
    pub(super) fn lines(&self, verb: Verb) -> usize {
        if verb == Verb::Get && !matches!(self.kind, Kind::Echo) { 2 } else { 1 }
    }
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

/// A Redis without persistence, ended with this.
#[derive(Debug)]
pub(super) struct Redis {
    child: Child,
    address: SocketAddr,
}

impl Redis {
    /// None if there is none on the path.
    pub(super) fn start() -> Option<Self> {
        let address = Bound::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|bound| bound.local_addr()).ok()?;
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string()]);
        command.args(["--save", "", "--appendonly", "no"]).stdout(Stdio::null());
        let redis = Self { child: command.spawn().ok()?, address };
        // It says nowhere when it is ready.
        for _ in 0..1_000_000 {
            if Trial::connect(address).is_ok() {
                return Some(redis);
            }
            std::thread::yield_now();
        }
        None
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
