//! The loop that accepts connections. No client and no lack of resources can end the loop.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rpc_core::Limits;
use rpc_core::internal::LogThrottle;
use socket2::{SockRef, TcpKeepalive};
use tokio::time::sleep;

use crate::admission::Admission;
#[cfg(unix)]
use crate::client_info::UnixPeer;
use crate::client_info::{ClientInfo, Way, is_loopback};
use crate::connection;
use crate::deadline::Deadline;
use crate::framed;
use crate::listener::{Accepted, Listener, Socket};
#[cfg(feature = "tls-no-provider")]
use crate::secure;
use crate::shared::Shared;

/// The pause after a failed accept, when descriptors or memory are missing: the first pause, and the longest one.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Number of unanswered TCP keepalive probes after which a silent client counts as gone.
const PROBES: u32 = 3;

/// Accepts connections until the server stops, then closes the listener. Dropping the future also closes the listener.
pub(crate) async fn accept(shared: Arc<Shared>, listener: Listener) {
    let mut member = shared.lifecycle.join();
    let mut pause = PAUSE.0;
    let known = Known::of(&listener, &shared);
    loop {
        tokio::select! {
            // Biased, so that a flood of new connections cannot delay the stop.
            biased;
            () = member.stopped() => return,
            () = accept_one(&shared, &listener, known, &mut pause) => {}
        }
    }
}

/// Bytes that wait in the system and are not on their way yet. The system would let megabytes wait there, for a client
/// that reads slowly: old items, which no newer item can replace, and in front of each answer.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT: u32 = 64 * 1024;

/// What is the same for all connections of a listener, and need not be asked or set for each.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// The way of all connections; `None` if the listener has more than one address.
    way: Option<Way>,
    /// Whether an accepted socket without Nagle's algorithm has all options from the listener.
    may_have_options: bool,
}

impl Known {
    /// Sets the options of the listener, too. Where accepted sockets have the options of their listener, as on Linux,
    /// that saves each connection four system calls. Connections that were made earlier do not have the options.
    fn of(listener: &Listener, shared: &Shared) -> Self {
        let Some(tcp) = listener.tcp() else { return Self { way: None, may_have_options: false } };
        let address = tcp.local_addr().ok().filter(|address| !address.ip().is_unspecified());
        // If the application has set the last option itself, the option does not tell whether the others are set.
        let is_new = SockRef::from(tcp).tcp_nodelay().is_ok_and(|is_set| !is_set);
        Self {
            way: address.map(|address| Way::over(is_loopback(address))),
            may_have_options: is_new && set_options(tcp.into(), shared).is_ok(),
        }
    }
}

/// Sets the options of a socket. Without Nagle's algorithm, small messages do not wait for the acknowledgement of
/// earlier ones. This option is the last one.
fn set_options(socket: SockRef<'_>, shared: &Shared) -> io::Result<()> {
    // A system that does not know the option works all the same.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket.set_tcp_notsent_lowat(UNSENT);
    if shared.settings.config.keepalive {
        socket.set_tcp_keepalive(&keepalive(shared.limits()))?;
    }
    socket.set_tcp_nodelay(true)
}

async fn accept_one(shared: &Arc<Shared>, listener: &Listener, known: Known, pause: &mut Duration) {
    match listener.accept().await {
        Ok(accepted) => {
            *pause = PAUSE.0;
            start(shared, accepted, known);
        }
        Err(error) if is_of_one_client(&error) => {}
        Err(error) => {
            // Waiting clients are accepted later. Accepting again at once would only use the processor.
            static THROTTLE: LogThrottle = LogThrottle::new();
            if let Some(left_out) = THROTTLE.allow() {
                tracing::warn!(left_out, %error, ?pause, "cannot accept connections");
            }
            sleep(*pause).await;
            *pause = PAUSE.1.min(*pause * 2);
        }
    }
}

fn start(shared: &Arc<Shared>, accepted: Accepted, known: Known) {
    match accepted {
        Accepted::Tcp(stream, remote) => {
            let socket = SockRef::from(&stream);
            if !(known.may_have_options && socket.tcp_nodelay().unwrap_or(false)) {
                // The call fails only if the connection is gone, and then reading fails, too.
                let _ = set_options(socket, shared);
            }
            // The local address of the connection counts, not the address of the listener: a listener on all addresses
            // also listens on the loopback address.
            let is_local = || stream.local_addr().ok().is_none_or(is_loopback);
            let way = known.way.unwrap_or_else(|| Way::over(is_local()));
            carry(shared, stream, ClientInfo::new(Some(remote), way));
        }
        #[cfg(unix)]
        Accepted::Unix(stream) => {
            let mut client_info = ClientInfo::new(None, Way::Unix);
            client_info.unix_peer = stream.peer_cred().ok().map(|peer| UnixPeer {
                uid: peer.uid(),
                gid: peer.gid(),
                pid: peer.pid(),
            });
            carry(shared, stream, client_info);
        }
    }
}

/// Finds clients that vanish while they wait for the answer to a `POST`, in the same time in which pings find the
/// vanished client of a WebSocket.
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
    if let Some(framing) = shared.settings.framing {
        tokio::spawn(framed::run(
            shared.clone(),
            stream,
            framing,
            client_info,
            admission,
            deadline,
        ));
        return;
    }
    tokio::spawn(connection::run(shared.clone(), stream, client_info, admission, deadline));
}

/// Returns whether the error concerns only one client, so that the next accept may succeed.
fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
