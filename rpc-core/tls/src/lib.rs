//! What `rpc-server` and `rpc-client` share of TLS: certificates and keys from PEM files, and the
//! provider of cryptography. Use it through them; by itself it is promised to nobody.
//!
//! ```text
//! PEM files ─▶ pem ─▶ identity, roots ─▶ the configs of a server and a client
//!               └────────┴─▶ TlsError, which names the file and what to change
//! ```
//!
//! rustls does the rest. Its `logging` stays off: it prints what was received.

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

/// What is spoken within TLS: HTTP/1.1, which becomes a WebSocket.
pub const ALPN: &[u8] = b"http/1.1";
