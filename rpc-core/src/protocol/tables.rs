//! The tables of one connection, each with one idea.

pub(crate) mod batches;
pub(crate) mod calls;
pub(crate) mod deadlines;
pub(crate) mod key;
pub(crate) mod mutes;
pub(crate) mod notifications;
pub(crate) mod ordered;
pub(crate) mod outbox;
pub(crate) mod pace;
pub(crate) mod rates;
pub(crate) mod receipts;
pub(crate) mod replay;
pub(crate) mod serving;
pub(crate) mod slab;
pub(crate) mod streams;
