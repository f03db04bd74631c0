use rpc_core::{Streaming, service};

#[service(namespace = "eth", separator = "_")]
trait Node {
    #[subscription(
        name = "subscribe",
        selector = "newHeads",
        item = "eth_subscription",
        unsubscribe = "eth_unsubscribe",
        aliases("eth_subscribe")
    )]
    fn new_heads(&self) -> Streaming<u64>;
    #[subscription(
        name = "subscribe",
        selector = "logs",
        item = "eth_subscription",
        unsubscribe = "eth_unsubscribe",
        aliases("parity_subscribe", "parity_subscribe")
    )]
    fn logs(&self) -> Streaming<u64>;
}

fn main() {}
