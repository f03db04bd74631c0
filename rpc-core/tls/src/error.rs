//! The errors of the TLS setup.

use std::io;
use std::path::{Path, PathBuf};

/// The reason why TLS cannot be set up. Each message names the file and the remedy. No message has a part of a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file does not exist, or this process may not read the file.
    #[error("`{}` cannot be read: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The content of a file is invalid.
    #[error("`{}` cannot be used: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The problem with the content.
        reason: &'static str,
    },
    /// The key does not belong to the certificate. If the files are being replaced, one of them may still be the old
    /// file: try again later.
    #[error(
        "the key in `{}` does not belong to the first certificate in `{}`", key.display(),
        certificates.display()
    )]
    Mismatch {
        /// The file with the certificates.
        certificates: PathBuf,
        /// The file with the key.
        key: PathBuf,
    },
    /// For a client: the system has no root certificates.
    #[error(
        "this system has no root certificates: install its package `ca-certificates`, or give \
         those to trust with `Tls::roots_from_pem_file`"
    )]
    NoSystemRoots,
    /// For a server: its TLS was created by `Tls::from_config`, so there are no files to reload and no options to
    /// change.
    #[error("this `Tls` was made of a config: make another, and give it to `Tls::replace`")]
    NotFromFiles,
    /// There is no provider of cryptography.
    #[error(
        "no provider of cryptography: call `CryptoProvider::install_default` first, or turn on \
         the feature `tls`"
    )]
    NoProvider,
    /// The provider of cryptography does not support the required algorithms.
    #[error("the provider of cryptography does not suffice: {0}")]
    Provider(rustls::Error),
}

impl TlsError {
    pub(crate) fn file(path: &Path, reason: &'static str) -> Self {
        Self::File { path: path.to_owned(), reason }
    }
}
