//! Tools that know nothing of the protocol.

pub(crate) mod attachment;
pub(crate) mod base64_text;
pub(crate) mod bounded_writer;
pub mod catch;
pub(crate) mod chain;
pub(crate) mod clock;
pub(crate) mod deferred;
pub(crate) mod direct;
pub(crate) mod escaped;
pub(crate) mod excerpt;
pub(crate) mod keyed_hash;
pub(crate) mod log_throttle;
pub(crate) mod members;
pub(crate) mod missing;
pub(crate) mod random;
pub(crate) mod runtime;
pub(crate) mod site;
pub(crate) mod sync;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod token;
pub(crate) mod turn_budget;
pub(crate) mod type_map;
#[cfg(feature = "schema")]
pub(crate) mod type_schema;
pub(crate) mod waiter;
pub(crate) mod waker_set;
