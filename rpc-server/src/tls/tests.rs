//! Handshakes over streams in memory.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rpc_tls::rustls::pki_types::ServerName;
use rpc_tls::rustls::version::{TLS12, TLS13};
use rpc_tls::rustls::{ClientConfig, ServerConfig, SupportedProtocolVersion};
use rpc_tls::{provider, roots};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::*;
use certificates::{Authority, Leaf};

#[path = "../../../rpc-core/tls/tests/support/mod.rs"]
mod certificates;

type ClientStream = tokio_rustls::client::TlsStream<DuplexStream>;

/// A server's authority and files.
struct World {
    authority: Authority,
    files: certificates::Files,
}

impl World {
    fn new() -> Self {
        let (authority, files) = (Authority::new("servers"), certificates::Files::new());
        files.write("roots.pem", &authority.root());
        Self { authority, files }
    }

    /// A server with a new certificate.
    fn server(&self) -> Tls {
        self.issue();
        Tls::from_pem_files(self.files.path("server.pem"), self.files.path("server.key")).unwrap()
    }

    /// Replaces the server's files.
    fn issue(&self) -> Leaf {
        let leaf = self.authority.issue("localhost");
        self.files.write_pair("server", &leaf);
        leaf
    }

    /// A client that trusts the server.
    fn client(&self) -> ClientConfig {
        self.client_of(&[&TLS13])
    }

    fn client_of(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        let roots = roots(&self.files.path("roots.pem")).unwrap();
        ClientConfig::builder_with_provider(provider().unwrap())
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    /// A client that shows `leaf`.
    fn client_with(&self, leaf: &Leaf) -> ClientConfig {
        let (chain, key) = self.files.write_pair("client", leaf);
        let identity = rpc_tls::identity(&chain, &key, &provider().unwrap()).unwrap();
        let mut config = self.client();
        config.client_auth_cert_resolver = identity;
        config
    }
}

/// Both ends of a handshake; the client's is not over before the server's first byte.
async fn handshake(
    tls: &Tls,
    config: ClientConfig,
) -> (io::Result<TlsInfo>, io::Result<ClientStream>) {
    let (here, there) = duplex(64 * 1024);
    let server = async {
        let (mut stream, info) = tls.accept(here).await.map_err(|(error, _)| error)?;
        stream.write_all(b"!").await?;
        stream.flush().await?;
        Ok(info)
    };
    let client = async {
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, there).await?;
        stream.read_u8().await?;
        Ok(stream)
    };
    // The time only ends a test that hangs.
    let both = async { tokio::join!(server, client) };
    timeout(Duration::from_secs(20), both).await.expect("hangs")
}

/// The certificate that the server shows.
async fn shown(tls: &Tls, world: &World) -> Vec<u8> {
    let stream = handshake(tls, world.client()).await.1.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test]
async fn a_handshake_tells_what_was_agreed_on() {
    let world = World::new();
    let tls = world.server();
    for (version, text) in [(&TLS12, "TLSv1.2"), (&TLS13, "TLSv1.3")] {
        let (info, stream) = handshake(&tls, world.client_of(&[version])).await;
        let info = info.unwrap();
        assert!(stream.is_ok());
        assert_eq!(info.protocol_version(), text);
        assert_eq!(info.server_name(), Some("localhost"));
        assert!(info.client_certificates().is_empty());
    }
}

#[tokio::test]
async fn http_1_1_is_the_only_protocol() {
    let world = World::new();
    let (chain, key) = world.files.write_pair("server", &world.issue());
    let identity = rpc_tls::identity(&chain, &key, &provider().unwrap()).unwrap();
    let config = ServerConfig::builder_with_provider(provider().unwrap())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth();
    let mut config = config.with_cert_resolver(identity);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.max_early_data_size = 1024;
    for tls in [world.server(), Tls::from_config(Arc::new(config))] {
        assert_eq!(tls.inner.acceptor.lock().unwrap().config().max_early_data_size, 0);
        let mut client = world.client();
        client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let stream = handshake(&tls, client).await.1.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(ALPN));
        let mut client = world.client();
        client.alpn_protocols = vec![b"h2".to_vec()];
        assert!(handshake(&tls, client).await.0.is_err());
    }
}

#[tokio::test]
async fn no_session_is_resumed() {
    let world = World::new();
    let tls = world.server();
    for version in [&TLS12, &TLS13] {
        let client = world.client_of(&[version]);
        for _ in 0..2 {
            let stream = handshake(&tls, client.clone()).await.1.unwrap();
            let kind = stream.get_ref().1.handshake_kind();
            assert_eq!(kind, Some(rpc_tls::rustls::HandshakeKind::Full));
        }
    }
}

#[tokio::test]
async fn a_client_may_show_a_certificate_or_must() {
    let world = World::new();
    let clients = Authority::new("clients");
    let roots = world.files.write("clients.pem", &clients.root());
    let optional = world.server().accept_client_certificates(&roots).unwrap();
    let required = world.server().require_client_certificates(&roots).unwrap();
    let ada = clients.issue("ada.example");
    let stranger = Authority::new("strangers").issue("ada.example");
    for (tls, bare) in [(&optional, true), (&required, false)] {
        let info = handshake(tls, world.client_with(&ada)).await.0.unwrap();
        assert_eq!(info.client_certificates()[0].as_ref(), ada.der());
        assert_eq!(handshake(tls, world.client()).await.0.is_ok(), bare);
        assert!(handshake(tls, world.client_with(&stranger)).await.0.is_err());
    }
    // A client that was not asked shows no certificate.
    let info = handshake(&world.server(), world.client_with(&ada)).await.0.unwrap();
    assert!(info.client_certificates().is_empty());
}

#[tokio::test]
async fn a_client_is_told_why_it_was_refused() {
    let world = World::new();
    let roots = world.files.write("clients.pem", &Authority::new("clients").root());
    let tls = world.server().require_client_certificates(&roots).unwrap();
    let error = handshake(&tls, world.client()).await.1.unwrap_err();
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
}

#[tokio::test]
async fn new_files_are_for_new_connections() {
    let world = World::new();
    let tls = world.server();
    let handle = tls.clone();
    let before = shown(&tls, &world).await;

    let leaf = world.issue();
    assert_eq!(shown(&tls, &world).await, before, "nobody said that they are new");
    handle.reload().unwrap();
    assert_eq!(shown(&tls, &world).await, leaf.der());
    assert_ne!(before, leaf.der());
}

#[tokio::test]
async fn a_connection_lives_on_when_the_files_are_new() {
    let world = World::new();
    let tls = world.server();
    let (here, there) = duplex(64 * 1024);
    let connect = TlsConnector::from(Arc::new(world.client()))
        .connect(ServerName::try_from("localhost").unwrap(), there);
    let (server, client) = tokio::join!(tls.accept(here), connect);
    let ((mut server, _), mut client) =
        (server.map_err(|(error, _)| error).unwrap(), client.unwrap());
    world.issue();
    tls.reload().unwrap();
    server.write_all(b"on").await.unwrap();
    server.flush().await.unwrap();
    let mut read = [0; 2];
    client.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"on");
}

#[tokio::test]
async fn a_broken_file_changes_nothing() {
    let world = World::new();
    let roots = world.files.write("clients.pem", &world.authority.root());
    let tls = world.server().accept_client_certificates(&roots).unwrap();
    let before = shown(&tls, &world).await;

    for (name, text) in [
        ("server.pem", String::new()),
        ("server.key", world.authority.issue("localhost").key()),
        ("clients.pem", "?".into()),
    ] {
        world.issue();
        world.files.write("clients.pem", &world.authority.root());
        let path = world.files.write(name, &text);
        let error = tls.reload().unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
        assert_eq!(shown(&tls, &world).await, before);
    }
}

#[tokio::test]
async fn clients_stay_wanted_when_files_are_read_again() {
    let world = World::new();
    let roots = world.files.write("clients.pem", &world.authority.root());
    let tls = world.server().require_client_certificates(&roots).unwrap();
    let (old, new) = (world.authority.issue("ada.example"), Authority::new("new"));
    world.files.write("clients.pem", &new.root());
    assert!(handshake(&tls, world.client_with(&old)).await.0.is_ok());
    tls.reload().unwrap();
    assert!(handshake(&tls, world.client_with(&old)).await.0.is_err());
    assert!(handshake(&tls, world.client()).await.0.is_err());
    assert!(handshake(&tls, world.client_with(&new.issue("ada.example"))).await.0.is_ok());
}

#[tokio::test]
async fn a_config_is_replaced_and_not_reloaded() {
    let world = World::new();
    let config = |tls: &Tls| tls.inner.acceptor.lock().unwrap().config().clone();
    let (first, second) = (world.server(), world.server());
    let tls = Tls::from_config(config(&first));
    let handle = tls.clone();
    assert!(matches!(tls.reload(), Err(TlsError::NotFromFiles)));
    let wanted = tls.clone().require_client_certificates(world.files.path("roots.pem"));
    assert!(matches!(wanted, Err(TlsError::NotFromFiles)));

    assert_eq!(shown(&tls, &world).await, shown(&first, &world).await);
    handle.replace(config(&second));
    assert_eq!(shown(&tls, &world).await, shown(&second, &world).await);
    // The files of before no longer count.
    first.replace(config(&second));
    assert!(matches!(first.reload(), Err(TlsError::NotFromFiles)));
}

#[tokio::test]
async fn what_is_not_tls_is_refused_and_comes_back() {
    let world = World::new();
    let (here, mut there) = duplex(1024);
    there.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let (error, mut stream) = world.server().accept(here).await.map(drop).unwrap_err();
    assert!(error.get_ref().is_some(), "{error}");
    stream.shutdown().await.unwrap();
    let mut told = Vec::new();
    there.read_to_end(&mut told).await.unwrap();
    assert_eq!(told[0], 0x15, "an alert");
}

#[tokio::test]
async fn no_certificate_is_ever_shown() {
    let world = World::new();
    let roots = world.files.write("clients.pem", &world.authority.root());
    let tls = world.server().require_client_certificates(&roots).unwrap();
    let ada = world.authority.issue("ada.example");
    let info = handshake(&tls, world.client_with(&ada)).await.0.unwrap();
    let text = format!("{info:?}");
    assert!(text.contains("client_certificates: 1"), "{text}");
    assert!(text.len() < 100 && format!("{tls:?}").len() < 400, "{text} {tls:?}");
}

#[test]
fn files_that_are_not_there_say_so() {
    let world = World::new();
    let none = world.files.path("none.pem");
    let error = Tls::from_pem_files(&none, &none).unwrap_err();
    assert!(error.to_string().contains("none.pem` cannot be read: "), "{error}");
    let error = world.server().accept_client_certificates(&none).unwrap_err();
    assert!(error.to_string().contains("none.pem"), "{error}");
}
