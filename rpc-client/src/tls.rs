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

/// The rule which servers a client trusts, and the certificate of the client. Clones share their TLS sessions, so that
/// a client connects faster to a server to which another client was connected before.
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
/// A server must show a certificate that descends from a trusted root, is valid now, and is for the name or address in
/// the URL. The client speaks TLS 1.2 and 1.3. It uses the [`CryptoProvider`](crate::rustls::crypto::CryptoProvider)
/// that the program has installed, or else `ring` (feature `tls`). An idle connection takes 8 KiB more than without
/// TLS. A busy connection may hold 64 KiB more of unsent data, and 18 KiB more of received data.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
}

impl Tls {
    /// Trusts the root certificates of the system. If the environment variables `SSL_CERT_FILE` or `SSL_CERT_DIR` are
    /// set, trusts the certificates in these files instead. This reads files and so blocks the thread.
    ///
    /// # Errors
    /// [`NoSystemRoots`](TlsError::NoSystemRoots) if there are no root certificates.
    pub fn system_roots() -> Result<Self, TlsError> {
        Self::new(system::roots()?)
    }

    /// Trusts only the certificates in a PEM file. This reads a file and so blocks the thread.
    ///
    /// # Errors
    /// If the file cannot be read or used. The text says what is wrong with the file.
    pub fn roots_from_pem_file(path: impl AsRef<Path>) -> Result<Self, TlsError> {
        Self::new(roots(path.as_ref())?)
    }

    /// Trusts the root certificates of the system, and the certificates in a PEM file. This reads files and so blocks
    /// the thread.
    ///
    /// # Errors
    /// The errors of [`system_roots`](Self::system_roots) and of [`roots_from_pem_file`](Self::roots_from_pem_file).
    pub fn system_roots_and_pem_file(path: impl AsRef<Path>) -> Result<Self, TlsError> {
        let mut roots = system::roots()?;
        add_roots(&mut roots, path.as_ref())?;
        Self::new(roots)
    }

    /// Uses a config of rustls. Two settings are replaced: HTTP/1.1 becomes the only ALPN protocol, and early data is
    /// turned off.
    pub fn from_config(config: Arc<ClientConfig>) -> Self {
        Self { config: http(config) }
    }

    /// Shows this certificate to a server that asks for one. The files are a chain, the client's own certificate first,
    /// and its private key. Both are PEM, and may be in the same file. The key may be PKCS#8, PKCS#1 or SEC1, and must
    /// not be encrypted.
    ///
    /// # Errors
    /// If a file cannot be read or used, or the key does not belong to the certificate.
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

    /// Returns `given`, or else the default, which trusts the root certificates of the system.
    pub(crate) async fn or_default(given: Option<Self>) -> Result<Self, ConnectError> {
        match given {
            Some(tls) => Ok(tls),
            None => Ok(system::default().await?),
        }
    }

    /// Does the TLS handshake with a server whose certificate must be for `name`. Dropping the future closes the
    /// connection.
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

/// With another ALPN protocol a server might choose a protocol that the client does not speak. Early data can be
/// replayed by anyone.
fn http(mut config: Arc<ClientConfig>) -> Arc<ClientConfig> {
    if config.alpn_protocols != [ALPN] || config.enable_early_data {
        let config = Arc::make_mut(&mut config);
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.enable_early_data = false;
    }
    config
}

/// Shows neither keys nor certificates.
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
