//! Whom the system trusts.

use std::sync::OnceLock;

use rpc_tls::TlsError;
use rpc_tls::rustls::RootCertStore;
use tokio::task::spawn_blocking;

use super::Tls;

/// The system's roots. What cannot be read among them is left out, as all programs do.
pub(super) fn roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let (added, _) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 { Err(TlsError::NoSystemRoots) } else { Ok(roots) }
}

/// What is used where nothing is set. Read once: there are more than a hundred.
pub(super) async fn default() -> Result<Tls, TlsError> {
    static DEFAULT: OnceLock<Tls> = OnceLock::new();
    if let Some(tls) = DEFAULT.get() {
        return Ok(tls.clone());
    }
    let read = spawn_blocking(Tls::system_roots).await;
    // It is not cancelled, and who reads files does not panic; if it did, there are no roots.
    let tls = read.unwrap_or(Err(TlsError::NoSystemRoots))?;
    Ok(DEFAULT.get_or_init(|| tls).clone())
}
