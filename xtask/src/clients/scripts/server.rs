//! A server on a port of its own, which ends with its owner.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::clients::{folder, install};
use crate::{Failure, Result, tree};

/// A process that listens.
pub(super) struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// `kv serve`, with a store in memory.
    pub(super) fn ours(kv: &Path, password: Option<&str>) -> Result<Self> {
        let mut command = Command::new(kv);
        command.args(["serve", "--memory", "--resp-listen", "127.0.0.1:0"]);
        if let Some(password) = password {
            let file = folder().join("password");
            tree::write(&file, password)?;
            install::change_mode(&file, "600")?;
            command.arg("--password-file").arg(file);
        }
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
    pub(super) fn redis(program: &Path, password: Option<&str>) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(program);
        // The program is the server only by this name.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::arg0(&mut command, "redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.args(password.iter().flat_map(|password| ["--requirepass", password]));
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
