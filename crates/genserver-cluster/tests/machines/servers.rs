//! Servers of NATS, alone or as one cluster, that are killed and started again.

use std::env;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use tempfile::TempDir;

use crate::network::Network;

/// What a server listens at on a machine of its own, for clients and for others of the cluster.
const PORTS: (u16, u16) = (4222, 6222);

/// Servers that run until this is dropped.
pub(super) struct Servers {
    program: PathBuf,
    folder: TempDir,
    places: Vec<Place>,
    running: Vec<Option<Child>>,
}

/// Where a server is.
struct Place {
    name: String,
    host: String,
    /// For clients, ...
    port: u16,
    /// ... and for other servers.
    cluster_port: u16,
}

impl Servers {
    /// Starts so many servers, each on its own machine of the network if there is one. Returns nothing if their program is
    /// missing.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    pub(super) fn start(count: usize, network: Option<&Network>) -> Option<Self> {
        let Some(program) = env::var_os("NATS_SERVER").map(PathBuf::from).filter(|program| program.is_file()) else {
            eprintln!("skipped: NATS_SERVER names no server; `cargo xtask cluster up` installs one");
            return None;
        };
        let places = places(count, network);
        let running = places.iter().map(|_| None).collect();
        let mut servers = Self { program, folder: tempfile::tempdir().unwrap(), places, running };
        for number in 0..count {
            servers.restart(number, network);
        }
        Some(servers)
    }

    /// Where its data and the logs of all programs are.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.places.len()
    }

    /// The server with this name.
    pub(super) fn number_of(&self, name: &str) -> usize {
        self.places.iter().position(|place| place.name == name).unwrap()
    }

    /// The addresses of all servers, this one first.
    pub(super) fn addresses_from(&self, first: usize) -> Vec<String> {
        let order = (0..self.places.len()).map(|number| &self.places[(first + number) % self.places.len()]);
        order.map(|place| format!("nats://{}:{}", place.host, place.port)).collect()
    }

    /// Ends a server as `kill -9` does.
    pub(super) fn kill(&mut self, number: usize) {
        let mut server = self.running[number].take().unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
    }

    /// Starts a server with the data that it has.
    pub(super) fn restart(&mut self, number: usize, network: Option<&Network>) {
        let name = &self.places[number].name;
        let configuration = self.folder().join(format!("{name}.conf"));
        std::fs::write(&configuration, self.configured(number)).unwrap();
        let log = File::options().create(true).append(true).open(self.folder().join(format!("{name}.log"))).unwrap();
        let mut command = Network::command(network.map(|network| (network, number)), &self.program);
        command.arg("--config").arg(configuration).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.running[number] = Some(command.spawn().unwrap());
    }

    fn configured(&self, number: usize) -> String {
        let Place { name, host, port, cluster_port } = &self.places[number];
        let data = self.folder().join(name);
        let alone = format!(
            "server_name: {name}\nlisten: \"{host}:{port}\"\njetstream {{ store_dir: \"{}\" }}\n",
            data.display()
        );
        if self.places.len() == 1 {
            return alone;
        }
        let others = self.places.iter().filter(|other| other.name != *name);
        let routes: Vec<String> =
            others.map(|other| format!("\"nats://{}:{}\"", other.host, other.cluster_port)).collect();
        let routes = routes.join(", ");
        format!("{alone}cluster {{ name: cluster, listen: \"{host}:{cluster_port}\", routes: [{routes}] }}\n")
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for server in self.running.iter_mut().flatten() {
            // It may have ended.
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn places(count: usize, network: Option<&Network>) -> Vec<Place> {
    let place = |number: usize, host: String, (port, cluster_port)| Place {
        name: format!("n{}", number + 1),
        host,
        port,
        cluster_port,
    };
    if let Some(network) = network {
        return (0..count).map(|number| place(number, network.address(number), PORTS)).collect();
    }
    // All are held until all are known, so that none is given twice.
    let free: Vec<TcpListener> = (0..2 * count).map(|_| TcpListener::bind(("127.0.0.1", 0)).unwrap()).collect();
    let port = |number: usize| free[number].local_addr().unwrap().port();
    (0..count).map(|number| place(number, "127.0.0.1".to_owned(), (port(number), port(count + number)))).collect()
}
