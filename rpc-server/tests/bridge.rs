//! `Bridge`: programs that speak JSON-RPC over pipes, behind a WebSocket.
#![cfg(target_os = "linux")]

#[path = "support/bridged.rs"]
mod bridged;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bridged::{closed, connect, is_gone, pid, serve, serve_script, shell};
use rpc_client::Client;
use rpc_core::transport::Framing;
use rpc_core::{CallError, CloseCode, Context, Fate, Router};
use rpc_server::{Bridge, Server};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// A program of a few lines, which answers `echo` and `pid`, asks its client in return, and can die.
const PROGRAM: &str = r#"
answer() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$1"; }
while IFS= read -r line; do
    rest=${line##*\"id\":}; id=${rest%%[,\}]*}
    params=${line#*\"params\":}; params=${params%%,\"id\":*}
    case "$line" in
        *'"method":"echo"'*) answer "$params" ;;
        *'"method":"pid"'*) answer $$ ;;
        *'"method":"ask"'*)
            printf '{"jsonrpc":"2.0","id":"q","method":"confirm","params":["sure?"]}\n'
            IFS= read -r line; said=${line#*\"id\":\"q\",}; answer "{${said}" ;;
        *'"method":"tell"'*) printf '{"jsonrpc":"2.0","method":"told","params":%s}\n' "$params"; answer null ;;
        *'"method":"silent"'*) ;;
        *'"method":"die"'*) exit 3 ;;
        *'"method":"quit"'*) exit 0 ;;
    esac
done
"#;

#[tokio::test]
async fn a_client_asks_a_program_and_is_asked_in_return() {
    let server = serve_script(PROGRAM).await;
    let confirm = Router::new()
        .method("confirm", |_: Context, (question,): (String,)| async move {
            Ok(format!("{question} yes"))
        });
    let client = Client::builder().service(confirm).connect(server.url()).await.unwrap();
    let echo: (i64, String) = client.peer().call("echo", (7, "text")).await.unwrap();
    assert_eq!(echo, (7, "text".into()));
    let said: serde_json::Value = client.peer().call("ask", ()).await.unwrap();
    assert_eq!(said["result"], "sure? yes");
}

/// What a client says over TCP or a Unix socket, without HTTP, reaches the program as well.
#[tokio::test]
async fn a_program_is_reached_by_links_without_http() {
    let path = std::env::temp_dir().join(format!("rpc-server-bridge-{}", std::process::id()));
    for framing in [Framing::Lines, Framing::ContentLength] {
        for is_unix in [false, true] {
            let bridge = Bridge::per_connection(|_| shell(PROGRAM));
            let server = Server::builder().bridge(bridge).framing(framing);
            let server = match is_unix {
                true => server.bind_unix(&path).unwrap(),
                false => server.bind("127.0.0.1:0").await.unwrap(),
            };
            let server = server.spawn();
            let confirm = |_: Context, (question,): (String,)| async move { Ok(question) };
            let client = Client::builder().service(Router::new().method("confirm", confirm));
            let client = client.framing(framing).connect(server.url()).await.unwrap();
            let program = pid(&client).await;
            let said: serde_json::Value = client.peer().call("ask", ()).await.unwrap();
            assert_eq!(said["result"], "sure?", "{framing:?}");
            assert!(client.peer().call::<()>("die", ()).await.is_err());
            // Without HTTP there is no place for the reason.
            closed(&client).await;
            is_gone(program).await;
            server.shutdown(Duration::ZERO).await;
        }
    }
}

#[tokio::test]
async fn each_client_has_a_program_that_ends_with_it() {
    let server = serve_script(PROGRAM).await;
    let (one, two) = (connect(&server).await, connect(&server).await);
    let (first, second) = (pid(&one).await, pid(&two).await);
    assert_ne!(first, second);
    one.close().await;
    is_gone(first).await;
    assert_eq!(pid(&two).await, second, "that of the other goes on");
    drop(two);
    is_gone(second).await;
}

#[tokio::test]
async fn the_end_of_a_program_is_told_with_its_code() {
    let server = serve_script(PROGRAM).await;
    for (method, code, text) in
        [("die", CloseCode::INTERNAL, "code 3"), ("quit", CloseCode::NORMAL, "code 0")]
    {
        let client = connect(&server).await;
        let open = client.peer().call::<()>("silent", ()).start();
        let failed = client.peer().call::<()>(method, ()).await.unwrap_err();
        assert_eq!(failed.fate(), Some(Fate::MaybeExecuted), "{failed:?}");
        assert_eq!(open.await.unwrap_err().fate(), Some(Fate::MaybeExecuted));
        let reason = closed(&client).await;
        assert_eq!(reason.code, Some(code), "{reason}");
        assert!(reason.reason.ends_with(text), "{reason}");
    }
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_told_without_its_name() {
    let server = serve(Bridge::per_connection(|_| Command::new("/no/such/program"))).await;
    let reason = closed(&connect(&server).await).await;
    assert_eq!(reason.code, Some(CloseCode::INTERNAL));
    assert_eq!(reason.reason, "the program cannot be started: entity not found");
    // One that dies at once says so, however early the client calls.
    let server = serve_script("exit 9").await;
    let client = connect(&server).await;
    assert!(client.peer().call::<()>("echo", ()).await.is_err());
    let reason = closed(&client).await;
    assert!(reason.reason.ends_with("code 9"), "{reason}");
}

#[tokio::test]
async fn no_more_programs_run_than_may() {
    let server = serve(Bridge::per_connection(|_| shell(PROGRAM)).programs(1)).await;
    let first = connect(&server).await;
    let program = pid(&first).await;
    let reason = closed(&connect(&server).await).await;
    assert_eq!(reason.code, Some(CloseCode::TRY_LATER), "{reason}");
    first.close().await;
    is_gone(program).await;
    for _ in 0..100 {
        let next = connect(&server).await;
        if next.peer().call::<u32>("pid", ()).await.is_ok() {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("its place is not free again");
}

#[tokio::test]
async fn a_program_that_never_answers_is_given_up() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let bridge = Bridge::per_connection(move |_| {
        let _ = tell.send(());
        shell("exec sleep 1000")
    });
    let server = serve(bridge.start_within(Duration::from_millis(300))).await;
    let client = connect(&server).await;
    told.recv().await.unwrap();
    // Nothing was asked yet.
    sleep(Duration::from_millis(600)).await;
    assert!(timeout(Duration::from_millis(1), client.peer().closed()).await.is_err());
    let call = client.peer().call::<()>("echo", ());
    assert!(matches!(call.await, Err(CallError::Closed { .. } | CallError::Remote(_))));
    let reason = closed(&client).await;
    assert_eq!(reason.code, Some(CloseCode::INTERNAL));
    assert!(reason.reason.contains("has not answered its first request"), "{reason}");
}

#[tokio::test]
async fn lines_that_are_no_messages_are_left_out_until_they_are_too_many() {
    let server = serve_script(
        r#"echo 'Starting …'; echo '{"half": '; IFS= read -r line; rest=${line##*\"id\":}
        echo 'null'; printf '{"jsonrpc":"2.0","id":%s,"result":1}\n' "${rest%%[,\}]*}"; exec sleep 1000"#,
    )
    .await;
    let client = connect(&server).await;
    assert_eq!(client.peer().call::<u8>("m", ()).await, Ok(1));
    let server = serve_script("exec yes garbage").await;
    let reason = closed(&connect(&server).await).await;
    assert_eq!(reason.code, Some(CloseCode::INTERNAL), "{reason}");
    assert!(!reason.reason.is_empty(), "{reason}");
}

#[tokio::test]
async fn a_shared_program_answers_whoever_has_asked() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let bridge = Bridge::shared(|| shell(PROGRAM))
        .notify_if(|_, params, client| {
            params != Some(r#"["second"]"#) || client.identity().as_deref() == Some("second")
        })
        .ask(move |method, clients| {
            log.lock().unwrap().push((method.to_owned(), clients.len()));
            clients.iter().find(|client| client.identity().is_some()).cloned()
        });
    let server = Server::builder()
        .on_connect(|connecting: rpc_server::Connecting| async move {
            if let Some(name) = connecting.header("x-user") {
                connecting.peer().identify(name)?;
            }
            Ok(())
        })
        .bridge(bridge)
        .bind("127.0.0.1:0")
        .await
        .unwrap()
        .spawn();
    let (tell, mut told) = mpsc::unbounded_channel();
    let client = |name: &'static str| {
        let tell = tell.clone();
        let service = Router::new()
            .method("confirm", move |_: Context, _: (String,)| async move { Ok(name) })
            .notification("told", move |_: Context, (text,): (String,)| {
                let _ = tell.send((name, text));
                std::future::ready(())
            });
        let builder = Client::builder().service(service);
        let builder = if name == "second" { builder.header("x-user", name) } else { builder };
        builder.connect(server.url())
    };
    let (first, second) = (client("first").await.unwrap(), client("second").await.unwrap());
    assert_eq!(pid(&first).await, pid(&second).await);
    for round in 0..20 {
        let calls = [&first, &second]
            .map(|client| client.peer().call::<(u32, String)>("echo", (round, "x")));
        for answer in futures_util::future::join_all(calls).await {
            assert_eq!(answer.unwrap().0, round);
        }
    }
    let said: serde_json::Value = first.peer().call("ask", ()).await.unwrap();
    assert_eq!(said["result"], "second", "the client that was chosen");
    assert_eq!(*asked.lock().unwrap(), [("confirm".to_owned(), 2)]);
    first.peer().call::<()>("tell", ("all",)).await.unwrap();
    let mut both = [told.recv().await.unwrap(), told.recv().await.unwrap()];
    both.sort();
    assert_eq!(both, [("first", "all".to_owned()), ("second", "all".to_owned())]);
    first.peer().call::<()>("tell", ("second",)).await.unwrap();
    assert_eq!(told.recv().await.unwrap(), ("second", "second".to_owned()));

    let before = pid(&first).await;
    first.close().await;
    assert_eq!(pid(&second).await, before, "it goes on without the first");
    assert!(second.peer().call::<()>("die", ()).await.is_err());
    assert!(closed(&second).await.reason.ends_with("code 3"));
    let third = connect(&server).await;
    let after = pid(&third).await;
    assert_ne!(after, before, "started anew");
    let said: serde_json::Value = third.peer().call("ask", ()).await.unwrap();
    assert_eq!(said["error"]["code"], -32601, "nobody was chosen: {said}");
    server.shutdown(Duration::from_secs(1)).await;
    drop((third, server));
    is_gone(after).await;
}

#[tokio::test]
async fn the_end_of_the_server_ends_its_programs() {
    let server = serve_script(PROGRAM).await;
    let client = connect(&server).await;
    let program = pid(&client).await;
    server.shutdown(Duration::from_secs(1)).await;
    assert_eq!(closed(&client).await.code, Some(CloseCode::RESTARTING));
    is_gone(program).await;
}
