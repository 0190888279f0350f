//! Redis in a process of its own, over TCP on this machine: so its figures have two trips through the system's network in them.

use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::{Outcome, Subject};

const PORT: &str = "16379";

pub(crate) struct Redis {
    process: Child,
    _folder: TempDir,
}

impl Redis {
    pub(crate) async fn start(options: &[&str]) -> Outcome<Self> {
        let folder = tempfile::tempdir_in(".")?;
        let mut command = Command::new("redis-server");
        command.args(["--port", PORT, "--save", "", "--dir"]).arg(folder.path()).args(options);
        let process = command.stdout(Stdio::null()).spawn()?;
        let redis = Self { process, _folder: folder };
        for _ in 0..100 {
            if redis.connect(1).await.is_ok() {
                return Ok(redis);
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        Err("it does not answer".into())
    }

    pub(crate) async fn connect(&self, connections: usize) -> Outcome<Connections> {
        let mut all = Vec::new();
        for _ in 0..connections {
            let stream = TcpStream::connect(format!("127.0.0.1:{PORT}")).await?;
            stream.set_nodelay(true)?;
            all.push(Mutex::new(stream));
        }
        Ok(Connections(all))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) struct Connections(Vec<Mutex<TcpStream>>);

impl Connections {
    /// Sends a command, and returns the answer to it, of at most so many bytes.
    pub(crate) async fn ask(&self, connection: usize, words: &[&[u8]], answer: &mut [u8]) -> Outcome<usize> {
        let mut command = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            command.extend(format!("${}\r\n", word.len()).into_bytes());
            command.extend(*word);
            command.extend(b"\r\n");
        }
        let mut stream = self.0[connection].lock().await;
        stream.write_all(&command).await?;
        Ok(stream.read(answer).await?)
    }
}

impl Subject for Connections {
    async fn put(&self, writer: usize, key: Bytes, value: Bytes) {
        let bucket = format!("bucket {}", writer % 8);
        let mut answer = [0; 64];
        let read = self.ask(writer, &[b"HSET", bucket.as_bytes(), &key, &value], &mut answer).await;
        let read = read.map_err(|error| error.to_string()).expect("Redis answers");
        assert_eq!(answer[0], b':', "{:?}", String::from_utf8_lossy(&answer[..read]));
    }
}
