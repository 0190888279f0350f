//! Certificates and keys in files.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{CertificateError, Error, InconsistentKeys, RootCertStore};

/// Why certificates are of no use, with the feature `tls`. Each message names the file, and says what to do.
///
/// # Examples
///
/// ```
/// use kv_server::net::{ClientTls, TlsError};
///
/// let error = ClientTls::from_ca("/nonexistent/ca.pem").unwrap_err();
/// assert!(matches!(error, TlsError::Read { .. }));
/// assert!(error.to_string().starts_with("/nonexistent/ca.pem cannot be read: "));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The system does not allow the file to be read.
    #[error("{} cannot be read: {source}; name a PEM file", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not PEM, or a part of it is damaged.
    #[error("{} is not a PEM file: {what}", file.display())]
    NotPem {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The file has no certificate.
    #[error("there is no certificate in {}; it has to have a part that begins with -----BEGIN CERTIFICATE-----", file.display())]
    NoCertificate {
        /// The file.
        file: PathBuf,
    },
    /// The file has no key without a password.
    #[error(
        "there is no private key in {}; it has to have a part that begins with -----BEGIN PRIVATE KEY-----, and keys with a password \
         are not read",
        file.display()
    )]
    NoKey {
        /// The file.
        file: PathBuf,
    },
    /// Other users can read the key.
    #[error("other users can read the private key in {0}; chmod 600 {0}", file.display())]
    ExposedKey {
        /// The file.
        file: PathBuf,
    },
    /// The key is not that of the certificate.
    #[error("the key in {} is not that of the certificate in {}; name the two that belong together", key.display(), certificate.display())]
    OtherKey {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The certificate is too old, or not valid yet.
    #[error("the certificate in {} {what}; renew it, or set the clock", file.display())]
    Expired {
        /// The file.
        file: PathBuf,
        /// Since or until when, as numbers of seconds since 1970.
        what: String,
    },
    /// The certificate or the key cannot be used for another reason.
    #[error("{} cannot be used: {what}", file.display())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
}

/// The certificates in a file, of which there is at least one.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(file)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let certificates = certificates.map_err(|error| not_pem(file, &error))?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate { file: file.to_owned() });
    }
    Ok(certificates)
}

/// A certificate with those of its issuers, and its key.
pub(super) fn identity(
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = certificates(certificate)?;
    let chain_head = chain[0].clone();
    refuse_exposed(key)?;
    let bytes = read(key)?;
    let secret = match PrivateKeyDer::from_pem_slice(&bytes) {
        Ok(secret) => secret,
        Err(pem::Error::NoItemsFound) => return Err(TlsError::NoKey { file: key.to_owned() }),
        Err(error) => return Err(not_pem(key, &error)),
    };
    let identity = CertifiedKey::from_der(chain, secret, provider).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            TlsError::OtherKey { certificate: certificate.to_owned(), key: key.to_owned() }
        }
        Error::InvalidCertificate(error) => {
            TlsError::Unusable { file: certificate.to_owned(), what: format!("its certificate is {error}") }
        }
        error => TlsError::Unusable { file: key.to_owned(), what: error.to_string() },
    })?;
    refuse_expired(certificate, &chain_head, provider)?;
    Ok(Arc::new(identity))
}

/// The authorities in a file.
pub(super) fn authorities(file: &Path) -> Result<Arc<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        let unusable = |error: Error| TlsError::Unusable { file: file.to_owned(), what: error.to_string() };
        roots.add(certificate).map_err(unusable)?;
    }
    Ok(Arc::new(roots))
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(file).map_err(|source| TlsError::Read { file: file.to_owned(), source })
}

fn not_pem(file: &Path, error: &pem::Error) -> TlsError {
    TlsError::NotPem { file: file.to_owned(), what: error.to_string() }
}

/// Refuses a key that other users can read. The group may, if root has arranged it so.
fn refuse_exposed(key: &Path) -> Result<(), TlsError> {
    /// What groups and others may do with a file, ...
    const OTHERS: u32 = 0o077;
    /// ... and reading it as the group.
    const GROUP_READS: u32 = 0o040;
    let found = fs::metadata(key).map_err(|source| TlsError::Read { file: key.to_owned(), source })?;
    let allowed = if found.uid() == 0 { GROUP_READS } else { 0 };
    if found.mode() & OTHERS & !allowed == 0 { Ok(()) } else { Err(TlsError::ExposedKey { file: key.to_owned() }) }
}

/// Refuses a certificate that every client would refuse.
///
/// It is verified against itself. Whether that is its issuer is of no interest here: the time is what is looked at first.
fn refuse_expired(file: &Path, certificate: &CertificateDer<'_>, provider: &CryptoProvider) -> Result<(), TlsError> {
    let mut roots = RootCertStore::empty();
    let unusable =
        |error: &dyn std::fmt::Display| TlsError::Unusable { file: file.to_owned(), what: error.to_string() };
    roots.add(certificate.clone().into_owned()).map_err(|error| unusable(&error))?;
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider.clone()));
    let verifier = verifier.build().map_err(|error| unusable(&error))?;
    let name = ServerName::try_from("localhost").map_err(|error| unusable(&error))?;
    let what = match verifier.verify_server_cert(certificate, &[], &name, &[], UnixTime::now()) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            format!("has expired at {}", not_after.as_secs())
        }
        Err(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => {
            format!("is not valid before {}", not_before.as_secs())
        }
        _ => return Ok(()),
    };
    Err(TlsError::Expired { file: file.to_owned(), what })
}
