//! The traits of the server and of its clients.

use std::collections::BTreeMap;

use rpc_core::{Change, Streaming, service};
use serde_json::value::RawValue;

/// Rows of a dashboard: about 100 KB of JSON.
pub(crate) type Rows = BTreeMap<String, Vec<u64>>;

/// What the server offers.
#[service]
pub(crate) trait Tells {
    /// Joins the group, whose pushes are `event`.
    fn join(&self, cx: &rpc_core::Context);

    /// Events of a topic.
    fn events(&self) -> Streaming<Box<RawValue>>;

    /// Whole values.
    fn values(&self) -> Streaming<Box<RawValue>>;

    /// A live value.
    fn changes(&self) -> Streaming<Change<Rows>>;

    /// Tells how many items all clients of the caller have heard, and their bytes.
    #[notification]
    fn heard(&self, count: u64, bytes: u64);
}

/// What the server sends to a client of the group.
#[service]
pub(crate) trait Hears {
    /// A push.
    #[notification]
    fn event(&self, event: &RawValue);
}
