//! What the tasks and handles of one server have in common.

use std::net::SocketAddr;
use std::sync::Arc;

use rpc_core::Setup;

use crate::hooks::Hooks;
use crate::lifecycle::Lifecycle;
use crate::origins::Origins;
use crate::slots::Slots;
use crate::stats::Totals;

/// One server.
pub(crate) struct Shared {
    pub(crate) setup: Setup,
    pub(crate) address: SocketAddr,
    /// The only path that is served, if it is just one.
    pub(crate) path: Option<String>,
    pub(crate) origins: Origins,
    pub(crate) hooks: Hooks,
    pub(crate) slots: Slots,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) totals: Totals,
}

impl Shared {
    pub(crate) fn new(
        setup: Setup,
        address: SocketAddr,
        path: Option<String>,
        origins: Origins,
        hooks: Hooks,
    ) -> Arc<Self> {
        let slots = Slots::new(setup.limits.connections);
        let (lifecycle, totals) = Default::default();
        Arc::new(Self { setup, address, path, origins, hooks, slots, lifecycle, totals })
    }
}
