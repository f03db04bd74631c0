//! [`Proxy`], through which a client reaches its server.

use std::fmt;
use std::sync::Arc;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use crate::error::ConnectError;
use crate::target::Target;

mod failure;
mod next_hop;
mod socks;
mod tunnel;

pub use failure::ProxyFailure;
pub(crate) use next_hop::NextHop;

const URL: ConnectError = ConnectError::Url(
    "write that of a proxy as `http://host:port`, `https://host:port`, `socks5://host:port` or `socks5h://host:port`, \
     with `user:password@` in front of the host if the proxy wants that",
);

const VARIABLE: ConnectError = ConnectError::Url(
    "`ALL_PROXY`, `HTTPS_PROXY` or `HTTP_PROXY` of the environment is not like `http://host:port`, `https://host:port`, \
     `socks5://host:port` or `socks5h://host:port`",
);

const NO_TLS: ConnectError =
    ConnectError::Url("a proxy at `https://` needs the feature `tls` of `rpc-client`");

/// The proxy through which a client reaches its servers, and the hosts that it reaches without the proxy.
///
/// | the URL of the proxy | how the proxy is asked | default port |
/// |---|---|---|
/// | `http://`, or none of these in front of the host | HTTP `CONNECT` (RFC 9110, section 9.3.6) | 80 |
/// | `https://` | the same over TLS, with the feature `tls` | 443 |
/// | `socks5h://` | SOCKS 5 (RFC 1928): the proxy looks up the name of the server | 1080 |
/// | `socks5://` | the same; the client looks up the name | 1080 |
///
/// A user and a password in the URL are sent to the proxy (RFC 7617, RFC 1929). They are never shown, neither in `Debug`
/// output nor in an error or the log. The proxy sees no header of the request to the server, and with TLS to the server
/// nothing of what is said there.
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_client::{Client, Proxy};
///
/// let proxy = Proxy::new("http://ada:secret@proxy.example.com:3128")?.except("localhost, 10.0.0.0/8");
/// let client = Client::builder().proxy(proxy).connect("wss://rpc.example.com").await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Proxy {
    rules: Rules,
    /// What reads the rules.
    matcher: Arc<Matcher>,
}

/// The URLs of proxies, and the hosts that are reached without one. Each may be empty.
#[derive(Clone, Default)]
struct Rules {
    /// For all servers for which neither of the two below is set.
    all: String,
    /// For servers with TLS.
    secure: String,
    /// For servers without TLS.
    plain: String,
    except: String,
}

impl Proxy {
    /// A proxy for all servers.
    ///
    /// # Errors
    /// [`ConnectError::Url`] if the URL is none of the four kinds, or has a path or a query.
    pub fn new(url: &str) -> Result<Self, ConnectError> {
        check(url, URL)?;
        Ok(Self::of(Rules { all: url.to_owned(), ..Rules::default() }))
    }

    /// The proxies of the environment, as it is now: `HTTPS_PROXY` for servers with TLS (`wss://`, `tls://`), `HTTP_PROXY`
    /// for those without, and `ALL_PROXY` where the other one is not set. `NO_PROXY` has the hosts that are reached
    /// without a proxy, as [`except`](Self::except) has. Names in lower case count where those in upper case are not set.
    /// In a CGI script (`REQUEST_METHOD` is set) `HTTP_PROXY` does not count, since a request can set that. Without such a
    /// variable no proxy is used.
    ///
    /// # Errors
    /// [`ConnectError::Url`] if the URL in a variable cannot be used.
    pub fn from_env() -> Result<Self, ConnectError> {
        let rules = Rules::of_environment(|name| std::env::var(name).ok());
        for url in [&rules.all, &rules.secure, &rules.plain] {
            // An empty variable is one that is not set.
            if !url.is_empty() {
                check(url, VARIABLE)?;
            }
        }
        Ok(Self::of(rules))
    }

    /// Sets the hosts that are reached without the proxy, separated by commas, as in `NO_PROXY`: a domain, which stands
    /// for its subdomains as well; an address; a network such as `10.0.0.0/8`; or `*` for all. Names are not looked up
    /// for that. Replaces what was set before, and the `NO_PROXY` of the environment.
    #[must_use]
    pub fn except(self, hosts: &str) -> Self {
        Self::of(Rules { except: hosts.to_owned(), ..self.rules })
    }

    fn of(rules: Rules) -> Self {
        let Rules { all, secure, plain, except } = rules.clone();
        let matcher = Matcher::builder().all(all).https(secure).http(plain).no(except).build();
        Self { rules, matcher: Arc::new(matcher) }
    }

    /// Returns the proxy for a target; `None` if the target is reached without one.
    pub(crate) fn next_hop(&self, target: &Target) -> Option<NextHop> {
        self.matcher.intercept(&target.as_http()?).as_ref().and_then(NextHop::new)
    }
}

impl Rules {
    fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: &[&str]| names.iter().find_map(|name| variable(name));
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let plain = if is_cgi { &["http_proxy"][..] } else { &["HTTP_PROXY", "http_proxy"] };
        Self {
            all: first(&["ALL_PROXY", "all_proxy"]).unwrap_or_default(),
            secure: first(&["HTTPS_PROXY", "https_proxy"]).unwrap_or_default(),
            plain: first(plain).unwrap_or_default(),
            except: first(&["NO_PROXY", "no_proxy"]).unwrap_or_default(),
        }
    }
}

/// Shows proxies without their users and passwords.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.matcher).finish()
    }
}

/// Checks the URL of a proxy: a URL that the matcher cannot use would be no proxy for it.
fn check(url: &str, mistake: ConnectError) -> Result<(), ConnectError> {
    let Ok(uri) = url.parse::<Uri>() else { return Err(mistake) };
    if uri.scheme_str() == Some("https") && !cfg!(feature = "tls-no-provider") {
        return Err(NO_TLS);
    }
    let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
    let matcher = Matcher::builder().all(url.to_owned()).build();
    let hop = matcher.intercept(&Uri::from_static("http://localhost"));
    if is_bare && hop.as_ref().and_then(NextHop::new).is_some() { Ok(()) } else { Err(mistake) }
}

#[cfg(test)]
mod tests;
