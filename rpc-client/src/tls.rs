//! TLS to a server.

mod failure;
mod system;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rpc_tls::rustls::pki_types::ServerName;
use rpc_tls::rustls::{ClientConfig, RootCertStore};
use rpc_tls::{ALPN, TlsError, add_roots, identity, provider, roots};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) use self::failure::{of_handshake, of_tls};
use crate::error::ConnectError;

/// Which servers are trusted, and who this client is to them. Clones share their sessions, so that
/// one connects quicker where another was before.
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_client::{Client, Tls};
///
/// let tls = Tls::roots_from_pem_file("company-root.pem")?
///     .client_certificate_from_pem_files("client.pem", "client.key")?;
/// let client = Client::builder().tls(tls).connect("wss://rpc.example.com").await?;
/// # Ok(()) }
/// ```
///
/// A server must show a certificate that descends from a trusted root, is valid now, and is for the
/// name or address in the URL. TLS 1.2 and 1.3 are spoken, by the
/// [`CryptoProvider`](crate::rustls::crypto::CryptoProvider) that the program installed before, else
/// by `ring` (feature `tls`). A connection costs 8 KiB more than without TLS when it is idle, and may
/// hold 64 KiB more of what was not sent yet and 18 KiB of what arrives.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
}

impl Tls {
    /// Trusts whom the system trusts, or, if they are set, the files that the environment variables
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` name. Reads files, so not from where that must not block.
    ///
    /// # Errors
    /// [`NoSystemRoots`](TlsError::NoSystemRoots) if there are none.
    pub fn system_roots() -> Result<Self, TlsError> {
        Self::new(system::roots()?)
    }

    /// Trusts the certificates in a PEM file, and no others. Reads a file, as
    /// [`system_roots`](Self::system_roots) does.
    ///
    /// # Errors
    /// A file that cannot be read or used; the text says what is wrong with it.
    pub fn roots_from_pem_file(path: impl AsRef<Path>) -> Result<Self, TlsError> {
        Self::new(roots(path.as_ref())?)
    }

    /// Trusts whom the system trusts, and the certificates in a PEM file.
    ///
    /// # Errors
    /// Those of [`system_roots`](Self::system_roots) and
    /// [`roots_from_pem_file`](Self::roots_from_pem_file).
    pub fn system_roots_and_pem_file(path: impl AsRef<Path>) -> Result<Self, TlsError> {
        let mut roots = system::roots()?;
        add_roots(&mut roots, path.as_ref())?;
        Self::new(roots)
    }

    /// Takes a config as it is, but for two things: HTTP/1.1 is the only protocol that is offered,
    /// and early data is off.
    pub fn from_config(config: Arc<ClientConfig>) -> Self {
        Self { config: http(config) }
    }

    /// Shows this certificate to a server that asks for one: a chain, the client's own first, and its
    /// private key, both PEM; they may be in the same file. The key may be PKCS#8, PKCS#1 or SEC1,
    /// and is not encrypted.
    ///
    /// # Errors
    /// A file that cannot be read or used, or a key that does not belong to the certificate.
    pub fn client_certificate_from_pem_files(
        mut self,
        certificates: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsError> {
        let provider = self.config.crypto_provider();
        let identity = identity(certificates.as_ref(), key.as_ref(), provider)?;
        Arc::make_mut(&mut self.config).client_auth_cert_resolver = identity;
        Ok(self)
    }

    /// `given`, or else whom the system trusts.
    pub(crate) async fn or_default(given: Option<Self>) -> Result<Self, ConnectError> {
        match given {
            Some(tls) => Ok(tls),
            None => Ok(system::default().await?),
        }
    }

    /// Does the handshake with a server that proves to be `name`. May be dropped at any point, which
    /// closes the connection.
    pub(crate) async fn connect<S>(
        &self,
        name: ServerName<'static>,
        stream: S,
    ) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        TlsConnector::from(self.config.clone()).connect(name, stream).await
    }

    fn new(roots: RootCertStore) -> Result<Self, TlsError> {
        let config = ClientConfig::builder_with_provider(provider()?)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Provider)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self::from_config(Arc::new(config)))
    }
}

/// A server might choose a protocol that we do not speak, and anyone can send early data again.
fn http(mut config: Arc<ClientConfig>) -> Arc<ClientConfig> {
    if config.alpn_protocols != [ALPN] || config.enable_early_data {
        let config = Arc::make_mut(&mut config);
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.enable_early_data = false;
    }
    config
}

/// Nothing of keys, and certificates are long.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use super::*;

    #[test]
    fn of_a_config_that_is_given_only_http_is_offered() {
        let config = ClientConfig::builder_with_provider(provider().unwrap())
            .with_safe_default_protocol_versions()
            .unwrap();
        let mut config =
            config.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.enable_early_data = true;
        let tls = Tls::from_config(Arc::new(config));
        assert_eq!(tls.config.alpn_protocols, [ALPN]);
        assert!(!tls.config.enable_early_data);
    }
}
