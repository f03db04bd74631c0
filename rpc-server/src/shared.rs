//! The data that the tasks and handles of one server share.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rpc_core::Limits;
use rpc_core::transport::{EndpointConfig, Framing, PeerRegistry};
use rpc_core::types::GoAway;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::addresses::{AddressPermit, Addresses};
use crate::connection_limit::{ConnectionLimit, ConnectionPermit};
use crate::hooks::Hooks;
use crate::lifecycle::Lifecycle;
use crate::listener::Address;
use crate::origins::Origins;
use crate::proxies::Proxies;
use crate::resuming::Resuming;
use crate::sessions::Sessions;
use crate::sse::Links;
use crate::stats::Totals;
use crate::subprotocols::Subprotocols;

/// One server.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) address: Address,
    pub(crate) connection_limit: ConnectionLimit,
    pub(crate) addresses: Addresses,
    /// Permits for connections that have not logged in.
    pub(crate) guests: Arc<Semaphore>,
    /// Permits for clients that may resume a session.
    pub(crate) resuming: Resuming,
    /// The links over server-sent events.
    pub(crate) links: Links,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) totals: Totals,
    /// Whether the application has set the server as not ready.
    is_busy: AtomicBool,
}

/// The paths of the server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paths {
    /// The only path that is served; `None` if every path is served.
    pub(crate) service: Option<String>,
    pub(crate) health: Option<String>,
    pub(crate) readiness: Option<String>,
}

/// The checked settings of a server.
pub(crate) struct Settings {
    pub(crate) config: EndpointConfig,
    /// How the messages of links without HTTP are told apart. `None` if connections start with HTTP, or TLS and HTTP.
    pub(crate) framing: Option<Framing>,
    pub(crate) paths: Paths,
    /// Whether messages by `POST` are accepted.
    pub(crate) takes_posts: bool,
    /// Whether clients may begin links over server-sent events.
    pub(crate) offers_sse: bool,
    pub(crate) subprotocols: Subprotocols,
    pub(crate) origins: Origins,
    pub(crate) proxies: Proxies,
    pub(crate) hooks: Hooks,
    /// Which sessions outlive their links; `None` if none does.
    pub(crate) sessions: Option<Sessions>,
    /// How callers are compared, if the sessions have no comparison of their own.
    pub(crate) callers: Sessions,
    /// The TLS of accepted connections; `None` if connections start with HTTP.
    #[cfg(feature = "tls-no-provider")]
    pub(crate) tls: Option<crate::tls::Tls>,
    /// The message that connected clients get when the server stops.
    pub(crate) goaway: GoAway,
}

impl Shared {
    pub(crate) fn new(settings: Settings, address: Address) -> Arc<Self> {
        let limits = &settings.config.limits;
        let connection_limit = ConnectionLimit::new(limits.connections);
        let addresses = Addresses::new(limits);
        let guests = Arc::new(Semaphore::new(limits.guests.min(Semaphore::MAX_PERMITS)));
        let resuming = Resuming::new(limits.resuming);
        let (links, lifecycle, totals, is_busy) = Default::default();
        Arc::new(Self {
            settings,
            address,
            connection_limit,
            addresses,
            guests,
            resuming,
            links,
            lifecycle,
            totals,
            is_busy,
        })
    }

    /// Returns the limits of each connection.
    pub(crate) fn limits(&self) -> &Limits {
        &self.settings.config.limits
    }

    /// Returns the registry of all connected peers.
    pub(crate) fn registry(&self) -> &PeerRegistry {
        &self.settings.config.registry
    }

    /// Takes a permit for a connection that is to be served. If there is none, a session without a link ends and gives
    /// its permit. Returns `None` if no session can.
    pub(crate) async fn take_seat(&self) -> Option<ConnectionPermit> {
        if let Some(permit) = self.connection_limit.take_served() {
            return Some(permit);
        }
        if !self.registry().evict_for_seat() {
            return None;
        }
        timeout(self.limits().close, self.connection_limit.served()).await.ok().flatten()
    }

    /// Takes a permit for a connection of an address that has none left. If there is none, a session of this address
    /// that has no link ends and gives its permit. Returns `None` if no session can.
    pub(crate) async fn take_seat_of_address(
        &self,
        address: Option<IpAddr>,
    ) -> Option<Option<Box<AddressPermit>>> {
        if let Ok(permit) = self.addresses.take_later(address) {
            return Some(permit);
        }
        if !self.registry().evict_of_address(address) {
            return None;
        }
        timeout(self.limits().close, self.addresses.returned(address)).await.ok()
    }

    /// Returns the scheme of the server's URLs.
    pub(crate) fn scheme(&self) -> &'static str {
        let is_unix = self.address.is_unix();
        match (self.settings.framing.is_some(), self.speaks_tls()) {
            (false, false) => {
                if is_unix {
                    "ws+unix"
                } else {
                    "ws"
                }
            }
            (false, true) => {
                if is_unix {
                    "wss+unix"
                } else {
                    "wss"
                }
            }
            (true, false) => {
                if is_unix {
                    "unix"
                } else {
                    "tcp"
                }
            }
            (true, true) => {
                if is_unix {
                    "tls+unix"
                } else {
                    "tls"
                }
            }
        }
    }

    fn speaks_tls(&self) -> bool {
        #[cfg(feature = "tls-no-provider")]
        if self.settings.tls.is_some() {
            return true;
        }
        false
    }

    pub(crate) fn set_ready(&self, is_ready: bool) {
        self.is_busy.store(!is_ready, Ordering::Relaxed);
    }

    /// Returns the reason why the server should get no new connections; `None` if the server is ready.
    pub(crate) fn unreadiness(&self) -> Option<&'static str> {
        if self.lifecycle.stops() {
            Some("shutting down")
        } else if self.is_busy.load(Ordering::Relaxed) {
            Some("not ready")
        } else if self.connection_limit.is_reached() {
            Some("full")
        } else {
            None
        }
    }
}
