//! Which web pages may connect, byte by byte.

mod support;

use std::net::{IpAddr, UdpSocket};

use rpc_server::{Error, Server};
use support::{HANDSHAKE, Raw, bind, echo, soon, spawn};
use tokio::net::TcpStream;

/// The status of the answer to a handshake with this `Host` and these lines.
async fn status(server: &Server, host: &str, lines: &str) -> String {
    let mut raw = Raw::connect(server).await;
    raw.send(HANDSHAKE.replacen("Host: localhost\r\n", &format!("Host: {host}\r\n{lines}"), 1))
        .await;
    raw.head().await.split(' ').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn a_foreign_page_is_forbidden_before_anyone_is_asked() {
    let builder = echo().allow_origins(["https://good.example"]).on_connect(|connecting| {
        assert!(connecting.header("x-page").is_none(), "asked about a foreign page");
        async { Ok(()) }
    });
    let server = spawn(builder).await;
    let here = server.local_addr().unwrap();
    for (host, lines, expected) in [
        (here.to_string(), String::new(), "101"),
        (here.to_string(), format!("Origin: http://{here}\r\n"), "101"),
        (here.to_string(), "origin: https://good.example\r\n".into(), "101"),
        (here.to_string(), "Origin: https://evil.example\r\nX-Page: 1\r\n".into(), "403"),
        (here.to_string(), "Origin: http://127.0.0.1\r\nX-Page: 1\r\n".into(), "403"),
        (here.to_string(), "Origin: null\r\nX-Page: 1\r\n".into(), "403"),
        (here.to_string(), "Origin: https://good.example\r\n".repeat(2) + "X-Page: 1\r\n", "403"),
        ("evil.example".into(), "X-Page: 1\r\n".into(), "403"),
        ("evil.example".into(), "Origin: http://evil.example\r\nX-Page: 1\r\n".into(), "403"),
    ] {
        assert_eq!(status(&server, &host, &lines).await, expected, "{host} {lines}");
    }
}

#[tokio::test]
async fn a_refusal_says_why_and_closes() {
    let server = spawn(echo()).await;
    let mut raw = Raw::connect(&server).await;
    raw.send(HANDSHAKE.replacen("Host:", "Origin: https://evil.example\r\nHost:", 1)).await;
    let answer = raw.rest().await;
    assert!(answer.contains("`Origin`") && answer.contains("connection: close"), "{answer}");
    assert!(answer.contains("`allow_origins`"), "{answer}");
}

/// Who listens on all addresses does so on that of this machine's own pages as well, and on the others.
#[tokio::test]
async fn each_connection_is_judged_by_the_address_that_it_came_to() {
    let server = echo().bind("0.0.0.0:0").await.unwrap().spawn();
    let port = server.local_addr().unwrap().port();
    let evil = format!("evil.example:{port}");
    for (host, lines, expected) in [
        ("localhost", String::new(), "101"),
        (&*format!("127.0.0.1:{port}"), format!("Origin: http://127.0.0.1:{port}\r\n"), "101"),
        (&evil, String::new(), "403"),
        (&evil, format!("Origin: http://{evil}\r\n"), "403"),
    ] {
        assert_eq!(status(&server, host, &lines).await, expected, "{host} {lines}");
    }
    let Some(address) = another_address() else { return };
    for (lines, expected) in [
        ("", " 101 "),
        ("Origin: http://a.example\r\n", " 101 "),
        ("Origin: http://b.example\r\n", " 403 "),
    ] {
        let mut raw = Raw::over(soon(TcpStream::connect((address, port))).await.unwrap());
        raw.send(HANDSHAKE.replace("localhost\r\n", &format!("a.example\r\n{lines}"))).await;
        let head = raw.head().await;
        assert!(head.contains(expected), "{lines}: {head}");
    }
}

/// An address of this machine by which others reach it, if it has one.
fn another_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: the system only says by which way it would be.
    socket.connect("198.51.100.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

#[tokio::test]
async fn an_origin_that_no_page_has_is_an_error_of_bind() {
    for wrong in ["good.example", "https://good.example/chat", "wss://good.example"] {
        let error = soon(echo().allow_origins([wrong]).bind("127.0.0.1:0")).await.unwrap_err();
        assert!(matches!(&error, Error::Origin(origin) if origin == wrong), "{error}");
    }
    drop(bind(echo().allow_origins(["*".to_owned()]).allow_origins(["null"])).await);
}
