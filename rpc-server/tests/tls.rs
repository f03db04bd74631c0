//! A server that speaks TLS, and clients of ours.

mod support;

#[path = "../../rpc-core/tls/tests/support/mod.rs"]
mod certificates;

#[path = "support/tls.rs"]
mod spoken;

use certificates::{Authority, Files};
use rpc_client::Client;
use rpc_core::{Context, Router};
use rpc_server::{Connecting, Rejection, Server, StatusCode, Tls};
use support::{Raw, echo, soon, spawn, until};

fn client(roots: &std::path::Path) -> rpc_client::ClientBuilder {
    Client::builder().tls(rpc_client::Tls::roots_from_pem_file(roots).unwrap())
}

#[tokio::test]
async fn calls_go_both_ways_over_tls() {
    let (files, authority) = (Files::new(), Authority::new("root"));
    let (chain, key) = files.write_pair("server", &authority.issue("127.0.0.1"));
    let roots = files.write("root.pem", &authority.root());
    let greet = Router::new().method("greet", |cx: Context, (): ()| async move {
        Ok(cx.peer().call::<String>("name", ()).await?)
    });
    let tls = Tls::from_pem_files(&chain, &key).unwrap();
    let server = spawn(Server::builder().service(greet).tls(tls.clone())).await;
    assert!(server.url().starts_with("wss://127.0.0.1:"), "{}", server.url());
    let me = Router::new().method("name", |_: Context, (): ()| async { Ok("x".repeat(100_000)) });
    let client = client(&roots).service(me).connect(server.url()).await.unwrap();
    let name: String = soon(client.peer().call("greet", ())).await.unwrap();
    assert_eq!(name.len(), 100_000);

    // A new certificate is for those who come from now on.
    let other = Authority::new("other");
    let leaf = other.issue("127.0.0.1");
    files.write_pair("server", &leaf);
    tls.reload().unwrap();
    let error = self::client(&roots).connect(server.url()).await.unwrap_err();
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
    let roots = files.write("other.pem", &other.root());
    assert!(self::client(&roots).connect(server.url()).await.is_ok());
    assert!(soon(client.peer().call::<String>("greet", ())).await.is_ok());
}

#[tokio::test]
async fn links_without_http_are_carried_over_tls() {
    let (files, authority) = (Files::new(), Authority::new("root"));
    let (chain, key) = files.write_pair("server", &authority.issue("127.0.0.1"));
    let roots = files.write("root.pem", &authority.root());
    let builder = echo().tls(Tls::from_pem_files(&chain, &key).unwrap());
    let server = spawn(builder.framing(rpc_core::transport::Framing::Lines)).await;
    assert!(server.url().starts_with("tls://127.0.0.1:"), "{}", server.url());
    let client = client(&roots).connect(server.url()).await.unwrap();
    let text = "x".repeat(100_000);
    assert_eq!(soon(client.peer().call::<String>("echo", (&text,))).await.unwrap(), text);
    let plain = server.url().replace("tls:", "tcp:");
    let plain = Client::builder().connect(plain).await.unwrap();
    assert!(soon(plain.peer().call::<String>("echo", ("hi",))).await.is_err());
}

#[tokio::test]
async fn on_connect_sees_the_certificate_of_a_client() {
    let (files, authority) = (Files::new(), Authority::new("root"));
    let (chain, key) = files.write_pair("server", &authority.issue("127.0.0.1"));
    let leaf = authority.issue("ada.example");
    let (own_chain, own_key) = files.write_pair("ada", &leaf);
    let roots = files.write("root.pem", &authority.root());
    let tls = Tls::from_pem_files(chain, key).unwrap().accept_client_certificates(&roots).unwrap();
    let expected = leaf.der().to_vec();
    let builder = echo().tls(tls).on_connect(move |connecting: Connecting| {
        let shown = connecting.tls().unwrap().client_certificates().first().cloned();
        let is_ada = shown.is_some_and(|shown| shown.as_ref() == expected);
        async move {
            let refused = || Rejection::new(StatusCode::FORBIDDEN, "not Ada");
            if is_ada { Ok(()) } else { Err(refused()) }
        }
    });
    let server = spawn(builder).await;
    let error = client(&roots).connect(server.url()).await.unwrap_err();
    assert_eq!(error.to_string(), "the server answered 403 Forbidden: not Ada");
    let tls = rpc_client::Tls::roots_from_pem_file(&roots).unwrap();
    let tls = tls.client_certificate_from_pem_files(own_chain, own_key).unwrap();
    let client = Client::builder().tls(tls).connect(server.url()).await.unwrap();
    let said: String = soon(client.peer().call("echo", ("hi",))).await.unwrap();
    assert_eq!(said, "hi");
}

#[tokio::test]
async fn who_does_not_speak_tls_is_turned_away_and_forgotten() {
    let (files, authority) = (Files::new(), Authority::new("root"));
    let (chain, key) = files.write_pair("server", &authority.issue("127.0.0.1"));
    let builder = echo().tls(Tls::from_pem_files(chain, key).unwrap());
    let builder = builder.limits(support::limits(|limits| {
        limits.handshake = std::time::Duration::from_millis(200);
    }));
    let server = spawn(builder).await;
    let mut raw = Raw::connect(&server).await;
    raw.send(support::HANDSHAKE).await;
    assert!(raw.ended().await, "an alert, and the end");
    // One that says nothing has no more time than any other handshake.
    let mut silent = Raw::connect(&server).await;
    assert!(silent.ended().await);
    until(|| server.stats().refused == 2).await;
    server.shutdown(std::time::Duration::ZERO).await;
}

/// A page by `http://` may come from whoever answers for that name in somebody's network.
#[tokio::test]
async fn pages_that_came_without_tls_are_foreign() {
    let (builder, config) = spoken::ends(echo().allow_hosts(["a.example"]));
    let server = spawn(builder).await;
    let here = server.local_addr().unwrap();
    for (host, origin, expected) in [
        ("a.example", "https://a.example".to_owned(), 101),
        ("a.example:443", "https://a.example".to_owned(), 101),
        ("a.example", "http://a.example".to_owned(), 403),
        ("a.example", "http://a.example:443".to_owned(), 403),
        ("a.example:80", "http://a.example".to_owned(), 403),
        (&here.to_string(), format!("https://{here}"), 101),
        (&here.to_string(), format!("http://{here}"), 403),
    ] {
        let stream = soon(tokio::net::TcpStream::connect(here)).await.unwrap();
        let mut raw = Raw::over(spoken::speak(&config, stream).await);
        let lines = format!("Host: {host}\r\nOrigin: {origin}\r\n");
        raw.send(support::HANDSHAKE.replacen("Host: localhost\r\n", &lines, 1)).await;
        let head = raw.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {expected} ")), "{host} {origin}: {head}");
    }
}

#[tokio::test]
async fn a_server_that_is_mounted_is_not_given_a_certificate() {
    let error = spoken::ends(echo()).0.into_tower_service().unwrap_err();
    assert!(matches!(error, rpc_server::Error::MountedTls));
    let text = error.to_string();
    assert!(text.contains("to the server of the app") && text.contains("`.secure()`"), "{text}");
}
