//! What the tasks and handles of one server have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rpc_core::Setup;
use tokio::sync::Semaphore;

use crate::addresses::Addresses;
use crate::hooks::Hooks;
use crate::lifecycle::Lifecycle;
use crate::listener::Address;
use crate::origins::Origins;
use crate::proxies::Proxies;
use crate::slots::Slots;
use crate::stats::Totals;

/// One server.
pub(crate) struct Shared {
    pub(crate) setup: Setup,
    pub(crate) address: Address,
    pub(crate) paths: Paths,
    /// Whether a message may come by `POST`.
    pub(crate) takes_posts: bool,
    pub(crate) origins: Origins,
    pub(crate) proxies: Proxies,
    pub(crate) hooks: Hooks,
    /// When those who were connected may come back after a shutdown.
    pub(crate) reconnect: (Duration, Duration),
    pub(crate) slots: Slots,
    pub(crate) addresses: Addresses,
    /// Places of those who have not logged in.
    pub(crate) guests: Arc<Semaphore>,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) totals: Totals,
    /// Whether the app says that it is not ready.
    is_busy: AtomicBool,
}

/// Which paths are for what.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paths {
    /// The only path that is served, if it is just one.
    pub(crate) service: Option<String>,
    pub(crate) health: Option<String>,
    pub(crate) readiness: Option<String>,
}

/// What was set, and checked, of a server.
pub(crate) struct Settings {
    pub(crate) setup: Setup,
    pub(crate) paths: Paths,
    pub(crate) takes_posts: bool,
    pub(crate) origins: Origins,
    pub(crate) proxies: Proxies,
    pub(crate) hooks: Hooks,
    pub(crate) reconnect: (Duration, Duration),
}

impl Shared {
    pub(crate) fn new(settings: Settings, address: Address) -> Arc<Self> {
        let Settings { setup, paths, takes_posts, origins, proxies, hooks, reconnect } = settings;
        let limits = &setup.limits;
        let slots = Slots::new(limits.connections);
        let addresses = Addresses::new(limits);
        let guests = Arc::new(Semaphore::new(limits.guests.min(Semaphore::MAX_PERMITS)));
        let (lifecycle, totals, is_busy) = Default::default();
        Arc::new(Self {
            setup,
            address,
            paths,
            takes_posts,
            origins,
            proxies,
            hooks,
            reconnect,
            slots,
            addresses,
            guests,
            lifecycle,
            totals,
            is_busy,
        })
    }

    pub(crate) fn set_ready(&self, is_ready: bool) {
        self.is_busy.store(!is_ready, Ordering::Relaxed);
    }

    /// Why it should be sent no new connections, if that is so.
    pub(crate) fn unreadiness(&self) -> Option<&'static str> {
        if self.lifecycle.stops() {
            Some("shutting down")
        } else if self.is_busy.load(Ordering::Relaxed) {
            Some("not ready")
        } else if self.slots.are_full() {
            Some("full")
        } else {
            None
        }
    }
}
