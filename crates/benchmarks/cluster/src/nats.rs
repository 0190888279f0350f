//! A server of NATS on the loopback: the program that the variable `NATS_SERVER` names.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;

use tempfile::TempDir;

use crate::Outcome;

/// What it says before the address that it listens at.
const LISTENS: &str = "Listening for client connections on ";

pub(crate) struct Nats {
    child: Child,
    address: String,
    _data: TempDir,
}

impl Nats {
    pub(crate) fn start() -> Outcome<Self> {
        let program = env::var_os("NATS_SERVER")
            .ok_or("NATS_SERVER names no server; run this with `cargo xtask bench --cluster`")?;
        let data = tempfile::tempdir()?;
        let mut command = Command::new(program);
        // It takes a free port.
        command.args(["--addr", "127.0.0.1", "--port", "-1", "--jetstream", "--store_dir"]).arg(data.path());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stderr.take().ok_or("it is piped")?).lines();
        let mut server = Self { child, address: String::new(), _data: data };
        for line in lines.by_ref().map_while(Result::ok) {
            if let Some((_, address)) = line.split_once(LISTENS) {
                address.clone_into(&mut server.address);
            }
            if line.contains("Server is ready") {
                // What it says later is read, so that it can go on.
                thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
                return Ok(server);
            }
        }
        Err("the server of NATS did not start".into())
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
