//! The loop that accepts connections. Nothing a client does, and no lack of anything, ends it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rpc_core::Limits;
use rpc_core::internal::LogThrottle;
use socket2::{SockRef, TcpKeepalive};
use tokio::time::sleep;

use crate::admission::Admission;
use crate::client_info::{ClientInfo, Way, is_loopback};
use crate::connection;
use crate::deadline::Deadline;
use crate::listener::{Accepted, Listener, Socket};
#[cfg(feature = "tls-no-provider")]
use crate::secure;
use crate::shared::Shared;

/// How long to wait when there is no descriptor or memory for a connection: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// How often a silent client is asked by TCP whether it is there before it counts as gone.
const PROBES: u32 = 3;

/// Accepts until the server stops; then the listener is closed. Dropping it closes that as well.
pub(crate) async fn accept(shared: Arc<Shared>, listener: Listener) {
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

async fn accept_one(shared: &Arc<Shared>, listener: &Listener, pause: &mut Duration) {
    match listener.accept().await {
        Ok(accepted) => {
            *pause = PAUSE.0;
            start(shared, accepted);
        }
        Err(error) if is_of_one_client(&error) => {}
        Err(error) => {
            // Who waits is accepted later; to try at once would only burn the processor.
            static THROTTLE: LogThrottle = LogThrottle::new();
            if let Some(left_out) = THROTTLE.allow() {
                tracing::warn!(left_out, %error, ?pause, "cannot accept connections");
            }
            sleep(*pause).await;
            *pause = PAUSE.1.min(*pause * 2);
        }
    }
}

fn start(shared: &Arc<Shared>, accepted: Accepted) {
    match accepted {
        Accepted::Tcp(stream, remote) => {
            // Small messages must not wait for the acknowledgement of earlier ones. That it fails shows
            // that the connection is gone, which reading will find as well.
            let _ = stream.set_nodelay(true);
            if shared.settings.config.keepalive {
                let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive(shared.limits()));
            }
            // Not where the server listens: who listens on all addresses does so on this machine's own.
            let way = Way::over(stream.local_addr().ok().is_none_or(is_loopback));
            carry(shared, stream, ClientInfo::new(Some(remote), way));
        }
        #[cfg(unix)]
        Accepted::Unix(stream) => carry(shared, stream, ClientInfo::new(None, Way::Unix)),
    }
}

/// A WebSocket has pings, but who waits for the answer to a single message may vanish as well: then the system
/// finds out in the time in which pings would.
fn keepalive(limits: &Limits) -> TcpKeepalive {
    // The system counts in whole seconds.
    let second = Duration::from_secs(1);
    let silent = limits.ping.max(second);
    let probes = limits.dead_after.saturating_sub(silent) / PROBES;
    TcpKeepalive::new().with_time(silent).with_interval(probes.max(second)).with_retries(PROBES)
}

fn carry<S: Socket>(shared: &Arc<Shared>, stream: S, client_info: ClientInfo) {
    let Some(admission) = Admission::take(shared, &client_info) else {
        shared.totals.refused();
        return;
    };
    #[cfg(feature = "tls-no-provider")]
    if let Some(tls) = shared.settings.tls.clone() {
        tokio::spawn(secure::run(shared.clone(), tls, stream, client_info, admission));
        return;
    }
    let deadline = Deadline::within(shared.limits().handshake);
    tokio::spawn(connection::run(shared.clone(), stream, client_info, admission, deadline));
}

/// Whether just this client is gone, and the next may be accepted.
fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
