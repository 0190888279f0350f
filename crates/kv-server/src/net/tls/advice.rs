//! What to do about a failure of TLS, behind what has failed.

use std::io;

use tokio_rustls::rustls::{AlertDescription, CertificateError, Error};

/// The same error, with what to do if that is known.
pub(super) fn advise(error: io::Error) -> io::Error {
    let advice = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).and_then(advice);
    match advice {
        Some(advice) => io::Error::new(error.kind(), format!("{error}; {advice}")),
        None => error,
    }
}

fn advice(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "the server needs a new certificate"
        }
        Error::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            "look at the clocks of both machines"
        }
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "name the file of the authority that has issued the server's certificate"
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "write the host as the server's certificate names it",
        Error::InvalidMessage(_) => "the server does not speak TLS there: write its address without tls:",
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the server asks for a client certificate: name its file, and that of its key"
        }
        Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::DecryptError,
        ) => {
            "the server does not accept the client certificate: name one that its authority has issued, and that is valid"
        }
        _ => return None,
    })
}
