//! The provider of cryptography.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use crate::error::TlsError;

/// Returns the provider that the application has installed, else `ring`, if the feature is enabled.
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
