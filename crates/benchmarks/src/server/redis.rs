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

    /// Starts `redis-server` with TLS only, and these files: a certificate, and its key.
    pub(super) fn tls(certificate: &Path, key: &Path, folder: &Path) -> Option<Self> {
        let [certificate, key] = [certificate, key].map(|file| file.to_string_lossy().into_owned());
        let how = ["--tls-auth-clients", "no", "--tls-cert-file", &certificate, "--tls-key-file", &key];
        let how = [&how[..], &["--tls-ca-cert-file", &certificate], IN_MEMORY].concat();
        Self::on_port("redis-server".into(), &["--port", "0", "--tls-port"], &how, folder)
    }

    fn program(program: OsString, how: &[&str], folder: &Path) -> Option<Self> {
        Self::on_port(program, &["--port"], how, folder)
    }

    fn on_port(program: OsString, port: &[&str], how: &[&str], folder: &Path) -> Option<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|bound| bound.local_addr()).ok()?;
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1"]).args(port).arg(address.port().to_string()).arg("--dir").arg(folder);
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

/// What `redis-benchmark` measures with fifty connections: commands a second. By TLS, if there is the certificate of an authority.
/// None if it is not on the path, or does not say.
pub(super) fn benchmark(address: SocketAddr, ca: Option<&Path>, command: &[&str], pipeline: usize) -> Option<f64> {
    let mut program = Command::new("redis-benchmark");
    program.args(["-h", "127.0.0.1", "-p", &address.port().to_string(), "--csv", "-c", "50", "-r", "1000"]);
    program.args(["-n", if pipeline == 1 { "100000" } else { "1000000" }, "-P", &pipeline.to_string()]);
    if let Some(ca) = ca {
        program.arg("--tls").arg("--cacert").arg(ca);
    }
    let output = program.args(command).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    // The command, which may have commas in it, commands a second, and six figures of how long they take.
    let row: Vec<&str> = text.lines().last()?.split(',').map(|cell| cell.trim_matches('"')).collect();
    row.get(row.len().checked_sub(7)?)?.parse().ok()
}
