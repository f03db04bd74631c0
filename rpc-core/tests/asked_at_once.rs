//! Bounds hold however many ask at the same time.

mod support;

use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream;
use rpc_core::transport::{Endpoint, EndpointConfig};
use rpc_core::{CallError, Context, Limits, Peer, Router, Streaming, memory};
use serde_json::Value;
use support::Raw;
use support::ends::{ends, settle};
use support::rest::at_rest;

fn streams_of_4() -> (Peer, Peer) {
    let offers = Router::new()
        .subscription("silence", "stop", |_: Context, (): ()| async {
            Ok(Streaming::<u8>::new(stream::pending()))
        })
        .subscription("slow", "stop", |_: Context, (): ()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(Streaming::<u8>::new(stream::pending()))
        })
        .subscription("refused", "stop", |_: Context, (): ()| async {
            Err::<Streaming<u8>, _>(rpc_core::ErrorObject::new(1, "no"))
        });
    let mut limits = Limits::client();
    limits.streams = 4;
    ends((Router::new(), limits), (offers, Limits::server()))
}

/// Those that had no answer yet were not counted: 200 were open with a limit of 4.
#[tokio::test(start_paused = true)]
async fn streams_bounds_subscriptions_that_are_asked_for_at_once() {
    let (peer, far) = streams_of_4();
    let asked = (0..200).map(|_| peer.subscribe::<u8>("silence", "stop", ()));
    let answers = join_all(asked).await;
    let (open, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((open.len(), peer.stats().subscriptions), (4, 4));
    assert!(refused.iter().all(|refused| matches!(refused, Err(CallError::Busy))));
    drop((open, refused));
    at_rest(&[&peer, &far]).await;
}

/// What comes to no stream takes no place of one: refused, dropped or timed out.
#[tokio::test(start_paused = true)]
async fn subscribe_calls_that_came_to_nothing_leave_their_places() {
    let (peer, far) = streams_of_4();
    for _ in 0..10 {
        let refused = (0..4).map(|_| peer.subscribe::<u8>("refused", "stop", ()));
        let refused = join_all(refused).await;
        assert!(refused.iter().all(|refused| matches!(refused, Err(CallError::Remote(_)))));
        let dropped = || peer.subscribe::<u8>("slow", "stop", ()).start();
        drop([dropped(), dropped(), dropped(), dropped()]);
        let late = || peer.subscribe::<u8>("slow", "stop", ()).timeout(Duration::from_millis(5));
        let late = join_all([late(), late(), late(), late()]).await;
        assert!(late.iter().all(|late| matches!(late, Err(CallError::Timeout { .. }))));
    }
    let open = (0..4).map(|_| peer.subscribe::<u8>("silence", "stop", ()));
    let open = join_all(open).await;
    assert!(open.iter().all(Result::is_ok), "{open:?}");
    let more = peer.subscribe::<u8>("silence", "stop", ()).await;
    assert!(matches!(more, Err(CallError::Busy)), "{more:?}");
    drop(open);
    at_rest(&[&peer, &far]).await;
}

/// A window that no hello may say: the other end took the hello for malformed, and there was no flow
/// control, no end of a stream, no stream among params.
#[test]
fn a_window_that_cannot_be_told_is_refused_by_its_name() {
    for (window, holds) in [(0, false), (1, true), (1 << 31, true), ((1 << 31) + 1, false)] {
        let mut limits = Limits::client();
        limits.stream_window = window;
        let checked = limits.check();
        assert_eq!(checked.is_ok(), holds, "{window}: {checked:?}");
        if let Err(error) = checked {
            assert!(error.to_string().contains("`stream_window`"), "{error}");
        }
    }
}

/// A guest's limits are no way around those of the connection, which has room for no more handlers than
/// they say: it panicked in a waker.
#[tokio::test(start_paused = true)]
async fn a_guest_has_no_more_than_the_connection() {
    let services = Router::new()
        .method("nap", |_: Context, (): ()| async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Ok(())
        })
        .method("login", |cx: Context, (): ()| async move { Ok(cx.peer().log_in(())) });
    let mut limits = Limits::server();
    (limits.live_handlers, limits.inflight_requests) = (2, 2);
    let mut config = EndpointConfig::new(services, limits);
    config.keepalive = false;
    let endpoint = Endpoint::new(config);
    let methods = ["nap".into(), "login".into()];
    let mut guest = Limits::server();
    guest.login_attempts = 1000;
    endpoint.require_login(&methods, guest, Duration::from_secs(60), ()).unwrap();
    let (near, far) = memory::transports(1 << 20);
    let peer = endpoint.peer();
    let connection = tokio::spawn(endpoint.connect(near));
    let mut raw = Raw::over(far);
    for logged_in in [false, true] {
        for id in 0..200 {
            raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"nap"}}"#)).await;
        }
        let mut done = 0;
        for _ in 0..200 {
            let answer: Value = serde_json::from_str(&raw.receive().await).unwrap();
            let busy = answer["error"]["data"]["kind"] == "busy";
            assert!(busy || answer.get("error").is_none(), "{answer}");
            done += usize::from(!busy);
        }
        assert!((1..=2).contains(&done), "{done} of them ran at once");
        if !logged_in {
            raw.send(r#"{"jsonrpc":"2.0","id":"in","method":"login"}"#).await;
            assert!(raw.receive().await.contains("true"));
        }
        settle().await;
    }
    peer.close(rpc_core::CloseCode::NORMAL, "");
    raw.close().await;
    assert!(connection.await.is_ok(), "it did not panic");
}
