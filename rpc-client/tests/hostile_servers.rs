//! G9, G10 and G22 the other way round: a server that attacks its client ends that connection at
//! most. Servers played by hand; the client has its default limits, but for times.

use std::time::Duration;

use rpc_client::Client;
use rpc_core::{CallError, CloseReason, Context, Limits, Router};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

const MIB: usize = 1024 * 1024;

/// Waits for what should be there at once; the time only ends a test that hangs.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("hangs")
}

/// Waits until `done`.
async fn until(mut done: impl FnMut() -> bool) {
    let poll = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    soon(poll).await;
}

/// What a server does to its client: it writes this, as often as that.
#[derive(Clone)]
struct Attack {
    bytes: Vec<u8>,
    times: usize,
    /// Whether it takes what the client sends.
    reads: bool,
}

impl Attack {
    fn once(bytes: Vec<u8>) -> Self {
        Self { bytes, times: 1, reads: true }
    }

    fn flood(bytes: &[u8], times: usize) -> Self {
        // A write for each would take most of the time.
        Self { bytes: bytes.repeat(100), times: times / 100, reads: true }
    }

    fn reads_nothing(self) -> Self {
        Self { reads: false, ..self }
    }

    /// The URL of a server that does this to the first who connects.
    async fn start(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            accept(&mut stream).await;
            self.run(stream).await;
        });
        url
    }

    async fn run(self, stream: TcpStream) {
        let (mut read, mut write) = stream.into_split();
        if self.reads {
            tokio::spawn(async move { tokio::io::copy(&mut read, &mut tokio::io::sink()).await });
        } else {
            std::mem::forget(read); // else its end would be seen as a close of this half
        }
        for _ in 0..self.times {
            if write.write_all(&self.bytes).await.is_err() {
                return;
            }
        }
        std::future::pending().await
    }
}

async fn accept(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).unwrap();
    let accept = derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
}

/// A whole frame of a server.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut frame = head(first, length as u64);
    if length < 126 {
        frame = vec![first, length as u8];
    }
    frame.extend(payload);
    frame
}

/// The head of a frame that says it has so many bytes.
fn head(first: u8, length: u64) -> Vec<u8> {
    [&[first, 127], &length.to_be_bytes()[..]].concat()
}

fn text(text: &str) -> Vec<u8> {
    frame(0x81, text.as_bytes())
}

fn services() -> Router {
    Router::new()
        .method("big", |_: Context, (bytes,): (usize,)| async move { Ok("x".repeat(bytes)) })
        .method("hang", |_: Context, (): ()| std::future::pending::<Result<(), _>>())
}

/// A client that is attacked, with a call that waits for its answer.
async fn attacked(attack: Attack) -> Client {
    let mut limits = Limits::client();
    limits.assembly = Duration::from_millis(300);
    limits.slow_reader = Duration::from_millis(500);
    limits.close = Duration::from_millis(500);
    let url = attack.start().await;
    Client::builder().limits(limits).service(services()).connect(&url).await.unwrap()
}

/// The end of a client that is attacked; its call hears of it as well.
async fn end(attack: Attack) -> CloseReason {
    let client = attacked(attack).await;
    let call = client.peer().call::<()>("anything", ()).no_timeout().start();
    let reason = soon(client.closed()).await;
    let Err(CallError::Closed { reason: told, .. }) = soon(call).await else {
        panic!("the call did not fail");
    };
    assert_eq!(told, reason);
    let stats = client.peer().stats();
    let left = (stats.pending, stats.in_flight, stats.subscriptions, stats.queue_bytes);
    assert_eq!(left, (0, 0, 0, 0), "nothing is left");
    reason
}

fn code(reason: &CloseReason) -> Option<u16> {
    reason.code.map(|code| code.value())
}

#[tokio::test]
async fn a_frame_that_declares_too_much() {
    let too_much = 4 * MIB as u64 + 1;
    for length in [too_much, 1 << 62, u64::MAX] {
        assert_eq!(code(&end(Attack::once(head(0x81, length))).await), Some(1009), "{length}");
    }
    let masked = vec![0x81, 0x80, 0, 0, 0, 0];
    assert_eq!(code(&end(Attack::once(masked)).await), Some(1002), "servers do not mask");
}

#[tokio::test]
async fn a_message_that_is_declared_and_never_comes() {
    assert_eq!(code(&end(Attack::once(head(0x81, 4 * MIB as u64))).await), Some(1008));
}

#[tokio::test]
async fn a_message_of_endless_fragments() {
    for payload in [&b""[..], b" "] {
        // The first of them is the beginning, the others go on; more of the first would be an error.
        let begin = frame(0x01, b"[");
        let rest = frame(0x00, payload).repeat(100_000);
        let reason = end(Attack::once([begin, rest].concat())).await;
        assert_eq!((code(&reason), reason.reason.as_str()), (Some(1008), "too many fragments"));
    }
}

#[tokio::test]
async fn pings_from_who_never_reads() {
    let pings = Attack::flood(&frame(0x89, &[b'p'; 125]), 100_000).reads_nothing();
    let client = attacked(pings).await;
    let most = 160 * 1024 + 1024;
    for _ in 0..200 {
        let queued = client.peer().stats().queue_bytes;
        assert!(queued <= most, "{queued} bytes of pongs wait");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let reason = soon(client.closed()).await;
    assert!(code(&reason) == Some(1008) && reason.reason.contains("`control_rate`"), "{reason}");
}

#[tokio::test]
async fn calls_from_who_never_reads_the_answers() {
    let call = |id: usize| {
        text(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"big","params":[1000000]}}"#))
    };
    let calls: Vec<u8> = (0..100).flat_map(call).collect();
    let reason = end(Attack::once(calls).reads_nothing()).await;
    assert_eq!(code(&reason), Some(4008));
}

#[tokio::test]
async fn calls_without_end() {
    let call = text(r#"{"jsonrpc":"2.0","id":"x","method":"hang"}"#);
    let other = |id| text(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"hang"}}"#));
    let many: Vec<u8> = (0..10_000).flat_map(other).collect();
    let client = attacked(Attack::once([many, call.repeat(100)].concat())).await;
    let peer = client.peer();
    until(|| peer.is_closed() || peer.stats().in_flight == 512).await;
    assert!(peer.stats().in_flight <= 512);
    client.peer().close(rpc_core::CloseCode::NORMAL, "enough");
    soon(client.closed()).await;
    assert_eq!(peer.stats().in_flight, 0);
}

/// The largest answer that may come, one that is much larger as a value, and one without an end.
#[tokio::test]
async fn answers_that_are_large() {
    let long = format!(r#"{{"jsonrpc":"2.0","id":1,"result":"{}"}}"#, "x".repeat(4 * MIB - 100));
    let client = attacked(Attack::once(text(&long))).await;
    // It may come before the call does: then it is for nobody, and the call is not answered.
    let call = client.peer().call::<String>("anything", ()).timeout(Duration::from_millis(500));
    match soon(call).await {
        Ok(text) => assert_eq!(text.len(), 4 * MIB - 100),
        Err(error) => assert!(matches!(error, CallError::Timeout { .. }), "{error:?}"),
    }
    assert!(!client.peer().is_closed());

    for result in [r#"[{"":0},"#.to_owned() + &r#"{"":0},"#.repeat(500_000) + "0]", {
        let depth = MIB;
        "[".repeat(depth) + &"]".repeat(depth)
    }] {
        let answer = text(&format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#));
        let client = attacked(Attack::once(answer.repeat(3))).await;
        let call = client.peer().call::<bool>("anything", ()).timeout(Duration::from_millis(500));
        assert!(soon(call).await.is_err(), "it is no bool");
        until(|| client.peer().stats().counters.stray >= 2 || client.peer().is_closed()).await;
    }
    let endless = [head(0x01, 4 * MIB as u64), vec![b' '; 4 * MIB], head(0x00, 1)].concat();
    assert_eq!(code(&end(Attack::once(endless)).await), Some(1009));
}

/// A client in the same program goes on while another one is flooded with all kinds of things.
#[tokio::test]
async fn a_flood_delays_no_other_connection() {
    let echo = |_: Context, (text,): (String,)| async move { Ok(text) };
    let server = rpc_server::Server::builder().service(Router::new().method("echo", echo));
    let server = server.bind("127.0.0.1:0").await.unwrap().spawn();
    let well = Client::builder().connect(&server.url()).await.unwrap();
    let flood = [
        text("{"),
        text(r#"{"jsonrpc":"2.0","id":1,"result":null}"#),
        text(r#"{"jsonrpc":"2.0","method":"$/goaway","params":7}"#),
        text(r#"{"jsonrpc":"2.0","method":"$/hello","params":{"window":1e99}}"#),
        text(r#"{"jsonrpc":"2.0","id":1,"method":"none"}"#),
        frame(0x8a, b"pong"),
    ];
    let flooded = attacked(Attack::flood(&flood.concat(), 1_000_000)).await;
    for _ in 0..200 {
        let answer = well.peer().call::<String>("echo", ("tweet",)).await;
        assert_eq!(answer.as_deref(), Ok("tweet"));
    }
    assert_eq!(code(&soon(flooded.closed()).await), Some(1008));
    let answer = well.peer().call::<String>("echo", ("tweet",)).await;
    assert_eq!(answer.as_deref(), Ok("tweet"));
}
