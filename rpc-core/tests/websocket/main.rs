//! The WebSocket transport against raw bytes: the far side is a plain buffer, polls are made by
//! hand, and nothing depends on time.

mod binary;
mod bytes;
mod closing;
mod controls;
mod far;
mod receiving;
mod sending;
mod serving;
mod shrinking;
mod whole;
