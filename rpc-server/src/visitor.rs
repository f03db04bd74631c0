//! Who sends a request, as far as the way tells by which it comes.

use std::net::{IpAddr, SocketAddr};

/// The other end of the way by which a request comes.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// `None` where there is no such address: a Unix socket, or an app that does not tell.
    pub(crate) remote: Option<SocketAddr>,
    /// Whether it may come over a loopback address, where a page with a rebound name would come from.
    pub(crate) is_local: bool,
}

impl Visitor {
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.remote.map(|remote| remote.ip().to_canonical())
    }
}
