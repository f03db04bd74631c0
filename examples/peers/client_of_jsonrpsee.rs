//! Our client against the server of crates.io's `jsonrpsee`: it calls, batches and subscribes.

mod checks;

use std::process::ExitCode;
use std::time::Duration;

use checks::{Checked, check, equal};
use rpc_client::Client;
use rpc_core::{CallError, Result, Streaming, service};

/// What the server offers.
#[service]
trait Foreign {
    fn add(&self, a: i64, b: i64) -> i64;
    fn fail(&self, code: i64, message: &str) -> Result<()>;
    fn sleep(&self, ms: u64) -> u64;
    #[subscription(item = "tick")]
    fn ticks(&self, count: u64) -> Streaming<u64>;
}

const PEER: &str = "jsonrpsee server";

#[tokio::main]
async fn main() -> ExitCode {
    let url = std::env::args().nth(1).expect("a URL");
    let client = Client::builder().connect(&url).await.expect("there is a server");
    let server = &ForeignClient::new(client.peer());
    let all = [
        check(PEER, "calls", calls(server)).await,
        check(PEER, "errors keep code and data", errors(server)).await,
        check(PEER, "batch", batches(&client)).await,
        check(PEER, "subscribes, and unsubscribes by dropping", subscribes(&client, server)).await,
        check(PEER, "gives up a call, whose late answer harms nothing", gives_up(&client, server))
            .await,
    ];
    if all.into_iter().all(|passed| passed) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn calls(server: &ForeignClient) -> Checked {
    equal(server.add(1, 2).await?, 3)
}

async fn errors(server: &ForeignClient) -> Checked {
    match server.fail(7, "no").await {
        Err(CallError::Method(error)) => {
            equal((error.code, error.message.as_str()), (7, "no"))?;
            equal(error.data_as::<Vec<u8>>(), Some(vec![1]))
        }
        other => Err(format!("{other:?}").into()),
    }
}

async fn batches(client: &Client) -> Checked {
    let batch = client.peer().batch();
    let server = ForeignClient::new(&batch);
    let (slow, quick, wrong) = (server.sleep(20), server.add(1, 2), server.fail(7, "no"));
    batch.send().await?;
    equal((quick.await?, slow.await?), (3, 20))?;
    equal(matches!(wrong.await, Err(CallError::Method(error)) if error.code == 7), true)
}

async fn subscribes(client: &Client, server: &ForeignClient) -> Checked {
    let mut ticks = server.ticks(20).await?;
    for expected in 0..20 {
        equal(ticks.next().await.transpose()?, Some(expected))?;
    }
    drop(ticks);
    // Behind the unsubscribe call, whose answer nobody waits for.
    equal(server.add(1, 2).await?, 3)?;
    let stats = client.peer().stats();
    equal((stats.subscriptions, stats.counters.stray), (0, 0))
}

async fn gives_up(client: &Client, server: &ForeignClient) -> Checked {
    let late = server.sleep(100).timeout(Duration::from_millis(20)).await;
    equal(matches!(late, Err(CallError::Timeout { .. })), true)?;
    equal(server.sleep(200).await?, 200)?;
    equal(client.peer().stats().counters.stray, 0)
}
