//! Attributes that are not ours stay on the trait and its methods.
#![deny(warnings)]

use rpc_core::service;

#[service]
#[allow(non_snake_case)]
trait Chat: Clone {
    #[must_use]
    #[allow(clippy::too_many_arguments)]
    fn joinRoom(&self, #[allow(unused)] roomName: &str) -> u32;
}
