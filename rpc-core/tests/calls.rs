//! G1 to G4 and G6: a call is resolved once, says what may have become of it, and leaves nothing.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rpc_core::transport::{Endpoint, EndpointConfig, Hello};
use rpc_core::types::{ClosedBy, PeerStats};
use rpc_core::{CallError, CloseCode, Context, Fate, Limits, Router, memory};
use support::{Raw, assert_same};
use tokio::time::Instant;

const NOT_SENT: Fate = Fate::NotSent;
const MAYBE: Fate = Fate::MaybeExecuted;

#[tokio::test(start_paused = true)]
async fn a_call_waits_30_seconds_unless_told_otherwise() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let start = Instant::now();
    assert_eq!(
        peer.call::<u8>("m", ()).await,
        Err(CallError::Timeout { fate: MAYBE, heard: None })
    );
    assert_eq!(start.elapsed().as_secs(), 30);
    raw.play(
        r#"
<-- {"jsonrpc":"2.0","id":1,"method":"m","timeoutMs":30000}
<-- {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}
"#,
    )
    .await;
    let start = Instant::now();
    let short = peer.call::<u8>("m", ()).timeout(Duration::from_millis(1500));
    assert_eq!(short.await, Err(CallError::Timeout { fate: MAYBE, heard: None }));
    assert_eq!(start.elapsed().as_millis() / 10, 150);
    assert!(raw.receive().await.contains("\"timeoutMs\":1500"));

    let mut forever = std::pin::pin!(peer.call::<u8>("m", ()).no_timeout());
    assert!(tokio::time::timeout(Duration::from_secs(86_400), &mut forever).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn no_time_is_too_long() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let call = peer.call::<u8>("m", ()).timeout(Duration::MAX).start();
    raw.receive().await;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"result":1}"#).await;
    assert_eq!(call.await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_begins_at_the_start_and_not_before() {
    let (_raw, peer) = Raw::connect(Router::new(), Limits::client());
    let call = peer.call::<u8>("m", ()).timeout(Duration::from_secs(1));
    tokio::time::sleep(Duration::from_secs(10)).await;
    let start = Instant::now();
    assert!(matches!(call.await, Err(CallError::Timeout { .. })));
    assert_eq!(start.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_short_deadline_is_kept_while_the_connection_sleeps() {
    let mut limits = Limits::client();
    limits.calls_on_wire = 1;
    let (_raw, peer) = Raw::connect(Router::new(), limits);
    let long = peer.call::<u8>("m", ()).start();
    tokio::task::yield_now().await;
    // Parked behind the first: nothing is sent, yet its time must run.
    let start = Instant::now();
    let short = peer.call::<u8>("m", ()).timeout(Duration::from_millis(100)).await;
    assert_eq!(short, Err(CallError::Timeout { fate: NOT_SENT, heard: None }));
    assert_eq!(start.elapsed().as_millis() / 10, 10);
    drop(long);
}

#[tokio::test(start_paused = true)]
async fn calls_of_a_handler_inherit_its_deadline() {
    let services = Router::new().method("outer", |cx: Context, (): ()| async move {
        let _ = cx.peer().call::<u8>("inner", ()).no_timeout().await;
        Ok(())
    });
    let (mut raw, _peer) = Raw::connect(services, Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"outer","timeoutMs":2000}
<-- {"jsonrpc":"2.0","id":1,"method":"inner","timeoutMs":2000}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32012,"message":"the deadline ran out","data":{"kind":"deadline"}}}
<-- {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_plain_end_adds_no_member() {
    let (near, far) = memory::transports(1024);
    let mut config = EndpointConfig::new(Router::new(), Limits::client());
    config.hello = Hello::Never;
    let endpoint = Endpoint::new(config);
    let peer = endpoint.peer();
    tokio::spawn(endpoint.connect(near));
    let mut raw = Raw::over(far);
    let _call = peer.call::<u8>("m", ()).start();
    let mut request: serde_json::Value = serde_json::from_str(&raw.receive().await).unwrap();
    let id = request["id"].take();
    assert_same(&request.to_string(), r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#);
    assert!(id.as_u64() >= Some(1 << 30), "far from the ids that the other end begins with");
}

#[tokio::test(start_paused = true)]
async fn an_answer_reaches_its_call_and_no_other() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let (first, second) = (peer.call::<u8>("a", ()).start(), peer.call::<u8>("b", ()).start());
    raw.receive().await;
    raw.receive().await;
    for text in [
        r#"{"jsonrpc":"2.0","id":2,"result":22}"#,
        r#"{"jsonrpc":"2.0","id":2,"result":23}"#,
        r#"{"jsonrpc":"2.0","id":"1","result":24}"#,
        r#"{"jsonrpc":"2.0","id":1.5,"result":25}"#,
        r#"{"jsonrpc":"2.0","id":3,"result":26}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":11}"#,
    ] {
        raw.send(text).await;
    }
    assert_eq!((first.await, second.await), (Ok(11), Ok(22)));
    assert_eq!(peer.stats().counters.stray, 4);
}

#[tokio::test(start_paused = true)]
async fn late_answers_are_normal_and_more_of_them_are_not() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
    let call = peer.call::<u8>("a", ()).start();
    raw.receive().await;
    drop(call);
    raw.receive().await;
    for strays in [0, 1, 2] {
        raw.send(r#"{"jsonrpc":"2.0","id":1,"result":1}"#).await;
        assert!(raw.is_silent().await);
        assert_eq!(peer.stats().counters.stray, strays);
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_means_something_only_with_its_kind() {
    for (error, expected) in [
        (r#"{"code":-32009,"message":"m","data":{"kind":"busy"}}"#, "Busy"),
        (r#"{"code":-32012,"message":"m","data":{"kind":"deadline"}}"#, "Timeout"),
        (r#"{"code":-32800,"message":"m","data":{"kind":"cancelled"}}"#, "Cancelled"),
        (r#"{"code":-32009,"message":"m"}"#, "Remote"),
        (r#"{"code":-32800,"message":"m","data":{"kind":"busy"}}"#, "Remote"),
        (r#"{"code":"x","message":"m"}"#, "Decode"),
    ] {
        let (mut raw, peer) = Raw::connect(Router::new(), Limits::client());
        let call = peer.call::<u8>("m", ()).start();
        raw.receive().await;
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":1,"error":{error}}}"#)).await;
        let got = format!("{:?}", call.await.unwrap_err());
        assert!(got.starts_with(expected), "{error}: {got}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_never_on_its_way_is_not_sent() {
    let (raw, peer) = Raw::connect(Router::new(), Limits::client());
    let sent = peer.call::<u8>("sent", ()).start();
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    let behind = peer.call::<u8>("behind", ()).start();
    drop(raw);
    let fate = |result: Result<u8, CallError>| match result {
        Err(CallError::Closed { reason, fate }) => {
            assert_eq!(reason.by, ClosedBy::Link);
            fate
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(fate(sent.await), MAYBE);
    // It was in the queue when the link broke, or came after.
    assert_eq!(fate(behind.await), NOT_SENT);
    assert_eq!(fate(peer.call("after", ()).await), NOT_SENT);
    assert_eq!(peer.stats(), PeerStats::default());
}

/// What was still here when the other end closed, the other end cannot have.
#[tokio::test(start_paused = true)]
async fn what_the_transport_was_not_given_is_not_sent() {
    let (mut raw, peer) = Raw::connect_with(Router::new(), Limits::client(), 1);
    let calls = [(); 3].map(|()| peer.call::<u8>("m", ()).no_timeout().start());
    tokio::time::sleep(Duration::from_millis(10)).await;
    raw.close().await;
    let mut fates = Vec::new();
    for call in calls {
        fates.extend(call.await.unwrap_err().fate());
    }
    assert_eq!(fates, [MAYBE, NOT_SENT, NOT_SENT]);
}

#[tokio::test(start_paused = true)]
async fn every_waiting_caller_hears_of_the_end_and_why() {
    let mut limits = Limits::client();
    limits.calls_on_wire = 2;
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    let calls: Vec<_> = (0..4).map(|_| peer.call::<u8>("m", ()).start()).collect();
    raw.receive().await;
    peer.close(CloseCode::NORMAL, "enough");
    let mut fates = Vec::new();
    for call in calls {
        match call.await {
            Err(CallError::Closed { reason, fate }) => {
                assert_eq!((reason.by, reason.reason.as_str()), (ClosedBy::Us, "enough"));
                fates.push(fate);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(fates, [MAYBE, MAYBE, NOT_SENT, NOT_SENT]);
    assert_eq!(raw.closed().await, (Some(CloseCode::NORMAL), "enough".into()));
    assert_eq!(peer.closed().await.code, Some(CloseCode::NORMAL));
}

#[tokio::test(start_paused = true)]
async fn more_calls_than_may_wait_are_busy() {
    let mut limits = Limits::client();
    limits.calls_on_wire = 2;
    limits.pending_calls = 3;
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    let calls: Vec<_> = (0..3).map(|_| peer.call::<u8>("m", ()).start()).collect();
    assert_eq!(peer.call::<u8>("m", ()).await, Err(CallError::Busy));
    raw.receive().await;
    raw.receive().await;
    assert!(raw.is_silent().await, "the third waits until one is answered");
    raw.send(r#"{"jsonrpc":"2.0","id":2,"result":2}"#).await;
    assert!(raw.receive().await.contains("\"id\":3"));
    drop(calls);
}

#[tokio::test(start_paused = true)]
async fn a_message_too_large_to_send_fails_here_and_names_the_limit() {
    let mut limits = Limits::client();
    limits.message_out = 1000;
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    match peer.call::<u8>("m", ("x".repeat(1000),)).await {
        Err(CallError::Encode(why)) => assert!(why.message().contains("`message_out`"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert!(peer.notify("m", ("x".repeat(1000),)).await.is_err());
    assert!(raw.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_have_so_many_bytes_and_not_one_more() {
    let services = Router::new()
        .method("big", |_: Context, (bytes,): (usize,)| async move { Ok("x".repeat(bytes)) });
    let mut limits = Limits::server();
    limits.message_out = 1000;
    let (mut raw, _peer) = Raw::connect(services, limits);
    let around = r#"{"jsonrpc":"2.0","id":1,"result":""}"#.len();
    for (bytes, length) in [(1000 - around, Some(1000)), (1001 - around, None)] {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"big","params":[{bytes}]}}"#)).await;
        let answer = raw.receive().await;
        match length {
            Some(length) => assert_eq!(answer.len(), length),
            None => assert!(answer.contains("-32008") && answer.contains("`message_out` of 1000")),
        }
    }
}

/// Drops a call at each point where it can be: unpolled, parked, queued, sent, answered.
#[tokio::test(start_paused = true)]
async fn dropping_a_call_anywhere_leaves_nothing_behind() {
    let mut limits = Limits::client();
    limits.calls_on_wire = 1;
    let (mut raw, peer) = Raw::connect(Router::new(), limits);
    drop(peer.call::<u8>("unpolled", ()));
    assert!(raw.is_silent().await);

    let queued = peer.call::<u8>("queued", ()).start();
    drop(queued);
    assert!(raw.is_silent().await, "taken back before the connection's turn");

    let sent = peer.call::<u8>("sent", ()).start();
    let parked = peer.call::<u8>("parked", ()).start();
    assert!(raw.receive().await.contains("\"sent\""));
    drop(parked);
    assert!(raw.is_silent().await);
    drop(sent);
    assert_same(
        &raw.receive().await,
        r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":2}}"#,
    );

    let answered = peer.call::<u8>("answered", ()).start();
    assert!(raw.receive().await.contains("\"id\":4"));
    raw.send(r#"{"jsonrpc":"2.0","id":4,"result":1}"#).await;
    assert!(raw.is_silent().await);
    drop(answered);
    assert!(raw.is_silent().await, "nothing is left to cancel");
    assert_eq!(peer.stats().pending, 0);
}

/// Counts handlers that ran to their end, and those that were dropped.
#[derive(Clone, Default)]
struct Count {
    started: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

struct Guard(Count);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

fn counting(count: &Count) -> Router {
    let count = count.clone();
    Router::new().method("sleep", move |_: Context, (ms,): (u64,)| {
        let count = count.clone();
        async move {
            count.started.fetch_add(1, Ordering::Relaxed);
            let _guard = Guard(count.clone());
            tokio::time::sleep(Duration::from_millis(ms)).await;
            count.ended.fetch_add(1, Ordering::Relaxed);
            Ok(ms)
        }
    })
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_stops_its_handler() {
    let count = Count::default();
    let (peer, _other) = memory::pair(Router::new(), counting(&count));
    let call = peer.call::<u64>("sleep", (1000,));
    assert!(tokio::time::timeout(Duration::from_millis(10), call).await.is_err());
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(count.dropped.load(Ordering::Relaxed), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(count.ended.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn handlers_are_stopped_when_the_connection_ends() {
    let count = Count::default();
    let (raw, peer) = Raw::connect(counting(&count), Limits::server());
    let mut raw = raw;
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"sleep","params":[1000]}"#).await;
    assert!(raw.is_silent().await);
    assert_eq!(count.started.load(Ordering::Relaxed), 1);
    drop(raw);
    peer.closed().await;
    assert_eq!(count.dropped.load(Ordering::Relaxed), 1);
    assert_eq!(count.ended.load(Ordering::Relaxed), 0);
}

/// Requests with a cancel right behind each: handlers are gone at once, places too.
#[tokio::test(start_paused = true)]
async fn requests_and_cancels_in_a_flood_gain_nothing() {
    let count = Count::default();
    let mut limits = Limits::server();
    limits.inflight_requests = 2;
    let (mut raw, peer) = Raw::connect(counting(&count), limits);
    for id in 0..1000 {
        raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"sleep","params":[9]}}"#)).await;
        raw.send(&format!(
            r#"{{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{id}}}}}"#
        ))
        .await;
        assert!(raw.receive().await.contains("-32800"));
    }
    assert_eq!(count.dropped.load(Ordering::Relaxed), 1000);
    assert_eq!(peer.stats().in_flight, 0);
}
