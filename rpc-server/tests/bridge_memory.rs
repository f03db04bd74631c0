//! What a bridge holds: of clients that come and go, of programs that never read, and of those that flood.
//!
//! A process of its own, and one test: what is measured is the memory of the process.
#![cfg(target_os = "linux")]

#[path = "support/bridged.rs"]
mod bridged;

use std::time::Duration;

use bridged::{closed, connect, is_gone, pid, serve, serve_script, shell};
use rpc_client::Client;
use rpc_core::{Context, Router};
use rpc_server::{Bridge, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

#[tokio::test]
async fn memory_is_bounded_and_no_process_is_left() {
    a_hundred_clients_leave_no_process().await;
    a_program_that_never_reads_and_one_that_floods_are_bounded().await;
    what_a_shared_program_says_to_all_is_kept_once().await;
}

async fn a_hundred_clients_leave_no_process() {
    let server = serve_script(PROGRAM).await;
    let mut before = 0;
    for round in 0..5 {
        let mut pids = Vec::new();
        let mut clients = Vec::new();
        for _ in 0..20 {
            let client = connect(&server).await;
            pids.push(pid(&client).await);
            clients.push(client);
        }
        for (at, client) in clients.into_iter().enumerate() {
            match at % 3 {
                0 => drop(client.close().await),
                1 => drop(client),
                _ => drop(client.peer().call::<()>("die", ()).await),
            }
        }
        for pid in pids {
            is_gone(pid).await;
        }
        if round == 1 {
            before = resident_kib();
        }
    }
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 4096, "{grown} KiB more after 60 clients");
}

async fn a_program_that_never_reads_and_one_that_floods_are_bounded() {
    let server = serve_script("exec sleep 1000").await;
    let client = connect(&server).await;
    let text = "x".repeat(100_000);
    let before = resident_kib();
    for _ in 0..2000 {
        if client.peer().notify("note", (&text,)).await.is_err() {
            break;
        }
    }
    let reason = closed(&client).await;
    assert!(reason.code.is_some(), "{reason}");
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 40 * 1024, "{grown} KiB of 200 MB");

    let flood = r#"exec yes '{"jsonrpc":"2.0","method":"tick","params":["0123456789"]}'"#;
    let server = serve_script(flood).await;
    let slow = Router::new().notification("tick", |_: Context, _: (String,)| async {
        sleep(Duration::from_millis(1)).await;
    });
    let client = Client::builder().service(slow).connect(server.url()).await.unwrap();
    let before = resident_kib();
    sleep(Duration::from_secs(2)).await;
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 40 * 1024, "{grown} KiB of a flood");
    client.close().await;
}

/// 40 clients that do not read have 3.2 MB each on their way: 128 MB, if each had bytes of its own.
async fn what_a_shared_program_says_to_all_is_kept_once() {
    const CLIENTS: usize = 40;
    let server = serve(Bridge::shared(|| shell(CRIER))).await;
    let mut deaf = Vec::new();
    for _ in 0..CLIENTS {
        deaf.push(upgraded(&server).await);
    }
    let client = connect(&server).await;
    while server.stats().connections <= CLIENTS {
        sleep(Duration::from_millis(5)).await;
    }
    let before = resident_kib();
    assert_eq!(client.peer().call("cry", ()).await, Ok(4));
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 40 * 1024, "{grown} KiB");
    assert_eq!(server.stats().connections, CLIENTS + 1, "nobody was closed");
}

/// A client that has sent its upgrade, and reads no further than the answer.
async fn upgraded(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
    stream
}

/// Sends four notifications of 800 kB, and then answers.
const CRIER: &str = r#"
IFS= read -r line; rest=${line##*\"id\":}; id=${rest%%[,\}]*}
text=$(head -c 800000 /dev/zero | tr '\0' x)
for _ in 1 2 3 4; do printf '{"jsonrpc":"2.0","method":"cried","params":["%s"]}\n' "$text"; done
printf '{"jsonrpc":"2.0","id":%s,"result":4}\n' "$id"
exec sleep 1000
"#;

/// Answers `pid`, and can die.
const PROGRAM: &str = r#"
while IFS= read -r line; do
    rest=${line##*\"id\":}; id=${rest%%[,\}]*}
    case "$line" in
        *'"method":"pid"'*) printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" $$ ;;
        *'"method":"die"'*) exit 3 ;;
    esac
done
"#;

fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
