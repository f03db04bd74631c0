//! A wire between a client and its servers that a test can cut, and lead elsewhere.

#![allow(dead_code, reason = "each test file uses its part")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use rpc_client::{Client, ClientBuilder, Reconnect, State};
use rpc_core::transport::{Accepted, Endpoint, EndpointConfig, Role, SessionMode, WebSocket};
use rpc_core::{Limits, Router};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Waits for what should be there at once; the time only ends a test that hangs.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("hangs")
}

/// A port that leads to a server, or nowhere.
pub(crate) struct Wire {
    port: u16,
    target: Arc<Mutex<Option<SocketAddr>>>,
    links: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Wire {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Arc::new(Mutex::new(Some(target)));
        let links = Arc::<Mutex<Vec<AbortHandle>>>::default();
        let (leads, made) = (target.clone(), links.clone());
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let Some(target) = *leads.lock().unwrap() else { continue };
                let link = tokio::spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(target).await {
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    }
                });
                made.lock().unwrap().push(link.abort_handle());
            }
        });
        Self { port, target, links }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port)
    }

    /// Breaks all links.
    pub(crate) fn cut(&self) {
        self.links.lock().unwrap().drain(..).for_each(|link| link.abort());
    }

    /// Leads all links from now on to `target`; `None` is nowhere.
    pub(crate) fn lead_to(&self, target: Option<SocketAddr>) {
        *self.target.lock().unwrap() = target;
    }

    /// Returns how many links were made since the last cut.
    pub(crate) fn links(&self) -> usize {
        self.links.lock().unwrap().len()
    }
}

/// A server whose sessions outlive their links.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    /// The heads of the requests.
    pub(crate) heads: Arc<Mutex<Vec<String>>>,
    pub(crate) config: EndpointConfig,
}

impl Host {
    pub(crate) async fn start(services: Router) -> Self {
        let mut config = EndpointConfig::new(services, Limits::server());
        config.sessions = SessionMode::Grant;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let (seen, of_links) = (heads.clone(), config.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Box::pin(serve(stream, of_links.clone(), seen.clone())));
            }
        });
        Self { address, heads, config }
    }
}

async fn serve(mut stream: TcpStream, config: EndpointConfig, seen: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).unwrap();
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Rpc-Hello: 1\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    let resumes = head.contains("rpc-resume: 1");
    seen.lock().unwrap().push(head);
    if stream.write_all(answer.as_bytes()).await.is_err() {
        return;
    }
    let limits = Limits::clone(&config.limits);
    let socket = WebSocket::new(stream, Role::Server, Bytes::new(), &limits);
    let endpoint = Endpoint::new(config);
    endpoint.set_extended(false);
    if !resumes {
        endpoint.connect(socket).await;
    } else if let Accepted::Fresh(connection) = endpoint.accept(socket, |_, _| true).await {
        (*connection).await;
    }
}

/// A policy whose waits are short.
pub(crate) fn quick() -> Reconnect {
    Reconnect::default().min_delay(Duration::from_millis(1)).max_delay(Duration::from_millis(20))
}

/// A client that reconnects, before it connects, and its states.
pub(crate) fn client(policy: Reconnect) -> (ClientBuilder, States) {
    let (sender, states) = unbounded_channel();
    let told = move |state: &State| _ = sender.send(state.clone());
    (Client::builder().reconnect(policy).on_state(told), States(states))
}

/// The states that a client has told.
pub(crate) struct States(UnboundedReceiver<State>);

impl States {
    /// Waits for the next state for which `is` holds.
    pub(crate) async fn until(&mut self, is: impl Fn(&State) -> bool) -> State {
        loop {
            let state = soon(self.0.recv()).await.expect("the client is there");
            if is(&state) {
                return state;
            }
        }
    }

    pub(crate) async fn up(&mut self) -> State {
        self.until(State::is_up).await
    }

    pub(crate) async fn ended(&mut self) -> String {
        self.until(|state| matches!(state, State::Ended(_))).await.to_string()
    }
}
