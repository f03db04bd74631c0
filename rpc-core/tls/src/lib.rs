//! The TLS support that `rpc-server` and `rpc-client` share: certificates and keys from PEM files, and the provider of
//! cryptography. Use it through these crates. The API of this crate is not covered by semver.
//!
//! ```text
//! PEM files ─▶ pem ─▶ identity, roots ─▶ the configs of a server and a client
//!               └────────┴─▶ TlsError, which names the file and what to change
//! ```
//!
//! rustls does the rest. Its feature `logging` stays off, because rustls logs received data.

#![forbid(unsafe_code)]

mod error;
mod identity;
mod pem;
mod provider;
mod roots;

pub use rustls;

pub use error::TlsError;
pub use identity::identity;
pub use provider::provider;
pub use roots::{add_roots, roots};

/// The ALPN protocol: HTTP/1.1, which is upgraded to a WebSocket.
pub const ALPN: &[u8] = b"http/1.1";
