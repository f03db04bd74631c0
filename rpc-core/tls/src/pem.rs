//! Certificates and keys in PEM files.
//!
//! The errors of the PEM reader are replaced, because some of them quote a line, which may be part of a key.

use std::fs;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::TlsError;

const BROKEN: &str = "a section of it is no PEM: it begins or ends wrongly, or is not base64";
const NO_CERTIFICATE: &str = "it holds no certificate, which begins with `-----BEGIN CERTIFICATE`";
const NO_KEY: &str = "it holds no private key, which begins with `-----BEGIN PRIVATE KEY`";
const ENCRYPTED: &str =
    "its private key is encrypted: give a decrypted one, such as `openssl pkey` writes";
const SEVERAL_KEYS: &str = "it holds several private keys: leave the one of the certificate";

/// Reads all certificates in a file. The file must have at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = sections(&read(path)?, path)?;
    if found.is_empty() { Err(TlsError::file(path, NO_CERTIFICATE)) } else { Ok(found) }
}

/// Reads the private key in a file. The file may also have certificates.
pub(crate) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let bytes = read(path)?;
    let mut found = sections::<PrivateKeyDer<'static>>(&bytes, path)?;
    let wrong = |reason| Err(TlsError::file(path, reason));
    match found.pop() {
        Some(key) if found.is_empty() => Ok(key),
        Some(_) => wrong(SEVERAL_KEYS),
        None if is_encrypted(&bytes) => wrong(ENCRYPTED),
        None => wrong(NO_KEY),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::Read { path: path.to_owned(), error })
}

fn sections<T: PemObject>(bytes: &[u8], path: &Path) -> Result<Vec<T>, TlsError> {
    let sections = T::pem_slice_iter(bytes).collect::<Result<_, _>>();
    sections.map_err(|_| TlsError::file(path, BROKEN))
}

fn is_encrypted(bytes: &[u8]) -> bool {
    let mark = b"-----BEGIN ENCRYPTED PRIVATE KEY";
    bytes.windows(mark.len()).any(|window| window == mark)
}
