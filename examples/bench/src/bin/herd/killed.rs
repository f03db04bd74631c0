//! The process of the server is killed and started again after a while: the clients are back in few attempts.

use std::time::{Duration, Instant};

use bench::Checked;
use rpc_client::State;
use tokio::time::sleep;

use crate::clients::{all_are, connect};
use crate::cut::call;
use crate::process::start;
use crate::{ensure, within_descriptors};

const CLIENTS: usize = 1000;

/// How long there is no server.
const DOWN: Duration = Duration::from_secs(5);

/// The most attempts of one client. The waits double and are random, so that one client in 100,000 needs more than ten.
const ATTEMPTS: u32 = 12;

/// The longest wait of a client. The last attempt of each begins within it after the server has started again.
const LONGEST: Duration = Duration::from_secs(30);

pub(crate) async fn check() -> Checked<()> {
    let count = within_descriptors(CLIENTS, 3);
    let (mut server, port) = start(&["server", "0"]).await?;
    let members = connect(&format!("ws://127.0.0.1:{port}/"), count).await?;
    call(&members).await?;
    server.kill().await?;
    sleep(DOWN).await;
    let (_server, _) = start(&["server", &port]).await?;
    let started = Instant::now();
    all_are(&members, |state| matches!(state, State::Fresh { .. })).await?;
    let back = started.elapsed();
    call(&members).await?;
    let mut attempts = 0;
    for member in &members {
        let told = member.take_told();
        attempts = attempts.max(told.attempts);
        let last = told.last.ok_or("a client was never away")?;
        ensure(last <= started + LONGEST, "a client waits for too long")?;
    }
    ensure(attempts <= ATTEMPTS, format!("a client needs {attempts} attempts"))?;
    println!(
        "killed: {count} clients are back {:.1} s after the server, in at most {attempts} attempts",
        back.as_secs_f64()
    );
    Ok(())
}
