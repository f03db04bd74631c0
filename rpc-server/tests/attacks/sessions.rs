//! Attacks on sessions that outlive their links.

use std::time::Duration;

use rpc_core::{CloseCode, Context, Limits, Link, Router};
use rpc_server::{Connecting, Rejection, Sessions};
use serde_json::{Value, json};

use crate::canary::{Lives, MEND, Target};
use crate::raw::Raw;
use crate::session::{ANNOUNCE, Session as AnySession, greet, shake};
use crate::support::{echo, limits, soon, until};
use crate::way::Way;

type Session = AnySession<Raw>;

/// The header of a client that has a name. The others are all of one address.
const HONEST: &str = "X-User: honest\r\n";

/// A server with sessions, a method that makes the session hold something that lives, and one that joins a group.
async fn target(change: impl FnOnce(&mut Limits)) -> Target {
    let lives = Lives::default();
    let held = lives.clone();
    let services = Router::new()
        .method("live", move |cx: Context, (): ()| {
            cx.peer().set_value(held.one());
            async { Ok(()) }
        })
        .method(
            "join",
            |cx: Context, (): ()| async move { Ok(cx.peer().join_group("room").is_ok()) },
        );
    let limits = limits(|limits| {
        limits.mend = MEND;
        change(limits);
    });
    let builder = echo().service(services).limits(limits).sessions(Sessions::new()).on_connect(
        |connecting: Connecting| async move {
            if let Some(name) = connecting.header("x-user") {
                connecting.peer().identify(name)?;
            }
            Ok::<_, Rejection>(())
        },
    );
    Target::of(builder, lives).await
}

/// A session that holds something.
async fn begin(target: &Target, headers: &str) -> Session {
    let mut session = Session::begin(target.way.open_with(headers).await).await;
    session.call(1, "live", json!([])).await;
    assert_eq!(session.next().await["id"], 1);
    session
}

async fn announced(target: &Target, headers: &str) -> Raw {
    target.way.open_with(&format!("{headers}{ANNOUNCE}")).await
}

/// Cuts the link. What comes later has another link.
async fn cut(target: &Target, session: Session) -> Session {
    let AnySession { raw, token, attempt, received } = session;
    raw.reset();
    AnySession { raw: target.way.open_with("").await, token, attempt, received }
}

/// Ends all that is away, and waits until nothing of it is left.
async fn unharmed(target: Target) {
    let is_away = |peer: &rpc_core::Peer| peer.link() != Link::Up;
    target.server.kick(is_away, CloseCode::FORBIDDEN, "out");
    target.unharmed().await;
}

/// Its own sessions end first: those of others are kept.
#[tokio::test]
async fn sessions_that_are_opened_and_cut() {
    let target = target(|_| {}).await;
    let mut honest = Vec::new();
    for _ in 0..5 {
        let session = begin(&target, HONEST).await;
        honest.push(cut(&target, session).await);
    }
    let count = if cfg!(debug_assertions) { 3_000 } else { 100_000 };
    let attack = async || {
        for number in 0..count / 10 {
            let mut session = begin(&target, "").await;
            match number % 3 {
                // It leaves something to be kept.
                0 => session.call("big", "echo", json!(["x".repeat(1000)])).await,
                1 => session.ack(1).await,
                _ => {}
            }
            session.raw.reset();
        }
    };
    let attacks = std::iter::repeat_with(attack).take(10);
    futures_util::future::join_all(attacks).await;
    let sessions = until_away(&target, 1005).await;
    assert_eq!((sessions.away, sessions.up), (1005, 0), "1,000 of one address");
    assert!(sessions.evicted.values().sum::<u64>() + 1000 == count as u64, "{sessions:?}");
    assert!(sessions.away_bytes < 3 * 1024 * 1024, "{sessions:?}");
    target.is_serving().await;
    for mut session in honest {
        session.resume(announced(&target, HONEST).await).await;
        session.echoes("kept").await;
        session.close(1000).await;
        assert!(session.raw.ended().await);
    }
    unharmed(target).await;
}

/// Waits until so many sessions are away and none is up.
async fn until_away(target: &Target, away: usize) -> rpc_core::transport::SessionStats {
    let stats = || target.server.stats().sessions;
    let is_so = || {
        let sessions = stats();
        sessions.up == 0 && sessions.away == away
    };
    for _ in 0..3 {
        let waiting = tokio::time::timeout(Duration::from_secs(10), until(is_so)).await;
        if waiting.is_ok() {
            break;
        }
    }
    stats()
}

#[tokio::test]
async fn tokens_that_are_guessed_replayed_and_stolen() {
    let target = target(|_| {}).await;
    let mut session = begin(&target, HONEST).await;
    let first = session.token.clone();
    session.resume(announced(&target, HONEST).await).await;
    session.echoes("the first token is used up").await;
    let (lookup, secret) = session.token.split_once('.').unwrap();
    let flipped = if secret.starts_with('0') { '1' } else { '0' };
    let guesses = [
        (HONEST, first),
        (HONEST, format!("{lookup}.{flipped}{}", &secret[1..])),
        (HONEST, format!("{lookup}.{}", "f".repeat(32))),
        ("X-User: thief\r\n", session.token.clone()),
        ("", session.token.clone()),
    ];
    for (number, (headers, token)) in guesses.iter().cycle().take(500).enumerate() {
        let mut raw = announced(&target, headers).await;
        let asks = json!({ "token": token, "attempt": 1000 + number, "received": 0 });
        let said = greet(&mut raw, asks).await;
        assert_eq!((&said["refused"], &said["received"]), (&json!("unknown"), &Value::Null));
        raw.reset();
    }
    session.echoes("untouched").await;
    assert_eq!(target.server.stats().sessions.refused["unknown"], 500);
    session.resume(announced(&target, HONEST).await).await;
    session.echoes("still mine").await;
    session.close(1000).await;
    unharmed(target).await;
}

/// Exactly one of them has the session, and what it is sent is whole.
#[tokio::test]
async fn two_links_at_once_with_one_token() {
    let target = target(|_| {}).await;
    let mut session = begin(&target, "").await;
    let peer_id = target.server.peers().pop().unwrap().id().to_owned();
    for round in 0..100 {
        let asks = session.asks();
        let [mut one, mut other] = [announced(&target, "").await, announced(&target, "").await];
        let (said, told) = tokio::join!(greet(&mut one, asks.clone()), greet(&mut other, asks));
        let resumed = [&said, &told].map(|said| said["resumed"] == true);
        assert!(resumed[0] != resumed[1], "{round}: {said} {told}");
        let (raw, said, loser) = if resumed[0] { (one, said, other) } else { (other, told, one) };
        session.raw = raw;
        session.token = said["token"].as_str().unwrap().to_owned();
        session.ack(session.received).await;
        session.echoes(&round.to_string()).await;
        loser.reset();
    }
    // With attempts that differ the last one has it, and the other link is closed.
    for _ in 0..50 {
        let (first, second) = (session.asks(), session.asks());
        let [mut one, mut other] = [announced(&target, "").await, announced(&target, "").await];
        assert_eq!(greet(&mut one, first).await["resumed"], true);
        let said = greet(&mut other, second).await;
        assert_eq!(said["resumed"], true, "{said}");
        assert_eq!(one.close_frame().await.0, 4409);
        one.shutdown().await;
        assert!(one.ended().await, "the link is gone");
        session.raw = other;
        session.token = said["token"].as_str().unwrap().to_owned();
        session.ack(session.received).await;
        session.echoes("mine").await;
    }
    assert!(target.server.peer(&peer_id).is_some(), "it is the same peer");
    session.close(1000).await;
    unharmed(target).await;
}

#[tokio::test]
async fn counts_that_are_false() {
    let target = target(|_| {}).await;
    let counts =
        ["18446744073709551615", "9007199254740993", "-1", "3", "0", "null", "\"1\"", "[1]"];
    for (number, count) in counts.iter().cycle().take(200).enumerate() {
        let count: Value = serde_json::from_str(count).unwrap();
        // It holds nothing: the link that asks still holds the peer when the session ends.
        let mut session = Session::begin(target.way.open_with("").await).await;
        session.echoes("zero").await;
        session.ack(1).await;
        session.echoes("one").await;
        if number % 2 == 0 {
            session.ack(count.clone()).await;
            if count != json!(0) {
                assert_eq!(session.raw.close_frame().await.0, 1002, "{count}");
            }
            session.close(1000).await;
        } else {
            session.received = 2;
            session.raw.reset();
            let mut raw = announced(&target, "").await;
            let asks = json!({ "token": session.token, "attempt": 1, "received": count });
            let said = greet(&mut raw, asks).await;
            assert_eq!(said["refused"], "counts", "{count}: {said}");
            raw.reset();
        }
    }
    unharmed(target).await;
}

/// Such links have a pool of their own, and no address that is known has all of it.
#[tokio::test]
async fn resumes_that_never_end() {
    let target = target(|limits| limits.handshake = Duration::from_secs(8)).await;
    let session = begin(&target, HONEST).await;
    let mut session = cut(&target, session).await;
    let mut silent = Vec::new();
    let refused = loop {
        let mut raw = target.way.connect().await;
        let head = shake(&mut raw, ANNOUNCE).await;
        if !head.starts_with("HTTP/1.1 101 ") {
            break head;
        }
        silent.push(raw);
    };
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("retry-after"), "{refused}");
    // Without addresses the whole pool is for all.
    let most = if Way::tells_addresses() { 64..=128 } else { 1000..=1000 };
    assert!(most.contains(&silent.len()), "{}", silent.len());
    target.is_serving().await;
    begin(&target, "").await.raw.reset();
    // Half a hello does not help either.
    for raw in &mut silent {
        raw.send([1, 0x80 | 3, 0, 0, 0, 0, b'{', b' ', b' ']).await;
    }
    for raw in &mut silent {
        assert_eq!(raw.close_frame().await.0, 1008);
        raw.shutdown().await;
    }
    let raw = loop {
        let mut raw = target.way.connect().await;
        let head = shake(&mut raw, &format!("{HONEST}{ANNOUNCE}")).await;
        if head.starts_with("HTTP/1.1 101 ") {
            break raw;
        }
    };
    session.resume(Raw::WebSocket(raw)).await;
    session.echoes("kept").await;
    session.close(1000).await;
    unharmed(target).await;
}

/// The publisher never waits, and who acknowledges gets everything.
#[tokio::test]
async fn a_member_that_reads_and_acknowledges_nothing() {
    let target = target(|_| {}).await;
    let mut honest = begin(&target, HONEST).await;
    let mut members = vec![begin(&target, "").await, begin(&target, "").await];
    for session in members.iter_mut().chain([&mut honest]) {
        session.call(2, "join", json!([])).await;
        assert_eq!(session.next().await["result"], true);
    }
    let mut gone = members.pop().unwrap();
    gone.ack(2).await;
    gone.raw.reset();
    until(|| target.server.stats().sessions.away == 1).await;
    let mut silent = members.pop().unwrap();
    let text = "x".repeat(10_000);
    // `queue` is 1 MiB, and what is kept while away 256 KiB.
    for number in 0..300 {
        let took = soon(target.server.group("room").notify("note", (number, &text))).await.unwrap();
        assert!((1..=3).contains(&took), "{took}");
        assert_eq!(honest.next().await["params"][0], number);
        honest.ack(honest.received).await;
        if took == 3 {
            assert_eq!(silent.next().await["params"][0], number);
        }
        let sessions = target.server.stats().sessions;
        assert!(sessions.away_bytes <= 300 * 1024, "{sessions:?}");
    }
    assert_eq!(silent.raw.close_frame().await.0, 4008);
    silent.raw.shutdown().await;
    until(|| target.server.group("room").members().len() == 1).await;
    honest.echoes("all is well").await;
    honest.close(1000).await;
    target.unharmed_after(silent.raw).await;
}
