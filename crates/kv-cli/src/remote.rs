//! The server that a command or a prompt asks: its address, its password if that is known, and certificates for TLS.

use std::fmt;
use std::path::PathBuf;

use kv_server::net::{self, Address, ClientTls};
use kv_server::{Client, Password};

use crate::Connection;
use crate::arguments::TlsFiles;
use crate::exit::{Exit, Failure};
use crate::login;

/// A server.
#[derive(Debug)]
pub(crate) struct Remote {
    address: Address,
    /// For an address of TLS.
    tls: Option<ClientTls>,
    password: Option<Password>,
}

impl Remote {
    /// The server at this address. What of the files is not named is looked for in the environment.
    pub(crate) fn named(address: Address, files: TlsFiles, password: Option<PathBuf>) -> Result<Self, Failure> {
        let tls = tls(&address, files)?;
        Ok(Self { address, tls, password: login::password(password)? })
    }

    /// Connects, and logs in.
    pub(crate) async fn open(&self) -> Result<Connection, Failure> {
        let mut connection = self.connect().await?;
        self.log_in(&mut connection).await?;
        Ok(connection)
    }

    pub(crate) async fn connect(&self) -> Result<Connection, Failure> {
        let connected = match &self.tls {
            Some(tls) => net::connect_tls(&self.address, tls).await,
            None => net::connect(&self.address).await,
        };
        let (reader, writer) = connected.map_err(|error| Failure::new(Exit::Connect, error))?;
        Ok(Client::new(Box::new(reader), Box::new(writer)))
    }

    /// Logs in, if there is a password.
    pub(crate) async fn log_in(&self, connection: &mut Connection) -> Result<(), Failure> {
        match &self.password {
            Some(password) => login::log_in(connection, &self.address, password).await,
            None => Ok(()),
        }
    }
}

/// The certificates for an address, if it is one of TLS.
fn tls(address: &Address, files: TlsFiles) -> Result<Option<ClientTls>, Failure> {
    if !matches!(address, Address::Tls { .. }) {
        if files.are_given() {
            let message =
                format_args!("--tls-ca, --tls-cert and --tls-key are for a server with TLS; write tls:{address}");
            return Err(Failure::new(Exit::Usage, message));
        }
        return Ok(None);
    }
    let of = |file: Option<PathBuf>, variable| file.or_else(|| of_environment(variable));
    let ca = of(files.ca, "KV_TLS_CA").ok_or_else(|| {
        let message = format_args!(
            "{address} is an address of TLS, and no authority is named whose certificates are to be trusted; name its file with \
             --tls-ca, or in KV_TLS_CA"
        );
        Failure::new(Exit::Usage, message)
    })?;
    let unusable = |error| Failure::new(Exit::Refused, error);
    let mut tls = ClientTls::from_ca(ca).map_err(unusable)?;
    match (of(files.certificate, "KV_TLS_CERT"), of(files.key, "KV_TLS_KEY")) {
        (Some(certificate), Some(key)) => tls = tls.certificate(certificate, key).map_err(unusable)?,
        (None, None) => {}
        _ => {
            let message = "a certificate needs its key, and a key its certificate; name both, with --tls-cert and --tls-key or in \
                           KV_TLS_CERT and KV_TLS_KEY";
            return Err(Failure::new(Exit::Usage, message));
        }
    }
    Ok(Some(tls))
}

fn of_environment(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|named| !named.is_empty()).map(PathBuf::from)
}

/// Its address.
impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}
