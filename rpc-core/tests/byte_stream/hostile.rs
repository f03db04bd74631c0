//! Peers that do it wrong: each gets a clear error or a close, nothing before it is lost, and it costs little.

use std::time::Duration;

use rpc_core::transport::{ByteStream, Endpoint, EndpointConfig, Framing};
use rpc_core::{Context, Limits, Router};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

use crate::malformed_streams::{MESSAGE_IN, Reached, cases};

#[tokio::test(start_paused = true)]
async fn whatever_is_wrong_with_a_line() {
    let cases = cases(Framing::Lines);
    assert!(cases.len() >= 50);
    for case in &cases {
        Reached::new(Framing::Lines).play(case).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_is_wrong_with_a_head_or_its_message() {
    let cases = cases(Framing::ContentLength);
    assert!(cases.len() >= 50);
    for case in &cases {
        Reached::new(Framing::ContentLength).play(case).await;
    }
}

/// A byte each second: any byte is a sign of life, but a message must be whole in time.
#[tokio::test(start_paused = true)]
async fn a_message_that_drips_is_given_up() {
    for (framing, drip) in [
        (Framing::Lines, &b"x"[..]),
        (Framing::ContentLength, b"Content-Length: 100\r\n"),
        (Framing::ContentLength, b"Content-Length: 100\r\n\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
    ] {
        let mut reached = Reached::new(framing);
        reached.call(1).await;
        reached.hear("\"id\":1").await;
        for byte in drip.iter().cycle().take(40) {
            reached.send(&[*byte]).await;
            sleep(Duration::from_secs(1)).await;
        }
        let closed = reached.connection.await.unwrap().to_string();
        assert!(closed.contains("1008") && closed.contains("took too long"), "{closed}");
    }
}

/// Blank bytes between messages are no message: a peer may send them as a sign of life, for ever.
#[tokio::test(start_paused = true)]
async fn line_ends_between_messages_may_drip() {
    for framing in [Framing::Lines, Framing::ContentLength] {
        let mut reached = Reached::new(framing);
        for id in 0..10 {
            for _ in 0..10 {
                reached.send(b"\r\n").await;
                sleep(Duration::from_secs(1)).await;
            }
            reached.call(id).await;
            reached.hear(&format!("\"id\":{id},\"result\"")).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_is_closed() {
    for framing in [Framing::Lines, Framing::ContentLength] {
        let mut reached = Reached::new(framing);
        let mut id = 0;
        while !reached.connection.is_finished() {
            id += 1;
            let call = tokio::time::timeout(Duration::from_secs(60), reached.call(id));
            if call.await.is_err() {
                break;
            }
        }
        let closed = reached.connection.await.unwrap().to_string();
        assert!(closed.contains("4008"), "{closed}");
    }
}

/// A stream that always has more does not keep its thread: another connection of the thread is served.
#[tokio::test]
async fn a_flood_lets_others_go_first() {
    for (framing, flood) in [
        (Framing::Lines, &b"\n"[..]),
        (Framing::Lines, b"{\"jsonrpc\":\"2.0\",\"method\":\"nothing\"}\n"),
        (Framing::ContentLength, b"\r\n"),
        (Framing::ContentLength, b"Content-Length: 0\r\n\r\n"),
    ] {
        let flooded = Reached::new(framing);
        let (_reading, mut writing) = tokio::io::split(flooded.far);
        let flood = flood.repeat(10_000);
        let flooding =
            tokio::spawn(async move { while writing.write_all(&flood).await.is_ok() {} });
        let mut other = Reached::new(framing);
        for id in 0..20 {
            other.call(id).await;
            other.hear(&format!("\"id\":{id},\"result\"")).await;
        }
        flooding.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_of_a_browser_is_no_message() {
    let (near, mut far) = tokio::io::duplex(4096);
    let limits = Limits::server();
    let ran = |_: Context, (): ()| async move { panic!("a page has called") };
    let router = Router::new().notification("delete_all", ran);
    let endpoint = Endpoint::new(EndpointConfig::new(router, limits.clone()));
    let stream = ByteStream::new(near, Framing::Lines, &limits).refuse_http();
    let connection = tokio::spawn(endpoint.connect(stream));
    let body = "{\"jsonrpc\":\"2.0\",\"method\":\"delete_all\"}\n";
    far.write_all(format!("POST / HTTP/1.1\r\nHost: x\r\n\r\n{body}").as_bytes()).await.unwrap();
    drop(far);
    let closed = connection.await.unwrap().to_string();
    assert!(closed.contains("without HTTP"), "{closed}");
}

#[tokio::test(start_paused = true)]
async fn the_limits_of_a_guest_hold_until_the_login() {
    let mut reached = Reached::new(Framing::Lines);
    reached.send(&[vec![b'x'; MESSAGE_IN], b"\n".to_vec()].concat()).await;
    reached.hear("-32700").await;
}
