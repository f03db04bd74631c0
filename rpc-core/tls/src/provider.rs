//! What does the cryptography.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use crate::error::TlsError;

/// The provider that the program installed; without one it is `ring`, if that was built.
pub fn provider() -> Result<Arc<CryptoProvider>, TlsError> {
    match CryptoProvider::get_default() {
        Some(installed) => Ok(installed.clone()),
        None => built_in().ok_or(TlsError::NoProvider),
    }
}

#[cfg(feature = "ring")]
fn built_in() -> Option<Arc<CryptoProvider>> {
    Some(Arc::new(rustls::crypto::ring::default_provider()))
}

#[cfg(not(feature = "ring"))]
fn built_in() -> Option<Arc<CryptoProvider>> {
    None
}
