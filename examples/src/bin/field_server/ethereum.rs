//! An Ethereum node, as far as wallets need one: a block whenever `evm_mine` is called, each with one log.

mod chain;
mod hex;

use std::future::ready;
use std::sync::Arc;

use futures_util::TryStreamExt;
use rpc_core::{Result, RpcError, Streaming, service};
use rpc_server::{Builder, Rejection, Server};
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

    /// News of one topic; logs only those that the filter takes.
    #[subscription(item = "eth_subscription", unsubscribe = "eth_unsubscribe")]
    fn subscribe(&self, topic: Topic, details: Option<Details>) -> Streaming<News>;
}

/// What nodes for tests know besides.
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

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Topic {
    NewHeads,
    Logs,
    NewPendingTransactions,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Details {
    Logs(Filter),
    /// Whole transactions, not their hashes: as with many nodes there are hashes only.
    Pending(bool),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum News {
    Head(Box<Header>),
    Log(Box<Log>),
    Hash(Data),
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

    fn subscribe(&self, topic: Topic, details: Option<Details>) -> Streaming<News> {
        let filter = match details {
            Some(Details::Logs(filter)) => filter,
            _ => Filter::default(),
        };
        match topic {
            Topic::NewHeads => {
                Streaming::try_new(self.heads.listen().map_ok(|head| News::Head(Box::new(head))))
            }
            Topic::Logs => Streaming::try_new(self.logs.listen().try_filter_map(move |log| {
                let taken = filter.takes(&log).then(|| News::Log(Box::new(log)));
                ready(Ok(taken))
            })),
            Topic::NewPendingTransactions => {
                Streaming::try_new(self.pending.listen().map_ok(News::Hash))
            }
        }
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

pub(crate) fn server() -> Builder {
    let chain = Arc::new(Chain::default());
    Server::builder()
        .service(EthServer::shared(chain.clone()))
        .service(EvmServer::shared(chain.clone()))
        .service(NetServer::shared(chain))
        .service(FieldServer::new(Back))
        .on_connect(|_| async { Ok::<_, Rejection>(Asked::default()) })
}
