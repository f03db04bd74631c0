//! When a client that stays connected waits, and when it ends.

mod wire;

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rpc_client::{Client, ConnectError, Reconnect, Setback, State, StatusCode};
use rpc_core::types::GoAway;
use rpc_core::{CallError, CloseCode, Fate};
use rpc_server::{Connecting, Rejection, Server};
use tokio::net::TcpStream;
use tokio::time::Instant;
use wire::{States, Wire, client, quick, soon};

const HOUR: Duration = Duration::from_secs(3600);

/// The credentials that the server has seen.
type Seen = Arc<Mutex<Vec<String>>>;

/// What the server says to who connects; nothing lets in.
type Says = Arc<Mutex<Option<fn() -> Rejection>>>;

struct World {
    server: Server,
    wire: Wire,
    says: Says,
    seen: Seen,
}

impl World {
    async fn new() -> Self {
        let (says, seen) = (Says::default(), Seen::default());
        let (answer, heard) = (says.clone(), seen.clone());
        let on_connect = move |connecting: Connecting| {
            let token = connecting.header("authorization").unwrap_or_default().to_owned();
            heard.lock().unwrap().push(token);
            let refusal = answer.lock().unwrap().map(|refusal| refusal());
            async { refusal.map_or(Ok(()), Err) }
        };
        let server = Server::builder().on_connect(on_connect);
        let server = server.bind("127.0.0.1:0").await.unwrap().spawn();
        let wire = Wire::to(server.local_addr().unwrap()).await;
        Self { server, wire, says, seen }
    }

    fn say(&self, refusal: fn() -> Rejection) {
        *self.says.lock().unwrap() = Some(refusal);
    }

    async fn connect(&self, policy: Reconnect) -> (Client, States) {
        let (builder, mut states) = client(policy);
        let client = soon(builder.connect(self.wire.url())).await.unwrap();
        states.up().await;
        (client, states)
    }
}

fn unauthorized() -> Rejection {
    Rejection::new(StatusCode::UNAUTHORIZED, "who?")
}

fn forbidden() -> Rejection {
    Rejection::new(StatusCode::FORBIDDEN, "not you")
}

fn busy() -> Rejection {
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "full").retry_after(HOUR)
}

/// Returns how long the client waits until its next attempt.
fn wait(state: &State) -> Option<Duration> {
    match state {
        State::Away { next: Some(next), .. } | State::Connecting { next: Some(next), .. } => {
            Some(next.saturating_duration_since(Instant::now()))
        }
        _ => None,
    }
}

#[tokio::test]
async fn the_first_attempt_that_fails_is_the_error_of_connect() {
    let world = World::new().await;
    world.say(busy);
    let (builder, mut states) = client(quick());
    let error = soon(builder.connect(world.wire.url())).await.unwrap_err();
    assert!(matches!(error, ConnectError::Rejected { retry_after: Some(HOUR), .. }), "{error}");
    let ended = states.ended().await;
    assert!(ended.contains("gave up: the server answered 503"), "{ended}");
    assert_eq!(world.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_client_may_wait_for_its_first_connection() {
    let world = World::new().await;
    let address = world.server.local_addr();
    world.wire.lead_to(None);
    let (builder, mut states) = client(quick().wait_for_first(true));
    let connecting = tokio::spawn(builder.connect(world.wire.url()));
    states.until(|state| matches!(state, State::Connecting { attempt: 3, .. })).await;
    world.wire.lead_to(address);
    let client = soon(connecting).await.unwrap().unwrap();
    assert_eq!(client.state().to_string(), "up");
}

#[tokio::test]
async fn a_client_that_waits_for_its_first_connection_gives_up_in_time_and_at_once_after_a_no() {
    let world = World::new().await;
    world.wire.lead_to(None);
    let policy = quick().wait_for_first(true);
    let (builder, _) = client(policy.clone().give_up_after(Duration::from_millis(100)));
    let error = soon(builder.connect(world.wire.url())).await.unwrap_err();
    let told = "no connection within 100ms: this is no WebSocket server: it closed the connection without an answer";
    assert_eq!(error.to_string(), told);
    world.wire.lead_to(world.server.local_addr());
    world.say(forbidden);
    let (builder, _) = client(policy);
    let error = soon(builder.connect(world.wire.url())).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::Rejected { status: StatusCode::FORBIDDEN, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_client_that_is_away_for_too_long_ends() {
    let world = World::new().await;
    let (client, mut states) =
        world.connect(quick().give_up_after(Duration::from_millis(300))).await;
    world.wire.lead_to(None);
    world.wire.cut();
    states.until(|state| matches!(state, State::Away { .. })).await;
    let waits = soon(client.peer().call::<()>("any", ())).await;
    assert!(matches!(waits, Err(CallError::Closed { fate: Fate::NotSent, .. })), "{waits:?}");
    let ended = states.ended().await;
    assert!(ended.contains("no connection within 300ms: this is no"), "{ended}");
    assert!(soon(client.closed()).await.reason.starts_with("no connection within 300ms"));
}

#[tokio::test]
async fn a_server_that_asks_for_time_gets_it_and_the_program_may_skip_the_wait() {
    let world = World::new().await;
    let (client, mut states) = world.connect(quick()).await;
    let news = GoAway::new("update").reconnect_after(HOUR, 2 * HOUR);
    world.server.peers()[0].drain(CloseCode::RESTARTING, &news, Duration::ZERO);
    let away = states.until(|state| wait(state).is_some()).await;
    let wait_of = wait(&away).unwrap();
    assert!(wait_of > HOUR - Duration::from_secs(60) && wait_of <= 2 * HOUR, "{away}");
    assert!(away.to_string().contains("with code 1012: update"), "{away}");

    world.say(busy);
    client.reconnect_now();
    let away = states.until(|state| wait(state).is_some()).await;
    let State::Away { attempt: 2, error: Setback::Failed(_), .. } = &away else { panic!("{away}") };
    assert!(wait(&away).unwrap() > HOUR - Duration::from_secs(60), "{away}");
    *world.says.lock().unwrap() = None;
    client.reconnect_now();
    assert_eq!(states.up().await.to_string(), "up, fresh session: nothing was lost");
}

#[tokio::test]
async fn a_client_that_is_not_wanted_does_not_come_back() {
    let codes = [CloseCode::NOT_AUTHENTICATED, CloseCode::FORBIDDEN, CloseCode::TAKEN_OVER];
    for code in codes {
        let world = World::new().await;
        let (client, mut states) = world.connect(quick()).await;
        world.server.peers()[0].close(code, "go");
        let reason = soon(client.closed()).await;
        assert_eq!(reason.code, Some(code));
        assert_eq!(states.ended().await, format!("ended: {reason}"));
        assert_eq!(world.seen.lock().unwrap().len(), 1);
    }
    let world = World::new().await;
    let (client, mut states) = world.connect(quick()).await;
    world.say(forbidden);
    world.wire.cut();
    let ended = states.ended().await;
    assert!(ended.contains("gave up: the server answered 403 Forbidden: not you"), "{ended}");
    assert!(matches!(client.state(), State::Ended(_)));
}

#[tokio::test]
async fn a_client_whose_program_closes_it_does_not_come_back() {
    let world = World::new().await;
    let (client, mut states) = world.connect(quick()).await;
    client.peer().close(CloseCode::SLOW_READER, "enough");
    let ended = states.ended().await;
    assert_eq!(ended, "ended: closed by this end with code 4008: enough");
    assert!(client.peer().is_closed());
}

/// A server that closes for another reason is asked again.
#[tokio::test]
async fn a_client_comes_back_after_a_close_that_is_no_refusal() {
    let world = World::new().await;
    let (_client, mut states) = world.connect(quick()).await;
    for code in [CloseCode::NORMAL, CloseCode::GOING_AWAY, CloseCode::TRY_LATER] {
        world.server.peers()[0].close(code, "");
        states.until(|state| matches!(state, State::Away { .. })).await;
        states.up().await;
    }
}

/// After a 401 the provider is asked once more: another token is tried, the same one is not.
#[tokio::test]
async fn a_refused_token_is_not_sent_again() {
    for changes in [false, true] {
        let world = World::new().await;
        let (builder, mut states) = client(quick());
        let asked = Arc::new(AtomicUsize::new(0));
        let builder = builder.bearer_token(move || {
            let number = asked.fetch_add(1, Ordering::SeqCst);
            async move { if changes { format!("t{number}") } else { "t".to_owned() } }
        });
        let _client = soon(builder.connect(world.wire.url())).await.unwrap();
        states.up().await;
        world.say(unauthorized);
        world.wire.cut();
        let ended = states.ended().await;
        assert!(ended.contains("gave up: the server answered 401 Unauthorized: who?"), "{ended}");
        let expected: &[_] =
            if changes { &["Bearer t0", "Bearer t1", "Bearer t2"] } else { &["Bearer t"; 2] };
        assert_eq!(*world.seen.lock().unwrap(), expected);
    }
}

#[tokio::test]
async fn a_hook_that_fails_at_first_is_the_error_of_connect_and_a_listener_may_panic() {
    let world = World::new().await;
    let builder = Client::builder().reconnect(quick()).on_state(|_| panic!("not listening"));
    let fails = |_| async { Err::<(), Box<dyn Error + Send + Sync>>("no room".into()) };
    let error = soon(builder.clone().on_session(fails).connect(world.wire.url())).await;
    assert_eq!(error.unwrap_err().to_string(), "the session could not begin: no room");
    let client = soon(builder.connect(world.wire.url())).await.unwrap();
    assert!(client.state().is_up());
}

#[tokio::test]
async fn an_attempt_takes_no_longer_than_it_may() {
    let world = World::new().await;
    // It accepts connections, and does not answer them.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (builder, mut states) = client(quick());
    let builder = builder.connect_timeout(Duration::from_millis(200));
    let _client = soon(builder.connect(world.wire.url())).await.unwrap();
    states.up().await;
    world.wire.lead_to(silent.local_addr().ok());
    world.wire.cut();
    let is_late = |state: &State| {
        let State::Away { error: Setback::Failed(error), .. } = state else { return false };
        matches!(**error, ConnectError::Timeout(_))
    };
    states.until(is_late).await;
    world.wire.lead_to(world.server.local_addr());
    states.up().await;
}

#[tokio::test]
async fn what_needs_a_policy_or_contradicts_it_is_named() {
    let world = World::new().await;
    let stream = TcpStream::connect(world.server.local_addr().unwrap()).await.unwrap();
    let error = Client::builder().reconnect(quick()).connect_over(stream, "ws://localhost/").await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("`connect_over` has one stream"), "{error}");
    let url = world.wire.url();
    let error = Client::builder().on_state(|_| {}).connect(&url).await.unwrap_err().to_string();
    assert!(error.contains("`.reconnect(…)`"), "{error}");
    let error = client(quick().max_delay(Duration::ZERO)).0.connect(&url).await.unwrap_err();
    assert!(error.to_string().contains("`max_delay` is below"), "{error}");
}

#[tokio::test]
async fn a_client_that_ends_with_its_link_has_two_states() {
    let world = World::new().await;
    let client = Client::builder().connect(world.wire.url()).await.unwrap();
    let mut states = client.states();
    assert_eq!(soon(states.next()).await.unwrap().to_string(), "up");
    client.reconnect_now(); // without effect
    world.wire.cut();
    let ended = soon(states.next()).await.unwrap();
    assert!(ended.to_string().starts_with("ended: link lost"), "{ended}");
    assert!(matches!(client.state(), State::Ended(_)));
    assert!(soon(states.next()).await.is_none());
}

/// The network has changed, and the attempt under way gets no answer any more.
#[tokio::test]
async fn an_attempt_that_is_stuck_is_begun_again_when_the_program_wants_that() {
    let world = World::new().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (builder, mut states) = client(quick());
    let builder = builder.connect_timeout(HOUR);
    let client = soon(builder.connect(world.wire.url())).await.unwrap();
    states.up().await;
    world.wire.lead_to(silent.local_addr().ok());
    world.wire.cut();
    states.until(|state| matches!(state, State::Away { next: None, .. })).await;
    let _stuck = soon(silent.accept()).await.unwrap();
    world.wire.lead_to(world.server.local_addr());
    let asks = async {
        loop {
            client.reconnect_now();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = asks => unreachable!("it goes on for ever"),
        _ = states.up() => {}
    }
}
