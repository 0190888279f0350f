//! The program `kv`, a command line for a key-value store: a prompt, a server, and a client.
//!
//! The crates below it do the work. Here are the arguments, the exit codes, and the runtime, which only this file names.

use std::future::Future;
use std::io::{self, IsTerminal};
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use futures::io::{AsyncRead, AsyncWrite};
use kv_core::Store;
use kv_server::net::{self, Address};
use kv_server::{Client, Limits, Session};
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

use crate::arguments::{Arguments, Common, Verb};
use crate::exit::{Exit, Failure};

// The arguments, ...
mod arguments;
// ... and the exit codes.
mod exit;
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
// The server.
mod serve;

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { common, verb } = arguments;
    if common.json && !verb.as_ref().is_some_and(Verb::prints) {
        return Err(Failure::new(
            Exit::Usage,
            "--json is for one command, as in kv --json get BUCKET KEY, and for kv watch",
        ));
    }
    match verb {
        None => converse(common.connect),
        Some(Verb::Connect { address }) => converse(Some(address.or(common.connect).unwrap_or_default())),
        Some(Verb::Serve(options)) => {
            let runtime = Runtime::new(options.workers.get())?;
            runtime.run(serve::run(options))
        }
        Some(Verb::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "kv", &mut script);
            Ok(print::show(&script)?)
        }
        Some(verb) => ask(verb, common),
    }
}

/// Runs one command of a client.
fn ask(verb: Verb, common: Common) -> Result<(), Failure> {
    let command = one_shot::command(verb)?;
    let runtime = Runtime::new(1)?;
    let address = common.connect.unwrap_or_default();
    let connection = runtime.run(Target::Server(address.clone()).open())?;
    let Some(command) = command else {
        return runtime.run(watch::run(connection, &address, common.json));
    };
    let limit = Duration::from_secs(common.timeout.get().into());
    let answered = runtime.run_within(limit, one_shot::run(connection, &command, common.json));
    answered.unwrap_or_else(|| {
        let message =
            format_args!("{address} has not answered for {limit:?}; ask again with --timeout, and look what was done");
        Err(Failure::new(Exit::Late, message))
    })
}

/// Takes commands from a person or a pipe, for the server at this address or for a store in this program.
fn converse(address: Option<Address>) -> Result<(), Failure> {
    let runtime = Runtime::new(1)?;
    let target = match address {
        Some(address) => Target::Server(address),
        None => Target::Embedded(runtime.run(Store::start()).map_err(|error| Failure::new(Exit::Server, error))?),
    };
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        prompt::run(&runtime, &target)?;
    } else {
        let connection = runtime.run(target.open())?;
        runtime.run(pipe::run(connection, tokio::io::stdin().compat()))?;
    }
    runtime.run(target.close())
}

/// What the commands are sent to.
#[derive(Debug)]
enum Target {
    /// A store in this program, which is lost when it ends.
    Embedded(Store),
    /// A server.
    Server(Address),
}

/// A client of either.
type Connection = Client<Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>>;

impl Target {
    async fn open(&self) -> Result<Connection, Failure> {
        Ok(match self {
            Self::Embedded(store) => embedded(store.clone()),
            Self::Server(address) => {
                let connected = net::connect(address).await;
                let (reader, writer) = connected.map_err(|error| Failure::new(Exit::Connect, error))?;
                Client::new(Box::new(reader), Box::new(writer))
            }
        })
    }

    async fn close(self) -> Result<(), Failure> {
        match self {
            Self::Embedded(store) => store.stop().await.map_err(|error| Failure::new(Exit::Server, error)),
            Self::Server(_) => Ok(()),
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

/// Waits for Ctrl-C. From the first poll on, Ctrl-C does not end the program.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // On a system that cannot report it, Ctrl-C ends the program.
        std::future::pending::<()>().await;
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
