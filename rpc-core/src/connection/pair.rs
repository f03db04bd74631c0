//! Two peers in one process.

use crate::connection::endpoint::Endpoint;
use crate::limits::Limits;
use crate::peer::Peer;
use crate::peer::config::EndpointConfig;
use crate::service::Service;
use crate::service::router::Router;
use crate::transport::memory::{Pipe, transports};
use crate::util::runtime::spawn;

/// Bytes that a pipe of [`pair`] holds in each direction.
const CAPACITY: usize = 64 * 1024;

/// Connects two ends, one that offers `a` and one that offers `b`. Returns a handle for each end: the first handle
/// calls `b`, the second calls `a`.
///
/// For a mock, offer a service that the test implements and call it through the first handle. Both ends have the
/// default limits of a client. To choose the limits, connect two
/// [`Endpoint`]s over [`transports`](crate::memory::transports).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::{memory, service};
///
/// #[service]
/// trait Clock {
///     fn now(&self) -> u64;
/// }
/// struct Noon;
/// impl Clock for Noon {
///     fn now(&self) -> u64 { 12 }
/// }
/// let (peer, _) = memory::pair(rpc_core::Router::new(), ClockServer::new(Noon));
/// assert_eq!(ClockClient::new(peer).now().await?, 12);
/// # Ok(()) }
/// ```
///
/// # Panics
/// Panics outside of a tokio runtime, and if a service offers a name twice.
pub fn pair(a: impl Service, b: impl Service) -> (Peer, Peer) {
    let (left, right) = transports(CAPACITY);
    (start(a, left, true), start(b, right, false)) // the first one opens the link
}

fn start(service: impl Service, transport: Pipe, opens: bool) -> Peer {
    let mut config = EndpointConfig::new(Router::new().service(service), Limits::client());
    config.answers_malformed = !opens;
    let endpoint = Endpoint::new(config);
    endpoint.set_extended(opens);
    let peer = endpoint.peer();
    spawn(endpoint.connect(transport));
    peer
}
