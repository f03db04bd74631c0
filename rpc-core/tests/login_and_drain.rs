//! Who may do what, and for how long: guests, logins that end, and a close that is planned.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rpc_core::transport::{Endpoint, EndpointConfig};
use rpc_core::types::{GoAway, JoinError};
use rpc_core::{CloseCode, Context, ErrorObject, Limits, Peer, Router, memory};
use support::Raw;
use support::rest::Lives;
use tokio::sync::Semaphore;
use tokio::time::Instant;

const LOGIN: Duration = Duration::from_secs(10);

fn services(notes: &Arc<AtomicUsize>) -> Router {
    let notes = notes.clone();
    Router::new()
        .method("login", |cx: Context, (name,): (String,)| async move {
            match &*name {
                "wrong" => return Ok(false),
                "worse" => return Err(ErrorObject::new(1, "wrong password")),
                _ => {}
            }
            cx.peer().set_expiry(Duration::from_secs(60));
            Ok(cx.peer().log_in(name))
        })
        .method("who", |cx: Context, (): ()| async move { Ok(cx.caller::<String>().cloned()) })
        .notification("note", move |_: Context, (): ()| {
            notes.fetch_add(1, Ordering::SeqCst);
            std::future::ready(())
        })
}

/// A raw guest, and what counts those that have a guest's place.
fn guest() -> (Raw, Peer, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    guest_of(|_| {})
}

/// The same at an end with other settings.
fn guest_of(
    set: impl FnOnce(&mut EndpointConfig),
) -> (Raw, Peer, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let (notes, places) = (Arc::default(), Arc::default());
    let mut config = EndpointConfig::new(services(&notes), Limits::server());
    config.keepalive = false;
    set(&mut config);
    let endpoint = Endpoint::new(config);
    let limits = Limits::server().for_a_guest();
    endpoint.require_login(&["login".into()], limits, LOGIN, Lives::new(&places)).unwrap();
    let (near, far) = memory::transports(1 << 20);
    let peer = endpoint.peer();
    tokio::spawn(endpoint.connect(near));
    (Raw::over(far), peer, notes, places)
}

#[tokio::test(start_paused = true)]
async fn a_guest_may_only_log_in() {
    let (mut raw, peer, notes, places) = guest();
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"who"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32013,"message":"not authorized for this method","data":{"kind":"not_authorized"}}}
--> {"jsonrpc":"2.0","method":"note"}
--> [{"jsonrpc":"2.0","id":2,"method":"who"}]
<-- [{"jsonrpc":"2.0","id":2,"error":{"code":-32013,"message":"not authorized for this method","data":{"kind":"not_authorized"}}}]
--> {"jsonrpc":"2.0","id":3,"method":"login","params":["Ada"]}
<-- {"jsonrpc":"2.0","id":3,"result":true}
--> {"jsonrpc":"2.0","id":4,"method":"who"}
<-- {"jsonrpc":"2.0","id":4,"result":"Ada"}
--> {"jsonrpc":"2.0","id":5,"method":"login","params":["Ben"]}
<-- {"jsonrpc":"2.0","id":5,"result":false}
--> {"jsonrpc":"2.0","id":6,"method":"who"}
<-- {"jsonrpc":"2.0","id":6,"result":"Ada"}
--> {"jsonrpc":"2.0","method":"note"}
"#,
    )
    .await;
    assert_eq!(notes.load(Ordering::SeqCst), 1, "only the one after the login");
    assert_eq!((peer.is_guest(), places.load(Ordering::SeqCst)), (false, 0));
}

/// A login changes the limits by which messages are read, and nothing else.
#[tokio::test(start_paused = true)]
async fn a_missing_jsonrpc_is_taken_by_setting_before_a_login_and_after_it() {
    let (mut raw, _peer, notes, _) = guest_of(|config| config.jsonrpc_optional = true);
    raw.play(
        r#"
--> {"id":1,"method":"who"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32013,"message":"not authorized for this method","data":{"kind":"not_authorized"}}}
--> {"id":2,"method":"login","params":["Ada"]}
<-- {"jsonrpc":"2.0","id":2,"result":true}
--> {"method":"note"}
--> [{"id":3,"method":"who"},{"jsonrpc":"1.0","id":4,"method":"who"}]
<-- [{"jsonrpc":"2.0","id":3,"result":"Ada"},{"jsonrpc":"2.0","id":4,"error":{"code":-32600,"message":"`jsonrpc` must be \"2.0\""}}]
"#,
    )
    .await;
    assert_eq!(notes.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_guest_has_little_room_until_it_has_logged_in() {
    let (mut raw, _peer, _, _) = guest();
    let long = "x".repeat(100_000);
    let login = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"login","params":["{long}"]}}"#);
    raw.send(&login).await;
    let answer = raw.receive().await;
    assert!(answer.contains("-32009") && answer.contains("inflight_bytes"), "{answer}");
    raw.send(r#"{"jsonrpc":"2.0","id":2,"method":"login","params":["Ada"]}"#).await;
    raw.receive().await;
    raw.send(&login).await;
    assert!(raw.receive().await.contains(r#""result":false"#), "now there is room");
}

#[tokio::test(start_paused = true)]
async fn who_does_not_log_in_in_time_is_closed() {
    let (mut raw, _peer, _, places) = guest();
    let start = Instant::now();
    let reason = "not logged in in time".to_owned();
    assert_eq!(raw.closed().await, (Some(CloseCode::NOT_AUTHENTICATED), reason));
    assert!(start.elapsed() >= LOGIN && start.elapsed() < LOGIN * 2);
    support::rest::settles(|| places.load(Ordering::SeqCst) == 0).await;
}

/// In ten seconds hundreds of thousands of passwords could be tried.
#[tokio::test(start_paused = true)]
async fn whoever_tries_to_log_in_too_often_is_closed_whatever_it_is_told() {
    let call = |id: u64, name| {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"login","params":["{name}"]}}"#)
    };
    let note = r#"{"jsonrpc":"2.0","method":"login","params":["wrong"]}"#;
    let batch = format!("[{},{note}]", call(1, "wrong"));
    for (attempt, count) in
        [(&*call(1, "wrong"), 10), (&*call(1, "worse"), 10), (note, 10), (&*batch, 5)]
    {
        let (mut raw, _peer, _, places) = guest();
        let start = Instant::now();
        for _ in 0..count {
            raw.send(attempt).await;
            if attempt != note {
                let answer = raw.receive().await;
                assert!(!answer.contains("-32013"), "{answer}");
            }
        }
        let reason = "too many attempts to log in".to_owned();
        assert_eq!(raw.closed().await, (Some(CloseCode::NOT_AUTHENTICATED), reason));
        assert!(start.elapsed() < LOGIN, "{attempt}");
        support::rest::settles(|| places.load(Ordering::SeqCst) == 0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_may_be_the_right_one_and_what_is_none_does_not_count() {
    let (mut raw, peer, _, _) = guest();
    for _ in 0..9 {
        raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"login","params":["worse"]}"#).await;
        assert!(raw.receive().await.contains("wrong password"));
        for id in 2..7 {
            raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"who"}}"#)).await;
            assert!(raw.receive().await.contains("-32013"));
        }
    }
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"login","params":["Ada"]}"#).await;
    assert!(raw.receive().await.contains(r#""result":true"#));
    for _ in 0..20 {
        raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"login","params":["worse"]}"#).await;
        assert!(raw.receive().await.contains("wrong password"));
    }
    assert!(!peer.is_closed() && !peer.is_guest());
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_under_way_is_waited_for_and_no_other_begins() {
    let gate = Arc::new(Semaphore::new(0));
    let opened = gate.clone();
    let slow = move |cx: Context, (name,): (String,)| {
        let gate = opened.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            Ok(name == "Ada" && cx.peer().log_in(name))
        }
    };
    let mut limits = Limits::server();
    limits.login_attempts = 2;
    let guest_limits = limits.for_a_guest();
    let endpoint = Endpoint::new(EndpointConfig::new(Router::new().method("login", slow), limits));
    endpoint.require_login(&["login".into()], guest_limits, LOGIN, ()).unwrap();
    let (near, far) = memory::transports(1 << 20);
    tokio::spawn(endpoint.connect(near));
    let mut raw = Raw::over(far);
    for (id, name) in ["Eve", "Ada", "Ben"].into_iter().enumerate() {
        let login =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"login","params":["{name}"]}}"#);
        raw.send(&login).await;
    }
    let refused = raw.receive().await;
    assert!(refused.contains(r#""id":2"#) && refused.contains("-32013"), "{refused}");
    assert!(raw.is_silent().await);
    gate.add_permits(1);
    assert!(raw.receive().await.contains(r#""id":0,"result":false"#));
    gate.add_permits(1);
    assert!(raw.receive().await.contains(r#""id":1,"result":true"#));
    gate.add_permits(1);
    raw.send(r#"{"jsonrpc":"2.0","id":9,"method":"login","params":["Ben"]}"#).await;
    assert!(raw.receive().await.contains(r#""id":9,"result":false"#), "it is still here");
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_a_guest_has_four_members() {
    let (mut raw, _peer, _, _) = guest();
    raw.send(r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#).await;
    assert!(raw.receive().await.contains(r#""batch":100"#), "it will not be a guest for long");
    let member = r#"{"jsonrpc":"2.0","id":1,"method":"who"}"#;
    raw.send(&format!("[{}]", [member; 5].join(","))).await;
    let answer = raw.receive().await;
    assert!(answer.contains("-32010") && answer.contains(r#""max":4"#), "{answer}");
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"login","params":["Ada"]}"#).await;
    raw.receive().await;
    let notes = [r#"{"jsonrpc":"2.0","method":"note"}"#; 5].join(",");
    raw.send(&format!("[{notes},{member}]")).await;
    assert!(raw.receive().await.contains(r#""result":"Ada""#));
}

#[tokio::test(start_paused = true)]
async fn a_login_ends_unless_it_is_renewed() {
    let (mut raw, peer, _, _) = guest();
    let start = Instant::now();
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"login","params":["Ada"]}"#).await;
    raw.receive().await;
    tokio::time::sleep(Duration::from_secs(50)).await;
    peer.set_expiry(Duration::from_secs(60));
    tokio::time::sleep(Duration::from_secs(50)).await;
    let reason = "the login has expired".to_owned();
    assert_eq!(raw.closed().await, (Some(CloseCode::NOT_AUTHENTICATED), reason));
    let took = start.elapsed().as_secs();
    assert!((110..112).contains(&took), "{took}");

    let (mut raw, peer, _, _) = guest();
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"login","params":["Ada"]}"#).await;
    raw.receive().await;
    peer.set_expiry(None);
    tokio::time::sleep(Duration::from_secs(1000)).await;
    assert!(!peer.is_closed());
}

/// The other end reads nothing, so a close takes as long as it may.
#[tokio::test(start_paused = true)]
async fn who_is_kicked_leaves_its_groups_at_once_and_is_gone_within_a_second() {
    let (near, _far) = memory::transports(1);
    let mut config = EndpointConfig::new(Router::new(), Limits::server());
    config.keepalive = false;
    let registry = config.registry.clone();
    let endpoint = Endpoint::new(config);
    let peer = endpoint.peer();
    tokio::spawn(endpoint.connect(near));
    peer.join_group("lobby").unwrap();
    drop(peer.notify("full", ()).await);
    let start = Instant::now();
    peer.kick(CloseCode::FORBIDDEN, "revoked");
    assert!(registry.group("lobby").members().is_empty());
    assert_eq!(peer.join_group("lobby"), Err(JoinError::Closed));
    assert_eq!(peer.closed().await.code, Some(CloseCode::FORBIDDEN));
    assert!(start.elapsed() <= Duration::from_millis(1010), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn nobody_slips_by_a_kick_on_the_way_in() {
    let notes = Arc::default();
    let mut config = EndpointConfig::new(services(&notes), Limits::server());
    config.keepalive = false;
    let registry = config.registry.clone();
    let kick = |who: fn(&Peer) -> bool| registry.kick(who, CloseCode::FORBIDDEN, "revoked");
    let is_eve = |peer: &Peer| peer.caller::<String>().is_some_and(|name| name == "Eve");
    let come = || Endpoint::new(config.clone());
    let connect = |endpoint: Endpoint| {
        let (near, far) = memory::transports(1 << 20);
        tokio::spawn(endpoint.connect(near));
        Raw::over(far)
    };

    // Each is on the way before, and has a name only after.
    let (eve, ada, gone, guest) = (come(), come(), come(), come());
    let who_panics = come();
    let limits = Limits::server().for_a_guest();
    guest.require_login(&["login".into()], limits, LOGIN, ()).unwrap();
    let mut guest = connect(guest);
    assert_eq!(kick(is_eve), 0);
    eve.set_caller("Eve".to_owned());
    ada.set_caller("Ada".to_owned());
    drop(gone);
    let refused = || (Some(CloseCode::FORBIDDEN), "revoked".to_owned());
    assert_eq!(connect(eve).closed().await, refused());
    guest.send(r#"{"jsonrpc":"2.0","id":1,"method":"login","params":["Eve"]}"#).await;
    assert_eq!(guest.closed().await, refused());
    let mut ada = connect(ada);
    assert!(ada.is_silent().await);

    // Who came later is another matter.
    let later = come();
    later.set_caller("Eve".to_owned());
    let mut later = connect(later);
    assert!(later.is_silent().await);
    assert_eq!(kick(is_eve), 1);
    assert_eq!(later.closed().await, refused());

    // Nobody is let in of whom it cannot be said.
    let unclear = std::panic::AssertUnwindSafe(|| kick(|peer| panic!("{peer:?}")));
    assert!(std::panic::catch_unwind(unclear).is_err());
    assert_eq!(connect(who_panics).closed().await, refused());
}

#[tokio::test(start_paused = true)]
async fn a_planned_close_is_told_to_who_knows_what_that_means() {
    let news =
        GoAway::new("update").reconnect_after(Duration::from_millis(250), Duration::from_secs(2));
    let (mut plain, peer) = Raw::connect(Router::new(), Limits::server());
    peer.drain(CloseCode::RESTARTING, &news, Duration::MAX);
    assert_eq!(plain.closed().await, (Some(CloseCode::RESTARTING), "update".into()));

    let (mut ours, peer) = Raw::connect(Router::new(), Limits::server());
    ours.send(r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#).await;
    ours.receive().await;
    peer.drain(CloseCode::RESTARTING, &news, Duration::MAX);
    let told = ours.receive().await;
    let expected = r#"{"jsonrpc":"2.0","method":"$/goaway","params":{"reason":"update","reconnectAfterMs":[250,2000]}}"#;
    support::assert_same(&told, expected);

    // And the other way round.
    let (mut leaving, peer) = Raw::connect(Router::new(), Limits::client());
    assert_eq!(peer.going_away(), None);
    leaving.send(r#"{"jsonrpc":"2.0","method":"$/goaway","params":7}"#).await;
    leaving.send(expected).await;
    assert!(leaving.is_silent().await);
    assert_eq!(peer.going_away(), Some(news.clone()));
    leaving.close().await;
    peer.closed().await;
    assert_eq!(peer.going_away(), Some(news), "whoever connects again asks for it then");
}

#[tokio::test(start_paused = true)]
async fn what_a_drain_has_cut_is_known_afterwards() {
    let wait = |_: Context, (): ()| std::future::pending::<rpc_core::Result<()>>();
    let (mut raw, peer) = Raw::connect(Router::new().method("wait", wait), Limits::server());
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"wait"}"#).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    peer.drain(CloseCode::RESTARTING, &GoAway::new("update"), Duration::from_secs(2));
    raw.closed().await;
    raw.close().await;
    peer.closed().await;
    let stats = peer.stats();
    let [(method, age)] = &stats.cut[..] else { panic!("{stats:?}") };
    assert_eq!((method.as_str(), age.as_secs()), ("wait", 3));
}

#[test]
fn guests_may_call_what_is_offered_only() {
    let endpoint = Endpoint::new(EndpointConfig::new(Router::new(), Limits::server()));
    let limits = Limits::server().for_a_guest();
    let error = endpoint.require_login(&["login".into()], limits, LOGIN, ()).unwrap_err();
    assert!(error.to_string().starts_with("guests may call `login`, which is not"), "{error}");
}
