//! A client that resumes its session over another link.

mod wire;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use rpc_client::{Client, Setback, State};
use rpc_core::{CallError, CloseCode, Context, Fate, Router};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use wire::{Host, States, Wire, client, quick, soon};

/// What the server was asked, and when it may answer.
#[derive(Clone)]
struct Asked {
    texts: Arc<Mutex<Vec<String>>>,
    began: Arc<Semaphore>,
    goes_on: Arc<Semaphore>,
}

impl Asked {
    fn new() -> Self {
        let none = || Arc::new(Semaphore::new(0));
        Self { texts: Arc::default(), began: none(), goes_on: none() }
    }

    fn service(&self) -> Router {
        let (of_note, of_slow) = (self.clone(), self.clone());
        Router::new()
            .method("note", move |_: Context, (text,): (String,)| {
                of_note.texts.lock().unwrap().push(text);
                async { Ok(()) }
            })
            .method("slow", move |_: Context, (): ()| {
                let asked = of_slow.clone();
                async move {
                    asked.began.add_permits(1);
                    asked.goes_on.acquire().await.unwrap().forget();
                    Ok(7)
                }
            })
    }
}

struct World {
    asked: Asked,
    host: Host,
    wire: Wire,
    client: Client,
    states: States,
    /// How often the hook for a fresh session has run.
    hooks: Arc<AtomicUsize>,
}

impl World {
    async fn new() -> Self {
        let asked = Asked::new();
        let host = Host::start(asked.service()).await;
        let wire = Wire::to(host.address().unwrap()).await;
        let (builder, mut states) = client(quick());
        let hooks = Arc::<AtomicUsize>::default();
        let runs = hooks.clone();
        let client = builder.on_session(move |peer| {
            runs.fetch_add(1, Ordering::SeqCst);
            async move { peer.call::<()>("note", ("hook",)).await }
        });
        let client = soon(client.connect(wire.url())).await.unwrap();
        assert_eq!(states.up().await.to_string(), "up");
        Self { asked, host, wire, client, states, hooks }
    }

    /// Begins a call, and returns when it runs.
    async fn slow(&self) -> JoinHandle<Result<u32, CallError>> {
        let slow = tokio::spawn(self.client.peer().call::<u32>("slow", ()).into_future());
        soon(self.asked.began.acquire()).await.unwrap().forget();
        slow
    }

    async fn note(&self, text: &str) -> Result<(), CallError> {
        soon(self.client.peer().call("note", (text,))).await
    }

    fn hooks(&self) -> usize {
        self.hooks.load(Ordering::SeqCst)
    }

    fn announced(&self) -> Vec<bool> {
        self.host.announced.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn nothing_is_lost_with_a_link_and_the_hook_does_not_run_again() {
    let mut world = World::new().await;
    let slow = world.slow().await;
    for round in 0..3 {
        world.wire.cut();
        world.states.until(|state| matches!(state, State::Away { attempt: 1, .. })).await;
        world.note(&format!("round {round}")).await.unwrap();
        assert_eq!(world.states.up().await.to_string(), "up, session resumed");
    }
    world.asked.goes_on.add_permits(1);
    assert_eq!(soon(slow).await.unwrap().unwrap(), 7);
    assert_eq!(world.hooks(), 1);
    assert_eq!(world.announced(), [false, true, true, true]);
    assert_eq!(*world.asked.texts.lock().unwrap(), ["hook", "round 0", "round 1", "round 2"]);
    assert_eq!(world.host.server.peers().len(), 1);
}

#[tokio::test]
async fn a_session_that_the_server_does_not_know_is_followed_by_a_fresh_one() {
    let mut world = World::new().await;
    let slow = world.slow().await;
    let keyed = world.client.peer().call::<u32>("slow", ()).idempotency_key("k").start();
    soon(world.asked.began.acquire()).await.unwrap().forget();
    // Another process, with the same services.
    let other = Host::start(world.asked.service()).await;
    world.wire.lead_to(other.address());
    world.wire.cut();
    let lost = soon(slow).await.unwrap();
    assert!(matches!(lost, Err(CallError::Closed { fate: Fate::MaybeExecuted, .. })), "{lost:?}");
    assert_eq!(world.states.up().await.to_string(), "up, fresh session: 1 call lost");
    assert_eq!(world.hooks(), 2);
    // The keyed call runs there, once more; the two here wait for ever.
    soon(world.asked.began.acquire()).await.unwrap().forget();
    world.asked.goes_on.add_permits(3);
    assert_eq!(soon(keyed).await.unwrap(), 7);
    assert_eq!(world.client.state().to_string(), "up, fresh session: 1 call lost");
}

/// The new link takes the place of the one before, and the session goes on without a state without a link.
#[tokio::test]
async fn another_link_may_take_over_while_the_one_before_works() {
    let mut world = World::new().await;
    let slow = world.slow().await;
    world.client.reconnect_now();
    let state = soon(world.states.until(|_| true)).await;
    assert!(matches!(state, State::Up { resumed: true, .. }), "{state}");
    world.asked.goes_on.add_permits(1);
    assert_eq!(soon(slow).await.unwrap().unwrap(), 7);
    assert_eq!((world.announced(), world.hooks()), (vec![false, true], 1));
}

#[tokio::test]
async fn an_attempt_beside_a_link_that_works_may_fail() {
    let mut world = World::new().await;
    world.wire.lead_to(None);
    world.client.reconnect_now();
    soon(async {
        while world.wire.accepted() < 2 {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    for text in ["one", "two"] {
        world.note(text).await.unwrap();
    }
    assert!(world.client.state().is_up());
    world.wire.lead_to(world.host.address());
    world.wire.cut();
    let first = world.states.until(|_| true).await;
    assert!(matches!(first, State::Away { attempt: 1, error: Setback::Lost(_), .. }), "{first}");
    assert_eq!(world.states.up().await.to_string(), "up, session resumed");
}

#[tokio::test]
async fn the_program_may_begin_another_session() {
    let mut world = World::new().await;
    let before = world.host.server.peers();
    let slow = world.slow().await;
    soon(world.client.new_session()).await.unwrap();
    assert!(matches!(soon(slow).await.unwrap(), Err(CallError::Closed { .. })));
    assert_eq!(soon(before[0].closed()).await.code, Some(CloseCode::NORMAL));
    assert_eq!((world.announced(), world.hooks()), (vec![false, false], 2));
    let away = world.states.until(|state| matches!(state, State::Away { .. })).await.to_string();
    assert!(away.ends_with("with code 1000: the program begins another session"), "{away}");
    assert_eq!(world.states.up().await.to_string(), "up, fresh session: 1 call lost");

    // Also while there is no link.
    world.wire.lead_to(None);
    world.wire.cut();
    world.states.until(|state| matches!(state, State::Away { .. })).await;
    let client = world.client;
    let mut renewed = Box::pin(client.new_session());
    assert!((&mut renewed).now_or_never().is_none());
    world.wire.lead_to(world.host.address());
    soon(renewed).await.unwrap();
    assert_eq!(world.hooks.load(Ordering::SeqCst), 3);
    client.peer().close(CloseCode::NORMAL, "enough");
    assert_eq!(soon(client.new_session()).await.unwrap_err().reason, "enough");
}

#[tokio::test]
async fn a_client_without_a_link_can_be_closed_or_dropped() {
    for drops in [false, true] {
        let mut world = World::new().await;
        world.wire.lead_to(None);
        world.wire.cut();
        world.states.until(|state| matches!(state, State::Away { attempt: 2, .. })).await;
        let waits = world.client.peer().call::<()>("note", ("never",)).start();
        let mut states = world.client.states();
        if drops {
            drop(world.client);
        } else {
            assert_eq!(soon(world.client.close()).await.code, Some(CloseCode::NORMAL));
        }
        let failed = soon(waits).await;
        assert!(matches!(failed, Err(CallError::Closed { fate: Fate::NotSent, .. })), "{failed:?}");
        world.states.ended().await;
        while let Some(state) = soon(states.next()).await {
            assert!(!state.is_up(), "{state}");
        }
    }
}

/// Deadlines and handlers do not need a link.
#[tokio::test]
async fn deadlines_run_while_there_is_no_link() {
    let mut world = World::new().await;
    world.wire.lead_to(None);
    world.wire.cut();
    world.states.until(|state| matches!(state, State::Away { .. })).await;
    let late = world.client.peer().call::<()>("note", ("late",)).timeout(Duration::from_millis(50));
    let late = soon(late).await;
    assert!(matches!(late, Err(CallError::Timeout { fate: Fate::NotSent, .. })), "{late:?}");
}

#[tokio::test]
async fn a_client_that_wants_no_session_asks_for_none() {
    let asked = Asked::new();
    let host = Host::start(asked.service()).await;
    let wire = Wire::to(host.address().unwrap()).await;
    let (builder, mut states) = client(quick().session(false));
    let client = builder.connect(wire.url()).await.unwrap();
    states.up().await;
    client.reconnect_now(); // without effect: the link works, and its loss would lose calls
    soon(client.peer().call::<()>("note", ("one",))).await.unwrap();
    wire.cut();
    soon(client.peer().call::<()>("note", ("two",)).idempotent()).await.unwrap();
    assert_eq!(states.up().await.to_string(), "up, fresh session: nothing was lost");
    assert_eq!(*host.announced.lock().unwrap(), [false, false]);
}

/// A hook whose session goes on over another link goes on as well.
#[tokio::test]
async fn a_hook_outlives_a_link_as_its_session_does() {
    let asked = Asked::new();
    let host = Host::start(asked.service()).await;
    let wire = Wire::to(host.address().unwrap()).await;
    let (builder, mut states) = client(quick().wait_for_first(true));
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let builder = builder.on_session(move |peer| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            // Both ends know of the session when the second call arrives.
            peer.call::<()>("note", ("hook",)).await?;
            peer.call::<u32>("slow", ()).await.map(drop)
        }
    });
    let connecting = tokio::spawn(builder.connect(wire.url()));
    soon(asked.began.acquire()).await.unwrap().forget();
    wire.cut();
    let lost = |state: &State| matches!(state, State::Connecting { error: Some(_), .. });
    states.until(lost).await;
    asked.goes_on.add_permits(1);
    let client = soon(connecting).await.unwrap().unwrap();
    soon(client.peer().call::<()>("note", ("on",))).await.unwrap();
    assert_eq!(states.up().await.to_string(), "up");
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

/// Something stands before the server that lets links be made, and lets no hello through.
#[tokio::test]
async fn after_three_links_without_a_hello_the_client_begins_another_session() {
    let mut world = World::new().await;
    world.note("both know of the session").await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.wire.lead_to(listener.local_addr().ok());
    let announced = Arc::<Mutex<Vec<bool>>>::default();
    let seen = announced.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            #[expect(clippy::result_large_err, reason = "the library's callback is of this type")]
            let greet = |request: &Request, mut response: Response| {
                seen.lock().unwrap().push(request.headers().contains_key("rpc-resume"));
                response.headers_mut().insert("rpc-hello", "1".parse().unwrap());
                Ok(response)
            };
            let _ = accept_hdr_async(stream, greet).await;
        }
    });
    world.wire.cut();
    let no_hello = |state: &State| {
        matches!(state, State::Away { error: Setback::NoHello(_), next: Some(_), .. })
    };
    for attempt in 2..5 {
        let away = world.states.until(no_hello).await;
        assert!(matches!(away, State::Away { attempt: number, .. } if number == attempt), "{away}");
    }
    let fifth = world.states.until(|state| matches!(state, State::Away { attempt: 5, .. })).await;
    assert!(matches!(fifth, State::Away { error: Setback::Lost(_), .. }), "{fifth}");
    world.wire.lead_to(world.host.address());
    assert_eq!(world.states.up().await.to_string(), "up, fresh session: nothing was lost");
    assert_eq!(announced.lock().unwrap()[..4], [true, true, true, false]);
    world.note("on").await.unwrap();
}
