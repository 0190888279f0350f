//! The arguments of `kv`, and their help.

use std::ffi::OsString;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use kv_server::net::Address;

/// The help below the options.
const AFTER_HELP: &str = "\
Without a command, kv is a prompt: on a store of its own, which is gone when you leave, or on the
server that --connect or KV_URL names. It reads a pipe as well: printf 'CREATE a\\n' | kv

Exit codes:
  0   done
  1   there is no such bucket or key
  2   the arguments are wrong
  3   the server answered an error or broke off, or could not serve
  4   the server could not be reached
  78  refused to serve everybody without a password; see kv serve --help
  124 the server has not answered in time";

/// The help of `kv serve` below its options.
const AFTER_SERVE_HELP: &str = "\
It prints a line `listening on ADDR` for each address. SIGTERM or Ctrl-C let it answer what has
arrived and leave, within 5 seconds; a second one ends it at once, with exit code 3.";

/// A store of named buckets: a prompt on it, a server of it, and a client.
#[derive(Debug, Parser)]
#[command(name = "kv", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,

    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
}

/// The options of every command that talks to a server.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The server, at HOST:PORT or unix:PATH [default: 127.0.0.1:4040]
    #[arg(long, global = true, value_name = "ADDR", env = "KV_URL")]
    pub(crate) connect: Option<Address>,

    /// Print JSON; non-UTF-8 bytes become {"base64": "..."}
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// How long to wait for an answer; at a prompt you decide yourself
    #[arg(long, global = true, value_name = "SECONDS", default_value = "30")]
    pub(crate) timeout: NonZeroU32,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Serve a store, until SIGTERM or Ctrl-C
    #[command(after_help = AFTER_SERVE_HELP)]
    Serve(Serve),
    /// A prompt on a server
    Connect {
        /// The server, at HOST:PORT or unix:PATH
        address: Option<Address>,
    },
    /// Create a bucket, if it is not there yet
    Create { bucket: OsString },
    /// Write a value
    Put {
        bucket: OsString,
        key: OsString,
        /// The value; `-` reads it from the standard input
        #[arg(allow_negative_numbers = true)]
        value: OsString,
    },
    /// Print the value of a key
    Get { bucket: OsString, key: OsString },
    /// Remove a key
    Delete { bucket: OsString, key: OsString },
    /// Print the keys of a bucket
    List { bucket: OsString },
    /// Print how many keys a bucket has
    Count { bucket: OsString },
    /// Print the names of the buckets
    Buckets,
    /// Remove a bucket and everything in it
    Drop { bucket: OsString },
    /// Ask whether the server answers
    Ping,
    /// Print each bucket that is created or ends, until Ctrl-C
    Watch,
    /// Print the completion script of a shell
    Completions { shell: Shell },
}

impl Verb {
    /// Whether it prints something that can be JSON.
    pub(crate) fn prints(&self) -> bool {
        !matches!(self, Self::Serve(_) | Self::Connect { .. } | Self::Completions { .. })
    }
}

/// The options of `kv serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Listen on this address, at HOST:PORT or unix:PATH; port 0 is any free port. May be given several times [default:
    /// 127.0.0.1:4040]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Vec<Address>,

    /// Listen on a Unix socket; may be given several times
    #[arg(long, value_name = "PATH")]
    pub(crate) unix: Vec<PathBuf>,

    /// Allow addresses that other machines can reach: there are no passwords
    #[arg(long)]
    pub(crate) insecure_listen: bool,

    /// The number of threads
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) workers: NonZeroUsize,
}
