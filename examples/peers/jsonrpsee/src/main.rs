//! The client of crates.io's `jsonrpsee` against the reference server: calls, notifies, batches,
//! subscribes. It offers nothing itself: its clients cannot be called.

use std::process::ExitCode;
use std::time::Duration;

use jsonrpsee::core::client::{
    BatchResponse, Client, ClientT, Error, Subscription, SubscriptionClientT,
};
use jsonrpsee::core::params::{ArrayParams, BatchRequestBuilder, ObjectParams};
use jsonrpsee::rpc_params;
use jsonrpsee::ws_client::WsClientBuilder;
use tokio::time::timeout;

type Checked = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> ExitCode {
    let url = std::env::args().nth(1).expect("a URL");
    let client = &WsClientBuilder::default().build(url).await.expect("there is a server");
    let all = [
        check("calls, by position and by name", calls(client)).await,
        check("errors keep code and data", errors(client)).await,
        check("notifies", notifies(client)).await,
        check("batch", batches(client)).await,
        check("subscribes and unsubscribes", subscribes(client)).await,
        check("hears notifications", hears(client)).await,
        check("large messages, in fragments", large(client)).await,
        check("CANNOT be called: drops what it did not ask for", is_not_called(client)).await,
    ];
    if all.into_iter().all(|passed| passed) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a test, which must end soon, and prints a line.
async fn check(name: &str, test: impl Future<Output = Checked>) -> bool {
    let result = timeout(Duration::from_secs(10), test).await;
    let result = result.unwrap_or_else(|_| Err("hangs".into()));
    match &result {
        Ok(()) => println!("ok      jsonrpsee: {name}"),
        Err(error) => println!("FAILED  jsonrpsee: {name}: {error}"),
    }
    result.is_ok()
}

fn equal<T: PartialEq + std::fmt::Debug>(found: T, expected: T) -> Checked {
    if found == expected { Ok(()) } else { Err(format!("{found:?} is not {expected:?}").into()) }
}

async fn calls(client: &Client) -> Checked {
    equal(client.request("add", rpc_params![1, 2]).await?, 3)?;
    let mut params = ObjectParams::new();
    params.insert("name", "Ada")?;
    equal(client.request::<String, _>("greet", params).await?.as_str(), "hello, Ada")
}

async fn errors(client: &Client) -> Checked {
    let failed = client.request::<(), _>("fail", rpc_params![7, "no", [1]]).await;
    let Err(Error::Call(error)) = failed else { return Err(format!("{failed:?}").into()) };
    equal((error.code(), error.message()), (7, "no"))?;
    equal(error.data().map(|data| data.get()), Some("[1]"))
}

async fn notifies(client: &Client) -> Checked {
    client.notification("note", rpc_params!["a"]).await?;
    equal(client.request::<Vec<String>, _>("notes", ArrayParams::new()).await?, vec!["a".into()])
}

async fn batches(client: &Client) -> Checked {
    let mut batch = BatchRequestBuilder::new();
    batch.insert("sleep", rpc_params![20])?;
    batch.insert("add", rpc_params![1, 2])?;
    batch.insert("fail", rpc_params![7, "no"])?;
    let answers: BatchResponse<u64> = client.batch_request(batch).await?;
    let answers: Vec<_> =
        answers.into_iter().map(|answer| answer.map_err(|error| error.code())).collect();
    equal(answers, vec![Ok(20), Ok(3), Err(7)])
}

async fn subscribes(client: &Client) -> Checked {
    let mut ticks: Subscription<u64> =
        client.subscribe("ticks", rpc_params![0, 1], "unsubscribe_ticks").await?;
    for expected in 0..20 {
        equal(ticks.next().await.transpose()?, Some(expected))?;
    }
    ticks.unsubscribe().await?;
    while subscriptions(client).await? > 0 {}
    Ok(())
}

async fn subscriptions(client: &Client) -> Result<u64, Error> {
    let stats: serde_json::Value = client.request("stats", ArrayParams::new()).await?;
    Ok(stats["subscriptions"].as_u64().unwrap_or(u64::MAX))
}

async fn hears(client: &Client) -> Checked {
    let mut ticks: Subscription<[u32; 1]> = client.subscribe_to_method("tick").await?;
    equal(client.request("push", rpc_params![3]).await?, 3)?;
    for expected in 0..3 {
        equal(ticks.next().await.transpose()?, Some([expected]))?;
    }
    Ok(())
}

async fn large(client: &Client) -> Checked {
    equal(client.request::<String, _>("big", rpc_params![3_000_000]).await?.len(), 3_000_000)
}

async fn is_not_called(client: &Client) -> Checked {
    let call = client.request::<(), _>("call_back", rpc_params!["anything"]);
    let unanswered = timeout(Duration::from_millis(300), call).await;
    equal(unanswered.is_err(), true)?;
    equal(client.is_connected(), true)
}
