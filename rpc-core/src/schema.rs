//! What a service tells of itself without a call: for programs that list methods, check names, export schemas or
//! generate code.
//!
//! [`Service::methods`](crate::Service::methods) gives the [`MethodInfo`] of each method that is served.
//! `ChatClient::INFO` and `ChatServer::INFO` of a `#[service]` trait `Chat` are a [`ServiceInfo`], which needs no
//! implementation.

pub use crate::error::rpc_error::ErrorInfo;
pub use crate::method::{
    MethodFlags, MethodInfo, MethodKind, ParamInfo, ServiceInfo, SubscriptionIds, SubscriptionInfo,
};
