//! Items that `rpc-server` and `rpc-client` share with this crate. Hidden from the docs and not covered by semver.

pub use crate::util::catch;
pub use crate::util::escaped::Escaped;
pub use crate::util::log_throttle::LogThrottle;
pub use crate::util::site::site;
