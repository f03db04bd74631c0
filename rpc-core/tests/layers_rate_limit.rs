//! So many calls in a time, by `layers::RateLimit`.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rpc_core::layers::RateLimit;
use rpc_core::transport::{Endpoint, EndpointConfig};
use rpc_core::{Context, Limits, Peer, Router, Service, memory};
use support::Raw;

const SECOND: Duration = Duration::from_secs(1);

/// Counts what is served.
fn serve(limit: impl rpc_core::layers::Layer) -> (Raw, Peer, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let [requests, notes] = [count.clone(), count.clone()];
    let services = Router::new()
        .method("m", move |_: Context, (): ()| {
            requests.fetch_add(1, Ordering::Relaxed);
            async { Ok(()) }
        })
        .method("free", |_: Context, (): ()| async { Ok(()) })
        .notification("note", move |_: Context, (ms,): (u64,)| {
            notes.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(ms))
        });
    let (raw, peer) = Raw::connect(Router::new().service(services.layer(limit)), Limits::server());
    (raw, peer, count)
}

/// How many of `calls` are served; of the others the wait that they are told.
async fn call(raw: &mut Raw, calls: usize) -> (usize, Vec<u64>) {
    let (mut served, mut waits) = (0, Vec::new());
    for _ in 0..calls {
        raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#).await;
        let answer: serde_json::Value = serde_json::from_str(&raw.receive().await).unwrap();
        match answer["error"]["code"].as_i64() {
            None => served += 1,
            Some(code) => {
                assert_eq!((code, &answer["error"]["data"]["kind"]), (-32009, &"busy".into()));
                waits.push(answer["error"]["data"]["retryAfterMs"].as_u64().unwrap());
            }
        }
    }
    (served, waits)
}

#[tokio::test(start_paused = true)]
async fn more_calls_than_may_are_busy_and_told_when_there_is_room_again() {
    let (mut raw, ..) = serve(RateLimit::per_connection(10, SECOND).burst(3));
    assert_eq!(call(&mut raw, 5).await, (3, vec![100, 100]));
    tokio::time::advance(Duration::from_micros(98_500)).await;
    assert_eq!(call(&mut raw, 1).await, (0, vec![2]), "not too early");
    tokio::time::advance(Duration::from_micros(1500)).await;
    assert_eq!(call(&mut raw, 2).await, (1, vec![100]));
    tokio::time::advance(SECOND).await;
    assert_eq!(call(&mut raw, 4).await.0, 3, "no more are saved than `burst`");
}

#[tokio::test(start_paused = true)]
async fn each_connection_has_its_own_rate_or_all_share_one() {
    for (limit, second) in
        [(RateLimit::per_connection(2, SECOND), 2), (RateLimit::shared(2, SECOND), 0)]
    {
        let (mut a, ..) = serve(limit.clone());
        let (mut b, ..) = serve(limit);
        assert_eq!(call(&mut a, 3).await.0, 2);
        assert_eq!(call(&mut b, 3).await.0, second);
    }
}

/// A connection from there.
fn come(config: &EndpointConfig, address: Option<&str>) -> Raw {
    let endpoint = Endpoint::new(config.clone());
    if let Some(address) = address {
        endpoint.set_address(address.parse().unwrap());
        assert_eq!(endpoint.peer().address(), address.parse().ok());
    }
    let (near, far) = memory::transports(1 << 20);
    tokio::spawn(endpoint.connect(near));
    Raw::over(far)
}

/// Whoever guesses passwords connects anew for each few of them.
#[tokio::test(start_paused = true)]
async fn an_address_has_one_rate_however_often_it_connects() {
    let limit = RateLimit::per_address(4, SECOND).burst(3);
    let services = Router::new().method("m", |_: Context, (): ()| async { Ok(()) });
    let config =
        EndpointConfig::new(Router::new().service(services.layer(limit)), Limits::server());
    let mut first = come(&config, Some("203.0.113.5"));
    assert_eq!(call(&mut first, 2).await.0, 2);
    first.close().await;
    for (address, served) in [
        (Some("203.0.113.5"), 1),
        (Some("::ffff:203.0.113.5"), 0),
        (Some("203.0.113.6"), 3),
        (Some("2001:db8:0:1::1"), 3),
        (Some("2001:db8:0:1:ffff::9"), 0),
        (Some("2001:db8:0:2::1"), 3),
        // Who has none is counted alone.
        (None, 3),
        (None, 3),
    ] {
        let mut raw = come(&config, address);
        assert_eq!(call(&mut raw, 4).await.0, served, "{address:?}");
    }
    tokio::time::advance(SECOND / 4).await;
    assert_eq!(call(&mut come(&config, Some("203.0.113.5")), 3).await, (1, vec![250, 250]));
}

/// Two limits of one connection do not take each other's place.
#[tokio::test(start_paused = true)]
async fn limits_add_up() {
    let slow = RateLimit::per_connection(3, 10 * SECOND);
    let both = RateLimit::per_connection(2, SECOND);
    let services = Router::new().method("m", |_: Context, (): ()| async { Ok(()) });
    let services = Router::new().service(services.layer(both).layer(slow));
    let (mut raw, _) = Raw::connect(services, Limits::server());
    assert_eq!(call(&mut raw, 3).await.0, 2);
    tokio::time::advance(SECOND).await;
    assert_eq!(call(&mut raw, 2).await.0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_some_methods_concerns_no_others() {
    let (mut raw, ..) = serve(RateLimit::shared(1, SECOND).only(["m"]));
    assert_eq!(call(&mut raw, 2).await.0, 1);
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"free"}
<-- {"jsonrpc":"2.0","id":1,"result":null}
--> {"jsonrpc":"2.0","id":1,"method":"free"}
<-- {"jsonrpc":"2.0","id":1,"result":null}
"#,
    )
    .await;
}

/// The state of a connection is kept on it, and not in a table that others could fill.
#[tokio::test(start_paused = true)]
async fn a_limit_keeps_nothing_of_connections_that_are_gone() {
    struct Told(RateLimit, Arc<()>);
    impl rpc_core::layers::Layer for Told {
        fn serve(
            &self,
            call: rpc_core::layers::ServeRequest<'_>,
            next: rpc_core::layers::ServeNext<'_>,
        ) -> rpc_core::types::Handler {
            call.cx().peer().set_value(self.1.clone());
            self.0.serve(call, next)
        }
    }
    let (limit, alive) = (RateLimit::per_connection(1, SECOND), Arc::new(()));
    for _ in 0..10 {
        let (mut raw, peer, _) = serve(Told(limit.clone(), alive.clone()));
        assert_eq!(call(&mut raw, 2).await.0, 1);
        raw.close().await;
        peer.closed().await;
    }
    tokio::time::sleep(SECOND).await;
    assert_eq!(Arc::strong_count(&alive), 1, "values of connections are gone");
}

const BATCH: &str = r#"[{"jsonrpc":"2.0","id":1,"method":"m"},{"jsonrpc":"2.0","method":"note","params":[0]},{"jsonrpc":"2.0","id":2,"method":"m"}]"#;

/// How many members of a batch of three are served.
async fn batch(raw: &mut Raw, count: &AtomicUsize) -> usize {
    count.store(0, Ordering::Relaxed);
    raw.send(BATCH).await;
    raw.receive().await;
    assert!(raw.is_silent().await);
    count.load(Ordering::Relaxed)
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_served_as_a_whole_or_not_at_all() {
    let (mut raw, _, count) = serve(RateLimit::per_connection(5, 100 * SECOND));
    assert_eq!(batch(&mut raw, &count).await, 3);
    assert_eq!(batch(&mut raw, &count).await, 0, "two are left, which would do for a part");
    assert_eq!(call(&mut raw, 3).await.0, 2, "it was charged nothing");
}

/// What is queued behind a slow notification comes to the layer when its batch is long answered, and
/// another one has taken its place.
#[tokio::test(start_paused = true)]
async fn a_notification_that_starts_late_is_judged_with_its_batch() {
    let (mut raw, _, count) = serve(RateLimit::per_connection(5, 100 * SECOND));
    raw.send(r#"{"jsonrpc":"2.0","method":"note","params":[500]}"#).await;
    for (answered, verdict) in [(BATCH, r#""result""#), (BATCH, "-32009")] {
        raw.send(answered).await;
        let answer = raw.receive().await;
        assert!(answer.contains(verdict), "{answer}");
    }
    assert_eq!(count.load(Ordering::Relaxed), 3);
    tokio::time::sleep(SECOND).await;
    assert_eq!(count.load(Ordering::Relaxed), 4, "the one of the first batch, not of the second");
}

#[tokio::test(start_paused = true)]
async fn a_batch_larger_than_the_burst_is_told_so() {
    let (mut raw, _, count) = serve(RateLimit::per_connection(2, SECOND));
    let error = r#""error":{"code":-32010,"message":"the batch has more members than `burst`, which is 2","data":{"kind":"batch_too_big"}}"#;
    raw.play(&format!(
        r#"
--> {BATCH}
<-- [{{"jsonrpc":"2.0","id":1,{error}}},{{"jsonrpc":"2.0","id":2,{error}}}]
"#
    ))
    .await;
    assert_eq!(count.load(Ordering::Relaxed), 0);
}
