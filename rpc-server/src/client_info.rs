//! Who sends a request, as far as the way tells by which it comes.

use std::net::{IpAddr, SocketAddr};

/// The other end of the way by which a request comes.
#[derive(Debug, Clone)]
pub(crate) struct ClientInfo {
    /// `None` where there is no such address: a Unix socket, or an app that does not tell.
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) way: Way,
    /// What is known by TLS, where that is spoken to the server itself.
    #[cfg(feature = "tls-no-provider")]
    pub(crate) tls: Option<crate::tls::TlsInfo>,
}

/// What a request comes over, as far as it matters for the name by which it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// A loopback address, or what may be one: where a page with a rebound name would come from.
    Loopback,
    /// A Unix socket, which no page reaches by itself.
    Unix,
    /// Any other address.
    Far,
}

impl Way {
    pub(crate) fn over(is_loopback: bool) -> Self {
        if is_loopback { Self::Loopback } else { Self::Far }
    }
}

/// Whether an address is one that only this machine reaches.
pub(crate) fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

impl ClientInfo {
    pub(crate) fn new(remote: Option<SocketAddr>, way: Way) -> Self {
        Self {
            remote,
            way,
            #[cfg(feature = "tls-no-provider")]
            tls: None,
        }
    }

    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.remote.map(|remote| remote.ip().to_canonical())
    }
}
