//! One proxy, and the way through it.

use http::HeaderValue;
use hyper_util::client::proxy::matcher::Intercept;
#[cfg(feature = "tls-no-provider")]
use rpc_tls::rustls::pki_types::ServerName;

use super::failure::{Failure, ProxyFailure};
use super::{socks, tunnel};
use crate::connect::{Io, tcp};
use crate::error::ConnectError;
#[cfg(feature = "tls-no-provider")]
use crate::tls::Tls;

/// A proxy to go through.
pub(crate) struct NextHop {
    /// Host and port, for error messages.
    name: String,
    host: String,
    port: u16,
    kind: Kind,
}

/// How a proxy is asked.
enum Kind {
    Http {
        authorization: Option<HeaderValue>,
        #[cfg(feature = "tls-no-provider")]
        proven: Option<ServerName<'static>>,
    },
    Socks {
        login: Option<socks::Login>,
        looks_up: LooksUp,
    },
}

/// Who looks up the name of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LooksUp {
    Client,
    Proxy,
}

impl NextHop {
    /// Returns `None` for a proxy of another kind.
    pub(super) fn new(intercept: &Intercept) -> Option<Self> {
        let uri = intercept.uri();
        let host = uri.host()?.trim_matches(['[', ']']).to_owned();
        let socks = |looks_up| {
            let login =
                intercept.raw_auth().map(|(user, password)| socks::Login::new(user, password));
            Kind::Socks { login, looks_up }
        };
        let authorization = intercept.basic_auth().cloned();
        let (default_port, kind) = match uri.scheme_str()? {
            "http" => (
                80,
                Kind::Http {
                    authorization,
                    #[cfg(feature = "tls-no-provider")]
                    proven: None,
                },
            ),
            #[cfg(feature = "tls-no-provider")]
            "https" => {
                let proven = Some(ServerName::try_from(host.clone()).ok()?);
                (443, Kind::Http { authorization, proven })
            }
            "socks5" => (1080, socks(LooksUp::Client)),
            "socks5h" => (1080, socks(LooksUp::Proxy)),
            _ => return None,
        };
        let authority = uri.authority()?;
        let port = match &authority.as_str()[authority.host().len()..] {
            "" => default_port,
            port => port.strip_prefix(':')?.parse().ok().filter(|port| *port != 0)?,
        };
        Some(Self { name: format!("{}:{port}", authority.host()), host, port, kind })
    }

    /// Returns host and port of the proxy.
    #[cfg(test)]
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Connects to a server through the proxy. Dropping the future closes the connection.
    pub(crate) async fn connect(
        &self,
        host: &str,
        port: u16,
        #[cfg(feature = "tls-no-provider")] tls: Option<Tls>,
    ) -> Result<Box<dyn Io>, ConnectError> {
        let stream = match tcp(&self.name, &self.host, self.port).await {
            Err(ConnectError::Io { error, .. }) => {
                return Err(self.error(Failure::new(ProxyFailure::Unreachable, error.to_string())));
            }
            stream => stream?,
        };
        let connected = match &self.kind {
            Kind::Socks { login, looks_up } => {
                socks::connect(stream, login.as_ref(), *looks_up, host, port).await
            }
            #[cfg(feature = "tls-no-provider")]
            Kind::Http { authorization, proven: Some(name) } => {
                let tls = Tls::or_default(tls).await?;
                let stream = tls.connect(name.clone(), stream).await.map_err(|error| {
                    let reason = format!("no secure connection to it: {error}");
                    self.error(Failure::new(ProxyFailure::Unreachable, reason))
                })?;
                tunnel::connect(stream, authorization.as_ref(), host, port).await
            }
            Kind::Http { authorization, .. } => {
                tunnel::connect(stream, authorization.as_ref(), host, port).await
            }
        };
        connected.map_err(|failure| self.error(failure))
    }

    fn error(&self, Failure { kind, reason }: Failure) -> ConnectError {
        ConnectError::Proxy { host: self.name.clone(), kind, reason }
    }
}
