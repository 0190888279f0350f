//! Clients that others wrote, each with the same script on our server and on Redis: what they print has to be the same.

// What a server asks of its clients.
mod access;
// A server that ends with its owner.
mod server;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::install::{self, NODE, REDIS_BENCHMARK, REDIS_CLI};
use super::kv;
use crate::cargo::Cargo;
use crate::{Failure, Result, tree, workspace};

use access::{ACCESSES, Access};
use server::Server;

/// The commands that a server of ours answers as Redis does, a line each. A test of `kv-server` sends them as bytes.
const THE_SAME: &str = "crates/kv-server/tests/resp/the_same.txt";

/// A client, and how to run it with a script on its standard input.
struct Client {
    name: &'static str,
    /// The protocols that it can be told to speak.
    protocols: &'static [&'static str],
    /// Gets it. Returns the program and its first arguments, which the port and the protocol follow.
    get: fn() -> Result<Vec<PathBuf>>,
}

/// Every client, in the version that it was tried with. To add one, write a program that prints what it returns, and a row here.
const CLIENTS: &[Client] = &[
    Client { name: "redis-py 8.1.0", protocols: &["default", "2", "3"], get: redis_py },
    Client { name: "ioredis 6.0.0", protocols: &["default", "2", "3"], get: ioredis },
    Client { name: "node-redis 6.3.1", protocols: &["default", "2", "3"], get: node_redis },
];

fn redis_py() -> Result<Vec<PathBuf>> {
    let python = install::python(&["redis==8.1.0"])?;
    let program = super::folder().join("redis_py.py");
    tree::write(&program, include_str!("scripts/redis_py.py"))?;
    Ok(vec![python, program])
}

fn ioredis() -> Result<Vec<PathBuf>> {
    node("ioredis.cjs", include_str!("scripts/ioredis.cjs"))
}

fn node_redis() -> Result<Vec<PathBuf>> {
    node("node_redis.cjs", include_str!("scripts/node_redis.cjs"))
}

fn node(name: &str, text: &str) -> Result<Vec<PathBuf>> {
    let program = install::node_modules(&["ioredis@6.0.0", "redis@6.3.1"])?.join(name);
    tree::write(&program, text)?;
    Ok(vec![NODE.find()?, program])
}

/// Gets every client, and Redis.
pub(super) fn get() -> Result {
    install::redis()?;
    access::prepare()?;
    CLIENTS.iter().try_for_each(|client| (client.get)().map(|_| ()))
}

/// Runs every client.
pub(super) fn run(args: &[String]) -> Result {
    if !args.is_empty() {
        return Err(Failure::new("`cargo xtask clients scripts` takes no arguments"));
    }
    access::prepare()?;
    let both = Both { ours: kv()?, theirs: install::redis_server()?, script: script(&read(THE_SAME)?)? };
    let mut differences = Vec::new();
    for client in CLIENTS {
        let program = (client.get)()?;
        for (protocol, access) in client.protocols.iter().flat_map(|it| ACCESSES.map(|access| (it, access))) {
            let with = |port: u16| {
                let mut command = Command::new(&program[0]);
                command.args(&program[1..]).args([&port.to_string(), *protocol]);
                match access {
                    Access::Open => &mut command,
                    Access::Password => command.env("PASSWORD", access::PASSWORD),
                    Access::Tls => command.env("CA", access::certificate()),
                };
                command
            };
            differences.extend(both.compare(client.name, protocol, access, with)?);
        }
    }
    let redis_cli = REDIS_CLI.find()?;
    for (protocol, access) in ["-2", "-3"].into_iter().flat_map(|it| ACCESSES.map(|access| (it, access))) {
        let with = |port: u16| {
            let mut command = Command::new(&redis_cli);
            command.args(["-p", &port.to_string(), protocol, "--no-raw", "--no-auth-warning"]);
            match access {
                Access::Open => &mut command,
                Access::Password => command.args(["-a", access::PASSWORD]),
                Access::Tls => command.args(["--tls", "--cacert"]).arg(access::certificate()),
            };
            command
        };
        differences.extend(both.compare("redis-cli", protocol, access, with)?);
    }
    if !differences.is_empty() {
        return Err(Failure::new(format!("clients scripts:\n{}", differences.join("\n"))));
    }
    benchmark(&Server::ours(&both.ours, Access::Open)?)?;
    // The client in Rust is a test of the crate. There it is skipped where there is no Redis.
    Cargo::line("test --quiet --package kv-server --test resp -- clients programs").env("KV_NEEDS_REDIS", "1").run()
}

/// The servers as programs, and what is sent to them.
struct Both {
    ours: PathBuf,
    theirs: PathBuf,
    script: String,
}

impl Both {
    /// Runs a client on each, and returns how it differs. The servers are new: nothing is left there by others.
    fn compare(
        &self,
        client: &str,
        protocol: &str,
        access: Access,
        with: impl Fn(u16) -> Command,
    ) -> Result<Option<String>> {
        let ours = printed(&mut with(Server::ours(&self.ours, access)?.port()), &self.script)?;
        let theirs = printed(&mut with(Server::redis(&self.theirs, access)?.port()), &self.script)?;
        let name = format!("{client}, protocol {}{}", protocol.trim_start_matches('-'), access.shown());
        // Two clients that reach nobody print the same, too.
        if !theirs.contains("PONG") {
            return Err(Failure::new(format!("{name}: Redis did not answer\n{theirs}")));
        }
        Ok(compare(&name, &ours, &theirs))
    }
}

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(workspace::root().join(path))
        .map_err(|error| Failure::new(format!("cannot read {path}: {error}")))
}

/// The section of the commands that any client may send.
fn script(the_same: &str) -> Result<String> {
    let section = the_same.split("\n\n").find(|section| section.starts_with("# What any client may send"));
    let section = section.ok_or_else(|| Failure::new(format!("{THE_SAME} has no section for any client")))?;
    // Without the heading.
    let (_, commands) = section.split_once('\n').unwrap_or_default();
    Ok(format!("{}\n", commands.trim_end()))
}

/// What a client prints for the script.
fn printed(command: &mut Command, script: &str) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failure = |what: &dyn std::fmt::Display| Failure::new(format!("`{program}`: {what}"));
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| failure(&error))?;
    // What the programs of this folder print until they have read all of it fits into a pipe.
    let written = child.stdin.take().expect("it is piped").write_all(script.as_bytes());
    written.map_err(|error| failure(&error))?;
    let output = child.wait_with_output().map_err(|error| failure(&error))?;
    if !output.status.success() {
        return Err(failure(&output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where two prints differ first.
fn compare(client: &str, ours: &str, theirs: &str) -> Option<String> {
    if ours == theirs {
        println!("clients: {client}: {} lines, the same", ours.lines().count());
        return None;
    }
    let (mut ours, mut theirs) = (ours.lines(), theirs.lines());
    loop {
        let (our, their) = (ours.next(), theirs.next());
        if our != their {
            let [our, their] = [our, their].map(|line| line.unwrap_or("(the end)"));
            return Some(format!("{client}\n  ours:  {our}\n  Redis: {their}"));
        }
    }
}

/// The load that `redis-benchmark` makes: no reply may be an error, and what it has written must be there.
fn benchmark(server: &Server) -> Result {
    let program = REDIS_BENCHMARK.find()?;
    let port = server.port().to_string();
    // Its own tests, with how many there are, and commands of a user.
    let runs: &[(&[&str], usize)] = &[
        (&["-t", "ping_inline,ping_mbulk,hset"], 3),
        (&["HSET", "many", "key:__rand_int__", "value"], 1),
        (&["HGET", "many", "key:__rand_int__"], 1),
        (&["HDEL", "many", "key:__rand_int__"], 1),
    ];
    for (run, tests) in runs {
        let mut command = Command::new(&program);
        command.args(["-p", &port, "-q", "-n", "100000", "-c", "50", "-P", "16", "-r", "10000"]).args(*run);
        let printed = printed(&mut command, "")?;
        if printed.matches("requests per second").count() != *tests || printed.contains("rror") {
            return Err(Failure::new(format!("`redis-benchmark {}` printed\n{printed}", run.join(" "))));
        }
    }
    println!("clients: redis-benchmark: {} kinds of commands, no error", runs.iter().map(|run| run.1).sum::<usize>());
    Ok(())
}

#[cfg(test)]
mod tests {
    //! What is sent and what is compared.

    use super::*;

    #[test]
    fn a_client_gets_the_commands_that_leave_the_connection_alone() {
        let script = script(&read(THE_SAME).unwrap()).unwrap();
        assert!(script.lines().count() > 50 && script.contains("\nHGET a x\n"), "{script}");
        assert!(script.lines().all(|line| !["QUIT", "SUBSCRIBE", "#"].iter().any(|word| line.starts_with(word))));
    }

    #[test]
    fn the_first_difference_is_shown() {
        assert_eq!(compare("a", "1\n2\n", "1\n2\n"), None);
        assert_eq!(compare("a", "1\n2\n3\n", "1\nx\ny\n").unwrap(), "a\n  ours:  2\n  Redis: x");
        assert_eq!(compare("a", "1\n", "1\n2\n").unwrap(), "a\n  ours:  (the end)\n  Redis: 2");
    }
}
