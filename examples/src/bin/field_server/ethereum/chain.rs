//! The blocks, and what listeners hear of them.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::hex::{Data, Quantity};
use crate::feed::Feed;

/// A chain that grows by a block whenever it is told to.
pub(crate) struct Chain {
    /// The first one is there from the start.
    blocks: Mutex<Vec<Block>>,
    pub(super) heads: Feed<Header>,
    pub(super) logs: Feed<Log>,
    pub(super) pending: Feed<Data>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Header {
    pub(crate) number: Quantity,
    hash: Data,
    parent_hash: Data,
    timestamp: Quantity,
    nonce: Data,
    difficulty: Quantity,
    gas_limit: Quantity,
    gas_used: Quantity,
    base_fee_per_gas: Quantity,
    miner: Data,
    extra_data: Data,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Block {
    #[serde(flatten)]
    pub(crate) header: Header,
    transactions: Vec<Data>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Log {
    address: Data,
    topics: Vec<Data>,
    data: Data,
    block_number: Quantity,
    block_hash: Data,
    transaction_hash: Data,
    transaction_index: Quantity,
    log_index: Quantity,
    removed: bool,
}

/// Which logs somebody wants; what is not said takes all.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Filter {
    address: Option<OneOf>,
    /// By place; `None` takes any topic there.
    topics: Vec<Option<OneOf>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum OneOf {
    One(Data),
    Any(Vec<Data>),
}

impl OneOf {
    fn takes(&self, data: &Data) -> bool {
        match self {
            Self::One(one) => one == data,
            Self::Any(any) => any.is_empty() || any.contains(data),
        }
    }
}

impl Filter {
    pub(super) fn takes(&self, log: &Log) -> bool {
        let place = |(place, wanted): (usize, &Option<OneOf>)| match (wanted, log.topics.get(place))
        {
            (None, _) => true,
            (Some(wanted), topic) => topic.is_some_and(|topic| wanted.takes(topic)),
        };
        self.address.as_ref().is_none_or(|address| address.takes(&log.address))
            && self.topics.iter().enumerate().all(place)
    }
}

impl Default for Chain {
    fn default() -> Self {
        let blocks = Mutex::new(vec![Block::of(0)]);
        Self { blocks, heads: Feed::default(), logs: Feed::default(), pending: Feed::default() }
    }
}

impl Chain {
    /// The new block's number.
    pub(super) fn mine_one(&self) -> Quantity {
        let block = {
            let mut blocks = self.blocks.lock().unwrap();
            let block = Block::of(blocks.len() as u64);
            blocks.push(block.clone());
            block
        };
        self.pending.publish(block.transactions[0].clone());
        self.logs.publish(Log::of(&block));
        let number = block.header.number;
        self.heads.publish(block.header);
        number
    }

    pub(super) fn last(&self) -> Block {
        self.blocks.lock().unwrap().last().expect("the first one is always there").clone()
    }

    pub(super) fn block(&self, number: Quantity) -> Option<Block> {
        self.blocks.lock().unwrap().get(usize::try_from(number.0).ok()?).cloned()
    }

    pub(super) fn logs_of(&self, filter: &Filter) -> Vec<Log> {
        let blocks = self.blocks.lock().unwrap();
        blocks.iter().skip(1).map(Log::of).filter(|log| filter.takes(log)).collect()
    }
}

impl Block {
    fn of(number: u64) -> Self {
        let header = Header {
            number: Quantity(number),
            hash: Data::padded(32, 0xb10c_0000 + number),
            parent_hash: Data::padded(32, (0xb10c_0000 + number).saturating_sub(1)),
            timestamp: Quantity(1_700_000_000 + 12 * number),
            nonce: Data::padded(8, 0),
            difficulty: Quantity(0),
            gas_limit: Quantity(30_000_000),
            gas_used: Quantity(21_000),
            base_fee_per_gas: Quantity(7),
            miner: Data::padded(20, 0),
            extra_data: Data::from_hex("0x"),
        };
        Self { header, transactions: vec![Data::padded(32, 0x7a_0000 + number)] }
    }
}

impl Log {
    /// `event Mined(uint256 indexed number)` of the one contract that there is.
    fn of(block: &Block) -> Self {
        const MINED: &str = "0x4229d50c63dbdc5551dd68e0a9879b01ac250cb31feaeba7588533462e6c7aaa";
        let number = block.header.number;
        Self {
            address: Data::padded(20, 0xc0de),
            topics: vec![Data::from_hex(MINED), Data::padded(32, number.0)],
            data: Data::from_hex("0x"),
            block_number: number,
            block_hash: block.header.hash.clone(),
            transaction_hash: block.transactions[0].clone(),
            transaction_index: Quantity(0),
            log_index: Quantity(0),
            removed: false,
        }
    }
}
