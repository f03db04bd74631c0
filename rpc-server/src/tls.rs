//! TLS for the connections of a server.

mod files;
mod info;
#[cfg(all(test, feature = "tls"))]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rpc_tls::rustls::ServerConfig;
use rpc_tls::{ALPN, TlsError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use self::files::Files;
pub use self::info::TlsInfo;

/// The certificate of a server, and the rule which certificates clients must show. Clones are handles to the same
/// `Tls`.
///
/// ```no_run
/// # fn main() -> Result<(), rpc_server::TlsError> {
/// use rpc_server::Tls;
///
/// let tls = Tls::from_pem_files("chain.pem", "key.pem")?;
/// // And when the files are new ones, such as every few weeks:
/// tls.reload()?;
/// # Ok(()) }
/// ```
///
/// The server speaks TLS 1.2 and 1.3. It uses the [`CryptoProvider`](crate::rustls::crypto::CryptoProvider) that the
/// program has installed, or else `ring` (feature `tls`). Sessions are not resumed: each connection checks the
/// certificates again, so after [`reload`](Self::reload) no client connects with an earlier certificate. An idle
/// connection takes 8 KiB more than without TLS. A busy connection may hold 64 KiB more of unsent data, and 18 KiB more
/// of received data.
#[derive(Clone)]
pub struct Tls {
    inner: Arc<Inner>,
}

struct Inner {
    /// `None` if the config does not come from files. The lock is held while the files are read: if two threads reload,
    /// the thread that began later must win.
    files: Mutex<Option<Files>>,
    acceptor: Mutex<TlsAcceptor>,
}

impl Tls {
    /// Reads a chain of certificates, the server's own first, and the server's private key. Both are PEM, and may be in
    /// the same file. The key may be PKCS#8, PKCS#1 or SEC1, and must not be encrypted. This reads files and so blocks
    /// the thread.
    ///
    /// # Errors
    /// If a file cannot be read or used. The text says what is wrong with the file.
    pub fn from_pem_files(
        certificates: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsError> {
        Self::from_files(Files::new(certificates.as_ref(), key.as_ref()))
    }

    /// Uses a config of rustls. Two settings are replaced: HTTP/1.1 becomes the only ALPN protocol, and early data is
    /// turned off.
    pub fn from_config(config: Arc<ServerConfig>) -> Self {
        Self::new(None, acceptor(config))
    }

    /// Lets clients show a certificate that descends from a root certificate in the PEM file `roots`. A client whose
    /// certificate descends from no root is refused. A client without a certificate is accepted. [`TlsInfo`] has the
    /// certificates of the client.
    ///
    /// Returns a new `Tls`. Clones that were made before keep their rule.
    ///
    /// # Errors
    /// The errors of [`from_pem_files`](Self::from_pem_files); [`NotFromFiles`](TlsError::NotFromFiles) if this `Tls`
    /// was made by [`from_config`](Self::from_config).
    pub fn accept_client_certificates(self, roots: impl AsRef<Path>) -> Result<Self, TlsError> {
        Self::from_files(self.files()?.with_clients(roots.as_ref(), false))
    }

    /// As [`accept_client_certificates`](Self::accept_client_certificates), but a client without a certificate is
    /// refused, before it has sent a request.
    ///
    /// # Errors
    /// The errors of [`accept_client_certificates`](Self::accept_client_certificates).
    pub fn require_client_certificates(self, roots: impl AsRef<Path>) -> Result<Self, TlsError> {
        Self::from_files(self.files()?.with_clients(roots.as_ref(), true))
    }

    /// Reads all files again. New connections use the new certificates. Open connections go on. This reads files and so
    /// blocks the thread.
    ///
    /// # Errors
    /// The errors of [`from_pem_files`](Self::from_pem_files), and the certificates stay as they were;
    /// [`NotFromFiles`](TlsError::NotFromFiles) if this `Tls` was made by [`from_config`](Self::from_config) or changed
    /// by [`replace`](Self::replace).
    pub fn reload(&self) -> Result<(), TlsError> {
        let files = self.inner.files.lock().unwrap();
        let config = files.as_ref().ok_or(TlsError::NotFromFiles)?.load()?;
        *self.inner.acceptor.lock().unwrap() = acceptor(Arc::new(config));
        Ok(())
    }

    /// Uses `config` for new connections, with the two changes that [`from_config`](Self::from_config) describes. Open
    /// connections go on. The files of before are forgotten.
    pub fn replace(&self, config: Arc<ServerConfig>) {
        let mut files = self.inner.files.lock().unwrap();
        *files = None;
        *self.inner.acceptor.lock().unwrap() = acceptor(config);
    }

    /// Does the TLS handshake with a client. Dropping the future closes the connection. The handshake has no time limit
    /// of its own. If the handshake fails, the stream is returned with the error, since the client may not have read
    /// the TLS alert yet.
    pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> Result<(TlsStream<S>, TlsInfo), (std::io::Error, S)> {
        let accepting = self.inner.acceptor.lock().unwrap().accept(stream);
        let stream = accepting.into_fallible().await?;
        let info = TlsInfo::of(stream.get_ref().1);
        Ok((stream, info))
    }

    fn from_files(files: Files) -> Result<Self, TlsError> {
        let config = files.load()?;
        Ok(Self::new(Some(files), acceptor(Arc::new(config))))
    }

    fn new(files: Option<Files>, acceptor: TlsAcceptor) -> Self {
        let (files, acceptor) = (Mutex::new(files), Mutex::new(acceptor));
        Self { inner: Arc::new(Inner { files, acceptor }) }
    }

    fn files(&self) -> Result<Files, TlsError> {
        self.inner.files.lock().unwrap().clone().ok_or(TlsError::NotFromFiles)
    }
}

/// Replaces two settings. With another ALPN protocol the server would take the client's bytes for invalid HTTP. Early
/// data can be replayed by anyone, and the server would lose it.
fn acceptor(mut config: Arc<ServerConfig>) -> TlsAcceptor {
    if config.alpn_protocols != [ALPN] || config.max_early_data_size > 0 {
        let config = Arc::make_mut(&mut config);
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.max_early_data_size = 0;
    }
    config.into()
}

/// Shows the paths of the files, but nothing of their content.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.inner.files.lock().unwrap();
        f.debug_struct("Tls").field("files", &*files).finish_non_exhaustive()
    }
}
