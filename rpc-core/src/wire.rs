//! What goes over the wire: JSON text to messages, and messages to JSON text.

pub(crate) mod args;
pub(crate) mod attached;
pub(crate) mod buffer;
pub(crate) mod decode;
pub(crate) mod dialect;
pub(crate) mod encode;
pub(crate) mod extensions;
pub(crate) mod goaway;
pub(crate) mod hello;
pub(crate) mod id;
pub(crate) mod item;
#[cfg(feature = "schema")]
pub(crate) mod offers;
pub(crate) mod opened;
pub(crate) mod plain;
pub(crate) mod request;
pub(crate) mod reserved;
pub(crate) mod scan;
pub(crate) mod sequence;
pub(crate) mod session;
pub(crate) mod stream_ref;
pub(crate) mod trace;
pub(crate) mod value;
