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
    /// The address is in use, not ours, or not an address.
    #[error("cannot listen on the address given to `bind`")]
    Listen(#[source] io::Error),
}
