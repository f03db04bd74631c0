//! crates.io's `socketioxide`, for the benchmark: calls are events with an acknowledgement.
//!
//! Settings: WebSocket alone, no polling before it; `TCP_NODELAY`; room for 1,024 packets in a connection. Socket.IO
//! has no flow control: a server that fills that room waits a millisecond; a client waits for an acknowledgement now
//! and then, as each event is a task of the server, without bound. Chunks are binary attachments.
//!
//! The client is a minimal one of our own (`client.rs`): `rust_socketio` 0.6 draws the id of an acknowledgement among
//! 999 by lot, so that calls at once get each other's answers.

mod client;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use bytes::Bytes;
use cases::{CHUNK, Checked, listening};
use serde::Serialize;
use socketioxide::extract::{AckSender, Data, SocketRef, State};
use socketioxide::{SocketIo, TransportType};
use tokio::net::TcpListener;

const ROOM: usize = 1024;

type Taken = Arc<AtomicU64>;

fn on_connect(socket: SocketRef) {
    socket.on("add", async |Data((a, b)): Data<(i64, i64)>, ack: AckSender| {
        answer(ack, a.wrapping_add(b));
    });
    socket.on("item", async |State(taken): State<Taken>, ack: AckSender| {
        taken.fetch_add(1, Relaxed);
        answer(ack, 0);
    });
    socket.on(
        "chunk",
        async |Data(chunk): Data<Bytes>, State(taken): State<Taken>, ack: AckSender| {
            taken.fetch_add(chunk.len() as u64, Relaxed);
            answer(ack, 0);
        },
    );
    socket.on("taken", async |State(taken): State<Taken>, ack: AckSender| {
        answer(ack, taken.load(Relaxed));
    });
    socket.on("items", async |socket: SocketRef| pour(socket, "item", 0_u64..).await);
    socket.on("chunks", async |socket: SocketRef| {
        let chunk = Bytes::from(vec![7; CHUNK]);
        pour(socket, "chunk", std::iter::repeat(chunk)).await;
    });
    socket.on("listen", async |socket: SocketRef, ack: AckSender| {
        socket.join("all");
        answer(ack, 0);
    });
    socket.on("publish", async |Data(value): Data<u64>, io: SocketIo, ack: AckSender| {
        let members = io.within("all").sockets().len();
        // That somebody has gone is no error of who publishes.
        let _gone = io.to("all").emit("item", &value).await;
        answer(ack, members);
    });
    // This runs beside the socket: an event that came before would have closed the connection.
    let _gone = socket.emit("ready", &());
}

/// Nobody waits for it any more if it fails.
fn answer(ack: AckSender, value: impl Serialize) {
    let _gone = ack.send(&value);
}

async fn pour<T: Serialize>(socket: SocketRef, event: &str, items: impl Iterator<Item = T>) {
    for item in items {
        while socket.connected() && socket.emit(event, &item).is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if !socket.connected() {
            return;
        }
    }
}

async fn serve() -> Checked<Infallible> {
    let (layer, io) = SocketIo::builder()
        .transports([TransportType::Websocket])
        .max_buffer_size(ROOM)
        .with_state(Taken::default())
        .build_layer();
    io.ns("/", async |socket: SocketRef| on_connect(socket));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    listening(listener.local_addr()?);
    let listener = listener.tap_io(|socket| {
        let _unset = socket.set_nodelay(true);
    });
    axum::serve(listener, Router::new().layer(layer)).await?;
    Err("the server has ended".into())
}

fn main() -> Checked {
    cases::main::<client::Client>()
}
