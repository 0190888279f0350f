//! What to do about a failure of TLS: for a client, behind what has failed; and for the operator of a server.

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

/// What the operator of a server is told of a handshake that failed, and what to do. `None` if the client left before it began.
pub(super) fn refusal(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::NotConnected => return None,
        io::ErrorKind::TimedOut => {
            return Some("cut off a handshake of TLS that took too long; look at the client, or at the network to it");
        }
        _ => {}
    }
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return Some(
            "lost a client during its handshake of TLS; look whether it accepts the certificate of this server",
        );
    };
    Some(match error {
        Error::InvalidMessage(_) => {
            "refused a client that speaks no TLS; let it connect with tls: before the address, or to an address without TLS"
        }
        Error::PeerIncompatible(_) | Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            "refused a client that speaks no TLS as this server does; let it speak TLS 1.2 or 1.3"
        }
        Error::NoCertificatesPresented => {
            "refused a client without a certificate; give it one of the authority that this server asks"
        }
        Error::InvalidCertificate(_) => {
            "refused the certificate of a client; give it one that is valid, of the authority that this server asks"
        }
        Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::DecryptError,
        ) => {
            "lost a client that does not accept the certificate of this server; name its authority to the client, or renew it"
        }
        _ => "failed in a handshake of TLS with a client; the error says why",
    })
}
