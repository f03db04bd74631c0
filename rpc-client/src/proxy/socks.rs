//! A connection through a SOCKS proxy (RFC 1928), with a user and a password if it wants that (RFC 1929).

use std::fmt;
use std::io;

use tokio::net::{TcpStream, lookup_host};
use tokio_socks::tcp::Socks5Stream;
use tokio_socks::{Error, IntoTargetAddr, TargetAddr};

use super::failure::{Failure, ProxyFailure};
use super::next_hop::LooksUp;
use crate::connect::Io;

/// The most bytes of a user or a password (RFC 1929, section 2).
const LONGEST: usize = 255;

/// A user and a password.
#[derive(Clone)]
pub(super) struct Login {
    user: String,
    password: String,
}

/// Shows neither.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

impl Login {
    pub(super) fn new(user: &str, password: &str) -> Self {
        Self { user: user.to_owned(), password: password.to_owned() }
    }
}

/// Asks the proxy for a connection to the server.
pub(super) async fn connect(
    stream: TcpStream,
    login: Option<&Login>,
    looks_up: LooksUp,
    host: &str,
    port: u16,
) -> Result<Box<dyn Io>, Failure> {
    let target = match looks_up {
        LooksUp::Proxy => (host, port).into_target_addr().map_err(|error| failed(&error, false))?,
        LooksUp::Client => TargetAddr::Ip(address(host, port).await?),
    };
    let connected = match login {
        None => Socks5Stream::connect_with_socket(stream, target).await,
        Some(Login { user, password }) => {
            if [user, password].iter().any(|part| part.is_empty() || part.len() > LONGEST) {
                let reason = "the user and the password of its URL must have 1 to 255 bytes each";
                return Err(Failure::new(ProxyFailure::Login, reason));
            }
            Socks5Stream::connect_with_password_and_socket(stream, target, user, password).await
        }
    };
    let stream = connected.map_err(|error| failed(&error, login.is_some()))?;
    Ok(Box::new(stream.into_inner()))
}

async fn address(host: &str, port: u16) -> Result<std::net::SocketAddr, Failure> {
    let found = lookup_host((host, port)).await.and_then(|mut addresses| {
        addresses.next().ok_or_else(|| io::Error::other("its name has no address"))
    });
    found.map_err(|error| {
        let reason = format!(
            "`{host}` cannot be looked up here ({error}): with `socks5h://` the proxy does it"
        );
        Failure::new(ProxyFailure::Server, reason)
    })
}

fn failed(error: &Error, has_login: bool) -> Failure {
    let (kind, reason) = match error {
        Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            (ProxyFailure::Unreachable, "it closed the connection without an answer".to_owned())
        }
        Error::Io(error) => (ProxyFailure::Unreachable, error.to_string()),
        Error::PasswordAuthFailure(_) => {
            (ProxyFailure::Login, "it does not accept the user and password of its URL".to_owned())
        }
        Error::NoAcceptableAuthMethods if has_login => {
            (ProxyFailure::Login, "it does not take a user and a password".to_owned())
        }
        Error::NoAcceptableAuthMethods => (
            ProxyFailure::Login,
            "it wants a user and a password: write them into its URL, as in `socks5h://user:password@host:port`"
                .to_owned(),
        ),
        Error::ConnectionNotAllowedByRuleset => {
            (ProxyFailure::Forbidden, "it does not let clients connect to this server".to_owned())
        }
        Error::GeneralSocksServerFailure
        | Error::NetworkUnreachable
        | Error::HostUnreachable
        | Error::ConnectionRefused
        | Error::TtlExpired
        | Error::CommandNotSupported
        | Error::AddressTypeNotSupported => {
            (ProxyFailure::Server, format!("it cannot reach the server: {error}"))
        }
        Error::InvalidTargetAddress(why) => {
            (ProxyFailure::Server, format!("it cannot be asked for this host: {why}"))
        }
        // The library says so of a code that SOCKS does not have.
        Error::UnknownAuthMethod => {
            (ProxyFailure::Protocol, "it does not speak SOCKS 5: its answer has an unknown code".to_owned())
        }
        _ => (ProxyFailure::Protocol, format!("it does not speak SOCKS 5: {error}")),
    };
    Failure { kind, reason }
}
