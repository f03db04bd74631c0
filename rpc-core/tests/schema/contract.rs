//! Services with one of everything.

use std::collections::BTreeMap;

use rpc_core::schema::Model;
use rpc_core::{Base64, Context, Progress, RpcError, SizedBase64, Streaming, service};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rooms to talk in.
#[service(namespace = "chat", schema)]
pub(crate) trait Chat {
    /// Joins a room. Others see it.
    ///
    /// At once.
    #[method(aliases("enter"), idempotent, timeout = "2s")]
    async fn join(
        &self,
        cx: &Context,
        /// The room.
        room: &str,
        #[param(rename = "lang", default)] language: String,
        seat: Option<u8>,
    ) -> Result<Page<User>, ChatError>;
    #[notification]
    async fn say(&self, text: &str, to: Vec<Recipient>);
    /// What is said from now on.
    async fn listen(&self, room: &str) -> Result<Streaming<Message, FeedError>, ChatError>;
    /// Stores a file.
    async fn upload(
        &self,
        name: &str,
        chunks: Streaming<SizedBase64, FeedError>,
        progress: Progress<u64>,
    ) -> Result<Base64, ChatError>;
    /// Changes settings.
    async fn configure(&self, #[param(flatten)] settings: Settings) -> Settings;
    async fn all(&self) -> Page<Message>;
}

/// Names of a node.
#[service(schema)]
pub(crate) trait Node {
    /// New heads.
    #[subscription(
        name = "subscribe",
        selector = "heads",
        item = "item",
        unsubscribe = "stop",
        id = "number"
    )]
    async fn heads(&self) -> Streaming<u64>;
    /// Log lines.
    #[subscription(
        name = "subscribe",
        selector = "logs",
        item = "item",
        unsubscribe = "stop",
        id = "number"
    )]
    async fn logs(&self, level: Level) -> Streaming<String>;
}

/// What clients offer.
#[service(namespace = "chatter", version = "1.2", schema)]
pub(crate) trait Chatter {
    /// Asks the user.
    #[deprecated(since = "1.2.0", note = "call `ask`")]
    #[method(since = "1.0")]
    async fn confirm(&self, question: &str, settings: Settings) -> bool;
    #[notification]
    async fn news(&self, message: Message);
    /// Draws a picture; answers what is on the screen then.
    #[method(unstable)]
    async fn draw(&self, picture: Base64) -> Option<Base64>;
    #[subscription(unstable)]
    async fn watch(&self) -> Streaming<Base64>;
}

/// Someone who talks.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct User {
    /// The name that others see.
    pub(crate) name: String,
    pub(crate) friends: Vec<User>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Page<T> {
    pub(crate) rows: Vec<T>,
    pub(crate) next: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Message {
    Text { from: User, text: String },
    Left { at: (i32, i32) },
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) enum Recipient {
    Everyone,
    User(String),
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Info,
    Error,
}

/// What is read and what is written differ: a field with a default may be missing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Settings {
    #[serde(default)]
    pub(crate) loud: bool,
    pub(crate) colors: BTreeMap<String, u32>,
}

#[derive(Debug, thiserror::Error, RpcError)]
pub(crate) enum ChatError {
    /// No place is left.
    #[error("full")]
    #[rpc(code = 1001)]
    Full { max: u32, until: Option<String> },
    #[error("no room {0}")]
    #[rpc(code = 1002)]
    NoRoom(String),
    #[error("not a member")]
    #[rpc(code = 1003)]
    NotMember,
    #[error("taken by {0}, {1}")]
    #[rpc(code = 1004)]
    Taken(User2, u8),
}

/// A name that ends in a number, though no other type is called `User`'s second.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct User2 {
    pub(crate) id: u64,
}

impl std::fmt::Display for User2 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.id)
    }
}

#[derive(Debug, thiserror::Error, RpcError)]
#[error("the feed was lost")]
#[rpc(code = 2001)]
pub(crate) struct FeedError;

/// The model of the server.
pub(crate) fn server() -> Model {
    let model = Model::server().serves(ChatServer::INFO).serves(NodeServer::INFO);
    model.calls(ChatterClient::INFO).build().unwrap()
}

/// The model of the client.
pub(crate) fn client() -> Model {
    let model = Model::client().serves(ChatterServer::INFO).calls(ChatClient::INFO);
    model.calls(NodeClient::INFO).build().unwrap()
}
