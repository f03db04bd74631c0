//! A server that is killed under load, and started again after a while.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rpc_client::{Client, Reconnect, State};
use rpc_core::{CallError, Fate, Peer, service};
use tokio::time::sleep;

use crate::children::Running;
use crate::soon;

#[service]
trait Reference {
    fn add(&self, a: i64, b: i64) -> i64;
    async fn sleep(&self, ms: u64) -> u64;
}

const CLIENTS: usize = 20;

/// The most attempts of one client. The waits double, so that one client in 100,000 needs more within five seconds.
const ATTEMPTS: u32 = 10;

/// What a client has told about itself.
#[derive(Default)]
struct Told {
    attempts: AtomicU32,
    lost_calls: AtomicU64,
    texts: Mutex<Vec<String>>,
}

async fn connect(url: &str) -> (Client, Arc<Told>) {
    let told = Arc::<Told>::default();
    let hears = told.clone();
    let client = Client::builder().reconnect(Reconnect::default()).on_state(move |state| {
        hears.texts.lock().unwrap().push(state.to_string());
        match state {
            State::Away { attempt, .. } => _ = hears.attempts.fetch_max(*attempt, Ordering::SeqCst),
            State::Fresh { lost_calls, .. } => {
                hears.lost_calls.fetch_add(*lost_calls, Ordering::SeqCst);
            }
            _ => {}
        }
    });
    (client.connect(url).await.unwrap(), told)
}

/// Calls one after the other, until there has been enough. Returns how many calls were lost; all others are right.
async fn load(peer: Peer, enough: Arc<AtomicBool>) -> u64 {
    let (server, mut lost) = (ReferenceClient::new(peer), 0);
    for n in 0.. {
        match server.add(n, 1).await {
            Ok(sum) => assert_eq!(sum, n + 1),
            Err(CallError::Closed { fate: Fate::MaybeExecuted, .. }) => lost += 1,
            Err(error) => panic!("{error:?}"),
        }
        if enough.load(Ordering::SeqCst) {
            break;
        }
    }
    lost
}

#[tokio::test]
async fn clients_of_a_server_that_was_killed_under_load_are_back_after_few_attempts() {
    tokio::join!(restarts(&[]), restarts(&["--sessions"]));
}

async fn restarts(sessions: &[&str]) {
    let first = [&["--listen", "127.0.0.1:0"], sessions].concat();
    let (mut server, url) = Running::server(&first).await;
    let enough = Arc::<AtomicBool>::default();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let (client, told) = connect(&url).await;
        let load = tokio::spawn(load(client.peer(), enough.clone()));
        let reference = ReferenceClient::new(client.peer());
        let anew = reference.sleep(2000).idempotent().start();
        // The server has read the call before this one.
        soon(reference.add(1, 1)).await.unwrap();
        clients.push((client, told, load, anew));
    }

    server.kill().await;
    sleep(Duration::from_secs(5)).await;
    let listen = url.trim_start_matches("ws://").trim_end_matches('/');
    let (_server, _) = Running::server(&[&["--listen", listen], sessions].concat()).await;
    let mut all = Vec::new();
    for (client, told, load, anew) in clients {
        // The longest wait is 30 s.
        assert_eq!(soon(anew).await.unwrap(), 2000);
        assert!(client.state().is_up());
        all.push((client, told, load));
    }
    enough.store(true, Ordering::SeqCst);
    for (client, told, load) in all {
        let lost = soon(load).await.unwrap();
        let texts = told.texts.lock().unwrap().clone();
        assert!(told.attempts.load(Ordering::SeqCst) <= ATTEMPTS, "{texts:?}");
        assert_eq!(told.lost_calls.load(Ordering::SeqCst), lost, "{texts:?}");
        let ups = texts.iter().filter(|text| text.starts_with("up")).count();
        assert_eq!(ups, 2, "up, and up in a fresh session: {texts:?}");
        soon(client.close()).await;
    }
}
