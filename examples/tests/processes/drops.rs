//! Servers that accept each client and drop it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rpc_client::{Client, Reconnect, State};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::soon;

/// How many attempts there are within five seconds at most: the waits double. One client in 100,000 makes more.
const ATTEMPTS: usize = 11;

/// Serves all who connect with `serve`. Returns the URL and the number of connections so far.
async fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> (String, Arc<AtomicUsize>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let count = Arc::<AtomicUsize>::default();
    let counts = count.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counts.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream));
        }
    });
    (url, count)
}

/// Answers the handshake, and is gone.
async fn upgrade(mut stream: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).unwrap();
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    // The client may be gone as well.
    let _ = stream.write_all(answer.as_bytes()).await;
}

/// A server that is reached and gone at once, before or after its handshake, is asked ever less often.
#[tokio::test]
async fn a_server_that_drops_each_client_at_once_is_asked_ever_less_often() {
    let (refuses, refused) = listen(|stream| async move { drop(stream) }).await;
    let (greets, greeted) = listen(upgrade).await;
    let policy = Reconnect::default().wait_for_first(true);
    let never_up = tokio::spawn(Client::builder().reconnect(policy.clone()).connect(refuses));
    let client = soon(Client::builder().reconnect(policy).connect(greets)).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    let counts = [&refused, &greeted].map(|count| count.load(Ordering::SeqCst));
    assert!(counts.iter().all(|count| (3..=ATTEMPTS).contains(count)), "{counts:?}");
    assert!(matches!(client.state(), State::Away { .. } | State::Fresh { .. }));
    assert!(!never_up.is_finished());
    never_up.abort();
}
