//! Every attack fails: whatever one connection does, another one is served as before, and nothing
//! of it is left when it has ended.
//!
//! The limits are the defaults; only times are shortened where a test would wait for them. An attack
//! may be answered, ignored or end in a close: what matters is that it harms nobody else. `ATTACKED=tls`
//! and `ATTACKED=mounted` attack a server that is reached in such a way.

#[cfg(feature = "tls")]
#[path = "../../../rpc-core/tls/tests/support/mod.rs"]
mod certificates;
#[path = "../support/session.rs"]
mod session;
#[path = "../support/mod.rs"]
mod support;

mod attachments;
mod canary;
mod closing;
mod framing;
mod json;
mod names;
mod resources;
mod sessions;
mod slowness;
mod streams;
mod way;
