//! Clients that reach their server only through a proxy.

use rpc_client::{
    Carrier, Client, ClientBuilder, ConnectError, Fallback, Proxy, ProxyFailure, Reconnect, State,
};
use rpc_core::StreamError;

use crate::checks::{Checked, equal};
use crate::forward::{Forward, LOGIN};
use crate::outages::{is_away, until};
use crate::world::{OfferedClient, World};

fn client(proxy: &Forward, login: &str) -> Result<ClientBuilder, ConnectError> {
    Ok(Client::builder().proxy(Proxy::new(&proxy.url(login))?))
}

/// Calls are answered and items come, over this carrier.
pub(crate) async fn carries(world: &World, proxy: &Forward, carrier: Carrier) -> Checked {
    let fallback = if carrier == Carrier::Sse { Fallback::Always } else { Fallback::Never };
    let client = client(proxy, LOGIN)?.fallback(fallback).connect(world.server.url()).await?;
    equal(client.carrier(), carrier)?;
    let server = OfferedClient::new(client.peer());
    let mut ticks = server.ticks().await?;
    for tick in 0..20 {
        equal(ticks.next().await, Some(Ok::<_, StreamError>(tick)))?;
    }
    let calls = (0..20).map(|ms| server.wait(ms).into_future());
    for (ms, waited) in (0..).zip(futures_util::future::join_all(calls).await) {
        equal(waited?, ms)?;
    }
    Ok(())
}

/// Each mistake in the user and the password is told as one, without the password, and ends also a client that would
/// wait.
pub(crate) async fn refuses_others(world: &World, proxy: &Forward) -> Checked {
    for login in ["", "ada:secret2", "bob:secret"] {
        let builder = client(proxy, login)?.reconnect(Reconnect::default().wait_for_first(true));
        let Err(error) = builder.connect(world.server.url()).await else {
            return Err(format!("it lets `{login}` through").into());
        };
        equal(failure(&error)?, ProxyFailure::Login)?;
        equal(error.to_string().contains("secret"), false)?;
    }
    Ok(())
}

/// Nobody is at the port: the proxy says so, and that may change.
pub(crate) async fn finds_no_server(proxy: &Forward) -> Checked {
    for nobody in ["ws://127.0.0.1:1", "ws://rpc.invalid:1"] {
        let Err(error) = client(proxy, LOGIN)?.connect(nobody).await else {
            return Err(format!("somebody is at {nobody}").into());
        };
        equal((failure(&error)?, error.may_retry()), (ProxyFailure::Server, true))?;
    }
    Ok(())
}

/// The proxy ends with the link, and comes back: the session goes on.
pub(crate) async fn restarts(world: &World, proxy: &mut Forward) -> Checked {
    let builder = client(proxy, LOGIN)?.reconnect(Reconnect::default());
    let client = builder.connect(world.server.url()).await?;
    let server = OfferedClient::new(client.peer());
    // The answer comes behind the hello, by which the client knows of its session.
    equal(server.wait(1).await?, 1)?;
    let mut states = client.states();
    proxy.stop().await?;
    until(&mut states, is_away).await?;
    proxy.start_again().await?;
    equal(server.wait(3).await?, 3)?;
    let state = until(&mut states, State::is_up).await?;
    equal(state.to_string().as_str(), "up, session resumed")
}

fn failure(error: &ConnectError) -> Result<ProxyFailure, Box<dyn std::error::Error>> {
    match error {
        ConnectError::Proxy { kind, .. } => Ok(*kind),
        other => Err(format!("not an error of the proxy: {other}").into()),
    }
}
