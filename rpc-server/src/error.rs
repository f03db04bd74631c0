//! [`Error`], the reason why a server cannot start.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use rpc_core::RouterError;
use rpc_core::internal::Escaped;
use rpc_core::types::{CallerType, LimitsError};

/// The reason why a server cannot start. The text of each error names the setting to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two limits contradict each other.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// Two methods have the same name, or the name of a method is reserved.
    #[error(transparent)]
    Router(#[from] RouterError),
    /// A service [asks for callers](rpc_core::Service::requires_caller) of one type, but
    /// [`on_connect`](crate::ServerBuilder::on_connect) returns another type, or there is no `on_connect`.
    #[error("a service asks for callers of the type `{asked}`, {}", Given(*.given, asked))]
    Caller {
        /// The caller type for which the service asks.
        asked: CallerType,
        /// The caller type that `on_connect` returns; `None` without a hook.
        given: Option<CallerType>,
    },
    /// [`Sessions::same`](crate::Sessions::same) or [`same_caller`](crate::ServerBuilder::same_caller) compares callers
    /// of one type, but [`on_connect`](crate::ServerBuilder::on_connect) returns another type, or there is no `on_connect`.
    #[error("`Sessions::same` or `same_caller` compares callers of the type `{compares}`, {}", Given(*.given, compares))]
    Sessions {
        /// The caller type that `same` compares.
        compares: CallerType,
        /// The caller type that `on_connect` returns; `None` without a hook.
        given: Option<CallerType>,
    },
    /// The argument of [`path`](crate::ServerBuilder::path) is not a path.
    #[error("`{0}` is not a path: it must begin with `/` and have no `?` or `#`")]
    Path(String),
    /// The argument of [`subprotocol`](crate::ServerBuilder::subprotocol) is not a valid name of a subprotocol.
    #[error(
        "`{}` is no subprotocol: write one word of ASCII letters, digits and `-._`, and call \
         `.subprotocol(…)` once for each; `jsonrpc2.resume` is reserved", Escaped(.0)
    )]
    Subprotocol(String),
    /// An argument of [`allow_origins`](crate::ServerBuilder::allow_origins) is not the origin of a page.
    #[error(
        "`{0}` is no origin of a page: write `https://host` or `https://host:port` with nothing \
         behind it, `null`, or `*` for all"
    )]
    Origin(String),
    /// An argument of [`allow_hosts`](crate::ServerBuilder::allow_hosts) is not a name of a server.
    #[error(
        "`{0}` is no host: write a name or an address, with or without a port, and nothing else"
    )]
    Host(String),
    /// An argument of [`trusted_proxies`](crate::ServerBuilder::trusted_proxies) is not a network.
    #[error("`{0}` is no proxy: write an address, a network such as `10.0.0.0/8`, or `unix`")]
    Proxy(String),
    /// Two settings have the same path.
    #[error("`{0}` is the path of two things: give each its own")]
    SamePath(String),
    /// `tls` of the builder was called for a server that is
    /// [mounted](crate::ServerBuilder::into_tower_service) in an app. The app accepts the connections, so the app must
    /// speak TLS.
    #[error(
        "a server that is mounted in an app speaks no TLS itself: give the certificate to the server of \
         the app, and write `.secure()` here instead of `.tls(…)`"
    )]
    MountedTls,
    /// The argument of [`bind`](crate::ServerBuilder::bind) cannot be resolved to an address.
    #[error(
        "not an address to listen on ({0}): write `127.0.0.1:8080`, `[::]:80`, or a host and a port"
    )]
    Address(io::Error),
    /// The server cannot listen on any of the addresses: they are in use, need a permission, or do not belong to this
    /// machine.
    #[error("cannot listen on {}: {error}{}", Several(addresses), hint(error))]
    Listen {
        /// The addresses that were tried.
        addresses: Vec<SocketAddr>,
        /// The error of the last address.
        error: io::Error,
    },
    /// The server cannot listen on a Unix socket.
    #[cfg(unix)]
    #[error("cannot listen on the Unix socket `{}`: {error}", Escaped(path.display()))]
    UnixSocket {
        /// The path of the socket, as it was given.
        path: std::path::PathBuf,
        /// What is wrong with the path.
        error: crate::UnixSocketError,
    },
    /// A setting that is for HTTP only was made beside [`framing`](crate::ServerBuilder::framing).
    #[error("links by `.framing(…)` have no HTTP: leave out `.{0}(…)`, or `.framing(…)`")]
    Framing(&'static str),
    /// An existing listener has no address.
    #[error("the listener has no address: {0}")]
    Listener(io::Error),
}

/// Returns what to change.
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
