//! Links over server-sent events through a proxy in its default settings.

use std::sync::atomic::Ordering;

use rpc_client::{Carrier, Client, Fallback, Reconnect};
use rpc_core::StreamError;

use crate::checks::{Checked, equal};
use crate::proxy::Proxy;
use crate::world::{OfferedClient, World};

/// Items come when they are sent and not in heaps, calls made at once are answered, and the link is the first one all
/// the time. The default settings of nginx let no WebSocket pass, and those of haproxy do.
pub(crate) async fn passes(world: &World, name: &str) -> Checked {
    let proxy = Proxy::start_by_default(name, world.port()).await?;
    let builder = Client::builder().reconnect(Reconnect::default());
    let client = builder.clone().fallback(Fallback::WhenFails).connect(proxy.url()).await?;
    let carrier = if name == "nginx" { Carrier::Sse } else { Carrier::WebSocket };
    equal(client.carrier(), carrier)?;
    client.close().await;

    let resumed = world.server.stats().sessions.resumed;
    let waits = world.seen.waits.load(Ordering::SeqCst);
    let client = builder.fallback(Fallback::Always).connect(proxy.url()).await?;
    let server = OfferedClient::new(client.peer());
    let mut ticks = server.ticks().await?;
    for tick in 0..200 {
        equal(ticks.next().await, Some(Ok::<_, StreamError>(tick)))?;
    }
    let calls = (0..100).map(|ms| server.wait(ms).into_future());
    for (ms, waited) in (0..).zip(futures_util::future::join_all(calls).await) {
        equal(waited?, ms)?;
    }
    equal(world.seen.waits.load(Ordering::SeqCst) - waits, 100)?;
    equal(client.carrier(), Carrier::Sse)?;
    equal(world.server.stats().sessions.resumed, resumed)
}
