//! Logins that expire while a session is away, and guests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rpc_core::{CloseCode, Context, Peer, Router};
use rpc_server::{Connecting, Rejection, Server, ServerBuilder, Sessions};
use serde_json::json;

use crate::support::{echo, soon, spawn, until};
use crate::{Session, announced, away, begin, cut, sessions};

/// Logins that hold for so many milliseconds; 0 is for ever.
fn expiring(holds: &Arc<AtomicU64>) -> ServerBuilder {
    let holds = holds.clone();
    sessions(|_| {}).on_connect(move |connecting: Connecting| {
        let holds = holds.load(Ordering::SeqCst);
        connecting.peer().set_expiry((holds > 0).then(|| Duration::from_millis(holds)));
        async { Ok::<_, Rejection>(()) }
    })
}

/// A session that is away, whose login is over.
async fn expired(server: &Server) -> (Session, Peer) {
    let (session, peer) = away(server).await;
    peer.set_expiry(Duration::from_millis(1));
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(!peer.is_closed(), "nothing is delivered, so nothing ends");
    (session, peer)
}

#[tokio::test]
async fn a_login_that_expired_while_away_is_renewed_by_the_link_that_resumes() {
    for later in [0, 3_600_000] {
        let holds = Arc::new(AtomicU64::new(later));
        let server = spawn(expiring(&holds)).await;
        let (mut session, _) = expired(&server).await;
        session.resume(announced(&server).await).await;
        session.echoes("logged in").await;
    }
}

#[tokio::test]
async fn a_login_that_is_not_renewed_ends_the_session() {
    let holds = Arc::new(AtomicU64::new(0));
    let server = spawn(expiring(&holds)).await;
    let (mut session, peer) = expired(&server).await;
    holds.store(1, Ordering::SeqCst);
    let raw = announced(&server).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    let (_raw, said) = session.ask(raw).await;
    assert_eq!((&said["refused"], &said["code"]), (&json!("ended"), &json!(4401)), "{said}");
    assert_eq!(soon(peer.closed()).await.code, Some(CloseCode::NOT_AUTHENTICATED));
}

/// The expiry of the new link replaces that of the session, also if it is earlier.
#[tokio::test]
async fn the_new_link_says_when_the_login_ends() {
    let holds = Arc::new(AtomicU64::new(3_600_000));
    let server = spawn(expiring(&holds)).await;
    let mut session = cut(&server, begin(&server).await).await;
    holds.store(200, Ordering::SeqCst);
    session.resume(announced(&server).await).await;
    let (code, _) = session.raw.close_frame().await;
    assert_eq!(code, 4401);
}

/// A guest is granted one, which is kept only after the login.
#[tokio::test]
async fn the_session_of_a_guest_is_kept_only_after_the_login() {
    let login = Router::new()
        .method("login", |cx: Context, (): ()| async move { Ok(cx.peer().log_in(())) });
    let builder = echo()
        .service(login)
        .sessions(Sessions::new())
        .on_connect(|_: Connecting| async { Err::<(), _>(Rejection::until_login(["login"])) });
    let server = spawn(builder).await;
    let guest = begin(&server).await;
    guest.raw.reset();
    until(|| server.peers().is_empty()).await;

    let mut guest = begin(&server).await;
    guest.call(1, "login", json!([])).await;
    assert_eq!(guest.next().await["result"], true);
    cut(&server, guest).await;
    assert_eq!(server.stats().sessions.away, 1);
}
