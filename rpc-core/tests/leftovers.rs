//! What is left of ends that are gone, and of users' code that panicked.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use rpc_core::transport::{EndpointConfig, PeerRegistry};
use rpc_core::{CloseCode, Context, Limits, Peer, Progress, Router, memory, service};
use support::ends::{ends_of, settle};
use tokio::runtime::{Builder, Handle};

/// Two ends, the second of which answers a keyed call within `registry`.
fn bank(registry: &PeerRegistry) -> (Peer, Peer) {
    let pay = Router::new().method("pay", |_: Context, (): ()| async { Ok("x".repeat(100)) });
    let mut config = EndpointConfig::new(pay, Limits::server());
    config.registry = registry.clone();
    ends_of(EndpointConfig::new(Router::new(), Limits::client()), config, 64 * 1024)
}

async fn pay(peer: &Peer, key: &str) {
    peer.call::<String>("pay", ()).idempotency_key(key).await.unwrap();
}

/// A hub that has answered a keyed call left a task asleep until that answer was to be forgotten.
#[tokio::test(start_paused = true)]
async fn ends_that_answered_keyed_calls_leave_no_task_behind() {
    let alive = || Handle::current().metrics().num_alive_tasks();
    let before = alive();
    for _ in 0..20 {
        let registry = PeerRegistry::new();
        let (peer, far) = bank(&registry);
        pay(&peer, "key").await;
        peer.close(CloseCode::NORMAL, "");
        far.closed().await;
        drop((peer, far, registry));
    }
    settle().await;
    assert_eq!(alive(), before);
}

/// Who forgets answers that are over must not itself be forgotten with the runtime that it ran in.
#[test]
fn answers_are_forgotten_in_time_though_the_runtime_that_kept_them_is_gone() {
    let registry = PeerRegistry::new();
    let runtime = || Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    for key in ["first", "second"] {
        let runtime = runtime();
        runtime.block_on(async {
            let (peer, far) = bank(&registry);
            far.identify("the same caller").unwrap();
            pay(&peer, key).await;
            assert!(registry.idempotency_bytes() > 0);
            if key == "second" {
                tokio::time::sleep(Duration::from_secs(601)).await;
                assert_eq!(registry.idempotency_bytes(), 0, "five minutes are over");
            }
        });
    }
}

#[service]
trait Builds {
    async fn build(&self, progress: Progress<u32>) -> u32;
}

struct Fast;

impl Builds for Fast {
    async fn build(&self, progress: Progress<u32>) -> u32 {
        (0..3).for_each(|step| progress.report(&step));
        7
    }
}

/// What the listener does is its own affair. The answer that came with the report was lost, and whoever
/// asked again panicked for it.
#[tokio::test(start_paused = true)]
async fn a_listener_that_panics_does_not_take_the_answer_with_it() {
    let (peer, _far) = memory::pair(Router::new(), BuildsServer::new(Fast));
    let mut call = BuildsClient::new(peer.clone())
        .build()
        .on_progress(|step: u32| assert_ne!(step, 1, "on purpose"))
        .start();
    settle().await;
    let mut panics = 0;
    for _ in 0..5 {
        let poll = || Pin::new(&mut call).poll(&mut Task::from_waker(Waker::noop()));
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Ready(answer)) => {
                assert_eq!(answer, Ok(7));
                assert!(panics <= 1, "it panics for its own step only");
                assert_eq!(peer.stats().pending, 0);
                return;
            }
            Ok(Poll::Pending) => settle().await,
            Err(_) => panics += 1,
        }
    }
    panic!("the answer is lost");
}
