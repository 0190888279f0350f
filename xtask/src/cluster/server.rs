//! One server of NATS: a process of this program, and what it says.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Sender;

use crate::{Failure, Result, tree};

/// Where a server is.
pub(super) struct Place {
    pub(super) name: String,
    /// For clients.
    pub(super) port: u16,
    /// For the other servers.
    pub(super) cluster_port: u16,
    pub(super) folder: PathBuf,
}

/// A line of a server's log.
pub(super) struct Said {
    /// The name of the server.
    pub(super) server: String,
    pub(super) line: String,
}

/// A server that runs until this is dropped.
pub(super) struct Server(Child);

impl Server {
    /// Starts a server among others. What it says is sent on, and written to the file `log` in its folder.
    #[expect(clippy::disallowed_methods, reason = "reads what a real process says")]
    pub(super) fn start(program: &Path, place: &Place, all: &[Place], said: &Sender<Said>) -> Result<Self> {
        let configuration = place.folder.join("nats.conf");
        tree::write(&configuration, &configured(place, all))?;
        let failed = |error| Failure::new(format!("`{}` did not start: {error}", program.display()));
        let mut command = Command::new(program);
        command.arg("--config").arg(configuration).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let lines = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut log = fs::File::create(place.folder.join("log")).map_err(failed)?;
        let (server, said) = (place.name.clone(), said.clone());
        std::thread::spawn(move || {
            use std::io::Write as _;
            for line in lines.lines().map_while(std::io::Result::ok) {
                // A full disk must not keep the server from going on.
                let _ = writeln!(log, "{line}");
                if said.send(Said { server: server.clone(), line }).is_err() {
                    return;
                }
            }
        });
        Ok(Self(child))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // If it has ended already, there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn configured(place: &Place, all: &[Place]) -> String {
    let Place { name, port, cluster_port, folder } = place;
    let others = all.iter().filter(|other| other.name != *name);
    let routes: Vec<String> = others.map(|other| format!("\"nats://127.0.0.1:{}\"", other.cluster_port)).collect();
    format!(
        "server_name: {name}\nlisten: \"127.0.0.1:{port}\"\n\
         jetstream {{ store_dir: \"{}\" }}\n\
         cluster {{ name: cluster, listen: \"127.0.0.1:{cluster_port}\", routes: [{}] }}\n",
        folder.join("data").display(),
        routes.join(", ")
    )
}

#[cfg(test)]
mod tests {
    //! What a server is told.

    use super::*;

    #[test]
    fn a_server_is_told_of_the_others() {
        let place = |number: u16| Place {
            name: format!("n{number}"),
            port: number,
            cluster_port: 10 + number,
            folder: PathBuf::from(format!("f{number}")),
        };
        let all = [place(1), place(2), place(3)];
        let expected = "server_name: n2\nlisten: \"127.0.0.1:2\"\njetstream { store_dir: \"f2/data\" }\n\
                        cluster { name: cluster, listen: \"127.0.0.1:12\", \
                        routes: [\"nats://127.0.0.1:11\", \"nats://127.0.0.1:13\"] }\n";
        assert_eq!(configured(&all[1], &all), expected);
    }
}
