//! Two peers in one process, without a socket: for tests, to see how something works, and for messages that
//! come by another way than a connection.
//!
//! With the feature `testing`, a [`Pipe`] has a handle to its faults (`Pipe::faults`). A test cuts the link by this
//! handle, stalls or delays the link, or loses messages, and then sees what the program does. The feature is for the
//! `[dev-dependencies]` of a program: `rpc-core = { version = "…", features = ["testing"] }`. Without the feature a pipe
//! has no code for faults.

pub use crate::connection::pair::pair;
#[cfg(feature = "testing")]
pub use crate::transport::memory::faults::Faults;
pub use crate::transport::memory::{Pipe, transports};
