//! Buffers between a stream of bytes and the messages in the stream.

pub(super) mod input;
pub(super) mod output;
mod spares;
