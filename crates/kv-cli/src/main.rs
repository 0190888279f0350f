//! The program `kv`, a command line for a key-value store: a prompt, a server, and a client.
//!
//! The crates below it do the work. Here are the arguments, the exit codes, and the runtime, which only this file names.

use std::future::Future;
use std::io::{self, IsTerminal};
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::time::Duration;

use clap::FromArgMatches;
use futures::FutureExt;
use futures::io::{AsyncRead, AsyncWrite};
use kv_core::Store;
use kv_server::net::Address;
use kv_server::{Client, Limits, Session};
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

use crate::arguments::{Arguments, Common, StoreArguments, Verb};
use crate::exit::{Exit, Failure};
use crate::place::Place;
use crate::remote::Remote;
use crate::watch::Watched;

// The arguments, ...
mod arguments;
// ... their help, ...
mod help;
// ... and the exit codes.
mod exit;
// The server that is asked, ...
mod remote;
// ... its password, ...
mod login;
// ... or where a store of this program is kept, ...
mod place;
// ... and where programs keep things.
mod folders;
// The prompt at a terminal, ...
mod prompt;
// ... and in a pipe.
mod pipe;
// One command, ...
mod one_shot;
// ... events, ...
mod watch;
// ... and printing them.
mod print;
// The server, ...
mod serve;
// ... sharing its buckets with other servers, ...
#[cfg(feature = "cluster")]
mod cluster;
// ... what it tells the service manager, ...
mod notify;
// ... the page that shows what it does, ...
mod admin;
// ... and what goes wrong in it.
mod reports;
// A whole store to a file, from one, and repaired.
mod transfer;

fn main() -> ExitCode {
    match arguments().and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// The arguments, with those that do not go together refused.
fn arguments() -> Result<Arguments, Failure> {
    let matches = help::command().get_matches();
    let mut arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let Arguments { common, store, verb } = &mut arguments;
    if common.json && !verb.as_ref().is_some_and(Verb::prints) {
        return Err(Failure::new(
            Exit::Usage,
            "--json is for one command, as in kv --json get BUCKET KEY, and for kv watch",
        ));
    }
    if store.are_given() {
        if !verb.as_ref().is_none_or(Verb::has_a_store) {
            let message = "--data, --memory and --sync are for a store of this program, and this command asks a server; \
                           leave them out";
            return Err(Failure::new(Exit::Usage, message));
        }
        if let Some(Verb::Serve(serve)) = &verb
            && serve.cluster.nats.is_some()
        {
            let message = "--data, --memory and --sync are for a store of this program, and the buckets of --cluster are in NATS; \
                           leave one of them out";
            return Err(Failure::new(Exit::Usage, message));
        }
        if verb.is_none() && common.connect.is_some() {
            let message = "--connect is for a server, and --data, --memory and --sync are for a store of this program; \
                           leave one of them out";
            return Err(Failure::new(Exit::Usage, message));
        }
    } else if common.connect.is_none() && verb.as_ref().is_none_or(Verb::asks_a_server) {
        // Read only where it counts: what is said now counts more than what was said for every program.
        common.connect = server_of_environment()?;
    }
    if common.tls.are_given()
        && let Some(message) = refused_tls(common, verb.as_ref())
    {
        return Err(Failure::new(Exit::Usage, message));
    }
    let has_a_server = match verb {
        None => common.connect.is_some(),
        Some(verb) => matches!(verb, Verb::Serve(_)) || verb.is_a_client(),
    };
    if common.password_file.is_some() && !has_a_server {
        return Err(Failure::new(
            Exit::Usage,
            "--password-file is for a server; leave it out, or say which with --connect",
        ));
    }
    Ok(arguments)
}

/// Why the files of certificates do not go together with the rest, if they do not.
fn refused_tls(common: &Common, verb: Option<&Verb>) -> Option<&'static str> {
    let is_for_server = verb.map_or(common.connect.is_some(), Verb::is_a_client);
    match verb {
        Some(Verb::Serve(_)) if common.tls.ca.is_some() => {
            Some("--tls-ca is for clients; kv serve knows those of its clients by --tls-client-ca")
        }
        Some(Verb::Serve(_)) => None,
        _ if is_for_server => None,
        _ => Some("--tls-ca, --tls-cert and --tls-key are for a server, and this command asks none; leave them out"),
    }
}

/// The server that `KV_URL` names.
fn server_of_environment() -> Result<Option<Address>, Failure> {
    let Some(named) = std::env::var_os("KV_URL").filter(|named| !named.is_empty()) else { return Ok(None) };
    let address = named.to_string_lossy().parse();
    address.map(Some).map_err(|error| Failure::new(Exit::Usage, format_args!("KV_URL in the environment: {error}")))
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { common, store, verb } = arguments;
    match verb {
        None => {
            let Common { connect, tls, password_file, fail, .. } = common;
            let server = connect.map(|address| Remote::named(address, tls, password_file)).transpose()?;
            converse(server, store, fail)
        }
        Some(Verb::Connect { address }) => {
            let address = address.or(common.connect).unwrap_or_default();
            converse(Some(Remote::named(address, common.tls, common.password_file)?), store, common.fail)
        }
        Some(Verb::Serve(options)) => {
            let password = login::hash(common.password_file)?;
            let runtime = Runtime::new(options.workers.get())?;
            runtime.run(serve::run(serve::Options::new(options, password, &common.tls, store)?))
        }
        Some(Verb::Top(options)) => Runtime::new(1)?.run(admin::top(options, common.json, has_screen())),
        Some(Verb::Export { buckets, output }) => {
            Runtime::new(1)?.run(transfer::export(&Place::named(store)?, buckets, output))
        }
        Some(Verb::Import { file }) => Runtime::new(1)?.run(transfer::import(&Place::named(store)?, &file)),
        Some(Verb::Repair) => Runtime::new(1)?.run(transfer::repair(&Place::named(store)?)),
        Some(Verb::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut help::command(), "kv", &mut script);
            Ok(print::show(&script)?)
        }
        Some(Verb::Man { folder }) => help::write_man_pages(&folder),
        Some(verb) => ask(verb, common),
    }
}

/// Runs one command of a client.
fn ask(verb: Verb, common: Common) -> Result<(), Failure> {
    let watched = match &verb {
        Verb::Watch { bucket: Some(bucket) } => Watched::Keys(one_shot::bytes(bucket.clone())),
        _ => Watched::Buckets,
    };
    let command = one_shot::command(verb)?;
    let server = Remote::named(common.connect.unwrap_or_default(), common.tls, common.password_file)?;
    let runtime = Runtime::new(1)?;
    let mut connection = runtime.run(server.connect())?;
    let limit = Duration::from_secs(common.timeout.get().into());
    let late = |what| Failure::new(Exit::Late, format_args!("{server} has not answered for {limit:?}; {what}"));
    let logged_in = runtime.run_within(limit, server.log_in(&mut connection));
    logged_in.unwrap_or_else(|| Err(late("log in again with --timeout; nothing was done")))?;
    let Some(command) = command else {
        return runtime.run(watch::run(connection, watched, &server, common.json));
    };
    let answered = runtime.run_within(limit, one_shot::run(connection, &command, common.json));
    answered.unwrap_or_else(|| Err(late("ask again with --timeout, and look what was done")))
}

/// Takes commands from a person or a pipe, for a server or for a store in this program.
fn converse(server: Option<Remote>, store: StoreArguments, fails: bool) -> Result<(), Failure> {
    let runtime = if is_at_a_terminal() { Runtime::aside() } else { Runtime::new(1) }?;
    let target = if let Some(server) = server {
        Target::Server(server)
    } else {
        let place = Place::named(store)?;
        Target::Embedded { store: runtime.run(place.open())?, place }
    };
    let conversed = talk(&runtime, &target, fails);
    // Also after a failure: the store has to say what it has, and give its folder back.
    conversed.and(runtime.run(target.close()))
}

fn is_at_a_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Whether it is at a terminal that more can be done with than print lines.
fn has_screen() -> bool {
    is_at_a_terminal() && std::env::var_os("TERM").is_some_and(|kind| !kind.is_empty() && kind != "dumb")
}

/// Serves the person at the terminal, or the pipe. A pipe `fails` if one of its commands does.
fn talk(runtime: &Runtime, target: &Target, fails: bool) -> Result<(), Failure> {
    if is_at_a_terminal() {
        let conversed = prompt::run(runtime, target);
        // The prompt has taken Ctrl-C for itself, and nothing would hear it while the store closes.
        exit::end_at_next_signal();
        return conversed;
    }
    let connection = runtime.run(target.open())?;
    runtime.run(pipe::run(connection, tokio::io::stdin().compat(), fails))
}

/// What the commands are sent to.
#[derive(Debug)]
enum Target {
    /// A store in this program.
    Embedded { store: Store, place: Place },
    /// A server.
    Server(Remote),
}

/// A client of either.
type Connection = Client<Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>>;

impl Target {
    async fn open(&self) -> Result<Connection, Failure> {
        Ok(match self {
            Self::Embedded { store, .. } => embedded(store.clone()),
            Self::Server(server) => server.open().await?,
        })
    }

    async fn close(self) -> Result<(), Failure> {
        match self {
            Self::Embedded { store, .. } => store.stop().await.map_err(|error| Failure::new(Exit::Server, error)),
            Self::Server { .. } => Ok(()),
        }
    }
}

/// A client of a store in this program. It speaks the same protocol as a client of a server, without a socket, so both
/// print the same.
fn embedded(store: Store) -> Connection {
    /// About as much as a socket holds.
    const BUFFER: usize = 64 * 1024;
    let (ours, theirs) = tokio::io::duplex(BUFFER);
    let (reader, writer) = tokio::io::split(theirs);
    // The client takes every answer before it leaves, so the session need not linger.
    let limits = Limits { linger: Duration::ZERO, ..Limits::default() };
    let session = Session::new(store).limits(limits).serve(reader.compat(), writer.compat_write());
    #[expect(clippy::disallowed_methods, reason = "this program chooses its runtime, and nothing simulates it")]
    // The client sees how the session ends.
    drop(tokio::spawn(session));
    let (reader, writer) = tokio::io::split(ours);
    Client::new(Box::new(reader.compat()), Box::new(writer.compat_write()))
}

/// The runtime of the program.
struct Runtime(Option<tokio::runtime::Runtime>);

impl Runtime {
    /// Creates a runtime with this many threads. The only thread is the current one.
    fn new(threads: usize) -> Result<Self, Failure> {
        let mut builder = match threads {
            1 => tokio::runtime::Builder::new_current_thread(),
            _ => tokio::runtime::Builder::new_multi_thread(),
        };
        if threads > 1 {
            builder.worker_threads(threads);
        }
        Self::build(&mut builder)
    }

    /// Creates a runtime whose thread goes on while the current one waits for a person: a store has to write what is due, and to
    /// forget what has expired.
    fn aside() -> Result<Self, Failure> {
        Self::build(tokio::runtime::Builder::new_multi_thread().worker_threads(1))
    }

    fn build(builder: &mut tokio::runtime::Builder) -> Result<Self, Failure> {
        let runtime = builder.enable_all().build();
        runtime.map(Some).map(Self).map_err(|error| Failure::new(Exit::Server, format_args!("no runtime: {error}")))
    }

    fn run<F: Future>(&self, future: F) -> F::Output {
        let mut output = None;
        self.drive(pin!(async { output = Some(future.await) }));
        output.expect("a future has an output when it is over")
    }

    /// Compiles the runtime once, and not for each future.
    fn drive(&self, future: Pin<&mut dyn Future<Output = ()>>) {
        self.0.as_ref().expect("it is there until it is dropped").block_on(future);
    }

    /// Runs the future. `None` if it takes longer.
    fn run_within<F: Future>(&self, limit: Duration, future: F) -> Option<F::Output> {
        self.run(async { tokio::time::timeout(limit, future).await.ok() })
    }
}

/// The presses of Ctrl-C. Once this exists, they no longer end the program.
struct Interrupts(tokio::signal::unix::Signal);

impl Interrupts {
    /// To be called within the runtime.
    fn new() -> Result<Self, Failure> {
        let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
        signal.map(Self).map_err(|error| Failure::new(Exit::Server, format_args!("Ctrl-C cannot be noticed: {error}")))
    }

    /// Waits for the next one.
    async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Forgets those that have come.
    async fn forget(&mut self) {
        // The runtime learns of a signal only when it looks.
        tokio::task::yield_now().await;
        while self.0.recv().now_or_never().flatten().is_some() {}
    }
}

impl Drop for Runtime {
    /// Ends at once: a thread that reads standard input would be waited for otherwise.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
