//! Links over streams of bytes.

#[path = "../support/malformed_streams.rs"]
mod malformed_streams;

mod closing;
mod cuts;
mod hostile;
mod serving;
