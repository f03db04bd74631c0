//! Who is the same caller.

use rpc_core::Peer;
use rpc_server::{Connecting, Rejection, Server, ServerBuilder, Sessions};

use crate::session::ANNOUNCE;
use crate::support::{Raw, echo, limits, spawn};
use crate::{Session, open_with};

struct User {
    id: u32,
}

/// The caller is the user that `X-User` names; `value` and `name` say what is known of it.
fn builder(has_name: bool, has_value: bool, sessions: Sessions) -> ServerBuilder {
    let builder = echo().sessions(sessions).limits(limits(|_| {}));
    let name = move |connecting: &Connecting| {
        let id = connecting.header("x-user").and_then(|id| id.parse().ok()).unwrap_or(0);
        if has_name && id > 0 {
            connecting.peer().identify(format!("user:{id}")).unwrap();
        }
        id
    };
    if has_value {
        builder.on_connect(move |connecting: Connecting| {
            let id = name(&connecting);
            async move { Ok::<_, Rejection>(User { id }) }
        })
    } else {
        builder.on_connect(move |connecting: Connecting| {
            name(&connecting);
            async { Ok::<_, Rejection>(()) }
        })
    }
}

async fn announced(server: &Server, user: u32) -> Raw {
    open_with(server, &format!("X-User: {user}\r\n{ANNOUNCE}")).await
}

async fn begin(server: &Server, user: u32) -> Session {
    Session::begin(open_with(server, &format!("X-User: {user}\r\n")).await).await
}

/// Another caller is refused and touches nothing; then the same one has the session.
async fn only_the_same(builder: ServerBuilder, others: &[u32]) {
    let server = spawn(builder).await;
    let mut session = begin(&server, 1).await;
    let peer: Peer = server.peers().pop().unwrap();
    for other in others {
        let (_raw, said) = session.ask(announced(&server, *other).await).await;
        assert_eq!(said["refused"], "unknown", "{said}");
        assert!(said["received"].is_null(), "{said}");
        session.echoes("untouched").await;
    }
    session.resume(announced(&server, 1).await).await;
    session.echoes("the same").await;
    assert_eq!(server.peers()[0], peer);
    let refused = server.stats().sessions.refused;
    assert_eq!(refused.values().sum::<u64>(), others.len() as u64, "{refused:?}");
}

#[tokio::test]
async fn the_names_are_compared() {
    only_the_same(builder(true, false, Sessions::new()), &[2, 0]).await;
    only_the_same(builder(true, true, Sessions::new()), &[2, 0]).await;
}

#[tokio::test]
async fn the_application_compares_the_values() {
    let same = || Sessions::new().same(|old: &User, new: &User| old.id == new.id);
    only_the_same(builder(false, true, same()), &[2, 0]).await;
    only_the_same(builder(true, true, same()), &[2, 0]).await;
    let strange = Sessions::new().same(|old: &User, new: &User| {
        assert!(new.id != 2, "a panic is another caller");
        old.id == new.id
    });
    only_the_same(builder(true, true, strange), &[2, 3]).await;
}

/// Nothing tells two callers apart, so the token alone proves who has it.
#[tokio::test]
async fn without_names_and_values_the_token_is_enough() {
    only_the_same(builder(false, false, Sessions::new()), &[]).await;
    only_the_same(echo().sessions(Sessions::new()), &[]).await;
}

/// Also when the session has ended: nothing of it is told.
#[tokio::test]
async fn another_caller_does_not_learn_how_the_session_ended() {
    let server = spawn(builder(true, false, Sessions::new())).await;
    let mut session = crate::cut(&server, begin(&server, 1).await).await;
    server.peers()[0].kick(rpc_core::CloseCode::FORBIDDEN, "out");
    crate::until(|| server.peers().is_empty()).await;
    let (_, said) = session.ask(announced(&server, 2).await).await;
    assert_eq!(said["refused"], "unknown", "{said}");
    assert!(said["received"].is_null() && said["code"].is_null(), "{said}");
    let (_, said) = session.ask(announced(&server, 1).await).await;
    assert_eq!((&said["refused"], &said["code"]), (&"ended".into(), &4403.into()), "{said}");
}
