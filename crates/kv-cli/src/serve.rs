//! `kv serve`: a store on sockets, until a signal ends it.
//!
//! - V1: From the first signal on, it ends within [`ENDS_WITHIN`], whatever its clients do.
//! - V2: A second signal ends it at once, also if the runtime is stuck by then: [`end_at_next_signal`].

use std::future::pending;
use std::io::{self, Write};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use kv_core::genserver::time;
use kv_server::net::{Address, Server, ServerOptions, ServerTls, Signals, StartServerError, raise_descriptor_limit};
use kv_server::{Limits, PasswordHash};

use crate::admin::Page;
use crate::arguments::{Serve, StoreArguments, TlsFiles};
use crate::exit::{Exit, Failure, end_at_next_signal, say};
use crate::notify;
use crate::reports;

// The store that is served.
mod store;

use store::{OpenStore, StoreKind};

/// How long it takes to end. OTP gives a child as long.
const ENDS_WITHIN: Duration = Duration::from_secs(5);

/// The part of it that clients have to take their answers. The store has the rest.
const DRAIN: Duration = Duration::from_secs(4);

/// Signals that come together are one: `timeout` sends its signal twice, to the program and to its group.
const TOGETHER: Duration = Duration::from_millis(20);

/// What the arguments say.
#[derive(Debug)]
pub(crate) struct Options {
    server: ServerOptions,
    store: StoreKind,
    /// Where the admin page is to be, and the file of its token.
    admin: Option<(String, Option<PathBuf>)>,
}

impl Options {
    pub(crate) fn new(
        serve: Serve,
        password: Option<PasswordHash>,
        files: &TlsFiles,
        store: StoreArguments,
    ) -> Result<Self, Failure> {
        let tls = tls(files, serve.tls_client_ca)?;
        let addresses = serve.listen.into_iter().chain(serve.unix.into_iter().map(Address::Unix));
        let limits = Limits { connections: serve.max_connections.get(), ..Limits::default() };
        let options = Server::options().drain(DRAIN).insecure_listen(serve.insecure_listen).limits(limits);
        let options = addresses.fold(options, ServerOptions::listen);
        let options = serve.resp_listen.into_iter().fold(options, ServerOptions::listen_resp);
        let options = password.into_iter().fold(options, ServerOptions::password);
        let server = tls.into_iter().fold(options, ServerOptions::tls);
        let admin = serve.admin.map(|address| (address, serve.admin_token_file));
        let store = StoreKind::new(serve.cluster, store, serve.max_memory)?;
        Ok(Self { server, store, admin })
    }
}

/// Serves until a signal comes, then drains. A second signal ends it at once.
pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let Options { server, store: kind, admin } = options;
    raise_descriptor_limit();
    reports::print().await.map_err(failed)?;
    notify::keep_alive().await.map_err(failed)?;
    let admin = admin.map(|(address, token_file)| Page::serve(&address, token_file)).transpose()?;
    notify::doing("opening the store");
    let store = kind.open().await?;
    say(&kind);
    // Before any client can connect: from here on a signal means to drain. Until here it has ended the program by itself, because
    // nothing was promised yet, and a store may take long to open.
    let mut signals = Signals::new().map_err(failed)?;
    let server = Arc::new(server.start(store.served()).await.map_err(refused)?);
    tell(server.addresses(), admin.as_ref())?;
    notify::ready(server.addresses());
    if let Some(page) = &admin {
        page.begin(&server, store.here());
    }

    let ended = pin!(async {
        match select(server.ended(), pin!(store.ended())).await {
            Either::Left((reason, _)) | Either::Right((reason, _)) => reason,
        }
    });
    let crashed = match select(pin!(signals.next()), ended).await {
        Either::Left((signal, _)) => {
            say(format_args!("{signal}: answering what has arrived"));
            notify::stopping("answering what has arrived");
            Ok(())
        }
        Either::Right((reason, _)) => {
            let failure = failed(format_args!("the server ended: {reason}"));
            notify::stopping("the server ended");
            Err(failure)
        }
    };
    if let Some(page) = &admin {
        page.end();
    }
    match select(pin!(time::timeout(ENDS_WITHIN, leave(&server, &store))), pin!(wait_for_second_signal())).await {
        Either::Left((Ok(left), _)) => crashed.and(left),
        Either::Left((Err(_late), _)) => {
            failed(format_args!("the store was not done after {ENDS_WITHIN:?}; what it has answered is kept")).say();
            // V1: nothing is dropped, because what the store does may not end before the disk does.
            signal_hook::low_level::exit(Exit::Server as i32)
        }
        Either::Right((never, _)) => never,
    }
}

/// Answers what has arrived, and puts the store to rest.
async fn leave(server: &Server, store: &OpenStore) -> Result<(), Failure> {
    server.stop().await.map_err(failed)?;
    notify::doing("closing the store");
    store.stop().await.map_err(failed)
}

/// Waits for ever, and lets the next signal end the program (V2).
async fn wait_for_second_signal<T>() -> T {
    time::sleep(TOGETHER).await;
    end_at_next_signal();
    say("not done yet; another SIGTERM or Ctrl-C ends it at once");
    pending().await
}

/// The certificate of the server, if it has one.
fn tls(files: &TlsFiles, client_ca: Option<PathBuf>) -> Result<Option<ServerTls>, Failure> {
    let refused = |error| Failure::new(Exit::Refused, error);
    match (&files.certificate, &files.key) {
        (Some(certificate), Some(key)) => {
            let tls = ServerTls::from_files(certificate, key).map_err(refused)?;
            let Some(client_ca) = client_ca else { return Ok(Some(tls)) };
            tls.client_ca(client_ca).map(Some).map_err(refused)
        }
        (None, None) => Ok(None),
        _ => Err(Failure::new(Exit::Usage, "a certificate needs its key: --tls-cert and --tls-key are given together")),
    }
}

/// One line for each address, for people, and for scripts that asked for port 0.
fn tell(addresses: &[Address], admin: Option<&Page>) -> io::Result<()> {
    let mut output = io::stdout().lock();
    addresses.iter().try_for_each(|address| writeln!(output, "listening on {address}"))?;
    admin.iter().try_for_each(|page| writeln!(output, "admin page at {}", page.url))?;
    output.flush()
}

fn refused(error: StartServerError) -> Failure {
    match &error {
        StartServerError::NotLoopback { address } => Failure::new(
            Exit::Refused,
            format_args!(
                "{address} can be reached from other machines, and there is no password; name a file that has one with \
                 --password-file, listen on 127.0.0.1 or with --unix PATH, ask clients of an address with tls: for certificates with \
                 --tls-client-ca, or say --insecure-listen if the network itself keeps strangers out"
            ),
        ),
        StartServerError::NoCertificate { address } => Failure::new(
            Exit::Usage,
            format_args!(
                "{address} is an address of TLS; name the server's certificate and key with --tls-cert and --tls-key"
            ),
        ),
        _ => failed(error),
    }
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Server, error)
}
