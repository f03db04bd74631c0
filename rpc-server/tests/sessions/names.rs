//! Names that must be unique, and links that resume the session of the same name.

use rpc_core::{CloseCode, SameName};
use rpc_server::{Connecting, Server, ServerBuilder, Sessions};
use serde_json::json;

use crate::session::{ANNOUNCE, greet, shake};
use crate::support::{Raw, echo, soon, spawn, until};
use crate::{Session, cut, open_with};

const ADA: &str = "X-User: ada\r\n";

fn club(same_name: SameName) -> ServerBuilder {
    echo().sessions(Sessions::new()).same_name(same_name).on_connect(
        |connecting: Connecting| async move {
            connecting.peer().identify(connecting.header("x-user").unwrap())?;
            Ok(())
        },
    )
}

async fn announced(server: &Server) -> Raw {
    open_with(server, &format!("{ADA}{ANNOUNCE}")).await
}

async fn begin(server: &Server) -> Session {
    Session::begin(open_with(server, ADA).await).await
}

/// The session keeps its name, whatever rule there is and whether its link works.
#[tokio::test]
async fn a_link_that_resumes_is_no_second_holder_of_the_name() {
    for rule in [SameName::Both, SameName::Refuse, SameName::Replace] {
        let server = spawn(club(rule)).await;
        let mut session = begin(&server).await;
        let peer = server.peers().pop().unwrap();
        for is_away in [true, false, true] {
            if is_away {
                session = cut(&server, session).await;
            }
            assert_eq!(server.peers_of("ada"), std::slice::from_ref(&peer));
            session.resume(announced(&server).await).await;
            session.echoes("hi").await;
            assert_eq!(server.peers_of("ada"), std::slice::from_ref(&peer), "{rule:?}");
        }
        // An announced link that is cut before its first message changes nothing.
        announced(&server).await.reset();
        session.echoes("hi").await;
        session.close(1000).await;
        until(|| server.peers_of("ada").is_empty()).await;
    }
}

#[tokio::test]
async fn a_second_connection_is_refused_while_the_first_one_is_away() {
    let server = spawn(club(SameName::Refuse)).await;
    let mut session = cut(&server, begin(&server).await).await;
    let head = shake(&mut Raw::connect(&server).await, ADA).await;
    assert!(!head.starts_with("HTTP/1.1 101"), "{head}");
    // One that announced a resume gets its answer later.
    let mut raw = announced(&server).await;
    raw.send_text(&hello(json!({ "token": "abc.def", "attempt": 1, "received": 0 }))).await;
    let (code, reason) = raw.close_frame().await;
    assert_eq!((code, &*reason), (1013, "another connection has the name"));
    session.resume(announced(&server).await).await;
    session.echoes("mine").await;
}

fn hello(session: serde_json::Value) -> String {
    let params = json!({ "duplex": 1, "session": session });
    json!({ "jsonrpc": "2.0", "method": "$/hello", "params": params }).to_string()
}

#[tokio::test]
async fn a_second_connection_replaces_the_first_one_that_is_away() {
    for announces in [false, true] {
        let server = spawn(club(SameName::Replace)).await;
        let mut session = cut(&server, begin(&server).await).await;
        let first = server.peers().pop().unwrap();
        let mut second = if announces {
            let mut raw = announced(&server).await;
            let said = greet(&mut raw, json!({ "token": "abc.def" })).await;
            assert_eq!(said["refused"], "unknown", "{said}");
            raw
        } else {
            open_with(&server, ADA).await
        };
        assert_eq!(soon(first.closed()).await.code, Some(CloseCode::TAKEN_OVER));
        assert_eq!((server.peers().len(), server.peers_of("ada").len()), (1, 1));
        let (_, said) = session.ask(announced(&server).await).await;
        assert_eq!((&said["refused"], &said["code"]), (&json!("ended"), &json!(4409)), "{said}");
        // The link that asked has the name now.
        assert_eq!(second.close_frame().await.0, 4409);
    }
}
