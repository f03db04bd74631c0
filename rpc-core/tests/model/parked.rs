//! Calls that wait for the wire, of which there may be one or two: what lets them on is an answer, a
//! deadline, or whoever has enough on another thread.
//!
//! The clock that would let them on after a while stands still, so whoever is forgotten waits for ever.

use std::time::Duration;

use futures_util::future::join;
use rpc_core::transport::EndpointConfig;
use rpc_core::{CallError, Context, Fate, Limits, Peer, Router};
use serde_json::Value;
use shuttle::future::block_on;
use shuttle::thread;

use crate::pair::{Pair, WIDE, WithRaw, add, adder, check, offering, pass};

/// `ask` has the other end ask back, by a batch and a call at once.
fn services() -> Router {
    adder()
        .method("help", |_: Context, (): ()| std::future::ready(Ok(1_u64)))
        .method("stay", |_: Context, (): ()| std::future::pending::<rpc_core::Result<()>>())
        .method("question", |cx: Context, (): ()| async move {
            let peer = cx.peer();
            let batch = peer.batch();
            let one = batch.call::<u64>("help", ()).no_timeout();
            batch.send().await.unwrap();
            let (one, other) = join(one, peer.call::<u64>("help", ()).no_timeout()).await;
            Ok(one? + other?)
        })
        .method("ask", |cx: Context, (): ()| async move {
            Ok(cx.peer().call::<u64>("question", ()).no_timeout().await? + 1)
        })
}

/// An end that may have so many calls on the wire.
fn with_wire(calls: usize) -> EndpointConfig {
    let mut limits = Limits::client();
    limits.calls_on_wire = calls;
    EndpointConfig::new(services(), limits)
}

fn ask(peer: &Peer) {
    assert_eq!(block_on(peer.call::<u64>("ask", ()).no_timeout()).unwrap(), 3);
}

/// Both ends hold their own wire while they ask each other, and more wait behind.
#[test]
fn callbacks_never_wait_for_a_wire_that_their_callers_hold() {
    check(|| {
        let pair = Pair::connect(with_wire(1), with_wire(1), WIDE);
        let (near, far, behind) = (pair.near.clone(), pair.far.clone(), pair.near.clone());
        let near = thread::spawn(move || ask(&near));
        let far = thread::spawn(move || ask(&far));
        let behind = thread::spawn(move || assert_eq!(block_on(add(&behind)).unwrap(), 3));
        [near, far, behind].into_iter().for_each(|thread| thread.join().unwrap());
        pair.comes_to_rest();
        pair.end();
    });
}

/// A batch, all or one of whose calls are dropped wherever they are, and calls before and behind it.
#[test]
fn calls_behind_those_that_are_given_up_on_other_threads_are_let_on() {
    check(|| {
        let pair = Pair::connect(with_wire(2), with_wire(2), WIDE);
        let (asks, batches, calls) = (pair.near.clone(), pair.near.clone(), pair.near.clone());
        let asks = thread::spawn(move || ask(&asks));
        let batches = thread::spawn(move || {
            let batch = batches.batch();
            let dropped = [(); 2].map(|()| batch.call::<()>("stay", ()).no_timeout());
            block_on(batch.send()).unwrap();
            drop(dropped);
            let batch = batches.batch();
            let dropped = batch.call::<()>("stay", ()).no_timeout();
            let stays = batch.call::<u64>("help", ()).no_timeout();
            block_on(batch.send()).unwrap();
            drop(dropped);
            assert_eq!(block_on(stays).unwrap(), 1);
        });
        let given_up = calls.call::<()>("stay", ()).no_timeout().start();
        let drops = thread::spawn(move || drop(given_up));
        let behind = thread::spawn(move || assert_eq!(block_on(add(&calls)).unwrap(), 3));
        [asks, batches, drops, behind].into_iter().for_each(|thread| thread.join().unwrap());
        pair.comes_to_rest();
        pair.end();
    });
}

/// Batches that fill the wire and are given up before they left. They are never answered, nor are the
/// cancels: nothing comes that could let on what is behind them.
#[test]
fn a_call_behind_nothing_but_batches_that_were_given_up_is_let_on() {
    check(|| {
        let (near, mut raw) = WithRaw::connect(with_wire(1));
        let gives_up = near.peer.clone();
        let gives_up = thread::spawn(move || {
            for _ in 0..2 {
                let batch = gives_up.batch();
                let calls = [(); 2].map(|()| batch.call::<()>("stay", ()).no_timeout());
                block_on(batch.send()).unwrap();
                drop(calls);
            }
        });
        let behind = near.peer.clone();
        let behind = thread::spawn(move || assert_eq!(block_on(add(&behind)).unwrap(), 3));
        let id = loop {
            let text = block_on(raw.receive());
            if !text.starts_with('[') && text.contains(r#""method":"add""#) {
                break serde_json::from_str::<Value>(&text).unwrap()["id"].clone();
            }
        };
        block_on(raw.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":3}}"#)));
        gives_up.join().unwrap();
        behind.join().unwrap();
        near.end();
    });
}

/// What is on the wire, and a batch and a call that wait for it, are out of time while others wait behind.
#[test]
fn a_call_behind_those_that_are_out_of_time_is_let_on() {
    const DEADLINE: Duration = Duration::from_secs(1);
    check(|| {
        let pair = Pair::connect(with_wire(1), offering(services()), WIDE);
        let stays = || pair.near.call::<()>("stay", ()).timeout(DEADLINE).start();
        let holds = stays();
        let batch = pair.near.batch();
        let member = batch.call::<()>("stay", ()).timeout(DEADLINE);
        block_on(batch.send()).unwrap();
        let late = stays();
        let timer = pair.timer.clone();
        let clock = thread::spawn(move || pass(DEADLINE, &timer));
        let behind = pair.near.clone();
        let behind = thread::spawn(move || assert_eq!(block_on(add(&behind)).unwrap(), 3));
        for call in [holds, member, late] {
            match block_on(call) {
                Err(CallError::Timeout { fate: Fate::NotSent | Fate::MaybeExecuted, .. }) => {}
                other => panic!("{other:?}"),
            }
        }
        clock.join().unwrap();
        behind.join().unwrap();
        pair.comes_to_rest();
        pair.end();
    });
}
