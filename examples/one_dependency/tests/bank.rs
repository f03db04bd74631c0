//! Generated code finds `rpc-core` through `rpc-server`, the only dependency of this package on the workspace.

use std::fmt;

use rpc_server::Server;
use rpc_server::rpc_core::{CallError, Context, Progress, RpcError, Streaming, memory, service};

/// An account, with a feature of each kind.
#[service(crate = rpc_server::rpc_core, namespace = "bank")]
trait Bank {
    /// Takes from the account.
    async fn withdraw(&self, cx: &Context, cents: u64) -> Result<u64, Broke>;
    /// Adds up what comes.
    async fn pay_in(&self, cents: Streaming<u64>, progress: Progress<u64>) -> u64;
    /// Counts down.
    async fn count(&self, from: u64) -> Streaming<u64>;
    /// Writes a line.
    #[notification]
    fn note(&self, line: &str);
}

/// The methods that each caller offers.
#[service(crate = rpc_server::rpc_core, dyn)]
trait Holder {
    async fn confirm(&self, cents: u64) -> bool;
}

/// There is less.
#[derive(Debug, PartialEq, RpcError)]
#[rpc(code = 1001, crate = rpc_server::rpc_core)]
struct Broke;

impl fmt::Display for Broke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is less than that")
    }
}

impl std::error::Error for Broke {}

struct Account;

impl Bank for Account {
    async fn withdraw(&self, cx: &Context, cents: u64) -> Result<u64, Broke> {
        let is_confirmed = HolderClient::new(cx.peer()).confirm(cents).await.unwrap_or(false);
        if is_confirmed && cents <= 100 { Ok(100 - cents) } else { Err(Broke) }
    }

    async fn pay_in(&self, mut cents: Streaming<u64>, progress: Progress<u64>) -> u64 {
        let mut sum = 0;
        while let Some(Ok(cents)) = cents.next().await {
            sum += cents;
            progress.report(&sum);
        }
        sum
    }

    async fn count(&self, from: u64) -> Streaming<u64> {
        let (sender, stream) = Streaming::channel(8);
        for n in (0..from.min(8)).rev() {
            sender.send(n).await.expect("there is room for eight");
        }
        stream
    }

    fn note(&self, line: &str) {
        assert_eq!(line, "written");
    }
}

struct Yes;

impl Holder for Yes {
    async fn confirm(&self, _cents: u64) -> bool {
        true
    }
}

#[tokio::test]
async fn a_program_with_one_dependency_serves_and_calls() {
    let (peer, _) = memory::pair(HolderServer::new(Yes), BankServer::new(Account));
    let bank = BankClient::new(peer);
    assert_eq!(bank.withdraw(30).await, Ok(70));
    assert_eq!(bank.withdraw(130).await, Err(CallError::Method(Broke)));
    let mut count = bank.count(2).await.unwrap();
    assert_eq!(count.next().await.unwrap().unwrap(), 1);
    let (sender, cents) = Streaming::channel(1);
    sender.send(5).await.unwrap();
    drop(sender);
    assert_eq!(bank.pay_in(cents).on_progress(drop).await, Ok(5));
    bank.note("written").await.unwrap();
    let server = Server::builder().service(BankServer::new(Account)).bind("127.0.0.1:0").await;
    assert!(server.unwrap().url().starts_with("ws://127.0.0.1:"));
}
