//! Redis and valkey, which is Redis by another name, as programs that are started for the comparison, and Redis's own client.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Without persistence.
pub(super) const IN_MEMORY: &[&str] = &["--save", "", "--appendonly", "no"];

/// With a log that is synced before each answer.
pub(super) const ALWAYS: &[&str] = &["--save", "", "--appendonly", "yes", "--appendfsync", "always"];

/// A server of that kind, ended with this.
#[derive(Debug)]
pub(super) struct Redis {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Redis {
    /// Starts `redis-server`. None if there is none on the path.
    pub(super) fn start(how: &[&str], folder: &Path) -> Option<Self> {
        Self::program("redis-server".into(), how, folder)
    }

    /// Starts the `valkey-server` on the path, or the one that the variable `VALKEY_SERVER` names.
    pub(super) fn valkey(folder: &Path) -> Option<Self> {
        let program = std::env::var_os("VALKEY_SERVER").unwrap_or_else(|| "valkey-server".into());
        Self::program(program, IN_MEMORY, folder)
    }

    fn program(program: OsString, how: &[&str], folder: &Path) -> Option<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|bound| bound.local_addr()).ok()?;
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string()]).arg("--dir").arg(folder);
        command.args(how).stdout(Stdio::null()).stderr(Stdio::null());
        let redis = Self { child: command.spawn().ok()?, address };
        // It says nowhere when it is ready.
        for _ in 0..1_000_000 {
            if TcpStream::connect(address).is_ok() {
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

/// What `redis-benchmark` measures: commands a second, and how long 99 of 100 take at most, in milliseconds. None if it is not on the
/// path, or does not say.
pub(super) fn benchmark(address: SocketAddr, command: &[&str], pipeline: usize) -> Option<(f64, f64)> {
    let mut program = Command::new("redis-benchmark");
    program.args(["-h", "127.0.0.1", "-p", &address.port().to_string(), "--csv", "-c", "50", "-r", "1000"]);
    program.args(["-n", if pipeline == 1 { "100000" } else { "1000000" }, "-P", &pipeline.to_string()]);
    let output = program.args(command).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    // The command, commands a second, and milliseconds: average, least, p50, p95, p99, most.
    let row: Vec<&str> = text.lines().last()?.split(',').map(|cell| cell.trim_matches('"')).collect();
    let figure = |from_the_end: usize| row.get(row.len().checked_sub(from_the_end)?)?.parse::<f64>().ok();
    Some((figure(7)?, figure(2)?))
}
