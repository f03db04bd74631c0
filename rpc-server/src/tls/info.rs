//! [`TlsInfo`], the result of a TLS handshake.

use std::fmt;

use rpc_tls::rustls::pki_types::CertificateDer;
use rpc_tls::rustls::{ProtocolVersion, ServerConnection};

/// The result of a TLS handshake: the server name and the certificates that the client has sent.
#[derive(Clone)]
pub struct TlsInfo {
    server_name: Option<Box<str>>,
    client_certificates: Vec<CertificateDer<'static>>,
    version: &'static str,
}

impl TlsInfo {
    pub(super) fn of(connection: &ServerConnection) -> Self {
        let certificates = connection.peer_certificates().unwrap_or_default();
        Self {
            server_name: connection.server_name().map(Into::into),
            client_certificates: certificates.to_vec(),
            version: match connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
                _ => "TLSv1.3",
            },
        }
    }

    /// Returns the host that the client wants to reach (SNI), in lower case. `None` if the client has sent no name, or
    /// an address. The client chooses the name, so `Host` may name another host.
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// Returns the certificates of the client, its own first. Empty unless the server [asks for
    /// certificates](crate::Tls::accept_client_certificates) and the client has one. The first certificate was checked:
    /// it descends from one of the roots, is valid now, and the client has its key.
    pub fn client_certificates(&self) -> &[CertificateDer<'static>] {
        &self.client_certificates
    }

    /// Returns `TLSv1.2` or `TLSv1.3`.
    pub fn protocol_version(&self) -> &'static str {
        self.version
    }
}

/// Shows only the number of certificates: certificates contain names of people.
impl fmt::Debug for TlsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsInfo")
            .field("server_name", &self.server_name)
            .field("client_certificates", &self.client_certificates.len())
            .field("protocol_version", &self.version)
            .finish()
    }
}
