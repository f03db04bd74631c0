//! What a large message costs. Alone in its process: the whole heap of that is counted.

mod support;

use peak_alloc::PeakAlloc;
use rpc_client::Client;
use rpc_core::{Context, Limits, Router};
use rpc_server::{Server, runtime};
use serde_json::value::RawValue;
use support::blocking::Blocking;
use support::{TEXT, frame, until};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const MIB: usize = 1024 * 1024;
const LARGE: usize = 16 * MIB;

fn limits() -> Limits {
    let mut limits = Limits::server();
    limits.message_in = LARGE + MIB;
    limits.message_out = LARGE + MIB;
    limits.inflight_bytes = LARGE + MIB;
    limits
}

/// Of a server that echoes 16 MiB the heap holds at most the message, the value made of it and the
/// answer. Both ends at once need no more than one message in addition: what comes in fragments is
/// put together in memory that doubles when it is full. None of it stays.
///
/// One test, since there is one heap.
#[test]
fn an_echo_of_16_mib_takes_a_small_multiple_of_that_and_gives_it_back() {
    let raw = |_: Context, (value,): (Box<RawValue>,)| async move { Ok(value) };
    let text = |_: Context, (value,): (String,)| async move { Ok(value) };
    let router = Router::new().method("raw", raw).method("text", text);
    let runtime = runtime().worker_threads(1).build().unwrap();
    runtime.block_on(async {
        let server = Server::builder().service(router).limits(limits());
        let server = server.bind("127.0.0.1:0").await.unwrap().spawn();
        for method in ["raw", "text"] {
            let mut client = Blocking::open(server.local_addr().unwrap());
            let value = "x".repeat(LARGE);
            let call =
                format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":["{value}"]}}"#);
            let call = frame(TEXT, call.as_bytes());
            drop(value);
            let before = HEAP.current_usage();
            // The second one finds what the first has left.
            for _ in 0..2 {
                HEAP.reset_peak_usage();
                client.send_frame(&call);
                assert!(client.receive().0 > LARGE);
                within(3, before);
            }
            // What it was read into stays for a while; what it was written into does not, if only
            // small messages follow.
            for _ in 0..100 {
                client.send(r#"{"jsonrpc":"2.0","id":2,"method":"raw","params":[1]}"#);
                assert!(client.receive().1.contains(r#""result":1"#));
            }
            assert!(HEAP.current_usage() < before + LARGE + MIB);
            drop(client);
            until(|| HEAP.current_usage() < before + MIB).await;
        }

        let client = Client::builder().limits(limits()).connect(&server.url()).await.unwrap();
        let peer = client.peer();
        let value = RawValue::from_string(format!("\"{}\"", "x".repeat(LARGE))).unwrap();
        assert!(peer.call::<()>("nothing", ()).await.is_err());
        let before = HEAP.current_usage();
        for _ in 0..2 {
            HEAP.reset_peak_usage();
            let now = HEAP.current_usage();
            let call = peer.call::<Box<RawValue>>("raw", (&value,));
            within(1, now);
            assert!(call.await.unwrap().get() == value.get());
            within(4, before);
        }
        until(|| HEAP.current_usage() < before + MIB).await;
    });
}

/// No more than so many times the message, and a little, came to the heap beside what was there.
fn within(times: usize, before: usize) {
    let peak = HEAP.peak_usage().saturating_sub(before);
    let message = peak as f64 / LARGE as f64;
    assert!(peak < times * LARGE + MIB, "{message:.2} times the message, more than {times}");
}
