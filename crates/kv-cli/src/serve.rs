//! `kv serve`: a store on sockets, until a signal ends it.

use std::io::{self, Write};
use std::pin::pin;

use futures::future::{Either, select};
use kv_server::net::{Address, Server, ServerOptions, Signals, StartServerError, raise_descriptor_limit};
use kv_server::{Limits, PasswordHash};

use crate::arguments::Serve;
use crate::exit::{Exit, Failure, say};
use crate::place::Place;

/// Serves until a signal comes, then drains. A second signal ends it at once.
pub(crate) async fn run(serve: Serve, password: Option<PasswordHash>, place: Place) -> Result<(), Failure> {
    // Before any client can connect: from here on a signal means to drain.
    let mut signals = Signals::new().map_err(failed)?;
    raise_descriptor_limit();
    let store = place.open().await?;
    say(&place);
    let server = options(serve, password).start(store.clone()).await.map_err(refused)?;
    tell(server.addresses())?;

    match select(pin!(signals.next()), server.ended()).await {
        Either::Left((signal, _)) => say(format_args!("{signal}: answering what has arrived; another one ends it now")),
        Either::Right((reason, _)) => return Err(failed(format_args!("the server ended: {reason}"))),
    }
    let leave = async {
        server.stop().await.map_err(failed)?;
        store.stop().await.map_err(failed)
    };
    match select(pin!(leave), pin!(signals.next())).await {
        Either::Left((left, _)) => left,
        Either::Right((signal, _)) => Err(failed(format_args!("{signal} again: the remaining clients are cut off"))),
    }
}

fn options(serve: Serve, password: Option<PasswordHash>) -> ServerOptions {
    let addresses = serve.listen.into_iter().chain(serve.unix.into_iter().map(Address::Unix));
    let limits = Limits { connections: serve.max_connections.get(), ..Limits::default() };
    let options = Server::options().insecure_listen(serve.insecure_listen).limits(limits);
    let options = addresses.fold(options, ServerOptions::listen);
    let options = serve.resp_listen.into_iter().fold(options, ServerOptions::listen_resp);
    password.into_iter().fold(options, ServerOptions::password)
}

/// One line for each address, for people, and for scripts that asked for port 0.
fn tell(addresses: &[Address]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    addresses.iter().try_for_each(|address| writeln!(output, "listening on {address}"))?;
    output.flush()
}

fn refused(error: StartServerError) -> Failure {
    match &error {
        StartServerError::NotLoopback { address } => Failure::new(
            Exit::Refused,
            format_args!(
                "{address} can be reached from other machines, and there is no password; name a file that has one with \
                 --password-file, listen on 127.0.0.1 or with --unix PATH, or say --insecure-listen if the network itself keeps \
                 strangers out"
            ),
        ),
        _ => failed(error),
    }
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Server, error)
}
