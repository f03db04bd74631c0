//! What `rpc-server` and `rpc-client` share with this crate; hidden from the docs, promised to nobody.

pub use crate::util::catch;
pub use crate::util::escaped::Escaped;
pub use crate::util::log_throttle::LogThrottle;
pub use crate::util::site::site;
