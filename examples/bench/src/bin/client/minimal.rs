//! The least that a client can do: one task, one queue into it, a slab of those who wait, one flush
//! for all that was ready. Nothing is cancelled, nothing has a deadline.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bench::Checked;
use bytes::BytesMut;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use slab::Slab;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// The handle; the task ends with it.
pub(crate) struct Minimal {
    queue: mpsc::UnboundedSender<Call>,
}

struct Call {
    a: i64,
    b: i64,
    waiter: oneshot::Sender<i64>,
}

#[derive(Deserialize)]
struct Answer {
    id: usize,
    result: i64,
}

struct Task {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    queue: mpsc::UnboundedReceiver<Call>,
    waiters: Slab<oneshot::Sender<i64>>,
    buffer: BytesMut,
}

impl Minimal {
    pub(crate) async fn connect(url: &str) -> Checked<Self> {
        // As in `rpc_core::Limits`, so that the same reads and writes are compared.
        let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(16 * 1024);
        let connecting = tokio_tungstenite::connect_async_with_config(url, Some(config), true);
        let (socket, _) = connecting.await?;
        let (sender, queue) = mpsc::unbounded_channel();
        let mut task = Task { socket, queue, waiters: Slab::new(), buffer: BytesMut::new() };
        // Its only error is that the connection has ended, which those who wait notice.
        tokio::spawn(async move { task.run().await.err() });
        Ok(Self { queue: sender })
    }

    pub(crate) async fn add(&self, a: i64, b: i64) -> Checked<i64> {
        let (waiter, answer) = oneshot::channel();
        self.queue.send(Call { a, b, waiter }).map_err(|_| "the connection has ended")?;
        Ok(answer.await?)
    }
}

impl Task {
    async fn run(&mut self) -> Result<(), Error> {
        loop {
            poll_fn(|cx| self.poll_work(cx)).await?;
            self.socket.flush().await?;
        }
    }

    /// Does all that is ready; pending only if that was nothing.
    fn poll_work(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut worked = false;
        while let Poll::Ready(message) = self.socket.poll_next_unpin(cx) {
            self.receive(message.ok_or(Error::ConnectionClosed)??);
            worked = true;
        }
        loop {
            ready!(self.socket.poll_ready_unpin(cx))?;
            let Poll::Ready(call) = self.queue.poll_recv(cx) else { break };
            let request = self.request(call.ok_or(Error::ConnectionClosed)?);
            self.socket.start_send_unpin(Message::Text(request))?;
            worked = true;
        }
        if worked { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn receive(&mut self, message: Message) {
        let Message::Text(text) = message else { return };
        // What is no answer to us is dropped, and so is an answer that nobody waits for.
        let Ok(answer) = serde_json::from_str::<Answer>(&text) else { return };
        if let Some(waiter) = self.waiters.try_remove(answer.id) {
            let _nobody_waits = waiter.send(answer.result);
        }
    }

    fn request(&mut self, call: Call) -> Utf8Bytes {
        let id = self.waiters.insert(call.waiter);
        let [mut ids, mut a, mut b] = [itoa::Buffer::new(); 3];
        let head = r#"{"jsonrpc":"2.0","id":"#;
        let method = r#","method":"add","params":["#;
        for part in [head, ids.format(id), method, a.format(call.a), ",", b.format(call.b), "]}"] {
            self.buffer.extend_from_slice(part.as_bytes());
        }
        let text = self.buffer.split().freeze();
        Utf8Bytes::try_from(text).expect("it was put together from `str`s")
    }
}
