//! G12: a push reaches exactly the members, once serialised, and waits for nobody.

mod support;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use rpc_core::transport::{Endpoint, EndpointConfig, PeerRegistry};
use rpc_core::types::JoinError;
use rpc_core::{
    CallError, CloseCode, Context, ErrorObject, Limits, NotifyError, Peer, Router, memory,
};
use support::Raw;

/// Connects raw ends to one hub, as a server does.
fn members(
    registry: &PeerRegistry,
    limits: &Limits,
    count: usize,
    capacity: usize,
) -> Vec<(Raw, Peer)> {
    let services = Arc::new(Router::new());
    let limits = Arc::new(limits.clone());
    (0..count)
        .map(|_| {
            let (near, far) = memory::transports(capacity);
            let endpoint = Endpoint::new(
                EndpointConfig::new(Router::new(), Limits::server()).with(|config| {
                    config.services = services.clone();
                    config.limits = limits.clone();
                    config.registry = registry.clone();
                    config.keepalive = false;
                }),
            );
            endpoint.set_extended(false);
            let peer = endpoint.peer();
            tokio::spawn(endpoint.connect(near));
            (Raw::over(far), peer)
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_push_reaches_those_who_are_in_at_that_moment() {
    let registry = PeerRegistry::new();
    let mut ends = members(&registry, &Limits::server(), 4, 64 * 1024);
    let lobby = registry.group("lobby");
    assert_eq!(lobby.notify("m", ()).await, Ok(0));
    for (_, peer) in &ends[..3] {
        peer.join_group("lobby").unwrap();
        peer.join_group("lobby").unwrap();
    }
    assert_eq!(lobby.notify("m", (1,)).await, Ok(3));
    ends[0].1.leave_group("lobby");
    ends[1].1.close(CloseCode::NORMAL, "bye");
    ends[1].1.closed().await;
    assert_eq!(ends[1].1.join_group("lobby"), Err(JoinError::Closed));
    assert_eq!(lobby.notify("m", (2,)).await, Ok(1));
    assert_eq!(lobby.members(), [ends[2].1.clone()]);
    let message = |n| format!(r#"{{"jsonrpc":"2.0","method":"m","params":[{n}]}}"#);
    assert_eq!(ends[0].0.receive().await, message(1));
    assert!(ends[0].0.is_silent().await);
    assert_eq!([ends[2].0.receive().await, ends[2].0.receive().await], [message(1), message(2)]);
    assert!(ends[3].0.is_silent().await);
    ends.clear();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(
        (registry.group_count(), registry.len()),
        (0, 0),
        "nothing is kept of an empty group"
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_be_in_so_many_groups() {
    let registry = PeerRegistry::new();
    let ends = members(&registry, &Limits::server(), 1, 1000);
    let peer = &ends[0].1;
    for group in 0..64 {
        peer.join_group(&group.to_string()).unwrap();
    }
    assert_eq!(peer.join_group(&"x".repeat(257)), Err(JoinError::NameTooLong { limit: 256 }));
    assert_eq!(peer.join_group("more"), Err(JoinError::TooMany { limit: 64 }));
    peer.leave_group("7");
    assert_eq!(peer.join_group("more"), Ok(()));
    assert_eq!((peer.groups().len(), registry.group_count()), (64, 64));
}

#[tokio::test(start_paused = true)]
async fn a_member_without_room_is_closed_or_loses_the_push_as_the_group_says() {
    let mut limits = Limits::server();
    (limits.queue, limits.message_out) = (1000, 1000);
    for dropping in [false, true] {
        let registry = PeerRegistry::new();
        let ends = members(&registry, &limits, 2, 1);
        let mut reader = ends.into_iter();
        let ((mut reads, _), (_never_reads, deaf)) =
            (reader.next().unwrap(), reader.next().unwrap());
        for peer in registry.peers() {
            peer.join_group("g").unwrap();
        }
        let group = if dropping { registry.group("g").dropping() } else { registry.group("g") };
        let mut took = Vec::new();
        for n in 0..50 {
            took.push(group.notify("m", (n, "x".repeat(100))).await.unwrap());
            assert!(reads.receive().await.contains(&format!("[{n},")), "others get all, in order");
        }
        assert_eq!((took[0], took[49]), (2, 1));
        if dropping {
            assert!(!deaf.is_closed());
            assert_eq!(deaf.stats().counters.dropped as usize, 100 - took.iter().sum::<usize>());
        } else {
            assert_eq!(deaf.closed().await.code, Some(CloseCode::SLOW_READER));
            assert_eq!(group.members().len(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn params_that_cannot_be_written_reach_nobody() {
    let registry = PeerRegistry::new();
    assert!(matches!(registry.group("g").notify("m", 7).await, Err(NotifyError::Encode(_))));
}

#[tokio::test(start_paused = true)]
async fn all_members_are_called_under_one_deadline() {
    let registry = PeerRegistry::new();
    let mut ends = members(&registry, &Limits::server(), 4, 64 * 1024);
    for (_, peer) in &ends {
        peer.join_group("g").unwrap();
    }
    let peers: Vec<_> = ends.iter().map(|(_, peer)| peer.clone()).collect();
    let mut answers = registry.group("g").call::<u8>("q", ("?",)).timeout(Duration::from_secs(5));
    assert_eq!(answers.remaining(), 4);
    let collected = tokio::spawn(async move {
        let mut collected = Vec::new();
        while let Some(answer) = answers.next().await {
            collected.push(answer);
        }
        collected
    });
    for (raw, _) in &mut ends {
        assert!(raw.receive().await.contains(r#""params":["?"],"id":1,"timeoutMs":5000"#));
    }
    ends[2].0.send(r#"{"jsonrpc":"2.0","id":1,"result":7}"#).await;
    ends[1].0.send(r#"{"jsonrpc":"2.0","id":1,"error":{"code":3,"message":"no"}}"#).await;
    drop(ends.remove(3));
    let collected = collected.await.unwrap();
    let of = |peer: &Peer| &collected.iter().find(|(who, _)| who == peer).unwrap().1;
    assert_eq!(collected.len(), 4);
    assert_eq!(of(&peers[2]), &Ok(7));
    assert_eq!(of(&peers[1]), &Err(CallError::Remote(ErrorObject::new(3, "no"))));
    assert!(matches!(of(&peers[3]), Err(CallError::Closed { .. })), "it left");
    assert!(matches!(of(&peers[0]), Err(CallError::Timeout { .. })), "it was late");
}

/// A thousand members, ten of which never read; three publishers; members come, go and die.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyone_who_reads_sees_every_message_in_order() {
    let registry = PeerRegistry::new();
    let mut limits = Limits::server();
    limits.queue = 64 * 1024;
    let readers = members(&registry, &limits, 990, 64 * 1024);
    let _deaf = members(&registry, &limits, 10, 1);
    for peer in registry.peers() {
        peer.join_group("g").unwrap();
    }
    let read: Vec<_> = readers
        .into_iter()
        .map(|(mut raw, peer)| {
            tokio::spawn(async move {
                let mut next = [0; 3];
                while next != [30; 3] {
                    let message = raw.receive().await;
                    let (_, params) = message.split_once("\"params\":[").unwrap();
                    let mut numbers = params.split([',', ']']).map_while(|n| n.parse().ok());
                    let (publisher, n): (usize, u32) =
                        (numbers.next().unwrap() as usize, numbers.next().unwrap());
                    assert_eq!(n, next[publisher]);
                    next[publisher] += 1;
                }
                drop(peer);
            })
        })
        .collect();
    let restless = tokio::spawn({
        let registry = registry.clone();
        async move {
            for round in 0..30 {
                let ends = members(&registry, &Limits::server(), 5, 64 * 1024);
                for (_, peer) in &ends {
                    peer.join_group("g").unwrap();
                }
                tokio::task::yield_now().await;
                if round % 2 == 0 {
                    ends.iter().for_each(|(_, peer)| peer.leave_group("g"));
                }
            }
        }
    });
    let publishers: Vec<_> = (0..3u32)
        .map(|publisher| {
            let group = registry.group("g");
            tokio::spawn(async move {
                for n in 0..30u32 {
                    let took = group.notify("m", (publisher, n, "x".repeat(100))).await.unwrap();
                    assert!(took >= 990);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for task in publishers.into_iter().chain(read).chain([restless]) {
        tokio::time::timeout(Duration::from_secs(60), task).await.expect("moves on").unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_publisher_gets_its_own_push() {
    let services = Router::new().method("say", |cx: Context, (text,): (String,)| async move {
        cx.peer().join_group("g").unwrap();
        Ok(cx.group("g").notify("said", (text,)).await.unwrap())
    });
    let (mut raw, _peer) = Raw::connect(services, Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"say","params":["hi"]}
<-- {"jsonrpc":"2.0","method":"said","params":["hi"]}
<-- {"jsonrpc":"2.0","id":1,"result":1}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_of_1_000_members_gets_each_push_once_and_in_order() {
    let registry = PeerRegistry::new();
    let mut ends = members(&registry, &Limits::server(), 1000, 64 * 1024);
    for (_, peer) in &ends {
        peer.join_group("all").unwrap();
    }
    let all = registry.group("all");
    for n in 0..20 {
        assert_eq!(all.notify("m", (n,)).await, Ok(1000));
        if n % 7 == 0 {
            // Some find a sleeping connection, others one that has yet to send.
            tokio::task::yield_now().await;
        }
    }
    for (raw, _) in &mut ends {
        for n in 0..20 {
            let message = format!(r#"{{"jsonrpc":"2.0","method":"m","params":[{n}]}}"#);
            assert_eq!(raw.receive().await, message);
        }
        assert!(raw.is_silent().await);
    }
}
