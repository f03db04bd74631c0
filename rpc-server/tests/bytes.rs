//! Files over real sockets, as bytes beside the text between ends that take them, and as base64 otherwise.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rpc_client::{Client, Reconnect};
use rpc_core::{Base64, Router, SizedBase64, Streaming, service};
use rpc_server::{Server, ServerBuilder, Sessions};
use support::{BINARY, Raw, TEXT, bind, frame, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[service]
trait Files {
    async fn upload(&self, name: String, file: Streaming<SizedBase64>) -> u64;
    async fn download(&self, length: usize) -> Streaming<SizedBase64>;
    async fn put(&self, data: Base64) -> Base64;
}

struct Disk;

impl Files for Disk {
    async fn upload(&self, name: String, file: Streaming<SizedBase64>) -> u64 {
        let mut read = Vec::new();
        file.into_reader().read_to_end(&mut read).await.unwrap();
        assert!(read == bytes(read.len()), "{name}");
        read.len() as u64
    }
    async fn download(&self, length: usize) -> Streaming<SizedBase64> {
        let file = std::io::Cursor::new(bytes(length));
        Streaming::<Base64>::from_reader(file).sized(length as u64)
    }
    async fn put(&self, data: Base64) -> Base64 {
        data
    }
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn server() -> ServerBuilder {
    Server::builder().service(FilesServer::new(Disk))
}

/// Passes on what two ends say, and counts the bytes of both directions.
async fn counted(server: &Server) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (to, url) =
        (server.local_addr().unwrap(), format!("ws://{}", listener.local_addr().unwrap()));
    let count = Arc::<AtomicUsize>::default();
    let counts = count.clone();
    tokio::spawn(async move {
        loop {
            let (near, _) = listener.accept().await.unwrap();
            let far = TcpStream::connect(to).await.unwrap();
            let (near, far) = (near.into_split(), far.into_split());
            for (mut from, mut to) in [(near.0, far.1), (far.0, near.1)] {
                let count = counts.clone();
                tokio::spawn(async move {
                    let mut buffer = vec![0; 64 * 1024];
                    while let Ok(read @ 1..) = from.read(&mut buffer).await {
                        count.fetch_add(read, Ordering::SeqCst);
                        if to.write_all(&buffer[..read]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        }
    });
    (url, count)
}

/// Base64 is a third longer than the bytes.
#[tokio::test]
async fn a_file_takes_its_own_length_on_the_wire_and_four_thirds_towards_a_plain_end() {
    const LENGTH: usize = 3_000_000;
    const VALUE: usize = 600_000;
    let reconnecting = || Client::builder().reconnect(Reconnect::default());
    for (of_client, of_server, takes_bytes) in [
        (Client::builder(), server(), true),
        (reconnecting(), server(), true),
        (reconnecting(), server().sessions(Sessions::new()), true),
        (Client::builder().plain(true), server(), false),
        (Client::builder(), server().plain(true), false),
    ] {
        let server = bind(of_server).await.spawn();
        let (url, count) = counted(&server).await;
        let client = soon(of_client.connect(&url)).await.unwrap();
        let files = FilesClient::new(client.peer());
        // The calls before the hello of the server are text.
        assert_eq!(soon(files.put(Base64::new()).into_future()).await, Ok(Base64::new()));
        let expect = |what: &str, length: usize| {
            let expected = if takes_bytes { length } else { length / 3 * 4 };
            let moved = count.swap(0, Ordering::SeqCst) as f64 / expected as f64;
            assert!((1.0..1.02).contains(&moved), "{what}: {moved} of what is expected");
        };
        count.store(0, Ordering::SeqCst);
        let data = Base64::from(bytes(VALUE));
        assert_eq!(soon(files.put(data.clone()).into_future()).await, Ok(data));
        expect("a param and a result", 2 * VALUE);
        if !takes_bytes {
            continue; // without credit a stream would have gaps
        }
        let mut read = Vec::new();
        let file = soon(files.download(LENGTH).into_future()).await.unwrap();
        soon(file.into_reader().read_to_end(&mut read)).await.unwrap();
        assert!(read == bytes(LENGTH));
        expect("download", LENGTH);
        let file = Streaming::<Base64>::from_reader(std::io::Cursor::new(bytes(LENGTH)));
        let stored = files.upload("a".to_owned(), file.sized(LENGTH as u64));
        assert_eq!(soon(stored.into_future()).await, Ok(LENGTH as u64));
        expect("upload", LENGTH);
    }
}

/// Each of the two links carries the bytes as they are.
#[tokio::test]
async fn a_server_that_hands_calls_on_keeps_bytes_as_bytes() {
    const LENGTH: usize = 3_000_000;
    const VALUE: usize = 600_000;
    let back = bind(server()).await.spawn();
    let (back_url, behind) = counted(&back).await;
    let upstream = soon(Client::builder().connect(&back_url)).await.unwrap();
    let front = Router::new().forward("*", upstream.peer());
    let front = bind(Server::builder().service(front)).await.spawn();
    let (front_url, before) = counted(&front).await;
    let client = soon(Client::builder().connect(&front_url)).await.unwrap();
    let files = FilesClient::new(client.peer());
    // Each end has heard the hello of the other one.
    assert_eq!(soon(files.put(Base64::new()).into_future()).await, Ok(Base64::new()));
    let expect = |what: &str, length: usize| {
        for (link, count) in [("before", &before), ("behind", &behind)] {
            let moved = count.swap(0, Ordering::SeqCst) as f64 / length as f64;
            assert!((1.0..1.02).contains(&moved), "{what}, {link}: {moved} of its length");
        }
    };
    before.store(0, Ordering::SeqCst);
    behind.store(0, Ordering::SeqCst);
    let data = Base64::from(bytes(VALUE));
    assert_eq!(soon(files.put(data.clone()).into_future()).await, Ok(data));
    expect("a param and a result", 2 * VALUE);
    let mut read = Vec::new();
    let file = soon(files.download(LENGTH).into_future()).await.unwrap();
    soon(file.into_reader().read_to_end(&mut read)).await.unwrap();
    assert!(read == bytes(LENGTH));
    expect("download", LENGTH);
    let file = Streaming::<Base64>::from_reader(std::io::Cursor::new(bytes(LENGTH)));
    let stored = files.upload("a".to_owned(), file.sized(LENGTH as u64));
    assert_eq!(soon(stored.into_future()).await, Ok(LENGTH as u64));
    expect("upload", LENGTH);
}

/// A script that is no end of ours, and has said nothing: text comes, whatever is asked for.
#[tokio::test]
async fn a_plain_peer_is_sent_text() {
    let server = bind(server()).await.spawn();
    let mut raw = Raw::open(&server).await;
    let value = serde_json::to_string(&Base64::from(bytes(5000))).unwrap();
    let call = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"put","params":[{value}]}}"#);
    for opcode in [TEXT, BINARY] {
        raw.send(frame(opcode, call.as_bytes())).await;
        assert_eq!(raw.text().await, format!(r#"{{"jsonrpc":"2.0","id":1,"result":{value}}}"#));
    }
}
