//! A client against servers of all kinds, played by hand.

use std::io;
#[cfg(target_os = "linux")]
use std::net::{Ipv6Addr, SocketAddrV6};
use std::time::Duration;

use rpc_client::{Client, ClientBuilder, ConnectError, StatusCode};
use rpc_core::{CallError, Context, Router};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Waits for what should be there at once; the time only ends a test that hangs.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("hangs")
}

/// A server that serves one connection with `serve`; its URL.
async fn server<F>(serve: impl FnOnce(TcpStream, String) -> F + Send + 'static) -> String
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = read_head(&mut stream).await;
        let _ = serve(stream, head).await;
    });
    url
}

/// A server that gives `answer` to whatever is asked, and hangs up.
async fn answering(answer: impl Into<String>) -> String {
    let answer = answer.into();
    server(async move |mut stream: TcpStream, _| stream.write_all(answer.as_bytes()).await).await
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// The answer that accepts a request.
fn accept(head: &str) -> String {
    let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).unwrap();
    let accept = derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

fn text_frame(text: &str) -> Vec<u8> {
    [&[0x81, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

/// The text of a frame from the client, of less than 64 KiB.
async fn read_text(stream: &mut TcpStream) -> io::Result<String> {
    stream.read_u8().await?;
    let length = match stream.read_u8().await? & 0x7f {
        126 => stream.read_u16().await?,
        length => length.into(),
    };
    let mut mask = [0; 4];
    stream.read_exact(&mut mask).await?;
    let mut text = vec![0; length.into()];
    stream.read_exact(&mut text).await?;
    text.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Ok(String::from_utf8(text).unwrap())
}

async fn refusal(url: &str) -> ConnectError {
    soon(Client::builder().connect(url)).await.unwrap_err()
}

#[tokio::test]
async fn a_refusal_tells_status_and_text() {
    let answers = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", StatusCode::OK, "hello"),
        (
            "HTTP/1.1 401 No\r\nContent-Length: 8\r\n\r\nno token",
            StatusCode::UNAUTHORIZED,
            "no token",
        ),
        ("HTTP/1.1 403 No\r\n\r\nuntil the end", StatusCode::FORBIDDEN, "until the end"),
        ("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", StatusCode::FOUND, ""),
        // The body breaks off; what came of it counts.
        (
            "HTTP/1.1 503 No\r\nContent-Length: 99\r\n\r\nbusy",
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
        ),
    ];
    for (answer, expected, text) in answers {
        let error = refusal(&answering(answer).await).await;
        let ConnectError::Rejected { status, body, .. } = error else { panic!("{error}") };
        assert_eq!((status, body.as_str()), (expected, text));
    }
}

#[tokio::test]
async fn a_refusal_tells_where_else_and_when_to_try() {
    let redirect = "HTTP/1.1 301 Moved\r\nLocation: https://a.example/x?token=s3cr3t\r\n\r\n";
    let error = refusal(&answering(redirect).await).await;
    let text = "the server answered 301 Moved Permanently and points to `https://a.example/x`, which is not followed";
    assert_eq!(error.to_string(), text);
    let ConnectError::Rejected { location, retry_after: None, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(location.unwrap().as_str(), "https://a.example/x?token=s3cr3t");

    let later = "HTTP/1.1 503 No\r\nRetry-After: 120\r\n\r\nbusy";
    let error = refusal(&answering(later).await).await;
    let text = "the server answered 503 Service Unavailable (try again in 120s): busy";
    assert_eq!(error.to_string(), text);
    let ConnectError::Rejected { location: None, retry_after, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(retry_after, Some(Duration::from_secs(120)));
}

#[tokio::test]
async fn of_an_endless_refusal_the_beginning_is_kept() {
    let url = server(async |mut stream: TcpStream, _| {
        stream.write_all(b"HTTP/1.1 500 No\r\n\r\n").await?;
        loop {
            stream.write_all(&[b'x'; 4096]).await?;
        }
    })
    .await;
    let error = refusal(&url).await;
    let ConnectError::Rejected { body, .. } = error else { panic!("{error}") };
    assert_eq!(body, "x".repeat(1024));
}

#[tokio::test]
async fn a_refusal_is_not_lost_to_a_body_that_never_comes() {
    let url = server(async |mut stream: TcpStream, _| {
        stream.write_all(b"HTTP/1.1 401 No\r\nContent-Length: 9\r\n\r\nnot").await?;
        std::future::pending().await
    })
    .await;
    let error = refusal(&url).await;
    let ConnectError::Rejected { status, body, .. } = error else { panic!("{error}") };
    assert_eq!((status, body.as_str()), (StatusCode::UNAUTHORIZED, "not"));
}

#[tokio::test]
async fn a_wrong_handshake_names_what_is_wrong() {
    const KEY: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    let cases = [
        (format!("HTTP/1.1 101 x\r\nConnection: Upgrade\r\n{KEY}\r\n"), "lacks `Upgrade"),
        (format!("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n{KEY}\r\n"), "lacks `Connection"),
        (
            format!("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{KEY}\r\n"),
            "our key",
        ),
        ("SSH-2.0-OpenSSH_9.7\r\n\r\n".into(), "not HTTP/1.1"),
        ("\0\0\0\0\0\0\0\0".into(), "not HTTP/1.1"),
        ("HTTP/1.1 1".into(), "without an answer"),
        (String::new(), "without an answer"),
        (format!("HTTP/1.1 101 x\r\nX: {}\r\n\r\n", "x".repeat(64 * 1024)), "16 KiB"),
    ];
    for (answer, hint) in cases {
        let error = refusal(&answering(answer.clone()).await).await;
        assert!(matches!(error, ConnectError::Handshake(_)), "{answer:?}: {error:?}");
        assert!(error.to_string().contains(hint), "{answer:?}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let url = server(async |_, _| std::future::pending().await).await;
    let time = Duration::from_millis(100);
    let error = Client::builder().connect_timeout(time).connect(&url).await.unwrap_err();
    assert!(matches!(error, ConnectError::Timeout(limit) if limit == time), "{error}");
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for (host, cause) in [
        (address.to_string(), format!("{address}: Connection refused")),
        ("no-such-host.invalid:80".into(), "failed to lookup address information".into()),
    ] {
        let error = refusal(&format!("ws://{host}/secret")).await;
        let text = error.to_string();
        assert!(text.starts_with(&format!("no connection to `{host}`: {cause}")), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn what_comes_right_behind_the_answer_is_not_lost() {
    let (tell, heard) = tokio::sync::oneshot::channel();
    let url = server(async |mut stream: TcpStream, head: String| {
        let call = text_frame(r#"{"jsonrpc":"2.0","id":1,"method":"your_name"}"#);
        stream.write_all(&[accept(&head).as_bytes(), &call].concat()).await?;
        tell.send(read_text(&mut stream).await?).unwrap();
        std::future::pending().await
    })
    .await;
    let me = Router::new().method("your_name", |_: Context, (): ()| async { Ok("Ada") });
    let _client = Client::builder().service(me).connect(&url).await.unwrap();
    assert_eq!(soon(heard).await.unwrap(), r#"{"jsonrpc":"2.0","id":1,"result":"Ada"}"#);
}

#[tokio::test]
async fn calls_end_when_the_server_vanishes() {
    let url = server(async |mut stream: TcpStream, head: String| {
        stream.write_all(accept(&head).as_bytes()).await?;
        stream.read_u8().await?;
        Ok(())
    })
    .await;
    let client = Client::builder().connect(&url).await.unwrap();
    let call = soon(client.peer().call::<String>("echo", ())).await;
    assert!(matches!(call, Err(CallError::Closed { .. })), "{call:?}");
    assert!(client.peer().is_closed());
    assert_eq!(soon(client.closed()).await.code, None);
}

#[tokio::test]
async fn the_peer_of_a_client_that_was_dropped_says_so_and_the_server_hears_nothing_of_it() {
    let (tell, heard) = tokio::sync::oneshot::channel();
    let url = server(async |mut stream: TcpStream, head: String| {
        stream.write_all(accept(&head).as_bytes()).await?;
        let mut frames = Vec::new();
        stream.read_to_end(&mut frames).await?;
        tell.send(frames).unwrap();
        Ok(())
    })
    .await;
    let peer = Client::builder().plain(true).connect(&url).await.unwrap().peer();
    let error = soon(peer.call::<String>("echo", ())).await.unwrap_err();
    let hint = "the `Client` was dropped; keep it";
    assert!(error.to_string().contains(hint), "{error}");
    assert!(soon(peer.closed()).await.to_string().contains(hint));
    // A close with a code and no more: its second byte tells two bytes, masked.
    let frames = soon(heard).await.unwrap();
    let close = frames.len() - 8;
    assert_eq!(frames[close..close + 2], [0x88, 0x82], "{frames:?}");
}

#[tokio::test]
async fn a_server_that_knows_no_continuation_is_sent_whole_frames() {
    let length = r#"{"jsonrpc":"2.0","method":"log","params":[""]}"#.len() as u64 + 300_000;
    for (whole, expected) in [(true, (0x81, length)), (false, (0x01, 64 * 1024))] {
        let (tell, heard) = tokio::sync::oneshot::channel();
        let url = server(async move |mut stream: TcpStream, head: String| {
            stream.write_all(accept(&head).as_bytes()).await?;
            // The first byte of a frame, and then, behind the mark of a long one, its length.
            let (first, mark) = (stream.read_u8().await?, stream.read_u8().await?);
            assert_eq!(mark, 0x80 | 127);
            tell.send((first, stream.read_u64().await?)).unwrap();
            std::future::pending().await
        })
        .await;
        let client = Client::builder().plain(true).whole_frames(whole).connect(&url).await.unwrap();
        client.peer().notify("log", ("x".repeat(300_000),)).await.unwrap();
        assert_eq!(soon(heard).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_server_that_sends_no_jsonrpc_calls_and_notifies_by_setting() {
    let (tell, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let url = server(async move |mut stream: TcpStream, head: String| {
        stream.write_all(accept(&head).as_bytes()).await?;
        stream.write_all(&text_frame(r#"{"method":"note","params":["hi"]}"#)).await?;
        stream.write_all(&text_frame(r#"{"id":1,"method":"your_name"}"#)).await?;
        tell.send(read_text(&mut stream).await?).unwrap();
        std::future::pending().await
    })
    .await;
    let (noted, mut notes) = tokio::sync::mpsc::unbounded_channel();
    let me = Router::new()
        .method("your_name", |_: Context, (): ()| async { Ok("Ada") })
        .notification("note", move |_: Context, (text,): (String,)| {
            noted.send(text).unwrap();
            std::future::ready(())
        });
    let builder = Client::builder().service(me).plain(true).jsonrpc_optional(true);
    let _client = builder.connect(&url).await.unwrap();
    assert_eq!(soon(notes.recv()).await.unwrap(), "hi");
    assert_eq!(soon(heard.recv()).await.unwrap(), r#"{"jsonrpc":"2.0","id":1,"result":"Ada"}"#);
}

/// What a server that picks `answer` as subprotocol makes of `builder`, and what it was asked.
async fn ask(
    builder: ClientBuilder,
    answer: &'static str,
) -> (Result<Client, ConnectError>, String) {
    let (tell, heard) = tokio::sync::oneshot::channel();
    let url = server(async move |mut stream: TcpStream, head: String| {
        let answer = accept(&head).replacen("\r\n", &format!("\r\n{answer}"), 1);
        tell.send(head).unwrap();
        stream.write_all(answer.as_bytes()).await?;
        std::future::pending().await
    })
    .await;
    let client = soon(builder.connect(&format!("{url}/rpc?x=1"))).await;
    (client, heard.await.unwrap())
}

#[tokio::test]
async fn the_request_is_what_was_set() {
    let builder = Client::builder().header("Authorization", "Bearer 0815").header("x-a", "b");
    let (client, head) = ask(builder, "").await;
    assert!(client.is_ok());
    assert!(head.starts_with("GET /rpc?x=1 HTTP/1.1\r\n"), "{head}");
    for line in ["authorization: Bearer 0815", "x-a: b", "upgrade: websocket", "host: 127.0.0.1:"] {
        assert!(head.contains(&format!("\r\n{line}")), "{head}");
    }
    assert!(!head.contains("sec-websocket-protocol"), "{head}");
}

#[tokio::test]
async fn the_request_names_the_client_without_a_version_unless_the_user_names_it() {
    let agents = async |builder| {
        let (client, head) = ask(builder, "").await;
        assert!(client.is_ok());
        let lines = head.lines().filter_map(|line| line.strip_prefix("user-agent: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(agents(Client::builder()).await, ["rpc-client"]);
    assert_eq!(agents(Client::builder().header("User-Agent", "lamp/2")).await, ["lamp/2"]);
}

#[tokio::test]
async fn a_subprotocol_is_picked_from_what_was_offered_or_not_at_all() {
    let offer = || Client::builder().subprotocol("v2").subprotocol("v1");
    let (client, head) = ask(offer(), "Sec-WebSocket-Protocol: v1\r\n").await;
    assert!(client.is_ok());
    assert!(head.contains("\r\nsec-websocket-protocol: v2, v1\r\n"), "{head}");
    assert!(ask(offer(), "").await.0.is_ok(), "browsers would refuse this one, we need not");
    let (client, _) = ask(offer(), "Sec-WebSocket-Protocol: v3\r\n").await;
    assert!(client.unwrap_err().to_string().contains("subprotocol"));
}

#[tokio::test]
async fn what_cannot_be_asked_fails_before_anything_is_sent() {
    let nowhere = "ws://127.0.0.1:1/";
    let mut limits = rpc_core::Limits::client();
    limits.queue = 0;
    let twice = || Router::new().method("a", |_: Context, (): ()| async { Ok(()) });
    let errors = [
        (Client::builder().header("Host", "x"), "`host` is set by the handshake"),
        (Client::builder().subprotocol("a b"), "a subprotocol is one word"),
        (Client::builder().limits(limits), "limits"),
        (Client::builder().service(twice()).service(twice()), "method"),
    ];
    for (builder, hint) in errors {
        let error = builder.connect(nowhere).await.unwrap_err();
        assert!(error.to_string().contains(hint), "{error}");
    }
}

#[tokio::test]
async fn no_credential_is_ever_shown() {
    let builder = Client::builder().header("authorization", "secret");
    assert!(!format!("{builder:?}").contains("secret"));
    let error = refusal("ws://ada:secret@localhost/").await;
    assert!(!format!("{error} {error:?}").contains("secret"));
}

#[tokio::test]
async fn an_address_of_six_may_be_given() {
    // Not every machine has it.
    let Ok(listener) = TcpListener::bind("[::1]:0").await else {
        return;
    };
    let server = rpc_server::Server::builder().listen_on(listener).unwrap().spawn();
    assert!(Client::builder().connect(&server.url()).await.is_ok());
}

/// Addresses of this machine that need a zone: the address, and the interface by name and number.
#[cfg(target_os = "linux")]
fn with_zones() -> Vec<(Ipv6Addr, String, u32)> {
    let table = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let all = lines.map(|line| {
        let address = u128::from_str_radix(line[0], 16).unwrap();
        (address.into(), line[5].to_owned(), u32::from_str_radix(line[1], 16).unwrap())
    });
    all.filter(|(address, ..): &(Ipv6Addr, _, _)| address.is_unicast_link_local()).collect()
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn an_address_is_dialled_in_its_zone_and_the_server_is_not_told_which() {
    let (tell, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let serve = |listener| {
        let tell = tell.clone();
        let server = rpc_server::Server::builder().on_connect(move |connecting| {
            tell.send(connecting.header("host").unwrap().to_owned()).unwrap();
            async { Ok::<_, rpc_server::Rejection>(()) }
        });
        server.listen_on(listener).unwrap().spawn()
    };
    // Not every machine has an address that needs one, but a number may stand behind any.
    let Ok(listener) = TcpListener::bind("[::1]:0").await else {
        return;
    };
    let server = serve(listener);
    let port = server.local_addr().unwrap().port();
    let client = Client::builder().connect(format!("ws://[::1%251]:{port}")).await;
    assert!(client.is_ok(), "{client:?}");
    assert_eq!(soon(heard.recv()).await.unwrap(), format!("[::1]:{port}"));

    for (address, interface, number) in with_zones() {
        let place = SocketAddrV6::new(address, 0, 0, number);
        let server = serve(TcpListener::bind(place).await.unwrap());
        let port = server.local_addr().unwrap().port();
        let by_name = format!("ws://[{address}%25{interface}]:{port}");
        let by_number = format!("ws://[{address}%25{number}]:{port}");
        assert_eq!(server.url(), by_number);
        for url in [by_name, by_number] {
            let client = soon(Client::builder().connect(&url)).await;
            assert!(client.is_ok(), "{url}: {client:?}");
            assert_eq!(soon(heard.recv()).await.unwrap(), format!("[{address}]:{port}"));
        }
    }
}

#[tokio::test]
async fn a_zone_that_this_machine_does_not_have_is_said_to_be_none() {
    let text = refusal("ws://[fe80::1%25none-such]:9/").await.to_string();
    assert!(text.contains("no such zone") && text.contains("a network interface"), "{text}");
}

#[tokio::test]
async fn of_several_addresses_all_are_tried() {
    // `localhost` is `[::1]` as well where there is IPv6, and there nobody listens.
    let server = rpc_server::Server::builder().bind("127.0.0.1:0").await.unwrap().spawn();
    let url = format!("ws://localhost:{}", server.local_addr().unwrap().port());
    assert!(Client::builder().connect(&url).await.is_ok());
}

/// The hook may even panic: that is its own affair.
#[tokio::test]
async fn what_a_server_says_beside_json_rpc_is_not_answered_and_may_be_heard() {
    let url = server(async |mut stream: TcpStream, head| {
        stream.write_all(accept(&head).as_bytes()).await?;
        let age = r#"{"jsonrpc":"2.0","id":7,"method":"age"}"#;
        for text in [r#"{"event":"first"}"#, "second", r#"[{"event":"third"}]"#, "", age] {
            stream.write_all(&text_frame(text)).await?;
        }
        let answer = read_text(&mut stream).await?;
        stream.write_all(&text_frame(&format!(r#"{{"event":{answer}}}"#))).await?;
        read_text(&mut stream).await.map(drop)
    });
    let (say, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let age = Router::new().method("age", |_: Context, (): ()| async { Ok(36) });
    let builder = Client::builder().plain(true).service(age).on_foreign(move |text| {
        say.send(text.to_owned()).unwrap();
        panic!("on purpose");
    });
    let client = soon(builder.connect(&url.await)).await.unwrap();
    let answer = r#"{"event":{"jsonrpc":"2.0","id":7,"result":36}}"#;
    for expected in [r#"{"event":"first"}"#, "second", r#"{"event":"third"}"#, answer] {
        assert_eq!(soon(heard.recv()).await.as_deref(), Some(expected));
    }
    assert_eq!(client.peer().stats().counters.foreign, 4);
}

#[tokio::test]
async fn nothing_beyond_the_specification_goes_to_a_server_that_has_not_answered_rpc_hello() {
    for (plain, answers) in [(true, true), (false, false), (false, true)] {
        let knows = answers && !plain;
        let (tell, heard) = tokio::sync::oneshot::channel();
        let url = server(async move |mut stream: TcpStream, head: String| {
            assert_eq!(head.to_lowercase().contains("\r\nrpc-hello: 1\r\n"), !plain, "{head}");
            let hello = if answers { "\r\nRpc-Hello: 1\r\n\r\n" } else { "\r\n\r\n" };
            stream.write_all(accept(&head).replace("\r\n\r\n", hello).as_bytes()).await?;
            if knows {
                assert!(read_text(&mut stream).await?.contains("$/hello"));
            }
            tell.send(read_text(&mut stream).await?).unwrap();
            std::future::pending().await
        })
        .await;
        let client = Client::builder().plain(plain).connect(&url).await.unwrap();
        let _call = client.peer().call::<()>("a", ()).start();
        let sent = soon(heard).await.unwrap();
        let call: serde_json::Value = serde_json::from_str(&sent).unwrap();
        assert_eq!(call["id"] == 1, knows, "{sent}");
        assert!(knows || call["id"].as_u64() >= Some(1 << 30), "{sent}");
        assert_eq!(call.get("timeoutMs").is_some(), knows, "{sent}");
        assert_eq!(call.as_object().unwrap().len(), if knows { 4 } else { 3 }, "{sent}");
    }
}
