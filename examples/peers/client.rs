//! Our client against a foreign server, here that of npm's `jsonrpc-bidirectional`: it calls, and is
//! called back inside its calls.

mod checks;

use std::process::ExitCode;
use std::time::Duration;

use checks::{Checked, check, equal};
use rpc_client::Client;
use rpc_core::{CallError, Context, Peer, Result, service};

/// What the server offers.
#[service]
trait Foreign {
    fn add(&self, a: i64, b: i64) -> i64;
    #[notification]
    fn note(&self, text: &str);
    fn notes(&self) -> Vec<String>;
    fn refuse(&self) -> Result<()>;
    fn sleep(&self, ms: u64) -> u64;
    fn call_back(&self, method: &str, params: &[String]) -> Result<String>;
    fn bounce(&self, depth: u32) -> Result<u32>;
}

/// What it is offered.
#[service]
trait Here {
    fn shout(&self, text: &str) -> String;
    async fn bounce(&self, cx: &Context, depth: u32) -> u32;
}

const PEER: &str = "jsonrpc-bidirectional server";

struct Me;

impl Here for Me {
    fn shout(&self, text: &str) -> String {
        text.to_uppercase()
    }

    async fn bounce(&self, cx: &Context, depth: u32) -> u32 {
        match depth.checked_sub(1) {
            None => 0,
            Some(less) => {
                ForeignClient::new(cx.peer()).bounce(less).await.map_or(u32::MAX, |n| n + 1)
            }
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let url = std::env::args().nth(1).expect("a URL");
    let client = Client::builder().service(HereServer::new(Me)).connect(&url).await;
    let client = client.expect("there is a server");
    let (peer, server) = (&client.peer(), &ForeignClient::new(client.peer()));
    let all = [
        check(PEER, "calls", calls(server)).await,
        check(PEER, "errors keep code and data", errors(server)).await,
        check(PEER, "notifies", notifies(server)).await,
        check(PEER, "is called back", called_back(server)).await,
        check(PEER, "bounces 50 deep", bounces(server)).await,
        check(PEER, "gives up a call, whose late answer harms nothing", gives_up(server)).await,
        check(PEER, "CANNOT take params by name: an error says so", by_name(peer)).await,
        check(PEER, "CANNOT batch: they close the connection", batches(peer)).await,
    ];
    if all.into_iter().all(|passed| passed) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn calls(server: &ForeignClient) -> Checked {
    equal(server.add(1, 2).await?, 3)
}

async fn errors(server: &ForeignClient) -> Checked {
    match server.refuse().await {
        Err(CallError::Method(error)) => {
            equal((error.code, error.message.as_str()), (9, "no"))?;
            // They add their own stack to it.
            let data: serde_json::Value = error.data_as().ok_or("no data")?;
            equal(&data["why"], &1.into())
        }
        other => Err(format!("{other:?}").into()),
    }
}

async fn notifies(server: &ForeignClient) -> Checked {
    server.note("a").await?;
    equal(server.notes().await?, vec!["a".to_owned()])
}

async fn called_back(server: &ForeignClient) -> Checked {
    equal(server.call_back("shout", &["hi".to_owned()]).await?.as_str(), "HI")?;
    let unknown = server.call_back("nonsense", &[]).await;
    match unknown {
        Err(CallError::Remote(error)) => equal(error.code, rpc_core::ErrorCode::METHOD_NOT_FOUND),
        other => Err(format!("{other:?}").into()),
    }
}

async fn bounces(server: &ForeignClient) -> Checked {
    equal(server.bounce(50).await?, 50)
}

async fn gives_up(server: &ForeignClient) -> Checked {
    let late = server.sleep(100).timeout(Duration::from_millis(20)).await;
    equal(matches!(late, Err(CallError::Timeout { .. })), true)?;
    // By then that answer has come, too.
    equal(server.sleep(200).await?, 200)
}

async fn by_name(peer: &Peer) -> Checked {
    let params = std::collections::BTreeMap::from([("a", 1), ("b", 2)]);
    let refused = peer.call::<i64>("add", params).await;
    equal(matches!(refused, Err(CallError::Remote(_))), true)
}

async fn batches(peer: &Peer) -> Checked {
    let batch = peer.batch();
    let call = batch.call::<i64>("add", (1, 2));
    batch.send().await?;
    equal(matches!(call.await, Err(CallError::Closed { .. })), true)
}
