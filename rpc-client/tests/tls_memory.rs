//! What TLS costs a connection. Alone in its process: the whole heap of that is counted, with both
//! ends of each connection.

mod support;

use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;
use rpc_client::Client;
use support::{World, echo, listen, soon, upgrade};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const KIB: usize = 1024;

/// How many connections.
const COUNT: usize = 50;

#[tokio::test]
async fn an_idle_end_costs_8_kib_more_also_after_a_large_message() {
    let world = World::new();
    let plain = format!("ws://127.0.0.1:{}", listen(upgrade).await);
    let mut config = world.config("127.0.0.1");
    // A server keeps up to 256 sessions, which are not of a connection; ours keeps none.
    config.send_tls13_tickets = 0;
    let secure = format!("wss://127.0.0.1:{}", echo(config).await);
    let plain = cost(&world, &plain).await;
    let secure = cost(&world, &secure).await;
    let end = (secure - plain) / 2 / COUNT;
    assert!(end <= 8 * KIB, "{end} bytes");
}

/// What so many connections cost.
async fn cost(world: &World, url: &str) -> usize {
    let tls = world.tls();
    let open = async |count| {
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            all.push(soon(Client::builder().tls(tls.clone()).connect(url)).await.unwrap());
        }
        all
    };
    // The first ones find out what both ends need once.
    let _first = open(10).await;
    let before = settled().await;
    let all = open(COUNT).await;
    let idle = settled().await - before;
    let text = "x".repeat(100 * KIB);
    for client in &all {
        let call = client.peer().call::<String>("echo", (&text,));
        assert_eq!(soon(call).await.unwrap().len(), text.len());
    }
    drop(text);
    // A call leaves a little behind, which does not grow with its message.
    let enough = before + idle + COUNT * KIB;
    let back = async {
        while HEAP.current_usage() > enough {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(back).await;
    idle
}

/// The heap when nothing changes it any more: a handshake gives back what it needed.
async fn settled() -> usize {
    let start = Instant::now();
    let (mut heap, mut same) = (0, 0);
    while same < 20 {
        assert!(start.elapsed() < Duration::from_secs(20), "hangs, with {heap} bytes on the heap");
        let before = std::mem::replace(&mut heap, HEAP.current_usage());
        same = if before == heap { same + 1 } else { 0 };
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    heap
}
