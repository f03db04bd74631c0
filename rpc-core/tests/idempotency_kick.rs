//! Calls under a key outlive their connection, unless that ends since their caller may not stay; and nothing
//! outlives the server.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rpc_core::transport::{EndpointConfig, PeerRegistry};
use rpc_core::{Call, CallError, CloseCode, Context, Limits, Peer, Router, memory};
use support::bank::{Bank, a_moment, pay, slow};
use support::{Raw, assert_same};

/// Fifty payments that are under way.
async fn fifty(peer: &Peer) -> Vec<Call<u32>> {
    let calls = (0..50).map(|key| slow(peer, 1200, key).start()).collect();
    tokio::time::sleep(Duration::from_millis(600)).await;
    calls
}

async fn ends(bank: &Bank) {
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!((bank.registry.idempotent_running(), bank.registry.detached()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_kick_stops_calls_under_a_key_as_any_other() {
    let kicks: [fn(&Bank, &Peer); 3] = [
        |_, peer| peer.kick(CloseCode::NOT_AUTHENTICATED, "revoked"),
        |_, peer| peer.kick(CloseCode::new(4000), "out"),
        |bank, _| assert_eq!(bank.registry.kick(|_| true, CloseCode::FORBIDDEN, "revoked"), 1),
    ];
    for kick in kicks {
        for name in [None, Some("ada")] {
            let bank = Bank::new(|_| {});
            let (peer, server) = bank.connect(name);
            let calls = fifty(&peer).await;
            assert_eq!(bank.registry.idempotent_running(), if name.is_some() { 50 } else { 22 });
            kick(&bank, &server);
            for call in calls {
                let ended = call.await;
                assert!(
                    matches!(ended, Err(CallError::Closed { .. } | CallError::Busy)),
                    "{ended:?}"
                );
            }
            ends(&bank).await;
            assert_eq!(bank.paid(), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_expires_and_a_close_as_forbidden_stop_them_too() {
    let closes: [fn(&Peer); 3] = [
        |peer| peer.set_expiry(Duration::ZERO),
        |peer| peer.close(CloseCode::FORBIDDEN, "no"),
        |peer| peer.close(CloseCode::NOT_AUTHENTICATED, "no"),
    ];
    for close in closes {
        let bank = Bank::new(|_| {});
        let (peer, server) = bank.connect(Some("ada"));
        let _calls = fifty(&peer).await;
        close(&server);
        server.closed().await;
        ends(&bank).await;
        assert_eq!(bank.paid(), 0);
    }
}

/// They are counted as what else outlives its connection.
#[tokio::test(start_paused = true)]
async fn any_other_end_leaves_them_for_five_minutes_at_most_and_for_as_long_as_the_login_holds() {
    let day = Duration::from_secs(86_400);
    for expiry in [None, Some(Duration::from_secs(100))] {
        let bank = Bank::new(|_| {});
        let (peer, server) = bank.connect(Some("ada"));
        server.set_expiry(expiry);
        let calls = [60_000, 200_000, 400_000].map(|ms| slow(&peer, ms, ms).timeout(day).start());
        a_moment().await;
        assert_eq!((bank.registry.idempotent_running(), bank.registry.detached()), (3, 0));
        peer.close(CloseCode::NORMAL, "");
        server.closed().await;
        assert_eq!((bank.registry.idempotent_running(), bank.registry.detached()), (3, 3));
        drop(calls);
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert_eq!((bank.registry.idempotent_running(), bank.registry.detached()), (2, 2));
        tokio::time::sleep(Duration::from_secs(240)).await;
        assert_eq!((bank.registry.idempotent_running(), bank.registry.detached()), (0, 0));
        ends(&bank).await;
        assert_eq!(bank.paid(), if expiry.is_some() { 1 } else { 2 });
    }
}

/// A payment goes on when its connection is lost.
async fn orphan(bank: &Bank, name: &str, key: u32) {
    let (peer, server) = bank.connect(Some(name));
    let _call = slow(&peer, 20_000, key).start();
    a_moment().await;
    peer.close(CloseCode::NORMAL, "");
    server.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_kick_also_stops_what_goes_on_for_connections_of_its_caller_that_have_ended() {
    let bank = Bank::new(|_| {});
    orphan(&bank, "eve", 1).await;
    orphan(&bank, "eve", 2).await;
    orphan(&bank, "ada", 1).await;
    let (other, _) = bank.connect(Some("eve"));
    let theirs = slow(&other, 20_000, 3).start();
    let (_peer, server) = bank.connect(Some("eve"));
    a_moment().await;
    assert_eq!(bank.registry.idempotent_running(), 4);
    server.kick(CloseCode::FORBIDDEN, "revoked");
    a_moment().await;
    assert_eq!(
        bank.registry.idempotent_running(),
        2,
        "another's, and that of a connection that may stay"
    );
    assert!(theirs.await.is_ok());
    ends(&bank).await;
    assert_eq!(bank.paid(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_kick_of_the_hub_asks_of_those_as_well_who_have_gone_while_their_calls_go_on() {
    let bank = Bank::new(|_| {});
    for name in ["eve", "ada"] {
        let (peer, server) = bank.connect(Some(name));
        server.set_value(name);
        let _call = slow(&peer, 20_000, "k").start();
        a_moment().await;
        peer.close(CloseCode::NORMAL, "");
        server.closed().await;
    }
    let is_eve = |peer: &Peer| peer.value::<&str>().is_some_and(|name| *name == "eve");
    assert_eq!(
        bank.registry.kick(is_eve, CloseCode::FORBIDDEN, "revoked"),
        0,
        "none was connected"
    );
    a_moment().await;
    assert_eq!(bank.registry.idempotent_running(), 1);
    ends(&bank).await;
    assert_eq!(bank.paid(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_detached_method_goes_on_under_a_key_as_well() {
    let bank = Bank::new(|_| {});
    let (peer, server) = bank.connect(Some("ada"));
    let transfer = |peer: &Peer| peer.call::<u32>("transfer", (1200,)).idempotency_key("k").start();
    let _call = transfer(&peer);
    a_moment().await;
    server.kick(CloseCode::FORBIDDEN, "revoked");
    server.closed().await;
    assert_eq!((bank.registry.idempotent_running(), bank.registry.detached()), (1, 1));
    let (again, _) = bank.connect(Some("ada"));
    assert_eq!(transfer(&again).await, Ok(0));
    ends(&bank).await;
    assert_eq!(bank.paid(), 1);
}

/// A login is none of its affairs.
#[tokio::test(start_paused = true)]
async fn a_detached_method_goes_on_for_longer_than_the_login_holds() {
    let bank = Bank::new(|_| {});
    let (peer, server) = bank.connect(Some("ada"));
    server.set_expiry(Duration::from_secs(100));
    let transfer = |peer: &Peer| {
        let call = peer.call::<u32>("transfer", (200_000,)).idempotency_key("k");
        call.timeout(Duration::from_secs(86_400)).start()
    };
    let call = transfer(&peer);
    a_moment().await;
    peer.close(CloseCode::NORMAL, "");
    server.closed().await;
    drop(call);
    tokio::time::sleep(Duration::from_secs(150)).await;
    let (again, _) = bank.connect(Some("ada"));
    assert_eq!(transfer(&again).await, Ok(0), "the key is known as long");
    ends(&bank).await;
    assert_eq!(bank.paid(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_close_as_forbidden_and_an_expiry_also_stop_what_goes_on_for_earlier_connections() {
    let closes: [fn(&Peer); 2] =
        [|peer| peer.close(CloseCode::FORBIDDEN, "no"), |peer| peer.set_expiry(Duration::ZERO)];
    for close in closes {
        let bank = Bank::new(|_| {});
        orphan(&bank, "eve", 1).await;
        orphan(&bank, "ada", 1).await;
        let (_peer, server) = bank.connect(Some("eve"));
        a_moment().await;
        close(&server);
        server.closed().await;
        a_moment().await;
        assert_eq!(bank.registry.idempotent_running(), 1);
        ends(&bank).await;
        assert_eq!(bank.paid(), 1, "another's");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_named_as_a_connection_is_not_stopped_with_that() {
    let bank = Bank::new(|_| {});
    let (_peer, server) = bank.connect(None);
    orphan(&bank, server.id(), 1).await;
    server.kick(CloseCode::FORBIDDEN, "revoked");
    server.closed().await;
    ends(&bank).await;
    assert_eq!(bank.paid(), 1);
}

/// What came in one batch with it, and is begun before the close is.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_read_after_the_kick_is_not_begun() {
    let bank = Bank::new(|_| {});
    let services = bank.services().notification("leave", |cx: Context, (): ()| {
        cx.peer().kick(CloseCode::FORBIDDEN, "revoked");
        async {}
    });
    let (mut raw, server) = Raw::connect(services, Limits::server());
    server.identify("ada").unwrap();
    raw.send(
        r#"[{"jsonrpc":"2.0","method":"leave"},{"jsonrpc":"2.0","id":1,"method":"pay","params":[1],"idempotencyKey":"k"}]"#,
    )
    .await;
    assert_eq!(raw.closed().await.0, Some(CloseCode::FORBIDDEN));
    assert_eq!(bank.paid(), 0);
}

/// It is stopped, and has not failed.
#[tokio::test(start_paused = true)]
async fn a_call_that_a_kick_stops_is_not_an_internal_error() {
    let bank = Bank::new(|_| {});
    let (mut raw, server) = bank.connect_raw(Some("ada"));
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"slow","params":[1000],"idempotencyKey":"k"}"#)
        .await;
    a_moment().await;
    server.kick(CloseCode::FORBIDDEN, "revoked");
    let interrupted = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32014,"message":"interrupted: the connection is closed while the request runs","data":{"kind":"interrupted","closeCode":4403}}}"#;
    assert_same(&raw.receive().await, interrupted);
}

/// On several threads, each handler a step at a time: none begins once the kick has returned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_begun_any_more_when_a_kick_has_returned() {
    let steps = Arc::new(AtomicU32::new(0));
    let is_over = Arc::new(AtomicU32::new(0));
    let late = Arc::new(AtomicU32::new(0));
    let (counted, over, lately) = (steps.clone(), is_over.clone(), late.clone());
    let services = Router::new().method("walk", move |_: Context, (): ()| {
        let (counted, over, lately) = (counted.clone(), over.clone(), lately.clone());
        async move {
            loop {
                // What is begun after the kick finds this set from its first instruction on.
                lately.fetch_add(over.load(Ordering::SeqCst), Ordering::SeqCst);
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
            #[expect(unreachable_code, reason = "says the type")]
            Ok(())
        }
    });
    let config = EndpointConfig::new(services, Limits::server());
    let (near, far) = memory::transports(1 << 16);
    let bank = rpc_core::transport::Endpoint::new(config);
    let client =
        rpc_core::transport::Endpoint::new(EndpointConfig::new(Router::new(), Limits::client()));
    let (peer, server) = (client.peer(), bank.peer());
    server.identify("ada").unwrap();
    tokio::spawn(bank.connect(far));
    tokio::spawn(client.connect(near));
    let calls: Vec<_> = (0..20)
        .map(|key| peer.call::<()>("walk", ()).idempotency_key(key.to_string()).start())
        .collect();
    while steps.load(Ordering::SeqCst) < 1000 {
        tokio::task::yield_now().await;
    }
    server.kick(CloseCode::FORBIDDEN, "revoked");
    // At most what two threads were at.
    let done = steps.load(Ordering::SeqCst);
    is_over.store(1, Ordering::SeqCst);
    for call in calls {
        assert!(call.await.is_err());
    }
    server.closed().await;
    assert!(steps.load(Ordering::SeqCst) - done <= 2, "{done}");
    assert!(late.load(Ordering::SeqCst) <= 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_a_hub_that_is_gone() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for _ in 0..20 {
        let bank = Bank::new(|_| {});
        let (peer, server) = bank.connect(Some("ada"));
        pay(&peer, "k").await;
        peer.close(CloseCode::NORMAL, "");
        server.closed().await;
    }
    a_moment().await;
    assert_eq!(tasks(), before);
}

/// Each connection, and each test of it, may have a runtime of its own.
#[test]
fn answers_are_forgotten_in_time_also_if_the_runtime_of_the_first_is_gone() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().start_paused(true).build().unwrap()
    };
    let registry = PeerRegistry::new();
    let mut bank = Bank::new(|_| {});
    bank.registry = registry.clone();
    runtime().block_on(async { pay(&bank.connect(Some("ada")).0, "a").await });
    assert!(registry.idempotency_bytes() > 0);
    runtime().block_on(async {
        // Nobody calls under a key here: a connection that ends is enough.
        let (peer, server) = bank.connect(None);
        peer.close(CloseCode::NORMAL, "");
        server.closed().await;
        tokio::time::sleep(Duration::from_secs(301)).await;
        assert_eq!(registry.idempotency_bytes(), 0);
    });
}
