//! Why a server cannot start.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use rpc_core::RouterError;
use rpc_core::internal::Escaped;
use rpc_core::types::{CallerType, LimitsError};

/// Why a server cannot start; each text names what to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two limits contradict each other.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// A method's name is offered twice, or is reserved.
    #[error(transparent)]
    Router(#[from] RouterError),
    /// A service [asks for callers](rpc_core::Service::requires_caller) of one type, and
    /// [`on_connect`](crate::ServerBuilder::on_connect) gives another, or there is no `on_connect`.
    #[error("a service asks for callers of the type `{asked}`, {}", Given(*.given, asked))]
    Caller {
        /// What the service asks for.
        asked: CallerType,
        /// What `on_connect` gives; `None` without a hook.
        given: Option<CallerType>,
    },
    /// What was given to [`path`](crate::ServerBuilder::path) is none.
    #[error("`{0}` is not a path: it must begin with `/` and have no `?` or `#`")]
    Path(String),
    /// What was given to [`subprotocol`](crate::ServerBuilder::subprotocol) is no name of one.
    #[error(
        "`{}` is no subprotocol: write one word of ASCII letters, digits and `-._`, and call \
         `.subprotocol(…)` once for each", Escaped(.0)
    )]
    Subprotocol(String),
    /// What was given to [`allow_origins`](crate::ServerBuilder::allow_origins) is the origin of no page.
    #[error(
        "`{0}` is no origin of a page: write `https://host` or `https://host:port` with nothing \
         behind it, `null`, or `*` for all"
    )]
    Origin(String),
    /// What was given to [`allow_hosts`](crate::ServerBuilder::allow_hosts) is no name of a server.
    #[error(
        "`{0}` is no host: write a name or an address, with or without a port, and nothing else"
    )]
    Host(String),
    /// What was given to [`trusted_proxies`](crate::ServerBuilder::trusted_proxies) is no network.
    #[error("`{0}` is no proxy: write an address, a network such as `10.0.0.0/8`, or `unix`")]
    Proxy(String),
    /// Two settings of paths that cannot both be followed.
    #[error("`{0}` is the path of two things: give each its own")]
    SamePath(String),
    /// `tls` of the builder was called for a server that is
    /// [mounted](crate::ServerBuilder::into_tower_service) in an app: the app makes the connections, and so speaks TLS.
    #[error(
        "a server that is mounted in an app speaks no TLS itself: give the certificate to the server of \
         the app, and write `.secure()` here instead of `.tls(…)`"
    )]
    MountedTls,
    /// What was given to [`bind`](crate::ServerBuilder::bind) is no address.
    #[error(
        "not an address to listen on ({0}): write `127.0.0.1:8080`, `[::]:80`, or a host and a port"
    )]
    Address(io::Error),
    /// The addresses are in use, not ours, or not of this machine.
    #[error("cannot listen on {}: {error}{}", Several(addresses), hint(error))]
    Listen {
        /// Each of them was tried.
        addresses: Vec<SocketAddr>,
        /// What failed with the last.
        error: io::Error,
    },
    /// A listener made elsewhere does not say where it listens.
    #[error("the listener has no address: {0}")]
    Listener(io::Error),
}

/// What to change.
fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => ": stop what listens there, or choose another port",
        io::ErrorKind::AddrNotAvailable => ": choose an address that this machine has",
        io::ErrorKind::PermissionDenied => ": choose a port from 1024, or run as who may",
        _ => "",
    }
}

struct Given<'a>(Option<CallerType>, &'a CallerType);

impl fmt::Display for Given<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(given, asked) = self;
        match given {
            Some(given) => write!(
                f,
                "and `on_connect` gives `{given}`: return `Result<{asked}, Rejection>` from `on_connect`, also where \
                 callers log in by a message, or let the service ask for `{given}`"
            ),
            None => write!(
                f,
                "and the server has no `on_connect`, which gives it: add \
                 `.on_connect(…)` that returns `Result<{asked}, Rejection>`"
            ),
        }
    }
}

struct Several<'a>(&'a [SocketAddr]);

impl fmt::Display for Several<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, address) in self.0.iter().enumerate() {
            write!(f, "{}`{address}`", if number == 0 { "" } else { " or " })?;
        }
        Ok(())
    }
}
