//! Two peers in one process, without a socket: for tests, to see how something works, and for messages that
//! come by another way than a connection.

pub use crate::connection::pair::pair;
pub use crate::transport::memory::{Pipe, Text, transports};
