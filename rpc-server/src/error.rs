//! Why a server cannot start.

use std::io;

use rpc_core::{LimitsError, RouterError};

/// Why a server cannot start; each text names what to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two limits contradict each other.
    #[error("the limits contradict each other")]
    Limits(#[from] LimitsError),
    /// A method's name is offered twice, or is reserved.
    #[error("not every method can be offered")]
    Router(#[from] RouterError),
    /// What was given to [`path`](crate::Builder::path) is none.
    #[error("`{0}` is not a path: it must begin with `/` and have no `?` or `#`")]
    Path(String),
    /// What was given to [`allow_origins`](crate::Builder::allow_origins) is the origin of no page.
    #[error(
        "`{0}` is no origin of a page: write `https://host` or `https://host:port` with nothing \
         behind it, `null`, or `*` for all"
    )]
    Origin(String),
    /// What was given to [`allow_hosts`](crate::Builder::allow_hosts) is no name of a server.
    #[error(
        "`{0}` is no host: write a name or an address, with or without a port, and nothing else"
    )]
    Host(String),
    /// What was given to [`trusted_proxies`](crate::Builder::trusted_proxies) is no network.
    #[error("`{0}` is no proxy: write an address, a network such as `10.0.0.0/8`, or `unix`")]
    Proxy(String),
    /// Two settings of paths that cannot both be followed.
    #[error("`{0}` is the path of two things: give each its own")]
    SamePath(String),
    /// The address is in use, not ours, or not an address.
    #[error("cannot listen on the address given to `bind`")]
    Listen(#[source] io::Error),
}
