//! G9: what the worst peer can make a server keep. Alone in its process: the whole heap of that is
//! counted; the attacker's own messages are there before.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use peak_alloc::PeakAlloc;
use rpc_core::{Context, Limits, Router, Streaming, service};
use rpc_server::{Server, runtime};
use serde::de::IgnoredAny;
use serde::{Serialize, Serializer};
use support::{HANDSHAKE, TEXT, frame, until};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// What one connection may take more for each stream that is open.
const STREAM: usize = 128 * KIB;

/// What one connection may take, without streams and without what handlers hold. Of `message_out`
/// twice: a message that is sent in part is held whole until its last byte has left, and with less
/// than `queue` of it left the next answer is written.
fn bound(limits: &Limits) -> usize {
    let tables = MIB + MIB / 2;
    3 * limits.message_in
        + limits.queue
        + 2 * limits.message_out
        + limits.write_buffer_max
        + limits.inflight_bytes
        + tables
}

/// An answer of so many bytes that nobody holds before it is written.
struct Long(usize);

impl Serialize for Long {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const MEMBER: &str = "thirteen byte"; // with quotes and comma 16
        serializer.collect_seq(std::iter::repeat_n(MEMBER, self.0 / (MEMBER.len() + 3)))
    }
}

#[service]
trait Streams {
    /// Items of so many bytes without end.
    async fn items(&self, bytes: usize) -> Streaming<Long>;

    /// Never looks at what it is given.
    async fn hold(&self, values: Streaming<String>);
}

struct Endless;

impl Streams for Endless {
    async fn items(&self, bytes: usize) -> Streaming<Long> {
        Streaming::new(stream::repeat(()).map(move |()| Long(bytes)))
    }

    async fn hold(&self, _values: Streaming<String>) {
        std::future::pending().await
    }
}

/// Methods that keep nothing themselves, so that all there is is the framework's.
fn services() -> Router {
    Router::new()
        .method("long", |_: Context, (bytes,): (usize,)| async move { Ok(Long(bytes)) })
        .method("text", |_: Context, (bytes,): (usize,)| async move { Ok("x".repeat(bytes)) })
        .method("hang", |_: Context, _: IgnoredAny| std::future::pending::<Result<(), _>>())
        .notification("hang_on", |_: Context, _: IgnoredAny| std::future::pending())
        .service(StreamsServer::new(Endless))
}

fn text(text: &str) -> Vec<u8> {
    frame(TEXT, text.as_bytes())
}

/// A request under the longest id that is allowed.
fn request(number: usize, method: &str, params: &str) -> Vec<u8> {
    text(&format!(
        r#"{{"jsonrpc":"2.0","id":"{number:0126}","method":"{method}","params":{params}}}"#
    ))
}

/// A message in two fragments, whose last byte never comes.
fn unfinished(bytes: usize) -> Vec<u8> {
    let mut message = frame(TEXT, &vec![b' '; bytes / 2]);
    message[0] = TEXT; // not the last
    message.extend(frame(0, &vec![b' '; bytes - bytes / 2]));
    message.pop();
    message
}

/// All that a peer may make us keep, in the order in which each part stays.
struct Everything {
    notes: Vec<u8>,
    answers: Vec<u8>,
    rest: Vec<u8>,
}

impl Everything {
    fn of(limits: &Limits) -> Self {
        // More than the kernel takes of them.
        let long = format!("[{}]", limits.message_out - KIB);
        let count = (8 * (16 * MIB / limits.message_out + 4)).min(400);
        // Between them shorter ones, with which `queue` is as good as full before the next long one.
        let short = format!("[{}]", limits.queue / 8 + 1);
        let both = |number| match number % 8 {
            0 => request(number, "long", &long),
            _ => request(number, "long", &short),
        };
        let answers = (0..count).flat_map(both).collect();
        // Above `queue` requests wait with their params, as notifications do behind one that hangs.
        let waiting = 500 - count;
        let params = format!(r#"["{}"]"#, "x".repeat(limits.inflight_bytes / 2 / 501));
        let note = "x".repeat(limits.inflight_bytes / 2 / 1001);
        let note = format!(r#"{{"jsonrpc":"2.0","method":"hang_on","params":["{note}"]}}"#);
        let mut rest: Vec<u8> =
            (count..count + waiting).flat_map(|number| request(number, "hang", &params)).collect();
        // Fewer than may come without a pause.
        rest.extend(frame(9, &[b'p'; 125]).repeat(99));
        rest.extend(unfinished(limits.message_in));
        Self { notes: text(&note).repeat(1000), answers, rest }
    }
}

fn connect(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.local_addr().unwrap()).unwrap();
    // It only ends a test that hangs.
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(HANDSHAKE.as_bytes()).unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 101");
    stream
}

/// The heap when nothing changes it any more.
async fn settled() -> usize {
    let (mut heap, mut same) = (0, 0);
    until(|| {
        let before = std::mem::replace(&mut heap, HEAP.current_usage());
        same = if before == heap { same + 1 } else { 0 };
        same == 100
    })
    .await;
    heap
}

async fn serve(limits: &Limits) -> (Server, usize) {
    let server = Server::builder().service(services()).limits(limits.clone());
    let server = server.bind("127.0.0.1:0").await.unwrap().spawn();
    // The first one finds out what server and runtime need once.
    drop(connect(&server));
    until(|| server.stats().closes.contains_key("lost")).await;
    (server, settled().await)
}

/// What came to the heap at most while `attack` was on and until that has settled.
async fn peak(before: usize, attack: impl AsyncFnOnce()) -> usize {
    HEAP.reset_peak_usage();
    attack().await;
    settled().await;
    HEAP.peak_usage().saturating_sub(before)
}

/// One who asks for as much as there may be of everything at once.
async fn everything_at_once(limits: &Limits) {
    let attack = Everything::of(limits);
    let (server, before) = serve(limits).await;
    let mut stream = connect(&server);
    let most = peak(before, async || {
        stream.write_all(&attack.notes).unwrap();
        stream.write_all(&attack.answers).unwrap();
        until(|| server.stats().queue_bytes > limits.queue).await;
        stream.write_all(&attack.rest).unwrap();
        // Whatever it has is held, or it was closed for it: both are for the peak to judge.
        let has_all = |stats: rpc_server::ServerStats| stats.in_flight > 300;
        until(|| has_all(server.stats()) || server.stats().connections == 0).await;
        // A little is read, again and again: each time another answer is written beside all else.
        let mut part = [0; 32 * KIB];
        for _ in 0..12 * MIB / part.len() {
            stream.read_exact(&mut part).unwrap();
            tokio::task::yield_now().await;
        }
    })
    .await;
    let bound = bound(limits);
    assert!(most < bound, "{most} bytes, more than {bound}");
    let least = limits.queue + limits.inflight_bytes + limits.message_in;
    assert!(most > least, "{most} bytes: the attack was none");
    drop(stream);
    until(|| server.stats().connections == 0).await;
    until(|| HEAP.current_usage() < before + MIB).await;
}

/// As many streams as there may be that go with calls, and in each as much as there may be: items of so
/// many bytes, of which every other one is missing, which is kept as well.
async fn streams_that_nobody_looks_at(limits: &Limits, bytes: usize) {
    let mut attack = text(r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#);
    let item = "x".repeat(bytes - 2);
    for number in 0..limits.streams {
        let id = format!("{number:0126}");
        attack.extend(request(number, "hold", &format!(r#"[{{"$stream":"{id}"}}]"#)));
        // The last one overdraws the window.
        for count in 1..=limits.stream_window / bytes + 1 {
            let seq = 2 * count;
            let params = format!(r#"{{"subscription":"{id}","seq":{seq},"result":"{item}"}}"#);
            attack.extend(text(&format!(
                r#"{{"jsonrpc":"2.0","method":"$/item","params":{params}}}"#
            )));
        }
    }
    full_streams(limits, &attack, limits.streams, async |server, _| {
        until(|| server.stats().subscriptions == limits.streams).await;
    })
    .await;
}

/// As many subscriptions as there may be, to items of so many bytes, of which nobody reads more than a
/// little.
async fn subscriptions_that_nobody_reads(limits: &Limits, bytes: usize) {
    let hello = r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"window":2000000000}}"#;
    let mut attack = text(hello);
    // At once: when the first items have filled the queue, no more are begun.
    for number in 0..limits.subscriptions {
        attack.extend(request(number, "items", &format!("[{bytes}]")));
    }
    full_streams(limits, &attack, limits.subscriptions, async |server, stream| {
        until(|| server.stats().queue_bytes > limits.queue - bytes.min(limits.queue)).await;
        let mut part = [0; 32 * KIB];
        for _ in 0..12 * MIB / part.len() {
            stream.read_exact(&mut part).unwrap();
            tokio::task::yield_now().await;
        }
    })
    .await;
}

async fn full_streams(
    limits: &Limits,
    attack: &[u8],
    streams: usize,
    fill: impl AsyncFnOnce(&Server, &mut TcpStream),
) {
    let (server, before) = serve(limits).await;
    let mut stream = connect(&server);
    let most = peak(before, async || {
        stream.write_all(attack).unwrap();
        fill(&server, &mut stream).await;
    })
    .await;
    let bound = bound(limits) + streams * STREAM;
    assert!(most < bound, "{most} bytes for {streams} streams, more than {bound}");
    let least = limits.queue;
    assert!(most > least, "{most} bytes: the attack was none");
    drop(stream);
    until(|| server.stats().connections == 0).await;
    until(|| HEAP.current_usage() < before + MIB).await;
}

/// One member of each never comes to its end, and all others come to much at once.
async fn batches_that_never_come_to_their_end(limits: &Limits) {
    let member = |number: usize| match number % limits.batch {
        0 => format!(r#"{{"jsonrpc":"2.0","id":{number},"method":"hang","params":[]}}"#),
        _ => format!(r#"{{"jsonrpc":"2.0","id":{number},"method":"text","params":[{MIB}]}}"#),
    };
    let batch = |number: usize| {
        let members: Vec<_> =
            (number * limits.batch..(number + 1) * limits.batch).map(member).collect();
        text(&format!("[{}]", members.join(",")))
    };
    let attack: Vec<u8> = (0..5).flat_map(batch).collect();
    let (server, before) = serve(limits).await;
    let mut stream = connect(&server);
    let most = peak(before, async || {
        stream.write_all(&attack).unwrap();
        until(|| server.stats().queue_bytes > limits.queue).await;
    })
    .await;
    let bound = bound(limits);
    assert!(most < bound, "{most} bytes for batches, more than {bound}");
    drop(stream);
    until(|| server.stats().connections == 0).await;
    until(|| HEAP.current_usage() < before + MIB).await;
}

/// Short answers, each of which takes more than its text: to what is refused, and so begun by nobody.
async fn answers_that_are_short(limits: &Limits) {
    let attack: Vec<u8> = (0..20_000).flat_map(|number| request(number, "", "[]")).collect();
    let pings = text(r#"{"jsonrpc":"2.0","id":1,"method":"$/ping"}"#).repeat(1000);
    for attack in [attack, pings] {
        let (server, before) = serve(limits).await;
        let mut stream = connect(&server);
        // It is closed for it.
        let most = peak(before, async || while stream.write_all(&attack).is_ok() {}).await;
        let bound = bound(limits) / 2;
        assert!(most < bound, "{most} bytes for short answers, more than {bound}");
        assert_eq!(server.stats().closes["4008"], 1);
    }
}

async fn pings_that_are_never_read(limits: &Limits) {
    let pings = frame(9, &[b'p'; 125]).repeat(500);
    let (server, before) = serve(limits).await;
    let mut stream = connect(&server);
    let most = peak(before, async || {
        // 32 MiB of them; a server may hang up before that.
        for _ in 0..512 {
            if stream.write_all(&pings).is_err() {
                break;
            }
        }
    })
    .await;
    assert!(most < limits.write_buffer_max + 256 * KIB, "{most} bytes for pings");
}

/// Names as long as they may be, of which few are kept, whatever comes and goes.
async fn mutes_of_long_names(limits: &Limits) {
    let mute = |number: usize, is_muted: bool| {
        let params = format!(r#"{{"method":"{number:0256}","muted":{is_muted}}}"#);
        text(&format!(r#"{{"jsonrpc":"2.0","method":"$/mute","params":{params}}}"#))
    };
    let comes_and_goes = (0..20_000).flat_map(|number| [mute(number, true), mute(number, false)]);
    // Those beyond the bound are malformed: as many as may be.
    let stays = (0..64 + 99).map(|number| mute(number, true));
    let mut attack: Vec<u8> = comes_and_goes.chain(stays).flatten().collect();
    attack.extend(text(r#"{"jsonrpc":"2.0","id":1,"method":"$/ping"}"#));
    let (server, before) = serve(limits).await;
    let mut stream = connect(&server);
    stream.write_all(&attack).unwrap();
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).unwrap();
    let kept = settled().await.saturating_sub(before);
    let names = 64 * 256;
    assert!(kept > names && kept < 2 * names + 8 * KIB, "{kept} bytes for mutes");
    assert_eq!(server.stats().malformed, 99);
}

async fn json_that_is_much_larger_as_a_value(limits: &Limits) {
    let array = format!("[{}0]", r#"{"":0},"#.repeat(140_000));
    let attacks = [request(1, "long", &array), request(1, "none", &array), text(&array)];
    let (server, before) = serve(limits).await;
    let mut stream = connect(&server);
    for attack in &attacks {
        let most = peak(before, async || stream.write_all(attack).unwrap()).await;
        assert!(most < 3 * limits.message_in + MIB, "{most} bytes for JSON");
    }
    drop(stream);
    until(|| HEAP.current_usage() < before + MIB).await;
}

/// One test, since there is one heap.
#[test]
fn the_worst_peer_takes_no_more_than_the_bound() {
    let runtime = runtime().worker_threads(1).build().unwrap();
    runtime.block_on(async {
        let mut default = Limits::server();
        // Nobody waits for who never reads.
        default.close = Duration::from_millis(300);
        assert!(bound(&default) < 18 * MIB, "the promise for the defaults");
        everything_at_once(&default).await;

        let mut small = Limits::server();
        small.message_in = 128 * KIB;
        small.message_out = 256 * KIB;
        small.queue = 64 * KIB;
        small.inflight_bytes = 512 * KIB;
        everything_at_once(&small).await;

        streams_that_nobody_looks_at(&default, 64).await;
        streams_that_nobody_looks_at(&default, 256 * KIB).await;
        subscriptions_that_nobody_reads(&default, 64 * KIB).await;
        batches_that_never_come_to_their_end(&default).await;
        answers_that_are_short(&default).await;
        pings_that_are_never_read(&default).await;
        mutes_of_long_names(&default).await;
        json_that_is_much_larger_as_a_value(&default).await;
    });
}
