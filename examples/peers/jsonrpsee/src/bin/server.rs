//! The server of crates.io's `jsonrpsee`, for our client to call, batch and subscribe.

use std::time::Duration;

use jsonrpsee::server::{RpcModule, Server, SubscriptionMessage};
use jsonrpsee::types::ErrorObjectOwned;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut module = RpcModule::new(());
    module.register_method("add", |params, (), _| {
        let (a, b): (i64, i64) = params.parse()?;
        Ok::<_, ErrorObjectOwned>(a + b)
    })?;
    module.register_method("fail", |params, (), _| {
        let (code, message): (i32, String) = params.parse()?;
        Err::<(), _>(ErrorObjectOwned::owned(code, message, Some([1])))
    })?;
    module.register_async_method("sleep", |params, _, _| async move {
        let (ms,): (u64,) = params.parse()?;
        tokio::time::sleep(Duration::from_millis(ms)).await;
        Ok::<_, ErrorObjectOwned>(ms)
    })?;
    module.register_subscription("ticks", "tick", "unsubscribe_ticks", |params, pending, _, _| async move {
        let (count,): (u64,) = params.parse()?;
        let sink = pending.accept().await?;
        for n in 0..count {
            let item = serde_json::value::to_raw_value(&n)?;
            if sink.send(SubscriptionMessage::from(item)).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // Kept open until it is unsubscribed: the end of the handler would close it.
        sink.closed().await;
        Ok(())
    })?;
    // The port, if any is given.
    let port = std::env::args().nth(1).unwrap_or_else(|| "0".into());
    let server = Server::builder().build(format!("127.0.0.1:{port}")).await?;
    println!("listening on ws://{}", server.local_addr()?);
    server.start(module).stopped().await;
    Ok(())
}
