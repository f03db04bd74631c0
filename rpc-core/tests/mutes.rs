//! Notifications that an end does not want: they do not enter its queue, whichever way they go, and count as skipped.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rpc_core::layers::{CallNext, CallRequest, Layers};
use rpc_core::memory::{self, Pipe};
use rpc_core::transport::{
    Accepted, Connection, ConnectionEvent, Endpoint, EndpointConfig, PeerRegistry, SessionMode,
};
use rpc_core::types::MuteError;
use rpc_core::{CloseCode, Context, Limits, Peer, Router, service};
use support::Raw;
use support::ends::{ends, settle};
use support::layers::{Around, Log};
use tokio::sync::mpsc;

#[service(namespace = "chatter")]
trait Chatter {
    #[notification]
    async fn typing(&self, who: &str);
    #[notification]
    async fn said(&self, text: &str);
    async fn confirm(&self) -> bool;
}

/// Counts what it hears.
#[derive(Clone, Default)]
struct Ears {
    typing: Arc<AtomicU32>,
    said: Arc<AtomicU32>,
}

impl Chatter for Ears {
    async fn typing(&self, _: &str) {
        self.typing.fetch_add(1, Ordering::Relaxed);
    }
    async fn said(&self, _: &str) {
        self.said.fetch_add(1, Ordering::Relaxed);
    }
    async fn confirm(&self) -> bool {
        true
    }
}

impl Ears {
    /// How often somebody was typing, and how often something was said.
    fn heard(&self) -> (u32, u32) {
        (self.typing.load(Ordering::Relaxed), self.said.load(Ordering::Relaxed))
    }

    fn service(&self) -> Router {
        Router::new().service(ChatterServer::new(self.clone()))
    }
}

const SAID: &str = r#"{"jsonrpc":"2.0","method":"chatter.said","params":["hi"]}"#;

async fn mute(raw: &mut Raw, method: &str, is_muted: bool) {
    raw.notify("$/mute", &format!(r#"{{"method":"{method}","muted":{is_muted}}}"#)).await;
    settle().await;
}

fn skipped(peer: &Peer) -> u64 {
    peer.stats().counters.skipped
}

/// All ways to notify one peer, and what arrives: six of them are muted.
async fn notify_in_all_ways(mut raw: Raw, peer: Peer) {
    mute(&mut raw, "chatter.typing", true).await;
    let chatter = ChatterClient::new(peer.clone());
    peer.notify("chatter.typing", ("Ada",)).await.unwrap();
    peer.try_notify("chatter.typing", ("Ada",)).unwrap();
    chatter.typing("Ada").await.unwrap();

    let batch = peer.batch();
    batch.notify("chatter.typing", ("Ada",)).unwrap();
    batch.send().await.unwrap();
    assert!(raw.is_silent().await);

    let batch = peer.batch();
    ChatterClient::new(&batch).typing("Ada").unwrap();
    ChatterClient::new(&batch).said("hi").unwrap();
    batch.send().await.unwrap();
    raw.play(&format!("<-- [{SAID}]")).await;

    let batch = peer.batch();
    let confirm = ChatterClient::new(&batch).confirm();
    batch.notify("chatter.typing", ("Ada",)).unwrap();
    batch.send().await.unwrap();
    let call = raw.receive().await;
    assert!(call.starts_with('[') && !call.contains("typing"), "{call}");
    let id = support::id_of(call.trim_matches(['[', ']']));
    raw.send(&format!(r#"[{{"jsonrpc":"2.0","id":{id},"result":true}}]"#)).await;
    assert!(confirm.await.unwrap());
    assert_eq!((skipped(&peer), peer.stats().counters.dropped), (6, 0));

    mute(&mut raw, "chatter.typing", false).await;
    chatter.typing("Ada").await.unwrap();
    raw.play(r#"<-- {"jsonrpc":"2.0","method":"chatter.typing","params":["Ada"]}"#).await;
    assert_eq!(skipped(&peer), 6);
}

#[tokio::test(start_paused = true)]
async fn whichever_way_a_notification_goes_it_is_skipped() {
    let (raw, peer) = Raw::connect(Router::new(), Limits::server());
    notify_in_all_ways(raw, peer).await;
}

#[tokio::test(start_paused = true)]
async fn notifications_that_pass_layers_are_skipped_behind_them() {
    let log = Log::default();
    let of_layer = log.clone();
    let layer = Around(move |request: CallRequest, next: CallNext| {
        of_layer.add(request.method());
        next.call(request)
    });
    let (raw, peer) = Raw::connect_within(Router::new(), Layers::new().layer(layer));
    notify_in_all_ways(raw, peer).await;
    let seen = log.take();
    assert_eq!(seen.iter().filter(|method| *method == "chatter.typing").count(), 7);
}

/// A peer that reads nothing has no room, and needs none for what it has muted.
#[tokio::test(start_paused = true)]
async fn what_is_muted_needs_no_room() {
    let mut limits = Limits::server();
    (limits.queue, limits.slow_reader) = (1000, Duration::from_secs(1000));
    let (mut raw, peer) = Raw::connect_with(Router::new(), limits, 100);
    mute(&mut raw, "typing", true).await;
    while peer.try_notify("said", ("x".repeat(50),)).is_ok() {}
    peer.try_notify("typing", ()).unwrap();
    peer.notify("typing", ()).await.unwrap();
    assert_eq!(skipped(&peer), 2);
}

/// Connects ends to one hub, as a server does.
fn members(registry: &PeerRegistry, limits: &Limits, count: usize) -> Vec<(Raw, Peer)> {
    let member = |_| {
        let config = EndpointConfig::new(Router::new(), limits.clone());
        let config = config.with(|config| config.registry = registry.clone());
        let (raw, peer) = Raw::connect_as(config, 1000);
        peer.join_group("all").unwrap();
        (raw, peer)
    };
    (0..count).map(member).collect()
}

#[tokio::test(start_paused = true)]
async fn of_500_members_the_one_that_mutes_is_skipped_and_the_others_get_it() {
    let registry = PeerRegistry::new();
    let mut ends = members(&registry, &Limits::server(), 500);
    let group = ChatterClient::new(registry.group("all"));
    mute(&mut ends[7].0, "chatter.typing", true).await;
    assert_eq!(group.typing("Ada").await, Ok(499));
    assert_eq!(group.said("hi").await, Ok(500));
    for (number, (raw, peer)) in ends.iter_mut().enumerate() {
        let is_muted = number == 7;
        if !is_muted {
            assert!(raw.receive().await.contains("chatter.typing"));
        }
        assert_eq!(raw.receive().await, SAID);
        assert_eq!(skipped(peer), u64::from(is_muted));
    }
    mute(&mut ends[7].0, "chatter.typing", false).await;
    assert_eq!(group.typing("Ada").await, Ok(500));
}

/// It is neither too slow for what it does not want, nor loses it.
#[tokio::test(start_paused = true)]
async fn a_member_without_room_is_not_closed_for_what_it_has_muted() {
    let mut limits = Limits::server();
    (limits.queue, limits.message_out) = (1000, 1000);
    let registry = PeerRegistry::new();
    let mut ends = members(&registry, &limits, 1);
    let (raw, peer) = &mut ends[0];
    mute(raw, "typing", true).await;
    for group in [registry.group("all"), registry.group("all").dropping()] {
        for _ in 0..100 {
            assert_eq!(group.notify("typing", ("x".repeat(100),)).await, Ok(0));
        }
    }
    settle().await;
    let counters = peer.stats().counters;
    assert_eq!((peer.is_closed(), counters.skipped, counters.dropped), (false, 200, 0));
    assert_eq!(peer.stats().queue_bytes, 0);
}

/// A mute is a message like others: what is asked for behind it finds it in place.
#[tokio::test(start_paused = true)]
async fn two_ends_agree_on_a_mute_before_the_next_call() {
    let ears = Ears::default();
    let server = Router::new().method("work", |cx: Context, (): ()| async move {
        let chatter = ChatterClient::new(cx.peer());
        chatter.typing("Ada").await.unwrap();
        chatter.said("hi").await.unwrap();
        Ok(cx.peer().stats().counters.skipped)
    });
    let near = (ears.service(), Limits::client());
    let (client, server) = ends(near, (server, Limits::server()));
    client.mute("chatter.typing").unwrap();
    assert_eq!(client.muted(), ["chatter.typing"]);
    assert_eq!(client.call::<u64>("work", ()).await.unwrap(), 1);
    assert_eq!((ears.heard(), skipped(&client)), ((0, 1), 0));
    client.unmute("chatter.typing");
    assert_eq!(client.call::<u64>("work", ()).await.unwrap(), 1);
    assert_eq!((ears.heard(), client.muted().len()), ((1, 2), 0));
    assert_eq!(server.stats().counters.malformed, 0);
}

/// What was on its way when the method was muted is not run either.
#[tokio::test(start_paused = true)]
async fn from_the_mute_on_nothing_that_arrives_is_run() {
    let ears = Ears::default();
    let (client, server) = memory::pair(ears.service(), Router::new());
    server.call::<bool>("chatter.confirm", ()).await.unwrap();
    server.try_notify("chatter.typing", ("Ada",)).unwrap();
    client.mute("chatter.typing").unwrap();
    settle().await;
    assert_eq!((ears.heard(), skipped(&client), skipped(&server)), ((0, 0), 1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_end_learns_which_limit_keeps_it_from_muting() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::server());
    for number in 0..64 {
        peer.mute(&format!("m{number}")).unwrap();
        assert!(raw.receive().await.contains(&format!(r#"{{"method":"m{number}","muted":true}}"#)));
    }
    peer.mute("m7").unwrap();
    let error = peer.mute("more").unwrap_err();
    assert_eq!(error, MuteError::TooMany { limit: 64 });
    assert_eq!(error.to_string(), "no more than 64 methods can be muted");
    peer.unmute("m7");
    peer.mute("more").unwrap();
    assert_eq!(peer.muted().len(), 64);

    let error = peer.mute(&"x".repeat(257)).unwrap_err();
    assert_eq!(error, MuteError::NameTooLong { limit: 256 });
    assert_eq!(error.to_string(), "the name is longer than `method_bytes`, which is 256");
    let error = peer.mute("$/progress").unwrap_err();
    assert!(error.to_string().starts_with("`$/progress` is reserved: "), "{error}");
    peer.close(CloseCode::NORMAL, "done");
    peer.closed().await;
    assert_eq!(peer.mute("m1"), Err(MuteError::Closed));
    peer.unmute("m1");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_mutes_beyond_the_bound_closes_the_connection() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::server());
    for number in 0..64 + 101 {
        raw.notify("$/mute", &format!(r#"{{"method":"m{number}","muted":true}}"#)).await;
    }
    let (code, reason) = raw.closed().await;
    assert_eq!(
        (code, &*reason),
        (Some(CloseCode::POLICY), "more malformed messages than `malformed_rate`")
    );
    assert_eq!(peer.stats().counters.malformed, 101);
}

/// A method that is muted and unmuted again and again is known, and nothing of it is left.
#[tokio::test(start_paused = true)]
async fn a_flood_of_mutes_and_unmutes_keeps_nothing() {
    let (mut raw, peer) = Raw::connect(Router::new(), Limits::server());
    for number in 0..10_000 {
        mute_quickly(&mut raw, number, true).await;
        mute_quickly(&mut raw, number, false).await;
    }
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"$/ping"}
<-- {"jsonrpc":"2.0","id":1,"result":null}
"#,
    )
    .await;
    assert_eq!(peer.stats().counters.malformed, 0);
    peer.notify("m9999", ()).await.unwrap();
    assert!(raw.receive().await.contains("m9999"));
}

async fn mute_quickly(raw: &mut Raw, number: u32, is_muted: bool) {
    raw.notify("$/mute", &format!(r#"{{"method":"m{number}","muted":{is_muted}}}"#)).await;
}

/// A client that is given links, and the server that accepts them.
struct Sessions {
    client: Peer,
    ears: Ears,
    /// Each with whether the handshake shows that the server knows a hello.
    links: mpsc::UnboundedSender<(Pipe, bool)>,
    events: mpsc::UnboundedReceiver<ConnectionEvent>,
    server: EndpointConfig,
    /// What the server hears.
    of_server: Ears,
}

impl Sessions {
    fn start(mode: SessionMode) -> Self {
        let (ears, of_server) = (Ears::default(), Ears::default());
        let mut config = EndpointConfig::new(ears.service(), Limits::client());
        (config.sessions, config.answers_malformed) = (mode, false);
        let endpoint = Endpoint::new(config);
        let client = endpoint.peer();
        let ((links, incoming), (told, events)) =
            (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        tokio::spawn(carry(endpoint.without_link(), incoming, told));
        let server = Self::server(&of_server);
        Self { client, ears, links, events, server, of_server }
    }

    fn server(ears: &Ears) -> EndpointConfig {
        // Pushes to who joins, at once. Answers how often that was skipped.
        let join = |cx: Context, (): ()| async move {
            cx.peer().join_group("all").unwrap();
            cx.peer().notify("chatter.typing", ("Ada",)).await.unwrap();
            Ok(skipped(&cx.peer()))
        };
        let services = ears.service().method("join", join);
        let config = EndpointConfig::new(services, Limits::server());
        config.with(|config| config.sessions = SessionMode::Grant)
    }

    /// Gives both ends another link. Returns whether the session is resumed.
    async fn link(&mut self) -> bool {
        let (near, far) = memory::transports(64 * 1024);
        let endpoint = Endpoint::new(self.server.clone());
        endpoint.set_extended(false);
        tokio::spawn(async move {
            if let Accepted::Fresh(connection) = endpoint.accept(far, |_, _| true).await {
                connection.await;
            }
        });
        self.links.send((near, true)).unwrap();
        let resumed = loop {
            if let ConnectionEvent::Up { resumed, .. } = self.events.recv().await.unwrap() {
                break resumed;
            }
        };
        settle().await;
        resumed
    }

    /// Takes the link away, and gives the client none that lasts.
    async fn lose_link(&self) {
        let (near, _) = memory::transports(64 * 1024);
        self.links.send((near, true)).unwrap();
        settle().await;
    }

    /// The next links lead to another process, which knows nothing.
    fn restart_server(&mut self) {
        self.server = Self::server(&self.of_server);
    }

    fn at_server(&self) -> Peer {
        let peers = self.server.registry.peers();
        assert_eq!(peers.len(), 1);
        peers[0].clone()
    }

    /// Pushes to the client in both ways. Returns how many queues took it.
    async fn push(&self) -> usize {
        self.at_server().notify("chatter.typing", ("Ada",)).await.unwrap();
        let took = self.server.registry.group("all").notify("chatter.typing", ("Ada",)).await;
        settle().await;
        took.unwrap()
    }
}

async fn carry(
    mut connection: Connection,
    mut links: mpsc::UnboundedReceiver<(Pipe, bool)>,
    told: mpsc::UnboundedSender<ConnectionEvent>,
) {
    loop {
        tokio::select! {
            event = connection.next_event() => {
                let is_closed = matches!(event, ConnectionEvent::Closed(_));
                let _ = told.send(event);
                if is_closed {
                    return;
                }
            }
            Some((link, is_known)) = links.recv() => connection.attach(link, is_known),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_keeps_what_either_end_has_muted() {
    let mut sessions = Sessions::start(SessionMode::Ask);
    assert!(!sessions.link().await);
    sessions.client.mute("chatter.typing").unwrap();
    assert_eq!(sessions.client.call::<u64>("join", ()).await.unwrap(), 1);
    sessions.at_server().mute("chatter.said").unwrap();
    settle().await;
    for round in 1..4 {
        assert!(sessions.link().await);
        assert_eq!(sessions.push().await, 0);
        sessions.client.notify("chatter.said", ("hi",)).await.unwrap();
        let (of_server, of_client) = (skipped(&sessions.at_server()), skipped(&sessions.client));
        assert_eq!((of_server, of_client), (1 + 2 * round, round));
    }
    assert_eq!((sessions.ears.heard(), sessions.of_server.heard()), ((0, 0), (0, 0)));
}

/// Muted and wanted again while there is no link: the server is told when there is one.
#[tokio::test(start_paused = true)]
async fn what_is_muted_while_away_is_said_with_the_next_link() {
    let mut sessions = Sessions::start(SessionMode::Ask);
    sessions.client.mute("chatter.said").unwrap();
    sessions.link().await;
    sessions.lose_link().await;
    sessions.client.mute("chatter.typing").unwrap();
    sessions.client.unmute("chatter.said");
    assert!(sessions.link().await);
    sessions.push().await;
    sessions.at_server().notify("chatter.said", ("hi",)).await.unwrap();
    settle().await;
    assert_eq!((skipped(&sessions.at_server()), sessions.ears.heard()), (1, (0, 1)));
}

/// The new server knows of the mutes before it hears anything else, and its client forgets those of the old one.
#[tokio::test(start_paused = true)]
async fn another_session_knows_what_the_client_mutes_and_forgets_what_the_server_muted() {
    for mode in [SessionMode::Ask, SessionMode::Renew] {
        let mut sessions = Sessions::start(mode);
        sessions.link().await;
        sessions.client.mute("chatter.typing").unwrap();
        sessions.at_server().mute("chatter.said").unwrap();
        settle().await;
        for round in 1..4 {
            sessions.lose_link().await;
            sessions.restart_server();
            let join = sessions.client.call::<u64>("join", ()).no_timeout().start();
            assert!(!sessions.link().await);
            assert_eq!(join.await.unwrap(), 1, "the mute came before the call");
            assert_eq!(sessions.push().await, 0);
            sessions.client.notify("chatter.said", ("hi",)).await.unwrap();
            settle().await;
            assert_eq!((skipped(&sessions.at_server()), skipped(&sessions.client)), (3, 0));
            assert_eq!((sessions.ears.heard(), sessions.of_server.heard()), ((0, 0), (0, round)));
        }
        assert_eq!(sessions.client.muted(), ["chatter.typing"]);
    }
}

/// The next server of a client that reconnects may be one that knows no mutes: the client mutes by itself then.
#[tokio::test(start_paused = true)]
async fn a_plain_server_behind_another_one_is_told_of_no_mute() {
    for mode in [SessionMode::Ask, SessionMode::Renew] {
        let mut sessions = Sessions::start(mode);
        sessions.link().await;
        sessions.client.mute("chatter.typing").unwrap();
        settle().await;
        sessions.lose_link().await;
        sessions.client.mute("chatter.said").unwrap();

        let (near, far) = memory::transports(64 * 1024);
        sessions.links.send((near, false)).unwrap();
        let mut raw = Raw::over(far);
        let waits = sessions.client.notify("waits", ());
        waits.await.unwrap();
        raw.play(&format!(
            r#"
<-- {{"jsonrpc":"2.0","method":"waits"}}
--> {SAID}
"#
        ))
        .await;
        assert_eq!((sessions.ears.heard(), skipped(&sessions.client)), ((0, 0), 1));
    }
}
