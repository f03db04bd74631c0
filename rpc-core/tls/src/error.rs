//! Why TLS cannot be set up.

use std::io;
use std::path::{Path, PathBuf};

/// Why TLS cannot be set up; each text names the file and what to change. None holds anything of a
/// key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file is not there, or this process may not read it.
    #[error("`{}` cannot be read: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What failed.
        error: io::Error,
    },
    /// A file holds something else than it should.
    #[error("`{}` cannot be used: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Certificate and key are of two pairs. Of files that are being replaced, one may be the old
    /// one still: try again later.
    #[error(
        "the key in `{}` does not belong to the first certificate in `{}`", key.display(),
        certificates.display()
    )]
    Mismatch {
        /// The file of the certificates.
        certificates: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// Of a client: this system has no root certificates.
    #[error(
        "this system has no root certificates: install its package `ca-certificates`, or give \
         those to trust with `Tls::roots_from_pem_file`"
    )]
    NoSystemRoots,
    /// Of a server: its TLS was made by `Tls::from_config`, so there is nothing to read again or to
    /// change.
    #[error("this `Tls` was made of a config: make another, and give it to `Tls::replace`")]
    NotFromFiles,
    /// There is nothing to do cryptography with.
    #[error(
        "no provider of cryptography: call `CryptoProvider::install_default` first, or turn on \
         the feature `tls`"
    )]
    NoProvider,
    /// The provider of cryptography cannot do what is needed.
    #[error("the provider of cryptography does not suffice: {0}")]
    Provider(rustls::Error),
}

impl TlsError {
    pub(crate) fn file(path: &Path, reason: &'static str) -> Self {
        Self::File { path: path.to_owned(), reason }
    }
}
