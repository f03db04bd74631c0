//! A wire between a client and its servers that a test can cut, and lead elsewhere.

#![allow(dead_code, reason = "each test file uses its part")]

use std::future::pending;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rpc_client::{Client, ClientBuilder, Reconnect, State};
use rpc_core::Router;
use rpc_server::{Connecting, Rejection, Server, Sessions};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// Waits for what should be there at once; the time only ends a test that hangs.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("hangs")
}

/// A port that leads to a server, or nowhere.
pub(crate) struct Wire {
    port: u16,
    target: Arc<Mutex<Option<SocketAddr>>>,
    links: Arc<Mutex<Vec<AbortHandle>>>,
    stalled: Arc<Notify>,
    accepted: Arc<AtomicUsize>,
}

impl Wire {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Arc::new(Mutex::new(Some(target)));
        let links = Arc::<Mutex<Vec<AbortHandle>>>::default();
        let accepted = Arc::<AtomicUsize>::default();
        let stalled = Arc::<Notify>::default();
        let (leads, made, count) = (target.clone(), links.clone(), accepted.clone());
        let stalls = stalled.clone();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let Some(target) = *leads.lock().unwrap() else { continue };
                let stalls = stalls.clone();
                let link = tokio::spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(target).await {
                        tokio::select! {
                            _ = copy_bidirectional(&mut near, &mut far) => {}
                            // Both ends stay open.
                            () = stalls.notified() => pending().await,
                        }
                    }
                });
                made.lock().unwrap().push(link.abort_handle());
            }
        });
        Self { port, target, links, stalled, accepted }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port)
    }

    /// Breaks all links.
    pub(crate) fn cut(&self) {
        self.links.lock().unwrap().drain(..).for_each(|link| link.abort());
    }

    /// Carries nothing more over the links that there are, and tells nobody.
    pub(crate) fn stall(&self) {
        self.stalled.notify_waiters();
    }

    /// Leads all links from now on to `target`; `None` is nowhere.
    pub(crate) fn lead_to(&self, target: Option<SocketAddr>) {
        *self.target.lock().unwrap() = target;
    }

    /// Returns how many connections were accepted, also of those that lead nowhere.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// A server whose sessions outlive their links.
pub(crate) struct Host {
    pub(crate) server: Server,
    /// For each link, whether it was announced to resume a session.
    pub(crate) announced: Arc<Mutex<Vec<bool>>>,
}

impl Host {
    pub(crate) async fn start(services: Router) -> Self {
        let announced = Arc::<Mutex<Vec<bool>>>::default();
        let seen = announced.clone();
        let on_connect = move |connecting: Connecting| {
            seen.lock().unwrap().push(connecting.is_resuming());
            async { Ok::<_, Rejection>(()) }
        };
        let server = Server::builder().service(services).on_connect(on_connect);
        let server = server.sessions(Sessions::new()).bind("127.0.0.1:0").await.unwrap().spawn();
        Self { server, announced }
    }

    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.server.local_addr()
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
