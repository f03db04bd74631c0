//! An Ethereum node, as far as wallets need one: a block whenever `evm_mine` is called, each with one log.

mod chain;
mod hex;

use std::future::ready;
use std::sync::Arc;

use futures_util::TryStreamExt;
use rpc_core::{Result, RpcError, Streaming, service};
use rpc_server::{Rejection, Server, ServerBuilder};
use serde::{Deserialize, Serialize};

use crate::back::{Asked, Back, FieldServer};
use chain::{Block, Chain, Filter, Header, Log};
use hex::{Data, Quantity};

#[service(namespace = "eth", separator = "_", rename_all = "camelCase")]
pub(crate) trait Eth {
    fn chain_id(&self) -> Quantity;
    fn block_number(&self) -> Quantity;
    fn get_block_by_number(&self, block: BlockTag, full: bool) -> Option<Block>;
    fn get_logs(&self, filter: Filter) -> Vec<Log>;
    /// Runs a contract: all of them refuse.
    fn call(&self, call: Call, block: Option<BlockTag>) -> Result<Data, Failure>;

    #[subscription(
        name = "subscribe",
        selector = "newHeads",
        item = "eth_subscription",
        unsubscribe = "eth_unsubscribe"
    )]
    fn new_heads(&self) -> Streaming<Header>;
    #[subscription(
        name = "subscribe",
        selector = "logs",
        item = "eth_subscription",
        unsubscribe = "eth_unsubscribe"
    )]
    fn logs(&self, filter: Option<Filter>) -> Streaming<Log>;
    /// Their hashes, also for who asks for all of them (`full`), as with many nodes.
    #[subscription(
        name = "subscribe",
        selector = "newPendingTransactions",
        item = "eth_subscription",
        unsubscribe = "eth_unsubscribe"
    )]
    fn pending_transactions(&self, full: Option<bool>) -> Streaming<Data>;
}

/// Methods that only nodes for tests have.
#[service(namespace = "evm", separator = "_")]
pub(crate) trait Evm {
    fn mine(&self) -> Quantity;
}

#[service(namespace = "net", separator = "_")]
pub(crate) trait Net {
    fn version(&self) -> String;
}

#[derive(Debug, thiserror::Error, RpcError)]
pub(crate) enum Failure {
    #[error("execution reverted: out of stock")]
    #[rpc(code = 3)]
    Reverted(Data),
}

/// A call of a contract, of which nothing matters here but where it goes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Call {
    to: Option<String>,
}

/// `latest` and the like, or a number.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum BlockTag {
    Number(Quantity),
    Named(String),
}

impl Eth for Chain {
    fn chain_id(&self) -> Quantity {
        Quantity(1337)
    }

    fn block_number(&self) -> Quantity {
        self.last().header.number
    }

    fn get_block_by_number(&self, block: BlockTag, _full: bool) -> Option<Block> {
        match block {
            BlockTag::Number(number) => self.block(number),
            BlockTag::Named(_) => Some(self.last()),
        }
    }

    fn get_logs(&self, filter: Filter) -> Vec<Log> {
        self.logs_of(&filter)
    }

    fn call(&self, _call: Call, _block: Option<BlockTag>) -> Result<Data, Failure> {
        Err(Failure::Reverted(Data::error("out of stock")))
    }

    fn new_heads(&self) -> Streaming<Header> {
        Streaming::try_new(self.heads.listen())
    }

    fn logs(&self, filter: Option<Filter>) -> Streaming<Log> {
        let filter = filter.unwrap_or_default();
        let logs = self.logs.listen();
        Streaming::try_new(logs.try_filter(move |log| ready(filter.takes(log))))
    }

    fn pending_transactions(&self, _full: Option<bool>) -> Streaming<Data> {
        Streaming::try_new(self.pending.listen())
    }
}

impl Evm for Chain {
    fn mine(&self) -> Quantity {
        self.mine_one()
    }
}

impl Net for Chain {
    fn version(&self) -> String {
        "1337".into()
    }
}

pub(crate) fn server() -> ServerBuilder {
    let chain = Arc::new(Chain::default());
    Server::builder()
        .service(EthServer::shared(chain.clone()))
        .service(EvmServer::shared(chain.clone()))
        .service(NetServer::shared(chain))
        .service(FieldServer::new(Back))
        .on_connect(|_| async { Ok::<_, Rejection>(Asked::default()) })
}
