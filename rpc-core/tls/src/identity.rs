//! The identity of an end: its certificate chain, and the private key of the first certificate.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::error::TlsError;
use crate::pem;

const BAD_CERTIFICATE: &str = "a certificate in it cannot be read";
const BAD_KEY: &str = "its private key is broken, or of a kind that is not supported";

/// Reads a certificate chain, with the end's own certificate first, and the private key. Checks that the key belongs to
/// the certificate.
pub fn identity(
    certificates: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<Arc<SingleCertAndKey>, TlsError> {
    let chain = pem::certificates(certificates)?;
    if chain.iter().any(|certificate| ParsedCertificate::try_from(certificate).is_err()) {
        return Err(TlsError::file(certificates, BAD_CERTIFICATE));
    }
    // The error of rustls is replaced, because a future version may quote a part of the key.
    let private = provider.key_provider.load_private_key(pem::key(key)?);
    let private = private.map_err(|_| TlsError::file(key, BAD_KEY))?;
    let identity = CertifiedKey::new(chain, private);
    match identity.keys_match() {
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
            Err(TlsError::Mismatch { certificates: certificates.into(), key: key.into() })
        }
        // Some providers cannot check whether the key belongs to the certificate.
        _ => Ok(Arc::new(identity.into())),
    }
}
