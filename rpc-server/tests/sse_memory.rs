//! What a link over server-sent events costs the server, idle and under attack. Alone in its process: the whole heap of
//! that is counted, to the byte; the clients take nothing from it.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;
use support::{echo, spawn};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const KIB: usize = 1024;

/// How many links there are at once. Each has two descriptors at each end.
const LINKS: usize = 150;

const HELLO: &str = r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#;

/// A link, and its two HTTP connections.
struct Link {
    stream: TcpStream,
    posts: Option<TcpStream>,
    address: SocketAddr,
    name: String,
    next: u64,
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Reads until `end`, into a place of its own that is as large for each link.
fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.contains(end) {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "the server closed behind {text}");
        text += std::str::from_utf8(&buffer[..read]).unwrap();
    }
    text
}

impl Link {
    fn open(address: SocketAddr) -> Self {
        let mut stream = connect(address);
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nRpc-Received: 0\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{HELLO}",
            HELLO.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let text = read_until(&mut stream, "}}\n\n");
        let name = text.split_once("\"link\":\"").unwrap().1.split('"').next().unwrap().to_owned();
        Self { stream, posts: None, address, name, next: 2 }
    }

    /// Sends a body with as many messages, over the connection that is kept for that.
    fn post(&mut self, body: &[u8], messages: u64) -> String {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nRpc-Link: {}\r\n\
             Rpc-Received: {}\r\nRpc-First: {}\r\nContent-Length: {}\r\n\r\n",
            self.name,
            self.next - 1,
            self.next,
            body.len()
        );
        let posts = self.posts.get_or_insert_with(|| connect(self.address));
        posts.write_all(head.as_bytes()).unwrap();
        posts.write_all(body).unwrap();
        self.next += messages;
        read_until(posts, "\r\n\r\n")
    }

    fn echo(&mut self, bytes: usize) {
        let text = "x".repeat(bytes);
        let call = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"echo","params":["{text}"]}}"#);
        let answer = self.post(call.as_bytes(), 1);
        assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
        // Most of the answer is read over.
        let (mut left, mut buffer) = (bytes, [0; 4096]);
        while left > 0 {
            left = left.saturating_sub(self.stream.read(&mut buffer).unwrap());
        }
        // The event is kept until it is acknowledged.
        let answer = self.post(b"", 0);
        assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    }
}

/// One test, since the heap of the process is counted.
#[test]
#[expect(clippy::print_stdout, reason = "the room that is left is to be seen")]
fn an_idle_link_costs_20_kib_also_after_large_messages_and_attacks_leave_nothing() {
    let runtime = rpc_server::runtime().worker_threads(1).build().unwrap();
    let server = runtime.block_on(spawn(echo().sse(true)));
    let address = server.local_addr().unwrap();
    let mut links: Vec<Link> = Vec::with_capacity(2 * LINKS);
    links.extend((0..10).map(|_| Link::open(address)));
    links.iter_mut().for_each(|link| link.echo(10));
    let before = settled();
    links.extend((0..LINKS).map(|_| Link::open(address)));
    let idle = (settled() - before) / LINKS;
    links[10..].iter_mut().for_each(|link| link.echo(10));
    let with_posts = (settled() - before) / LINKS;
    links[10..].iter_mut().for_each(|link| link.echo(100 * KIB));
    until(|| HEAP.current_usage().saturating_sub(before) <= LINKS * 20 * KIB);
    let after = (settled() - before) / LINKS;
    println!(
        "bytes each: {idle} idle, {with_posts} with a connection for requests, {after} after 100 KiB"
    );
    assert!(idle <= 20 * KIB, "{idle}");
    // hyper has two buffers of 8 KiB for the connection that is kept for requests, for 10 s.
    assert!(with_posts <= 32 * KIB, "{with_posts}");
    assert!(after <= 8 * KIB, "{after}");
    // They were closed.
    links.iter_mut().for_each(|link| link.posts = None);

    // A message that never ends, lines that are nothing, repeated requests, requests without a link.
    let calm = settled();
    // Half of the 50 attackers send a message that is as long as it may be, in a buffer that doubles.
    let most = calm + 25 * 2 * KIB * KIB;
    for round in 0..50 {
        let mut posts = connect(address);
        let link = &links[10 + round];
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nRpc-Link: {}\r\n\
             Rpc-First: {}\r\nContent-Length: 100000000\r\n\r\n",
            link.name, link.next
        );
        posts.write_all(head.as_bytes()).unwrap();
        let piece = if round % 2 == 0 { vec![b'x'; 64 * KIB] } else { b"\n".repeat(64 * KIB) };
        for _ in 0..40 {
            if posts.write_all(&piece).is_err() {
                break;
            }
            assert!(HEAP.current_usage() < most, "{} bytes", HEAP.current_usage() - calm);
        }
    }
    let repeated = "x\n".repeat(50_000);
    for link in &mut links[100..150] {
        // 100 lines that are no JSON may come in 10 s.
        link.post(repeated.as_bytes(), 1);
        assert!(HEAP.current_usage() < most, "{} bytes", HEAP.current_usage() - calm);
    }
    for _ in 0..200 {
        let mut posts = connect(address);
        let wrong = "POST / HTTP/1.1\r\nHost: localhost\r\nRpc-Link: x\r\nRpc-Received: 1\r\n\
                     Content-Length: 0\r\n\r\n";
        posts.write_all(wrong.as_bytes()).unwrap();
        assert!(read_until(&mut posts, "\r\n\r\n").starts_with("HTTP/1.1 404 "));
    }
    until(|| HEAP.current_usage() <= calm + 64 * KIB);
    drop(links);
    until(|| server.stats().connections == 0);
    until(|| HEAP.current_usage() <= before);
}

/// The heap when nothing changes it any more: a handshake gives back what it needed.
fn settled() -> usize {
    let (mut heap, mut same) = (0, 0);
    until(|| {
        let before = std::mem::replace(&mut heap, HEAP.current_usage());
        same = if before == heap { same + 1 } else { 0 };
        same == 20
    });
    heap
}

/// Waits until `done`; the time only ends a test that hangs.
fn until(mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        let heap = HEAP.current_usage();
        assert!(start.elapsed() < Duration::from_secs(40), "hangs, with {heap} bytes on the heap");
        std::thread::sleep(Duration::from_millis(10));
    }
}
