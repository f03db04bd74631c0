//! The least that a client of Socket.IO can be: packets written by hand, one flush for all that is ready.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::convert::Infallible;
use std::rc::Rc;

use bytes::Bytes;
use cases::{CHUNK, Checked, Peer, Taken};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_local;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Packets that wait for the socket.
const QUEUE: usize = 256;

/// The event that the server sends when its handlers are in place.
const READY: &str = r#"42["ready""#;

/// Socket.IO has no flow control: after so many items the server must have acknowledged the last one.
const ITEMS: u64 = 256;

/// The same bound for chunks.
const CHUNKS: u64 = 16;

/// A client: packets out, and items and chunks in.
pub(crate) struct Client {
    packets: mpsc::Sender<Message>,
    shared: Rc<Shared>,
    made: Cell<u64>,
    heard: RefCell<Option<mpsc::UnboundedReceiver<Heard>>>,
}

#[derive(Default)]
struct Shared {
    waiters: RefCell<HashMap<u64, oneshot::Sender<i64>>>,
}

enum Heard {
    Item(u64),
    Chunk(usize),
}

/// Reads packets, and passes answers, items and chunks on.
struct Reader {
    socket: SplitStream<Socket>,
    packets: mpsc::Sender<Message>,
    shared: Rc<Shared>,
    heard: mpsc::UnboundedSender<Heard>,
}

impl Reader {
    /// Reads until the end. Calls that still wait then fail.
    async fn run(mut self) -> Checked {
        let ended = self.read().await;
        self.shared.waiters.borrow_mut().clear();
        ended
    }

    async fn read(&mut self) -> Checked {
        while let Some(message) = self.socket.next().await {
            match message? {
                Message::Text(text) if text.as_str() == "2" => {
                    self.packets.send(Message::text("3")).await?
                }
                Message::Text(text) => self.receive(&text)?,
                Message::Binary(chunk) => self.heard.send(Heard::Chunk(chunk.len()))?,
                _ => {}
            }
        }
        Ok(())
    }

    /// `43ID[RESULT]` or `42["item",N]`; what announces a binary attachment is of no interest.
    fn receive(&self, text: &str) -> Checked {
        if let Some(item) = text.strip_prefix(r#"42["item","#) {
            self.heard.send(Heard::Item(item.trim_end_matches(']').parse()?))?;
        } else if let Some((id, result)) =
            text.strip_prefix("43").and_then(|ack| ack.split_once('['))
        {
            let waiter = self
                .shared
                .waiters
                .borrow_mut()
                .remove(&id.parse()?)
                .ok_or("an answer to nobody")?;
            let _gone = waiter.send(result.trim_end_matches(']').parse()?);
        }
        Ok(())
    }
}

async fn write(
    mut socket: SplitSink<Socket, Message>,
    mut packets: mpsc::Receiver<Message>,
) -> Checked {
    let mut ready = Vec::new();
    while packets.recv_many(&mut ready, QUEUE).await > 0 {
        for packet in ready.drain(..) {
            socket.feed(packet).await?;
        }
        socket.flush().await?;
    }
    Ok(())
}

impl Client {
    async fn send(&self, packet: String) -> Checked {
        Ok(self.packets.send(Message::text(packet)).await?)
    }

    async fn call(&self, event: &str, params: &str) -> Checked<i64> {
        let (id, answer) = self.waiter();
        self.send(format!(r#"42{id}["{event}"{params}]"#)).await?;
        Ok(answer.await?)
    }

    fn waiter(&self) -> (u64, oneshot::Receiver<i64>) {
        let id = self.made.replace(self.made.get() + 1);
        let (waiter, answer) = oneshot::channel();
        self.shared.waiters.borrow_mut().insert(id, waiter);
        (id, answer)
    }

    async fn send_chunk(&self, id: &str, chunk: Bytes) -> Checked {
        self.send(format!(r#"451-{id}["chunk",{{"_placeholder":true,"num":0}}]"#)).await?;
        Ok(self.packets.send(Message::Binary(chunk)).await?)
    }

    async fn hear(&self, taken: &Taken) -> Checked {
        let mut heard = self.heard.take().ok_or("somebody hears already")?;
        while let Some(heard) = heard.recv().await {
            match heard {
                Heard::Item(item) => taken.item(item)?,
                Heard::Chunk(length) => taken.chunk(length)?,
            }
        }
        Ok(())
    }
}

impl Peer for Client {
    async fn serve() -> Checked<Infallible> {
        crate::serve().await
    }

    async fn connect(address: &str) -> Checked<Self> {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let (mut socket, _) = tokio_tungstenite::connect_async_with_config(url, None, true).await?;
        socket.next().await.ok_or("no greeting")??;
        socket.send(Message::text("40")).await?;
        while !socket.next().await.ok_or("no connection")??.to_text()?.starts_with(READY) {}
        let (sink, stream) = socket.split();
        let (packets, queue) = mpsc::channel(QUEUE);
        let (sender, heard) = mpsc::unbounded_channel();
        let shared = Rc::new(Shared::default());
        spawn_local(write(sink, queue));
        let reader = Reader {
            socket: stream,
            packets: packets.clone(),
            shared: shared.clone(),
            heard: sender,
        };
        spawn_local(reader.run());
        Ok(Self { packets, shared, made: Cell::new(0), heard: RefCell::new(Some(heard)) })
    }

    async fn add(&self, a: i64, b: i64) -> Checked<i64> {
        self.call("add", &format!(",{a},{b}")).await
    }

    async fn close(self) -> Checked {
        self.send("41".to_owned()).await?;
        Ok(self.packets.send(Message::Close(None)).await?)
    }

    async fn items_down(&self, taken: &Taken) -> Checked {
        self.send(r#"42["items"]"#.to_owned()).await?;
        self.hear(taken).await
    }

    async fn items_up(&self) -> Checked {
        for item in 0_u64.. {
            if item % ITEMS == ITEMS - 1 {
                self.call("item", &format!(",{item}")).await?;
            } else {
                self.send(format!(r#"42["item",{item}]"#)).await?;
            }
        }
        Ok(())
    }

    async fn chunks_down(&self, taken: &Taken) -> Checked {
        self.send(r#"42["chunks"]"#.to_owned()).await?;
        self.hear(taken).await
    }

    async fn chunks_up(&self) -> Checked {
        let chunk = Bytes::from(vec![7; CHUNK]);
        for n in 0_u64.. {
            if n % CHUNKS == CHUNKS - 1 {
                let (id, answer) = self.waiter();
                self.send_chunk(&id.to_string(), chunk.clone()).await?;
                answer.await?;
            } else {
                self.send_chunk("", chunk.clone()).await?;
            }
        }
        Ok(())
    }

    async fn taken(&self) -> Checked<u64> {
        Ok(u64::try_from(self.call("taken", "").await?)?)
    }

    async fn listen(&self, taken: &Taken) -> Checked {
        self.call("listen", "").await?;
        self.hear(taken).await
    }

    async fn publish(&self, value: u64) -> Checked<u64> {
        Ok(u64::try_from(self.call("publish", &format!(",{value}")).await?)?)
    }
}
