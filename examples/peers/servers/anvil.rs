//! A transaction is sent to anvil, a node of Ethereum, and both the block and the log that come of it are heard of.

use rpc_client::Client;
use rpc_core::{CallError, Peer, Result, Streaming, service};
use serde::{Deserialize, Serialize};

use crate::checks::{Checked, check, equal};

#[service(namespace = "eth", separator = "_", rename_all = "camelCase")]
trait Ethereum {
    fn accounts(&self) -> Vec<String>;
    fn block_number(&self) -> String;
    fn get_transaction_receipt(&self, hash: &str) -> Option<Receipt>;
    fn send_transaction(&self, transaction: Transaction) -> Result<String>;
    #[subscription(
        name = "subscribe",
        selector = "newHeads",
        item = "eth_subscription",
        unsubscribe = "eth_unsubscribe"
    )]
    fn heads(&self) -> Result<Streaming<Head>>;
    #[subscription(
        name = "subscribe",
        selector = "logs",
        item = "eth_subscription",
        unsubscribe = "eth_unsubscribe"
    )]
    fn logs(&self, filter: Filter) -> Result<Streaming<Log>>;
}

/// Methods that only nodes for tests have.
#[service(namespace = "evm", separator = "_")]
trait Evm {
    fn mine(&self) -> String;
}

#[derive(Deserialize, Serialize)]
struct Transaction {
    from: String,
    data: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    block_hash: String,
    contract_address: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct Head {
    hash: String,
    number: String,
}

#[derive(Deserialize, Serialize)]
struct Filter {
    topics: Vec<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    address: String,
    block_hash: String,
    data: String,
}

/// A contract that logs 42 under the topic 7 when it is made, and is nothing then.
const LOGS_42: &str = "0x602a600052600760206000a100";

fn word(number: u8) -> String {
    format!("0x{number:064x}")
}

const PEER: &str = "anvil";

pub(crate) async fn passes(url: &str) -> bool {
    let client = Client::builder().connect(url).await.expect("there is a server");
    let (peer, node) = (&client.peer(), &EthereumClient::new(client.peer()));
    let all = [
        check(PEER, "blocks and logs are heard of", subscribes(node)).await,
        check(PEER, "unsubscribes by dropping", unsubscribes(peer, node)).await,
        check(PEER, "errors keep code and message", errors(node)).await,
        check(PEER, "CANNOT take params by name: an error says so", by_name(peer)).await,
        check(PEER, "batch", batches(peer)).await,
        check(PEER, "a batch of 1,000", large_batch(peer)).await,
    ];
    all.into_iter().all(|passed| passed)
}

async fn subscribes(node: &EthereumClient) -> Checked {
    let mut heads = node.heads().await?;
    let filter = Filter { topics: vec![word(7)] };
    let mut logs = node.logs(filter).await?;

    let from = node.accounts().await?.into_iter().next().ok_or("no account")?;
    let sent = node.send_transaction(Transaction { from, data: LOGS_42.to_owned() }).await?;
    let head = heads.next().await.ok_or("no head")??;
    let log = logs.next().await.ok_or("no log")??;
    equal((&log.block_hash, log.data), (&head.hash, word(42)))?;

    let receipt = node.get_transaction_receipt(&sent).await?.ok_or("no receipt")?;
    equal((receipt.block_hash, receipt.contract_address), (head.hash, Some(log.address)))?;
    equal(node.block_number().await?, head.number)
}

async fn unsubscribes(peer: &Peer, node: &EthereumClient) -> Checked {
    drop(node.heads().await?);
    // Behind the unsubscribe call, whose answer nobody waits for.
    EvmClient::new(peer.clone()).mine().await?;
    node.block_number().await?;
    let stats = peer.stats();
    equal((stats.subscriptions, stats.counters.stray), (0, 0))
}

async fn errors(node: &EthereumClient) -> Checked {
    let transaction = Transaction { from: "0x12".to_owned(), data: String::new() };
    match node.send_transaction(transaction).await {
        Err(CallError::Remote(error)) => equal(error.code, rpc_core::ErrorCode::INVALID_PARAMS),
        other => Err(format!("{other:?}").into()),
    }
}

async fn by_name(peer: &Peer) -> Checked {
    let params = std::collections::BTreeMap::from([("block", "latest")]);
    let refused = peer.call::<()>("eth_getBlockTransactionCountByNumber", params).await;
    let invalid = rpc_core::ErrorCode::INVALID_PARAMS;
    equal(matches!(refused, Err(CallError::Remote(error)) if error.code == invalid), true)
}

async fn batches(peer: &Peer) -> Checked {
    let batch = peer.batch();
    let node = EthereumClient::new(&batch);
    let (accounts, unknown) = (node.accounts(), batch.call::<()>("eth_nonsense", ()));
    batch.send().await?;
    equal(accounts.await?.len(), 10)?;
    // To it, a method that it does not know is a mistake in the params.
    let invalid = rpc_core::ErrorCode::INVALID_PARAMS;
    equal(matches!(unknown.await, Err(CallError::Remote(error)) if error.code == invalid), true)
}

async fn large_batch(peer: &Peer) -> Checked {
    let batch = peer.batch();
    let node = EthereumClient::new(&batch);
    let numbers: Vec<_> = (0..1_000).map(|_| node.block_number()).collect();
    batch.send().await?;
    for number in numbers {
        number.await?;
    }
    Ok(())
}
