//! The cases of calls: a fixed number at once, and a connection for each call.

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::measured::Running;
use crate::{Checked, Ends, Measured, Peer};

/// The first number says how many calls are outstanding, the second how many there are; half as many come before.
pub(crate) async fn call<P: Peer>(ends: &Ends<'_>) -> Checked<Measured> {
    let [window, count] = ends.numbers;
    let peer = P::connect(ends.address).await?;
    calls(&peer, window, count / 2).await?;
    let running = Running::begin(ends)?;
    calls(&peer, window, count).await?;
    running.end(count)
}

async fn calls<P: Peer>(peer: &P, window: u64, count: u64) -> Checked {
    let calls = (0..count).map(|n| add(peer, n));
    stream::iter(calls).buffer_unordered(usize::try_from(window)?).try_collect().await
}

pub(crate) async fn add<P: Peer>(peer: &P, n: u64) -> Checked {
    let n = i64::try_from(n)?;
    let sum = peer.add(n, 1).await?;
    if sum == n + 1 { Ok(()) } else { Err(format!("{n} + 1 is answered {sum}").into()) }
}

/// The first number says how many connections come before those that are counted, the second how many are counted.
pub(crate) async fn connect<P: Peer>(ends: &Ends<'_>) -> Checked<Measured> {
    let [before, count] = ends.numbers;
    connections::<P>(ends, before).await?;
    let running = Running::begin(ends)?;
    connections::<P>(ends, count).await?;
    running.end(count)
}

async fn connections<P: Peer>(ends: &Ends<'_>, count: u64) -> Checked {
    for n in 0..count {
        let peer = P::connect(ends.address).await?;
        add(&peer, n).await?;
        peer.close().await?;
    }
    Ok(())
}
