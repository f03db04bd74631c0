//! Clients that reach their servers through a proxy, and proxies that do not let them.

use std::process::Command;
use std::time::Duration;

use rpc_client::{Carrier, Client, ConnectError, Fallback, Proxy, ProxyFailure, Reconnect};
use rpc_core::{Context, Router};
use rpc_server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

#[path = "support/proxies.rs"]
mod proxies;

use proxies::{head, socks, start, tunnel};

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("hangs")
}

/// A server, and its URL under a name that only the proxy knows.
async fn server() -> (Server, String) {
    let add = |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) };
    let server = Server::builder().service(Router::new().method("add", add)).sse(true);
    let server = server.allow_hosts(["rpc.invalid"]);
    let server = server.bind("127.0.0.1:0").await.unwrap().spawn();
    let url = format!("ws://rpc.invalid:{}", server.local_addr().unwrap().port());
    (server, url)
}

async fn calls(client: &Client) {
    assert_eq!(soon(client.peer().call::<i64>("add", (1, 2))).await.unwrap(), 3);
}

fn failure(error: ConnectError) -> (ProxyFailure, String, bool) {
    let (may_retry, text) = (error.may_retry(), error.to_string());
    assert!(!format!("{text} {error:?}").contains("secret"), "{error:?}");
    let ConnectError::Proxy { kind, .. } = error else { panic!("{error:?}") };
    (kind, text, may_retry)
}

#[tokio::test]
async fn whatever_carries_the_messages_goes_through_an_http_proxy() {
    let (_server, url) = server().await;
    let (address, asked) = start(tunnel).await;
    let proxy = Proxy::new(&format!("http://ada%40x:se%3Acret@{address}")).unwrap();
    for (fallback, carrier) in
        [(Fallback::Never, Carrier::WebSocket), (Fallback::Always, Carrier::Sse)]
    {
        let builder = Client::builder().header("authorization", "Bearer mine");
        let client = builder.proxy(proxy.clone()).fallback(fallback).connect(&url).await.unwrap();
        assert_eq!(client.carrier(), carrier);
        calls(&client).await;
    }
    let asked = asked.lock().unwrap();
    // Server-sent events take two connections.
    assert_eq!(asked.len(), 3, "{asked:?}");
    let place = url.strip_prefix("ws://").unwrap();
    for head in &*asked {
        assert!(head.starts_with(&format!("CONNECT {place} HTTP/1.1\r\n")), "{head}");
        assert!(head.contains(&format!("host: {place}\r\n")), "{head}");
        // `ada@x:se:cret`
        assert!(head.contains("proxy-authorization: Basic YWRhQHg6c2U6Y3JldA==\r\n"), "{head}");
        assert!(!head.contains("mine"), "the server's credentials are not the proxy's: {head}");
    }
}

#[tokio::test]
async fn a_socks_proxy_looks_up_names_or_is_given_addresses() {
    let (server, url) = server().await;
    let port = server.local_addr().unwrap().port();
    let (address, asked) = start(|client, asked| socks(client, asked, false)).await;
    let proxy = |scheme: &str| Proxy::new(&format!("{scheme}://{address}")).unwrap();
    for (scheme, url) in [("socks5h", &url), ("socks5", &format!("ws://localhost:{port}"))] {
        for fallback in [Fallback::Never, Fallback::Always] {
            let builder = Client::builder().proxy(proxy(scheme)).fallback(fallback);
            let client = builder.connect(url).await.unwrap();
            calls(&client).await;
        }
    }
    let asked = asked.lock().unwrap().clone();
    let (name, number) = (format!("rpc.invalid:{port}"), format!("127.0.0.1:{port}"));
    // `localhost` may be `::1` first.
    assert!(asked[..3].iter().all(|it| *it == name), "{asked:?}");
    assert!(asked[3..].iter().all(|it| *it == number), "{asked:?}");
    let error = Client::builder().proxy(proxy("socks5")).connect(&url).await.unwrap_err();
    let (kind, text, _) = failure(error);
    assert_eq!(kind, ProxyFailure::Server);
    assert!(
        text.contains("`rpc.invalid` cannot be looked up here") && text.contains("socks5h"),
        "{text}"
    );
}

#[tokio::test]
async fn a_socks_proxy_is_given_the_user_it_wants() {
    let (_server, url) = server().await;
    let (address, _) = start(|client, asked| socks(client, asked, true)).await;
    let connect = async |login: &str| {
        let proxy = Proxy::new(&format!("socks5h://{login}{address}")).unwrap();
        Client::builder().proxy(proxy).connect(&url).await
    };
    calls(&connect("ada:secret@").await.unwrap()).await;
    for (login, hint) in [
        ("", "write them into its URL"),
        ("ada:secret2@", "does not accept the user and password"),
        ("ada@", "1 to 255 bytes"),
    ] {
        let (kind, text, may_retry) = failure(connect(login).await.unwrap_err());
        assert_eq!((kind, may_retry), (ProxyFailure::Login, false), "{login}: {text}");
        assert!(text.contains(hint) && text.contains(&address), "{login}: {text}");
    }
}

/// What a proxy says, and what the client makes of that.
struct Odd {
    says: Vec<u8>,
    kind: ProxyFailure,
    hint: &'static str,
}

fn odd(says: impl Into<Vec<u8>>, kind: ProxyFailure, hint: &'static str) -> Odd {
    Odd { says: says.into(), kind, hint }
}

async fn check_odd(scheme: &str, all: Vec<Odd>) {
    for Odd { says, kind, hint } in all {
        let said = says.clone();
        let (address, _) = start(move |mut client, _| {
            let said = said.clone();
            async move {
                // What a proxy of SOCKS says at once comes in order all the same.
                client.read_buf(&mut Vec::with_capacity(4096)).await?;
                client.write_all(&said).await?;
                client.shutdown().await?;
                client.read_to_end(&mut Vec::new()).await.map(drop)
            }
        })
        .await;
        let proxy = Proxy::new(&format!("{scheme}://{address}")).unwrap();
        let error = soon(Client::builder().proxy(proxy).connect("ws://rpc.invalid:1")).await;
        let (found, text, may_retry) = failure(error.unwrap_err());
        assert_eq!(found, kind, "{:?}: {text}", String::from_utf8_lossy(&says));
        assert!(text.contains(hint), "{text}");
        assert!(text.starts_with(&format!("no way through the proxy `{address}`: ")), "{text}");
        let is_final = matches!(kind, ProxyFailure::Login | ProxyFailure::Forbidden);
        assert_eq!(may_retry, !is_final, "{text}");
    }
}

#[tokio::test]
async fn each_refusal_of_an_http_proxy_says_what_to_change() {
    use ProxyFailure::{Forbidden, Login, Protocol, Server, Unreachable};
    let answer = |status: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    check_odd(
        "http",
        vec![
            odd(answer("407 Proxy Authentication Required", ""), Login, "it wants a user"),
            odd(answer("401 Unauthorized", ""), Login, "it wants a user"),
            odd(answer("403 Forbidden", "no"), Forbidden, "connect to `rpc.invalid:1`"),
            odd(answer("405 Method Not Allowed", ""), Forbidden, "405"),
            odd(answer("502 Bad Gateway", "no\u{1b}such host"), Server, r"no\u{1b}such host"),
            odd(answer("503 Service Unavailable", ""), Server, "to `CONNECT rpc.invalid:1`"),
            odd(answer("101 Switching Protocols", ""), Server, "101"),
            odd("HTTP/1.1 302 Found\r\nLocation: http://secret\r\n\r\n", Server, "302"),
            odd("\x05\x00\x00\x01", Protocol, "is it a proxy of SOCKS"),
            odd("SSH-2.0-x\r\n", Protocol, "not HTTP/1.1"),
            odd(format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(40_000)), Protocol, "16 KiB"),
            odd("", Unreachable, "without an answer"),
            odd("HTTP/1.1 200 O", Unreachable, "without an answer"),
        ],
    )
    .await;
}

#[tokio::test]
async fn each_refusal_of_a_socks_proxy_says_what_to_change() {
    use ProxyFailure::{Forbidden, Login, Protocol, Server, Unreachable};
    let reply = |code: u8| [&[5, 0, 5, code, 0, 1][..], &[0; 6]].concat();
    check_odd(
        "socks5h",
        vec![
            odd(reply(1), Server, "cannot reach the server"),
            odd(reply(2), Forbidden, "does not let clients connect"),
            odd(reply(3), Server, "Network unreachable"),
            odd(reply(4), Server, "Host unreachable"),
            odd(reply(5), Server, "Connection refused"),
            odd(reply(6), Server, "TTL expired"),
            odd(reply(7), Server, "Command not supported"),
            odd(reply(8), Server, "Address type not supported"),
            odd(reply(99), Protocol, "unknown code"),
            odd([5, 0xff], Login, "write them into its URL"),
            odd([5, 9], Protocol, "unknown code"),
            odd([4, 0], Protocol, "does not speak SOCKS 5"),
            odd("HTTP/1.1 400 Bad Request\r\n\r\n", Protocol, "does not speak SOCKS 5"),
            odd([5, 0, 5, 0, 0, 9, 0, 0], Protocol, "does not speak SOCKS 5"),
            odd([5], Unreachable, "without an answer"),
            odd([5, 0, 5], Unreachable, "without an answer"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_proxy_that_is_not_there_or_says_nothing_is_named_or_timed_out() {
    for scheme in ["http", "socks5h"] {
        let proxy = Proxy::new(&format!("{scheme}://ada:secret@127.0.0.1:1")).unwrap();
        let error = Client::builder().proxy(proxy).connect("ws://rpc.invalid:1").await;
        let (kind, text, may_retry) = failure(error.unwrap_err());
        assert_eq!((kind, may_retry), (ProxyFailure::Unreachable, true), "{text}");
        assert!(text.contains("proxy `127.0.0.1:1`"), "{text}");

        let (address, _) = start(|mut client, _| async move {
            while client.read_u8().await.is_ok() {}
            Ok(())
        })
        .await;
        let proxy = Proxy::new(&format!("{scheme}://{address}")).unwrap();
        let builder = Client::builder().connect_timeout(Duration::from_millis(50)).proxy(proxy);
        let error = soon(builder.connect("ws://rpc.invalid:1")).await.unwrap_err();
        assert!(matches!(error, ConnectError::Timeout(_)), "{error}");
    }
}

#[tokio::test]
async fn what_the_server_says_right_behind_the_answer_of_the_proxy_is_not_lost() {
    let (address, _) = start(|mut client, _| async move {
        head(&mut client).await?;
        let said = b"HTTP/1.1 200 OK\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"hi\"}\n";
        client.write_all(said).await?;
        let mut answer = vec![0; 38];
        client.read_exact(&mut answer).await?;
        assert_eq!(answer, *b"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"ho\"}");
        client.write_all(b"\n{\"jsonrpc\":\"2.0\",\"method\":\"end\"}\n").await?;
        client.read_to_end(&mut answer).await.map(drop)
    })
    .await;
    let (told, mut tell) = tokio::sync::mpsc::unbounded_channel();
    let service = Router::new().method("hi", |_: Context, (): ()| async { Ok("ho") }).method(
        "end",
        move |_: Context, (): ()| {
            let told = told.clone();
            async move {
                told.send(()).unwrap();
                Ok(())
            }
        },
    );
    let proxy = Proxy::new(&format!("http://{address}")).unwrap();
    let builder = Client::builder().service(service).proxy(proxy);
    let _client = builder.connect("tcp://rpc.invalid:1").await.unwrap();
    soon(tell.recv()).await.unwrap();
}

#[tokio::test]
async fn a_client_that_stays_connected_goes_through_the_proxy_again() {
    let (server, url) = server().await;
    let (address, asked) = start(tunnel).await;
    let proxy = Proxy::new(&format!("http://{address}")).unwrap();
    let builder = Client::builder().proxy(proxy).reconnect(Reconnect::default());
    let client = builder.connect(&url).await.unwrap();
    let mut states = client.states();
    server.peers()[0].close(rpc_core::CloseCode::RESTARTING, "");
    while !states.next().await.unwrap().to_string().contains("fresh") {}
    calls(&client).await;
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[test]
fn the_environment_is_asked_when_the_program_asks() {
    const NAME: &str = "the_environment_is_asked_when_the_program_asks";
    if std::env::var("ALL_PROXY").is_ok_and(|proxy| proxy.starts_with("socks5h://me")) {
        let text = format!("{:?}", Proxy::from_env().unwrap());
        return assert!(text.contains("socks5h://me:1") && text.contains("example.com"), "{text}");
    }
    if std::env::var("HTTP_PROXY").is_ok_and(|proxy| proxy == "gopher://secret") {
        let text = Proxy::from_env().unwrap_err().to_string();
        return assert!(text.contains("`HTTP_PROXY`") && !text.contains("secret"), "{text}");
    }
    for (variable, value) in [("ALL_PROXY", "socks5h://me:1"), ("HTTP_PROXY", "gopher://secret")] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME])
            .env_clear()
            .env(variable, value)
            .env("NO_PROXY", "example.com")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    }
}
