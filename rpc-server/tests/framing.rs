//! Links without HTTP: the same services, hooks and limits.

mod support;

use std::time::Duration;

use rpc_client::Client;
use rpc_core::transport::Framing;
use rpc_core::{CallError, CloseCode, Context, Router};
use rpc_server::{Connecting, Error, Rejection, Server, ServerBuilder, StatusCode};
use support::limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn adds() -> ServerBuilder {
    let add = |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) };
    let slow = |_: Context, (): ()| async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok("slow")
    };
    let back = |cx: Context, (): ()| async move {
        cx.peer()
            .call::<i64>("double", (21,))
            .await
            .map_err(|_| rpc_core::ErrorObject::new(1, "no"))
    };
    let router = Router::new().method("add", add).method("slow", slow).method("back", back);
    Server::builder().service(router)
}

async fn serve(builder: ServerBuilder) -> (Server, TcpStream) {
    let server = builder.bind("127.0.0.1:0").await.unwrap().spawn();
    let stream = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
    (server, stream)
}

async fn said(mut stream: TcpStream) -> String {
    let mut said = String::new();
    // A reset is an end as well.
    let _ = stream.read_to_string(&mut said).await;
    said
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"add","params":[1,2]}"#;
const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":3}"#;

/// As `echo '…' | nc -N localhost 9944` does it.
#[tokio::test]
async fn a_line_is_answered_by_a_line() {
    let (server, mut stream) = serve(adds().framing(Framing::Lines)).await;
    assert!(server.url().starts_with("tcp://127.0.0.1:"), "{}", server.url());
    stream.write_all(format!("{CALL}\r\n").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(said(stream).await, format!("{ANSWER}\n"));
}

#[tokio::test]
async fn a_head_is_answered_by_a_head() {
    let (_server, mut stream) = serve(adds().framing(Framing::ContentLength)).await;
    stream
        .write_all(format!("Content-Length: {}\r\n\r\n{CALL}", CALL.len()).as_bytes())
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(said(stream).await, format!("Content-Length: {}\r\n\r\n{ANSWER}", ANSWER.len()));
}

/// A page can make its browser send such a request to any port.
#[tokio::test]
async fn the_body_of_a_request_by_http_is_not_run() {
    for framing in [Framing::Lines, Framing::ContentLength] {
        let (server, mut stream) = serve(adds().framing(framing)).await;
        let request = format!("POST / HTTP/1.1\r\nContent-Type: text/plain\r\n\r\n{CALL}\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(said(stream).await, "");
        while server.stats().connections > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn hooks_decide_and_see_the_address() {
    let builder = adds().framing(Framing::Lines).on_connect(|connecting: Connecting| async move {
        assert!(connecting.client_addr().unwrap().is_loopback());
        assert!(connecting.headers().is_empty() && connecting.unix_peer().is_none());
        Err::<(), _>(Rejection::new(StatusCode::FORBIDDEN, "nobody"))
    });
    let (server, mut stream) = serve(builder).await;
    let _ = stream.write_all(format!("{CALL}\n").as_bytes()).await;
    assert_eq!(said(stream).await, "");
    assert_eq!(server.stats().refused, 1);
}

#[tokio::test]
async fn no_more_connections_than_there_may_be() {
    let few = limits(|limits| limits.connections = 1);
    let (server, mut first) = serve(adds().framing(Framing::Lines).limits(few)).await;
    first.write_all(format!("{CALL}\n").as_bytes()).await.unwrap();
    let mut answer = vec![0; ANSWER.len() + 1];
    first.read_exact(&mut answer).await.unwrap();
    let second = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
    assert_eq!(said(second).await, "");
    drop(first);
    loop {
        let mut third = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
        let _ = third.write_all(format!("{CALL}\n").as_bytes()).await;
        let _ = third.shutdown().await;
        if said(third).await == format!("{ANSWER}\n") {
            break;
        }
    }
}

#[tokio::test]
async fn a_shutdown_answers_what_runs() {
    let (server, mut stream) = serve(adds().framing(Framing::Lines)).await;
    stream.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"slow\"}\n").await.unwrap();
    while server.stats().connections == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (_, said) = tokio::join!(server.shutdown(Duration::from_secs(30)), said(stream));
    assert_eq!(said, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"slow\"}\n");
}

#[tokio::test]
async fn both_ends_call_over_tcp() {
    for framing in [Framing::Lines, Framing::ContentLength] {
        let server = adds().framing(framing).bind("127.0.0.1:0").await.unwrap().spawn();
        let double = |_: Context, (number,): (i64,)| async move { Ok(2 * number) };
        let client = Client::builder()
            .service(Router::new().method("double", double))
            .framing(framing)
            .connect(server.url())
            .await
            .unwrap();
        assert_eq!(client.peer().call::<i64>("back", ()).await.unwrap(), 42);
        let unknown = client.peer().call::<i64>("unknown", ()).await;
        assert!(matches!(unknown, Err(CallError::Remote(_))), "{unknown:?}");
        assert_eq!(client.close().await.code, Some(CloseCode::NORMAL));
    }
}

#[tokio::test]
async fn settings_of_http_contradict() {
    for (builder, setting) in [
        (adds().path("/rpc"), "path"),
        (adds().health("/healthz"), "health"),
        (adds().subprotocol("mcp"), "subprotocol"),
        (adds().allow_origins(["*"]), "allow_origins"),
        (adds().trusted_proxies(["127.0.0.1"]), "trusted_proxies"),
        (adds().sessions(rpc_server::Sessions::new()), "sessions"),
    ] {
        let error = builder.framing(Framing::Lines).bind("127.0.0.1:0").await.unwrap_err();
        assert!(error.to_string().contains(&format!("leave out `.{setting}(…)`")), "{error}");
    }
    let error = adds().framing(Framing::Lines).into_tower_service().unwrap_err();
    assert!(matches!(error, Error::Framing("into_tower_service")));
}
