//! TLS for those who connect.

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

/// The certificate by which a server proves who it is, and which certificates it wants of clients.
/// Clones are handles to the same.
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
/// TLS 1.2 and 1.3 are spoken, by the
/// [`CryptoProvider`](crate::rustls::crypto::CryptoProvider) that the program installed before, else
/// by `ring` (feature `tls`). Sessions are not resumed: each connection proves anew who is at its
/// ends, so after [`reload`](Self::reload) nobody comes in by a certificate of before. A connection
/// costs 8 KiB more than without TLS when it is idle, and may hold 64 KiB more of what was not sent
/// yet and 18 KiB of what arrives.
#[derive(Clone)]
pub struct Tls {
    inner: Arc<Inner>,
}

struct Inner {
    /// `None` if there are none. Locked for as long as they are read: of two who read them, the one
    /// who began later must not be overtaken.
    files: Mutex<Option<Files>>,
    acceptor: Mutex<TlsAcceptor>,
}

impl Tls {
    /// Reads a chain of certificates, the server's own first, and its private key, both PEM; they
    /// may be in the same file. The key may be PKCS#8, PKCS#1 or SEC1, and is not encrypted. Reads
    /// files, so not from where that must not block.
    ///
    /// # Errors
    /// A file that cannot be read or used; the text says what is wrong with it.
    pub fn from_pem_files(
        certificates: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsError> {
        Self::from_files(Files::new(certificates.as_ref(), key.as_ref()))
    }

    /// Takes a config as it is, but for two things: HTTP/1.1 is the only protocol that is offered,
    /// and early data is off.
    pub fn from_config(config: Arc<ServerConfig>) -> Self {
        Self::new(None, acceptor(config))
    }

    /// Lets clients show a certificate that descends from one of those in the PEM file `roots`. One
    /// that does not is refused; to have none is fine. `TlsInfo` tells what was shown.
    ///
    /// Gives a `Tls` of its own: clones made before want what they wanted.
    ///
    /// # Errors
    /// As those of [`from_pem_files`](Self::from_pem_files);
    /// [`NotFromFiles`](TlsError::NotFromFiles) if this was made of a config.
    pub fn accept_client_certificates(self, roots: impl AsRef<Path>) -> Result<Self, TlsError> {
        Self::from_files(self.files()?.with_clients(roots.as_ref(), false))
    }

    /// The same, but a client without a certificate is refused, before it has sent any request.
    ///
    /// # Errors
    /// Those of [`accept_client_certificates`](Self::accept_client_certificates).
    pub fn require_client_certificates(self, roots: impl AsRef<Path>) -> Result<Self, TlsError> {
        Self::from_files(self.files()?.with_clients(roots.as_ref(), true))
    }

    /// Reads all files again. Who connects from now on sees what is in them; connections that are
    /// there live on. Reads files, as [`from_pem_files`](Self::from_pem_files) does.
    ///
    /// # Errors
    /// As those of [`from_pem_files`](Self::from_pem_files), and then all stays as it was;
    /// [`NotFromFiles`](TlsError::NotFromFiles) if this was made of a config.
    pub fn reload(&self) -> Result<(), TlsError> {
        let files = self.inner.files.lock().unwrap();
        let config = files.as_ref().ok_or(TlsError::NotFromFiles)?.load()?;
        *self.inner.acceptor.lock().unwrap() = acceptor(Arc::new(config));
        Ok(())
    }

    /// From now on, those who connect see `config`, taken as by [`from_config`](Self::from_config);
    /// connections that are there live on. Files that were given before are forgotten.
    pub fn replace(&self, config: Arc<ServerConfig>) {
        let mut files = self.inner.files.lock().unwrap();
        *files = None;
        *self.inner.acceptor.lock().unwrap() = acceptor(config);
    }

    /// Does the handshake with someone who connects. May be dropped at any point, which closes the
    /// connection; it has no time limit of its own. One that fails comes back: the other end may
    /// not have read yet why.
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

/// Makes sure that what is spoken is what will be read: another protocol would be taken for broken
/// HTTP, and early data, which anyone can send again, would be lost.
fn acceptor(mut config: Arc<ServerConfig>) -> TlsAcceptor {
    if config.alpn_protocols != [ALPN] || config.max_early_data_size > 0 {
        let config = Arc::make_mut(&mut config);
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.max_early_data_size = 0;
    }
    config.into()
}

/// Where it comes from, but nothing of it.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.inner.files.lock().unwrap();
        f.debug_struct("Tls").field("files", &*files).finish_non_exhaustive()
    }
}
