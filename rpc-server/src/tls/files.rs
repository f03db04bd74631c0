//! The files of a server's TLS, and the config that is made of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rpc_tls::rustls::ServerConfig;
use rpc_tls::rustls::crypto::CryptoProvider;
use rpc_tls::rustls::server::danger::ClientCertVerifier;
use rpc_tls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rpc_tls::{TlsError, identity, provider, roots};

/// Paths of PEM files.
#[derive(Debug, Clone)]
pub(super) struct Files {
    certificates: PathBuf,
    key: PathBuf,
    clients: Option<Clients>,
}

/// The rule for the certificates of clients.
#[derive(Debug, Clone)]
struct Clients {
    /// The file of the root certificates.
    roots: PathBuf,
    /// Whether a client must have a certificate.
    required: bool,
}

impl Files {
    pub(super) fn new(certificates: &Path, key: &Path) -> Self {
        Self { certificates: certificates.into(), key: key.into(), clients: None }
    }

    pub(super) fn with_clients(self, roots: &Path, required: bool) -> Self {
        Self { clients: Some(Clients { roots: roots.into(), required }), ..self }
    }

    /// Reads the files.
    pub(super) fn load(&self) -> Result<ServerConfig, TlsError> {
        let provider = provider()?;
        let identity = identity(&self.certificates, &self.key, &provider)?;
        let clients = match &self.clients {
            Some(clients) => clients.verifier(&provider)?,
            None => WebPkiClientVerifier::no_client_auth(),
        };
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Provider)?;
        let mut config = config.with_client_cert_verifier(clients).with_cert_resolver(identity);
        // A resumed session does not check the certificates again, and there is room for 256 sessions only.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }
}

impl Clients {
    fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let roots = Arc::new(roots(&self.roots)?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone());
        let verifier = if self.required { verifier } else { verifier.allow_unauthenticated() };
        Ok(verifier.build().expect("there are roots, and no revocation lists"))
    }
}
