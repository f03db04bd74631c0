//! One connection keeps a thread from others no longer than it must, whatever it is asked for.

use std::future::poll_fn;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use rpc_core::transport::{
    Connection, Endpoint, EndpointConfig, Received, Role, Transport, WebSocket,
};
use rpc_core::{Context, Limits, Router, Streaming, memory};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Longer than the clock needs for a tick, by which turns are measured.
fn work() {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(40) {
        std::hint::spin_loop();
    }
}

/// What takes its time, and how often it was done.
fn services() -> (Router, Arc<AtomicUsize>) {
    let done = Arc::<AtomicUsize>::default();
    let [method, notification, items] = [(); 3].map(|()| done.clone());
    let router = Router::new()
        .method("work", move |_: Context, (): ()| {
            work();
            method.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Ok(()))
        })
        .notification("note", move |_: Context, (): ()| {
            work();
            notification.fetch_add(1, Ordering::SeqCst);
            std::future::ready(())
        })
        .subscription("items", "unitems", move |_: Context, (): ()| {
            let items = items.clone();
            async move {
                Ok(Streaming::new(stream::iter(0..10).map(move |item| {
                    work();
                    items.fetch_add(1, Ordering::SeqCst);
                    item
                })))
            }
        });
    (router, done)
}

fn connection(services: Router) -> (Connection, memory::Pipe) {
    let (near, far) = memory::transports(1 << 20);
    let mut config = EndpointConfig::new(services, Limits::server());
    config.keepalive = false;
    (Endpoint::new(config).connect(near), far)
}

/// How often work was done in each turn that it takes to do it ten times.
async fn turns(messages: &[String]) -> Vec<usize> {
    let (services, done) = services();
    let (mut connection, mut far) = connection(services);
    for message in messages {
        far.send(message.clone().into()).unwrap();
    }
    let mut turns = Vec::new();
    while done.load(Ordering::SeqCst) < 10 {
        let before = done.load(Ordering::SeqCst);
        assert!((&mut connection).now_or_never().is_none());
        turns.push(done.load(Ordering::SeqCst) - before);
        // Whatever was owed is on its way.
        let next = poll_fn(|cx| Poll::Ready(far.poll_receive(cx, usize::MAX))).await;
        assert!(!matches!(next, Poll::Ready(Received::Closed { .. } | Received::Failed(_))));
        assert!(turns.len() < 30, "{turns:?}");
    }
    turns
}

fn request(id: usize, method: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#)
}

#[tokio::test]
async fn a_turn_begins_no_more_when_it_has_taken_its_time() {
    let requests: Vec<_> = (0..10).map(|id| request(id, "work")).collect();
    let batch = format!("[{}]", requests.join(","));
    let notes = vec![r#"{"jsonrpc":"2.0","method":"note"}"#.to_owned(); 10];
    for messages in [requests, vec![batch], notes, vec![request(0, "items")]] {
        let turns = turns(&messages).await;
        // One where it is read, and one of those that wait.
        assert!(turns.iter().all(|done| *done <= 2), "{turns:?} of {}", messages[0]);
    }
}

/// How many polls of handlers it takes until a thread whose one connection always has something to do finds
/// what arrives for another, at the hundredth.
async fn found_after(requests: usize, busy: fn(&mut std::task::Context<'_>) -> Poll<()>) -> usize {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut other, _) = listener.accept().await.unwrap();
    let (near, polls) = (Arc::new(near), Arc::<AtomicUsize>::default());
    let counted = polls.clone();
    let services = Router::new().method("busy", move |_: Context, (): ()| {
        let (near, counted) = (near.clone(), counted.clone());
        poll_fn(move |cx| {
            if counted.fetch_add(1, Ordering::SeqCst) == 100 {
                (&*near).write_all(b"!").unwrap();
            }
            busy(cx).map(Ok::<_, rpc_core::ErrorObject>)
        })
    });
    let (connection, mut far) = connection(services);
    for id in 0..requests {
        far.send(request(id, "busy").into()).unwrap();
    }
    let connection = tokio::spawn(connection);
    assert_eq!(other.read_u8().await.unwrap(), b'!');
    connection.abort();
    polls.load(Ordering::SeqCst) - 100
}

#[tokio::test]
async fn what_arrives_for_others_is_found_between_two_turns() {
    let wakes_itself = |cx: &mut std::task::Context<'_>| {
        cx.waker().wake_by_ref();
        Poll::Pending
    };
    let polls = found_after(1, wakes_itself).await;
    assert!(polls < 5, "{polls} turns");
    let polls = found_after(10_000, |_| Poll::Ready(())).await;
    assert!(polls < 5 * 128, "{polls} requests");
}

/// The beginning of the last one is here as soon as the first: that it stays one for long is not the fault of
/// who has sent all of it.
#[tokio::test]
async fn a_message_is_not_late_whose_rest_was_not_looked_for() {
    let (services, done) = services();
    let mut limits = Limits::server();
    limits.assembly = Duration::from_millis(200);
    limits.read_buffer = 1000;
    let config = EndpointConfig::new(services, limits.clone());
    let (near, mut far) = tokio::io::duplex(1 << 20);
    let near = WebSocket::new(near, Role::Server, Bytes::new(), &limits);
    let connection = tokio::spawn(Endpoint::new(config).connect(near));
    for id in 0..30 {
        let request = request(id, "work");
        let head = [0x81, 0x80 | request.len() as u8, 0, 0, 0, 0];
        far.write_all(&[&head, request.as_bytes()].concat()).await.unwrap();
    }
    while done.load(Ordering::SeqCst) < 30 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(!connection.is_finished(), "closed after {done:?}");
    }
    connection.abort();
}
