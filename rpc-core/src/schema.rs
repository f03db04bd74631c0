//! Descriptions of services, available without a call: for programs that list methods, check names, export schemas or
//! generate code.
//!
//! [`Service::methods`](crate::Service::methods) returns the [`MethodInfo`] of each served method. `ChatClient::INFO`
//! and `ChatServer::INFO` of a `#[service]` trait `Chat` are a [`ServiceInfo`]; they need no implementation.
//!
//! With the feature `schema`, a `Model` joins the descriptions of what both ends offer, and has the JSON Schemas of all
//! types.

#[cfg(feature = "schema")]
mod asyncapi;
#[cfg(feature = "schema")]
mod definitions;
#[cfg(feature = "schema")]
mod diff;
#[cfg(feature = "schema")]
mod digest;
mod discovery;
#[cfg(feature = "schema")]
mod document;
#[cfg(feature = "schema")]
mod model;
#[cfg(feature = "schema")]
mod offer;
#[cfg(feature = "schema")]
mod openrpc;
#[cfg(feature = "schema")]
mod typescript;

#[cfg(feature = "schema")]
pub use crate::error::mismatch::{Mismatch, OfferedVersion};
pub use crate::error::rpc_error::ErrorInfo;
pub use crate::method::{
    Deprecated, MethodFlags, MethodInfo, MethodKind, ParamInfo, ServiceInfo, Stub, SubscriptionIds,
    SubscriptionInfo,
};
#[cfg(feature = "schema")]
pub use diff::{Change, Diff, Pair};
pub use discovery::Discovery;
#[cfg(feature = "schema")]
pub use document::DocumentInfo;
#[cfg(feature = "schema")]
pub use model::{
    CallModel, Definition, Deprecation, End, ErrorModel, MethodModel, Model, ModelBuilder,
    ModelError, ParamKind, ParamModel, ServiceModel, StreamModel, SubscriptionModel,
};
#[cfg(feature = "schema")]
pub use offer::Offer;
#[cfg(feature = "schema")]
pub use openrpc::OpenRpcError;
#[cfg(feature = "schema")]
pub use typescript::{TypeScript, TypeScriptError};
