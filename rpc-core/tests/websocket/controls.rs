//! Control frames that nobody asked for may not come too fast.

use std::future::poll_fn;
use std::time::Duration;

use tokio::io::DuplexStream;

use super::far::*;
use super::serving::*;

const REASON: &str = "more control frames than `control_rate`";

async fn pings(far: &mut WebSocket<DuplexStream>, count: usize) {
    for _ in 0..count {
        far.ping().unwrap();
    }
    poll_fn(|cx| far.poll_flush(cx)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn pings_faster_than_their_rate_close_the_connection_in_both_roles() {
    for (role, limits) in [(Role::Server, Limits::server()), (Role::Client, Limits::client())] {
        let (peer, far) = connect(role, limits);
        let mut far = other(role, far);
        for _ in 0..3 {
            pings(&mut far, 60).await;
            lives(&mut far).await;
            pings(&mut far, 40).await;
            lives(&mut far).await;
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        pings(&mut far, 101).await;
        let policy = Some(CloseCode::POLICY);
        assert_eq!(receive(&mut far).await, Err(format!("{policy:?} {REASON}")));
        drop(far);
        assert_eq!(peer.closed().await.code, policy);
    }
}

#[tokio::test(start_paused = true)]
async fn pongs_that_nobody_asked_for_count_like_pings() {
    for (role, pong) in [(Role::Server, masked(PONG, "")), (Role::Client, frame(PONG, ""))] {
        let (peer, mut far) = connect(role, Limits::server());
        let mut segment = pong.repeat(100);
        tokio::io::AsyncWriteExt::write_all(&mut far, &segment).await.unwrap();
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert!(!peer.is_closed());
        segment.truncate(pong.len());
        tokio::io::AsyncWriteExt::write_all(&mut far, &segment).await.unwrap();
        let reason = peer.closed().await;
        assert_eq!((reason.code, &*reason.reason), (Some(CloseCode::POLICY), REASON));
    }
}

#[tokio::test(start_paused = true)]
async fn pongs_that_answer_pings_are_never_counted() {
    for (role, mut limits) in [(Role::Server, Limits::server()), (Role::Client, Limits::client())] {
        limits.set("ping", "10ms").unwrap();
        limits.set("control_rate", "1").unwrap();
        let (_peer, far) = connect(role, limits);
        let mut far = other(role, far);
        let quiet = tokio::time::timeout(Duration::from_secs(30), receive(&mut far)).await;
        assert!(quiet.is_err(), "open, and silent");
        assert!(far.unasked_controls() > 2_500, "{} pings", far.unasked_controls());
        lives(&mut far).await;
    }
}

/// One segment holds more than one turn reads.
#[tokio::test(start_paused = true)]
async fn a_higher_rate_lets_more_through() {
    let mut limits = Limits::server();
    limits.set("control_rate", "1000000").unwrap();
    let (_peer, far) = connect(Role::Server, limits);
    let mut far = other(Role::Server, far);
    for _ in 0..20 {
        pings(&mut far, 1_000).await;
        lives(&mut far).await;
    }
}
