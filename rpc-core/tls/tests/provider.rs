//! Which provider of cryptography is used. Alone in its process, for which it installs one.

use rpc_tls::provider;
#[cfg(not(feature = "ring"))]
use rpc_tls::{TlsError, rustls};

#[test]
#[cfg(feature = "ring")]
fn the_provider_of_the_program_comes_before_ring() {
    let mut own = rpc_tls::rustls::crypto::ring::default_provider();
    assert!(provider().unwrap().cipher_suites.len() > 1);
    own.cipher_suites.truncate(1);
    own.install_default().unwrap();
    assert_eq!(provider().unwrap().cipher_suites.len(), 1);
}

#[test]
#[cfg(not(feature = "ring"))]
fn without_ring_there_is_only_the_provider_of_the_program() {
    let error = provider().unwrap_err();
    assert!(matches!(error, TlsError::NoProvider));
    assert!(error.to_string().contains("`CryptoProvider::install_default`"), "{error}");
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}
