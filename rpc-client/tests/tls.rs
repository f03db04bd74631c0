//! `wss://` against servers played by hand.

#[path = "support/proxies.rs"]
mod proxies;
mod support;

use std::env;
use std::error::Error;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rpc_client::rustls::ServerConfig;
use rpc_client::rustls::crypto::ring;
use rpc_client::rustls::server::WebPkiClientVerifier;
use rpc_client::{Client, ConnectError, Proxy, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio_rustls::TlsAcceptor;

use support::certificates::{Authority, Leaf};
#[cfg(unix)]
use support::upgrade;
use support::{TLS13_AND_12, World, echo, hang_up, listen, soon};

async fn connect(tls: Tls, host: &str, port: u16) -> Result<Client, ConnectError> {
    soon(Client::builder().tls(tls).connect(format!("wss://{host}:{port}/"))).await
}

/// The text of a refusal by TLS, and that of what it comes from.
async fn refusal(tls: Tls, host: &str, port: u16) -> [String; 2] {
    let error = connect(tls, host, port).await.unwrap_err();
    assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.starts_with(&format!("no secure connection to `{host}:{port}`: ")), "{text}");
    [text, error.source().unwrap().to_string()]
}

#[tokio::test]
async fn a_server_whose_root_is_trusted_is_called() {
    let world = World::new();
    for version in TLS13_AND_12 {
        let port = echo(world.config_of(&world.authority.issue("localhost"), &[version])).await;
        let client = connect(world.tls(), "localhost", port).await.unwrap();
        for length in [1, 100_000, 900_000] {
            let text = "x".repeat(length);
            let call = client.peer().call::<String>("echo", (&text,));
            assert_eq!(soon(call).await.unwrap(), text);
        }
        let reason = soon(client.close()).await;
        assert_eq!(reason.to_string(), "closed by this end with code 1000");
    }
}

#[tokio::test]
async fn a_given_stream_carries_tls_where_the_url_says_so() {
    let world = World::new();
    let port = echo(world.config("app.example")).await;
    for (host, is_proven) in [("app.example", true), ("other.example", false)] {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let builder = Client::builder().tls(world.tls());
        let client = soon(builder.connect_over(stream, format!("wss://{host}/"))).await;
        if !is_proven {
            let text = client.unwrap_err().to_string();
            assert!(text.contains("not for the URL's host"), "{text}");
            continue;
        }
        let client = client.unwrap();
        assert_eq!(soon(client.peer().call::<String>("echo", ("hi",))).await.unwrap(), "hi");
    }
}

#[tokio::test]
#[cfg(unix)]
async fn a_server_on_a_unix_socket_proves_to_be_localhost() {
    let world = World::new();
    for (host, is_proven) in [("localhost", true), ("app.example", false)] {
        let socket = world.files.path(&format!("{host}.sock"));
        let listener = UnixListener::bind(&socket).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(world.config(host)));
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await?;
            upgrade(acceptor.accept(stream).await?).await
        });
        let url = format!("wss+unix://{}:/rpc", socket.display());
        let client = soon(Client::builder().tls(world.tls()).connect(url)).await;
        if !is_proven {
            let text = client.unwrap_err().to_string();
            assert!(text.contains("not for the URL's host"), "{text}");
            continue;
        }
        let client = client.unwrap();
        assert_eq!(soon(client.peer().call::<String>("echo", ("hi",))).await.unwrap(), "hi");
    }
}

#[tokio::test]
async fn many_large_messages_at_once_pass() {
    let world = World::new();
    let port = echo(world.config("localhost")).await;
    let client = connect(world.tls(), "localhost", port).await.unwrap();
    let text = "x".repeat(200_000);
    let calls = (0..20).map(|_| client.peer().call::<String>("echo", (&text,)).start());
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(soon(call).await.unwrap(), text);
    }
}

#[tokio::test]
async fn a_server_is_known_by_its_address_as_well() {
    let world = World::new();
    let port = echo(world.config("127.0.0.1")).await;
    assert!(connect(world.tls(), "127.0.0.1", port).await.is_ok());
    let [text, _] = refusal(world.tls(), "localhost", port).await;
    assert!(text.contains("not for the URL's host"), "{text}");
}

#[tokio::test]
async fn a_server_must_be_the_one_that_was_meant() {
    let world = World::new();
    let port = echo(world.config("other.example")).await;
    for host in ["localhost", "127.0.0.1"] {
        let [text, source] = refusal(world.tls(), host, port).await;
        assert!(text.contains("not for the URL's host"), "{text}");
        assert!(source.contains("other.example"), "{source}");
    }
}

#[tokio::test]
async fn a_server_whose_root_is_not_trusted_is_refused() {
    let world = World::new();
    let port = echo(world.config("localhost")).await;
    // One of the same name is another one still.
    for (name, expected) in [("others", "UnknownIssuer"), ("servers", "BadSignature")] {
        let roots = world.files.write("other.pem", &Authority::new(name).root());
        let tls = Tls::roots_from_pem_file(roots).unwrap();
        let [text, source] = refusal(tls, "localhost", port).await;
        assert!(text.contains("`Tls::roots_from_pem_file`"), "{text}");
        assert!(source.contains(expected), "{source}");
    }
}

#[tokio::test]
async fn a_certificate_counts_only_in_its_time() {
    let world = World::new();
    for (from, until, hint) in [(2000, 2001, "has expired"), (3000, 3001, "is not valid yet")] {
        let leaf = world.authority.issue_with("localhost", |params| {
            params.not_before = rcgen::date_time_ymd(from, 1, 1);
            params.not_after = rcgen::date_time_ymd(until, 1, 1);
        });
        let port = echo(world.config_of(&leaf, TLS13_AND_12)).await;
        let [text, _] = refusal(world.tls(), "localhost", port).await;
        assert!(text.contains(hint), "{text}");
    }
}

/// In TLS 1.3 a client is refused only after its handshake was done.
#[tokio::test]
async fn a_client_shows_who_it_is_when_it_is_asked() {
    let (world, clients) = (World::new(), Authority::new("clients"));
    let roots = rpc_tls::roots(&world.files.write("clients.pem", &clients.root())).unwrap();
    let ring = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), ring.clone());
    let verifier = verifier.build().unwrap();
    for version in TLS13_AND_12 {
        let (chain, key) = world.files.write_pair("server", &world.authority.issue("localhost"));
        let config = ServerConfig::builder_with_provider(ring.clone());
        let config = config.with_protocol_versions(&[version]).unwrap();
        let config = config.with_client_cert_verifier(verifier.clone());
        let identity = rpc_tls::identity(&chain, &key, &ring).unwrap();
        let port = echo(config.with_cert_resolver(identity)).await;
        let with = |leaf: &Leaf| {
            let (chain, key) = world.files.write_pair("client", leaf);
            world.tls().client_certificate_from_pem_files(chain, key).unwrap()
        };
        assert!(connect(with(&clients.issue("ada")), "localhost", port).await.is_ok());
        let stranger = with(&Authority::new("strangers").issue("ada"));
        let [text, _] = refusal(stranger, "localhost", port).await;
        assert!(text.contains("does not accept the certificate of this client"), "{text}");
        let [text, _] = refusal(world.tls(), "localhost", port).await;
        assert!(text.contains("it wants a certificate of this client"), "{text}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_nothing() {
    let (tell, mut heard) = tokio::sync::mpsc::channel(1);
    let port = listen(move |mut stream| {
        let tell = tell.clone();
        async move {
            let mut hello = vec![0; 4096];
            let count = stream.read(&mut hello).await?;
            hello.truncate(count);
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?;
            stream.shutdown().await?;
            stream.read_to_end(&mut hello).await?;
            tell.send(hello).await.unwrap();
            Ok(())
        }
    })
    .await;
    let url = format!("wss://127.0.0.1:{port}/secret");
    let builder = Client::builder().header("authorization", "secret").tls(World::new().tls());
    let error = soon(builder.connect(url)).await.unwrap_err();
    assert!(error.to_string().contains("begins with `ws://`"), "{error}");
    let sent = soon(heard.recv()).await.unwrap();
    assert_eq!(sent[0], 0x16, "a TLS handshake");
    assert!(!String::from_utf8_lossy(&sent).contains("secret"));
}

#[tokio::test]
async fn a_server_with_tls_hints_at_its_url() {
    let port = echo(World::new().config("localhost")).await;
    let error = soon(Client::builder().connect(format!("ws://127.0.0.1:{port}"))).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("must begin with `wss://`"), "{error}");
}

#[tokio::test]
async fn a_server_that_hangs_up_is_no_riddle() {
    let world = World::new();
    let port = listen(async |mut stream: TcpStream| {
        stream.read_u8().await?;
        Ok(())
    })
    .await;
    let [text, _] = refusal(world.tls(), "127.0.0.1", port).await;
    assert!(text.contains("in the middle of the TLS handshake"), "{text}");

    // With and without a word that TLS ends.
    for polite in [true, false] {
        let acceptor = TlsAcceptor::from(Arc::new(world.config("localhost")));
        let port = listen(move |stream| {
            let accepting = acceptor.accept(stream);
            async move {
                let mut stream = accepting.await?;
                stream.read_u8().await?;
                if polite { hang_up(stream).await } else { hang_up(stream.into_inner().0).await }
            }
        })
        .await;
        let error = connect(world.tls(), "localhost", port).await.unwrap_err();
        assert!(error.to_string().contains("without an answer"), "{error}");
    }
}

#[tokio::test]
async fn a_handshake_that_hangs_is_not_waited_for() {
    let port = listen(async |_stream| std::future::pending().await).await;
    let time = Duration::from_millis(100);
    let builder = Client::builder().tls(World::new().tls()).connect_timeout(time);
    let error = builder.connect(format!("wss://127.0.0.1:{port}")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Timeout(limit) if limit == time), "{error}");
}

#[tokio::test]
async fn http_1_1_is_what_is_offered() {
    let world = World::new();
    let mut config = world.config("localhost");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let port = echo(config).await;
    assert!(connect(world.tls(), "localhost", port).await.is_ok());
    let mut config = world.config("localhost");
    config.alpn_protocols = vec![b"h2".to_vec()];
    let [text, _] = refusal(world.tls(), "localhost", echo(config).await).await;
    assert!(text.contains("does not speak HTTP/1.1"), "{text}");
}

/// Which files the system's are is said by the environment, so this test runs itself as a process of
/// its own.
#[tokio::test]
async fn by_default_whom_the_system_trusts_is_trusted() {
    const NAME: &str = "by_default_whom_the_system_trusts_is_trusted";
    if let Ok(url) = env::var("RPC_TEST_URL") {
        // Twice: the second time the roots were read already.
        for _ in 0..2 {
            drop(soon(Client::builder().connect(&url)).await.unwrap());
        }
        return;
    }
    let (world, other) = (World::new(), World::new());
    let port = echo(world.config("localhost")).await;
    let run = async |roots| {
        let mut test = Command::new(env::current_exe().unwrap());
        test.args(["--exact", NAME]).env("RPC_TEST_URL", format!("wss://localhost:{port}"));
        test.env("SSL_CERT_FILE", roots).env_remove("SSL_CERT_DIR");
        let output = tokio::task::spawn_blocking(move || test.output().unwrap()).await.unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (passed, said) = run(world.files.path("roots.pem")).await;
    assert!(passed && said.contains("1 passed"), "{said}");
    let (passed, said) = run(other.files.path("roots.pem")).await;
    assert!(!passed && said.contains("a root that is trusted"), "{said}");
    let (passed, said) = run(world.files.path("none.pem")).await;
    assert!(!passed && said.contains("NoSystemRoots"), "{said}");
}

#[tokio::test]
async fn no_certificate_is_ever_shown() {
    let world = World::new();
    let (chain, key) = world.files.write_pair("client", &world.authority.issue("ada.example"));
    let tls = world.tls().client_certificate_from_pem_files(chain, key).unwrap();
    assert_eq!(format!("{tls:?}"), "Tls { .. }");
}

#[tokio::test]
async fn a_server_with_tls_is_reached_through_proxies_with_and_without_it() {
    let world = World::new();
    let port = echo(world.config("app.invalid")).await;
    let plain = listen(|client| proxies::tunnel(client, proxies::Asked::default())).await;
    let acceptor = TlsAcceptor::from(Arc::new(world.config("localhost")));
    let secure = listen(move |client| {
        let accepted = acceptor.accept(client);
        async { Box::pin(proxies::tunnel(accepted.await?, proxies::Asked::default())).await }
    })
    .await;
    let connect = async |proxy: &str| {
        let builder = Client::builder().tls(world.tls()).proxy(Proxy::new(proxy).unwrap());
        soon(builder.connect(format!("wss://app.invalid:{port}/"))).await
    };
    for proxy in [format!("http://127.0.0.1:{plain}"), format!("https://localhost:{secure}")] {
        let client = connect(&proxy).await.unwrap();
        assert_eq!(soon(client.peer().call::<String>("echo", ("hi",))).await.unwrap(), "hi");
    }
    // Its certificate is for another name.
    let text = connect(&format!("https://127.0.0.1:{secure}")).await.unwrap_err().to_string();
    let expected = format!("no way through the proxy `127.0.0.1:{secure}`: no secure connection");
    assert!(text.starts_with(&expected), "{text}");
}
