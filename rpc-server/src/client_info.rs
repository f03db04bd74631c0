//! The client of a request: its address, its kind of connection, and its TLS data.

use std::net::{IpAddr, SocketAddr};

/// The directly connected client of a request, which may be a proxy.
#[derive(Debug, Clone)]
pub(crate) struct ClientInfo {
    /// `None` for a Unix socket, and for an app that does not provide the address.
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) way: Way,
    /// The process at the other end of a Unix socket.
    pub(crate) unix_peer: Option<UnixPeer>,
    /// The result of the TLS handshake, if the server itself speaks TLS.
    #[cfg(feature = "tls-no-provider")]
    pub(crate) tls: Option<crate::tls::TlsInfo>,
}

/// The process at the other end of a Unix socket, as the system names it: see
/// [`Connecting::unix_peer`](crate::Connecting::unix_peer).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnixPeer {
    /// The user id of the process when it connected.
    pub uid: u32,
    /// The group id of the process when it connected.
    pub gid: u32,
    /// The id of the process, if the system tells it. The process may have ended, and another process may have its id.
    pub pid: Option<i32>,
}

/// The kind of a connection, as far as the check of `Host` depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// A loopback address, or an unknown address, which may be one. A page with a rebound name would connect this way.
    Loopback,
    /// A Unix socket, which a page cannot reach by itself.
    Unix,
    /// Any other address.
    Far,
}

impl Way {
    pub(crate) fn over(is_loopback: bool) -> Self {
        if is_loopback { Self::Loopback } else { Self::Far }
    }
}

/// Returns whether only this machine can reach `address`.
pub(crate) fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

impl ClientInfo {
    pub(crate) fn new(remote: Option<SocketAddr>, way: Way) -> Self {
        Self {
            remote,
            way,
            unix_peer: None,
            #[cfg(feature = "tls-no-provider")]
            tls: None,
        }
    }

    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.remote.map(|remote| remote.ip().to_canonical())
    }
}
