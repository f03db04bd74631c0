//! Sessions that outlive their links, with clients that say each message by hand.

#[cfg(feature = "tls")]
#[path = "../../../rpc-core/tls/tests/support/mod.rs"]
mod certificates;
#[path = "../support/session.rs"]
mod session;
#[path = "../support/mod.rs"]
mod support;
#[cfg(feature = "tls")]
#[path = "../support/tls.rs"]
mod tls;

mod callers;
mod counts;
mod ending;
mod granting;
mod groups;
mod hooks;
mod logins;
mod names;
mod resuming;
mod seats;
mod stopping;
mod tokens;
mod undecidable;
mod ways;

use rpc_core::Limits;
use rpc_server::{Server, ServerBuilder, Sessions};
use support::{Raw, echo, limits, soon, until};

use session::{ANNOUNCE, shake};

/// A session over TCP.
type Session = session::Session<Raw>;

/// A server with sessions and a method `echo`, before it listens.
fn sessions(change: impl FnOnce(&mut Limits)) -> ServerBuilder {
    echo().sessions(Sessions::new()).limits(limits(change))
}

/// A link with more headers.
async fn open_with(server: &Server, headers: &str) -> Raw {
    let mut raw = Raw::connect(server).await;
    let head = shake(&mut raw, headers).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    raw
}

/// A link that announces a resume.
async fn announced(server: &Server) -> Raw {
    open_with(server, ANNOUNCE).await
}

async fn begin(server: &Server) -> Session {
    Session::begin(Raw::open(server).await).await
}

/// Cuts the link of a session, and waits until the server knows. Returns a session without a link that works.
async fn cut(server: &Server, session: Session) -> Session {
    let away = server.stats().sessions.away;
    let Session { mut raw, token, attempt, received } = session;
    // What was sent is taken in before the end of the stream.
    raw.shutdown().await;
    until(|| server.stats().sessions.away > away).await;
    Session { raw, token, attempt, received }
}

/// A peer that is away.
async fn away(server: &Server) -> (Session, rpc_core::Peer) {
    let session = cut(server, begin(server).await).await;
    let peer = server.peers().pop().unwrap();
    (session, peer)
}
