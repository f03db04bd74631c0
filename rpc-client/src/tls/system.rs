//! The root certificates of the system.

use std::sync::OnceLock;

use rpc_tls::TlsError;
use rpc_tls::rustls::RootCertStore;
use tokio::task::spawn_blocking;

use super::Tls;

/// Returns the root certificates of the system. Certificates that cannot be read are left out, as in other programs.
pub(super) fn roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let (added, _) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 { Err(TlsError::NoSystemRoots) } else { Ok(roots) }
}

/// Returns the default `Tls`. The root certificates are read once, since there are more than a hundred.
pub(super) async fn default() -> Result<Tls, TlsError> {
    static DEFAULT: OnceLock<Tls> = OnceLock::new();
    if let Some(tls) = DEFAULT.get() {
        return Ok(tls.clone());
    }
    let read = spawn_blocking(Tls::system_roots).await;
    // The task is never cancelled, and reading files does not panic. If it did, there would be no root certificates.
    let tls = read.unwrap_or(Err(TlsError::NoSystemRoots))?;
    Ok(DEFAULT.get_or_init(|| tls).clone())
}
