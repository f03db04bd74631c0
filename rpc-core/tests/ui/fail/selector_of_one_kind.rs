use rpc_core::{Streaming, service};

#[service]
trait Node {
    #[subscription(name = "subscribe", selector = "logs", item = "item")]
    async fn logs(&self) -> Streaming<u64>;
    #[subscription(name = "subscribe", selector = "item")]
    async fn another_item(&self) -> Streaming<u64>;
    #[subscription(name = "subscribe", selector = "end", item = "item", unsubscribe = "end")]
    async fn another_end(&self) -> Streaming<u64>;
    #[subscription(name = "subscribe", selector = "id", item = "item", id = "number")]
    async fn another_id(&self) -> Streaming<u64>;
    #[subscription(name = "subscribe", selector = "member", item = "item", id_member = "sid")]
    async fn another_member(&self) -> Streaming<u64>;
    #[subscription(name = "subscribe", selector = "order", item = "item", ordered)]
    async fn another_order(&self) -> Streaming<u64>;
    #[subscription(name = "subscribe", selector = "unstable", item = "item", unstable)]
    async fn unstable_alone(&self) -> Streaming<u64>;
}

fn main() {}
