//! Who is who: connections by the name that they were given, and whether there may be a second one.
//!
//! A name is taken before there is a connection (in `on_connect`), and a connection may never come of it. So
//! a name that must not be taken twice is taken from the moment when it is given, and whoever had it before gives
//! way only to one who is connected.

use std::collections::HashMap;

use super::{Inner, PeerRegistry};
use crate::error::close::CloseCode;
use crate::peer::Peer;
use crate::peer::slot::{Command, Shared};
use crate::service::idempotency::IdentifyError;
use crate::util::sync::{Arc, Mutex};

/// What becomes of two connections with the same name: see [`Peer::identify`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SameName {
    /// Both stay: a user may have several devices. The default.
    #[default]
    Both,
    /// The second one is refused: [`identify`](Peer::identify) fails with [`IdentifyError::Taken`] until the first one
    /// has ended. A link that is lost without a word keeps its name until the keepalive finds that out
    /// ([`dead_after`](crate::Limits::dead_after), 45 s), so a client that comes back after a lost link may have to
    /// wait for so long.
    Refuse,
    /// The first one gives way: when the second one is connected and has the name, the first one is closed with
    /// [`TAKEN_OVER`](CloseCode::TAKEN_OVER), 4409.
    Replace,
}

/// The close reason of a connection that gives way.
const TAKEN_OVER: &str = "a later connection has the same name";

/// So long the one that gives way may take to close.
const WITHIN: std::time::Duration = std::time::Duration::from_secs(1);

/// Who has each name. A name that nobody has is forgotten.
#[derive(Default)]
pub(super) struct Names(Mutex<HashMap<Arc<str>, Vec<Arc<Shared>>>>);

type Holders = HashMap<Arc<str>, Vec<Arc<Shared>>>;

impl PeerRegistry {
    /// The connected peers that were given this name by [`identify`](Peer::identify), in the order in which they
    /// connected. They are looked up by the name, however many other peers there are.
    pub fn peers_of(&self, name: &str) -> Vec<Peer> {
        let named = self.inner.names.0.lock().unwrap().get(name).cloned().unwrap_or_default();
        let peers = self.inner.peers.lock().unwrap();
        let number = |shared: &Arc<Shared>| peers.get(&shared.id).map(|(number, _)| *number);
        let mut named: Vec<_> =
            named.into_iter().filter_map(|shared| Some((number(&shared)?, shared))).collect();
        drop(peers);
        named.sort_unstable_by_key(|(number, _)| *number);
        named.into_iter().map(|(_, shared)| Peer { shared }).collect()
    }

    /// How many names are in use.
    pub fn name_count(&self) -> usize {
        self.inner.names.0.lock().unwrap().len()
    }

    /// Gives a name to who is at the other end of `shared`.
    pub(crate) fn identify(&self, shared: &Arc<Shared>, name: &str) -> Result<(), IdentifyError> {
        let mut names = self.inner.names.0.lock().unwrap();
        let name = names.get_key_value(name).map_or_else(|| name.into(), |(name, _)| name.clone());
        // Under the lock: whoever ends the connection takes it out of what it has by then.
        if !shared.is_staying() {
            // Whoever ends the connection does not look for the name that it had before.
            if let Some(before) = shared.identity().filter(|before| *before != name) {
                remove(&mut names, shared, &before);
            }
            drop(names);
            shared.set_identity(name);
            return Ok(());
        }
        let is_this = |holder: &Arc<Shared>| Arc::ptr_eq(holder, shared);
        if let Some(holders) = names.get_mut(&name) {
            // To say it once more is not to come once more: nobody gives way.
            if holders.iter().any(is_this) {
                return Ok(());
            }
            if shared.config.same_name == SameName::Refuse {
                holders.retain(|holder| holder.is_staying());
                if !holders.is_empty() {
                    return Err(IdentifyError::Taken);
                }
            }
        }
        if let Some(before) = shared.identity() {
            remove(&mut names, shared, &before);
        }
        shared.set_identity(name.clone());
        names.entry(name.clone()).or_default().push(shared.clone());
        let replaced = self.inner.let_in(&mut names, shared, &name);
        drop(names);
        replaced.iter().for_each(give_way);
        Ok(())
    }

    /// One is connected: if it has a name, those who had the name before may have to give way.
    pub(super) fn enter(&self, shared: &Arc<Shared>) {
        let mut names = self.inner.names.0.lock().unwrap();
        let replaced = match shared.identity() {
            Some(name) => self.inner.let_in(&mut names, shared, &name),
            None => return,
        };
        drop(names);
        replaced.iter().for_each(give_way);
    }

    /// Takes one that does not stay out of what has names.
    pub(crate) fn leave_name(&self, shared: &Arc<Shared>) {
        let mut names = self.inner.names.0.lock().unwrap();
        if let Some(name) = shared.identity() {
            remove(&mut names, shared, &name);
        }
    }
}

impl Inner {
    /// Takes out those who give way to `shared`, if that is connected.
    fn let_in(&self, names: &mut Holders, shared: &Arc<Shared>, name: &str) -> Vec<Arc<Shared>> {
        let Some(holders) = names.get_mut(name) else { return Vec::new() };
        if shared.config.same_name != SameName::Replace
            || !holders.iter().any(|holder| Arc::ptr_eq(holder, shared))
        {
            return Vec::new();
        }
        let peers = self.peers.lock().unwrap();
        let is_in = |holder: &Arc<Shared>| peers.contains_key(&holder.id);
        if !is_in(shared) {
            return Vec::new();
        }
        let is_replaced = |holder: &mut Arc<Shared>| !Arc::ptr_eq(holder, shared) && is_in(holder);
        let replaced: Vec<_> = holders.extract_if(.., is_replaced).collect();
        // Under the lock, so that none of these takes the name again.
        replaced.iter().for_each(|holder| holder.lock().is_replaced = true);
        replaced
    }
}

fn remove(names: &mut Holders, shared: &Arc<Shared>, name: &str) {
    let Some(holders) = names.get_mut(name) else { return };
    holders.retain(|holder| !Arc::ptr_eq(holder, shared));
    if holders.is_empty() {
        names.remove(name);
    }
}

/// Closes a connection whose name another one has. What it asked for under a key goes on: that is the caller's.
fn give_way(shared: &Arc<Shared>) {
    tracing::debug!(peer = %shared.id, "{TAKEN_OVER}");
    let (code, reason) = (CloseCode::TAKEN_OVER, TAKEN_OVER.to_owned());
    shared.with(|state| {
        if state.protocol.ended().is_none() {
            state.command(Command::Close { code, reason, within: Some(WITHIN) });
        }
    });
    shared.config.registry.groups().leave_all(shared);
}

impl Shared {
    /// Whether this end can have a name that others find. One that does nothing but answer is soon over, and
    /// nothing can be sent to it.
    fn is_staying(&self) -> bool {
        let state = self.lock();
        let is_over = state.protocol.ended().is_some() || state.is_to_close();
        !(is_over || state.is_kicked || state.is_replaced || state.protocol.answers_only())
    }
}
