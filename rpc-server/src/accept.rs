//! The loop that accepts connections. Nothing a client does, and no lack of anything, ends it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::connection::{self, Arrival};
use crate::shared::Shared;

/// How long to wait when there is no descriptor or memory for a connection: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Accepts until the server stops; then the listener is closed. Dropping it closes that as well.
pub(crate) async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let mut member = shared.lifecycle.join();
    let mut pause = PAUSE.0;
    loop {
        tokio::select! {
            // Biased, so that a crowd before the door cannot keep it open.
            biased;
            () = member.stopped() => return,
            () = accept_one(&shared, &listener, &mut pause) => {}
        }
    }
}

async fn accept_one(shared: &Arc<Shared>, listener: &TcpListener, pause: &mut Duration) {
    match listener.accept().await {
        Ok((stream, remote)) => {
            *pause = PAUSE.0;
            start(shared, stream, remote);
        }
        Err(error) if is_of_one_client(&error) => {}
        Err(error) => {
            // Who waits is accepted later; to try at once would only burn the processor.
            tracing::warn!(%error, ?pause, "cannot accept connections");
            sleep(*pause).await;
            *pause = PAUSE.1.min(*pause * 2);
        }
    }
}

fn start(shared: &Arc<Shared>, stream: TcpStream, remote: SocketAddr) {
    let Some(slot) = shared.slots.take() else {
        shared.totals.refused();
        return;
    };
    let (shared, member) = (shared.clone(), shared.lifecycle.join());
    tokio::spawn(connection::run(Arrival { shared, stream, remote, slot, member }));
}

/// Whether just this client is gone, and the next may be accepted.
fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
