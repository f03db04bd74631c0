//! The links of a server, by name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rpc_core::internal::sse::LinkName;

use super::link::Link;

/// The links of a server. Clones are the same table.
#[derive(Clone, Default)]
pub(crate) struct Links(Arc<Mutex<HashMap<Box<str>, Arc<Link>>>>);

impl Links {
    pub(super) fn insert(&self, link: &Arc<Link>) {
        self.0.lock().unwrap().insert(link.name.lookup().into(), link.clone());
    }

    pub(super) fn remove(&self, link: &Link) {
        let removed = self.0.lock().unwrap().remove(link.name.lookup());
        drop(removed); // without the lock, as it may hold a value of the application's
    }

    /// Finds a link by its whole name.
    pub(crate) fn find(&self, name: &LinkName) -> Option<Arc<Link>> {
        let link = self.0.lock().unwrap().get(name.lookup()).cloned();
        link.filter(|link| link.name == *name)
    }
}
