//! A server on a port of its own, which ends with its owner.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::access::{self, Access};
use crate::{Failure, Result};

/// A process that listens.
pub(super) struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// `kv serve`, with a store in memory.
    pub(super) fn ours(kv: &Path, access: Access) -> Result<Self> {
        let mut command = Command::new(kv);
        command.args(["serve", "--memory", "--resp-listen"]);
        match access {
            Access::Open => command.arg("127.0.0.1:0"),
            Access::Password => command.args(["127.0.0.1:0", "--password-file"]).arg(access::password()),
            Access::Tls => {
                command.args(["tls:127.0.0.1:0", "--tls-cert"]).arg(access::certificate());
                command.arg("--tls-key").arg(access::key())
            }
        };
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = Self { process: started(&mut command)?, port: 0 };
        let mut line = String::new();
        let output = server.process.stdout.take().expect("it is piped");
        let _ = BufReader::new(output).read_line(&mut line);
        let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        server.port = port.ok_or_else(|| Failure::new(format!("`kv serve` says `{line}`, and no port")))?;
        Ok(server)
    }

    /// A Redis that keeps nothing, and tells all events, as ours does.
    pub(super) fn redis(program: &Path, access: Access) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(program);
        // The program is the server only by this name.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::arg0(&mut command, "redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        let shown = port.to_string();
        match access {
            Access::Open => command.args(["--port", &shown]),
            Access::Password => command.args(["--port", &shown, "--requirepass", access::PASSWORD]),
            Access::Tls => {
                command.args(["--port", "0", "--tls-port", &shown, "--tls-auth-clients", "no"]);
                command.arg("--tls-cert-file").arg(access::certificate()).arg("--tls-key-file").arg(access::key());
                command.arg("--tls-ca-cert-file").arg(access::certificate())
            }
        };
        command.args(["--notify-keyspace-events", "KEA"]).stdout(Stdio::null());
        let mut server = Self { process: started(&mut command)?, port };
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Ok(Some(status)) = server.process.try_wait() {
                return Err(Failure::new(format!("`redis-server` ended with {status} before it listened")));
            }
            std::thread::yield_now();
        }
        Ok(server)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn started(command: &mut Command) -> Result<Child> {
    let process = command.stdin(Stdio::null()).spawn();
    process.map_err(|error| Failure::new(format!("`{}` did not start: {error}", command.get_program().display())))
}

/// A port that nobody has now, for a program that does not choose one itself.
fn free_port() -> Result<u16> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    port.map(|address| address.port()).map_err(|error| Failure::new(format!("there is no free port: {error}")))
}
