//! The settings that a client has in a browser.

use rpc_core::Limits;
use rpc_core::transport::Hello;

use super::ClientBuilder;
use crate::browser::connect::Attempt;
use crate::error::ConnectError;

/// A page sets no headers, so it says hello first.
pub(super) const HELLO: Hello = Hello::Always;

/// A page sends no pings. The browser answers those of the server.
pub(super) const HAS_PINGS: bool = false;

impl ClientBuilder {
    /// Checks the settings and returns an attempt to connect. The settings stay as they are, for more attempts.
    pub(super) fn attempt(&self, url: &str) -> Result<Attempt, ConnectError> {
        self.check()?;
        Attempt::new(url, self.subprotocols.finish()?, Limits::clone(&self.config.limits))
    }
}
