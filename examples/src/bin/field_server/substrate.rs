//! A Substrate node, as far as clients speak JSON-RPC with one: its methods name themselves, and a header comes
//! whenever `engine_createBlock` is called.

use std::sync::{Arc, Mutex};

use rpc_core::{Result, RpcError, Streaming, service};
use rpc_server::{Rejection, Server, ServerBuilder};
use serde::{Deserialize, Serialize};

use crate::back::{Asked, Back, FieldServer};
use crate::feed::Feed;

#[service(namespace = "chain", separator = "_", rename_all = "camelCase")]
pub(crate) trait ChainApi {
    /// The header of a block, of the last one unless said otherwise.
    fn get_header(&self, hash: Option<String>) -> Option<Header>;

    fn get_block_hash(&self, number: Option<u32>) -> Result<String, NoBlock>;

    #[subscription(item = "chain_newHead", unsubscribe = "chain_unsubscribeNewHeads")]
    fn subscribe_new_heads(&self) -> Streaming<Header>;
}

/// Blocks by hand, as a development node makes them.
#[service(namespace = "engine", separator = "_", rename_all = "camelCase")]
pub(crate) trait Engine {
    fn create_block(&self, empty: bool, finalize: bool) -> Header;
}

#[service(namespace = "system", separator = "_", rename_all = "camelCase")]
pub(crate) trait System {
    fn chain(&self) -> String;
    fn health(&self) -> Health;
}

#[service(namespace = "rpc", separator = "_", rename_all = "camelCase")]
pub(crate) trait Rpc {
    fn methods(&self) -> Methods;
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Header {
    number: String,
    parent_hash: String,
    state_root: String,
    extrinsics_root: String,
    digest: Digest,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Digest {
    logs: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Health {
    peers: u32,
    is_syncing: bool,
    should_have_peers: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Methods {
    methods: Vec<String>,
}

#[derive(Debug, thiserror::Error, RpcError)]
#[error("no block {number}")]
#[rpc(code = 1010)]
pub(crate) struct NoBlock {
    number: u32,
}

/// The headers so far, the first one from the start.
struct Node {
    headers: Mutex<Vec<Header>>,
    new: Feed<Header>,
}

impl ChainApi for Node {
    fn get_header(&self, hash: Option<String>) -> Option<Header> {
        let headers = self.headers.lock().unwrap();
        match hash {
            Some(hash) => (0..)
                .zip(&*headers)
                .find(|(n, _)| hash_of(*n) == hash)
                .map(|(_, header)| header.clone()),
            None => headers.last().cloned(),
        }
    }

    fn get_block_hash(&self, number: Option<u32>) -> Result<String, NoBlock> {
        let blocks = self.headers.lock().unwrap().len() as u32;
        match number.unwrap_or(blocks - 1) {
            number if number < blocks => Ok(hash_of(number)),
            number => Err(NoBlock { number }),
        }
    }

    fn subscribe_new_heads(&self) -> Streaming<Header> {
        Streaming::try_new(self.new.listen())
    }
}

impl Engine for Node {
    fn create_block(&self, _empty: bool, _finalize: bool) -> Header {
        let mut headers = self.headers.lock().unwrap();
        let header = Header::of(headers.len() as u32);
        headers.push(header.clone());
        self.new.publish(header.clone());
        header
    }
}

impl System for Node {
    fn chain(&self) -> String {
        "Development".into()
    }

    fn health(&self) -> Health {
        Health { peers: 0, is_syncing: false, should_have_peers: false }
    }
}

impl Rpc for Node {
    fn methods(&self) -> Methods {
        let known = [
            "chain_getBlockHash",
            "chain_getHeader",
            "chain_subscribeNewHeads",
            "chain_unsubscribeNewHeads",
            "engine_createBlock",
            "rpc_methods",
            "system_chain",
            "system_health",
        ];
        Methods { methods: known.map(String::from).to_vec() }
    }
}

impl Header {
    fn of(number: u32) -> Self {
        let root = hash_of(0x5007);
        let parent_hash = hash_of(number.saturating_sub(1));
        let number = format!("{number:#x}");
        Self {
            number,
            parent_hash,
            state_root: root.clone(),
            extrinsics_root: root,
            digest: Digest::default(),
        }
    }
}

fn hash_of(number: u32) -> String {
    format!("0x{number:064x}")
}

pub(crate) fn server() -> ServerBuilder {
    let headers = Mutex::new(vec![Header::of(0)]);
    let node = Arc::new(Node { headers, new: Feed::default() });
    Server::builder()
        .service(ChainApiServer::shared(node.clone()))
        .service(EngineServer::shared(node.clone()))
        .service(SystemServer::shared(node.clone()))
        .service(RpcServer::shared(node))
        .service(FieldServer::new(Back))
        .on_connect(|_| async { Ok::<_, Rejection>(Asked::default()) })
}
