//! Bytes as parameters, results and items: text on the wire.

mod support;

use futures_util::stream;
use rpc_core::{Base64, Limits, Router, Streaming, memory, service};
use support::Raw;

#[service]
trait Files {
    async fn reversed(&self, bytes: Base64) -> Base64;
    async fn length(&self, bytes: &Base64, more: Option<Base64>) -> usize;
    async fn chunks(&self, size: usize) -> Streaming<Base64>;
}

struct Disk;

impl Files for Disk {
    async fn reversed(&self, bytes: Base64) -> Base64 {
        bytes.iter().rev().copied().collect()
    }
    async fn length(&self, bytes: &Base64, more: Option<Base64>) -> usize {
        bytes.len() + more.map_or(0, |more| more.len())
    }
    async fn chunks(&self, size: usize) -> Streaming<Base64> {
        Streaming::new(stream::iter([Base64::from(vec![0; size]), Base64::from_static(b"end")]))
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_are_base64_text_on_the_wire() {
    let (mut raw, _peer) =
        Raw::connect(Router::new().service(FilesServer::new(Disk)), Limits::server());
    raw.play(
        r#"
--> {"jsonrpc":"2.0","id":1,"method":"reversed","params":["AAH/"]}
<-- {"jsonrpc":"2.0","id":1,"result":"/wEA"}
--> {"jsonrpc":"2.0","id":2,"method":"length","params":{"bytes":"AAE","more":"AAE="}}
<-- {"jsonrpc":"2.0","id":2,"result":4}
--> {"jsonrpc":"2.0","id":3,"method":"reversed","params":["a-b"]}
<-- {"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"parameter `bytes`: invalid base64 text: `-` at 1","data":{"kind":"invalid_params","violations":[{"path":"bytes","message":"invalid base64 text: `-` at 1"}]}}}
--> {"jsonrpc":"2.0","id":4,"method":"reversed","params":[[0,1]]}
<-- {"jsonrpc":"2.0","id":4,"error":{"code":-32602,"message":"parameter `bytes`: invalid type: sequence, expected base64 text","data":{"kind":"invalid_params","violations":[{"path":"bytes","message":"invalid type: sequence, expected base64 text"}]}}}
"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn bytes_go_both_ways_and_in_streams() {
    let (peer, _server) = memory::pair(Router::new(), FilesServer::new(Disk));
    let files = FilesClient::new(peer);
    let bytes: Base64 = (0..100_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    assert_eq!(files.length(&bytes, Some(bytes.clone())).await, Ok(200_000));
    assert_eq!(files.reversed(bytes.clone()).await.unwrap().last(), bytes.first());
    let mut chunks = files.chunks(10_000).await.unwrap();
    assert_eq!(chunks.next().await.unwrap().unwrap(), Base64::from(vec![0; 10_000]));
    assert_eq!(&*chunks.next().await.unwrap().unwrap(), b"end");
    assert!(chunks.next().await.is_none());
}
