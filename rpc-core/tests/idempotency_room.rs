//! What is kept for calls under a key, and what runs: room for each caller, whatever the others do.

mod support;

use std::time::Duration;

use rpc_core::types::IdentifyError;
use rpc_core::{CallError, CloseCode, ErrorCode, ErrorObject, Fate, Peer};
use support::bank::{Bank, a_moment, pay, slow};

async fn big(peer: &Peer, bytes: usize, key: impl ToString) -> Result<usize, CallError> {
    let call = peer.call::<String>("big", (bytes,)).idempotency_key(key.to_string());
    call.await.map(|text| text.len())
}

/// As -32015, of which its caller knows that it may have run.
#[track_caller]
fn assert_forgotten(result: Result<usize, CallError>) {
    let error = result.unwrap_err();
    assert_eq!(error.fate(), Some(Fate::MaybeExecuted));
    let CallError::Remote(error) = error else { panic!("{error:?}") };
    assert_eq!(error.code, ErrorCode::ANSWER_FORGOTTEN);
    assert_eq!(error.data.unwrap().get(), r#"{"kind":"answer_forgotten"}"#);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_given_again_whatever_others_make_the_server_keep() {
    let bank = Bank::new(|_| {});
    let (named, _) = bank.connect(Some("user:7"));
    let (unnamed, _) = bank.connect(None);
    let receipts = (pay(&named, "order").await, pay(&unnamed, "order").await);
    for attacker in [None, Some("eve")] {
        for number in 0..12 {
            let name = attacker.map(|name| format!("{name}{number}"));
            let (peer, _) = bank.connect(name.as_deref());
            assert_eq!(big(&peer, 1_000_000, "k").await, Ok(1_000_000));
        }
    }
    assert!(bank.registry.idempotency_bytes() <= 8 << 20);
    // On whichever connection comes with the name.
    let (again, _) = bank.connect(Some("user:7"));
    assert_eq!((pay(&again, "order").await, pay(&unnamed, "order").await), receipts);
    assert_eq!(bank.paid(), 2 + 24);
}

#[tokio::test(start_paused = true)]
async fn a_caller_loses_his_oldest_answers_and_is_told_so() {
    let bank = Bank::new(|limits| limits.idempotency_bytes = 8 * 20_000);
    for name in [None, Some("ada")] {
        let (peer, _) = bank.connect(name);
        let before = bank.paid();
        for key in 0..100 {
            assert_eq!(big(&peer, 2000, key).await, Ok(2000));
            assert!(bank.registry.idempotency_bytes() <= 8 * 20_000);
        }
        assert_forgotten(big(&peer, 2000, 0).await);
        assert_eq!(big(&peer, 2000, 99).await, Ok(2000));
        assert_eq!(bank.paid() - before, 100);
    }
    // Whoever forgets that it has made the call under other params is told the same.
    let (mut raw, _) = bank.connect_raw(Some("ada"));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"pay","params":[1],"idempotencyKey":"0"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32015,"message":"a call under this `idempotencyKey` has run, or may have: its answer is not kept","data":{"kind":"answer_forgotten"}}}
"#,
    )
    .await;
    tokio::time::sleep(Duration::from_secs(301)).await;
    let (peer, _) = bank.connect(Some("ada"));
    assert_eq!(big(&peer, 2000, 0).await, Ok(2000), "five minutes are over");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_too_long_to_be_kept_is_given_once_and_not_done_twice() {
    let bank = Bank::new(|limits| limits.idempotency_bytes = 8 * 4000);
    let (peer, _) = bank.connect(Some("ada"));
    assert_eq!(big(&peer, 5000, "k").await, Ok(5000));
    assert_forgotten(big(&peer, 5000, "k").await);
    assert_eq!(bank.paid(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_has_no_room_for_more_keys_is_told_when_there_will_be_some() {
    let bank = Bank::new(|limits| limits.idempotency_bytes = 8 * 4000);
    let (peer, _) = bank.connect(Some("eve"));
    let mut keys = 0;
    let error = loop {
        let call = peer.call::<u32>("pay", (1,)).idempotency_key(keys.to_string());
        match call.await {
            Ok(_) => keys += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((error, keys), (CallError::Busy, bank.paid()));
    let (mut raw, _) = bank.connect_raw(Some("eve"));
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"pay","params":[1],"idempotencyKey":"new"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32009,"message":"busy: not executed, `idempotency_bytes` is reached","data":{"kind":"busy","retryAfterMs":300000}}}
"#,
    )
    .await;
    let (other, _) = bank.connect(Some("ada"));
    pay(&other, "order").await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    pay(&peer, "new").await;
}

#[tokio::test(start_paused = true)]
async fn calls_that_run_leave_places_for_other_callers() {
    for (attacker, honest) in [(Some("eve"), Some("ada")), (None, Some("ada")), (None, None)] {
        let bank = Bank::new(|_| {});
        let mut calls = Vec::new();
        for number in 0..12 {
            let name = attacker.map(|name| format!("{name}{number}"));
            let (peer, _) = bank.connect(name.as_deref());
            calls.extend((0..64).map(|key| slow(&peer, 20_000, key).start()));
        }
        a_moment().await;
        assert!(bank.registry.idempotent_running() <= 1024);
        let (peer, _) = bank.connect(honest);
        assert_eq!(slow(&peer, 1000, "k").await, Ok(0), "{attacker:?} {honest:?}");
        drop(calls);
        a_moment().await;
        assert_eq!(bank.registry.idempotent_running(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn more_calls_than_may_run_are_busy_until_one_has_ended() {
    let bank = Bank::new(|limits| limits.idempotent_running = 1);
    let (peer, _) = bank.connect(Some("ada"));
    let running = slow(&peer, 1000, "a").start();
    a_moment().await;
    assert_eq!(slow(&peer, 1, "b").await, Err(CallError::Busy));
    let (mut raw, _) = bank.connect_raw(None);
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"pay","params":[1],"idempotencyKey":"c"}
<-- {"jsonrpc":"2.0","id":1,"error":{"code":-32009,"message":"busy: not executed, `idempotent_running` is reached","data":{"kind":"busy"}}}
--> {"jsonrpc":"2.0","id":2,"method":"pay","params":[1]}
<-- {"jsonrpc":"2.0","id":2,"result":0}
"#,
    )
    .await;
    // A repeat waits as ever.
    assert_eq!(slow(&peer, 1000, "a").await, running.await);
    assert_eq!(slow(&peer, 1, "b").await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_call_under_a_key_has_a_deadline_also_if_its_caller_sets_none() {
    for name in [None, Some("ada")] {
        let bank = Bank::new(|_| {});
        let (peer, _) = bank.connect(name);
        let fate = Fate::MaybeExecuted;
        let start = tokio::time::Instant::now();
        let endless = slow(&peer, 86_400_000, "k").no_timeout().await;
        assert_eq!(endless, Err(CallError::Timeout { fate, heard: None }));
        assert_eq!(start.elapsed().as_secs(), 300);
        a_moment().await;
        assert_eq!((bank.registry.idempotent_running(), bank.registry.detached()), (0, 0));
        // Its caller's is as good, be it longer.
        let longer = slow(&peer, 400_000, "long").timeout(Duration::from_secs(500));
        assert_eq!(longer.await, Ok(0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_has_at_most_256_bytes_and_counts() {
    let bank = Bank::new(|_| {});
    let (peer, server) = bank.connect(Some("ada"));
    let error = server.identify("é".repeat(129)).unwrap_err();
    assert_eq!(error, IdentifyError::NameTooLong { limit: 256 });
    let text = "the name of a caller has at most 256 bytes: give an id, or a hash";
    assert_eq!(error.to_string(), text);
    // It is who it was.
    let receipt = pay(&peer, "k").await;
    let (again, server) = bank.connect(Some("ada"));
    assert_eq!(pay(&again, "k").await, receipt);
    let before = bank.registry.idempotency_bytes();
    server.identify("é".repeat(128)).unwrap();
    assert_ne!(pay(&again, "k").await, receipt);
    assert!(bank.registry.idempotency_bytes() >= before + 512);
}

/// What others have is not theirs to ask for either.
#[tokio::test(start_paused = true)]
async fn marks_of_a_connection_without_a_name_end_with_it() {
    let bank = Bank::new(|limits| limits.idempotency_bytes = 8 * 4000);
    let (peer, server) = bank.connect(None);
    for key in 0..10 {
        assert_eq!(big(&peer, 2000, key).await, Ok(2000));
    }
    peer.close(CloseCode::NORMAL, "");
    server.closed().await;
    assert_eq!(bank.registry.idempotency_bytes(), 0);
}

#[test]
fn who_passes_on_that_an_answer_is_forgotten_says_the_same() {
    let data = serde_json::json!({ "kind": "answer_forgotten" });
    let error = ErrorObject::new(ErrorCode::ANSWER_FORGOTTEN, "gone").with_data(&data);
    assert_eq!(CallError::<ErrorObject>::Remote(error).fate(), Some(Fate::MaybeExecuted));
    // From others the code alone means nothing.
    let error = ErrorObject::new(ErrorCode::ANSWER_FORGOTTEN, "other");
    assert_eq!(CallError::<ErrorObject>::Remote(error).fate(), None);
}
