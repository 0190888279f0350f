//! Machines of their own for programs, with a cable each that can be pulled: network namespaces of Linux on one bridge.
//!
//! The test itself is a machine of that network, too. All is removed when it ends, and what a test that was killed has left is
//! removed by the next one.

use std::path::Path;
use std::process::Command;

/// What all names begin with. The number of the process follows.
const PREFIX: &str = "gsc";

/// The addresses: of a range that is set aside for tests of networks.
const NETWORK: &str = "198.18.77";

/// Machines on one network.
pub(super) struct Network {
    /// The bridge. Its name begins those of the machines.
    bridge: String,
    machines: usize,
}

impl Network {
    /// Makes so many machines.
    ///
    /// # Panics
    ///
    /// If that is not allowed: `cargo xtask cluster --cut` says before what it takes.
    pub(super) fn new(machines: usize) -> Self {
        remove_what_was_left();
        let network = Self { bridge: format!("{PREFIX}{}", std::process::id()), machines };
        let bridge = &*network.bridge;
        ip(&["link", "add", bridge, "type", "bridge"]);
        ip(&["address", "add", &format!("{NETWORK}.254/24"), "dev", bridge]);
        ip(&["link", "set", bridge, "up"]);
        for number in 0..machines {
            let (space, cable) = (network.space(number), network.cable(number));
            ip(&["netns", "add", &space]);
            ip(&["link", "add", &cable, "type", "veth", "peer", "name", "eth0", "netns", &space]);
            ip(&["link", "set", &cable, "master", bridge, "up"]);
            let address = format!("{}/24", network.address(number));
            ip(&["-n", &space, "address", "add", &address, "dev", "eth0"]);
            ip(&["-n", &space, "link", "set", "lo", "up"]);
            ip(&["-n", &space, "link", "set", "eth0", "up"]);
        }
        network
    }

    /// The address of a machine.
    pub(super) fn address(&self, machine: usize) -> String {
        assert!(machine < self.machines);
        format!("{NETWORK}.{}", machine + 1)
    }

    /// Runs a program on a machine, or on this one.
    pub(super) fn command(at: Option<(&Self, usize)>, program: &Path) -> Command {
        let Some((network, machine)) = at else { return Command::new(program) };
        // It becomes the program, and has its process.
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &network.space(machine)]).arg(program);
        command
    }

    /// Pulls the cable of a machine.
    pub(super) fn cut(&self, machine: usize) {
        ip(&["link", "set", &self.cable(machine), "down"]);
    }

    /// Plugs it in again.
    pub(super) fn join(&self, machine: usize) {
        ip(&["link", "set", &self.cable(machine), "up"]);
    }

    fn space(&self, machine: usize) -> String {
        format!("{}-{machine}", self.bridge)
    }

    /// The end of the cable that is in the bridge.
    fn cable(&self, machine: usize) -> String {
        format!("{}v{machine}", self.bridge)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        remove(&self.bridge);
    }
}

fn ip(args: &[&str]) {
    let output = Command::new("ip").args(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`ip {}` failed: {said}", args.join(" "));
}

/// Removes a bridge and its machines, as far as they are there.
fn remove(bridge: &str) {
    for space in names(&["netns", "list"]) {
        if space.strip_prefix(bridge).is_some_and(|rest| rest.starts_with('-')) {
            // The cable goes with it.
            let _ = Command::new("ip").args(["netns", "delete", &space]).status();
        }
    }
    let _ = Command::new("ip").args(["link", "delete", bridge]).output();
}

/// Removes what was made by processes that are gone.
fn remove_what_was_left() {
    let links = names(&["-brief", "link", "show", "type", "bridge"]);
    let spaces = names(&["netns", "list"]).into_iter().filter_map(|space| Some(space.rsplit_once('-')?.0.to_owned()));
    for bridge in links.into_iter().chain(spaces) {
        let process = bridge.strip_prefix(PREFIX).filter(|process| process.bytes().all(|byte| byte.is_ascii_digit()));
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            remove(&bridge);
        }
    }
}

/// The first word of each line.
fn names(args: &[&str]) -> Vec<String> {
    let output = Command::new("ip").args(args).output().unwrap();
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}
