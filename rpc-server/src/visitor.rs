//! Who sends a request, as far as the way tells by which it comes.

use std::net::{IpAddr, SocketAddr};

/// The other end of the way by which a request comes.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// `None` where there is no such address: a Unix socket, or an app that does not tell.
    pub(crate) remote: Option<SocketAddr>,
    /// Whether it may come over a loopback address, where a page with a rebound name would come from.
    pub(crate) is_local: bool,
    /// What is known by TLS, where that is spoken to the server itself.
    #[cfg(feature = "tls-no-provider")]
    pub(crate) tls: Option<crate::tls::TlsInfo>,
}

/// Whether an address is one that only this machine reaches.
pub(crate) fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

impl Visitor {
    pub(crate) fn new(remote: Option<SocketAddr>, is_local: bool) -> Self {
        Self {
            remote,
            is_local,
            #[cfg(feature = "tls-no-provider")]
            tls: None,
        }
    }

    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.remote.map(|remote| remote.ip().to_canonical())
    }
}
