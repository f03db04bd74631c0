//! One connection: do all that is ready, flush once, wait.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use crate::answer::Answers;
use crate::groups::Groups;
use crate::request::{self, Pause};

/// What a message is answered with.
#[derive(Clone, Copy)]
pub(crate) enum Reply {
    /// The same, always.
    Fixed,
    /// What the called method says.
    CallFuture,
}

const FIXED: &str = r#"{"jsonrpc":"2.0","id":0,"result":0}"#;

/// A future for each call that is not done at once.
pub(crate) type Paused = FuturesUnordered<Pin<Box<dyn Future<Output = Pause> + Send>>>;

pub(crate) struct Connection {
    socket: WebSocketStream<TcpStream>,
    reply: Reply,
    shared: Shared,
    paused: Paused,
    answers: Answers,
}

/// What a request may change beyond its own answer.
pub(crate) struct Shared {
    pub(crate) groups: Arc<Groups>,
    /// What is published to this connection; made when it joins its first group.
    pub(crate) published: Option<UnboundedReceiver<Utf8Bytes>>,
}

impl Connection {
    pub(crate) async fn accept(
        stream: TcpStream,
        reply: Reply,
        groups: Arc<Groups>,
    ) -> Result<Self, Error> {
        stream.set_nodelay(true)?;
        // As in `rpc_core::Limits`, so that the same reads and writes are compared. Only the write
        // buffer has no bound: a message goes out in one piece here.
        let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(16 * 1024);
        Ok(Self {
            socket: tokio_tungstenite::accept_async_with_config(stream, Some(config)).await?,
            reply,
            shared: Shared { groups, published: None },
            paused: Paused::new(),
            answers: Answers::default(),
        })
    }

    pub(crate) async fn run(&mut self) -> Result<(), Error> {
        loop {
            poll_fn(|cx| self.poll_work(cx)).await?;
            self.socket.flush().await?;
        }
    }

    /// Does all that is ready, each kind once; pending only if that was nothing. The runtime's
    /// budget for one poll bounds it: then the socket says that it is not ready.
    fn poll_work(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut worked = false;
        loop {
            ready!(self.socket.poll_ready_unpin(cx))?;
            let Poll::Ready(message) = self.socket.poll_next_unpin(cx) else { break };
            if let Some(answer) = self.receive(&message.ok_or(Error::ConnectionClosed)??) {
                self.send(answer)?;
            }
            worked = true;
        }
        while let Poll::Ready(Some(pause)) = self.paused.poll_next_unpin(cx) {
            let answer = self.answers.result(&pause.id, pause.sum);
            self.send(answer)?;
            worked = true;
        }
        while let Poll::Ready(Some(message)) = self.shared.poll_published(cx) {
            self.send(message)?;
            worked = true;
        }
        if worked { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Into the write buffer.
    fn send(&mut self, text: Utf8Bytes) -> Result<(), Error> {
        self.socket.start_send_unpin(Message::Text(text))
    }

    fn receive(&mut self, message: &Message) -> Option<Utf8Bytes> {
        // tungstenite answers pings and closes by itself.
        let Message::Text(text) = message else { return None };
        match self.reply {
            Reply::Fixed => Some(Utf8Bytes::from_static(FIXED)),
            Reply::CallFuture => {
                request::serve(text, &mut self.shared, &self.paused, &mut self.answers);
                self.answers.take()
            }
        }
    }
}

impl Shared {
    fn poll_published(&mut self, cx: &mut Context<'_>) -> Poll<Option<Utf8Bytes>> {
        self.published.as_mut().map_or(Poll::Pending, |published| published.poll_recv(cx))
    }
}
