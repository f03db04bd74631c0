//! What the far end of a connection has asked for, held against what it was answered.

use std::collections::HashMap;

use rpc_core::Limits;
use rpc_core::fuzz::{Message, read, texts};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Answers that are owed, by the JSON text of their id.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    owed: HashMap<String, usize>,
    all: usize,
}

impl Tally {
    /// Counts in what is owed to a message.
    pub(crate) fn with(mut self, text: &str, limits: &Limits) -> Self {
        for message in texts(text).into_iter().flat_map(|text| read(text, limits).messages) {
            let id = match message {
                Message::Request(id, _) => Some(id),
                Message::Invalid(id) => id,
                Message::Notification(_) | Message::Response(..) | Message::Dropped => continue,
            };
            self.all += 1;
            *self.owed.entry(id.unwrap_or("null".into())).or_default() += 1;
        }
        self
    }

    /// Panics if there are answers under these ids beyond those that are owed. Under `null` may be
    /// the answer to any: its id may be in flight already.
    pub(crate) fn covers(&self, ids: &[String]) {
        assert!(ids.len() <= self.all, "{} answers to {}", ids.len(), self.all);
        let mut given = HashMap::<&str, usize>::new();
        for id in ids.iter().filter(|id| *id != "null") {
            let given = given.entry(id).or_default();
            *given += 1;
            let owed = self.owed.get(id).copied().unwrap_or(0);
            assert!(*given <= owed, "answer {given} to {id}, which was asked {owed} times");
        }
    }
}

/// The ids of the answers in what an end has sent, as JSON text; panics unless it is JSON-RPC.
pub(crate) fn answers(text: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Sent<'a> {
        #[serde(borrow, default)]
        id: Option<&'a RawValue>,
        #[serde(borrow, default)]
        method: Option<&'a RawValue>,
    }
    let one = |text: &str| {
        let sent: Sent<'_> = serde_json::from_str(text).expect("a message");
        // `"id":null` reads as none.
        let id = sent.id.map_or("null", RawValue::get).to_owned();
        sent.method.is_none().then_some(id)
    };
    if text.starts_with('[') {
        let members: Vec<&RawValue> = serde_json::from_str(text).expect("a batch");
        return members.iter().filter_map(|member| one(member.get())).collect();
    }
    one(text).into_iter().collect()
}
