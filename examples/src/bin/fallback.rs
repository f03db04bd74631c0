//! A network that lets no WebSocket pass: the client gets through by server-sent events and `POST`, is called back, and
//! moves to a WebSocket when the network lets it. Nothing is lost on the way.

#![allow(clippy::print_stdout, reason = "it shows what it does")]

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rpc_client::{Client, Fallback, Reconnect, State};
use rpc_core::{Context, Streaming, service};
use rpc_server::{Server, Sessions};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

#[service]
trait Desk {
    /// Greets the caller by the name that the caller tells.
    async fn greet(&self, cx: &Context) -> String;
    fn numbers(&self, to: u32) -> Streaming<u32>;
}

#[service]
trait Visitor {
    async fn name(&self) -> String;
}

struct Office;

impl Desk for Office {
    async fn greet(&self, cx: &Context) -> String {
        let name = VisitorClient::new(cx.peer()).name().await;
        format!("hello, {}", name.unwrap_or_else(|error| error.to_string()))
    }

    fn numbers(&self, to: u32) -> Streaming<u32> {
        Streaming::new(futures_util::stream::iter(1..=to))
    }
}

struct Ada;

impl Visitor for Ada {
    async fn name(&self) -> String {
        "Ada".into()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::builder()
        .service(DeskServer::new(Office))
        .sessions(Sessions::new())
        .sse(true)
        .bind("127.0.0.1:0")
        .await?
        .spawn();
    let address = server.local_addr().ok_or("it listens on a port")?;
    let proxy = Arc::new(Proxy { refuses: AtomicBool::new(true), server: address });
    let url = proxy.clone().listen().await?;

    let strict = Client::builder().connect(&url).await;
    println!("without a fallback: {}", strict.err().ok_or("a WebSocket has passed")?);

    let client = Client::builder()
        .service(VisitorServer::new(Ada))
        .fallback(Fallback::WhenFails)
        .reconnect(Reconnect::default())
        .connect(&url)
        .await?;
    println!("{}", client.state());
    let desk = DeskClient::new(client.peer());
    println!("{}", desk.greet().await?);

    let mut numbers = desk.numbers(10_000).await?;
    let mut sum = 0;
    for _ in 0..5000 {
        sum += numbers.next().await.ok_or("the stream has ended")??;
    }
    // In the middle of a stream the network lets WebSockets pass.
    proxy.refuses.store(false, Ordering::Relaxed);
    client.reconnect_now();
    let mut states = client.states();
    while let Some(state) = states.next().await {
        if let State::Up { resumed: true, .. } = state {
            println!("{state}, by a {}", client.carrier());
            break;
        }
    }
    while let Some(number) = numbers.next().await {
        sum += number?;
    }
    println!("the numbers from 1 to 10000 have the sum {sum}");
    println!("{}", desk.greet().await?);
    client.close().await;
    server.stop().await;
    Ok(())
}

/// A proxy that knows no WebSockets, for a while.
struct Proxy {
    refuses: AtomicBool,
    server: SocketAddr,
}

impl Proxy {
    /// Starts the proxy, which runs to the end of the program. Returns its URL.
    async fn listen(self: Arc<Self>) -> std::io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("ws://{}/", listener.local_addr()?);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(self.clone().carry(client));
            }
        });
        Ok(url)
    }

    async fn carry(self: Arc<Self>, mut client: TcpStream) -> std::io::Result<()> {
        let mut head = vec![0; 16 * 1024];
        let read = client.read(&mut head).await?;
        let asks = String::from_utf8_lossy(&head[..read]).to_lowercase().contains("\r\nupgrade:");
        if asks && self.refuses.load(Ordering::Relaxed) {
            let refusal =
                "HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
            return client.write_all(refusal.as_bytes()).await;
        }
        let mut server = TcpStream::connect(self.server).await?;
        server.write_all(&head[..read]).await?;
        copy_bidirectional(&mut client, &mut server).await.map(drop)
    }
}
