//! The trust roots: certificates of a peer must chain to one of them.

use std::path::Path;

use rustls::RootCertStore;

use crate::error::TlsError;
use crate::pem;

const BAD_ROOT: &str = "a certificate in it cannot be read, or not be trusted as a root";

/// Reads the certificates in a file into a root store. The file must have at least one.
pub fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    add_roots(&mut roots, path)?;
    Ok(roots)
}

/// Adds the certificates in a file to a root store. The file must have at least one.
pub fn add_roots(roots: &mut RootCertStore, path: &Path) -> Result<(), TlsError> {
    for root in pem::certificates(path)? {
        roots.add(root).map_err(|_| TlsError::file(path, BAD_ROOT))?;
    }
    Ok(())
}
