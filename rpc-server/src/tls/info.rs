//! What TLS tells about a connection.

use std::fmt;

use rpc_tls::rustls::pki_types::CertificateDer;
use rpc_tls::rustls::{ProtocolVersion, ServerConnection};

/// What TLS tells about a connection: whom the client meant, and who it is.
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

    /// The host that the client wants to reach (SNI), in lower case; `None` if it did not say,
    /// or gave an address. It is what the client says: `Host` may say something else.
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// The client's certificates, its own first; none unless it was
    /// [asked](crate::Tls::accept_client_certificates) and has one. The first was checked: it
    /// descends from one of the roots, is valid now, and the client has its key.
    pub fn client_certificates(&self) -> &[CertificateDer<'static>] {
        &self.client_certificates
    }

    /// `TLSv1.2` or `TLSv1.3`.
    pub fn protocol_version(&self) -> &'static str {
        self.version
    }
}

/// How many certificates there are, but nothing of them: they name people.
impl fmt::Debug for TlsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsInfo")
            .field("server_name", &self.server_name)
            .field("client_certificates", &self.client_certificates.len())
            .field("protocol_version", &self.version)
            .finish()
    }
}
