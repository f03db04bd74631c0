//! The server of crates.io's `jsonrpsee`, for the benchmark: what its load calls, under the names
//! that it calls.

use jsonrpsee::core::RpcResult;
use jsonrpsee::server::{RpcModule, Server, ServerConfig, SubscriptionMessage};
use jsonrpsee::types::{ErrorObjectOwned, Params};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::broadcast;

/// More than the benchmark ever publishes before all have it.
const PUBLISHED: usize = 1024;

fn sum(params: Params<'_>) -> RpcResult<i64> {
    let (a, b): (i64, i64) = params.parse()?;
    Ok(a.wrapping_add(b))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (published, _) = broadcast::channel::<Box<RawValue>>(PUBLISHED);
    let mut module = RpcModule::new(published);
    module.register_method("add", |params, _, _| sum(params))?;
    module.register_async_method("pause", |params, _, _| async move {
        tokio::task::yield_now().await;
        sum(params)
    })?;
    module.register_method("echo", |params, _, _| {
        let (value,): (Box<RawValue>,) = params.parse()?;
        Ok::<_, ErrorObjectOwned>(value)
    })?;
    // It has no groups: to join is to subscribe.
    module.register_subscription(
        "join",
        "message",
        "leave",
        |_, pending, published, _| async move {
            let mut values = published.subscribe();
            let sink = pending.accept().await?;
            while let Ok(value) = values.recv().await {
                if sink.send(SubscriptionMessage::from(value)).await.is_err() {
                    break;
                }
            }
            Ok(())
        },
    )?;
    module.register_async_method("publish", |params, published, _| async move {
        let (_group, value): (String, u64) = params.parse()?;
        let value = to_raw_value(&value).expect("a number is JSON");
        Ok::<_, ErrorObjectOwned>(published.send(value).unwrap_or_default())
    })?;
    let config = ServerConfig::builder().max_connections(20_000).build();
    let server = Server::builder().set_config(config).build("127.0.0.1:0").await?;
    println!("listening on ws://{}", server.local_addr()?);
    server.start(module).stopped().await;
    Ok(())
}
