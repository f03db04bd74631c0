//! Two ends of ours over a stream of bytes: calls both ways, progress, streams both ways, and long messages.

use futures_util::StreamExt;
use rpc_core::transport::{ByteStream, Endpoint, EndpointConfig, Framing, Hello};
use rpc_core::{Context, Limits, Peer, Progress, Router, Streaming, service};
use tokio::io::duplex;

#[service(namespace = "shop")]
trait Shop {
    async fn count(&self, cx: &Context, upto: u32, progress: Progress<u32>) -> u32;
    async fn numbers(&self, upto: u32) -> Streaming<u32>;
    async fn total(&self, numbers: Streaming<u32>) -> u32;
    async fn echo(&self, text: &str) -> String;
}

#[service(namespace = "buyer")]
trait Buyer {
    async fn confirm(&self, upto: u32) -> bool;
}

struct OurShop;

impl Shop for OurShop {
    async fn count(&self, cx: &Context, upto: u32, progress: Progress<u32>) -> u32 {
        for number in 0..upto {
            progress.report(&number);
        }
        u32::from(BuyerClient::new(cx.peer()).confirm(upto).await.unwrap())
    }

    async fn numbers(&self, upto: u32) -> Streaming<u32> {
        Streaming::new(futures_util::stream::iter(0..upto))
    }

    async fn total(&self, numbers: Streaming<u32>) -> u32 {
        numbers.map(Result::unwrap).fold(0, |sum, number| async move { sum + number }).await
    }

    async fn echo(&self, text: &str) -> String {
        text.to_owned()
    }
}

struct Yes;

impl Buyer for Yes {
    async fn confirm(&self, upto: u32) -> bool {
        upto == 7
    }
}

fn ends(framing: Framing) -> (Peer, Peer) {
    let (near, far) = duplex(3000);
    let mut limits = Limits::server();
    limits.message_in = limits.message_out;
    let services = [
        Router::new().service(ShopServer::new(OurShop)),
        Router::new().service(BuyerServer::new(Yes)),
    ];
    let [shop, buyer] = services.map(|services| {
        let config = EndpointConfig::new(services, limits.clone());
        Endpoint::new(config.with(|config| config.hello = Hello::Always))
    });
    let peers = (buyer.peer(), shop.peer());
    tokio::spawn(shop.connect(ByteStream::new(near, framing, &limits)));
    let (reader, writer) = tokio::io::split(far);
    tokio::spawn(buyer.connect(ByteStream::of_halves(reader, writer, framing, &limits)));
    peers
}

#[tokio::test(start_paused = true)]
async fn everything_works_as_over_a_websocket() {
    for framing in [Framing::Lines, Framing::ContentLength] {
        let (buyer, shop) = ends(framing);
        let client = ShopClient::new(buyer);
        let reports = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let heard = reports.clone();
        let counted = client.count(7).on_progress(move |number| heard.lock().unwrap().push(number));
        assert_eq!(counted.await.unwrap(), 1);
        assert_eq!(*reports.lock().unwrap(), [0, 1, 2, 3, 4, 5, 6]);
        let numbers = client.numbers(10_000).await.unwrap();
        let sum =
            numbers.map(Result::unwrap).fold(0, |sum, number| async move { sum + number }).await;
        assert_eq!(sum, 49_995_000);
        let numbers = Streaming::new(futures_util::stream::iter(0..10_000));
        assert_eq!(client.total(numbers).await.unwrap(), 49_995_000);
        assert!(!BuyerClient::new(shop.clone()).confirm(8).await.unwrap());
        let long = "line\nends \u{1f980}".repeat(100_000);
        assert_eq!(client.echo(&long).await.unwrap(), long);
    }
}
