//! Who is published to: each connection's queue, by the names of the groups that it is in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::connection::Shared;

#[derive(Default)]
pub(crate) struct Groups {
    by_name: Mutex<HashMap<String, Vec<UnboundedSender<Utf8Bytes>>>>,
}

impl Groups {
    /// Puts a clone of the text, which shares its bytes, into each queue; how many took it.
    pub(crate) fn publish(&self, group: &str, text: &Utf8Bytes) -> usize {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(members) = by_name.get_mut(group) else { return 0 };
        members.retain(|member| member.send(text.clone()).is_ok());
        members.len()
    }

    fn insert(&self, group: &str, member: UnboundedSender<Utf8Bytes>) {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        by_name.entry(group.to_owned()).or_default().push(member);
    }
}

impl Shared {
    /// Puts the connection into its group: here it has one.
    pub(crate) fn join(&mut self, group: &str) {
        let (sender, receiver) = unbounded_channel();
        self.groups.insert(group, sender);
        self.published = Some(receiver);
    }
}
