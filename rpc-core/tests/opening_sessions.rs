//! The application opens each fresh session before anything else is sent, and hears what a link that is lost had
//! announced.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rpc_core::memory::{self, Pipe};
use rpc_core::transport::{
    Connection, ConnectionEvent, Endpoint, EndpointConfig, SessionMode, opening,
};
use rpc_core::types::GoAway;
use rpc_core::{CloseCode, Context, Limits, Peer, Router};
use tokio::time::sleep;

/// What the server was told, in order.
type Told = Arc<Mutex<Vec<String>>>;

/// A client without a link, that opens its sessions itself.
fn client() -> (Peer, Connection) {
    let mut config = EndpointConfig::new(Router::new(), Limits::client());
    config.sessions = SessionMode::Ask;
    let endpoint = Endpoint::new(config);
    (endpoint.peer(), endpoint.without_link())
}

/// A link to a server without sessions. The server notes what it is told.
fn link(told: &Told) -> (Pipe, Peer) {
    let told = told.clone();
    let tell = Router::new().method("tell", move |_: Context, (text,): (String,)| {
        told.lock().unwrap().push(text);
        async { Ok(()) }
    });
    let endpoint = Endpoint::new(EndpointConfig::new(tell, Limits::server()));
    endpoint.set_extended(false);
    let (peer, (near, far)) = (endpoint.peer(), memory::transports(64 * 1024));
    tokio::spawn(endpoint.connect(far));
    (near, peer)
}

/// Carries the connection until `future` is ready.
async fn carry<T>(connection: &mut Connection, future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    loop {
        tokio::select! {
            _ = connection.next_event() => {}
            output = &mut future => return output,
        }
    }
}

/// A session that could not be opened is followed by another one, which is opened as well before what waits is sent.
#[tokio::test(start_paused = true)]
async fn what_waits_is_held_back_until_a_session_is_open_also_when_the_one_before_never_was() {
    let (peer, mut connection) = client();
    let told = Told::default();
    connection.hold_sessions();
    let waits = peer.call::<()>("tell", ("waits",)).no_timeout().start();
    for _ in 0..3 {
        connection.attach(link(&told).0, true);
        carry(&mut connection, sleep(Duration::from_secs(1))).await;
        connection.renew_session("not opened");
    }
    connection.attach(link(&told).0, true);
    carry(&mut connection, sleep(Duration::from_secs(1))).await;
    assert!(told.lock().unwrap().is_empty());
    let opened = opening(&peer, async { peer.call::<()>("tell", ("opens",)).await });
    carry(&mut connection, opened).await.unwrap();
    connection.open_session();
    carry(&mut connection, waits).await.unwrap();
    assert_eq!(*told.lock().unwrap(), ["opens", "waits"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_server_announced_is_told_with_the_loss_of_its_link_and_forgotten_then() {
    let (peer, mut connection) = client();
    let (near, server) = link(&Told::default());
    connection.attach(near, true);
    carry(&mut connection, peer.call::<()>("tell", ("hi",))).await.unwrap();
    let news = GoAway::new("update").reconnect_after(Duration::ZERO, Duration::from_secs(1));
    server.drain(CloseCode::RESTARTING, &news, Duration::ZERO);
    let ConnectionEvent::Lost { going_away, .. } = connection.next_event().await else {
        panic!("not lost")
    };
    assert_eq!((going_away, peer.going_away()), (Some(news), None));
}
