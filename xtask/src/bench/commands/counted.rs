//! A server under callgrind, which is told to write down what it has counted while the server runs.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::{Failure, Result, workspace};

/// The server, which ends with this.
pub(super) struct Counted {
    process: Child,
    port: u16,
    out: PathBuf,
    /// How many files callgrind has written.
    written: usize,
}

impl Counted {
    /// Starts a program on a free port, and waits until it listens there.
    pub(super) fn start(callgrind: &Path, program: &Path, args: impl FnOnce(u16) -> Vec<String>) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = port.map_err(|error| Failure::new(format!("there is no free port: {error}")))?.port();
        let out = workspace::target().join(format!("callgrind.{}.{port}", std::process::id()));
        let mut command = Command::new(callgrind);
        command.args(["--command-line-only=yes", "--tool=callgrind"]);
        command.arg(format!("--callgrind-out-file={}", out.display())).arg(program).args(args(port));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let name = program.display();
        let process = command.spawn().map_err(|error| Failure::new(format!("`{name}` did not start: {error}")))?;
        let mut server = Self { process, port, out, written: 0 };
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Ok(Some(status)) = server.process.try_wait() {
                return Err(Failure::new(format!("`{name}` ended with {status} before it listened")));
            }
            std::thread::yield_now();
        }
        Ok(server)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Forgets what was counted so far.
    pub(super) fn forget(&mut self) -> Result {
        self.counted().map(drop)
    }

    /// The instructions that were counted since this was last asked.
    pub(super) fn counted(&mut self) -> Result<f64> {
        let failure = |what: String| Failure::new(format!("callgrind did not say what it has counted: {what}"));
        let pid = self.process.id().to_string();
        let told = Command::new("callgrind_control").args(["--dump", &pid]).output();
        let told = told.map_err(|error| failure(format!("`callgrind_control` did not start: {error}")))?;
        if !told.status.success() {
            return Err(failure(String::from_utf8_lossy(&told.stderr).into_owned()));
        }
        self.written += 1;
        let file = self.out.with_added_extension(self.written.to_string());
        let text = fs::read_to_string(&file).map_err(|error| failure(format!("{}: {error}", file.display())))?;
        // A file that stays is overwritten by another run.
        let _ = fs::remove_file(&file);
        let total = text.lines().rev().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok());
        total.ok_or_else(|| failure("the file has no total".to_owned()))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
