//! Links of a page or a worker in a browser, over the WebSocket of the browser. The files are named as those that make
//! links outside of a browser.

#[cfg(target_family = "wasm")]
pub(crate) mod connect;
#[cfg(target_family = "wasm")]
pub(crate) mod socket;

// What needs no browser is tested without one.
mod arrived;
#[cfg(target_family = "wasm")]
mod page_socket;
mod unsent;
