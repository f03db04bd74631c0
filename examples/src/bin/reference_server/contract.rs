//! What the reference server offers, and what it calls of those who connect.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rpc_core::{Base64, Change, Context, Progress, Result, RpcError, Streaming, service};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// What the server offers; the names are those on the wire.
#[service(version = "1.1", schema)]
pub(crate) trait Reference {
    /// The sum; overflow is -32602.
    fn add(&self, a: i64, b: i64) -> Result<i64>;

    /// The value, byte for byte.
    fn echo(&self, value: Box<RawValue>) -> Box<RawValue>;

    /// `hello, NAME`, or with another greeting.
    fn greet(&self, name: &str, greeting: Option<String>) -> String;

    /// Answers `ms` after that time; stops when cancelled.
    async fn sleep(&self, ms: u64) -> u64;

    /// How many `sleep`s ran to their end, over all connections.
    fn slept(&self) -> u64;

    /// Answers with that error.
    fn fail(&self, code: i64, message: String, data: Option<Box<RawValue>>) -> Result<()>;

    /// Answers with the error [`Full`].
    fn typed_fail(&self, max: u32) -> Result<(), Full>;

    /// Panics.
    fn panic(&self);

    /// A string of so many `x`.
    fn big(&self, bytes: u64) -> Xs;

    /// Appends to the connection's list.
    #[notification]
    fn note(&self, cx: &Context, text: String);

    /// The connection's list, in order of arrival.
    fn notes(&self, cx: &Context) -> Vec<String>;

    /// Counts up; the counters are shared by all connections.
    fn incr(&self, key: &str) -> Result<u64, NoRoom>;

    /// What the counter stands at.
    fn count(&self, key: &str) -> u64;

    /// All counters, and how they change.
    fn counters(&self) -> Streaming<Change<BTreeMap<String, u64>>>;

    /// Tells a value to all who take `news`. Answers how many there are.
    fn announce(&self, value: Box<RawValue>) -> Result<usize>;

    /// What is announced, after the last three announcements.
    fn news(&self) -> Streaming<Box<RawValue>>;

    /// Watches a live value of the caller, of which it asks for at most one change in so many milliseconds. Gives the
    /// values as the server has them.
    async fn watch(
        &self,
        cx: &Context,
        method: &str,
        interval_ms: u64,
    ) -> Result<Streaming<Box<RawValue>>>;

    /// Gives the items of a stream of the caller as they come.
    async fn relay(&self, cx: &Context, method: &str) -> Result<Streaming<Box<RawValue>>>;

    /// Wants no notifications of a method from the caller any more, or wants them again.
    fn mute(&self, cx: &Context, method: &str, muted: bool) -> Result<()>;

    /// How many notifications were not sent to the caller, or were not run, as they are muted.
    fn skipped(&self, cx: &Context) -> u64;

    /// The caller as the server sees it.
    fn whoami(&self, cx: &Context) -> Whoami;

    /// What the caller offers, beside what the server calls: `same`, `compatible`, `unknown`, or `differs` with a line
    /// for each difference.
    async fn offers(&self, cx: &Context) -> String;

    /// Calls a method of the caller; its result or error becomes the answer.
    async fn call_back(
        &self,
        cx: &Context,
        method: &str,
        params: Option<Box<RawValue>>,
    ) -> Result<Box<RawValue>>;

    /// 0 for 0; else one more than what the caller's `bounce` says to one less.
    async fn bounce(&self, cx: &Context, depth: u32) -> Result<u32>;

    /// Sends so many `tick`s to the caller, then answers how many.
    async fn push(&self, cx: &Context, n: u32) -> u32;

    /// Puts the caller into a group.
    fn join(&self, cx: &Context, group: &str) -> Result<(), NoRoom>;

    /// Takes the caller out of a group.
    fn leave(&self, cx: &Context, group: &str);

    /// The ids of a group's members.
    fn members(&self, cx: &Context, group: &str) -> Vec<String>;

    /// Sends `message` to each member of a group; answers how many queues took it.
    async fn publish(&self, cx: &Context, group: &str, value: Box<RawValue>) -> Result<usize>;

    /// Calls `answer` of each member of a group; what arrives within `ms`.
    async fn ask(&self, cx: &Context, group: &str, question: &str, ms: u64) -> Vec<Reply>;

    /// Reports each step, then answers `built`.
    async fn build(&self, steps: u32, progress: Progress<Step>) -> String;

    /// 0, 1, … count - 1, one each `every_ms`. A `count` of 0 never ends, an `every_ms` of 0 is as
    /// fast as the reader takes it.
    fn ticks(&self, count: u64, every_ms: u64) -> Streaming<u64>;

    /// `size` bytes in chunks of `chunk`, at most 256 KiB; the last chunk may be shorter.
    fn bytes(&self, size: u64, chunk: u64) -> Streaming<Base64>;

    /// All of them together; overflow is -32602.
    async fn sum(&self, values: Streaming<i64>) -> Result<i64>;

    /// Reads a file, and answers what has come. Reports how many bytes it has read.
    async fn upload(&self, file: Streaming<Base64>, progress: Progress<u64>) -> Result<Uploaded>;

    /// How the server is doing.
    fn stats(&self) -> Stats;
}

/// What a caller may offer to the server, on the same connection.
#[service(version = "1.1", schema)]
pub(crate) trait Caller {
    /// As the server's own.
    async fn bounce(&self, depth: u32) -> Result<u32>;

    /// An item of `push`.
    #[notification]
    async fn tick(&self, n: u32);

    /// What was published to a group.
    #[notification]
    async fn message(&self, group: &str, value: &RawValue);

    /// What is asked of a group.
    async fn answer(&self, question: &str) -> Box<RawValue>;
}

/// An error with a type.
#[derive(Debug, thiserror::Error, RpcError)]
#[error("full: there are {max}")]
#[rpc(code = 1001)]
pub(crate) struct Full {
    pub(crate) max: u32,
}

/// Whatever a caller makes the server keep is bounded.
#[derive(Debug, thiserror::Error, RpcError)]
pub(crate) enum NoRoom {
    /// Of a group or a counter.
    #[error("a name may have {max} bytes")]
    #[rpc(code = 1002)]
    Name { max: usize },
    /// Counters, or groups of one connection.
    #[error("there may be {max}")]
    #[rpc(code = 1003)]
    More { max: usize },
    /// The caller is gone.
    #[error("the connection has ended")]
    #[rpc(code = 1004)]
    Ended,
}

/// A string of so many `x`, which needs no memory before it is written.
#[derive(Debug)]
pub(crate) struct Xs(pub(crate) u64);

impl std::fmt::Display for Xs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const MANY: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
        let whole = MANY.len() as u64;
        (0..self.0 / whole).try_for_each(|_| f.write_str(MANY))?;
        f.write_str(&MANY[..(self.0 % whole) as usize])
    }
}

impl Serialize for Xs {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// A text, as it is written.
impl JsonSchema for Xs {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for Xs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(text.len() as u64))
    }
}

/// How far a `build` has come.
#[derive(Debug, PartialEq, Serialize, serde::Deserialize, JsonSchema)]
pub(crate) struct Step {
    /// From 1.
    pub(crate) step: u32,
    pub(crate) of: u32,
}

/// Who calls.
#[derive(Debug, Serialize, serde::Deserialize, JsonSchema)]
pub(crate) struct Whoami {
    pub(crate) id: String,
    /// Address and port.
    pub(crate) remote: String,
}

/// What a member of a group answered.
#[derive(Debug, Serialize, serde::Deserialize, JsonSchema)]
pub(crate) struct Reply {
    pub(crate) id: String,
    pub(crate) result: Box<RawValue>,
}

/// A file that has come.
#[derive(Debug, Serialize, serde::Deserialize, JsonSchema)]
pub(crate) struct Uploaded {
    pub(crate) bytes: u64,
    /// FNV-1a of 32 bits: a byte that is lost, changed or elsewhere changes it.
    pub(crate) hash: u32,
}

/// Over all connections.
#[derive(Debug, Serialize, serde::Deserialize, JsonSchema)]
pub(crate) struct Stats {
    pub(crate) connections: usize,
    /// Requests being served, the one for this included.
    pub(crate) in_flight: usize,
    /// Calls that the server has made and waits on.
    pub(crate) pending: usize,
    pub(crate) subscriptions: usize,
    pub(crate) groups: usize,
    /// Bytes that wait to be sent.
    pub(crate) queue_bytes: usize,
    /// Alive tasks of the runtime.
    pub(crate) tasks: usize,
    /// Results for calls that were never made, or already answered.
    pub(crate) stray: u64,
    /// How many connections have ended, by close code.
    pub(crate) closes: BTreeMap<String, u64>,
}
