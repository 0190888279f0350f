//! The arguments of `kv`, and their help.

use std::ffi::OsString;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use kv_core::DurableMode;
use kv_server::net::Address;

/// The help below the options.
const AFTER_HELP: &str = "\
Without a command, kv is a prompt: on a store of your own, in $XDG_DATA_HOME/kv or ~/.local/share/kv,
or on the server that --connect or KV_URL names. It reads a pipe as well: printf 'CREATE a\\n' | kv

Exit codes:
  0   done
  1   there is no such bucket or key, or the key has another value than expected
  2   the arguments are wrong
  3   the server answered an error or broke off, or could not serve
  4   the server could not be reached
  65  the store is damaged, or a file to import is not as it should be
  74  a file could not be read or written
  75  the store is in use by another process
  77  the server has a password, and there is none, or another one
  78  a folder that is not a store, a password or key that others can read, a certificate of no use, or
      refused to serve everybody
  124 the server has not answered in time
  130 ended by Ctrl-C; kv serve: by a second signal";

/// The help of `kv serve` below its options.
const AFTER_SERVE_HELP: &str = "\
It prints a line `listening on ADDR` for each address. SIGTERM, Ctrl-C or the end of the terminal
(SIGHUP) let it answer what has arrived and leave, within 5 seconds; then a second SIGTERM or
Ctrl-C ends it at once, with exit code 130. No signal makes it read its options again.

What goes wrong is a line on standard error: a process that has failed, a disk that takes no changes,
logins that fail again and again, handshakes of TLS that fail, clients that find no place. Each of
the latter at most once a minute.

Under systemd it says when it is ready, what it does and that it is alive (Type=notify, WatchdogSec).

With --admin it also prints `admin page at http://ADDR/`. Two paths there need no token: /healthz
answers 200 while the threads of the server run, and /readyz while clients can do everything. It
answers 503 while the store is being opened, from the first signal on, and while the disk takes no
changes; reads go on then. /metrics has figures for Prometheus.";

/// The help of `kv top` below its options.
const AFTER_TOP_HELP: &str = "\
Keys: the arrows, PageUp, PageDown, Home and End choose a process, Enter shows what it does, l the
reports; [ and ] scroll what is shown, Esc closes it. / searches, s and S sort by another column, r
turns the order around. q or Ctrl-C leaves.

With --once or --json, in a pipe, and at a terminal without a screen (TERM=dumb), it looks once and
prints what it has seen. NO_COLOR is heeded. If the server goes away while it is shown, it is asked
again each second.";

/// A store of named buckets: a prompt on it, a server of it, and a client.
#[derive(Debug, Parser)]
#[command(name = "kv", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,

    #[command(flatten)]
    pub(crate) store: StoreArguments,

    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
}

/// The help of `--connect`.
const CONNECT_HELP: &str =
    "The server, at HOST:PORT, tls:HOST:PORT or unix:PATH [default: what KV_URL says, or 127.0.0.1:4040]";

/// The help of `--password-file`.
const PASSWORD_HELP: &str = "The password of the server, in a file that only its owner can read (chmod 600). A client says if the server \
                             has none [default for clients: what KV_PASSWORD_FILE says]";

/// The options of every command that talks to a server.
#[derive(Debug, Args)]
pub(crate) struct Common {
    #[arg(long, global = true, value_name = "ADDR", help = CONNECT_HELP)]
    pub(crate) connect: Option<Address>,

    #[arg(long, global = true, value_name = "FILE", help = PASSWORD_HELP)]
    pub(crate) password_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) tls: TlsFiles,

    /// Print JSON; non-UTF-8 bytes become {"base64": "..."}
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// In a pipe: end with the exit code of the first command that failed, and name the line of each
    #[arg(short = 'e', long, global = true)]
    pub(crate) fail: bool,

    /// How long to wait for an answer; at a prompt you decide yourself
    #[arg(long, global = true, value_name = "SECONDS", default_value = "30")]
    pub(crate) timeout: NonZeroU32,
}

/// The help of the files of certificates.
const TLS_CA_HELP: &str =
    "Trust servers at addresses with tls: that have a certificate of this authority [default: what KV_TLS_CA says]";
const TLS_CERT_HELP: &str =
    "The certificate of the server, or the one that a client shows [default for clients: what KV_TLS_CERT says]";
const TLS_KEY_HELP: &str = "The key of the certificate, in a file that only its owner can read (chmod 600) [default for clients: \
                            what KV_TLS_KEY says]";

/// The files of certificates, in PEM.
#[derive(Debug, Args)]
pub(crate) struct TlsFiles {
    #[arg(id = "tls_ca", long = "tls-ca", global = true, value_name = "FILE", help = TLS_CA_HELP)]
    pub(crate) ca: Option<PathBuf>,

    #[arg(id = "tls_cert", long = "tls-cert", global = true, value_name = "FILE", help = TLS_CERT_HELP)]
    pub(crate) certificate: Option<PathBuf>,

    #[arg(id = "tls_key", long = "tls-key", global = true, value_name = "FILE", help = TLS_KEY_HELP)]
    pub(crate) key: Option<PathBuf>,
}

impl TlsFiles {
    /// Whether any of them is given.
    pub(crate) fn are_given(&self) -> bool {
        self.ca.is_some() || self.certificate.is_some() || self.key.is_some()
    }
}

/// The help of `--data`: plain text, which its dollar sign is not.
const DATA_HELP: &str = "Keep the store in this folder [default: $XDG_DATA_HOME/kv, or ~/.local/share/kv]";

/// The options of every command that has a store of its own.
#[derive(Debug, Args)]
pub(crate) struct StoreArguments {
    #[arg(long, global = true, value_name = "DIR", help = DATA_HELP)]
    pub(crate) data: Option<PathBuf>,

    /// Keep the store in memory: it is gone when the program ends
    #[arg(long, global = true, conflicts_with_all = ["data", "sync"])]
    pub(crate) memory: bool,

    /// When a change is answered: sync (the disk has it), every=TIME (a power failure loses at most the last TIME, as
    /// in every=100ms), or buffered (the system decides when the disk gets it) [default: sync]
    #[arg(long, global = true, value_name = "MODE", value_parser = sync)]
    pub(crate) sync: Option<DurableMode>,
}

impl StoreArguments {
    /// Whether any of them is given.
    pub(crate) fn are_given(&self) -> bool {
        self.memory || self.data.is_some() || self.sync.is_some()
    }
}

/// Reads the value of `--sync`.
fn sync(text: &str) -> Result<DurableMode, String> {
    match text {
        "sync" => return Ok(DurableMode::Sync),
        "buffered" => return Ok(DurableMode::Buffered),
        _ => {}
    }
    let within = text.strip_prefix("every=").and_then(duration);
    within
        .map(DurableMode::Every)
        .ok_or_else(|| "write sync, buffered, or every= and a time in ms or s, as in every=100ms".to_owned())
}

/// A number of milliseconds or seconds.
fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let number = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        _ => None,
    }
}

/// A number of bytes, or of one of the units that a person writes.
fn size(text: &str) -> Result<usize, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit = match unit {
        "" | "B" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        _ => None,
    };
    let bytes = unit.zip(number.parse::<usize>().ok()).and_then(|(unit, number)| number.checked_mul(unit));
    bytes.ok_or_else(|| "write a number of bytes, or one with KiB, MiB or GiB, as in 512MiB".to_owned())
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Serve a store, until SIGTERM or Ctrl-C
    #[command(after_help = AFTER_SERVE_HELP)]
    Serve(Serve),
    /// A prompt on a server
    Connect {
        #[arg(help = CONNECT_HELP)]
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
        #[command(flatten)]
        how: PutOptions,
    },
    /// Print the value of a key
    Get { bucket: OsString, key: OsString },
    /// Remove a key after a time, as in 100ms, 60s, 5m, 2h or 1d
    Expire { bucket: OsString, key: OsString, time: OsString },
    /// Keep a key that would be removed after a time
    Persist { bucket: OsString, key: OsString },
    /// Print how long a key lives, or never if it is not to be removed
    Ttl { bucket: OsString, key: OsString },
    /// Remove a key
    Delete {
        bucket: OsString,
        key: OsString,
        /// Only if the key has this value
        #[arg(long = "if", value_name = "VALUE", allow_hyphen_values = true)]
        expected: Option<OsString>,
    },
    /// Print the keys of a bucket
    List {
        bucket: OsString,
        #[command(flatten)]
        page: PageOptions,
    },
    /// Print how many keys a bucket has
    Count { bucket: OsString },
    /// Print the names of the buckets
    Buckets {
        #[command(flatten)]
        page: PageOptions,
    },
    /// Remove a bucket and everything in it
    Drop { bucket: OsString },
    /// Ask whether the server answers
    Ping,
    /// Print each bucket that is created or ends, or each key of a bucket that is put, deleted or expires, until Ctrl-C
    Watch {
        /// The bucket whose keys to watch
        bucket: Option<OsString>,
    },
    /// Show what the processes of a server do that was started with --admin: at a terminal until q, in a pipe once
    #[command(after_help = AFTER_TOP_HELP)]
    Top(Top),
    /// Write a store as lines of JSON, or some of its buckets
    Export {
        buckets: Vec<OsString>,
        /// The file to write [default: the standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Put what was exported into a store, beside what it has
    Import {
        /// The file to read; `-` reads the standard input
        file: PathBuf,
    },
    /// Keep what is readable of a damaged store, and say what was dropped
    Repair,
    /// Print the completion script of a shell
    Completions { shell: Shell },
    /// Write the man pages into a folder
    #[command(hide = true)]
    Man { folder: PathBuf },
}

/// The options of `kv put`.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct PutOptions {
    /// Remove the key after this time, as in 100ms, 60s, 5m, 2h or 1d
    #[arg(long, value_name = "TIME")]
    pub(crate) expire: Option<OsString>,

    /// Only if the key has no value yet
    #[arg(long)]
    pub(crate) new: bool,

    /// Only if the key has this value
    #[arg(long = "if", value_name = "VALUE", allow_hyphen_values = true)]
    pub(crate) expected: Option<OsString>,
}

/// The options of a list.
#[derive(Debug, Args)]
pub(crate) struct PageOptions {
    /// Only those that begin with this
    pub(crate) prefix: Option<OsString>,

    /// At most this many
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,

    /// Only those that come after this one
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub(crate) after: Option<OsString>,
}

impl Verb {
    /// Whether it has a store of its own.
    pub(crate) fn has_a_store(&self) -> bool {
        matches!(self, Self::Serve(_) | Self::Export { .. } | Self::Import { .. } | Self::Repair)
    }

    /// Whether it asks a server.
    pub(crate) fn is_a_client(&self) -> bool {
        !self.has_a_store() && !matches!(self, Self::Top(_) | Self::Completions { .. } | Self::Man { .. })
    }

    /// Whether it asks a server that it has to be told of.
    pub(crate) fn asks_a_server(&self) -> bool {
        self.is_a_client() && !matches!(self, Self::Connect { address: Some(_) })
    }

    /// Whether it prints something that can be JSON.
    pub(crate) fn prints(&self) -> bool {
        matches!(self, Self::Top(_)) || self.is_a_client() && !matches!(self, Self::Connect { .. })
    }
}

/// The options of `kv serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Listen on this address, at HOST:PORT, tls:HOST:PORT or unix:PATH; port 0 is any free port. May be given several times
    /// [default: 127.0.0.1:4040, and with --tls-cert tls:127.0.0.1:4040]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Vec<Address>,

    /// Listen on this address for clients of Redis alone; typed commands work there, too. The other addresses serve the
    /// same clients, but take a typed command for one of their own
    #[arg(long, value_name = "ADDR")]
    pub(crate) resp_listen: Vec<Address>,

    /// Listen on a Unix socket; may be given several times
    #[arg(long, value_name = "PATH")]
    pub(crate) unix: Vec<PathBuf>,

    /// Serve at addresses with TLS only clients with a certificate of this authority; other machines may then reach them
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_client_ca: Option<PathBuf>,

    /// Allow addresses that other machines can reach, although there is no password
    #[arg(long)]
    pub(crate) insecure_listen: bool,

    /// The most clients at once; the next one gets an error, and is closed
    #[arg(long, value_name = "N", default_value = "10000")]
    pub(crate) max_connections: NonZeroUsize,

    /// The most memory for keys and values, as in 512MiB: beyond that they are refused, and reads and deletes go on. Nothing is
    /// removed to make room [default: no limit]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_memory: Option<usize>,

    /// The number of threads
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) workers: NonZeroUsize,

    #[command(flatten)]
    pub(crate) cluster: ClusterArguments,

    /// Serve a page that shows what the processes of the server do, at HOST:PORT, for a browser and for kv top. It only reads. Where
    /// other machines can reach it, it needs a token
    #[arg(long, value_name = "ADDR")]
    pub(crate) admin: Option<String>,

    #[arg(long, value_name = "FILE", requires = "admin", help = ADMIN_TOKEN_HELP)]
    pub(crate) admin_token_file: Option<PathBuf>,
}

/// The options of a server that shares its buckets with others.
#[derive(Debug, Args)]
pub(crate) struct ClusterArguments {
    /// Share the buckets with the other servers of a cluster: each takes all commands. The buckets are in NATS with JetStream, at
    /// these addresses, separated by commas, as in `nats://n1,nats://n2`. In place of --data, --memory, --sync and --max-memory. It
    /// takes a kv that was built with the feature cluster
    #[arg(id = "cluster", long, value_name = "URLS", requires = "member", conflicts_with = "max_memory")]
    pub(crate) nats: Option<String>,

    /// The name of this server in the cluster. No other has it
    #[arg(long, value_name = "NAME", requires = "cluster", value_parser = member)]
    pub(crate) member: Option<String>,

    /// What the servers of one cluster have in common, of letters, digits, - and _ [default: kv]
    #[arg(long, value_name = "NAME", requires = "cluster", value_parser = name_space)]
    pub(crate) name_space: Option<String>,

    /// When a server is gone without a word, its buckets wait this long for another one: from 1s to 3600s, and the same at all
    /// servers [default: 15s]
    #[arg(long, value_name = "TIME", requires = "cluster", value_parser = time_to_live)]
    pub(crate) time_to_live: Option<Duration>,

    /// The credentials for NATS, in a file as its own tools write it
    #[arg(long, value_name = "FILE", requires = "cluster")]
    pub(crate) nats_credentials: Option<PathBuf>,

    /// The authority that has signed the certificate of NATS, in a file, if it is not one that this machine trusts anyway
    #[arg(long, value_name = "FILE", requires = "cluster")]
    pub(crate) nats_ca: Option<PathBuf>,
}

/// Reads the value of `--member`.
fn member(text: &str) -> Result<String, String> {
    let is_name = (1..=NAME_MAX).contains(&text.len());
    is_name.then(|| text.to_owned()).ok_or_else(|| format!("write a name of 1 to {NAME_MAX} bytes"))
}

/// Reads the value of `--name-space`.
fn name_space(text: &str) -> Result<String, String> {
    let is_of_alphabet = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    let is_name = is_of_alphabet && (1..=NAME_MAX).contains(&text.len());
    is_name
        .then(|| text.to_owned())
        .ok_or_else(|| format!("write 1 to {NAME_MAX} letters of A-Z and a-z, digits, - and _"))
}

/// What both have at most.
const NAME_MAX: usize = 100;

/// Reads the value of `--time-to-live`.
fn time_to_live(text: &str) -> Result<Duration, String> {
    let time = duration(text).filter(|time| (TIME_TO_LIVE_MIN..=TIME_TO_LIVE_MAX).contains(time));
    time.ok_or_else(|| "write a time from 1s to 3600s, as in 15s".to_owned())
}

/// With less, a server that is only busy loses its buckets.
const TIME_TO_LIVE_MIN: Duration = Duration::from_secs(1);
const TIME_TO_LIVE_MAX: Duration = Duration::from_hours(1);

/// The help of `--admin-token-file`.
const ADMIN_TOKEN_HELP: &str = "The token that readers of the page have to show, in a file that only its owner can read (chmod 600) \
                                [default: what KV_ADMIN_TOKEN_FILE says]";

/// The help of `--admin` of `kv top`.
const ADMIN_HELP: &str = "The page of kv serve --admin, at HOST:PORT [default: what KV_ADMIN says, or 127.0.0.1:4000]";

/// The options of `kv top`.
#[derive(Debug, Args)]
pub(crate) struct Top {
    #[arg(long, value_name = "ADDR", help = ADMIN_HELP)]
    pub(crate) admin: Option<String>,

    #[arg(long, value_name = "FILE", help = ADMIN_TOKEN_HELP)]
    pub(crate) admin_token_file: Option<PathBuf>,

    /// Look once and print what there is, also at a terminal
    #[arg(long)]
    pub(crate) once: bool,
}
