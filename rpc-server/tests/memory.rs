//! What a connection costs the server. Alone in its process: the whole heap of that is counted, to
//! the byte; the clients take nothing from it.

mod support;

use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;
use rpc_server::{ServerBuilder, Sessions};
use support::blocking::Blocking;
use support::{TEXT, echo, frame, spawn};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const KIB: usize = 1024;

/// How many connections: 1,000 if this process may have a descriptor for each end of them.
fn count() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let most = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    (most.unwrap_or(1000).saturating_sub(100) / 2).min(1000)
}

/// One test, since the heap of the process is counted.
#[test]
fn an_idle_connection_costs_4_kib_also_with_a_session_and_after_a_large_message() {
    costs_4_kib("without a session", echo(), Some(2 * KIB), |_| {}, |_| {});
    // Nothing is left of what was muted and is wanted again.
    let mute = |client: &mut Blocking| {
        for is_muted in [true, false] {
            for number in 0..64 {
                let params = format!(r#"{{"method":"{number:0256}","muted":{is_muted}}}"#);
                client.send(&format!(r#"{{"jsonrpc":"2.0","method":"$/mute","params":{params}}}"#));
            }
        }
    };
    costs_4_kib("that has muted and unmuted", echo(), None, mute, |_| {});
    let begin = |client: &mut Blocking| {
        client.send(
            r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1,"session":{"buffer":1048576}}}"#,
        );
        let hello = client.receive().1;
        assert!(hello.contains("token"), "{hello}");
        client.send(&ack(0));
    };
    let sessions = echo().sessions(Sessions::new());
    // An answer is kept until it is acknowledged.
    costs_4_kib("with a session", sessions, None, begin, |client| client.send(&ack(1)));
}

fn ack(n: u64) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"$/ack","params":{{"n":{n}}}}}"#)
}

/// Has clients `begin`, and then a large message each, after which they `end`. If `most_busy` is set, a small call is
/// made before, which may leave so many bytes for the time until a connection is quiet.
#[expect(clippy::print_stdout, reason = "the room that is left is to be seen")]
fn costs_4_kib(
    what: &str,
    server: ServerBuilder,
    most_busy: Option<usize>,
    begin: impl Fn(&mut Blocking),
    end: impl Fn(&mut Blocking),
) {
    let runtime = rpc_server::runtime().worker_threads(1).build().unwrap();
    let server = runtime.block_on(spawn(server));
    let count = count();
    // The first ones find out what the server and the runtime need once.
    let mut all: Vec<Blocking> = Vec::with_capacity(count + 10);
    let mut open = |count| {
        all.extend((0..count).map(|_| {
            let mut client = Blocking::open(server.local_addr().unwrap());
            begin(&mut client);
            client
        }));
    };
    open(10);
    let before = settled();
    open(count);
    until(|| HEAP.current_usage().saturating_sub(before) <= count * 4 * KIB);
    let idle = settled() - before;

    if let Some(most) = most_busy {
        let small = r#"{"jsonrpc":"2.0","id":1,"method":"echo","params":["x"]}"#;
        for client in &mut all {
            client.send(small);
            client.receive();
        }
        // Counted before they are quiet: what they need for a moment each they share.
        let busy = HEAP.current_usage().saturating_sub(before + idle) / count;
        assert!(busy <= most, "a connection that has served a small call keeps {busy} bytes more");
    }

    let text = "x".repeat(32 * KIB);
    let call = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"echo","params":["{text}"]}}"#);
    let call = frame(TEXT, call.as_bytes());
    let mut most = 0;
    for client in &mut all {
        client.send_frame(&call);
        assert!(client.receive().0 > text.len());
        most = most.max(HEAP.current_usage());
        end(client);
    }
    assert!(most > before + idle + text.len(), "a large message left nothing to give back");
    drop((text, call));
    until(|| HEAP.current_usage().saturating_sub(before) <= count * 4 * KIB);
    let after = settled() - before;
    // Printed last, since a print takes memory itself.
    println!("bytes each {what}: {} idle, {} after a large message", idle / count, after / count);
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
        assert!(start.elapsed() < Duration::from_secs(20), "hangs, with {heap} bytes on the heap");
        std::thread::sleep(Duration::from_millis(10));
    }
}
