//! Two ends, each with limits of its own.

use std::time::Duration;

use rpc_core::transport::{Endpoint, EndpointConfig};
use rpc_core::{Limits, Peer, Router, memory};

/// Connects two ends as a client and a server are: the first one greets, and each knows the other. The first of the handles calls
/// what the second end offers.
pub fn ends(near: (Router, Limits), far: (Router, Limits)) -> (Peer, Peer) {
    let config = |(services, limits)| EndpointConfig::new(services, limits);
    let (left, right) = memory::transports(64 * 1024);
    let [near, far] = [(near, left, true), (far, right, false)].map(|(of, transport, opens)| {
        let endpoint = Endpoint::new(config(of).with(|config| config.keepalive = false));
        endpoint.set_extended(opens);
        let peer = endpoint.peer();
        tokio::spawn(endpoint.connect(transport));
        peer
    });
    (near, far)
}

/// The same, of any two setups, over a pipe that holds `capacity` bytes each way.
pub fn ends_of(near: EndpointConfig, far: EndpointConfig, capacity: usize) -> (Peer, Peer) {
    let (left, right) = memory::transports(capacity);
    let [near, far] = [(near, left), (far, right)].map(|(mut config, transport)| {
        config.keepalive = false;
        let endpoint = Endpoint::new(config);
        let peer = endpoint.peer();
        tokio::spawn(endpoint.connect(transport));
        peer
    });
    (near, far)
}

/// Lets everything run that can, and the clock with it, for a short while.
pub async fn settle() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}
