//! A client that stays connected to servers that know nothing of sessions.

mod wire;

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rpc_client::{Setback, State};
use rpc_core::{CallError, Fate, Peer, StreamError, Streaming, service};
use rpc_server::{Server, ServerBuilder};
use tokio::sync::Notify;
use wire::{Wire, client, quick, soon};

#[service]
trait Work {
    async fn hang(&self) -> u32;
    #[method(idempotent)]
    async fn look(&self) -> usize;
    async fn note(&self, text: String);
    #[subscription]
    async fn ticks(&self) -> Streaming<usize>;
}

/// What the servers were asked, over all restarts.
#[derive(Clone, Default)]
struct Worker {
    looks: Arc<AtomicUsize>,
    looked: Arc<Notify>,
    notes: Arc<Mutex<Vec<String>>>,
    subscriptions: Arc<AtomicUsize>,
}

impl Work for Worker {
    async fn hang(&self) -> u32 {
        self.looked.notify_one();
        std::future::pending().await
    }

    /// The first look hangs, the next ones are answered.
    async fn look(&self) -> usize {
        let look = self.looks.fetch_add(1, Ordering::SeqCst);
        if look == 0 {
            self.looked.notify_one();
            std::future::pending::<()>().await;
        }
        look
    }

    async fn note(&self, text: String) {
        self.notes.lock().unwrap().push(text);
    }

    async fn ticks(&self) -> Streaming<usize> {
        let number = self.subscriptions.fetch_add(1, Ordering::SeqCst);
        let (sender, stream) = Streaming::channel(1);
        tokio::spawn(async move {
            let _ = sender.send(number).await;
            sender.closed().await;
        });
        stream
    }
}

async fn start(builder: ServerBuilder) -> (Server, Wire) {
    let server = builder.bind("127.0.0.1:0").await.unwrap().spawn();
    let wire = Wire::to(server.local_addr().unwrap()).await;
    (server, wire)
}

fn plain(worker: &Worker) -> ServerBuilder {
    Server::builder().plain(true).service(WorkServer::new(worker.clone()))
}

#[tokio::test]
async fn a_restarted_plain_server_gets_what_waited_and_what_may_run_twice() {
    let worker = Worker::default();
    let (server, wire) = start(plain(&worker)).await;
    let (builder, mut states) = client(quick());
    let client = builder.connect(wire.url()).await.unwrap();
    assert_eq!(states.up().await.to_string(), "up");
    let work = WorkClient::new(client.peer());
    let mut ticks = work.ticks().await.unwrap();
    assert_eq!(soon(ticks.next()).await, Some(Ok(0)));
    let hang = work.hang().start();
    soon(worker.looked.notified()).await;
    let look = work.look().start();
    soon(worker.looked.notified()).await;

    wire.lead_to(None);
    wire.cut();
    drop(server);
    let failed = soon(hang).await;
    assert!(
        matches!(failed, Err(CallError::Closed { fate: Fate::MaybeExecuted, .. })),
        "{failed:?}"
    );
    let waits = work.note("waited".into()).start();
    let away = states.until(|state| matches!(state, State::Away { attempt: 3.., .. })).await;
    assert!(away.to_string().contains("it closed the connection without an answer"), "{away}");

    let again = plain(&worker).bind("127.0.0.1:0").await.unwrap().spawn();
    wire.lead_to(again.local_addr());
    soon(waits).await.unwrap();
    assert_eq!(soon(look).await.unwrap(), 1, "it was made anew");
    assert!(matches!(soon(ticks.next()).await, Some(Err(StreamError::Gap { .. }))));
    assert_eq!(soon(ticks.next()).await, Some(Ok(1)), "subscribed again");
    assert_eq!(*worker.notes.lock().unwrap(), ["waited"]);
    let fresh = states.up().await;
    assert_eq!(fresh.to_string(), "up, fresh session: 1 call lost, 1 stream with a gap");
    let reason = soon(client.close()).await;
    assert_eq!(reason.to_string(), "closed by this end with code 1000");
    assert_eq!(states.ended().await, format!("ended: {reason}"));
}

/// Each fresh session is opened by the hook, whose calls go out before what waited. A hook that fails or panics is tried
/// again over another link.
#[tokio::test]
async fn a_hook_opens_each_fresh_session_before_all_else() {
    let worker = Worker::default();
    let (server, wire) = start(plain(&worker)).await;
    let (builder, mut states) = client(quick());
    let runs = AtomicUsize::new(0);
    let hook = move |peer: Peer| {
        let run = runs.fetch_add(1, Ordering::SeqCst);
        async move {
            WorkClient::new(peer).note(format!("hook {run}")).await?;
            match run {
                1 => Err::<(), Box<dyn Error + Send + Sync>>("not now".into()),
                2 => panic!("the hook is broken"),
                _ => Ok(()),
            }
        }
    };
    let client = builder.on_session(hook).connect(wire.url()).await.unwrap();
    states.up().await;
    wire.lead_to(None);
    wire.cut();
    states.until(|state| matches!(state, State::Away { .. })).await;
    let work = WorkClient::new(client.peer());
    let waits = work.note("waited".into()).start();
    wire.lead_to(server.local_addr());
    let is_setup = |state: &State| {
        matches!(state, State::Away { next: Some(_), error: Setback::Setup(_), .. })
    };
    states.until(is_setup).await;
    let panicked = states.until(is_setup).await.to_string();
    assert!(panicked.ends_with("the session could not begin: `on_session` panicked"), "{panicked}");
    soon(waits).await.unwrap();
    assert_eq!(*worker.notes.lock().unwrap(), ["hook 0", "hook 1", "hook 2", "hook 3", "waited"]);
    assert_eq!(states.up().await.to_string(), "up, fresh session: nothing was lost");
}
