//! Bytes beside the text of a message: whatever each end carries and takes, the values are the same.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{StreamExt, stream};
use rpc_core::layers::{CallFuture, CallNext, CallRequest, Layer, Layers};
use rpc_core::transport::{
    Accepted, ConnectionEvent, Endpoint, EndpointConfig, Hello, PeerRegistry, SessionMode,
};
use rpc_core::types::RawParams;
use rpc_core::{
    Base64, CallError, Context, ErrorObject, Limits, Peer, Progress, Router, SizedBase64,
    Streaming, memory, service,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use support::binary::Carrier;
use tokio::sync::mpsc;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct File {
    name: String,
    data: Base64,
}

#[service]
trait Store {
    async fn put(&self, name: String, data: Base64) -> usize;
    async fn get(&self, length: usize) -> Base64;
    async fn back(&self, file: File) -> File;
    #[method(by_name)]
    async fn named(&self, name: String, data: Option<Base64>) -> Base64;
    async fn reported(&self, data: Base64, progress: Progress<Base64>) -> usize;
    #[method(ordered)]
    async fn in_order(&self, data: Base64) -> Base64;
    #[subscription]
    async fn items(&self, lengths: Vec<usize>) -> Streaming<Base64>;
    #[subscription]
    async fn files(&self, lengths: Vec<usize>) -> Streaming<File>;
    async fn total(&self, items: Streaming<SizedBase64>) -> u64;
    #[notification]
    async fn told(&self, data: Base64);
}

struct Disk(mpsc::UnboundedSender<Base64>);

impl Store for Disk {
    async fn put(&self, name: String, data: Base64) -> usize {
        name.len() + data.len()
    }
    async fn get(&self, length: usize) -> Base64 {
        bytes(length)
    }
    async fn back(&self, file: File) -> File {
        file
    }
    async fn named(&self, name: String, data: Option<Base64>) -> Base64 {
        data.unwrap_or_else(|| name.into_bytes().into())
    }
    async fn reported(&self, data: Base64, progress: Progress<Base64>) -> usize {
        progress.report(&data);
        data.len()
    }
    async fn in_order(&self, data: Base64) -> Base64 {
        data
    }
    async fn items(&self, lengths: Vec<usize>) -> Streaming<Base64> {
        Streaming::new(stream::iter(lengths.into_iter().map(bytes)))
    }
    async fn files(&self, lengths: Vec<usize>) -> Streaming<File> {
        Streaming::new(stream::iter(lengths.into_iter().map(file)))
    }
    async fn total(&self, items: Streaming<SizedBase64>) -> u64 {
        items
            .fold(0, async |sum, item| match item.unwrap() {
                SizedBase64::Length(length) => sum + length,
                SizedBase64::Bytes(bytes) => sum + bytes.len() as u64,
            })
            .await
    }
    async fn told(&self, data: Base64) {
        self.0.send(data).unwrap();
    }
}

/// Bytes that differ from those of other lengths.
fn bytes(length: usize) -> Base64 {
    (0..length).map(|at| (at.wrapping_mul(31) ^ length) as u8).collect()
}

fn file(length: usize) -> File {
    File { name: format!("\"{length}\""), data: bytes(length) }
}

/// Lengths around those from which bytes go beside the text.
const LENGTHS: [usize; 7] = [0, 1, 4095, 4096, 4097, 20_000, 300_000];

struct Ends {
    near: Peer,
    far: Peer,
    /// How many binary messages each of them sent.
    sent: [Arc<AtomicU64>; 2],
    told: mpsc::UnboundedReceiver<Base64>,
}

/// Two ends that know each other. `carries` tells whose link carries binary messages.
fn connect(carries: [bool; 2], change: impl Fn(&mut EndpointConfig)) -> Ends {
    let (tell, told) = mpsc::unbounded_channel();
    let (left, right) = memory::transports(64 * 1024);
    let carriers = [Carrier::new(left, carries[0]), Carrier::new(right, carries[1])];
    let sent = [0, 1].map(|at| carriers[at].sent.clone());
    let mut opens = true;
    let [near, far] = carriers.map(|carrier| {
        let services = Router::new().service(StoreServer::new(Disk(tell.clone())));
        let mut config = EndpointConfig::new(services, Limits::client());
        config.keepalive = false;
        change(&mut config);
        let endpoint = Endpoint::new(config);
        endpoint.set_extended(std::mem::take(&mut opens));
        let peer = endpoint.peer();
        tokio::spawn(endpoint.connect(carrier));
        peer
    });
    Ends { near, far, sent, told }
}

impl Ends {
    fn sent(&self) -> [u64; 2] {
        [0, 1].map(|at| self.sent[at].swap(0, Ordering::Relaxed))
    }
}

/// Makes each kind of call from one end.
async fn use_all(peer: &Peer, told: &mut mpsc::UnboundedReceiver<Base64>) {
    let store = StoreClient::new(peer.clone());
    for length in LENGTHS {
        let data = bytes(length);
        assert_eq!(store.put("a".to_owned(), data.clone()).await, Ok(length + 1));
        assert_eq!(store.get(length).await.as_ref(), Ok(&data));
        assert_eq!(store.back(file(length)).await, Ok(file(length)));
        assert_eq!(store.named("b".into(), Some(data.clone())).await.as_ref(), Ok(&data));
        assert_eq!(store.named("b".into(), None).await, Ok(Base64::from(b"b")));
        assert_eq!(store.in_order(data.clone()).await.as_ref(), Ok(&data));
        let (report, mut reports) = mpsc::unbounded_channel();
        let reported = store.reported(data.clone()).on_progress(move |at| report.send(at).unwrap());
        assert_eq!(reported.await, Ok(length));
        if length < 20_000 {
            assert_eq!(reports.recv().await.as_ref(), Some(&data));
        }
        store.told(data.clone()).await.unwrap();
        assert_eq!(told.recv().await, Some(data));
    }
    let items: Vec<_> =
        store.items(LENGTHS.to_vec()).await.unwrap().map(Result::unwrap).collect().await;
    assert_eq!(items, LENGTHS.map(bytes));
    let files: Vec<_> =
        store.files(LENGTHS.to_vec()).await.unwrap().map(Result::unwrap).collect().await;
    assert_eq!(files, LENGTHS.map(file));
    let total: usize = LENGTHS.iter().sum();
    let stream = Streaming::new(stream::iter(LENGTHS.map(bytes))).sized(total as u64);
    assert_eq!(store.total(stream).await, Ok(2 * total as u64));
}

#[tokio::test(start_paused = true)]
async fn the_same_values_come_whether_bytes_go_beside_the_text_or_not() {
    for carries in [[true, true], [true, false], [false, true], [false, false]] {
        let mut ends = connect(carries, |_| {});
        // After a call each end has heard the hello of the other one.
        let Ends { near, far, told, .. } = &mut ends;
        near.call::<usize>("get", (1,)).await.unwrap_err();
        use_all(near, told).await;
        use_all(far, told).await;
        let both = carries == [true, true];
        assert!(ends.sent().iter().all(|sent| (*sent > 20) == both && (*sent > 0) == both));
    }
}

#[tokio::test(start_paused = true)]
async fn a_plain_end_is_sent_base64() {
    for plain_at in [0, 1] {
        let at = std::cell::Cell::new(0);
        let mut ends = connect([true, true], |config| {
            config.hello =
                if at.replace(at.get() + 1) == plain_at { Hello::Never } else { Hello::Auto };
        });
        let store = StoreClient::new(ends.near.clone());
        for length in LENGTHS {
            assert_eq!(store.back(file(length)).await, Ok(file(length)));
            store.told(bytes(length)).await.unwrap();
            assert_eq!(ends.told.recv().await, Some(bytes(length)));
        }
        assert_eq!(ends.sent(), [0, 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_reads_no_bytes_is_given_base64() {
    let ends = connect([true, true], |_| {});
    let expected = serde_json::to_value(file(5000)).unwrap();
    ends.near.call::<Value>("put", ("", "")).await.unwrap();
    ends.sent();
    let value: Value = ends.near.call("back", (file(5000),)).await.unwrap();
    assert_eq!(value, expected);
    let raw: Box<RawValue> = ends.near.call("back", (file(5000),)).await.unwrap();
    assert_eq!(raw.get(), serde_json::to_string(&file(5000)).unwrap());
    let answer: rpc_core::layers::Answer = ends.near.call("back", (file(5000),)).await.unwrap();
    assert_eq!(answer.json(), Some(raw.get()));
    let text: String = ends.near.call("get", (5000,)).await.unwrap();
    assert_eq!(serde_json::from_value::<Base64>(text.into()).unwrap(), bytes(5000));
    let CallError::Decode(why) = ends.near.call::<u8>("get", (5000,)).await.unwrap_err() else {
        panic!("it is no number")
    };
    assert!(why.message().contains("invalid type: string"), "{why}");
    let items =
        ends.near.subscribe::<Value>("items", "unsubscribe_items", ([5000],)).await.unwrap();
    let items: Vec<_> = items.map(Result::unwrap).collect().await;
    assert_eq!(items, [serde_json::to_value(bytes(5000)).unwrap()]);
    assert_eq!(ends.sent(), [3, 6]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_text() {
    let ends = connect([true, true], |_| {});
    ends.near.call::<Value>("get", (1,)).await.unwrap();
    ends.sent();
    let batch = ends.near.batch();
    let (back, get) =
        (batch.call::<File>("back", (file(5000),)), batch.call::<Base64>("get", (6000,)));
    batch.notify("told", (bytes(7000),)).unwrap();
    batch.send().await.unwrap();
    assert_eq!((back.await.unwrap(), get.await.unwrap()), (file(5000), bytes(6000)));
    assert_eq!(ends.sent(), [0, 0]);
}

/// What a layer sees of a call.
struct Seen(mpsc::UnboundedSender<String>);

impl Layer for Seen {
    fn call(&self, request: CallRequest, next: CallNext) -> CallFuture {
        self.0.send(request.params().unwrap_or_default().to_owned()).unwrap();
        next.call(request)
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_sees_text() {
    let (see, mut seen) = mpsc::unbounded_channel();
    let layers = Layers::new().layer(Seen(see));
    let ends = connect([true, true], |config| config.layers = layers.clone());
    for _ in 0..2 {
        let back: File = ends.near.call("back", (file(5000),)).await.unwrap();
        assert_eq!(back, file(5000));
        let params = serde_json::to_string(&(file(5000),)).unwrap();
        assert_eq!(seen.recv().await, Some(params));
    }
}

/// A bridge passes raw JSON on, and keeps no bytes beside it.
#[tokio::test(start_paused = true)]
async fn a_bridge_passes_on_what_it_is_given() {
    let target = connect([true, true], |_| {});
    let (there, next) = (target.near.clone(), target.near.clone());
    let forward = Router::new().fallback(move |_: Context, method: String, params: RawParams| {
        there.call::<Box<RawValue>>(&method, params).forwarded()
    });
    let relay = move |_: Context, lengths: (Vec<usize>,)| {
        let next = next.clone();
        async move {
            let items = next.subscribe::<Base64>("items", "unsubscribe_items", lengths).await;
            items.map_err(|_| ErrorObject::internal())
        }
    };
    let services = Arc::new(forward.subscription("relayed", "unrelayed", relay));
    let ends = connect([true, true], |config| config.services = services.clone());
    for _ in 0..2 {
        let back: File = ends.near.call("back", (file(5000),)).await.unwrap();
        assert_eq!(back, file(5000));
    }
    let items = ends.near.subscribe::<Base64>("relayed", "unrelayed", ([5000, 10],)).await.unwrap();
    let items: Vec<_> = items.map(Result::unwrap).collect().await;
    assert_eq!(items, [5000, 10].map(bytes));
}

/// A call is repeated with the answer that was stored.
#[tokio::test(start_paused = true)]
async fn a_stored_answer_is_given_again() {
    let ends = connect([true, true], |_| {});
    for _ in 0..3 {
        let call = ends.near.call::<File>("back", (file(5000),)).idempotency_key("key");
        assert_eq!(call.await.unwrap(), file(5000));
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_is_sent_one_text() {
    let registry = PeerRegistry::new();
    let ends = connect([true, true], |config| config.registry = registry.clone());
    ends.near.call::<Value>("get", (1,)).await.unwrap();
    ends.near.join_group("all").unwrap();
    let mut told = ends.told;
    registry.group("all").notify("told", (bytes(5000),)).await.unwrap();
    assert_eq!(told.recv().await, Some(bytes(5000)));
    assert_eq!(ends.sent[0].load(Ordering::Relaxed), 0);
}

/// The limits do not depend on what the other end takes.
#[tokio::test(start_paused = true)]
async fn a_limit_is_that_of_the_text() {
    let longest = |carries| async move {
        let ends = connect([carries; 2], |config| {
            let mut limits = Limits::client();
            limits.message_out = 10_000;
            config.limits = Arc::new(limits);
        });
        ends.near.call::<Value>("get", (1,)).await.unwrap();
        let store = StoreClient::new(ends.near.clone());
        let (mut params, mut results, mut items) = (0, 0, 0);
        for length in 7000..7500 {
            let is_sent = store.put(String::new(), bytes(length)).await.is_ok();
            params = if is_sent { length } else { params };
            results = if store.get(length).await.is_ok() { length } else { results };
            let mut stream = store.items(vec![length]).await.unwrap();
            items = if stream.next().await.unwrap().is_ok() { length } else { items };
        }
        (params, results, items)
    };
    let (text, binary) = (longest(false).await, longest(true).await);
    assert_eq!(text, binary);
    assert!(text.0 > 7000 && text.1 > 7000 && text.2 > 7000, "{text:?}");
}

/// A link for a client, and whether the other end has shown that it knows a hello.
struct NextLink(Carrier, bool);

/// A client whose links are given to it.
fn client(sessions: SessionMode) -> (Peer, mpsc::UnboundedSender<NextLink>) {
    let mut config = EndpointConfig::new(Router::new(), Limits::client());
    config.sessions = sessions;
    config.answers_malformed = false;
    let endpoint = Endpoint::new(config);
    let peer = endpoint.peer();
    let (give, mut links) = mpsc::unbounded_channel();
    let mut connection = endpoint.without_link();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                biased; // what waits has not left when another link is given
                Some(NextLink(link, is_extended)) = links.recv() => connection.attach(link, is_extended),
                event = connection.next_event() => if let ConnectionEvent::Closed(_) = event { return },
            }
        }
    });
    (peer, give)
}

fn server(hello: Hello) -> EndpointConfig {
    let services = Router::new().service(StoreServer::new(Disk(mpsc::unbounded_channel().0)));
    let mut config = EndpointConfig::new(services, Limits::server());
    config.sessions = SessionMode::Grant;
    config.hello = hello;
    config
}

/// Joins a client with a server. Returns how many binary messages each of them has sent.
fn join(
    links: &mpsc::UnboundedSender<NextLink>,
    config: &EndpointConfig,
    carries_binary: bool,
) -> [Arc<AtomicU64>; 2] {
    let (near, far) = memory::transports(64 * 1024);
    let [near, far] = [near, far].map(|pipe| Carrier::new(pipe, carries_binary));
    let sent = [near.sent.clone(), far.sent.clone()];
    let is_extended = config.hello != Hello::Never;
    links.send(NextLink(near, is_extended)).unwrap();
    let endpoint = Endpoint::new(config.clone());
    if is_extended {
        endpoint.set_extended(false);
    }
    tokio::spawn(async move {
        if let Accepted::Fresh(connection) = endpoint.accept(far, |_, _| true).await {
            drop(connection.await);
        }
    });
    sent
}

/// A message that was sent over one link, with bytes beside it, is sent again over another one that carries text only.
#[tokio::test(start_paused = true)]
async fn a_session_goes_on_over_a_link_that_carries_text_only_and_back() {
    let (peer, links) = client(SessionMode::Ask);
    let config = server(Hello::Auto);
    let store = StoreClient::new(peer);
    let first = join(&links, &config, true);
    store.get(1).await.unwrap();
    let mut items = store.items(vec![5000; 20]).await.unwrap();
    let mut sent = vec![first];
    for carries_binary in [false, true, false] {
        let calls: Vec<_> = LENGTHS.map(|length| store.back(file(length)).start()).into();
        tokio::task::yield_now().await; // some of these are on their way
        sent.push(join(&links, &config, carries_binary));
        for (call, length) in calls.into_iter().zip(LENGTHS) {
            assert_eq!(call.await, Ok(file(length)));
        }
        // Those before may have been written for the link before. This one is written for this link.
        assert_eq!(store.back(file(5000)).await, Ok(file(5000)));
        for _ in 0..5 {
            assert_eq!(items.next().await, Some(Ok(bytes(5000))));
        }
    }
    let sent: Vec<_> =
        sent.iter().map(|link| link.each_ref().map(|it| it.load(Ordering::Relaxed) > 0)).collect();
    assert!(sent[0][1] && sent[2] == [true, true], "the session takes bytes: {sent:?}");
    assert!(sent[1] == [false; 2] && sent[3] == [false; 2], "these links do not: {sent:?}");
}

/// A call that was written for one server is sent to another one, which takes no bytes beside the text.
#[tokio::test(start_paused = true)]
async fn what_waits_for_another_peer_is_written_for_that_one() {
    for sessions in [SessionMode::Ask, SessionMode::Renew] {
        for (hello, carries_binary) in
            [(Hello::Never, true), (Hello::Auto, false), (Hello::Auto, true)]
        {
            let (peer, links) = client(sessions);
            let store = StoreClient::new(peer.clone());
            let _first = join(&links, &server(Hello::Auto), true);
            store.get(1).await.unwrap();
            let put = store.put(String::new(), bytes(5000)).start();
            let sent = join(&links, &server(hello), carries_binary);
            assert_eq!(put.await, Ok(5000));
            // Only a client that asks to resume hears the hello of the server before it sends anything else.
            let has_heard = sessions == SessionMode::Ask && hello == Hello::Auto && carries_binary;
            assert_eq!(
                sent[0].load(Ordering::Relaxed),
                u64::from(has_heard),
                "{sessions:?} {hello:?}"
            );
        }
    }
}
