//! The outages of a proxy. A client notices each outage only by its states.

use std::error::Error;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rpc_client::{Client, ClientBuilder, Reconnect, State, States};
use rpc_core::{Limits, StreamError};

use crate::checks::{Checked, equal};
use crate::proxy::Proxy;
use crate::world::{OfferedClient, World};

/// A client that comes back soon.
fn client() -> ClientBuilder {
    Client::builder().reconnect(Reconnect::default().max_delay(Duration::from_millis(500)))
}

pub(crate) async fn until(
    states: &mut States,
    is: impl Fn(&State) -> bool,
) -> Result<State, Box<dyn Error>> {
    loop {
        match states.next().await {
            Some(state) if is(&state) => return Ok(state),
            Some(_) => {}
            None => return Err("the client has ended".into()),
        }
    }
}

pub(crate) fn is_away(state: &State) -> bool {
    matches!(state, State::Away { .. })
}

/// The proxy cuts the link while a call runs: the answer comes over the next link, or the one after that.
pub(crate) async fn idles(world: &World, proxy: &Proxy) -> Checked {
    let client = client().connect(proxy.url()).await?;
    let server = OfferedClient::new(client.peer());
    equal(server.wait(2500).await?, 2500)?;
    // The answer is among the first messages of a link, and the state follows.
    let state = until(&mut client.states(), State::is_up).await?;
    equal(state.to_string().as_str(), "up, session resumed")?;
    equal(world.seen.waits.load(Ordering::SeqCst), 1)?;
    equal(world.seen.opened.load(Ordering::SeqCst), 1)?;
    let cuts = world.server.stats().sessions.resumed;
    if cuts == 0 { Err("it has cut nothing".into()) } else { Ok(()) }
}

/// Pings that come sooner than the proxy gives up keep the link.
pub(crate) async fn pings(world: &World, proxy: &Proxy) -> Checked {
    let before = world.server.stats().sessions.resumed;
    let mut limits = Limits::client();
    limits.set("ping", "300ms")?;
    let client = client().limits(limits).connect(proxy.url()).await?;
    equal(OfferedClient::new(client.peer()).wait(2500).await?, 2500)?;
    equal(client.state().to_string().as_str(), "up")?;
    equal(world.server.stats().sessions.resumed, before)
}

pub(crate) async fn reloads(world: &World, proxy: &mut Proxy) -> Checked {
    under_load(world, proxy, async |proxy, states| {
        proxy.reload().await?;
        until(states, is_away).await.map(drop)
    })
    .await
}

pub(crate) async fn restarts(world: &World, proxy: &mut Proxy) -> Checked {
    under_load(world, proxy, async |proxy, states| {
        proxy.stop().await?;
        until(states, |state| matches!(state, State::Away { attempt: 2.., .. })).await?;
        proxy.start_again().await
    })
    .await
}

/// Each note arrives once and in order, and so does each tick, whatever happens to the proxy.
async fn under_load(
    world: &World,
    proxy: &mut Proxy,
    happens: impl AsyncFnOnce(&mut Proxy, &mut States) -> Checked,
) -> Checked {
    world.seen.notes.lock().unwrap().clear();
    let client = client().connect(proxy.url()).await?;
    let server = OfferedClient::new(client.peer());
    let (mut ticks, mut notes) = (server.ticks().await?, 0);
    let mut load = async |count: u64| -> Checked {
        for _ in 0..count {
            equal(ticks.next().await, Some(Ok::<_, StreamError>(notes)))?;
            server.note(notes).await?;
            notes += 1;
        }
        Ok(())
    };
    load(20).await?;
    let mut states = client.states();
    happens(proxy, &mut states).await?;
    let state = until(&mut states, State::is_up).await?;
    equal(state.to_string().as_str(), "up, session resumed")?;
    load(100).await?;
    // The notes before this call have arrived.
    server.wait(0).await?;
    let seen = world.seen.notes.lock().unwrap().clone();
    equal(seen, (0..120).collect::<Vec<_>>())
}

/// The server is away, and the proxy says so by a status: the client comes back, in another session.
pub(crate) async fn lacks_a_server(world: &mut World, proxy: &Proxy) -> Checked {
    let client = client().connect(proxy.url()).await?;
    let mut states = client.states();
    world.server.shutdown(Duration::ZERO).await;
    let is_told = |state: &State| is_away(state) && state.to_string().contains(" 50");
    until(&mut states, is_told).await?;
    world.start_again().await;
    equal(OfferedClient::new(client.peer()).wait(0).await?, 0)?;
    let state = until(&mut states, State::is_up).await?;
    equal(state.to_string().as_str(), "up, fresh session: nothing was lost")
}
