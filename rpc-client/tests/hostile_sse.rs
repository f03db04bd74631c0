//! Servers of server-sent events that do what no decent one does: the client ends with a clear reason, soon, and keeps
//! no more than its limits say.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rpc_client::{Client, ConnectError, Fallback};
use rpc_core::{CloseCode, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
const HELLO: &str = "id: 1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"$/hello\",\"params\":{\"link\":\"a.b\",\"duplex\":1}}\n\n";
const TAKEN: &str = "HTTP/1.1 204 No Content\r\nRpc-Received: 2\r\n\r\n";

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("hangs")
}

/// A server that answers each request for a stream by `stream`, which stays open, and each other one by `post`.
struct Server {
    url: String,
    requests: Arc<AtomicUsize>,
}

impl Server {
    async fn start(stream: impl Into<String>, post: &'static str, stays: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let (stream, requests) = (Arc::<str>::from(stream.into()), Arc::<AtomicUsize>::default());
        let counted = requests.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(answer(socket, stream.clone(), post, stays));
            }
        });
        Self { url, requests }
    }

    async fn connect(&self) -> Result<Client, ConnectError> {
        let mut limits = Limits::client();
        limits.message_in = 10_000;
        limits.mend = Duration::from_millis(300);
        let builder = Client::builder().limits(limits).fallback(Fallback::Always);
        soon(builder.connect_timeout(Duration::from_secs(5)).connect(&self.url)).await
    }
}

async fn answer(mut socket: TcpStream, stream: Arc<str>, post: &'static str, stays: bool) {
    let mut request = Vec::new();
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        if socket.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let wants_stream = String::from_utf8_lossy(&request).contains("text/event-stream");
    let answer = if wants_stream { &*stream } else { post };
    let _ = socket.write_all(answer.as_bytes()).await;
    if stays && wants_stream {
        let _ = tokio::io::copy(&mut socket, &mut tokio::io::sink()).await;
    }
}

#[tokio::test]
async fn a_server_that_opens_no_link_is_no_server() {
    for stream in [
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "nonsense\r\n\r\n",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain(
        [
            "id: 1\ndata: {}\n\n".to_owned(),
            HELLO.replace("\"link\":\"a.b\",", ""),
            HELLO.replace("a.b", ""),
            HELLO.replace("a.b", "a b"),
            HELLO.replace("a.b", &"x".repeat(300)),
            HELLO.replace("id: 1", "id: 2"),
            HELLO.replace("id: 1", "id: x"),
            HELLO.replace("$/hello", "$/other"),
            "x".repeat(30_000),
            ":\n\n".to_owned(),
            String::new(),
        ]
        .map(|events| format!("{STREAM}{events}")),
    ) {
        let server = Server::start(stream.clone(), TAKEN, true).await;
        let error = server.connect().await.err().unwrap_or_else(|| panic!("{stream}"));
        assert!(!error.to_string().is_empty());
    }
}

#[tokio::test]
async fn events_that_cannot_be_end_the_link() {
    for (events, code) in [
        ("id: 3\ndata: {}\n\n".to_owned(), CloseCode::PROTOCOL),
        ("data: {}\n\n".to_owned(), CloseCode::PROTOCOL),
        ("id: -2\ndata: {}\n\n".to_owned(), CloseCode::PROTOCOL),
        (format!("id: 2\ndata: {}", "x".repeat(20_000)), CloseCode::TOO_BIG),
        ("id: 2\n".to_owned() + &"data: xxxxxxxxx\n".repeat(2000), CloseCode::TOO_BIG),
        ("x".repeat(20_000), CloseCode::TOO_BIG),
        (format!(":{}", "x".repeat(20_000)), CloseCode::TOO_BIG),
    ] {
        let server = Server::start(format!("{STREAM}{HELLO}{events}"), TAKEN, true).await;
        let client = server.connect().await.unwrap();
        assert_eq!(soon(client.closed()).await.code, Some(code), "{}", &events[..9]);
    }
}

#[tokio::test]
async fn what_is_said_twice_or_is_not_known_harms_nothing() {
    let odd =
        "id: 1\ndata: {}\n\nevent: news\ndata: x\n\nretry: 0\n\nid\n\n: hi\n\nevent: close\n\n";
    let server = Server::start(format!("{STREAM}{HELLO}{odd}"), TAKEN, true).await;
    let client = server.connect().await.unwrap();
    client.peer().notify("note", ()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(client.state().is_up());
    let closes = "event: close\ndata: {\"code\":4321,\"reason\":\"enough\"}\n\n";
    let server = Server::start(format!("{STREAM}{HELLO}{closes}"), TAKEN, true).await;
    let client = server.connect().await.unwrap();
    assert_eq!(soon(client.closed()).await.code, Some(CloseCode::from(4321)));
}

#[tokio::test]
async fn answers_that_cannot_be_end_the_link() {
    for post in [
        "HTTP/1.1 204 No Content\r\nRpc-Received: 9\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nRpc-Received: x\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 409 Conflict\r\nRpc-Received: 1\r\nContent-Length: 0\r\n\r\n",
        "nonsense\r\n\r\n",
    ] {
        let server = Server::start(format!("{STREAM}{HELLO}"), post, true).await;
        let client = server.connect().await.unwrap();
        let (began, call) = (Instant::now(), client.peer().call::<u32>("add", (1, 2)));
        assert!(soon(call.into_future()).await.is_err(), "{post}");
        soon(client.closed()).await;
        assert!(began.elapsed() < Duration::from_secs(5), "{post}");
    }
}

/// A stream that always ends at once is not asked for again and again without a pause, nor for ever.
#[tokio::test]
async fn a_stream_that_always_ends_is_given_up() {
    let server = Server::start(format!("{STREAM}{HELLO}"), TAKEN, false).await;
    let client = server.connect().await.unwrap();
    soon(client.closed()).await;
    assert!(server.requests.load(Ordering::Relaxed) < 20);
}
