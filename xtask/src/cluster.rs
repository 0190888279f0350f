//! `cargo xtask cluster up`: three servers of NATS on this machine, as one cluster, until Ctrl-C. With `--kill`, `--cut` and
//! `--quick`, tests of members that are killed and cut off.
//!
//! Their ports are free ones of the loopback, and their data lies in a folder below `target`, which is removed with them.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::{Failure, Result, nats, workspace};

// One server.
mod server;
// Members that are killed and cut off.
mod run;

use server::{Place, Said, Server};

/// How many servers: the fewest of which one may be gone.
const SERVERS: usize = 3;

/// They need a second or two. If they have no leader by then, they never will.
const LEADER_WITHIN: Duration = Duration::from_mins(2);

/// Starts what the argument names.
pub(crate) fn run(args: &[String]) -> Result {
    match args {
        [word] if word == "up" => up(),
        _ => {
            let asked = run::asked(args).ok_or_else(|| Failure::new(USAGE))?;
            nats::server()?;
            asked.run(None)
        }
    }
}

const USAGE: &str = "`cluster` takes one of:
  up           three servers of NATS, until Ctrl-C
  --quick      a member that is killed, in some seconds
  --kill 100   members and servers that are killed, so often
  --cut 20     machines that are cut off, so often; as root, on Linux
Behind the last two `--ttl 15` says how many seconds a name lives, and `--seed 1` draws other troubles. Before the last three
`--buckets` says that it is programs of `kv serve --cluster`, with buckets, and not members with servers of a test";

/// For `ci`: the quick parts, compiled with what the tests are compiled with. Without a server they are skipped, and it says so.
pub(crate) fn run_in_ci(selection: &[String]) -> Result {
    if !nats::is_there() {
        println!("ci: skipped: members that are killed: nats-server is missing; `cargo xtask cluster up` installs it");
        return Ok(());
    }
    for asked in [&["--quick".to_owned()][..], &["--buckets".to_owned(), "--quick".to_owned()]] {
        run::asked(asked).ok_or_else(|| Failure::new(USAGE))?.run(Some(selection))?;
    }
    Ok(())
}

fn up() -> Result {
    let program = nats::server()?;
    let folder = Folder::new()?;
    let places = places(&folder.0)?;
    let (sender, said) = mpsc::channel();
    let start = |place: &Place| Server::start(&program, place, &places, &sender);
    let servers = places.iter().map(start).collect::<Result<Vec<Server>>>()?;
    // What is left are the senders of the servers: when these have ended, nothing more is said.
    drop(sender);
    wait_for_leader(&said)?;
    let addresses: Vec<String> = places.iter().map(|place| format!("nats://127.0.0.1:{}", place.port)).collect();
    println!("cluster: {}", addresses.join(","));
    println!("cluster: data and logs are in {}", folder.0.display());
    println!("cluster: Ctrl-C ends it");
    // Ctrl-C goes to the servers as well as to this program, which is ended by it.
    said.iter().for_each(drop);
    drop(servers);
    Err(Failure::new("all servers have ended"))
}

/// Free ports, and a folder for each server.
fn places(folder: &Path) -> Result<Vec<Place>> {
    let free = || TcpListener::bind(("127.0.0.1", 0)).and_then(|it| Ok((it.local_addr()?.port(), it)));
    let failed = |error| Failure::new(format!("there is no free port: {error}"));
    // All are held until all are known, so that none is given twice.
    let ports = (0..2 * SERVERS).map(|_| free().map_err(failed)).collect::<Result<Vec<_>>>()?;
    let place = |number: usize| Place {
        name: format!("n{}", number + 1),
        port: ports[2 * number].0,
        cluster_port: ports[2 * number + 1].0,
        folder: folder.join(format!("n{}", number + 1)),
    };
    Ok((0..SERVERS).map(place).collect())
}

/// Waits until every server knows who leads them.
#[expect(clippy::disallowed_methods, reason = "waits for real processes by the machine's clock")]
fn wait_for_leader(said: &Receiver<Said>) -> Result {
    let until = Instant::now() + LEADER_WITHIN;
    let mut waiting: Vec<String> = (1..=SERVERS).map(|number| format!("n{number}")).collect();
    let mut last = String::new();
    while !waiting.is_empty() {
        match said.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Said { server, line }) => {
                if line.contains("new JetStream cluster metadata leader")
                    || line.contains("cluster new metadata leader")
                {
                    waiting.retain(|name| *name != server);
                }
                last = line;
            }
            Err(RecvTimeoutError::Timeout) => {
                return Err(Failure::new(format!("they have no leader; the last said: {last}")));
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::new(format!("all have ended; the last said: {last}")));
            }
        }
    }
    Ok(())
}

/// The folder of one run, which is removed when the run ends, or by a later one if Ctrl-C has ended it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let all = workspace::target().join("cluster");
        for left in fs::read_dir(&all).into_iter().flatten().flatten() {
            if !Path::new("/proc").join(left.file_name()).exists() {
                // Another run may do the same at this moment.
                let _ = fs::remove_dir_all(left.path());
            }
        }
        let folder = all.join(std::process::id().to_string());
        let made = fs::create_dir_all(&folder);
        made.map_err(|error| Failure::new(format!("cannot make {}: {error}", folder.display())))?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is removed by the next run.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    //! What can be seen without a server.

    use super::*;

    #[test]
    fn no_two_servers_share_a_port_or_a_folder() {
        let places = places(Path::new("folder")).expect("there are free ports");
        let mut ports: Vec<u16> = places.iter().flat_map(|place| [place.port, place.cluster_port]).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 6);
        assert_ne!(places[0].folder, places[1].folder);
    }

    #[test]
    fn every_server_has_to_know_the_leader() {
        let (sender, said) = mpsc::channel();
        let says = |server: &str, line: &str| {
            let (server, line) = (server.to_owned(), line.to_owned());
            sender.send(Said { server, line }).expect("it is heard");
        };
        says("n1", "[INF] Self is new JetStream cluster metadata leader");
        says("n2", "[INF] JetStream cluster new metadata leader: n1/cluster");
        says("n3", "[INF] JetStream cluster new metadata leader: n1/cluster");
        wait_for_leader(&said).expect("all know it");
        says("n1", "[FTL] no");
        drop(sender);
        let failure = wait_for_leader(&said).expect_err("nothing more is said").to_string();
        assert_eq!(failure, "all have ended; the last said: [FTL] no");
    }

    #[test]
    fn what_is_not_there_is_answered_with_what_is() {
        let failure = run(&["down".to_owned()]).expect_err("no such word").to_string();
        assert!(failure.starts_with("`cluster` takes one of:"), "{failure}");
    }
}
