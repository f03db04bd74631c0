//! A push that is larger than may be sent is the publisher's mistake: no member pays for it.

mod support;

use rpc_core::transport::{EndpointConfig, PeerRegistry};
use rpc_core::{Limits, NotifyError, Peer, Router};
use support::ends::{ends_of, settle};

const MOST: usize = 1000;

/// A member of `registry`, which may be sent messages of so many bytes, and the end that takes them.
fn member(registry: &PeerRegistry, message_out: usize) -> (Peer, Peer) {
    let mut limits = Limits::server();
    limits.message_out = message_out;
    let mut config = EndpointConfig::new(Router::new(), limits);
    config.registry = registry.clone();
    let taker = EndpointConfig::new(Router::new(), Limits::client());
    let (member, taker) = ends_of(config, taker, 64 * 1024);
    member.join_group("g").unwrap();
    (member, taker)
}

/// Three healthy members were closed with 4008, "reads its groups too slowly".
#[tokio::test(start_paused = true)]
async fn a_push_above_message_out_fails_at_its_publisher_and_closes_nobody() {
    let registry = PeerRegistry::new();
    let members = [(); 3].map(|()| member(&registry, MOST));
    for group in [registry.group("g"), registry.group("g").dropping()] {
        let pushed = group.notify("m", ("x".repeat(MOST + 1),)).await;
        assert!(matches!(pushed, Err(NotifyError::Encode(_))), "{pushed:?}");
    }
    settle().await;
    assert_eq!(registry.group("g").members().len(), 3);
    assert!(members.iter().all(|(member, taker)| !member.is_closed() && !taker.is_closed()));
    assert!(members.iter().all(|(member, _)| member.stats().counters.dropped == 0));
    assert_eq!(registry.group("g").notify("m", ("x".repeat(MOST / 2),)).await, Ok(3));
}

/// Where it fits some members, those get it, and the others are none the worse.
#[tokio::test(start_paused = true)]
async fn a_push_that_fits_some_members_closes_none_of_the_others() {
    let registry = PeerRegistry::new();
    let [small, large] = [MOST, 10 * MOST].map(|most| member(&registry, most));
    let pushed = registry.group("g").notify("m", ("x".repeat(2 * MOST),)).await;
    assert!(matches!(pushed, Ok(1) | Err(NotifyError::Encode(_))), "{pushed:?}");
    settle().await;
    assert!(!small.0.is_closed() && !large.0.is_closed());
    if pushed == Ok(1) {
        assert_eq!(small.0.stats().counters.dropped, 1, "what it missed is counted");
    }
    assert_eq!(registry.group("g").members().len(), 2);
}

/// At the very edge: the whole message counts, not the params alone.
#[tokio::test(start_paused = true)]
async fn a_push_of_exactly_message_out_is_taken_and_one_byte_more_is_not() {
    let registry = PeerRegistry::new();
    let (member, taker) = member(&registry, MOST);
    let around = r#"{"jsonrpc":"2.0","method":"m","params":[""]}"#.len();
    let fits = registry.group("g").notify("m", ("x".repeat(MOST - around),)).await;
    assert_eq!(fits, Ok(1));
    let exceeds = registry.group("g").notify("m", ("x".repeat(MOST - around + 1),)).await;
    assert!(matches!(exceeds, Err(NotifyError::Encode(_))), "{exceeds:?}");
    settle().await;
    assert!(!member.is_closed() && !taker.is_closed());
}
