//! The outage of a server: the server is killed with calls in flight, and started again.

use std::time::Duration;

use rpc_client::{Client, ClientBuilder, Reconnect, State, States};
use rpc_core::{CallError, Fate, service};

use crate::checks::{Checked, equal};
use crate::program::Program;

/// The methods and events of a server.
#[service]
pub(crate) trait Offered {
    fn add(&self, a: i64, b: i64) -> i64;
    fn sleep(&self, ms: u64) -> u64;
}

/// A client that connects again, soon.
pub(crate) fn reconnecting() -> ClientBuilder {
    Client::builder().reconnect(Reconnect::default().max_delay(Duration::from_millis(500)))
}

/// Kills the server with calls in flight, and starts it again. `told` is the state of the client in the end.
pub(crate) async fn outage(client: &Client, program: &mut Program, told: &str) -> Checked {
    let server = &OfferedClient::new(client.peer());
    let mut states = client.states();
    let (lost, made_anew) = (server.sleep(60_000).start(), server.sleep(300).idempotent().start());
    // The server has read the calls before this one.
    equal(server.add(1, 2).await?, 3)?;

    program.kill().await?;
    // At once: nobody has started the server again.
    match lost.await {
        Err(CallError::Closed { fate: Fate::MaybeExecuted, .. }) => {}
        other => return Err(format!("the call in flight: {other:?}").into()),
    }
    let waits = server.add(2, 3).start();
    // One attempt at least was refused, as there is no server.
    until(&mut states, |state| matches!(state, State::Away { attempt: 2.., .. })).await?;

    program.start_again().await?;
    equal(waits.await?, 5)?;
    equal(made_anew.await?, 300)?;
    let state = until(&mut states, State::is_up).await?;
    equal(state.to_string().as_str(), told)?;
    equal(client.state().to_string().as_str(), told)
}

async fn until(
    states: &mut States,
    is: impl Fn(&State) -> bool,
) -> Result<State, Box<dyn std::error::Error>> {
    loop {
        match states.next().await {
            Some(state) if is(&state) => return Ok(state),
            // Not `up`, which is the state of before.
            Some(_) => {}
            None => return Err("the client has ended".into()),
        }
    }
}
