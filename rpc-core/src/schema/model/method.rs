//! A method of a model: its params, what it answers, and its errors.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::method::SubscriptionIds;

/// A method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MethodModel {
    /// The name on the wire.
    pub name: String,
    /// Further names on the wire.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The name in the Rust trait. `None` if the method has no trait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ident: Option<String>,
    /// The documentation, as Markdown. Empty without documentation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub docs: String,
    /// Whether the caller waits, and for what.
    pub call: CallModel,
    /// The parameters on the wire, in order. Also empty if they are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<ParamModel>,
    /// Whether callers should send the params as an object, by name. A service accepts both.
    #[serde(default, skip_serializing_if = "is_off")]
    pub by_name: bool,
    /// Whether callers should send empty params if there is nothing to send.
    #[serde(default, skip_serializing_if = "is_off")]
    pub empty_params: bool,
    /// Whether params with unknown names are ignored.
    #[serde(default, skip_serializing_if = "is_off")]
    pub allow_unknown: bool,
    /// The errors that the method can answer with, in order. Others are possible.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorModel>,
    /// The schema of the progress reports. `None` if the method reports no progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Value>,
    /// How long callers should wait for the answer, in milliseconds. `None` if the trait sets no time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Whether running the method twice has the same effect as running it once.
    #[serde(default, skip_serializing_if = "is_off")]
    pub idempotent: bool,
    /// Whether a request starts only when all earlier requests and notifications have ended.
    #[serde(default, skip_serializing_if = "is_off")]
    pub ordered: bool,
    /// Whether an end that offers the service may lack the method.
    #[serde(default, skip_serializing_if = "is_off")]
    pub optional: bool,
    /// Whether the method is served only to a peer that asks for unstable methods. It may change or go.
    #[serde(default, skip_serializing_if = "is_off")]
    pub unstable: bool,
    /// The version in which the method appeared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Why callers should no longer call the method. `None` if they may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<Deprecation>,
}

/// Whether the caller of a method waits, and for what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
#[non_exhaustive]
pub enum CallModel {
    /// The caller waits for a result.
    #[non_exhaustive]
    Request {
        /// The schema of the result.
        result: Value,
    },
    /// The caller does not wait.
    Notification,
    /// The caller waits for a stream of items.
    Subscription(SubscriptionModel),
}

/// How the items of a subscription come, and how it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SubscriptionModel {
    /// The name of the notifications that carry the items.
    pub item: String,
    /// The name of the method that ends the stream.
    pub unsubscribe: String,
    /// The kind of the stream ids.
    pub ids: SubscriptionIds,
    /// The name of the member of an item's params that holds the id of the stream.
    pub id_member: String,
    /// The first param on the wire, if it selects the method among several with the same name. It is not one of the
    /// [`params`](MethodModel::params).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// The items.
    pub items: StreamModel,
}

/// The items of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StreamModel {
    /// The schema of an item.
    pub schema: Value,
    /// The errors with which the stream may end, in order. Others are possible.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorModel>,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ParamModel {
    /// The name on the wire.
    pub name: String,
    /// The documentation, as Markdown. Empty without documentation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub docs: String,
    /// What the parameter is.
    pub kind: ParamKind,
    /// The schema of the value. For a stream, the schema of an item.
    pub schema: Value,
    /// The type, as the trait writes it. Empty if the type is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rust_type: String,
    /// Whether callers may leave the parameter out.
    #[serde(default, skip_serializing_if = "is_off")]
    pub optional: bool,
    /// The value that replaces a parameter that is left out. An optional parameter without a default is then `null`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub default: Option<Value>,
    /// The errors with which a stream may end. Empty if the parameter is no stream.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorModel>,
}

/// Distinguishes a default that is `null` from no default.
fn present<'de, D: serde::Deserializer<'de>>(de: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(de).map(Some)
}

/// What a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ParamKind {
    /// One of the params.
    Value,
    /// All params: the schema is that of the object. The name is not on the wire.
    All,
    /// A stream, whose items the caller sends one by one. Among the params stands `{"$stream":"id"}`.
    Stream,
}

/// An error that a method can answer with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ErrorModel {
    /// The code.
    pub code: i64,
    /// The name of the Rust variant, or of the type if that is a struct.
    pub name: String,
    /// The documentation, as Markdown. Empty without documentation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub docs: String,
    /// The schema of the data. `None` if the error has no data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

/// Why a method should no longer be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Deprecation {
    /// The version since which the method is deprecated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// What to do instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_off(flag: &bool) -> bool {
    !*flag
}
