//! The clock, the timers and the tasks of the runtime: of tokio, or of a browser. All other files of this crate import
//! them from here.
//!
//! `tokio::sync` and `tokio::io` are used elsewhere as well: they run on any runtime.

#[cfg(target_family = "wasm")]
mod browser;
#[cfg(not(target_family = "wasm"))]
mod tokio;

#[cfg(target_family = "wasm")]
pub use browser::*;
#[cfg(not(target_family = "wasm"))]
pub use tokio::*;
