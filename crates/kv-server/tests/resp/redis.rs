//! The programs of Redis, if they are installed, and a server of a test's own.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::print_stderr, reason = "says why a test was skipped")]

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use futures::{AsyncReadExt, AsyncWriteExt};
use kv_server::net::{self, Address};
use tempfile::TempDir;

/// Says that a test cannot be done here. With this variable, as in `cargo xtask clients`, it fails.
fn skip<T>(why: &str) -> Option<T> {
    assert!(std::env::var_os("KV_NEEDS_REDIS").is_none(), "{why}");
    eprintln!("skipped: {why}");
    None
}

/// Runs a program against the address, on a thread of its own. `None` if it is not installed.
pub(crate) async fn run(program: &'static str, address: &Address, arguments: &[&str]) -> Option<Output> {
    let Address::Tcp { port, .. } = address else { panic!("it is TCP") };
    let arguments: Vec<String> = ["-h", "127.0.0.1", "-p", &port.to_string()]
        .iter()
        .chain(arguments)
        .map(|&argument| argument.to_owned())
        .collect();
    let ran = tokio::task::spawn_blocking(move || Command::new(program).args(arguments).output()).await.unwrap();
    match ran {
        Ok(output) => Some(output),
        Err(error) => skip(&format!("{program} cannot be run: {error}")),
    }
}

/// A Redis of this test's own, on a socket in a folder.
pub(crate) struct Redis {
    process: Child,
    folder: TempDir,
}

impl Redis {
    /// Starts one, if it is installed.
    pub(crate) fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("redis.sock");
        // The package of Debian that has `redis-cli` has the server by another name: it is the program that it is called as.
        let server = ["redis-server", "redis-check-rdb"].into_iter().map(|program| {
            let mut command = Command::new(program);
            command.arg0("redis-server");
            command
        });
        let version = |mut command: Command| Some(command.arg("--version").output().ok()?.stdout);
        let versions = server.clone().map(version);
        let Some((mut command, version)) =
            server.zip(versions).find_map(|(command, version)| Some((command, version?)))
        else {
            return skip("redis-server is not installed");
        };
        // Other versions have other words for some errors.
        let version = String::from_utf8_lossy(&version);
        if !version.contains("v=7.0.") {
            return skip(&format!("redis-server is not of version 7.0: {version}"));
        }
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"]).arg(&socket);
        let process = command.current_dir(folder.path()).stdout(Stdio::null()).spawn().unwrap();
        Some(Self { process, folder })
    }

    /// Its socket, where it listens when this returns.
    pub(crate) async fn socket(&mut self) -> PathBuf {
        let socket = self.folder.path().join("redis.sock");
        let address = Address::Unix(socket.clone());
        while net::connect(&address).await.is_err() {
            assert_eq!(self.process.try_wait().unwrap(), None, "it should listen, and has ended");
            tokio::task::yield_now().await;
        }
        socket
    }

    /// The replies of Redis to these bytes, up to that to `QUIT`.
    pub(crate) async fn replies_to(&mut self, sent: &[u8]) -> Vec<u8> {
        let address = Address::Unix(self.socket().await);
        let (mut reader, mut writer) = net::connect(&address).await.unwrap();
        writer.write_all(sent).await.unwrap();
        let mut replies = Vec::new();
        reader.read_to_end(&mut replies).await.unwrap();
        replies
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
