//! Who is who: peers by the name that they were given, and what becomes of a second one.

mod support;

use std::slice::from_ref;
use std::sync::Arc;

use rpc_core::transport::{Endpoint, EndpointConfig, PeerRegistry};
use rpc_core::types::IdentifyError;
use rpc_core::{
    CallError, CloseCode, Context, ErrorObject, Limits, Peer, Router, SameName, memory,
};
use support::Raw;
use support::ends::settle;

/// What a member of a hub is made of.
fn config(registry: &PeerRegistry, same_name: SameName) -> EndpointConfig {
    let services = Router::new()
        .method("login", |cx: Context, (name,): (String,)| async move {
            cx.peer().identify(&name).map_err(|error| ErrorObject::new(1, error.to_string()))?;
            Ok(cx.peer().log_in(name))
        })
        .method("wait", |_: Context, (): ()| std::future::pending::<rpc_core::Result<()>>());
    let registry = registry.clone();
    EndpointConfig::new(services, Limits::server()).with(|config| {
        config.registry = registry;
        config.same_name = same_name;
        config.keepalive = false;
    })
}

/// One that comes, and has no connection yet.
fn coming(registry: &PeerRegistry, same_name: SameName) -> (Endpoint, Peer) {
    let endpoint = Endpoint::new(config(registry, same_name));
    let peer = endpoint.peer();
    (endpoint, peer)
}

fn connect(endpoint: Endpoint) -> Raw {
    let (near, far) = memory::transports(1 << 16);
    tokio::spawn(endpoint.connect(near));
    Raw::over(far)
}

fn connected(registry: &PeerRegistry, same_name: SameName) -> (Raw, Peer) {
    let (endpoint, peer) = coming(registry, same_name);
    (connect(endpoint), peer)
}

const TAKEN_OVER: (u16, &str) = (4409, "a later connection has the same name");

async fn told(raw: &mut Raw) -> (u16, String) {
    let (code, reason) = raw.closed().await;
    (code.expect("it is closed with a code").value(), reason)
}

#[tokio::test(start_paused = true)]
async fn the_peers_of_a_name_are_those_who_are_connected_in_the_order_in_which_they_came() {
    let registry = PeerRegistry::new();
    let (late, late_peer) = coming(&registry, SameName::Both);
    late_peer.identify("ada").unwrap();
    assert_eq!(registry.peers_of("ada"), [], "it is not connected");
    let ends = [(); 3].map(|()| connected(&registry, SameName::Both));
    for (_, peer) in ends.iter().rev() {
        peer.identify("ada").unwrap();
        peer.identify("ada").unwrap();
    }
    let [one, two, three] = ends.each_ref().map(|(_, peer)| peer.clone());
    let late_raw = connect(late);
    assert_eq!(
        registry.peers_of("ada"),
        [one.clone(), two.clone(), three.clone(), late_peer.clone()]
    );
    assert_eq!(two.namesakes(), [one.clone(), three.clone(), late_peer.clone()]);
    assert_eq!((two.identity().as_deref(), registry.peers_of("ben")), (Some("ada"), vec![]));

    // Another name, a kick, and an end each take one out.
    one.identify("ben").unwrap();
    assert_eq!(registry.peers_of("ben"), *from_ref(&one));
    two.kick(CloseCode::FORBIDDEN, "out");
    assert_eq!(registry.peers_of("ada"), [three.clone(), late_peer.clone()]);
    drop(late_raw);
    late_peer.closed().await;
    assert_eq!(registry.peers_of("ada"), *from_ref(&three));
    assert_eq!(late_peer.namesakes(), *from_ref(&three), "who has gone still knows its name");
    // Nor do they come back.
    two.identify("ada").unwrap();
    late_peer.identify("ada").unwrap();
    assert_eq!(registry.peers_of("ada"), [three]);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_nobody_has_is_forgotten() {
    for same_name in [SameName::Both, SameName::Refuse, SameName::Replace] {
        let registry = PeerRegistry::new();
        let (never, peer) = coming(&registry, same_name);
        peer.identify("never").unwrap();
        let (raw, gone) = connected(&registry, same_name);
        gone.identify("first").unwrap();
        gone.identify("gone").unwrap();
        let (_raw, kicked) = connected(&registry, same_name);
        kicked.identify("kicked").unwrap();
        assert_eq!(registry.name_count(), 3);
        drop((never, raw));
        gone.closed().await;
        kicked.kick(CloseCode::FORBIDDEN, "out");
        assert_eq!(registry.name_count(), 0);
        // The hub keeps none of them.
        kicked.closed().await;
        peer.identify("never").unwrap();
        assert_eq!((registry.name_count(), registry.len()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_about_to_close_leaves_its_name_when_it_is_given_another() {
    for same_name in [SameName::Both, SameName::Refuse, SameName::Replace] {
        let registry = PeerRegistry::new();
        let (_raw, peer) = connected(&registry, same_name);
        peer.identify("ada").unwrap();
        peer.close(CloseCode::NORMAL, "bye");
        peer.identify("ada").unwrap();
        peer.identify("ben").unwrap();
        assert_eq!((peer.identity().as_deref(), registry.name_count()), (Some("ben"), 0));
        peer.closed().await;
        assert_eq!((registry.name_count(), registry.len()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_one_is_refused_until_the_first_has_gone() {
    let registry = PeerRegistry::new();
    let coming = || coming(&registry, SameName::Refuse);
    let (first, first_peer) = coming();
    let (second, second_peer) = coming();
    first_peer.identify("ada").unwrap();
    // From the moment when it has the name, connected or not.
    assert_eq!(second_peer.identify("ada"), Err(IdentifyError::Taken));
    assert_eq!(second_peer.identity(), None);
    second_peer.identify("ben").unwrap();
    assert_eq!(second_peer.identify("ada"), Err(IdentifyError::Taken));
    assert_eq!(second_peer.identity().as_deref(), Some("ben"), "nothing has changed");
    let mut raw = connect(second);
    assert_eq!(registry.peers_of("ben"), *from_ref(&second_peer));
    // No connection comes of the first.
    drop(first);
    second_peer.identify("ada").unwrap();
    assert_eq!(registry.peers_of("ada"), *from_ref(&second_peer));

    // One that is about to close is none.
    let (_third, third_peer) = connected(&registry, SameName::Refuse);
    assert_eq!(third_peer.identify("ada"), Err(IdentifyError::Taken));
    second_peer.close(CloseCode::NORMAL, "logged out");
    third_peer.identify("ada").unwrap();
    assert_eq!(raw.closed().await, (Some(CloseCode::NORMAL), "logged out".to_owned()));
    second_peer.closed().await;
    assert_eq!(registry.peers_of("ada"), [third_peer]);
}

#[tokio::test(start_paused = true)]
async fn a_guest_whose_name_is_taken_stays_a_guest_and_may_log_in_as_another() {
    let registry = PeerRegistry::new();
    let (_raw, ada) = connected(&registry, SameName::Refuse);
    ada.identify("ada").unwrap();
    let (guest, peer) = coming(&registry, SameName::Refuse);
    let limits = Limits::server().for_a_guest();
    guest.require_login(&["login".into()], limits.clone(), limits.login, ()).unwrap();
    let mut raw = connect(guest);
    let login =
        |name| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"login","params":["{name}"]}}"#);
    raw.send(&login("ada")).await;
    let refused = r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"another connection has this name"}}"#;
    assert_eq!(raw.receive().await, refused);
    assert!(peer.is_guest());
    raw.send(&login("ben")).await;
    assert_eq!(raw.receive().await, r#"{"jsonrpc":"2.0","id":1,"result":true}"#);
    assert_eq!((registry.peers_of("ada"), registry.peers_of("ben")), (vec![ada], vec![peer]));
}

#[tokio::test(start_paused = true)]
async fn the_first_gives_way_when_the_second_is_connected_and_has_the_name() {
    let registry = PeerRegistry::new();
    let (mut old, old_peer) = connected(&registry, SameName::Replace);
    old_peer.identify("ada").unwrap();
    old_peer.join_group("lobby").unwrap();
    old.send(r#"{"jsonrpc":"2.0","id":1,"method":"wait"}"#).await;
    // A handshake that fails replaces nobody.
    let (failed, failed_peer) = coming(&registry, SameName::Replace);
    failed_peer.identify("ada").unwrap();
    drop(failed);
    let (new, new_peer) = coming(&registry, SameName::Replace);
    new_peer.identify("ada").unwrap();
    settle().await;
    assert_eq!((registry.peers_of("ada"), old_peer.is_closed()), (vec![old_peer.clone()], false));

    let mut new = connect(new);
    assert_eq!(registry.peers_of("ada"), *from_ref(&new_peer));
    assert!(registry.group("lobby").members().is_empty());
    // It can take nothing back.
    old_peer.identify("ada").unwrap();
    assert_eq!(registry.peers_of("ada"), *from_ref(&new_peer));
    let interrupted = old.receive().await;
    assert!(interrupted.contains(r#""code":-32014"#), "{interrupted}");
    assert_eq!(told(&mut old).await, (TAKEN_OVER.0, TAKEN_OVER.1.to_owned()));
    old_peer.closed().await;
    assert_eq!(old_peer.namesakes(), *from_ref(&new_peer));
    assert_eq!(registry.closes()["4409"], 1);

    // And one that is connected already, such as a guest, replaces by its login.
    let (mut raw, guest) = connected(&registry, SameName::Replace);
    raw.send(r#"{"jsonrpc":"2.0","id":1,"method":"login","params":["ada"]}"#).await;
    raw.receive().await;
    assert_eq!(registry.peers_of("ada"), [guest]);
    assert_eq!(told(&mut new).await.0, 4409);
}

#[tokio::test(start_paused = true)]
async fn who_is_thrown_out_on_the_way_in_replaces_nobody() {
    let registry = PeerRegistry::new();
    let (_raw, ada) = connected(&registry, SameName::Replace);
    ada.identify("ada").unwrap();
    let (eve, eve_peer) = coming(&registry, SameName::Replace);
    eve_peer.identify("ada").unwrap();
    let meant = eve_peer.clone();
    registry.kick(move |peer| *peer == meant, CloseCode::FORBIDDEN, "revoked");
    drop(connect(eve));
    eve_peer.closed().await;
    assert!(!ada.is_closed());
    assert_eq!(registry.peers_of("ada"), [ada]);
}

#[tokio::test(start_paused = true)]
async fn one_that_only_answers_has_a_name_for_its_keys_alone() {
    for same_name in [SameName::Both, SameName::Refuse, SameName::Replace] {
        let registry = PeerRegistry::new();
        let (_raw, ada) = connected(&registry, same_name);
        ada.identify("ada").unwrap();
        let (post, peer) = coming(&registry, same_name);
        post.set_answer_only();
        peer.identify("ada").unwrap();
        let _raw = connect(post);
        assert_eq!((peer.identity().as_deref(), ada.is_closed()), (Some("ada"), false));
        assert_eq!(registry.peers_of("ada"), [ada]);
    }
}

/// What is asked under a key is the caller's, not the connection's.
#[tokio::test(start_paused = true)]
async fn calls_under_a_key_go_on_when_their_connection_gives_way() {
    let registry = PeerRegistry::new();
    let (release, gate) = tokio::sync::watch::channel(false);
    let config = || {
        let gate = gate.clone();
        let pay = move |_: Context, (): ()| {
            let mut gate = gate.clone();
            async move {
                drop(gate.wait_for(|open| *open).await);
                Ok("paid")
            }
        };
        let config = config(&registry, SameName::Replace);
        config.with(|config| config.services = Arc::new(Router::new().method("pay", pay)))
    };
    let services = config().services;
    let come = || {
        let endpoint = Endpoint::new(config().with(|config| config.services = services.clone()));
        endpoint.peer().identify("ada").unwrap();
        connect(endpoint)
    };
    let pay = r#"{"jsonrpc":"2.0","id":1,"method":"pay","idempotencyKey":"k"}"#;
    let mut old = come();
    old.send(pay).await;
    settle().await;
    let mut new = come();
    assert_eq!(told(&mut old).await.0, 4409);
    new.send(pay).await;
    settle().await;
    assert_eq!(registry.idempotent_running(), 1, "it runs once");
    release.send_replace(true);
    assert_eq!(new.receive().await, r#"{"jsonrpc":"2.0","id":1,"result":"paid"}"#);
}

/// On four threads, in whatever order they come. The model has the orders that are rare.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_those_who_come_at_once_one_is_left() {
    for round in 0..200 {
        for same_name in [SameName::Refuse, SameName::Replace] {
            let registry = PeerRegistry::new();
            let comes = |number| {
                let registry = registry.clone();
                tokio::spawn(async move {
                    let (endpoint, peer) = coming(&registry, same_name);
                    // Some in `on_connect`, others when they are connected.
                    let (raw, named) = if (number + round) % 2 == 0 {
                        let named = peer.identify("ada");
                        (connect(endpoint), named)
                    } else {
                        let raw = connect(endpoint);
                        (raw, peer.identify("ada"))
                    };
                    (raw, peer, named)
                })
            };
            let coming: Vec<_> = (0..4).map(comes).collect();
            let mut ends = Vec::new();
            for end in coming {
                ends.push(end.await.unwrap());
            }
            let [left] = &registry.peers_of("ada")[..] else {
                panic!("{same_name:?}: one is left")
            };
            let named = ends.iter().filter(|(_, _, named)| named.is_ok()).count();
            assert_eq!(named, if same_name == SameName::Refuse { 1 } else { 4 });
            for (_, peer, named) in &ends {
                match same_name {
                    SameName::Replace if peer != left => {
                        assert_eq!(peer.closed().await.code, Some(CloseCode::TAKEN_OVER));
                    }
                    _ => assert!(!peer.is_closed()),
                }
                assert!(named.is_ok() || *named == Err(IdentifyError::Taken));
            }
        }
    }
}

#[tokio::test]
async fn calls_to_one_that_gave_way_say_so() {
    let registry = PeerRegistry::new();
    let ((_one, old), (_two, new)) =
        (connected(&registry, SameName::Replace), connected(&registry, SameName::Replace));
    old.identify("ada").unwrap();
    let call = old.call::<()>("anything", ()).start();
    new.identify("ada").unwrap();
    let error = call.await.unwrap_err();
    let CallError::Closed { reason, .. } = error else { panic!("{error}") };
    assert_eq!(reason.code, Some(CloseCode::TAKEN_OVER));
}
