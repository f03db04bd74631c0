//! Many connections: to push to, and to hold idle.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::{JoinHandle, spawn_local};
use tokio::time::sleep;

use crate::measured::{Running, both};
use crate::{Checked, Ends, Measured, Peer, Taken, calls, usage};

/// Values that are published before all must have them.
const BURST: u64 = 16;

/// Long enough for both ends to give back what they used.
const QUIET: Duration = Duration::from_secs(3);

/// A listener that has not got a published value within this time has lost the value.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client that listens to what is published.
struct Listener {
    taken: Rc<Taken>,
    task: JoinHandle<Checked>,
}

/// The first number says how many listen, the second how many bursts are published.
pub(crate) async fn push<P: Peer>(ends: &Ends<'_>) -> Checked<Measured> {
    let [connections, bursts] = ends.numbers;
    let mut listeners = Vec::new();
    for _ in 0..connections {
        let peer = P::connect(ends.address).await?;
        let taken = Rc::new(Taken::default());
        let task = spawn_local({
            let taken = taken.clone();
            async move { peer.listen(&taken).await }
        });
        listeners.push(Listener { taken, task });
    }
    let publisher = P::connect(ends.address).await?;
    let mut next = all_listen(&publisher, &mut listeners).await?;
    let running = Running::begin(ends)?;
    for _ in 0..bursts {
        for _ in 0..BURST {
            publisher.publish(next).await?;
            next += 1;
        }
        arrive(&mut listeners, next).await?;
    }
    running.end(bursts * BURST * connections)
}

/// Publishes until all hear of it. Returns the next value.
async fn all_listen<P: Peer>(publisher: &P, listeners: &mut [Listener]) -> Checked<u64> {
    let since = Instant::now();
    let mut next = 0;
    loop {
        let heard = publisher.publish(next).await?;
        next += 1;
        if heard == listeners.len() as u64 {
            break;
        }
        healthy(listeners).await?;
        if since.elapsed() > PATIENCE {
            return Err(format!("{heard} listen, not all").into());
        }
        sleep(Duration::from_millis(20)).await;
    }
    arrive(listeners, next).await?;
    Ok(next)
}

/// Waits until all have got what came before this number.
async fn arrive(listeners: &mut [Listener], next: u64) -> Checked {
    let since = Instant::now();
    while listeners.iter().any(|listener| !listener.taken.is_at(next)) {
        healthy(listeners).await?;
        if since.elapsed() > PATIENCE {
            return Err("what was published is lost".into());
        }
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// Checks that all listeners still listen.
///
/// # Errors
/// The reason why a listener has stopped.
async fn healthy(listeners: &mut [Listener]) -> Checked {
    for listener in listeners {
        if listener.task.is_finished() {
            (&mut listener.task).await??;
            return Err("one listens no more".into());
        }
    }
    Ok(())
}

/// The first number says how many connections come before those that are counted, the second how many are counted.
pub(crate) async fn idle<P: Peer>(ends: &Ends<'_>) -> Checked<Measured> {
    let [before, count] = ends.numbers;
    let mut held = open::<P>(ends, before).await?;
    let begin = both(ends.pid, usage::resident_bytes)?;
    held.append(&mut open::<P>(ends, count).await?);
    let end = both(ends.pid, usage::resident_bytes)?;
    let [server_bytes, client_bytes] = [0, 1].map(|index| end[index].saturating_sub(begin[index]));
    Ok(Measured { count, server_bytes, client_bytes, ..Measured::default() })
}

/// Each has made one call, so that the server has served it.
async fn open<P: Peer>(ends: &Ends<'_>, count: u64) -> Checked<Vec<P>> {
    let mut peers = Vec::new();
    for n in 0..count {
        let peer = P::connect(ends.address).await?;
        calls::add(&peer, n).await?;
        peers.push(peer);
    }
    sleep(QUIET).await;
    Ok(peers)
}
