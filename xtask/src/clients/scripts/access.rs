//! What a server asks of its clients: nothing, a password, or TLS with a certificate made here.

use std::path::PathBuf;
use std::process::Command;

use crate::clients::{folder, install};
use crate::program::{self, Program};
use crate::{Result, tree};

/// The password of the servers that have one.
pub(super) const PASSWORD: &str = "shopping-list";

const OPENSSL: Program = Program { name: "openssl", package: "openssl" };

/// What a server asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Open,
    Password,
    Tls,
}

/// Everything that a server may ask.
pub(super) const ACCESSES: [Access; 3] = [Access::Open, Access::Password, Access::Tls];

impl Access {
    /// For the name of a run.
    pub(super) fn shown(self) -> &'static str {
        match self {
            Self::Open => "",
            Self::Password => ", with a password",
            Self::Tls => ", by TLS",
        }
    }
}

/// Makes the files that servers and clients read.
pub(super) fn prepare() -> Result {
    tree::write(&password(), PASSWORD)?;
    install::change_mode(&password(), "600")?;
    let mut openssl = Command::new(OPENSSL.find()?);
    openssl.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]);
    openssl.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout"]).arg(key());
    program::run(openssl.arg("-out").arg(certificate()), "make a certificate for localhost by hand")?;
    install::change_mode(&key(), "600")
}

/// The file with the password.
pub(super) fn password() -> PathBuf {
    folder().join("password")
}

/// The certificate, which vouches for itself.
pub(super) fn certificate() -> PathBuf {
    folder().join("certificate.pem")
}

/// The key of the certificate.
pub(super) fn key() -> PathBuf {
    folder().join("key.pem")
}
