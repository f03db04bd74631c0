//! How a link over a stream of bytes ends.

use std::time::Duration;

use rpc_core::transport::{ByteStream, Connection, Endpoint, EndpointConfig, Framing};
use rpc_core::types::ClosedBy;
use rpc_core::{CallError, CloseCode, Context, Fate, Limits, Peer, Router};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::sleep;

/// An end that answers after a second, and what comes out of it.
fn slow() -> (Peer, Connection, DuplexStream) {
    let slow = |_: Context, (): ()| async move {
        sleep(Duration::from_secs(1)).await;
        Ok("slow")
    };
    let asks =
        |cx: Context, (): ()| async move { Ok(cx.peer().call::<()>("ask", ()).await.is_err()) };
    let router = Router::new().method("slow", slow).method("asks", asks);
    let limits = Limits::server();
    let endpoint = Endpoint::new(EndpointConfig::new(router, limits.clone()));
    let (near, far) = duplex(4096);
    let peer = endpoint.peer();
    (peer, endpoint.connect(ByteStream::new(near, Framing::Lines, &limits)), far)
}

/// As `echo '…' | program` does it: the input ends at once, and the answers are still wanted.
#[tokio::test(start_paused = true)]
async fn who_ends_the_stream_behind_a_request_is_still_answered() {
    let (_, connection, mut far) = slow();
    let connection = tokio::spawn(connection);
    far.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"slow\"}\n").await.unwrap();
    far.shutdown().await.unwrap();
    let mut said = String::new();
    far.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"slow\"}\n");
    let reason = connection.await.unwrap();
    assert_eq!((reason.by, reason.code), (ClosedBy::Peer, None));
}

#[tokio::test(start_paused = true)]
async fn calls_to_an_end_that_says_nothing_more_fail_at_once() {
    let (peer, connection, mut far) = slow();
    let connection = tokio::spawn(connection);
    far.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"asks\"}\n").await.unwrap();
    let mut said = [0; 256];
    let count = far.read(&mut said).await.unwrap();
    assert!(String::from_utf8_lossy(&said[..count]).contains("\"method\":\"ask\""));
    let call = peer.call::<()>("other", ()).start();
    let count = far.read(&mut said).await.unwrap();
    assert!(String::from_utf8_lossy(&said[..count]).contains("\"method\":\"other\""));
    far.shutdown().await.unwrap();
    let Err(CallError::Closed { fate, .. }) = call.await else { panic!() };
    assert_eq!(fate, Fate::MaybeExecuted);
    let mut said = String::new();
    far.read_to_string(&mut said).await.unwrap();
    assert!(said.contains("\"id\":1,\"result\":true"), "{said}");
    assert_eq!(connection.await.unwrap().by, ClosedBy::Peer);
}

/// Its own handlers have no more than the grace.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_stream_waits_for_no_handler_for_ever() {
    let limits = Limits::server();
    let never = |_: Context, (): ()| std::future::pending::<Result<(), rpc_core::ErrorObject>>();
    let router = Router::new().method("never", never);
    let endpoint = Endpoint::new(EndpointConfig::new(router, limits.clone()));
    let (near, mut far) = duplex(4096);
    let connection = tokio::spawn(endpoint.connect(ByteStream::new(near, Framing::Lines, &limits)));
    far.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"never\"}\n").await.unwrap();
    let start = tokio::time::Instant::now();
    far.shutdown().await.unwrap();
    assert_eq!(connection.await.unwrap().by, ClosedBy::Peer);
    assert_eq!(start.elapsed().as_secs(), limits.grace.as_secs());
}

/// What was sent before the close arrives, also in front of what the other end still sends.
#[tokio::test(start_paused = true)]
async fn a_close_says_all_that_was_said_before() {
    let (peer, connection, mut far) = slow();
    let connection = tokio::spawn(connection);
    for number in 0..100 {
        peer.notify("told", (number,)).await.unwrap();
    }
    peer.close(CloseCode::NORMAL, "enough");
    far.write_all(&[b'x'; 3000]).await.unwrap();
    let mut said = String::new();
    far.read_to_string(&mut said).await.unwrap();
    assert_eq!(said.lines().count(), 100);
    assert!(said.ends_with("\"params\":[99]}\n"));
    drop(far);
    assert_eq!(connection.await.unwrap().reason, "enough");
}

#[tokio::test(start_paused = true)]
async fn a_close_takes_no_longer_than_it_may() {
    let (peer, connection, far) = slow();
    let connection = tokio::spawn(connection);
    let start = tokio::time::Instant::now();
    peer.close(CloseCode::NORMAL, "enough");
    connection.await.unwrap(); // the other end has not ended its direction
    assert_eq!(start.elapsed(), Limits::server().close);
    drop(far);
}

/// There is no ping: silence is no sign of a loss.
#[tokio::test(start_paused = true)]
async fn a_silent_link_lives() {
    let (_, connection, mut far) = slow();
    let _connection = tokio::spawn(connection);
    sleep(Duration::from_secs(24 * 3600)).await;
    far.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"slow\"}\n").await.unwrap();
    let mut said = [0; 100];
    let count = far.read(&mut said).await.unwrap();
    assert_eq!(&said[..count], b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"slow\"}\n");
}
