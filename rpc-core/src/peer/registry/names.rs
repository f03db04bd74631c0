//! The names of connections, and the rule for a second connection with the same name.
//!
//! A name is given before there is a connection (in `on_connect`), and the handshake may still fail. So a name that
//! must be unique is taken as soon as it is given. The earlier holder of a name is replaced only by a peer that is
//! connected.

use std::collections::HashMap;

use super::{Inner, PeerRegistry};
use crate::error::close::CloseCode;
use crate::peer::Peer;
use crate::peer::slot::{Command, Shared};
use crate::service::idempotency::IdentifyError;
use crate::util::sync::{Arc, Mutex};

/// The rule for two connections with the same name; see [`Peer::identify`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SameName {
    /// Both stay, for example two devices of one user. The default.
    #[default]
    Both,
    /// The second connection is refused: [`identify`](Peer::identify) fails with [`IdentifyError::Taken`] until the
    /// first connection has ended. A link that is lost silently keeps its name until the keepalive notices
    /// ([`dead_after`](crate::Limits::dead_after), 45 s by default). A client that reconnects after a lost link may
    /// have to wait for this time.
    Refuse,
    /// The second connection replaces the first. When the second one is connected and has the name, the first one is
    /// closed with [`TAKEN_OVER`](CloseCode::TAKEN_OVER), 4409.
    Replace,
}

/// The close reason of a replaced connection.
const TAKEN_OVER: &str = "a later connection has the same name";

/// How long the close of a replaced connection may take.
const WITHIN: std::time::Duration = std::time::Duration::from_secs(1);

/// The holders of each name. A name without a holder is removed.
#[derive(Default)]
pub(super) struct Names(Mutex<HashMap<Arc<str>, Vec<Arc<Shared>>>>);

type Holders = HashMap<Arc<str>, Vec<Arc<Shared>>>;

impl PeerRegistry {
    /// Returns the connected peers with this name, which [`identify`](Peer::identify) gave them, in the order in
    /// which they connected. The lookup does not slow down with the number of other peers.
    pub fn peers_of(&self, name: &str) -> Vec<Peer> {
        let named = self.inner.names.0.lock().unwrap().get(name).cloned().unwrap_or_default();
        let peers = self.inner.peers.lock().unwrap();
        let number = |shared: &Arc<Shared>| peers.get(&*shared.id).copied();
        let mut named: Vec<_> =
            named.into_iter().filter_map(|shared| Some((number(&shared)?, shared))).collect();
        drop(peers);
        named.sort_unstable_by_key(|(number, _)| *number);
        named.into_iter().map(|(_, shared)| Peer { shared }).collect()
    }

    /// Returns the number of names in use.
    pub fn name_count(&self) -> usize {
        self.inner.names.0.lock().unwrap().len()
    }

    /// Gives a name to the peer of `shared`.
    pub(crate) fn identify(&self, shared: &Arc<Shared>, name: &str) -> Result<(), IdentifyError> {
        let mut names = self.inner.names.0.lock().unwrap();
        let name = names.get_key_value(name).map_or_else(|| name.into(), |(name, _)| name.clone());
        // Under the lock: the end of the connection removes it from the name that it has by then.
        if !shared.is_staying() {
            // The end of the connection does not look for an earlier name.
            if let Some(before) = shared.identity().filter(|before| *before != name) {
                remove(&mut names, shared, &before);
            }
            drop(names);
            shared.set_identity(name);
            return Ok(());
        }
        let is_this = |holder: &Arc<Shared>| Arc::ptr_eq(holder, shared);
        if let Some(holders) = names.get_mut(&name) {
            // The connection has the name already, so nothing is replaced.
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

    /// Gives a peer its name for good, whose link begins a connection and resumes no session. Until now the name was
    /// only noted.
    ///
    /// # Errors
    /// The name must be unique, and another peer has the name.
    pub(crate) fn settle_name(&self, shared: &Arc<Shared>) -> Result<(), IdentifyError> {
        let was_provisional = std::mem::take(&mut shared.lock().is_provisional);
        match shared.identity().filter(|_| was_provisional) {
            Some(name) => self.identify(shared, &name),
            None => Ok(()),
        }
    }

    /// Notes that a connection is established. If it has a name, earlier holders of the name may be replaced.
    pub(super) fn enter(&self, shared: &Arc<Shared>) {
        let mut names = self.inner.names.0.lock().unwrap();
        let replaced = match shared.identity() {
            Some(name) => self.inner.let_in(&mut names, shared, &name),
            None => return,
        };
        drop(names);
        replaced.iter().for_each(give_way);
    }

    /// Removes a connection that ends from the holders of names.
    pub(crate) fn leave_name(&self, shared: &Arc<Shared>) {
        let mut names = self.inner.names.0.lock().unwrap();
        if let Some(name) = shared.identity() {
            remove(&mut names, shared, &name);
        }
    }
}

impl Inner {
    /// Removes and returns the holders that `shared` replaces, if `shared` is connected.
    fn let_in(&self, names: &mut Holders, shared: &Arc<Shared>, name: &str) -> Vec<Arc<Shared>> {
        let Some(holders) = names.get_mut(name) else { return Vec::new() };
        if shared.config.same_name != SameName::Replace
            || !holders.iter().any(|holder| Arc::ptr_eq(holder, shared))
        {
            return Vec::new();
        }
        let peers = self.peers.lock().unwrap();
        let is_in = |holder: &Arc<Shared>| peers.contains_key(&*holder.id);
        if !is_in(shared) {
            return Vec::new();
        }
        let is_replaced = |holder: &mut Arc<Shared>| !Arc::ptr_eq(holder, shared) && is_in(holder);
        let replaced: Vec<_> = holders.extract_if(.., is_replaced).collect();
        // Under the lock, so that no replaced connection takes the name again.
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

/// Closes a replaced connection. Its calls under a key go on, because they belong to the caller and not to the
/// connection.
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
    /// Returns whether the connection can have a name by which it is found. A single message by `POST` cannot: it is
    /// soon over, and nothing can be sent to it. Nor can a link that may resume the session of a peer of that name.
    fn is_staying(&self) -> bool {
        let state = self.lock();
        let is_over = state.protocol.ended().is_some() || state.is_to_close();
        let is_gone = is_over || state.is_kicked || state.is_replaced;
        !(is_gone || state.is_provisional || state.protocol.answers_only())
    }
}
