//! The book of this workspace: a crate, so that every chapter compiles and its programs run.
//!
//! Each module is one chapter, in the order a newcomer would read them.

/// What the project is, in one program and a few tables.
#[doc = include_str!("../../README.md")]
pub mod readme {}

/// Step by step, from a task with a channel to a server.
#[doc = include_str!("../FROM_TOKIO.md")]
pub mod from_tokio {}

/// Where to find what OTP has, and what is different.
#[doc = include_str!("../FROM_ERLANG.md")]
pub mod from_erlang {}

/// Servers with names on several machines, step by step.
#[doc = include_str!("../CLUSTER.md")]
pub mod cluster {}

/// A server with the macro of `genserver`, and with those of kameo and ractor.
#[doc = include_str!("../MACRO.md")]
pub mod macros {}

/// Where things are, what may depend on what, and what is promised.
#[doc = include_str!("../ARCHITECTURE.md")]
pub mod architecture {}

/// The figures, how to read them, and how to get your own.
#[doc = include_str!("../PERFORMANCE.md")]
pub mod performance {}

/// What a running program shows of itself: counts, metrics, traces.
#[doc = include_str!("../OBSERVING.md")]
pub mod observing {}

/// How to work on it: the verbs, and how to add to them.
#[doc = include_str!("../CONTRIBUTING.md")]
pub mod contributing {}

/// How the code is written here, and why.
#[doc = include_str!("../STYLE.md")]
pub mod style {}

/// Which behaviours of OTP are kept, case by case.
#[doc = include_str!("../conformance.md")]
pub mod conformance {}

/// What holds whatever goes wrong, and which scenarios of the simulator show it.
#[doc = include_str!("../reliability.md")]
pub mod reliability {}

/// Which of Redis's own tests hold for our server, and why the others do not.
#[doc = include_str!("../redis.md")]
pub mod redis {}

/// Which faults in the code no test notices, and why.
#[doc = include_str!("../mutants.md")]
pub mod mutants {}

/// Which bugs of actors the simulator finds, and how soon.
#[doc = include_str!("../ZOO.md")]
pub mod zoo {}

/// Which tests run under the simulator as they were written for Tokio, and why the others do not.
#[doc = include_str!("../simulated-tests.md")]
pub mod simulated_tests {}

/// Which changes may come in which version, and what is not promised.
#[doc = include_str!("../STABILITY.md")]
pub mod stability {}

/// What changed for a user, version by version.
pub mod changelog {
    /// What changed in `genserver`.
    #[doc = include_str!("../../crates/genserver/CHANGELOG.md")]
    pub mod genserver {}
    /// What changed in `genserver-macros`.
    #[doc = include_str!("../../crates/genserver-macros/CHANGELOG.md")]
    pub mod genserver_macros {}
    /// What changed in `genevent`.
    #[doc = include_str!("../../crates/genevent/CHANGELOG.md")]
    pub mod genevent {}
    /// What changed in `genserver-observer`.
    #[doc = include_str!("../../crates/genserver-observer/CHANGELOG.md")]
    pub mod genserver_observer {}
    /// What changed in `genserver-cluster`.
    #[doc = include_str!("../../crates/genserver-cluster/CHANGELOG.md")]
    pub mod genserver_cluster {}
    /// What changed in `kv-core`.
    #[doc = include_str!("../../crates/kv-core/CHANGELOG.md")]
    pub mod kv_core {}
    /// What changed in `kv-cluster`.
    #[doc = include_str!("../../crates/kv-cluster/CHANGELOG.md")]
    pub mod kv_cluster {}
    /// What changed in `kv-server`.
    #[doc = include_str!("../../crates/kv-server/CHANGELOG.md")]
    pub mod kv_server {}
    /// What changed in `kv-cli`.
    #[doc = include_str!("../../crates/kv-cli/CHANGELOG.md")]
    pub mod kv_cli {}
}

/// The first pages of the crates that are published, as a registry shows them.
pub mod crates {
    /// Processes and servers.
    #[doc = include_str!("../../crates/genserver/README.md")]
    pub mod genserver {}

    /// The macro.
    #[doc = include_str!("../../crates/genserver-macros/README.md")]
    pub mod genserver_macros {}

    /// Event managers.
    #[doc = include_str!("../../crates/genevent/README.md")]
    pub mod genevent {}

    /// A page that shows the processes of a program.
    #[doc = include_str!("../../crates/genserver-observer/README.md")]
    pub mod genserver_observer {}

    /// Servers on several machines.
    #[doc = include_str!("../../crates/genserver-cluster/README.md")]
    pub mod genserver_cluster {}

    /// The store.
    #[doc = include_str!("../../crates/kv-core/README.md")]
    pub mod kv_core {}

    /// Its buckets on several machines.
    #[doc = include_str!("../../crates/kv-cluster/README.md")]
    pub mod kv_cluster {}

    /// The store on a socket.
    #[doc = include_str!("../../crates/kv-server/README.md")]
    pub mod kv_server {}

    /// The program `kv`.
    #[doc = include_str!("../../crates/kv-cli/README.md")]
    pub mod kv_cli {}
}
