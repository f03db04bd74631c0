//! Turns TLS errors into texts that say what to change.

use std::io;

use rpc_tls::rustls::{AlertDescription, CertificateError, Error};

use crate::error::ConnectError;
use crate::target::Target;

const ENDED: &str = "the connection ended in the middle of the TLS handshake";

/// Returns the meaning of `error`, which ended the TLS handshake.
pub(crate) fn of_handshake(target: &Target, error: io::Error) -> ConnectError {
    let ended = |source| ConnectError::Tls { host: target.name.clone(), reason: ENDED, source };
    of_tls(target, &error).unwrap_or_else(|| ended(error))
}

/// Returns the meaning of `error` if it is a TLS error, also after the handshake.
pub(crate) fn of_tls(target: &Target, error: &io::Error) -> Option<ConnectError> {
    let tls = error.get_ref()?.downcast_ref::<Error>()?;
    let source = io::Error::new(error.kind(), tls.clone());
    Some(ConnectError::Tls { host: target.name.clone(), reason: reason(tls), source })
}

fn reason(error: &Error) -> &'static str {
    use AlertDescription as Alert;
    match error {
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::InvalidMessage(_) => {
            "its answer is not TLS; a server without TLS has a URL that begins with `ws://`"
        }
        Error::AlertReceived(Alert::CertificateRequired) => {
            "it wants a certificate of this client: set one with \
             `Tls::client_certificate_from_pem_files`"
        }
        Error::AlertReceived(alert) if is_about_certificates(*alert) => {
            "it does not accept the certificate of this client"
        }
        Error::AlertReceived(Alert::NoApplicationProtocol) => "it does not speak HTTP/1.1",
        Error::AlertReceived(Alert::UnrecognisedName) => "it does not know the URL's host",
        Error::AlertReceived(_) => "it refused the TLS handshake",
        Error::PeerIncompatible(_) => "no version or cipher of TLS is known to both ends",
        _ => "it breaks the rules of TLS",
    }
}

fn of_certificate(error: &CertificateError) -> &'static str {
    use CertificateError as E;
    match error {
        // A trusted root may have the same name as the unknown issuer of this certificate.
        E::UnknownIssuer | E::BadSignature => {
            "its certificate does not descend from a root that is trusted: name that with \
             `Tls::roots_from_pem_file`"
        }
        E::NotValidForName | E::NotValidForNameContext { .. } => {
            "its certificate is not for the URL's host"
        }
        E::Expired | E::ExpiredContext { .. } => {
            "its certificate has expired, unless the clock here is wrong"
        }
        E::NotValidYet | E::NotValidYetContext { .. } => {
            "its certificate is not valid yet, unless the clock here is wrong"
        }
        _ => "its certificate cannot be used",
    }
}

fn is_about_certificates(alert: AlertDescription) -> bool {
    use AlertDescription as Alert;
    matches!(
        alert,
        Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
    )
}
